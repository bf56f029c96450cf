"""SET: which variables the engine is let to change, for one connection and for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matrixone_local.errors import internal_error
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.tokens import Kind, Statement, Token, bracketed

# What changes for all connections: the engine's other variables are not of a MatrixOne server, and some name its files.
_GLOBALS = re.compile(
    r"(?:autocommit|time_zone|sql_mode|(?:innodb_)?lock_wait_timeout|(?:wait|interactive|net_read|net_write)_timeout"
    r"|max_allowed_packet|max_connections|max_execution_time|(?:transaction|tx)_(?:isolation|read_only)|sql_select_limit"
    r"|foreign_key_checks|unique_checks|sql_safe_updates|group_concat_max_len|long_query_time|div_precision_increment"
    r"|auto_increment_(?:increment|offset)|(?:character_set|collation)_\w+)"
)
# A MatrixOne server then takes quotes and backslashes for something else, which the relay does not.
_MODES = frozenset({"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"} | {"ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"})
_NUMBERING = frozenset({"auto_increment_increment", "auto_increment_offset"})  # the engine's differs from a server's
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OF_ALL = frozenset({"GLOBAL", "PERSIST", "PERSIST_ONLY"})


@dataclass(frozen=True)
class Assignment:
    """One variable of a SET.

    Args:
        name: the variable, in small letters, without its scope.
        is_global: whether it changes for all connections.
        first: the position of the first token of its value.
        last: that of the last one.
    """

    name: str
    is_global: bool
    first: int
    last: int


def assignments(statement: Statement) -> Iterator[Assignment]:
    """The variables that a SET sets to a value; what is of another form is left out."""
    tokens, begin = statement.tokens, 1
    while begin < len(tokens):
        end = begin
        while end < len(tokens) and tokens[end].said not in {",", ";"}:
            end = (bracketed(tokens, end)[0] or end) + 1 if tokens[end].said == "(" else end + 1
        equals = next((at for at in range(begin, end) if tokens[at].said == "="), None)
        if equals is not None and equals + 1 < end:
            named = [token for token in tokens[begin:equals] if token.said not in {":", ".", "@"}]
            words = [word for token in named for word in token.value.lower().lstrip("@").split(".")]
            yield Assignment(words[-1], words[0].upper() in _OF_ALL and len(words) > 1, equals + 1, end - 1)
        begin = end + 1


def with_plain_modes(statement: Statement, value: Callable[[str], str | None]) -> Statement:
    """A SET with the value of sql_mode in the place of the expression.

    Args:
        statement: the statement.
        value: gives the value of an expression.

    Raises:
        SqlError: the mode would change how statements are to be read, or the engine numbers rows otherwise.
    """
    for one in assignments(statement):
        if one.name in _NUMBERING and statement.tokens[one.first].text not in {"1", "DEFAULT", "default"}:
            raise internal_error(f"the local server numbers rows one by one from 1: it does not change {one.name}")
        if one.name == "sql_mode" and not _is_word(statement, one, "DEFAULT"):
            start, end = _bounds(statement, one)
            mode = value(statement.sql[start:end]) or ""
            if odd := _MODES & set(mode.upper().replace(" ", "").split(",")):
                raise internal_error(
                    f"the local server does not take {min(odd)} in sql_mode: it reads quotes in one manner only"
                )
            statement.put(start, end, literal(mode))
    return statement.changed()


def for_all(statement: Statement, value: Callable[[str], str | None]) -> list[str]:
    """The statements of the engine that change a SET's variables for all connections; none if it changes none.

    Raises:
        SqlError: it also changes others, or one that must not be changed.
    """
    found = list(assignments(statement))
    if not any(one.is_global for one in found):
        return []
    if not all(one.is_global for one in found):
        raise internal_error("the local server sets variables of all connections by statements of their own")
    for one in found:
        if _GLOBALS.fullmatch(one.name) is None:
            raise internal_error(
                f"the local server does not change {one.name} for all connections; SET SESSION does for one"
            )
    return [f"SET GLOBAL {one.name} = {_value(statement, one, value)}" for one in found]


def _value(statement: Statement, one: Assignment, value: Callable[[str], str | None]) -> str:
    """A value as the engine is given it, whatever expression it comes from."""
    token = statement.tokens[one.first]
    if one.name == "time_zone" and token.value.upper() == "SYSTEM":
        return "'+00:00'"  # the server's own, whatever the machine's is
    if one.first == one.last and token.kind is Kind.WORD and not token.text.startswith("@"):
        return token.text  # ON, DEFAULT, a time zone's name
    start, end = _bounds(statement, one)
    found = value(statement.sql[start:end])
    return "NULL" if found is None else found if _NUMBER.fullmatch(found) else literal(found)


def _bounds(statement: Statement, one: Assignment) -> tuple[int, int]:
    return statement.tokens[one.first].start, statement.tokens[one.last].end


def _is_word(statement: Statement, one: Assignment, word: str) -> bool:
    token: Token = statement.tokens[one.first]
    return one.first == one.last and token.said == word
