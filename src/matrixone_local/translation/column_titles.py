"""Column titles and system variables in SELECT, as a MatrixOne server gives them (conformance/session, errors).

A title is the expression written anew: no quotes around texts, spaces around operators and behind commas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from matrixone_local.sql.tokens import Kind, Statement, Token
from matrixone_local.translation import functions

_ENDS = frozenset(
    {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTO", "FOR", "EXCEPT", "INTERSECT", ";"}
)
_OPERATORS = frozenset("+-*/%<>=!&|^")
MAX_TITLE_CHARS = 255  # of the engine's aliases; longer ones are left to the engine
# `->` and `->>` have the titles of the functions that they stand for.
_UNQUOTED = re.compile(r"([\w.]+) ->> (\$[\w.\[\]*]*)")
_EXTRACTED = re.compile(r"([\w.]+) -> (\$[\w.\[\]*]*)")


def give_titles(statement: Statement) -> None:
    """Give the expressions of a SELECT a MatrixOne server's titles."""
    for first, last in items(statement.tokens):
        item = statement.tokens[first : last + 1]
        title = _title(item)
        written = statement.sql[item[0].start : item[-1].end]
        as_written = title == written and functions.MENTIONED.search(written) is None  # else it will be put otherwise
        if title is not None and not as_written and len(title) <= MAX_TITLE_CHARS:
            statement.insert(item[-1].end, f" AS `{title}`")


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
        if depth == 0 and (token.said == "," or token.said in _ENDS):
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


def _title(item: Sequence[Token]) -> str | None:
    """An expression's title; None for what has a name already or is not understood here."""
    if all(token.text == "." for token in item[1::2]):
        return None  # a name or a value
    depths = _depths(item)
    if any(token.said == "AS" and depth == 0 for token, depth in depths):
        return None
    if any(token.kind is Kind.QUOTED or "`" in token.text for token in item):
        return None
    for (before, depth), (token, _) in pairwise(depths):
        if depth == 0 and _ends_value(before) and token.kind in {Kind.WORD, Kind.STRING}:
            return None  # an alias without AS, or an operator in letters
    title = _UNQUOTED.sub(r"json_unquote(json_extract(\1, \2))", "".join(_spelled(item)))
    if "\0" in title:
        return None  # the engine's aliases have no such character
    return _EXTRACTED.sub(r"json_extract(\1, \2)", title)


def _depths(item: Sequence[Token]) -> list[tuple[Token, int]]:
    found: list[tuple[Token, int]] = []
    depth = 0
    for token in item:
        depth -= token.said == ")"
        found.append((token, depth))
        depth += token.said == "("
    return found


def _ends_value(token: Token) -> bool:
    return token.kind is not Kind.SYMBOL or token.text == ")"


def _spelled(item: Sequence[Token]) -> list[str]:
    around = [None, *item, None]
    return [_word(*three) for three in zip(around, item, around[2:], strict=False)]


def _word(before: Token | None, token: Token, after: Token | None) -> str:
    """A token as it is in a title, with the space before it and behind it."""
    if token.says(","):
        return ", "
    if token.kind is Kind.SYMBOL and token.text in _OPERATORS and not _is_sign(before, token):
        goes_on = after is not None and after.text in _OPERATORS and after.start == token.end
        begun = before is not None and before.text in _OPERATORS and before.end == token.start
        return f"{'' if begun else ' '}{token.text}{'' if goes_on else ' '}"
    written = token.value if token.kind is Kind.STRING else token.text
    of_a_cast = token.said == "CAST" or (before is not None and before.said == "AS")
    if of_a_cast or token.said in {"AS", "NULL"}:  # names of other functions stay as they are written
        written = written.lower()
    is_apart = before is not None and token.kind is not Kind.SYMBOL and _ends_value(before)
    return f" {written}" if is_apart else written


def _is_sign(before: Token | None, token: Token) -> bool:
    """Whether `+`, `-` or `*` means a sign or everything, not between two values."""
    return token.text in {"+", "-", "*"} and (before is None or not _ends_value(before))


def put_variables(statement: Statement, value: Callable[[str], str | None]) -> None:
    """Put the values of functions and variables that the engine answers otherwise, after titles are given.

    Args:
        statement: the statement.
        value: gives what a name in small letters, as `@@version` or `version()`, comes to as SQL; None for others.
    """
    tokens = statement.tokens
    for at in range(1, len(tokens)):
        call = tokens[at : at + 3]
        if tokens[at].kind is not Kind.WORD or tokens[at - 1].text == ".":
            continue
        if len(call) == 3 and call[1].text == "(" and call[2].text == ")":
            last, name = call[2], f"{tokens[at].text.lower()}()"
        else:
            last, name = tokens[at], tokens[at].text.lower()
        constant = value(name)
        if constant is None:
            continue
        written = statement.sql[tokens[at].start : last.end]
        index = at + (2 if last is not tokens[at] else 0)
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        begins = tokens[at - 1].says("SELECT", ",", "DISTINCT")
        is_alone = begins and (following is None or following.says(",", *_ENDS))
        statement.put(tokens[at].start, last.end, constant)
        if is_alone and not statement.has_inserted(last.end):
            statement.insert(last.end, f" AS `{written}`")
