"""Settings of connections that programs bring, and with which replies, values or transactions would go wrong."""

import re
from collections.abc import Mapping
from typing import Any

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.sql.placeholders import bare_statements

_UTF8 = frozenset({"utf8", "utf8mb3", "utf8mb4"})
_MODE = "NO_BACKSLASH_ESCAPES"
_SEARCHED = 2_000  # characters of a statement: one that is longer sets no variable
_AUTOCOMMIT = re.compile(r"(?:@@|\.|(?<![@\w]))autocommit\s*:?=\s*'?(\w+)", re.IGNORECASE)  # no @autocommit
_OFF = frozenset({"0", "off", "false"})


def check_connect_arguments(arguments: Mapping[str, Any]) -> None:
    """Check the arguments that a program gives to the driver.

    Raises:
        InvalidArgument: with one of them replies could not be read, or values would be sent wrongly.
    """
    if arguments.get("charset") is not None:
        check_charset(arguments["charset"])
    if arguments.get("cursorclass") is not None:
        raise InvalidArgument(
            f"cursorclass={show(arguments['cursorclass'])} cannot be set: SQLAlchemy reads rows as tuples; leave it out"
        )
    if arguments.get("use_unicode") is not None and not arguments["use_unicode"]:
        raise InvalidArgument("use_unicode must not be False: texts of the server are read as str; leave it out")
    if arguments.get("defer_connect"):
        raise InvalidArgument("defer_connect must not be True: a pool's connections are connected; leave it out")


def check_charset(charset: object) -> None:
    """Check the character set of a connection.

    Raises:
        InvalidArgument: it is not UTF-8. The server reads all statements as UTF-8, whatever is set (server-facts 103):
            others store broken texts, and in some of them a value ends its own literal.
    """
    if str(charset).lower() not in _UTF8:
        raise InvalidArgument(f"charset={show(charset)} must be 'utf8mb4': MatrixOne reads statements as UTF-8 only")


def check_statement(sql: str | bytes | bytearray) -> None:
    """Check a statement that is about to be sent.

    Raises:
        InvalidArgument: it sets a mode of which the server does not tell the driver (server-facts 103): values with
            backslashes and quotes would be sent wrongly.
    """
    begin = _begin_of(sql)
    if _MODE in begin.upper() and any(one.lstrip()[:3].upper() == "SET" for one in bare_statements(begin)):
        raise no_backslash_escapes()


def no_backslash_escapes() -> InvalidArgument:
    """Return the error for a connection with this mode."""
    return InvalidArgument(
        f"sql_mode must not have {_MODE}: the server does not tell the driver of it, and values with quotes and"
        " backslashes would be sent wrongly; leave it out"
    )


def autocommit_after(sql: str | bytes | bytearray, before: bool) -> bool:
    """Whether a connection commits each statement by itself once a statement was sent.

    Args:
        sql: the statement; aiomysql writes that of many rows as a bytearray.
        before: whether it did before. The flag in replies does not tell (server-facts 41).
    """
    begin = _begin_of(sql)
    if "autocommit" not in begin.lower() or not begin.lstrip().upper().startswith("SET"):
        return before
    values = _AUTOCOMMIT.findall(begin)
    return values[-1].lower() not in _OFF if values else before


def commits_each_statement() -> InvalidArgument:
    """Return the error for a connection on which nothing could be rolled back."""
    return InvalidArgument(
        "the connection commits each statement by itself (autocommit is on), so that nothing could be rolled back;"
        " leave autocommit out of the URL, of connect_args=, init_command and on_connect="
    )


def _begin_of(sql: str | bytes | bytearray) -> str:
    if len(sql) > _SEARCHED:
        return ""
    return sql if isinstance(sql, str) else sql.decode("utf-8", "replace")
