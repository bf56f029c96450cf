"""Sums, averages, quotients and texts of JSON: what the engine makes of them is another than a MatrixOne server's.

What that is follows from the types of what is in them, for which the engine is asked: a query that has these
expressions as its columns is described, not run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matrixone_local.errors import SqlError
from matrixone_local.protocol.constants import ColumnType
from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.select_items import items
from matrixone_local.sql.tokens import Kind, Statement, Token, bracketed, depths
from matrixone_local.translation.column_titles import is_named, title_of

MENTIONED = re.compile(r"\b(?:SUM|AVG|CAST)\s*\(|/", re.IGNORECASE)
_SMALL = frozenset({ColumnType.TINY, ColumnType.SHORT, ColumnType.INT24, ColumnType.LONG, ColumnType.YEAR})
_WHOLE = _SMALL | {ColumnType.LONGLONG}
_BOOL_CHARS = 1  # of a comparison and of a BOOL; the smallest TINYINT has more
# What is no number, as a MatrixOne server calls it when it must sum them.
_NO_NUMBERS = {
    ColumnType.VAR_STRING: "VARCHAR",
    ColumnType.VARCHAR: "VARCHAR",
    ColumnType.STRING: "CHAR",
    ColumnType.BLOB: "TEXT",
    ColumnType.JSON: "JSON",
    ColumnType.DATE: "DATE",
    ColumnType.TIME: "TIME",
    ColumnType.DATETIME: "DATETIME",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}
_AVERAGE_DIGITS = 4  # of BIGINT
_ENDS_FROM = frozenset({"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "WINDOW", "FOR", "LOCK", "INTO"})
_ENDS_QUERY = frozenset({"UNION", "EXCEPT", "INTERSECT", "MINUS", ";"})
_CHANGES = frozenset({"INSERT", "REPLACE", "UPDATE", "DELETE"})
_READ = _CHANGES | {"SELECT", "WITH", "(", "CREATE", "ALTER"}
_FACTORS = frozenset({"*", "/", "%", "DIV", "MOD"})

Describe = Callable[[str], Sequence[ResultColumn] | None]  # the columns of a query; None if the engine refuses it


@dataclass(frozen=True)
class _Query:
    """A query within a statement.

    Args:
        first: the position of its SELECT.
        last: that of its last token.
        tables: the positions where its tables begin and end; none if it reads from none.
    """

    first: int
    last: int
    tables: tuple[int, int] | None


def put_types(statement: Statement, describe: Describe) -> Statement:
    """A statement in which these expressions come to what they are on a MatrixOne server.

    Args:
        statement: the statement.
        describe: gives the columns of a query.

    Raises:
        SqlError: a SUM, AVG or quotient of what is no number.
    """
    if MENTIONED.search(statement.sql) is None or statement.tokens[0].said not in _READ:
        return statement
    tokens = statement.tokens
    calls = [at for at in range(len(tokens)) if _is_call(tokens, at)]
    quotients = [at for at, token in enumerate(tokens) if token.says("/")]  # others are within texts
    return _Typing(statement, describe).typed(calls, quotients) if calls or quotients else statement


class _Typing:
    """The types of what is in one statement.

    Args:
        statement: the statement.
        describe: as of `put_types`.
    """

    def __init__(self, statement: Statement, describe: Describe) -> None:
        self._statement = statement
        self._tokens = statement.tokens
        self._describe = describe
        self._depths = depths(self._tokens)
        self._queries = [self._query(at) for at, token in enumerate(self._tokens) if token.says("SELECT")]
        self._places = [*self._queries, *([None] if self._tokens[0].said in _CHANGES else [])]
        self._changed: list[int] = []  # the positions of what was put otherwise

    def typed(self, calls: Sequence[int], quotients: Sequence[int]) -> Statement:
        """The statement with what is in brackets put before what is around it.

        Args:
            calls: the positions of its calls.
            quotients: those of its divisions.
        """
        around = {at: self._innermost(at) for at in (*calls, *quotients)}
        for depth in sorted({self._depths[at] for at in around}, reverse=True):
            here = {at for at in around if self._depths[at] == depth}
            for query in self._places:
                mine = {at for at in here if around[at] is query}
                self._put_calls(query, [at for at in calls if at in mine])
                self._put_quotients(query, [at for at in quotients if at in mine])
        if not self._changed:
            return self._statement
        self._name()
        return self._statement.changed()

    def _query(self, first: int) -> _Query:
        depth, tables = self._depths[first], None
        at = first
        while at + 1 < len(self._tokens) and not self._ends(at + 1, depth):
            at += 1
        last = at
        same = [at for at in range(first, last + 1) if self._depths[at] == depth]
        opens = next((at for at in same if self._tokens[at].says("FROM")), None)
        if opens is not None:
            end = next((at for at in same if at > opens and self._tokens[at].said in _ENDS_FROM), last + 1)
            tables = (opens, end - 1)
        return _Query(first, last, tables)

    def _ends(self, at: int, depth: int) -> bool:
        token = self._tokens[at]
        return (token.says(")") and self._depths[at] < depth) or (
            self._depths[at] == depth and token.said in _ENDS_QUERY
        )

    def _innermost(self, at: int) -> _Query | None:
        around = [query for query in self._queries if query.first <= at <= query.last]
        return max(around, key=lambda query: query.first, default=None)

    def _types(self, query: _Query | None, texts: Sequence[str]) -> Sequence[ResultColumn | None]:
        """The columns that expressions would be, or None for one of which the engine says nothing."""
        if not texts:
            return []
        begin, tables = "", ""
        if self._tokens[0].says("WITH") and self._queries:
            main = next((one for one in self._queries if self._depths[one.first] == 0), self._queries[-1])
            begin = self._written(0, main.first - 1) + " "
        if query is not None and query.tables is not None:
            tables = " " + self._written(*query.tables)
        elif query is None:
            tables = self._changed_table()
        found = self._describe(f"{begin}SELECT {', '.join(texts)}{tables}")
        if found is not None and len(found) == len(texts):
            return found
        alone = [self._describe(f"{begin}SELECT {text}{tables}") for text in texts] if len(texts) > 1 else [None]
        return [columns[0] if columns is not None and len(columns) == 1 else None for columns in alone]

    def _changed_table(self) -> str:
        """The tables that the statement itself changes, as a query names them."""
        tokens = self._tokens
        verb, last = tokens[0].said, None
        first = next((at for at, token in enumerate(tokens) if token.says("INTO", "FROM", "UPDATE")), None)
        if first is None:
            return ""
        if verb == "UPDATE":
            last = next((at - 1 for at, token in enumerate(tokens) if token.says("SET")), None)
        elif verb == "DELETE":
            ends = (at - 1 for at in range(first, len(tokens)) if tokens[at].said in _ENDS_FROM)
            last = next(ends, len(tokens) - 1)
        else:
            last = first + 3 if first + 2 < len(tokens) and tokens[first + 2].says(".") else first + 1
        return f" FROM {self._written(first + 1, last)}" if last is not None and last > first else ""

    def _written(self, first: int, last: int) -> str:
        return self._statement.written(self._tokens[first].start, self._tokens[last].end)

    def _put(self, first: int, last: int, text: str) -> None:
        self._changed.append(first)
        self._statement.put(self._tokens[first].start, self._tokens[last].end, text)

    def _put_calls(self, query: _Query | None, calls: Sequence[int]) -> None:
        arguments = [(at, *self._argument(at)) for at in calls]
        arguments = [(at, first, last) for at, first, last in arguments if first <= last]
        types = self._types(query, [self._written(self._unsigned(first, last), last) for _, first, last in arguments])
        for (at, first, last), column in zip(arguments, types, strict=True):
            if column is None:
                continue
            if self._tokens[at].says("CAST"):
                if column.type is ColumnType.JSON:
                    self._put(first, last, f"JSON_UNQUOTE({self._written(first, last)})")
            else:
                self._put_aggregate(at, first, last, column)

    def _unsigned(self, first: int, last: int) -> int:
        """Where an argument begins without its sign, which makes a BIGINT of each whole number in the engine alone."""
        tokens = self._tokens
        return first + 1 if tokens[first].says("-") and self._unit_after(first) == (first, last) else first

    def _argument(self, at: int) -> tuple[int, int]:
        """Where the argument of a call begins and ends: of a SUM or AVG, or of a CAST to a text."""
        tokens, closes = self._tokens, bracketed(self._tokens, at + 1)[0] or at
        first = at + 3 if tokens[at + 2].says("DISTINCT", "ALL") else at + 2
        if not tokens[at].says("CAST"):
            return first, closes - 1
        depth = self._depths[at] + 1
        inner = (here for here in range(first, closes) if self._depths[here] == depth and tokens[here].says("AS"))
        named = next(inner, closes)
        return first, named - 1 if named < closes and tokens[named + 1].says("CHAR", "VARCHAR", "TEXT") else first - 1

    def _put_aggregate(self, at: int, first: int, last: int, column: ResultColumn) -> None:
        """Put a SUM or AVG of what has this type."""
        name = self._tokens[at].text.lower()
        is_literal = first == last and self._tokens[first].kind is Kind.STRING
        if _is_bool(column) or (column.type in _NO_NUMBERS and not is_literal):
            what = "BOOL" if _is_bool(column) else _NO_NUMBERS[column.type]
            raise SqlError(20203, f"invalid argument aggregate function {name}, bad value [{what}]")
        if column.type not in _WHOLE:
            return
        closes = bracketed(self._tokens, at + 1)[0] or at
        end = self._window_end(closes)
        if name == "avg" and column.type in _SMALL:
            self._put(first, last, f"CAST({self._written(first, last)} AS DOUBLE)")
        elif name == "avg":
            self._put(at, end, f"CAST({self._written(at, end)} AS DECIMAL(38, {_AVERAGE_DIGITS}))")
        elif column.type in _SMALL:
            kind = "UNSIGNED" if column.is_unsigned else "SIGNED"
            self._put(at, end, f"CAST({self._written(at, end)} AS {kind})")

    def _window_end(self, closes: int) -> int:
        """Where an aggregate ends that closes there, with the OVER that may follow."""
        tokens = self._tokens
        if closes + 2 < len(tokens) and tokens[closes + 1].says("OVER"):
            return (bracketed(tokens, closes + 2)[0] or closes) if tokens[closes + 2].says("(") else closes + 2
        return closes

    def _put_quotients(self, query: _Query | None, marks: Sequence[int]) -> None:
        """Make those divisions of doubles whose sides are whole numbers."""
        sides: list[tuple[int, list[tuple[int, int]]]] = []
        for at in marks:
            units = self._chain(at)
            if units is not None and not any(self._divides(first, last) for first, last in units):
                sides.append((at, units))
        asked = [self._written(*unit) for _, units in sides for unit in units]
        types = iter(self._types(query, asked))
        for at, units in sides:
            columns = [next(types) for _ in units]
            if any(column is None or column.type not in _WHOLE for column in columns):
                continue
            known = [column for column in columns if column is not None]
            if any(_is_bool(column) for column in known):
                raise SqlError(20203, "invalid argument operator /, bad value [BOOL]")
            large = [column for column in known if column.type is ColumnType.LONGLONG]
            if len(large) < len(known) or not any(column.is_unsigned for column in large):
                first = min(first for first, _ in units)
                self._put(first, at - 1, f"CAST({self._written(first, at - 1)} AS DOUBLE)")

    def _divides(self, first: int, last: int) -> bool:
        return any(token.says("/") for token in self._tokens[first : last + 1])

    def _chain(self, at: int) -> list[tuple[int, int]] | None:
        """The factors before a division and the one behind it; None if they are not understood."""
        behind = self._unit_after(at + 1)
        factors: list[tuple[int, int]] = []
        here = at
        while True:
            unit = self._unit_before(here - 1)
            if unit is None:
                return None
            factors.append(unit)
            here = unit[0] - 1
            if here < 1 or self._tokens[here].said not in _FACTORS:
                return [*factors, behind] if behind is not None else None
            if self._tokens[here].says("/"):
                return None  # its left side is no whole number any more

    def _unit_before(self, last: int) -> tuple[int, int] | None:
        """The value that ends there: a name, a number, a call, or what is in brackets."""
        tokens, first = self._tokens, last
        if last < 0:
            return None
        if tokens[last].says(")"):
            depth = self._depths[last]
            first = next(
                (at for at in range(last - 1, -1, -1) if tokens[at].says("(") and self._depths[at] == depth), -1
            )
            if first < 0:
                return None
            if first and tokens[first - 1].says("OVER"):
                of_window = self._unit_before(first - 2)
                return of_window and (of_window[0], last)
            if first and tokens[first - 1].kind is Kind.WORD and tokens[first - 1].said not in _BEFORE_BRACKETS:
                first -= 1
        elif tokens[last].kind is Kind.SYMBOL or tokens[last].says("END"):
            return None
        while first > 1 and tokens[first - 1].says("."):
            first -= 2
        return first, last

    def _unit_after(self, first: int) -> tuple[int, int] | None:
        """The value that begins there."""
        tokens, last = self._tokens, first
        if first >= len(tokens):
            return None
        if tokens[first].says("-", "+"):
            rest = self._unit_after(first + 1)
            return rest and (first, rest[1])
        while last + 2 < len(tokens) and tokens[last + 1].says("."):
            last += 2
        opens = last if tokens[last].says("(") else last + 1
        if opens < len(tokens) and tokens[opens].says("(") and not tokens[last].says("CASE"):
            closes = bracketed(tokens, opens)[0]
            return None if closes is None else (first, self._window_end(closes))
        return None if tokens[first].kind is Kind.SYMBOL or tokens[first].says("CASE") else (first, last)

    def _name(self) -> None:
        """Give the columns that were put otherwise the names that they would have had."""
        for query in self._queries:
            for first, last in items(self._tokens[query.first : query.last + 1]):
                begin, end = query.first + first, query.first + last
                item = self._tokens[begin : end + 1]
                if not is_named(item) and any(begin <= at <= end for at in self._changed):
                    written = self._statement.sql[item[0].start : item[-1].end]
                    self._statement.insert(item[-1].end, f" AS {quoted(title_of(item) or written)}")


# What precedes a bracket without calling a function.
_BEFORE_BRACKETS = frozenset(
    {"SELECT", "AND", "OR", "XOR", "NOT", "IN", "BETWEEN", "LIKE", "WHEN", "THEN", "ELSE", "CASE", "ON", "WHERE", "BY"}
    | {"HAVING", "DISTINCT", "DIV", "MOD", "SET", "VALUES", "AS", "ALL", "ANY"}
)


def _is_call(tokens: Sequence[Token], at: int) -> bool:
    return (
        tokens[at].says("SUM", "AVG", "CAST")
        and tokens[at].kind is Kind.WORD
        and at + 1 < len(tokens)
        and tokens[at + 1].says("(")
        and bracketed(tokens, at + 1)[0] is not None
        and not (at and tokens[at - 1].says("."))
    )


def _is_bool(column: ResultColumn) -> bool:
    return column.type in _WHOLE and column.length == _BOOL_CHARS
