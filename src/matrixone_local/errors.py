"""What the local server answers when it refuses: MatrixOne's codes and words.

One place turns the engine's errors into a MatrixOne server's (server-facts 10-12, 27, 39).
"""

from __future__ import annotations

import re
from collections.abc import Callable

OWN_CODES = 20_000  # MatrixOne's own numbers of errors begin there, without a SQLSTATE of their own


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


_UNREADABLE = f"SQL parser error: You have an error in your SQL syntax; {MANUAL}"
_UNGROUPED = "must appear in the GROUP BY clause or be used in an aggregate function"


def syntax(words: str) -> SqlError:
    """Code 1064: the statement cannot be read."""
    return SqlError(1064, f"{_UNREADABLE} for the right syntax to use. {words}", "42000")


NO_PRIVILEGE = "do not have privilege to execute the statement"
IN_TRANSACTION = "unclassified statement appears in uncommitted transaction"

USERS_IN_TRANSACTION = "administrative command is unsupported in transactions"
RENAME_IN_TRANSACTION = "Only CREATE of DDL is supported in transactions"

_Rewrite = Callable[[re.Match[str], bool], tuple[int, str]]


def _missing_table(found: re.Match[str], reads: bool) -> tuple[int, str]:
    if reads:  # a SELECT is refused by MatrixOne's planner, everything else by its catalogue
        return 1064, f'SQL parser error: table "{found[2]}" does not exist'
    return 1146, f"no such table {found[1]}.{found[2]}"


def _missing_column(found: re.Match[str], reads: bool) -> tuple[int, str]:
    if not reads and found[2] == "field list":  # that of an INSERT
        return 1054, found[0]
    if found[1].isdigit():
        return 1149, f"SQL syntax error: ORDER BY position {found[1]} is not in select list"
    name = f"'{found[1]}'" if "." in found[1] else found[1]
    return 20301, f"invalid input: column {name} does not exist"


def _bad_value(found: re.Match[str], _reads: bool) -> tuple[int, str]:
    return 20203, f"invalid argument cast to {found[1].lower()}, bad value {found[2]}"


def _bad_arguments(found: re.Match[str], _reads: bool) -> tuple[int, str]:
    return 20203, f"invalid argument function {found[1].lower()}, bad value: another number of them"


# An error of the engine, the words that it may have, and MatrixOne's: a code, and words with what was found in them.
_REWRITES: tuple[tuple[int, str, tuple[int, str] | _Rewrite], ...] = (
    (1146, r"Table '(.*?)\.(.*)' doesn't exist", _missing_table),
    (1051, r"Unknown table '(.*?)\.(.*)'", (1146, r"no such table \1.\2")),
    (1050, r"Table '(?:.*\.)?(.*)' already exists", (1050, r"table \1 already exists")),
    (1007, r"Can't create database '(.*?)'.*", (1007, r"database \1 already exists")),
    (1049, r"Unknown database '(.*)'", (1049, r"Unknown database \1")),
    (1048, r"Column '(.*)' cannot be null", (3819, r"constraint violation: Column '\1' cannot be null")),
    (1292, r"Truncated incorrect (\w+) value: '(.*)'", _bad_value),
    (1366, r"(.*)", (20203, r"invalid argument: \1")),
    (1264, r"(.*)", (1690, r"data out of range: \1")),
    (1292, r"(Incorrect .*)", (20203, r"invalid argument parsedate: \1")),
    (3141, r"(.*)", (20301, r"invalid input: json text: \1")),
    (3140, r"(.*)", (20301, r"invalid input: json text: \1")),
    (
        7600,
        r"inconsistent dimension: expected (\d+) got (\d+)",
        (20301, r"invalid input: expected vector dimension \1 != actual dimension \2."),
    ),
    (
        5083,
        r"Invalid data type for the operation",
        (
            20105,
            "not supported: the local server does not do this with vectors; read them and compare them in the program",
        ),
    ),
    (1305, r"FUNCTION (.*) does not exist", (20105, r"not supported: function or operator '\1'")),
    (1305, r"(.*)", (20105, r"not supported: \1")),
    (1582, r".*native function '(.*)'", _bad_arguments),
    (1054, r"Unknown column '(.*)' in '(.*)'", _missing_column),
    (1052, r"Column '(.*)' in .* is ambiguous", (20301, r"invalid input: ambiguous column reference to '\1'")),
    (
        1055,
        r"nonaggregated column '(?:.*?\.)?([^.]*\.[^.]*)' is .*",
        (1149, rf'SQL syntax error: column "\1" {_UNGROUPED}'),
    ),
    (1140, r".*", (1149, f"SQL syntax error: column beside an aggregate function {_UNGROUPED}")),
    (1111, r".*", (1149, "SQL syntax error: aggregate function not allowed there")),
    (1222, r".*", (1064, "SQL parser error: SELECT statements have different number of columns")),
    (1066, r".*'(.*)'", (20301, r"invalid input: table '\1' specified more than once")),
    (1051, r"Unknown table '([^.]*)'", (20301, r"invalid input: missing FROM-clause entry for table '\1'")),
    (1061, r"Duplicate key name '(.*)'", (1061, r"duplicate key name '\1'")),
    (1072, r".*'(.*)'.*", (20301, r"invalid input: column '\1' is not exist")),
    (1364, r"Field '(.*)' doesn't.*", (20301, r"invalid input: invalid default value for column '\1'")),
    (1451, r"(.*)", (20101, r"internal error: \1")),
    (1452, r"(.*)", (20101, r"internal error: \1")),
    (1526, r"(Table has no partition for value).*", (20301, r"invalid input: \1 from column_list")),
    (
        3730,
        r"Cannot drop table '(.*?)'.*",
        (20101, r"internal error: can not drop table '\1' referenced by some foreign key constraint"),
    ),
    (1193, r".*", (20101, "internal error: the system variable does not exist")),
    (1210, r".*to execute", (20301, "invalid input: Incorrect arguments to EXECUTE")),
    (1094, r"Unknown thread id: (.*)", (20101, r"internal error: Unknown connection id \1")),
    (1298, r".*: '(.*)'", (1105, r"unknown time zone \1; the local server knows offsets alone, as '+08:00'")),
    (1064, r"You have an error in your SQL syntax; .*? version (.*)", (1064, rf"{_UNREADABLE} \1")),
    (1149, r".*", (1064, _UNREADABLE)),
    (1166, r"Incorrect column name ''", (1064, _UNREADABLE)),
    (1367, r".*", (1064, _UNREADABLE)),
    (
        1191,
        r".*",
        (
            20105,
            "not supported: MATCH() AGAINST() function cannot be replaced by FULLTEXT INDEX and full table scan with"
            " fulltext search is not supported yet.",
        ),
    ),
    # what was read as of a moment had another definition then, or none: such a table is not there (server-facts 35)
    (1412, r".*", (1064, "SQL parser error: a table does not exist at that moment")),
    (1142, r".*", (20101, f"internal error: {NO_PRIVILEGE}")),
    (1044, r".*", (20101, f"internal error: {NO_PRIVILEGE}")),
    (1227, r".*", (20101, f"internal error: {NO_PRIVILEGE}")),
    (1213, r".*", (20701, "deadlock detected")),
    (1317, r".*", (1105, "context canceled")),
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
            number, words = rewrite(found, reads) if callable(rewrite) else (rewrite[0], found.expand(rewrite[1]))
            return SqlError(number, words, state if number < OWN_CODES else "HY000")
    return SqlError(code, message, state)


def bad_cast(words: str) -> SqlError | None:
    """The refusal for a warning of the engine about a text that is no number; None for other warnings."""
    found = re.fullmatch(r"Truncated incorrect (\w+) value: '(.*)'", words, re.DOTALL)
    if not found:
        return None
    kind = {"INTEGER": "int", "DOUBLE": "float64"}.get(found[1], found[1].lower())
    return SqlError(20203, f"invalid argument cast to {kind}, bad value {found[2]}")


def of_own_statement(error: Exception) -> SqlError:
    """The refusal for an error of a statement that the relay sent by itself, outside of the client's transaction.

    Args:
        error: the driver's.
    """
    match error.args:
        case (int(code), str(message)) if not 2000 <= code < 3000:  # those are the driver's own numbers
            refusal = as_matrixone(code, "HY000", message)
            if refusal.code not in ENDS_TRANSACTION:
                return refusal
        case _:
            pass
    return SqlError(1105, str(error))


LOCK_TIMEOUT = 1205
ENDS_TRANSACTION = frozenset({LOCK_TIMEOUT, 20701})  # server-facts 15
