"""Queries that give vectors with all their digits: the engine writes six of a vector's, and all of a mapped array's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, islice

from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.select_items import items, joins_results, without_alias
from matrixone_local.sql.tokens import Token, depths, tokenize

_MAPPED = "array_map(x -> x * 1, {})"


def with_all_digits(sql: str, columns: Sequence[ResultColumn]) -> str | None:
    """A query that asks for the same and has all digits of the vectors in its result.

    Args:
        sql: the query, in the engine's words.
        columns: what its result has.

    Returns:
        The query; None if it gives no vectors, or joins several results. The engine may still refuse it: it groups
        and sorts no vectors.
    """
    if not any(column.is_vector for column in columns):
        return None
    tokens = tokenize(sql)
    if joins_results(tokens):
        return None
    begins = (at for at, depth in enumerate(depths(tokens)) if depth == 0 and tokens[at].says("SELECT"))
    tokens = tokens[next(begins, len(tokens)) :]
    listed = items(tokens)
    counts = _counts([tokens[first : last + 1] for first, last in listed], columns)
    if counts is None:
        return None
    rest = iter(columns)
    written: list[str] = []
    for (first, last), count in zip(listed, counts, strict=True):
        own = list(islice(rest, count))
        if _is_star(tokens[first : last + 1]):
            written += (_item(f"{quoted(column.table)}.{quoted(column.name)}", column) for column in own)
        else:
            end = without_alias(tokens, first, last)[1] if own[0].is_vector else last
            written.append(_item(sql[tokens[first].start : tokens[end].end], own[0]))
    return f"{sql[: tokens[listed[0][0]].start]}{', '.join(written)}{sql[tokens[listed[-1][1]].end :]}"


def _counts(listed: Sequence[Sequence[Token]], columns: Sequence[ResultColumn]) -> Sequence[int] | None:
    """How many columns each item of a list gives; None if that is not certain."""
    stars = [at for at, item in enumerate(listed) if _is_star(item)]
    if not stars:
        return [1] * len(listed) if len(listed) == len(columns) else None
    first, following = stars[0], len(listed) - stars[-1] - 1
    between = columns[first : len(columns) - following]
    if len(stars) == 1:
        counts = [len(between)]
    else:  # one behind another, of tables whose names tell where the columns of the next begin
        named = [
            item[-3].value.lower() if _is_star(item) and item[1:] else "" for item in listed[first : stars[-1] + 1]
        ]
        runs = [(table, len(list(run))) for table, run in groupby(column.table.lower() for column in between)]
        if "" in named or [table for table, _ in runs] != named:
            return None
        counts = [count for _, count in runs]
    return [1] * first + counts + [1] * following


def _is_star(item: Sequence[Token]) -> bool:
    """Whether an item is `*` or `table.*`."""
    return item[-1].says("*") and (len(item) == 1 or item[-2].says("."))


def _item(written: str, column: ResultColumn) -> str:
    return f"{_MAPPED.format(written)} AS {quoted(column.name)}" if column.is_vector else written
