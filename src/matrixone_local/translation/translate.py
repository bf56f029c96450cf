"""What changes in a statement by its text alone: titles, casts, the server's name, views.

Nothing here looks anything up, so that the same text need not be read twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from matrixone_local.sql.ddl import Name
from matrixone_local.sql.file_calls import calls_file_function
from matrixone_local.sql.tokens import Kind, Statement
from matrixone_local.translation import allowlist, division, fulltext, functions, information_schema, statements
from matrixone_local.translation.column_titles import give_titles, put_variables
from matrixone_local.translation.column_types import put_casts
from matrixone_local.translation.index_catalog import Catalogue

LONGEST = 4096  # characters of a query that is kept
KEPT = 2048
_LOOKED_UP = frozenset({"CAST", "CONVERT", "MO_CATALOG", "CURRENT_USER", "USER", "SESSION_USER", "CURRENT_ROLE"})


_kept: dict[str, str | None] = {}
_keeping = threading.Lock()


def query_in_the_engine(statement: Statement) -> str | None:
    """A query in the engine's words, if its text alone tells them; None for every other statement."""
    if len(statement.sql) > LONGEST:
        return None
    if statement.sql not in _kept:
        put = _query_in_the_engine(statement)
        with _keeping:
            if len(_kept) >= KEPT:
                del _kept[next(iter(_kept))]  # the oldest: one that is sent often comes back at once
            _kept[statement.sql] = put
        return put
    return _kept.get(statement.sql)


def _query_in_the_engine(statement: Statement) -> str | None:
    tokens = statement.tokens
    if not tokens or not tokens[0].says("SELECT"):
        return None
    if allowlist.is_watched(statement.sql):
        return None
    for token in tokens:
        is_name = token.kind in {Kind.WORD, Kind.QUOTED}
        if is_name and (token.text.startswith("@") or token.value.upper() in _LOOKED_UP):
            return None
        if token.kind is Kind.SYMBOL and token.text in {";", "{"}:
            return None
    if fulltext.MENTIONED.search(statement.sql) is not None:  # may be refused
        return None
    if information_schema.mentions_indexes(statement.sql) and "information_schema" in statement.sql.lower():
        return None
    if calls_file_function(tokens):
        return None
    return reworded(statement)


def reworded(
    statement: Statement,
    dropped: Sequence[Name] = (),
    variable: Callable[[str], str | None] = statements.of_the_server,
    keys: Catalogue = information_schema.NOTHING,
) -> str:
    """A statement with its titles, variables, casts, functions and views put in the engine's words.

    Args:
        statement: the statement.
        dropped: as of `information_schema.read_in`.
        variable: gives the values of variables, as of `column_titles.put_variables`.
        keys: as of `information_schema.read_in`.
    """
    if statement.tokens and statement.tokens[0].says("SELECT"):
        give_titles(statement)
        put_variables(statement, variable)
    if statement.tokens and statement.tokens[0].says("EXPLAIN"):
        statements.put_explain(statement)
    put_casts(statement)
    information_schema.read_in(statement, dropped, keys)
    division.put_doubles(statement)
    functions.put_functions(statement)
    fulltext.put_matches(statement)
    return statement.written()
