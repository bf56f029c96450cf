"""The settings of a connection, from arguments, MATRIXONE_* variables, a URL and defaults, in this order."""

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


SECRETS = ("password", "url")  # the settings that contain a secret
DEFAULT_PASSWORD = Secret("111")  # of user root on a new MatrixOne server


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
    """The settings of a connection. Its repr shows no secrets.

    Args:
        host: name or address of the server.
        port: port of the server.
        user: name of the user, without account and role.
        password: password of the user.
        database: default database of new connections. None selects none.
        account: account (tenant) to log in to. None leaves it to the server.
        role: role to assume. None leaves it to the server.
        ssl_mode: `disabled`, `required` (encrypt), `verify_ca` (also verify the certificate) or `verify_identity` (also
            verify the host name). None encrypts if `ssl_ca` or `ssl_cert` is given.
        ssl_ca: path of a PEM file with trusted certificate authorities.
        ssl_cert: path of a PEM file with the client's certificate.
        ssl_key: path of a PEM file with the certificate's key.
        connect_timeout: limit in seconds for opening a connection, including the login.
        read_timeout: limit in seconds for the server's silence while a reply is awaited. None means no limit.
        timeout: limit in seconds for a statement, after which it is stopped on the server. None means no limit. The
            argument `timeout` of a call overrides it.
        lock_timeout: whole seconds to wait for a lock. None means the server's default (120).
        time_zone: time zone of new connections, as `+08:00` or a name. None means the server's.
        pool_size: number of connections that the pool keeps open.
        max_overflow: number of further connections that the pool may open.
        pool_timeout: seconds to wait for a connection if all are in use.
        pool_recycle: seconds after which the pool replaces a connection.
        reserve_size: size of each of two extra pools, for statements that must run outside a transaction and for
            stopping statements, so that neither waits for the main pool.
        wait: seconds to retry while a server starts. None tries once.
        slow_query_threshold: duration in seconds from which a statement is logged as WARNING, without its values. None
            logs none.
        on_connect: function, or functions, to call with each new DBAPI connection, which has `cursor()`. Their changes
            are committed. They must not be coroutine functions, not even for `AsyncClient`.
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
        object.__setattr__(self, "password", mask(self.password))  # tracebacks of what follows must not show it
        check_password("password", self.password)

    @classmethod
    def resolve(cls, environment: Mapping[str, str], *arguments: Mapping[str, Any]) -> Settings:
        """Combine the defaults, the environment and the arguments; later ones override earlier ones.

        Args:
            environment: environment variables of the process.
            arguments: mappings of keyword arguments; later ones override earlier ones. None keeps the earlier value.

        Raises:
            InvalidArgument: a setting is unknown or not valid.
        """
        said = _from_environment(environment)
        del environment  # tracebacks must not show its values
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
        """Return a copy with other values, after checking them.

        Raises:
            InvalidArgument: a setting is unknown, not valid, or contradicts another.
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
        """The settings of the two small extra pools."""
        return self.pool | {"pool_size": self.reserve_size, "max_overflow": 0}

    @property
    def concurrent_pool(self) -> dict[str, Any]:
        """The settings of the pool for concurrent operations: it has no limit, and keeps few connections open."""
        return self.reserve | {"max_overflow": -1}

    def within(self, seconds: float) -> Settings:
        """Return a copy whose time limits are at most this number of seconds."""
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
    """Return the settings in environment variables, with secrets masked and the URL unparsed."""
    found = {name: environment[variable] for variable, name in VARIABLES.items() if environment.get(variable)}
    return _hide_secrets(found)


def _hide_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with secrets masked, so that no traceback shows a plain one."""
    return {name: mask(value) if may_hold_secret(name) else value for name, value in arguments.items()}


def may_hold_secret(name: str) -> bool:
    """Return whether a setting may contain a secret; an unknown one may, as `passwort` is a misspelled password."""
    return name in SECRETS or name not in ConnectArguments.__annotations__


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"did you mean {show(near[0])}?" if near else f"the settings are {', '.join(sorted(known))}"
