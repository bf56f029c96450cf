"""The items of a SELECT's list."""

from __future__ import annotations

from collections.abc import Sequence

from matrixone_local.sql.tokens import Kind, Token, depths

ENDS = frozenset(
    {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTO", "FOR", "EXCEPT", "INTERSECT", ";"}
)  # words that end the list
SETS = frozenset({"UNION", "EXCEPT", "INTERSECT", "MINUS"})  # words between results that become one
_NO_ALIAS = frozenset({"END", "NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})
_OPERATORS = frozenset(
    {"AND", "OR", "XOR", "NOT", "IS", "LIKE", "DIV", "MOD", "IN", "BETWEEN", "REGEXP", "RLIKE", "COLLATE", "BINARY"}
    | {"INTERVAL", "WHEN", "THEN", "ELSE", "CASE"}
)


def joins_results(tokens: Sequence[Token]) -> bool:
    """Whether a query makes one result of several, as UNION does, outside of all brackets."""
    return any(depth == 0 and token.said in SETS for token, depth in zip(tokens, depths(tokens), strict=True))


def items(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Where the items of the first SELECT's list begin and end."""
    if not tokens or not tokens[0].says("SELECT"):
        return []
    first = 1
    while first < len(tokens) and tokens[first].says("DISTINCT", "ALL", "SQL_CALC_FOUND_ROWS"):
        first += 1
    items: list[tuple[int, int]] = []
    depth = 0
    for at in range(first, len(tokens)):
        token = tokens[at]
        if depth == 0 and (token.said == "," or token.said in ENDS):
            if at > first:
                items.append((first, at - 1))
            first = at + 1
            if token.said != ",":
                return items
        elif token.kind is Kind.SYMBOL:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
    if first < len(tokens):
        items.append((first, len(tokens) - 1))
    return items


def without_alias(tokens: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    """The place of an item without the name that is given to it."""
    if last == first:
        return first, last
    name, before = tokens[last], tokens[last - 1]
    if before.says("AS"):
        return first, last - 2
    named = name.kind is Kind.QUOTED or (name.kind is Kind.WORD and name.text.upper() not in _NO_ALIAS)
    follows = before.says(")") or (before.kind is not Kind.SYMBOL and before.text.upper() not in _OPERATORS)
    return (first, last - 1) if named and follows else (first, last)
