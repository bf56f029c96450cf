"""How to connect: arguments over MATRIXONE_* variables over a URL over defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from inspect import iscoroutinefunction
from typing import Any, Literal, TypeAlias, TypedDict, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import URL
from sqlalchemy.engine.interfaces import DBAPIConnection

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.secrets import NotText, Secret, mask

OnConnect: TypeAlias = Callable[[DBAPIConnection], object]
SslMode = Literal["disabled", "required", "verify_ca", "verify_identity"]
SSL_MODES: tuple[str, ...] = get_args(SslMode)
_SCHEMES = frozenset(
    {"mysql", "matrixone"} | {f"{a}+{b}" for a in ("mysql", "matrixone") for b in ("pymysql", "aiomysql")}
)
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
        _password("password", self.password)

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
            parsed |= _from_url(url, "MATRIXONE_URL")
        parsed |= said
        given = {name: value for some in arguments for name, value in _hide_secrets(some).items() if value is not None}
        del arguments
        if url := given.pop("url", None):
            parsed |= _from_url(url, "url")
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
            values[name] = _CHECKS.get(name, _text)(name, value)
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


_HINT = "mysql://user:password@host:port/database, with : / ? # @ and % in a part written %3A %2F %3F %23 %40 and %25"


def _from_url(url: Secret | NotText | None, source: str) -> dict[str, Any]:
    """What a URL says; parts that it leaves out are not in the result."""
    if not isinstance(url, Secret):
        raise InvalidArgument(f"{source} must be a str{_not(url)}")
    parsed = _read_url(url)
    if isinstance(parsed, str):  # raised here, where the URL in pieces is no longer to be seen
        raise InvalidArgument(f"{source} {parsed}")
    return parsed


def _read_url(url: Secret) -> dict[str, Any] | str:
    """What a URL says, or why it cannot be read."""
    try:
        parts = urlsplit(url.reveal())
        port = parts.port
    except ValueError:
        return f"cannot be read; it must be {_HINT}"
    if parts.scheme not in _SCHEMES:
        return f"begins with {show(parts.scheme)}; it must be {_HINT}"
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # what is behind it may be half of a password
        return f"has an @ after the first / or ?, or a / or ? that belongs to the password; it must be {_HINT}"
    login, _, _ = parts.netloc.rpartition("@")
    if login.count(":") > 1:
        return (
            f"has {login.count(':')} colons before the @ where one can be, between user and password; write account "
            "and role as arguments (account=, role=) or the colons in them as %3A"
        )
    user, has_password, password = login.partition(":")
    names = re.split(r"[:#]", unquote(user)) if user else []
    if len(names) > 3 or not all(names):
        return "has a user that is not user, account:user or account:user:role"
    parsed: dict[str, Any] = dict(zip(_LOGIN_PARTS[len(names)], names, strict=True))
    if has_password:
        parsed["password"] = Secret(unquote(password))
    if parts.hostname:
        parsed["host"] = parts.hostname
    if port is not None:
        parsed["port"] = port
    if database := unquote(parts.path.lstrip("/")):
        parsed["database"] = database
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    options.pop("charset", None)  # always utf8mb4
    return parsed | options


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"did you mean {show(near[0])}?" if near else f"the settings are {', '.join(sorted(known))}"


_LOGIN_PARTS = ((), ("user",), ("account", "user"), ("account", "user", "role"))  # server-facts 46


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"{name}={show(value)} must be a str")
    if not value:
        raise InvalidArgument(f"{name} is empty")
    return value


def _password(name: str, value: Any) -> Secret:
    value = mask(value)  # the plain one is not to be seen in a traceback
    if not isinstance(value, Secret):
        raise InvalidArgument(f"{name} must be a str{_not(value)}")
    if re.search("[\ud800-\udfff]", value):
        raise InvalidArgument(f"{name} must be Unicode text, and has half of a surrogate pair in it")
    return value


def _not(value: NotText | None) -> str:
    return f", not {value.kind}" if value is not None else ""


def _port(name: str, value: Any) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise InvalidArgument(f"{name}={show(value)} must be a number from 1 to 65535")
    return port


def _ssl_mode(name: str, value: Any) -> str:
    mode = str(value).lower().replace("-", "_")
    if mode not in SSL_MODES:
        raise InvalidArgument(f"{name}={show(value)} must be one of {', '.join(SSL_MODES)}")
    return mode


def _time_zone(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[+-]\d{1,2}:\d{2}|[A-Za-z][\w+/-]*", value):
        raise InvalidArgument(f"{name}={show(value)} must be an offset such as '+08:00', or a name such as 'UTC'")
    return value


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise InvalidArgument(f"{name}={show(value)} must be a number, zero or more")
    return number


def _whole(name: str, value: Any) -> int:
    number = _number(name, value)
    if number != int(number):
        raise InvalidArgument(f"{name}={show(value)} must be a whole number")
    return int(number)


def _lasting(name: str, value: Any) -> float:
    if not (number := _number(name, value)):
        raise InvalidArgument(f"{name} must be more than zero seconds")
    return number


def time_limit(value: float, what: str = "timeout") -> float:
    """A number of seconds, checked.

    Raises:
        InvalidArgument: it is not a number of more than zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={show(value)} must be a number of seconds, more than zero")
    return float(value)


def _recycle(name: str, value: Any) -> int:
    return -1 if value == -1 else _whole(name, value)  # -1: never, as SQLAlchemy has it


def _hooks(name: str, value: Any) -> tuple[OnConnect, ...]:
    hooks = tuple(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else (value,)
    for hook in hooks:
        if not callable(hook) or iscoroutinefunction(hook):
            raise InvalidArgument(
                f"{name}={show(hook)} must be a function, or a list of them; each is called with a DBAPI connection,"
                " by AsyncClient too, and is no coroutine function"
            )
    return hooks


def _at_least_one(name: str, value: Any) -> int:
    if not (number := _whole(name, value)):
        raise InvalidArgument(f"{name} must be 1 or more")
    return number


_CHECKS: Mapping[str, Any] = {
    "password": _password,
    "port": _port,
    "ssl_mode": _ssl_mode,
    "time_zone": _time_zone,
    "connect_timeout": _lasting,
    "read_timeout": _lasting,
    "timeout": _lasting,
    "lock_timeout": _at_least_one,
    "pool_size": _at_least_one,
    "max_overflow": _whole,
    "pool_timeout": _number,
    "pool_recycle": _recycle,
    "reserve_size": _at_least_one,
    "wait": _number,
    "slow_query_threshold": _number,
    "on_connect": _hooks,
}
