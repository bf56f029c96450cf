"""How to connect: arguments over MATRIXONE_* variables over a URL over defaults."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal, TypedDict

from sqlalchemy import URL

from matrixone_core.connection_url import parse_url
from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.secrets import Secret, mask
from matrixone_core.setting_checks import CHECKS, OnConnect, SslMode, check_password, check_text

VARIABLES: Mapping[str, str] = {
    f"MATRIXONE_{name.upper()}": name
    for name in ("url", "host", "port", "user", "password", "database", "account", "role", "ssl_mode", "ssl_ca")
}


SECRETS = ("password", "url")  # the settings that hold one
DEFAULT_PASSWORD = Secret("111")  # the one that every MatrixOne server begins with


class ConnectArguments(TypedDict, total=False):
    """The settings of `connect`, as keyword arguments of the clients."""

    url: str | None
    host: str | None
    port: int | None
    user: str | None
    password: str | None
    database: str | None
    account: str | None
    role: str | None
    ssl_mode: SslMode | None
    ssl_ca: str | None
    ssl_cert: str | None
    ssl_key: str | None
    connect_timeout: float
    read_timeout: float | None
    timeout: float | None
    lock_timeout: int | None
    time_zone: str | None
    pool_size: int
    max_overflow: int
    pool_timeout: float
    pool_recycle: int
    reserve_size: int
    wait: float | None
    slow_query_threshold: float | None
    on_connect: OnConnect | Sequence[OnConnect] | None


@dataclass(frozen=True)
class Settings:
    """How to connect. Secrets do not show in its repr.

    Args:
        host: the server's name or address.
        port: its port.
        user: the user's name, without account and role.
        password: the password.
        database: the database to begin in.
        account: the account (tenant) to log in to.
        role: the role to take on.
        ssl_mode: `disabled`, `required` (encrypted), `verify_ca` (and the certificate checked), `verify_identity` (and
            the host's name). None encrypts where `ssl_ca` or `ssl_cert` is given.
        ssl_ca: a PEM file with the authorities to trust.
        ssl_cert: a PEM file with the client's certificate.
        ssl_key: a PEM file with its key.
        connect_timeout: seconds for making a connection, login included.
        read_timeout: seconds that the server may be silent while a reply is awaited; None for ever.
        timeout: seconds that a statement may take before it is stopped on the server; None for ever. `timeout=` of a
            call comes before it.
        lock_timeout: seconds to wait for a lock, whole ones; None for the server's default (120).
        time_zone: of the session, `+08:00` or a name; None for the server's.
        pool_size: connections that stay open.
        max_overflow: how many more may be open at once.
        pool_timeout: seconds to wait for a connection when all are in use.
        pool_recycle: seconds after which a connection is replaced.
        reserve_size: connections beside the pool, as many for what a server refuses inside a transaction and as many
            for stopping statements, so that neither waits for the pool or for the other.
        wait: seconds to keep trying while a server starts; None tries once.
        slow_query_threshold: seconds from which on a statement is logged with WARNING, without its values; None logs
            none.
        on_connect: functions that are called with each new connection: a DBAPI connection with `cursor()`. What they
            do is committed. Both clients call them alike, so they are no coroutine functions.
    """

    host: str = "127.0.0.1"
    port: int = 6001
    user: str = "root"
    password: Secret = DEFAULT_PASSWORD
    database: str | None = None
    account: str | None = None
    role: str | None = None
    ssl_mode: str | None = None
    ssl_ca: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    connect_timeout: float = 10
    read_timeout: float | None = None
    timeout: float | None = None
    lock_timeout: int | None = None
    time_zone: str | None = None
    pool_size: int = 10
    max_overflow: int = 20
    pool_timeout: float = 30
    pool_recycle: int = 1800
    reserve_size: int = 4
    wait: float | None = None
    slow_query_threshold: float | None = None
    on_connect: tuple[OnConnect, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "password", mask(self.password))  # not to be seen in the traceback of what follows
        check_password("password", self.password)

    @classmethod
    def resolve(cls, environment: Mapping[str, str], *arguments: Mapping[str, Any]) -> Settings:
        """The settings that defaults, environment and arguments come to, later ones first.

        Args:
            environment: the process's variables.
            arguments: keyword arguments, those of later mappings over those of earlier ones; None says nothing.

        Raises:
            InvalidArgument: one of them cannot be.
        """
        said = _from_environment(environment)
        del environment  # its values are not to be seen in a traceback
        parsed: dict[str, Any] = {}
        if url := said.pop("url", None):
            parsed |= parse_url(url, "MATRIXONE_URL")
        parsed |= said
        given = {name: value for some in arguments for name, value in _hide_secrets(some).items() if value is not None}
        del arguments
        if url := given.pop("url", None):
            parsed |= parse_url(url, "url")
        return cls().with_(parsed | given)

    def with_(self, overrides: Mapping[str, Any]) -> Settings:
        """These settings with others in their place, checked.

        Raises:
            InvalidArgument: one of them cannot be, or does not go with the rest.
        """
        overrides = _hide_secrets(overrides)
        known = {field.name for field in fields(self)}
        values: dict[str, Any] = {}
        for name, value in overrides.items():
            if name not in known:
                raise InvalidArgument(f"there is no setting {show(name)}; {_nearest(name, {*known, 'url'})}")
            values[name] = CHECKS.get(name, check_text)(name, value)
        settings = replace(self, **values)
        if settings.role is not None and settings.account is None:
            settings = replace(settings, account="sys")  # a login names its account before its role
        for name in ("account", "user", "role"):
            value = getattr(settings, name)
            if value is not None and re.search(r"[:#]", value):
                raise InvalidArgument(
                    f"{name}={show(value)} cannot have ':' or '#' in it; give account=, user= and role="
                )
        if settings.ssl_key is not None and settings.ssl_cert is None:
            raise InvalidArgument("ssl_key is given without ssl_cert, the certificate that it belongs to")
        return settings

    @property
    def login(self) -> str:
        """The name to log in with: `user`, `account:user` or `account:user:role` (server-facts 46)."""
        return ":".join(part for part in (self.account, self.user, self.role) if part is not None)

    @property
    def where(self) -> str:
        """The server and the user, for messages."""
        return where(self.host, self.port, self.login)

    def sqlalchemy_url(self, driver: Literal["pymysql", "aiomysql"]) -> URL:
        """The URL for SQLAlchemy's `create_engine` or `create_async_engine`; its repr masks the password."""
        options = {
            name: str(value)
            for name in ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "connect_timeout", "lock_timeout", "time_zone")
            if (value := getattr(self, name)) is not None
        }
        return URL.create(
            f"matrixone+{driver}", self.login, self.password.reveal(), self.host, self.port, self.database, options
        )

    @property
    def pool(self) -> dict[str, Any]:
        """The settings of SQLAlchemy's connection pool."""
        return {
            "pool_size": self.pool_size,
            "max_overflow": self.max_overflow,
            "pool_timeout": self.pool_timeout,
            "pool_recycle": self.pool_recycle,
            "pool_pre_ping": True,
        }

    @property
    def reserve(self) -> dict[str, Any]:
        """The settings of the small pools beside it."""
        return self.pool | {"pool_size": self.reserve_size, "max_overflow": 0}

    @property
    def concurrent_pool(self) -> dict[str, Any]:
        """The settings of the pool for what works at once: as many connections as are asked for, of which few stay."""
        return self.reserve | {"max_overflow": -1}

    def within(self, seconds: float) -> Settings:
        """These settings for connections that are to be had in so many seconds, or not at all."""
        return replace(
            self,
            connect_timeout=min(self.connect_timeout, seconds),
            pool_timeout=min(self.pool_timeout, seconds),
            timeout=seconds,
        )


def where(host: str | None, port: int | None, login: str | None) -> str:
    """Name a server and a user, for messages."""
    return f"{host}:{port} as {login}"


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the variables say, by the settings' names, the URL unread; secrets are masked."""
    found = {name: environment[variable] for variable, name in VARIABLES.items() if environment.get(variable)}
    return _hide_secrets(found)


def _hide_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, those masked that may hold a secret: plain ones must not be seen in a traceback."""
    return {name: mask(value) if may_hold_secret(name) else value for name, value in arguments.items()}


def may_hold_secret(name: str) -> bool:
    """Whether a setting holds a secret, or is none that there is: `passwort` is a password misspelled."""
    return name in SECRETS or name not in ConnectArguments.__annotations__


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"did you mean {show(near[0])}?" if near else f"the settings are {', '.join(sorted(known))}"
