"""INSERT, REPLACE and UPDATE with texts for columns of other types: each text is judged as a MatrixOne server does.

Texts within the statement are judged here, those of an INSERT … SELECT in `selected_texts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.table_columns import Target
from matrixone_local.errors import SqlError
from matrixone_local.features.selected_texts import Assignment, assignment_of, check_query
from matrixone_local.features.text_judge import Judge, judge_of
from matrixone_local.formats.number_casts import BITS
from matrixone_local.formats.repetition import repeat_pattern
from matrixone_local.sql.quoting import NAME, TABLE, literal, read_names
from matrixone_local.sql.tokens import Kind, Token, depths, tokenize, tokens_from

_HEAD = re.compile(
    rf"\s*(?:INSERT|REPLACE)\s+(?P<modes>(?:(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|IGNORE)\s+)*)(?:INTO\s+)?"
    rf"(?P<table>{TABLE})\s*(?:\((?P<names>\s*{NAME}(?:\s*,\s*{NAME})*)?\s*\))?\s*"
    rf"(?P<verb>VALUES?\b(?=\s*\()|SET\b|(?=\(?\s*SELECT\b|WITH\b))",
    re.IGNORECASE,
)
_UPDATE = re.compile(rf"\s*UPDATE\s+(?P<table>{TABLE})\s+SET\b", re.IGNORECASE)
_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?"
_OTHERS = r"NULL|DEFAULT|TRUE|FALSE|(?:_binary\s*|x)'[0-9a-f]*'|0x[0-9a-f]+"
_TEXT = r"'(?:[^'\\]++|\\.|'')*+'"
_IN_QUOTES = frozenset({"binary", "varbinary", "datalink"})  # whose patterns tell no end of a text in quotes


class Assigning:
    """Judges the texts of one connection's statements.

    Args:
        link: the connection's session.
    """

    def __init__(self, link: EngineConnection) -> None:
        self._link = link

    def assigned(self, sql: str) -> str | Assignment:
        """An INSERT, REPLACE or UPDATE with its texts as the engine is to have them.

        Args:
            sql: any statement.

        Returns:
            What to send to the engine, or an INSERT … SELECT that has to be run.

        Raises:
            SqlError: a server refuses one of the texts.
        """
        found = _HEAD.match(sql)
        if found is None:
            changed = _UPDATE.match(sql)
            return sql if changed is None else self._set(sql, changed)
        query = () if found["verb"] else tokenize(sql[found.end() :])
        check_query(query)
        if (
            found["verb"]
            and re.search("""['"]|[0-9]\\.|[0-9]e[-+0-9]|\\.[0-9]""", sql[found.end() :], re.IGNORECASE) is None
        ):
            return sql
        targets = self._targets(found)
        if targets is None or not any(target.type.plain for target in targets):
            return sql
        ignores = "ignore" in found["modes"].lower()
        judges = tuple(judge_of(target, selects=not found["verb"], ignores=ignores) for target in targets)
        if not found["verb"]:
            return assignment_of(sql, found.end(), query, judges, self._link)
        if found["verb"].upper() == "SET":
            return _with_settings(sql, found.end(), judges)
        return _with_rows(sql, found.end(), judges)

    def first_column(self, table: str) -> str | None:
        """The first column of a table that a statement names; None where the engine says what is wrong with it."""
        columns = self._columns(table)
        return columns[0].name if columns else None

    def _targets(self, found: re.Match[str]) -> Sequence[Target] | None:
        """The columns that get values, in the values' order; None where the engine says what is wrong."""
        columns = self._columns(found["table"])
        if columns is None or found["names"] is None:
            return columns
        known = {column.name: column for column in columns}
        names = [name.lower() for name in read_names(found["names"])]
        return [known[name] for name in names] if known.keys() >= set(names) else None

    def _columns(self, table: str) -> Sequence[Target] | None:
        return self._link.fetch_definition(self._link.caches.tables, table)

    def _set(self, sql: str, found: re.Match[str]) -> str:
        """An UPDATE of one table."""
        columns = self._columns(found["table"]) if "'" in sql or '"' in sql else None
        if columns is None:
            return sql
        return _with_settings(sql, found.end(), [judge_of(column, selects=False) for column in columns])


def _with_rows(sql: str, begin: int, judges: tuple[Judge, ...]) -> str:
    """A statement whose rows begin there, with their values judged."""
    plain = _plain_rows(judges)
    pieces: list[str] = []
    done, at = 0, begin
    while at < len(sql):
        found = plain.match(sql, at)
        at = found.end() if found else at
        if not sql.startswith("(", at):
            break
        values, at = _row(sql, at)
        for judge, value in zip(judges, values, strict=False):
            put = _judged(sql, judge, value)
            if put is not None:
                pieces += [sql[done : value[0].start], put]
                done = value[-1].end
    return "".join(pieces) + _with_settings(sql[done:], at - done, judges)


@lru_cache(maxsize=1024)
def _plain_rows(judges: tuple[Judge, ...]) -> re.Pattern[str]:
    """Rows whose values go to the engine as they are, and the comma before them."""
    values: list[str] = []
    for judge in judges:
        if judge.plain is None:
            text = f"{_TEXT}|"
        elif judge.type.base in _IN_QUOTES or re.search(r"['\\]", "".join(judge.type.items)):
            text = ""
        else:
            text = f"'(?-i:{judge.plain})'|"
        number = "-?[0-9]+" if judge.type.base in BITS else _NUMBER
        values.append(rf"\s*(?:{text}{number}|{_OTHERS})\s*")
    row = rf"\({','.join(values)}\)\s*,?\s*"
    return re.compile(rf"\s*,?\s*{repeat_pattern(row)}", re.IGNORECASE | re.DOTALL)


def _row(sql: str, at: int) -> tuple[list[list[Token]], int]:
    """The values of the row that begins there, as their tokens, and where it ends."""
    values: list[list[Token]] = [[]]
    depth = 0
    for token in tokens_from(sql, at):
        at = token.end
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
        if depth == 0:
            break
        if depth == 1 and token.says(","):
            values.append([])
        elif depth > 1 or not token.says("("):
            values[-1].append(token)
    return values, at


def _judged(sql: str, judge: Judge, value: Sequence[Token]) -> str | None:
    """What to put in a value's place; None where it may stay."""
    if len(value) == 1 and value[0].kind is Kind.STRING:
        return _as_literal(judge, value[0])
    if value and judge.type.base in BITS:
        number = sql[value[0].start : value[-1].end]
        if re.search("[.e]", number, re.IGNORECASE) and re.fullmatch(_NUMBER, number, re.IGNORECASE):
            return _whole_number(number, judge.type.base)
    return None


def _whole_number(number: str, base: str) -> str:
    """What a number with a point or an exponent comes to in a column of integers (server-facts 94).

    Raises:
        SqlError: a server reads a text in its place.
    """
    if not number.startswith("-"):
        return str(int(Decimal(number)))  # a fraction is cut off here, though it is rounded by INSERT … SELECT
    if "e" not in number.lower():
        raise SqlError(20203, f"invalid argument cast to {base}, bad value {number[1:].strip()}")
    return str(Decimal(number).to_integral_value(ROUND_HALF_UP))


def _as_literal(judge: Judge, token: Token) -> str:
    text = token.value
    put = judge.put(text)
    if put == text:
        return token.text
    return "NULL" if put is None else literal(put)


def _with_settings(sql: str, begin: int, judges: Sequence[Judge]) -> str:
    """A statement with the texts judged that are behind `column =`, from there on to a WHERE."""
    if "'" not in sql[begin:] and '"' not in sql[begin:]:
        return sql
    known = {judge.name: judge for judge in judges}
    tokens = list(tokens_from(sql, begin))
    pieces: list[str] = []
    done = 0
    for at, (token, depth) in enumerate(zip(tokens, depths(tokens), strict=True)):
        if token.says("WHERE"):
            break
        if depth or token.kind is not Kind.STRING or at < 2 or not tokens[at - 1].says("="):
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        judge = known.get(tokens[at - 2].value.lower())
        if judge and (following is None or following.says(",", ";", "WHERE", "ON", "ORDER", "LIMIT")):
            pieces += [sql[done : token.start], _as_literal(judge, token)]
            done = token.end
    return "".join(pieces) + sql[done:]
