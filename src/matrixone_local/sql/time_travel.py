"""Where a statement reads a table as it was: `{snapshot='…'}` and `{timestamp='…'}`."""

from __future__ import annotations

from collections.abc import Sequence

from matrixone_local.sql.tokens import Kind, Token


def reads_past(tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Where a statement says `{snapshot='name'}`: the position of the brace among the tokens, and the name."""
    return _in_braces(tokens, "SNAPSHOT")


def read_then(tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Where a statement says `{timestamp='…'}`: the position of the brace among the tokens, and the text."""
    return _in_braces(tokens, "TIMESTAMP")


def _in_braces(tokens: Sequence[Token], word: str) -> list[tuple[int, str]]:
    return [
        (at, tokens[at + 3].value)
        for at in range(len(tokens) - 4)
        if tokens[at].says("{")
        and tokens[at + 1].says(word)
        and tokens[at + 2].says("=")
        and tokens[at + 3].kind is Kind.STRING
        and tokens[at + 4].says("}")
    ]
