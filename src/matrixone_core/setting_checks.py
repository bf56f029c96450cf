"""Checks of settings and arguments. Each returns the value in the form in which it is used."""

import re
from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutinefunction
from typing import Any, Literal, TypeAlias, cast, get_args

from sqlalchemy.engine.interfaces import DBAPIConnection

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.secrets import NotText, Secret, mask

OnConnect: TypeAlias = Callable[[DBAPIConnection], object]
SslMode = Literal["disabled", "required", "verify_ca", "verify_identity"]
YEAR = 31_536_000  # seconds
SSL_MODES: tuple[str, ...] = get_args(SslMode)


def check_text(name: str, value: Any) -> str:
    """Return a setting if it is a text that is not empty.

    Raises:
        InvalidArgument: it is not.
    """
    if not isinstance(value, str):
        raise InvalidArgument(f"{name}={show(value)} must be a str")
    if not value:
        raise InvalidArgument(f"{name} is empty")
    return value


def check_secret(name: str, value: Secret | NotText | None) -> Secret:
    """Return a masked value if it is a text.

    Raises:
        InvalidArgument: it is not.
    """
    if not isinstance(value, Secret):
        raise InvalidArgument(f"{name} must be a str{'' if value is None else f', not {value.kind}'}")
    return value


def check_password(name: str, value: Any) -> Secret:
    """Return a password, masked, if it is Unicode text.

    Raises:
        InvalidArgument: it is not.
    """
    value = mask(value)  # tracebacks must not show the plain one
    password = check_secret(name, value)
    if re.search("[\ud800-\udfff]", password):
        raise InvalidArgument(f"{name} must be Unicode text, and has half of a surrogate pair in it")
    return password


def flag(value: bool, what: str) -> bool:
    """Return *value* if it is True or False.

    Raises:
        InvalidArgument: it is something else.
    """
    if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={show(value)} must be True or False")
    return value


def optional_flag(value: bool | None, what: str) -> bool | None:
    """Return *value* if it is True, False or None.

    Raises:
        InvalidArgument: it is something else.
    """
    if value is not None and not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={show(value)} must be True, False or None")
    return value


def whole_number(value: object, what: str, of: str = "", *, least: int = 0) -> int:
    """Return *value* if it is an int of at least *least*, and not a bool.

    Args:
        value: the value.
        what: name of the argument, for the message.
        of: what the number counts, such as `rows`, for the message.
        least: minimum.

    Raises:
        InvalidArgument: it is something else, or smaller.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgument(f"{what}={show(value)} must be a number{f' of {of}' if of else ''}, {least} or more")
    return value


def _port(name: str, value: Any) -> int:
    try:
        port = 0 if isinstance(value, bool | float) else int(value)
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
        number = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
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


def _within_a_year(name: str, value: Any) -> float:
    """Return a number of seconds that the drivers and the server can count."""
    if (number := _lasting(name, value)) > YEAR:
        raise InvalidArgument(f"{name}={show(value)} must be at most {YEAR:,} seconds, a year")
    return number


def _lock_seconds(name: str, value: Any) -> int:
    return int(_within_a_year(name, _at_least_one(name, value)))


def time_limit(value: float, what: str = "timeout") -> float:
    """Return a number of seconds if it is positive.

    Raises:
        InvalidArgument: it is not a positive number.
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
                f"{name}={show(hook)} must be a function that takes a DBAPI connection, or a list of such functions;"
                " coroutine functions are not possible, not even with AsyncClient"
            )
    return hooks


def _at_least_one(name: str, value: Any) -> int:
    if not (number := _whole(name, value)):
        raise InvalidArgument(f"{name} must be 1 or more")
    return number


CHECKS: Mapping[str, Any] = {
    "password": check_password,
    "port": _port,
    "ssl_mode": _ssl_mode,
    "time_zone": _time_zone,
    "connect_timeout": _within_a_year,
    "read_timeout": _within_a_year,
    "timeout": _lasting,
    "lock_timeout": _lock_seconds,
    "pool_size": _at_least_one,
    "max_overflow": _whole,
    "pool_timeout": _number,
    "pool_recycle": _recycle,
    "reserve_size": _at_least_one,
    "wait": _number,
    "slow_query_threshold": _number,
    "on_connect": _hooks,
}
