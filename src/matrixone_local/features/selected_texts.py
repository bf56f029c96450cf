"""Texts that an INSERT … SELECT gives to columns of other types.

The engine judges them: it lets pass what it stores as a MatrixOne server does and stops at any other. Then the texts
that it would stop at are asked for and judged here, and the statement runs with the converted values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest

from matrixone_local.engine.connection import EngineConnection, EngineError, Rows
from matrixone_local.errors import bad_input, internal_error
from matrixone_local.features.text_judge import Judge
from matrixone_local.formats.number_casts import BITS
from matrixone_local.protocol.constants import ColumnType
from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.select_items import items, joins_results, without_alias
from matrixone_local.sql.tokens import Token, depths

UNUSUAL_TEXTS = 5_000  # of one column, that one statement may have
_STOP = "__mo_text"
_STOPPED = 1411  # the engine's number for what stops it
_QUERY = "__mo_query"
# A DOUBLE is cast to it before it is stored as an integer: the engine would round 2.5 to 2 (server-facts 96).
_EXACT = "DECIMAL(38, 17)"
_FLOATING = frozenset({ColumnType.DOUBLE, ColumnType.FLOAT})
_TEXTS = frozenset(
    {ColumnType.TINY_BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB, ColumnType.BLOB, ColumnType.VARCHAR}
    | {ColumnType.VAR_STRING, ColumnType.STRING}
)


@dataclass(frozen=True)
class Assignment:
    """An INSERT … SELECT with texts for columns of other types, or with DOUBLEs for integers.

    Args:
        head: the statement up to its query.
        query: the query.
        tokens: the query's.
        rest: what follows it.
        count: how many columns the query has.
        judged: by position, what judges those with texts.
        rounded: the positions of DOUBLEs for integers.
    """

    head: str
    query: str
    tokens: Sequence[Token]
    rest: str
    count: int
    judged: Mapping[int, Judge]
    rounded: frozenset[int] = frozenset()

    def carry_out(self, link: EngineConnection) -> Rows:
        """Insert the rows.

        Returns:
            The engine's answer.

        Raises:
            SqlError: a server refuses one of the texts; no row stays.
            EngineError: the engine refuses a row; no row stays.
        """
        try:
            return link.query(self._checked({}))
        except EngineError as error:
            if error.code != _STOPPED or _STOP not in error.message:
                raise
        return link.query(self._checked(self._unusual(link)))

    def _unusual(self, link: EngineConnection) -> Mapping[int, Mapping[str, str | None]]:
        """By position, the texts that the engine stops at, and what they come to."""
        names = ", ".join(f"c{at}" for at in range(self.count))
        wanted = ", ".join(f"c{at}" for at in self.judged)
        odd = " OR ".join(f"NOT {_matches(f'c{at}', judge)}" for at, judge in self.judged.items())
        found: dict[int, dict[str, str | None]] = {at: {} for at in self.judged}
        sql = f"WITH {_QUERY} ({names}) AS ({self.query}) SELECT DISTINCT {wanted} FROM {_QUERY} WHERE {odd}"  # noqa: S608  # the client's own query
        with closing(link.stream(sql)) as rows:
            next(rows)
            for row in rows:
                for (at, judge), text in zip(self.judged.items(), row, strict=True):
                    if text is None or text in found[at]:
                        continue
                    put = judge.put(text)
                    if put != text or judge.plain is None or not re.fullmatch(judge.plain, text, re.DOTALL):
                        found[at][text] = put
                    if len(found[at]) > UNUSUAL_TEXTS:
                        raise internal_error(
                            f"the local server reads no more than {UNUSUAL_TEXTS} unusual texts for column"
                            f" '{judge.name}' in one statement"
                        )
        return found

    def _checked(self, known: Mapping[int, Mapping[str, str | None]]) -> str:
        """The statement with a check around each text; *known* are texts that have been judged."""

        def put(at: int, item: str) -> str:
            if at in self.rounded:
                return f"CAST(({item}) AS {_EXACT})"
            judge = self.judged.get(at)
            return item if judge is None else _checked(f"({item})", at, judge, known.get(at, {}))

        tokens = self.tokens
        listed = items(tokens)
        spans = [without_alias(tokens, first, last) for first, last in listed]
        if len(listed) == self.count and not any(tokens[last].text == "*" for _, last in listed):
            query = self.query
            for at, (first, last) in reversed(list(enumerate(spans))):
                start, end = tokens[first].start, tokens[last].end
                query = f"{query[:start]}{put(at, query[start:end])}{query[end:]}"
            return f"{self.head}{query}{self.rest}"
        names = ", ".join(f"c{at}" for at in range(self.count))
        wanted = ", ".join(put(at, f"c{at}") for at in range(self.count))
        return f"{self.head}WITH {_QUERY} ({names}) AS ({self.query}) SELECT {wanted} FROM {_QUERY}{self.rest}"  # noqa: S608  # as above


def _matches(item: str, judge: Judge) -> str:
    pattern = literal(rf"^(?:{judge.plain})\z")
    return f"({item} IS NULL OR {item} REGEXP {pattern})"


def _checked(item: str, at: int, judge: Judge, known: Mapping[str, str | None]) -> str:
    """An expression that is the item where the engine stores it as a server does, and stops the engine elsewhere."""
    cases = [f"WHEN {_matches(item, judge)} THEN {item}"]
    for text, put in known.items():
        cases.append(f"WHEN {item} = {literal(text)} THEN {'NULL' if put is None else literal(put)}")
    return f"CASE {' '.join(cases)} ELSE HEX(UUID_TO_BIN(CONCAT('{_STOP}{at}:', {item}))) END"


def assignment_of(
    sql: str, begin: int, tokens: Sequence[Token], judges: Sequence[Judge], link: EngineConnection
) -> str | Assignment:
    """An INSERT … SELECT, if it has texts or DOUBLEs for columns of other types; else the statement as it is.

    Args:
        sql: the statement.
        begin: where its query begins.
        tokens: those from there on.
        judges: of the columns that get values, in the values' order.
        link: the session that it is of.
    """
    end = _end_of_query(tokens)
    query = sql[begin : begin + tokens[end - 1].end]
    rest = sql[begin + tokens[end - 1].end :]
    try:
        columns = link.columns(query)
    except EngineError:
        return sql
    if len(columns) != len(judges):
        return sql
    judged = {
        at: judge
        for at, (judge, column) in enumerate(zip(judges, columns, strict=True))
        if judge.plain and _is_text(column)
    }
    rounded = frozenset(
        at
        for at, (judge, column) in enumerate(zip(judges, columns, strict=True))
        if judge.type.base in BITS and column.type in _FLOATING
    )
    if not judged and not rounded:
        return sql
    return Assignment(sql[:begin], query, tokens[:end], rest, len(columns), judged, rounded)


def _is_text(column: ResultColumn) -> bool:
    """Whether a column of a query has texts."""
    return column.type in _TEXTS and not column.is_binary and not column.is_vector


def check_query(tokens: Sequence[Token]) -> None:
    """Refuse a query that a server inserts no rows of.

    Raises:
        SqlError: it is made of several.
    """
    if joins_results(tokens):
        raise bad_input("insert has unknown select statement")


def _end_of_query(tokens: Sequence[Token]) -> int:
    """Where what follows the query begins: ON DUPLICATE KEY, or a semicolon."""
    for at, (token, after, depth) in enumerate(zip_longest(tokens, tokens[1:], depths(tokens))):
        if depth == 0 and (token.says(";") or (token.says("ON") and after is not None and after.says("DUPLICATE"))):
            return at
    return len(tokens)
