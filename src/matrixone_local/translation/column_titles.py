"""Column titles and system variables in SELECT, as a MatrixOne server gives them (conformance/session, errors).

A title is the expression written anew: no quotes around texts, spaces around operators and behind commas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from matrixone_local.sql.select_items import ENDS, items
from matrixone_local.sql.tokens import Kind, Statement, Token, bracketed, depths
from matrixone_local.translation import functions

_OPERATORS = frozenset("+-*/%<>=!&|^")
_VALUES = frozenset({Kind.WORD, Kind.STRING})
_CONSTANTS = frozenset({"NULL", "TRUE", "FALSE"})
# What a title has in small letters; names of functions are as they were written.
_KEYWORDS = _CONSTANTS | {
    *("ALL", "AND", "ANY", "AS", "ASC", "BETWEEN", "BOTH", "BY", "CASE", "CURRENT", "DESC", "DISTINCT", "DIV", "ELSE"),
    *("END", "EXISTS", "FOLLOWING", "FROM", "GROUP", "HAVING", "IN", "IS", "LEADING", "LIKE", "LIMIT", "MOD", "NOT"),
    *("OR", "ORDER", "OVER", "PARTITION", "PRECEDING", "RANGE", "REGEXP", "RLIKE", "ROWS", "SELECT", "SEPARATOR"),
    *("SOME", "THEN", "TRAILING", "UNBOUNDED", "WHEN", "WHERE", "XOR"),
}
_OF_TWO_WORDS = frozenset({("CURRENT", "ROW")})
_BEFORE_VALUES = _KEYWORDS - _CONSTANTS - {"END"}
_SPELLED = {"REGEXP": "reg_match", "RLIKE": "reg_match", "MOD": "%"}
_TYPED = frozenset({"DATE", "TIME", "TIMESTAMP"})  # before a text in quotes
_UNITS = frozenset({"MICROSECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_OF_UNITS = frozenset({"EXTRACT", "TIMESTAMPADD", "TIMESTAMPDIFF"})
_SESSION = re.compile(r"@@(?:session|local)\.", re.IGNORECASE)
MAX_TITLE_CHARS = 255  # of the engine's aliases; longer ones are left to the engine
# `->` and `->>` have the titles of the functions that they stand for.
_UNQUOTED = re.compile(r"([\w.]+) ->> (\$[\w.\[\]*]*)")
_EXTRACTED = re.compile(r"([\w.]+) -> (\$[\w.\[\]*]*)")


def give_titles(statement: Statement) -> None:
    """Give the expressions of a SELECT a MatrixOne server's titles."""
    for first, last in items(statement.tokens):
        item = statement.tokens[first : last + 1]
        title = title_of(item)
        written = statement.sql[item[0].start : item[-1].end]
        is_changed = functions.may_be_changed(written) or any(token.says("CAST") for token in item)
        as_written = title == written and not is_changed
        if title is not None and not as_written and len(title) <= MAX_TITLE_CHARS:
            statement.insert(item[-1].end, f" AS `{title}`")


def is_named(item: Sequence[Token]) -> bool:
    """Whether an item has a name of its own: it is a name, or has an alias."""
    if len(item) == 1 and item[0].said in _CONSTANTS:
        return False
    if all(token.text == "." for token in item[1::2]):
        return True  # a name or a value
    outermost = [depth == 0 for depth in depths(item)]
    if any(token.said == "AS" and is_outermost for token, is_outermost in zip(item, outermost, strict=True)):
        return True
    return any(
        is_outermost and _ends_value(before) and not _is_keyword(token) and token.kind in _VALUES
        for at, ((before, token), is_outermost) in enumerate(zip(pairwise(item), outermost, strict=False), 1)
        if not (before.said in _TYPED and token.kind is Kind.STRING) and not _is_unit(item, at)
    )


def title_of(item: Sequence[Token]) -> str | None:
    """An expression's title; None for what has a name already or is not understood here."""
    if is_named(item) or any(token.kind is Kind.QUOTED or "`" in token.text for token in item):
        return None
    title = "".join(_spelled(_bare(item)))
    if "\0" in title:
        return None  # the engine's aliases have no such character
    if "->" not in title:
        return title
    return _EXTRACTED.sub(r"json_extract(\1, \2)", _UNQUOTED.sub(r"json_unquote(json_extract(\1, \2))", title))


def _bare(item: Sequence[Token]) -> Sequence[Token]:
    """An expression without the brackets around all of it."""
    while item[0].said == "(" and bracketed(item, 0)[0] == len(item) - 1 and not item[1].says("SELECT", "WITH"):
        if bracketed(item, 0)[1]:
            break  # a row of values
        item = item[1:-1]
    return item


def _is_keyword(token: Token) -> bool:
    return token.kind is Kind.WORD and token.said in _KEYWORDS


def _ends_value(token: Token) -> bool:
    if token.kind is Kind.SYMBOL:
        return token.text == ")"
    return token.kind is not Kind.WORD or token.said not in _BEFORE_VALUES


def _spelled(item: Sequence[Token]) -> list[str]:
    words: list[str] = []
    for at, token in enumerate(item):
        before = item[at - 1] if at else None
        after = item[at + 1] if at + 1 < len(item) else None
        if token.said in {"CHAR", "CHARACTER"} and before is not None and before.said == "AS" and not _opens(after):
            words.append(" varchar")
        elif token.said == "DECIMAL" and before is not None and before.said == "AS" and not _opens(after):
            words.append(" decimal(38)")
        elif _is_unit(item, at):
            words.append(f"{'' if before is not None and before.said == '(' else ' '}{token.text.lower()}")
        elif token.said == "MOD" and _opens(after) and (before is None or not _ends_value(before)):  # the function
            words.append(token.text)
        elif token.said == "FROM" and _opened_by(item, at) == "EXTRACT":
            words.append(",")
        elif before is not None and before.said in _TYPED and token.kind is Kind.STRING:
            words.append(f"({token.value})")
        else:
            words.append(_word(before, token, after))
    return words


def _opens(token: Token | None) -> bool:
    return token is not None and token.said == "("


def _is_unit(item: Sequence[Token], at: int) -> bool:
    """Whether a word is the unit of an interval or of a difference of times."""
    if item[at].said not in _UNITS:
        return False
    first = item[at - 1].said == "(" and at > 1 and item[at - 2].said in _OF_UNITS if at else False
    return first or (at > 1 and any(token.said == "INTERVAL" for token in item[max(at - 3, 0) : at - 1]))


def _opened_by(item: Sequence[Token], at: int) -> str:
    """The function whose bracket is the last that is open there."""
    depth = 0
    for here in range(at - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(item[here].said, 0)
        if depth < 0:
            return item[here - 1].said
    return ""


def _word(before: Token | None, token: Token, after: Token | None) -> str:
    """A token as it is in a title, with the space before it and behind it."""
    if token.says(","):
        return ", "
    if token.kind is Kind.SYMBOL and token.text in _OPERATORS and not _is_sign(before, token):
        goes_on = after is not None and after.text in _OPERATORS and after.start == token.end
        begun = before is not None and before.text in _OPERATORS and before.end == token.start
        text = "!" if token.text == "<" and goes_on and after is not None and after.text == ">" else token.text
        text = "=" if token.text == ">" and begun and before is not None and before.text == "<" else text
        return f"{'' if begun else ' '}{text}{'' if goes_on else ' '}"
    written = token.value if token.kind is Kind.STRING else _SPELLED.get(token.said, token.text)
    of_a_cast = token.said == "CAST" or (before is not None and before.said == "AS")
    of_two = before is not None and (before.said, token.said) in _OF_TWO_WORDS
    if of_a_cast or of_two or _is_keyword(token):  # names of other functions stay as they are written
        written = written.lower()
    if token.text.startswith("@@"):
        written = _SESSION.sub("@@", token.text)
    is_apart = before is not None and (
        (token.kind is not Kind.SYMBOL and (_ends_value(before) or _is_keyword(before)))
        or (token.text == "(" and _is_keyword(before) and before.said != "MOD")
        or (_is_sign(before, token) and _is_keyword(before))
    )
    return f" {written}" if is_apart else written


def _is_sign(before: Token | None, token: Token) -> bool:
    """Whether `+`, `-` or `*` means a sign or everything, not between two values; or `!` NOT."""
    return token.text in {"+", "-", "*", "!"} and (before is None or not _ends_value(before))


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
        is_alone = begins and (following is None or following.says(",", *ENDS))
        statement.put(tokens[at].start, last.end, constant)
        if is_alone and not statement.has_inserted(last.end):
            statement.insert(last.end, f" AS `{_SESSION.sub('@@', written)}`")
