"""INSERTs that say DEFAULT for the column that is numbered: it would be 0 in the engine, where zeros stay zeros."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .engine import EngineError, Link
from .errors import Refused
from .tokens import Kind, Reader, Statement, Token
from .values import quoted

SAYS_DEFAULT = r"[(,]\s*DEFAULT\s*[,)]"
_SAYS_DEFAULT = re.compile(SAYS_DEFAULT, re.IGNORECASE)


def put_numbers(statement: Statement, link: Link) -> None:
    """Put NULL, which is numbered, where an INSERT or REPLACE says DEFAULT for a column that is.

    Args:
        statement: the statement.
        link: the client's session, which is asked for the columns.
    """
    tokens = statement.tokens
    if not tokens[0].says("INSERT", "REPLACE") or _SAYS_DEFAULT.search(statement.sql) is None:
        return
    read = Reader(statement.sql, tokens)
    try:
        table, names = _target(read)
    except Refused:
        return  # the engine says what is wrong with it
    if not (read.take("VALUES") or read.take("VALUE")):
        return
    try:
        described = link.query(f"SHOW COLUMNS FROM {table}").rows
    except EngineError:
        return
    columns = names or [str(name).lower() for name, *_ in described]
    counted = {str(name).lower() for name, *_, extra in described if "auto_increment" in str(extra)}
    for token, position in _defaults(tokens[read.at :]):
        if position < len(columns) and columns[position] in counted:
            statement.put(token.start, token.end, "NULL")


def _target(read: Reader) -> tuple[str, list[str]]:
    """The table, quoted, and the columns that are named; leaves off behind them."""
    read.next(Kind.WORD)
    while any(map(read.take, ("IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "INTO"))):
        pass
    table = quoted(read.name())
    if read.take("."):
        table += f".{quoted(read.name())}"
    names: list[str] = []
    if read.take("("):
        while not read.take(")"):
            names.append(read.name().lower())
            read.take(",")
    return table, names


def _defaults(tokens: Sequence[Token]) -> Iterator[tuple[Token, int]]:
    """Each DEFAULT that is a whole value, and its position in its row."""
    depth = position = 0
    for at, token in enumerate(tokens):
        if token.says("("):
            depth += 1
            position = 0 if depth == 1 else position
        elif token.says(")"):
            depth -= 1
        elif depth == 1 and token.says(","):
            position += 1
        elif depth == 1 and token.says("DEFAULT") and at + 1 < len(tokens) and tokens[at + 1].says(",", ")"):
            yield token, position
