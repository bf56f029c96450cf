"""What the local server answers when it refuses: MatrixOne's codes and words.

One place turns the engine's errors into a MatrixOne server's (server-facts 10-12, 27, 39).
"""

from __future__ import annotations

import re
from collections.abc import Callable


class SqlError(Exception):
    """A statement is refused with a server's code and words.

    Args:
        code: MatrixOne's error number.
        message: what the client reads.
        state: the SQLSTATE.
    """

    def __init__(self, code: int, message: str, state: str = "HY000") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.state = state


def internal_error(words: str) -> SqlError:
    """Code 20101, which MatrixOne uses for most of what it refuses."""
    return SqlError(20101, f"internal error: {words}")


def bad_configuration(words: str) -> SqlError:
    """Code 20300: a stage or its credentials cannot be used."""
    return SqlError(20300, f"invalid configuration: {words}")


def bad_input(words: str) -> SqlError:
    """Code 20301: a load cannot read what it was given."""
    return SqlError(20301, f"invalid input: {words}")


MANUAL = "check the manual that corresponds to your MatrixOne server version"


def syntax(words: str) -> SqlError:
    """Code 1064: the statement cannot be read."""
    hint = f"{MANUAL} for the right syntax to use. {words}"
    return SqlError(1064, f"SQL parser error: You have an error in your SQL syntax; {hint}", "42000")


NO_PRIVILEGE = "do not have privilege to execute the statement"
IN_TRANSACTION = "unclassified statement appears in uncommitted transaction"

USERS_IN_TRANSACTION = "administrative command is unsupported in transactions"
RENAME_IN_TRANSACTION = "Only CREATE of DDL is supported in transactions"

_Rewrite = Callable[[re.Match[str], bool], tuple[int, str]]


def _missing_table(found: re.Match[str], reads: bool) -> tuple[int, str]:
    if reads:  # a SELECT is refused by MatrixOne's planner, everything else by its catalogue
        return 1064, f'SQL parser error: table "{found[2]}" does not exist'
    return 1146, f"no such table {found[1]}.{found[2]}"


_REWRITES: tuple[tuple[int, str, _Rewrite], ...] = (
    (1146, r"Table '(.*?)\.(.*)' doesn't exist", _missing_table),
    (1051, r"Unknown table '(.*?)\.(.*)'", lambda m, _: (1146, f"no such table {m[1]}.{m[2]}")),
    (1050, r"Table '(?:.*\.)?(.*)' already exists", lambda m, _: (1050, f"table {m[1]} already exists")),
    (1007, r"Can't create database '(.*?)'.*", lambda m, _: (1007, f"database {m[1]} already exists")),
    (1049, r"Unknown database '(.*)'", lambda m, _: (1049, f"Unknown database {m[1]}")),
    (
        1048,
        r"Column '(.*)' cannot be null",
        lambda m, _: (3819, f"constraint violation: Column '{m[1]}' cannot be null"),
    ),
    (
        1292,
        r"Truncated incorrect (\w+) value: '(.*)'",
        lambda m, _: (20203, f"invalid argument cast to {m[1].lower()}, bad value {m[2]}"),
    ),
    (1366, r"(.*)", lambda m, _: (20203, f"invalid argument: {m[1]}")),
    (1264, r"(.*)", lambda m, _: (1690, f"data out of range: {m[1]}")),
    (1292, r"(Incorrect .*)", lambda m, _: (20203, f"invalid argument parsedate: {m[1]}")),
    (3140, r"(.*)", lambda m, _: (20301, f"invalid input: json text: {m[1]}")),
    (
        7600,
        r"inconsistent dimension: expected (\d+) got (\d+)",
        lambda m, _: (20301, f"invalid input: expected vector dimension {m[1]} != actual dimension {m[2]}."),
    ),
    (1305, r"(.*)", lambda m, _: (20105, f"not supported: {m[1]}")),
    (
        1064,
        r"You have an error in your SQL syntax; .*? version (.*)",
        lambda m, _: (1064, f"SQL parser error: You have an error in your SQL syntax; {MANUAL} {m[1]}"),
    ),
    (1149, r".*", lambda _, __: (1064, f"SQL parser error: You have an error in your SQL syntax; {MANUAL}")),
    (1367, r".*", lambda _, __: (1064, f"SQL parser error: You have an error in your SQL syntax; {MANUAL}")),
    (
        7600,
        r"inconsistent dimension: expected (\d+) got (\d+)",
        lambda m, _: (20301, f"invalid input: expected vector dimension {m[1]} != actual dimension {m[2]}."),
    ),
    (
        1191,
        r".*",
        lambda _, __: (
            20105,
            "not supported: MATCH() AGAINST() function cannot be replaced by FULLTEXT INDEX and full table scan with"
            " fulltext search is not supported yet.",
        ),
    ),
    # what was read as of a moment had another definition then, or none: such a table is not there (server-facts 35)
    (1412, r".*", lambda _, __: (1064, "SQL parser error: a table does not exist at that moment")),
    (1142, r".*", lambda _, __: (20101, f"internal error: {NO_PRIVILEGE}")),
    (1044, r".*", lambda _, __: (20101, f"internal error: {NO_PRIVILEGE}")),
    (1227, r".*", lambda _, __: (20101, f"internal error: {NO_PRIVILEGE}")),
    (1213, r".*", lambda _, __: (20701, "deadlock detected")),
    (1317, r".*", lambda _, __: (1105, "context canceled")),
)


def as_matrixone(code: int, state: str, message: str, *, reads: bool = False) -> SqlError:
    """The engine's error as a MatrixOne server words it.

    Args:
        code: the engine's error number.
        state: its SQLSTATE.
        message: the engine's words.
        reads: whether the statement was a SELECT, which MatrixOne words differently.

    Returns:
        What to send.
    """
    for known, pattern, rewrite in _REWRITES:
        if code == known and (found := re.fullmatch(pattern, message, re.DOTALL)):
            return SqlError(*rewrite(found, reads), state)
    return SqlError(code, message, state)


def bad_cast(words: str) -> SqlError | None:
    """The refusal for a warning of the engine about a text that is no number; None for other warnings."""
    found = re.fullmatch(r"Truncated incorrect (\w+) value: '(.*)'", words, re.DOTALL)
    if not found:
        return None
    kind = {"INTEGER": "int", "DOUBLE": "float64"}.get(found[1], found[1].lower())
    return SqlError(20203, f"invalid argument cast to {kind}, bad value {found[2]}")


LOCK_TIMEOUT = 1205
ENDS_TRANSACTION = frozenset({LOCK_TIMEOUT, 20701})  # server-facts 15
