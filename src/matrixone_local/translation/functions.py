"""Functions and operators that MatrixOne has and the engine has not, put in its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from matrixone_local.errors import internal_error
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.references import has_alias
from matrixone_local.sql.tokens import Kind, Statement, Token, bracketed

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


def _single(number: str) -> str:
    """A number in single precision, in which vectors are measured, as the DOUBLE that a MatrixOne server gives."""
    return f"CAST(CAST({number} AS FLOAT) AS DOUBLE)"


# By name and number of arguments: what a call is in the engine, with the arguments in brackets.
_CALLS = {
    ("L1_NORM", 1): "l1_distance({0}, {0} - {0})",
    ("L2_NORM", 1): _single("vector_norm({0})"),
    ("L2_DISTANCE", 2): _single("l2_distance({0}, {1})"),
    ("L2_DISTANCE_SQ", 2): _single("POWER(l2_distance({0}, {1}), 2)"),
    ("COSINE_SIMILARITY", 2): _single("1 - cosine_distance({0}, {1})"),
    ("COSINE_DISTANCE", 2): f"(1 - {_single('1 - cosine_distance({0}, {1})')})",
    ("INNER_PRODUCT", 2): f"(-{_single('inner_product({0}, {1})')})",  # the nearest first
    ("NORMALIZE_L2", 1): "({0} / CAST(vector_norm({0}) AS FLOAT))",
    ("SUMMATION", 1): "array_sum({0})",
    ("STARTSWITH", 2): "(LEFT({0}, CHAR_LENGTH({1})) = {1})",
    ("ENDSWITH", 2): "(RIGHT({0}, CHAR_LENGTH({1})) = {1})",
    ("JSON_EXTRACT_STRING", 2): "JSON_UNQUOTE(JSON_EXTRACT({0}, {1}))",
    ("JSON_EXTRACT_FLOAT64", 2): "CAST(JSON_EXTRACT({0}, {1}) AS DOUBLE)",
    ("PI", 0): "ACOS(-1)",  # the engine's has six digits
    ("TO_DATE", 2): "STR_TO_DATE({0}, {1})",
    ("TIME", 1): "CAST(SUBSTRING_INDEX(TIME({0}), '.', 1) AS TIME)",  # without a fraction (server-facts 91)
    ("CONVERT_TZ", 3): "CAST(SUBSTRING_INDEX(CONVERT_TZ({0}, {1}, {2}), '.', 1) AS DATETIME)",
    ("NOW", 0): "NOW(6)",  # server-facts 90
    ("SYSDATE", 0): "SYSDATE(6)",
}
_MOMENTS = frozenset({"CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"})  # as NOW, with brackets or without
_OF_WINDOWS = frozenset({"LAST_VALUE", "NTH_VALUE"})  # of the whole partition, if no frame is named (server-facts 91)
_WHOLE = " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
_ADDS = "TIMESTAMPADD"  # (unit, number, moment)
_QUERIES_AND_CHANGES = frozenset({"SELECT", "WITH", "(", "INSERT", "REPLACE", "UPDATE", "DELETE"})
_SERIES = "GENERATE_SERIES"  # (first, last[, step]), in the place of a table
_JSON = "JSON_EXTRACT"  # compared with a text, it is the text itself (server-facts 73)
_BOOLS = frozenset({"BOOL", "BOOLEAN"})
_VECTORS = frozenset({"VECF32", "VECF64"})
_HUGE = re.compile(r"\bLIMIT\s+(?:\d+\s*,\s*)?\d{19}", re.IGNORECASE)
_MOST = 1 << 62  # rows: with an offset added it is a BIGINT still
_CALLED = frozenset({*(name for name, _ in _CALLS), _SERIES, _JSON, _ADDS})
_NAMES = _CALLED | {"CAST"}
_SAID = _BOOLS | _VECTORS | _MOMENTS | _OF_WINDOWS | {"ILIKE"}
_MENTIONED = re.compile(
    rf"\b(?:(?:{'|'.join(_CALLED)})\s*\(|INTERVAL\s+[0-9]*\.[0-9]|(?:{'|'.join(_SAID)})\b)", re.IGNORECASE
)
_WORDS = _CALLED | _SAID | {"INTERVAL"}
_WORD = re.compile(r"\w+")


def may_be_changed(sql: str) -> bool:
    """Whether a statement, or a part of it, has words that `put_functions` may put otherwise, in its texts or not."""
    if _WORDS.isdisjoint(_WORD.findall(sql.upper())):
        return False  # the pattern tries all of its words at each place
    return _MENTIONED.search(sql) is not None


def put_functions(statement: Statement) -> None:
    """Put the functions, operators and limits of a query or a change of rows in the engine's words.

    What other changes there are within their arguments has to be put before.
    """
    if _HUGE.search(statement.sql) is not None:
        _limit(statement)
    if not may_be_changed(statement.sql):
        return
    changes_clock = statement.tokens[0].said in _QUERIES_AND_CHANGES  # no definition of a column
    for at in range(len(statement.tokens) - 1, -1, -1):  # what is in an argument is to the right of its function
        if statement.tokens[at].says("ILIKE") and at:
            _put_operator(statement, at)
        elif changes_clock and statement.tokens[at].says(*_MOMENTS):
            _put_moment(statement, at)
        elif statement.tokens[at].says("INTERVAL"):
            _check_interval(statement, at)
        elif statement.tokens[at].says(*_OF_WINDOWS):
            _put_frame(statement, at)
        elif changes_clock or not statement.tokens[at].says("NOW", "SYSDATE", "TIME"):
            _put_call(statement, at)


def _limit(statement: Statement) -> None:
    """Put a limit that means none, as MySQL's manual has it, so small that the engine can add to it."""
    tokens = statement.tokens
    places = {at + 1 for at, token in enumerate(tokens) if token.says("LIMIT")}
    places |= {at + 2 for at in places if at + 2 < len(tokens) and tokens[at + 1].says(",")}
    for at in places:
        if at < len(tokens) and tokens[at].text.isdigit() and int(tokens[at].text) > _MOST:
            statement.put(tokens[at].start, tokens[at].end, str(_MOST))


def _put_operator(statement: Statement, at: int) -> None:
    """Put an ILIKE otherwise."""
    tokens = statement.tokens
    first = at - 1 if tokens[at - 1].says("NOT") else at
    negated = "NOT " if first < at else ""
    statement.put(tokens[first].start, tokens[at].end, f"COLLATE {_BLIND} {negated}LIKE")


def _put_moment(statement: Statement, at: int) -> None:
    """Put a moment with the digits of a second that it has on a MatrixOne server."""
    tokens = statement.tokens
    last = at + 2 if [token.said for token in tokens[at + 1 : at + 3]] == ["(", ")"] else at
    is_call = last > at or not (at + 1 < len(tokens) and tokens[at + 1].says("(", "."))
    is_other = tokens[at - 1].says(".", "AS") or _is_counted(tokens, at)
    if is_call and tokens[at].kind is Kind.WORD and not is_other:
        statement.put(tokens[at].start, tokens[last].end, "NOW(6)")


def _check_interval(statement: Statement, at: int) -> None:
    """Refuse a fraction of a unit that the engine cuts off, and a MatrixOne server reads by the type of the moment.

    Raises:
        SqlError: there is one.
    """
    number, unit = statement.tokens[at + 1 : at + 3] if at + 2 < len(statement.tokens) else (None, None)
    if number is None or unit is None or unit.says("SECOND"):
        return
    if number.kind is Kind.NUMBER and number.text.partition(".")[2].strip("0"):
        raise internal_error(f"the local server adds no fraction of a {unit.text}: INTERVAL {number.text} {unit.text}")


def _is_counted(tokens: Sequence[Token], at: int) -> bool:
    """Whether UNIX_TIMESTAMP makes a number of what is there, which is a whole one on a MatrixOne server."""
    return at > 1 and tokens[at - 1].says("(") and tokens[at - 2].says("UNIX_TIMESTAMP")


def _put_frame(statement: Statement, at: int) -> None:
    """Name the frame of a call that is of the whole partition on a MatrixOne server."""
    tokens = statement.tokens
    closes = bracketed(tokens, at + 1)[0] if at + 1 < len(tokens) and tokens[at + 1].says("(") else None
    if closes is None or [token.said for token in tokens[closes + 1 : closes + 3]] != ["OVER", "("]:
        return
    last = bracketed(tokens, closes + 2)[0] or closes
    words = {token.said for token in tokens[closes + 3 : last]}
    if "ORDER" in words and not words & {"ROWS", "RANGE", "GROUPS"}:
        statement.insert(tokens[last].start, _WHOLE)


def _put_call(statement: Statement, at: int) -> None:
    """Put a call otherwise, if one that has to be is there."""
    tokens = statement.tokens
    is_call = tokens[at].kind is Kind.WORD and at + 1 < len(tokens) and tokens[at + 1].says("(")
    if not is_call or (at and tokens[at - 1].says(".")) or tokens[at].text.upper() not in _NAMES:
        return
    last, commas = bracketed(tokens, at + 1)
    if last is None:
        return
    bounds = [] if last == at + 2 else [at + 1, *commas, last]
    arguments = [f"({statement.written(tokens[one].end, tokens[two].start).strip()})" for one, two in pairwise(bounds)]
    if tokens[at].says("CAST"):
        put = _cast(statement, at, last)
    elif tokens[at].says(_JSON):
        call = statement.written(tokens[at].start, tokens[last].end)
        put = f"JSON_UNQUOTE({call})" if _meets_text(tokens, at, last) else None
    elif tokens[at].says(_ADDS) and len(arguments) == 3:  # the engine's own has other months and no microseconds
        unit, number, moment = arguments
        put = f"DATE_ADD({moment}, INTERVAL {number} {unit[1:-1]})"
    elif tokens[at].says("NOW", "SYSDATE") and _is_counted(tokens, at):
        put = None
    elif tokens[at].says("TIME") and (tokens[at - 1].says("AS") or tokens[at + 2].kind is Kind.NUMBER):
        put = None  # a type
    elif tokens[at].says(_SERIES) and len(arguments) in {2, 3}:
        put = _series(*arguments) + ("" if has_alias(tokens, last) else " AS generate_series")
    else:
        template = _CALLS.get((tokens[at].text.upper(), len(arguments)))
        put = template and template.format(*arguments)
    if put is not None:
        statement.put(tokens[at].start, tokens[last].end, put)


def _meets_text(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether what is there is compared with a text in quotes."""
    for step, at in ((-1, first - 1), (1, last + 1)):
        beside = at
        while 0 <= beside < len(tokens) and tokens[beside].text in {"=", "<", ">", "!"}:
            beside += step
        if beside != at and 0 <= beside < len(tokens) and tokens[beside].kind is Kind.STRING:
            return True
    return False


def _cast(statement: Statement, at: int, last: int) -> str | None:
    """What a CAST to a type that the engine casts nothing to comes to; None for others."""
    tokens, depth = statement.tokens, 0
    for here in range(at + 2, last):
        depth += {"(": 1, ")": -1}.get(tokens[here].text, 0) if tokens[here].kind is Kind.SYMBOL else 0
        if depth == 0 and tokens[here].says("AS"):
            value = f"({statement.written(tokens[at + 1].end, tokens[here].start).strip()})"
            kind = tokens[here + 1].text.upper()
            if kind in _BOOLS:
                return _to_bool(value)
            return _vector(tokens[at + 2], value) if kind in _VECTORS else None
    return None


def _vector(first: Token, value: str) -> str:
    """A vector in a text as a MatrixOne server writes it, with spaces; what is no text in the statement stays."""
    if first.kind is not Kind.STRING:
        return value
    return literal(f"[{', '.join(one.strip() for one in first.value.strip('[] ').split(','))}]")
