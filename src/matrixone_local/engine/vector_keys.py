"""Queries that group, sort or compare vectors, which the engine refuses: it is given texts that stand for them.

Each number of a vector becomes eleven digits, so that texts are the same where vectors are, and sort as they do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.select_items import SETS, without_alias
from matrixone_local.sql.selects import Select, Selects, Span
from matrixone_local.sql.tokens import Kind, Statement, bracketed, tokenize

REFUSED = frozenset({5083, 1235})  # the engine's numbers for what it does not do with vectors
# Without any of these a query neither groups nor compares, and joins no results.
_MENTIONED = re.compile(r"\A\s*\(|\b(?:DISTINCT|BY|UNION|IN)\b", re.IGNORECASE)
JOINED = "__mo_joined"
# A number in single precision is its exponent and 23 digits of its fraction, which together are below 2^34; those below
# zero count down. Where LOG2 is rounded up, the fraction is below 1, and the sum the same.
_EXPONENT = "FLOOR(LOG2(ABS(x)))"
_MIDDLE = 50_000_000_000
_DIGITS = f"SIGN(x) * (({_EXPONENT} + 200) * 33554432 + ABS(x) / POW(2, {_EXPONENT}) * 8388608)"
_KEY = f"array_to_string(array_map(x -> CAST(IF(x = 0, {_MIDDLE}, {_MIDDLE} + {_DIGITS}) AS SIGNED), {{}}), '')"
_AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX", "ANY_VALUE", "GROUP_CONCAT", "STD", "VARIANCE"})

Describe = Callable[[str], Sequence[ResultColumn] | None]  # the columns of a query; None if the engine refuses it


def key_of(vector: str) -> str:
    """A text that represents a vector, as SQL."""
    return _KEY.format(vector)


def with_keys(sql: str, describe: Describe) -> str | None:
    """A query that does with texts what another does with vectors.

    Args:
        sql: the query, in the engine's words, which the engine can read.
        describe: gives the columns of a query.

    Returns:
        The query; None if it does nothing of the kind with vectors, or it is not understood.
    """
    if _MENTIONED.search(sql) is None:
        return None
    tokens = tokenize(sql)
    if tokens[0].says("(") and bracketed(tokens, 0)[0] == len(tokens) - 1:
        inner = sql[tokens[0].end : tokens[-1].start]
        return with_keys(inner, describe) or inner
    return _Query(sql, describe).with_keys()


class _Query:
    """What is changed in one query.

    Args:
        sql: the query.
        describe: as of `with_keys`.
    """

    def __init__(self, sql: str, describe: Describe) -> None:
        self._statement = Statement(sql)
        self._tokens = self._statement.tokens
        self._describe = describe
        self._selects = Selects(self._tokens)
        self._depths = self._selects.depths
        self._changed = False
        self._has_names = set[int]()  # the SELECTs whose columns have been given names

    def with_keys(self) -> str | None:
        """The query with keys in it."""
        for select in sorted(self._selects.all(), key=lambda select: select.depth, reverse=True):
            self._put_comparisons(select)
            self._put_counts(select)
            self._put_windows(select)
            self._put_lists(select)
            self._put_names(select)
        self._put_union()
        return self._statement.written() if self._changed else None

    def _written(self, span: Span) -> str:
        return self._statement.written(self._tokens[span[0]].start, self._tokens[span[1]].end)

    def _put(self, span: Span, text: str) -> None:
        self._changed = True
        self._statement.put(self._tokens[span[0]].start, self._tokens[span[1]].end, text)

    # -- what expressions are -----------------------------------------------------------------------------------

    def _vectors(self, select: Select, spans: Sequence[Span]) -> list[bool]:
        """Which expressions of a SELECT are vectors."""
        if not spans:
            return []
        tables = select.clause("FROM", 0)
        tail = f" {self._written(tables)}" if tables else ""
        texts = [self._written(span) for span in spans]
        found = self._describe(f"{self._prefix()}SELECT {', '.join(texts)}{tail}")
        if found is not None and len(found) == len(spans):
            return [column.is_vector for column in found]
        if len(spans) == 1:
            return [False]
        return [self._vectors(select, [span])[0] for span in spans]

    def _prefix(self) -> str:
        """The WITH before the query, if it has one."""
        if not self._tokens[0].says("WITH"):
            return ""
        main = next((at for at, token in enumerate(self._tokens) if token.says("SELECT") and not self._depths[at]), 0)
        return f"{self._written((0, main - 1))} " if main else ""

    def _meant(self, span: Span, listed: Sequence[Span]) -> Span:
        """The expression that a part of GROUP BY or ORDER BY names by its number or its alias."""
        token = self._tokens[span[0]]
        if span[0] != span[1]:
            return span
        if token.kind is Kind.NUMBER and token.text.isdigit() and 0 < int(token.text) <= len(listed):
            return self._expression(listed[int(token.text) - 1])
        for item in listed:
            expression = self._expression(item)
            if expression != item and self._tokens[item[1]].value.lower() == token.value.lower():
                return expression
        return span

    def _expression(self, item: Span) -> Span:
        return without_alias(self._tokens, *item)

    # -- where vectors are grouped, sorted and compared ---------------------------------------------------------

    def _put_lists(self, select: Select) -> None:
        """Put keys in GROUP BY and ORDER BY, and GROUP BY in the place of DISTINCT."""
        group = select.clause("GROUP", 2)
        order = None if select.joined else select.clause("ORDER", 2)
        grouped = self._selects.split(group, select.depth) if group else []
        ordered = self._selects.split(order, select.depth) if order else []
        parts = [*grouped, *ordered]
        sorts = [*((part, "") for part in grouped), *map(self._sorted, ordered)]
        spans = [self._meant(span, select.items) for span, _ in sorts]
        texts = [self._written(span) for span in spans]
        vectors = self._vectors(select, spans)
        for part, (_, after), text, is_vector in zip(parts, sorts, texts, vectors, strict=True):
            if is_vector:
                self._put(part, f"{key_of(text)}{after}")
        names = {
            self._tokens[span[1]].value.lower()
            for span, is_vector in zip(spans[: len(grouped)], vectors[: len(grouped)], strict=True)
            if is_vector
        }
        if names:
            self._put_values(select, names)
        elif self._tokens[select.first + 1].says("DISTINCT") and not group:
            self._put_distinct(select, select.first + 1)

    def _sorted(self, span: Span) -> tuple[Span, str]:
        """A part of ORDER BY without its direction, and the direction."""
        if span[1] > span[0] and self._tokens[span[1]].says("ASC", "DESC"):
            return (span[0], span[1] - 1), f" {self._tokens[span[1]].text}"
        return span, ""

    def _put_values(self, select: Select, names: set[str]) -> None:
        """Take any of the vectors of a group, which are all the same, where one is named."""
        having = select.clause("HAVING")
        places = [*select.items, *([having] if having else [])]
        order = select.clause("ORDER", 2)
        if order and not select.joined:
            places += [part for part in self._selects.split(order, select.depth) if not self._statement_has(part)]
        for place in places:
            self._take_any(self._expression(place), names)

    def _take_any(self, span: Span, names: set[str]) -> None:
        for column in self._columns(span, names):
            self._put(column, f"ANY_VALUE({self._written(column)})")

    def _statement_has(self, span: Span) -> bool:
        """Whether something was put in the place of an expression."""
        return self._written(span) != self._statement.sql[self._tokens[span[0]].start : self._tokens[span[1]].end]

    def _columns(self, span: Span, names: set[str]) -> list[Span]:
        """Where columns of these names are named, but in aggregates."""
        found, at = list[Span](), span[0]
        while at <= span[1]:
            token = self._tokens[at]
            if token.said in _AGGREGATES and at < span[1] and self._tokens[at + 1].says("("):
                at = (bracketed(self._tokens, at + 1)[0] or at) + 1
                continue
            last = at
            while last + 2 <= span[1] and self._tokens[last + 1].says("."):
                last += 2
            if self._tokens[last].kind in {Kind.WORD, Kind.QUOTED} and self._tokens[last].value.lower() in names:
                found.append((at, last))
            at = last + 1
        return found

    def _put_distinct(self, select: Select, distinct: int) -> None:
        """Group by what is selected, where it has vectors."""
        listed = select.items
        tables = select.clause("FROM", 0)
        where = select.clause("WHERE", 0)
        if not tables or {"HAVING", "WINDOW"} & select.clauses.keys():
            return
        spans = [self._expression(item) for item in listed]
        if any(self._tokens[at].said in _AGGREGATES | {"OVER"} for span in spans for at in range(span[0], span[1] + 1)):
            return
        if any(self._tokens[span[1]].says("*") for span in spans):
            columns = self._describe(
                f"{self._prefix()}SELECT {self._written((listed[0][0], listed[-1][1]))} {self._written(tables)}"
            )
            if columns is None or not any(column.is_vector for column in columns):
                return
            texts = [f"{quoted(column.table)}.{quoted(column.name)}" for column in columns]
            vectors = [column.is_vector for column in columns]
            names = [quoted(column.name) for column in columns]
        else:
            vectors = self._vectors(select, spans)
            if not any(vectors):
                return
            texts = [self._written(span) for span in spans]
            names = [
                self._written((item[1], item[1])) if item != span else self._name_of(item)
                for item, span in zip(listed, spans, strict=True)
            ]
        values = [
            f"ANY_VALUE({text}) AS {name}" if is_vector else (text if text == name else f"{text} AS {name}")
            for text, name, is_vector in zip(texts, names, vectors, strict=True)
        ]
        keys = [key_of(text) if is_vector else text for text, is_vector in zip(texts, vectors, strict=True)]
        keys = [key for key in keys if not (key[0] in "'\"" or key.replace(".", "").isdigit() or key.upper() == "NULL")]
        self._put((distinct, listed[-1][1]), ", ".join(values))
        self._has_names.add(select.first)
        plain = {self._tokens[span[1]].value.lower() for span, one in zip(spans, vectors, strict=False) if one}
        order = None if select.joined else select.clause("ORDER", 2)
        for part in self._selects.split(order, select.depth) if order else []:
            if not self._statement_has(part):
                self._take_any(part, plain)
        end = (where or tables)[1]
        self._statement.insert(self._tokens[end].end, f" GROUP BY {', '.join(keys)}")

    def _put_names(self, select: Select) -> None:
        """Give columns that were changed the names that they would have had."""
        if select.first in self._has_names:
            return
        for item in select.items:
            if self._expression(item) != item or not self._statement_has(item):
                continue
            self._statement.insert(self._tokens[item[1]].end, f" AS {self._name_of(item)}")

    def _name_of(self, item: Span) -> str:
        """The name of a column that is given none, in back-quotes."""
        first, last = self._tokens[item[0]], self._tokens[item[1]]
        is_column = all(self._tokens[at].says(".") for at in range(item[0] + 1, item[1] + 1, 2))
        return quoted(last.value if is_column else self._statement.sql[first.start : last.end])

    def _put_windows(self, select: Select) -> None:
        """Put keys in the lists of windows."""
        for at in range(select.first, select.last):
            if not (
                self._tokens[at].says("OVER") and self._tokens[at + 1].says("(") and self._depths[at] == select.depth
            ):
                continue
            closes = bracketed(self._tokens, at + 1)[0]
            if closes is None:
                continue
            inside = [here for here in range(at + 2, closes) if self._depths[here] == select.depth + 1]
            begins = [here + 2 for here in inside if self._tokens[here].says("PARTITION", "ORDER")]
            for begin in begins:
                ends = [here for here in inside if here > begin and self._tokens[here].says("ORDER", "ROWS", "RANGE")]
                parts = self._selects.split((begin, min(ends, default=closes) - 1), select.depth + 1)
                sorts = [self._sorted(part) for part in parts]
                vectors = self._vectors(select, [span for span, _ in sorts])
                for part, (span, after), is_vector in zip(parts, sorts, vectors, strict=True):
                    if is_vector:
                        self._put(part, f"{key_of(self._written(span))}{after}")

    def _put_counts(self, select: Select) -> None:
        """Put keys in COUNT(DISTINCT …)."""
        for at in range(select.first, select.last - 2):
            call = self._tokens[at : at + 3]
            if not (call[0].says("COUNT") and call[1].says("(") and call[2].says("DISTINCT")):
                continue
            closes = bracketed(self._tokens, at + 1)[0]
            if closes is None or self._selects.innermost(at) != select.first:
                continue
            parts = self._selects.split((at + 3, closes - 1), self._depths[at] + 1)
            for part, is_vector in zip(parts, self._vectors(select, parts), strict=True):
                if is_vector:
                    self._put(part, key_of(self._written(part)))

    def _put_comparisons(self, select: Select) -> None:
        """Compare a vector with each of a list, and its key with those of a subquery."""
        for at in range(select.first + 1, select.last):
            if not (self._tokens[at].says("IN") and self._tokens[at + 1].says("(")):
                continue
            closes = bracketed(self._tokens, at + 1)[0]
            last = at - 2 if self._tokens[at - 1].says("NOT") else at - 1
            first = last
            while first > 1 and self._tokens[first - 1].says("."):
                first -= 2
            is_name = self._tokens[last].kind in {Kind.WORD, Kind.QUOTED}
            if closes is None or not is_name or self._selects.innermost(at) != select.first:
                continue
            if not self._vectors(select, [(first, last)])[0]:
                continue
            negates = "NOT " if last == at - 2 else ""
            vector = self._written((first, last))
            if self._tokens[at + 2].says("SELECT"):
                inner = self._selects.at(at + 2)
                listed = inner.items
                if len(listed) == 1 and inner.last == closes - 1:
                    self._put((first, last), key_of(vector))
                    self._put(listed[0], key_of(self._written(self._expression(listed[0]))))
                continue
            parts = self._selects.split((at + 2, closes - 1), self._depths[at] + 1)
            same = " OR ".join(f"{vector} = {self._written(part)}" for part in parts)
            self._put((first, closes), f"{negates}({same})")

    # -- UNION --------------------------------------------------------------------------------------------------

    def _put_union(self) -> None:
        """Group and sort what a UNION outside of all brackets gives."""
        here = [at for at, token in enumerate(self._tokens) if self._depths[at] == 0 and not token.says(")")]
        joins = [at for at in here if self._tokens[at].said in SETS]
        if not joins or any(not self._tokens[at].says("UNION") for at in joins):
            return
        everything = [self._tokens[at + 1].says("ALL") for at in joins]
        if everything[-1] and not all(everything):
            return  # a part of it alone would be grouped
        ends = [at for at in here if at > joins[-1] and self._tokens[at].said in {"ORDER", "LIMIT", "FOR", ";"}]
        tail = min(ends, default=len(self._tokens))
        order = None
        if ends and self._tokens[tail].says("ORDER"):
            order = (tail + 2, min(ends[1:], default=len(self._tokens)) - 1)
        first = next(at for at in here if self._tokens[at].says("SELECT", "("))
        if self._tokens[0].says("WITH"):
            first = next((at for at in here if self._tokens[at].says("SELECT")), first)
        joined = self._joined(first, tail, joins)
        columns = self._describe(f"{self._prefix()}{joined}")
        if columns is not None and any(column.is_vector for column in columns):
            self._put_joined((first, tail - 1), joined, columns, groups=not all(everything), order=order)

    def _joined(self, first: int, tail: int, joins: Sequence[int]) -> str:
        """The results behind each other, with all of their rows."""
        bounds = [first, *joins, tail]
        parts = list[str]()
        for begin, end in pairwise(bounds):
            skipped = 0 if begin == first else 2 if self._tokens[begin + 1].says("ALL", "DISTINCT") else 1
            parts.append(self._written((begin + skipped, end - 1)))
        return " UNION ALL ".join(parts)

    def _put_joined(
        self, span: Span, joined: str, columns: Sequence[ResultColumn], *, groups: bool, order: Span | None
    ) -> None:
        names = [f"c{at}" for at in range(len(columns))]
        keys = [key_of(name) if column.is_vector else name for name, column in zip(names, columns, strict=True)]
        parts = self._selects.split(order, 0) if order else []
        for part in parts:
            (begin, end), after = self._sorted(part)
            token = self._tokens[begin]
            for at, column in enumerate(columns):
                is_named = begin == end and (token.text == str(at + 1) or token.value.lower() == column.name.lower())
                if is_named:
                    self._put(part, f"{keys[at]}{after}")
                    break
        values = [
            f"{f'ANY_VALUE({name})' if groups and column.is_vector else name} AS {quoted(column.name)}"
            for name, column in zip(names, columns, strict=True)
        ]
        by = f" GROUP BY {', '.join(keys)}" if groups else ""
        table = f"({joined}) AS {JOINED} ({', '.join(names)})"
        self._put(span, f"SELECT {', '.join(values)} FROM {table}{by}")  # noqa: S608  # the client's own query
