"""INSERTs that say DEFAULT for the column that is numbered: it would be 0 in the engine, where zeros stay zeros."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .engine import EngineError, Link
from .errors import Refused
from .tokens import Kind, Reader, Token
from .values import quoted

SAYS_DEFAULT = r"[(,]\s*DEFAULT\s*[,)]"
_SAYS_DEFAULT = re.compile(SAYS_DEFAULT, re.IGNORECASE)


def numbered(sql: str, tokens: Sequence[Token], link: Link) -> str:
    """An INSERT or REPLACE with NULL, which is numbered, where it says DEFAULT for a column that is.

    Args:
        sql: the statement.
        tokens: its tokens.
        link: the client's session, which is asked for the columns.
    """
    if not tokens[0].says("INSERT", "REPLACE") or _SAYS_DEFAULT.search(sql) is None:
        return sql
    read = Reader(sql, list(tokens))
    try:
        table, names = _target(read)
    except Refused:
        return sql  # the engine says what is wrong with it
    if not (read.take("VALUES") or read.take("VALUE")):
        return sql
    try:
        described = link.query(f"SHOW COLUMNS FROM {table}").rows
    except EngineError:
        return sql
    columns = names or [str(name).lower() for name, *_ in described]
    counted = {str(name).lower() for name, *_, extra in described if "auto_increment" in str(extra)}
    for token, position in reversed(list(_defaults(tokens[read.at :]))):
        if position < len(columns) and columns[position] in counted:
            sql = f"{sql[: token.start]}NULL{sql[token.end :]}"
    return sql


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
