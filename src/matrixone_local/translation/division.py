"""Whole numbers divided by whole numbers: a DOUBLE on a MatrixOne server, a DECIMAL in the engine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from matrixone_local.sql.tokens import Kind, Statement, Token, bracketed

_COUNTS = frozenset({"UNIX_TIMESTAMP", "COUNT", "LENGTH", "CHAR_LENGTH", "OCTET_LENGTH", "CONNECTION_ID"})
_BETWEEN = frozenset("+-*%")
_CHAINED = frozenset("*/%.")


def put_doubles(statement: Statement) -> None:
    """Make those divisions of doubles whose sides are whole numbers by what is written.

    What columns hold is not known here: `a / 2` of an integer column is a DECIMAL still.
    """
    if "/" not in statement.sql:
        return
    tokens = statement.tokens
    for at in range(1, len(tokens) - 1):
        if tokens[at].says("/") and _is_whole(tokens, at):
            statement.insert(tokens[at].start, "*1e0")


def _is_whole(tokens: Sequence[Token], at: int) -> bool:
    """Whether both sides of a division are whole numbers, and the left one is no part of a product."""
    first, last = _begin(tokens, at - 1), _end(tokens, at + 1)
    if first is None or last is None or (first and tokens[first - 1].text in _CHAINED):
        return False
    return _all_whole(tokens[first:at]) and _all_whole(tokens[at + 1 : last + 1])


def _begin(tokens: Sequence[Token], last: int) -> int | None:
    """Where the value begins that ends there."""
    if tokens[last].text != ")":
        return last
    depths = accumulate({")": 1, "(": -1}.get(token.text, 0) for token in reversed(tokens[: last + 1]))
    opens = next((last - back for back, depth in enumerate(depths) if not depth), None)
    if opens and tokens[opens - 1].kind is Kind.WORD and tokens[opens - 1].text.upper() in _COUNTS:
        return opens - 1
    return opens


def _end(tokens: Sequence[Token], first: int) -> int | None:
    """Where the value ends that begins there."""
    if first + 1 < len(tokens) and tokens[first].kind is Kind.WORD and tokens[first + 1].text == "(":
        return bracketed(tokens, first + 1)[0]
    return bracketed(tokens, first)[0] if tokens[first].text == "(" else first


def _all_whole(tokens: Sequence[Token]) -> bool:
    """Whether nothing but whole numbers is in an expression: literals, counts, what adds and multiplies them."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind is Kind.WORD and token.text.upper() in _COUNTS and at + 1 < len(tokens):
            closes, _ = bracketed(tokens, at + 1)
            if closes is None or (token.says("UNIX_TIMESTAMP") and tokens[at + 2].kind is Kind.STRING):
                return False
            at = closes
        elif not (token.text.isdigit() or token.text in _BETWEEN or token.text in {"(", ")"}):
            return False
        at += 1
    return True
