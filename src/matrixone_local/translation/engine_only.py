"""What the engine would do and a MatrixOne server refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.sql.tokens import Reader, Statement, Token

# What a query may have: an assignment to a variable, a lock that does not wait.
IN_QUERIES = re.compile(r":=|\bINTO\s+@|\bNOWAIT\b|\bSKIP\s+LOCKED\b|\b(?:UPDATE|SHARE)\s+OF\b", re.IGNORECASE)
_ALTER_OPTIONS = frozenset({"ENGINE", "AUTO_INCREMENT"})


def check(statement: Statement) -> None:
    """Refuse a statement that a MatrixOne server cannot read or execute.

    Raises:
        SqlError: it cannot.
    """
    tokens = statement.tokens
    if tokens[0].says("SELECT", "WITH", "(") and IN_QUERIES.search(statement.sql) is not None:
        _check_query(statement)
    elif tokens[0].says("ALTER") and len(tokens) > 3 and tokens[1].says("TABLE"):
        _check_alter(statement)


def _check_query(statement: Statement) -> None:
    for at, (before, token) in enumerate(pairwise(statement.tokens)):
        assigns = before.text == ":" and token.text == "=" and before.end == token.start
        if assigns or (before.says("INTO") and token.text.startswith("@")):
            raise _unreadable(statement, at)
        if token.says("NOWAIT", "SKIP", "OF") and before.says("UPDATE", "SHARE"):
            raise _unreadable(statement, at + 1)


def _check_alter(statement: Statement) -> None:
    tokens = statement.tokens
    for at, words in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        begins = tokens[at - 1].says(",") or at in _first_clauses(tokens)
        if not begins:
            continue
        first, second, third = (token.said for token in words)
        if first == "RENAME" and second in {"INDEX", "KEY"}:
            raise _unreadable(statement, at + 1)
        if first == "ADD" and second == "COLUMN" and third == "(":
            raise _unreadable(statement, at + 2)
        if first in _ALTER_OPTIONS and second == "=":
            raise bad_input(f"unsupported alter option in inplace mode: {first.lower()} = {words[2].text.lower()}")
        if first == "ADD" and any(token.says("CHECK") for token in tokens[at + 1 : at + 4]):
            raise internal_error("unsupported alter option in inplace mode: check")
        if (first, second, third) in {("ALGORITHM", "=", "INPLACE"), ("LOCK", "=", "NONE")}:
            raise bad_input(f"{first}={third} is not supported")


def _first_clauses(tokens: Sequence[Token]) -> tuple[int, ...]:
    """Where the clauses of an ALTER TABLE begin, behind the table's name."""
    return (5,) if tokens[3].says(".") else (3,)


def _unreadable(statement: Statement, at: int) -> SqlError:
    read = Reader(statement.sql, statement.tokens)
    read.at = at
    return read.error()
