"""Functions and operators that MatrixOne has and the engine has not, put in its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from .references import has_alias
from .tokens import Kind, Token, bracketed, tokenize

_BLIND = "utf8mb4_general_ci"  # compares texts without regard to case
SERIES = "__mo_series"


def _to_bool(value: str) -> str:
    texts = f"CASE LOWER({value}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE {value} <> 0 END"
    return f"({texts})"


def _series(first: str, last: str, step: str = "1") -> str:
    goes_on = f"CASE WHEN {step} < 0 THEN result + {step} >= {last} ELSE result + {step} <= {last} END"
    begins = f"CASE WHEN {step} < 0 THEN {first} >= {last} ELSE {first} <= {last} END"
    numbers = f"SELECT {first} AS result FROM DUAL WHERE {begins} UNION ALL SELECT result + {step} FROM {SERIES}"  # noqa: S608  # the client's own expressions
    return f"(WITH RECURSIVE {SERIES} (result) AS ({numbers} WHERE {goes_on}) SELECT result FROM {SERIES})"  # noqa: S608  # as above


# By name and number of arguments: what a call is in the engine, with the arguments in brackets.
_CALLS = {
    ("L1_NORM", 1): "l1_distance({0}, {0} - {0})",
    ("L2_NORM", 1): "vector_norm({0})",
    ("L2_DISTANCE_SQ", 2): "POWER(l2_distance({0}, {1}), 2)",
    ("NORMALIZE_L2", 1): "({0} / CAST(vector_norm({0}) AS FLOAT))",
    ("SUMMATION", 1): "array_sum({0})",
    ("STARTSWITH", 2): "(LEFT({0}, CHAR_LENGTH({1})) = {1})",
    ("ENDSWITH", 2): "(RIGHT({0}, CHAR_LENGTH({1})) = {1})",
    ("JSON_EXTRACT_STRING", 2): "JSON_UNQUOTE(JSON_EXTRACT({0}, {1}))",
    ("JSON_EXTRACT_FLOAT64", 2): "CAST(JSON_EXTRACT({0}, {1}) AS DOUBLE)",
    ("TO_DATE", 2): "STR_TO_DATE({0}, {1})",
}
_SERIES = "GENERATE_SERIES"  # (first, last[, step]), in the place of a table
_JSON = "JSON_EXTRACT"  # compared with a text, it is one
_BOOLS = frozenset({"BOOL", "BOOLEAN"})
_VECTORS = frozenset({"VECF32", "VECF64"})
_HUGE = re.compile(r"\bLIMIT\s+(?:\d+\s*,\s*)?\d{19}", re.IGNORECASE)
_MOST = 1 << 62  # rows: with an offset added it is a BIGINT still
MENTIONED = re.compile(
    rf"\b(?:{'|'.join([*(name for name, _ in _CALLS), _SERIES, *_BOOLS, *_VECTORS, 'ILIKE', _JSON])})\b", re.IGNORECASE
)


def in_the_engine(sql: str) -> str:
    """A query or a change of rows with its functions, operators and limits in the engine's words."""
    if _HUGE.search(sql) is not None:
        sql = _limited(sql)
    if MENTIONED.search(sql) is None:
        return sql
    again = True
    while again:  # innermost calls first: what stands in an argument is to the right of its function
        again = False
        tokens = tokenize(sql)
        for at in range(len(tokens) - 1, -1, -1):
            put = _operator(sql, tokens, at) or _call(sql, tokens, at)
            if put is not None:
                sql, again = put, True
                break
    return sql


def _limited(sql: str) -> str:
    """The statement with a limit that stands for none, as MySQL's manual has it, so small that the engine can add."""
    tokens = tokenize(sql)
    places = {at + 1 for at, token in enumerate(tokens) if token.says("LIMIT")}
    places |= {at + 2 for at in places if at + 2 < len(tokens) and tokens[at + 1].says(",")}
    for at in sorted(places, reverse=True):
        if at < len(tokens) and tokens[at].text.isdigit() and int(tokens[at].text) > _MOST:
            sql = f"{sql[: tokens[at].start]}{_MOST}{sql[tokens[at].end :]}"
    return sql


def _operator(sql: str, tokens: Sequence[Token], at: int) -> str | None:
    """The statement with an ILIKE put otherwise, if one stands there."""
    if not tokens[at].says("ILIKE") or at == 0:
        return None
    first = at - 1 if tokens[at - 1].says("NOT") else at
    negated = "NOT " if first < at else ""
    return f"{sql[: tokens[first].start]}COLLATE {_BLIND} {negated}LIKE{sql[tokens[at].end :]}"


def _call(sql: str, tokens: Sequence[Token], at: int) -> str | None:
    """The statement with a call put otherwise, if one that has to be stands there."""
    is_call = tokens[at].kind is Kind.WORD and at + 1 < len(tokens) and tokens[at + 1].says("(")
    if not is_call or (at and tokens[at - 1].says(".")):
        return None
    last, commas = bracketed(tokens, at + 1)
    if last is None:
        return None
    bounds = [at + 1, *commas, last]
    arguments = [f"({sql[tokens[one].end : tokens[two].start].strip()})" for one, two in pairwise(bounds)]
    if tokens[at].says("CAST"):
        put = _cast(sql, tokens, at, last)
    elif tokens[at].says(_JSON):
        call = sql[tokens[at].start : tokens[last].end]
        put = f"CAST({call} AS CHAR)" if _meets_text(tokens, at, last) else None
    elif tokens[at].says(_SERIES) and len(arguments) in {2, 3}:
        put = _series(*arguments) + ("" if has_alias(tokens, last) else " AS generate_series")
    else:
        template = _CALLS.get((tokens[at].text.upper(), len(arguments)))
        put = template and template.format(*arguments)
    return put and f"{sql[: tokens[at].start]}{put}{sql[tokens[last].end :]}"


def _meets_text(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether what stands there is compared with a text in quotes."""
    for step, at in ((-1, first - 1), (1, last + 1)):
        beside = at
        while 0 <= beside < len(tokens) and tokens[beside].text in {"=", "<", ">", "!"}:
            beside += step
        if beside != at and 0 <= beside < len(tokens) and tokens[beside].kind is Kind.STRING:
            return True
    return False


def _cast(sql: str, tokens: Sequence[Token], at: int, last: int) -> str | None:
    """What a CAST to a type that the engine casts nothing to comes to; None for others."""
    depth = 0
    for here in range(at + 2, last):
        depth += {"(": 1, ")": -1}.get(tokens[here].text, 0) if tokens[here].kind is Kind.SYMBOL else 0
        if depth == 0 and tokens[here].says("AS"):
            value = f"({sql[tokens[at + 1].end : tokens[here].start].strip()})"
            kind = tokens[here + 1].text.upper()
            if kind in _BOOLS:
                return _to_bool(value)
            return value if kind in _VECTORS else None
    return None
