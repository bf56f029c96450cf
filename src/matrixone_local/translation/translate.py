"""What changes in a statement by its text alone: titles, casts, the server's name, views.

Nothing here looks anything up, so that the same text need not be read twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from matrixone_local.protocol.constants import Command
from matrixone_local.protocol.packets import one_packet
from matrixone_local.sql.ddl import Name
from matrixone_local.sql.file_calls import calls_file_function
from matrixone_local.sql.tokens import Kind, Statement
from matrixone_local.translation import (
    allowlist,
    engine_only,
    fulltext,
    functions,
    information_schema,
    number_types,
    statements,
)
from matrixone_local.translation.column_titles import give_titles, put_variables
from matrixone_local.translation.column_types import put_casts
from matrixone_local.translation.index_catalog import Catalogue
from matrixone_local.translation.plain_statements import is_plain_query

MAX_CACHED_SQL = 4096  # characters of a query that is cached
MAX_CACHED_QUERIES = 2048
_NEEDS_SESSION = frozenset({"CAST", "CONVERT", "MO_CATALOG"})
_OF_THE_ACCOUNT = frozenset({"CURRENT_USER", "USER", "SESSION_USER", "CURRENT_ROLE"})


class EngineQuery(NamedTuple):
    """A query of which nothing has to be looked up before the engine is asked.

    Args:
        sql: as the client sent it, without its remarks.
        engine_sql: in the engine's words.
        packet: the command with these words.
    """

    sql: str
    engine_sql: str
    packet: bytes


_known: dict[bytes, EngineQuery] = {}  # by the commands that clients sent
known_query = _known.get


def read_plain_query(command: bytes, sql: str) -> EngineQuery | None:
    """A query that is the same in the engine's words; None for every other statement.

    Args:
        command: what the client sent; `known_query` gives the same for it from now on.
        sql: the statement in it.
    """
    if len(sql) > MAX_CACHED_SQL or not is_plain_query(sql):
        return None
    return _remember(command, EngineQuery(sql, sql, one_packet(0, command)))


def read_query(command: bytes, statement: Statement, variable: Callable[[str], str | None]) -> EngineQuery | None:
    """A query in the engine's words, if they follow from its text and its account; None for every other statement.

    Args:
        command: what the client sent; if they follow from the text alone, `known_query` gives the same from now on.
        statement: the statement in it.
        variable: gives the values of variables, as of `column_titles.put_variables`.
    """
    if len(statement.sql) > MAX_CACHED_SQL or not _needs_no_lookup(statement):
        return None
    engine_sql = translate(statement, variable=variable)
    said = bytes([Command.QUERY]) + engine_sql.encode("utf-8", "surrogateescape")
    query = EngineQuery(statement.sql, engine_sql, one_packet(0, said))
    if any(token.said in _OF_THE_ACCOUNT for token in statement.tokens):
        return query
    return _remember(command, query)


def _remember(command: bytes, query: EngineQuery) -> EngineQuery:
    if len(_known) >= MAX_CACHED_QUERIES:
        _known.clear()  # one that is sent often comes back at once
    _known[command] = query
    return query


def _needs_no_lookup(statement: Statement) -> bool:
    """Whether a statement is a query that goes to the engine without anything of it being looked up or refused."""
    sql, tokens = statement.sql, statement.tokens
    if not tokens or not tokens[0].says("SELECT") or allowlist.is_watched(sql):
        return False
    for token in tokens:
        is_name = token.kind in {Kind.WORD, Kind.QUOTED}
        if is_name and (token.text.startswith("@") or token.value.upper() in _NEEDS_SESSION):
            return False
        if token.kind is Kind.SYMBOL and token.text in {";", "{"}:
            return False
    if information_schema.mentions_indexes(sql) and "information_schema" in sql.lower():
        return False
    asks = (fulltext.MENTIONED, engine_only.IN_QUERIES, number_types.MENTIONED)  # refused, or types are asked for
    return not any(pattern.search(sql) for pattern in asks) and not calls_file_function(tokens)


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
    statements.put_share(statement)
    put_casts(statement)
    information_schema.substitute_tables(statement, dropped, keys)
    functions.put_functions(statement)
    fulltext.put_matches(statement)
    return statement.written()
