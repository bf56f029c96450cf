"""What changes in a statement by its text alone: titles, casts, the server's name, views.

Nothing here looks anything up, so that the same text need not be read twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from . import catalogue, functions, information, outfile, stagefiles, statements
from .column_types import casts_in_the_engine
from .ddl import Name
from .titles import with_titles, with_variables
from .tokens import Kind, tokenize

LONGEST = 4096  # characters of a query that is kept
KEPT = 2048
_LOOKED_UP = frozenset({"CAST", "CONVERT", "MO_CATALOG", "CURRENT_USER", "USER", "SESSION_USER", "CURRENT_ROLE"})


def query_in_the_engine(sql: str) -> str | None:
    """A query in the engine's words, if its text alone tells them; None for every other statement."""
    return _kept(sql) if len(sql) <= LONGEST else None


@lru_cache(KEPT)
def _kept(sql: str) -> str | None:
    tokens = tokenize(sql)
    if not tokens or not tokens[0].says("SELECT"):
        return None
    for token in tokens:
        is_name = token.kind in {Kind.WORD, Kind.QUOTED}
        if is_name and (token.text.startswith("@") or token.value.upper() in _LOOKED_UP or catalogue.is_hidden(token)):
            return None
        if token.kind is Kind.SYMBOL and token.text in {";", "{"}:
            return None
    if stagefiles.mentions(tokens) or outfile.find(tokens) is not None:
        return None
    return reworded(sql)


def reworded(sql: str, dropped: Sequence[Name] = ()) -> str:
    """A statement with its titles, casts and views put in the engine's words; `dropped` as of `information`."""
    if (tokens := tokenize(sql)) and tokens[0].says("SELECT"):
        sql = with_titles(sql)
        sql = with_variables(sql, tokenize(sql), statements.of_the_server)
        tokens = tokenize(sql)
    if tokens and tokens[0].says("EXPLAIN"):
        sql = statements.explained(sql, tokens)
        tokens = tokenize(sql)
    sql = functions.in_the_engine(casts_in_the_engine(sql, tokens))
    return information.read_in(sql, tokenize(sql), dropped)
