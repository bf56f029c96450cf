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

MAX_CACHED_SQL = 4096  # characters of a query that is cached
MAX_CACHED_QUERIES = 2048
_NEEDS_SESSION = frozenset({"CAST", "CONVERT", "MO_CATALOG", "CURRENT_USER", "USER", "SESSION_USER", "CURRENT_ROLE"})


_cache: dict[str, str | None] = {}
_cache_lock = threading.Lock()


def query_to_engine_sql(statement: Statement) -> str | None:
    """A query in the engine's words, if its text alone tells them; None for every other statement."""
    if len(statement.sql) > MAX_CACHED_SQL:
        return None
    if statement.sql not in _cache:
        translated = _query_to_engine_sql(statement)
        with _cache_lock:
            if len(_cache) >= MAX_CACHED_QUERIES:
                del _cache[next(iter(_cache))]  # the oldest: one that is sent often comes back at once
            _cache[statement.sql] = translated
        return translated
    return _cache.get(statement.sql)


def _query_to_engine_sql(statement: Statement) -> str | None:
    tokens = statement.tokens
    if not tokens or not tokens[0].says("SELECT"):
        return None
    if allowlist.is_watched(statement.sql):
        return None
    for token in tokens:
        is_name = token.kind in {Kind.WORD, Kind.QUOTED}
        if is_name and (token.text.startswith("@") or token.value.upper() in _NEEDS_SESSION):
            return None
        if token.kind is Kind.SYMBOL and token.text in {";", "{"}:
            return None
    if fulltext.MENTIONED.search(statement.sql) is not None:  # may be refused
        return None
    if information_schema.mentions_indexes(statement.sql) and "information_schema" in statement.sql.lower():
        return None
    if calls_file_function(tokens):
        return None
    return translate(statement)


def translate(
    statement: Statement,
    dropped: Sequence[Name] = (),
    variable: Callable[[str], str | None] = statements.server_constant,
    keys: Catalogue = information_schema.NOTHING,
) -> str:
    """A statement with its titles, variables, casts, functions and views put in the engine's words.

    Args:
        statement: the statement.
        dropped: as of `information_schema.substitute_tables`.
        variable: gives the values of variables, as of `column_titles.put_variables`.
        keys: as of `information_schema.substitute_tables`.
    """
    if statement.tokens and statement.tokens[0].says("SELECT"):
        give_titles(statement)
        put_variables(statement, variable)
    if statement.tokens and statement.tokens[0].says("EXPLAIN"):
        statements.put_explain(statement)
    put_casts(statement)
    information_schema.substitute_tables(statement, dropped, keys)
    division.put_doubles(statement)
    functions.put_functions(statement)
    fulltext.put_matches(statement)
    return statement.written()
