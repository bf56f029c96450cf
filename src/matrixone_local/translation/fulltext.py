"""MATCH … AGAINST: which rows a MatrixOne server finds by it (server-facts 74, conformance/searching).

The engine's own search has other words, modes and scores. So each MATCH becomes regular expressions on the text of its
columns; the engine's is asked beside them only to refuse where there is no index over just these columns. A score is
how often the words occur.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matrixone_local.errors import internal_error, syntax
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.tokens import Kind, Statement, Token, bracketed

MENTIONED = re.compile(r"\bAGAINST\b", re.IGNORECASE)
_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}"  # whose texts have no spaces between words
_LETTER = rf"[[\p{{L}}\p{{Nd}}_]--[{_IDEOGRAPHS}]]"
_BETWEEN = r"[^\p{L}\p{Nd}_]+"
_IS_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_PIECE = re.compile(r'(?P<sign>[-+~<>]?)(?:"(?P<phrase>[^"]*)"|\((?P<group>[^()]*)\)|(?P<word>[^\s()"]+))')


@dataclass(frozen=True)
class _Piece:
    """A part of a query in boolean mode.

    Args:
        sign: `+`, `-`, or another or none, which mean the same here.
        patterns: of which one has to be found.
    """

    sign: str
    patterns: tuple[str, ...]


def put_matches(statement: Statement) -> None:
    """Put what a statement looks for by MATCH in the engine's words.

    Raises:
        SqlError: a query that a MatrixOne server does not read, or that is not read here.
    """
    if MENTIONED.search(statement.sql) is None:
        return
    tokens = statement.tokens
    for at in range(len(tokens) - 4):
        if not (tokens[at].says("MATCH") and tokens[at + 1].says("(")):
            continue
        columns_end, commas = bracketed(tokens, at + 1)
        if columns_end is None or not tokens[columns_end + 1 : columns_end + 2]:
            continue
        against = columns_end + 1
        last, _ = bracketed(tokens, against + 1) if tokens[against].says("AGAINST") else (None, [])
        if last is None or tokens[against + 2].kind is not Kind.STRING:
            continue  # a parameter is the engine's to search for
        bounds = [at + 1, *commas, columns_end]
        columns = [statement.sql[tokens[one].end : tokens[two].start].strip() for one, two in pairwise(bounds)]
        put = _found(columns, tokens[against + 2].value, tokens[against + 3 : last])
        statement.put(tokens[at].start, tokens[last].end, put)


def _found(columns: Sequence[str], query: str, mode: Sequence[Token]) -> str:
    """What comes to a score for a row that is found, and to 0 for others."""
    if not query:
        raise syntax("AGAINST('pattern') pattern is empty.")
    if any(token.says("EXPANSION") for token in mode):
        raise internal_error("Query Expansion mode not supported")
    pieces = _pieces(query) if any(token.says("BOOLEAN") for token in mode) else [_Piece("+", _phrase(query))]
    text = f"LOWER(CONCAT_WS(' ', {', '.join(columns)}))"
    indexed = f"MATCH ({', '.join(columns)}) AGAINST ('a') >= 0"
    counts = " + ".join(_count(text, one) for piece in pieces if piece.sign != "-" for one in piece.patterns)
    return f"(CASE WHEN {indexed} AND {_condition(text, pieces)} THEN {counts or '0'} ELSE 0 END)"


def _condition(text: str, pieces: Sequence[_Piece]) -> str:
    """Whether a text has what is asked for: all that must be, none that must not, and if nothing must, something."""
    required = [piece for piece in pieces if piece.sign == "+"]
    others = [piece for piece in pieces if piece.sign not in {"+", "-"}]
    conditions = [_any(text, (piece,)) for piece in required] or [_any(text, others)]
    conditions += [f"NOT {_any(text, (piece,))}" for piece in pieces if piece.sign == "-"]
    return " AND ".join(conditions)


def _any(text: str, pieces: Sequence[_Piece]) -> str:
    found = [f"{text} REGEXP {literal(one)}" for piece in pieces for one in piece.patterns]
    return f"({' OR '.join(found) or '1 = 0'})"


def _count(text: str, pattern: str) -> str:
    """How often a pattern is found."""
    return f"(CHAR_LENGTH(REGEXP_REPLACE({text}, {literal(pattern)}, '$0#')) - CHAR_LENGTH({text}))"


def _pieces(query: str) -> list[_Piece]:
    found: list[_Piece] = []
    for match in _PIECE.finditer(query):
        sign = match["sign"]
        if match["group"] is not None:
            patterns = tuple(one for word in match["group"].split() for one in _words(word))
        elif match["phrase"] is not None:
            patterns = _phrase(match["phrase"])
        else:
            patterns = _words(match["word"])
        if not patterns:
            raise internal_error("+/- must have single child with value")
        found.append(_Piece(sign, patterns))
    odd = [match for match in _PIECE.finditer(query) if match["word"] is None and match["sign"] not in {"+", "-"}]
    if odd and len(found) > 1:
        raise internal_error(
            "the local server reads phrases and groups beside other words only with `+` or `-` before them"
        )
    return found


def _words(word: str) -> tuple[str, ...]:
    """The pattern of a word, which may end in `*`."""
    begins = word.endswith("*")
    spelled = re.findall(r"\w+", word.lower())
    return (_pattern(spelled, begins=begins),) if spelled else ()


def _phrase(text: str) -> tuple[str, ...]:
    spelled = re.findall(r"\w+", text.lower())
    return (_pattern(spelled),) if spelled else ()


def _pattern(words: Sequence[str], *, begins: bool = False) -> str:
    """What finds words that follow one another, whole, or the last one by its beginning."""
    first = "" if _IS_IDEOGRAPH.match(words[0]) else f"(?<!{_LETTER})"
    last = "" if begins or _IS_IDEOGRAPH.match(words[-1][-1]) else f"(?!{_LETTER})"
    return f"{first}{_BETWEEN.join(words)}{last}"
