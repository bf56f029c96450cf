"""Clauses of definitions about how rows are laid out: CLUSTER BY, indexes of vectors, character sets."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import Refused
from .tokens import Kind, Reader, Token, tokenize
from .values import quoted

_TYPES = {"IVFFLAT": "type=ivf_flat, lib=ob", "HNSW": "type=hnsw, lib=vsag"}
_DISTANCES = {"vector_l2_ops": "l2", "vector_cosine_ops": "cosine", "vector_ip_ops": "inner_product"}
# What every text is in and compared by, whatever is named: a MatrixOne server reads these clauses and goes on.
_OF_TEXTS = {"CHARSET": "utf8mb4", "SET": "utf8mb4", "COLLATE": "utf8mb4_bin"}
_BEFORE_A_NAME = frozenset(
    {"(", ",", "ADD", "MODIFY", "CHANGE", "DROP", "AFTER", "TO", "TABLE", "COLUMN", "INDEX", "KEY", "CONSTRAINT"}
)


def in_the_engine(sql: str) -> str:
    """A CREATE or ALTER with these clauses in the engine's words, or without them."""
    sql = _in_one_character_set(sql)
    read = Reader(sql, tokenize(sql))
    if read.take("CREATE", "INDEX"):
        return _vector_index(read) or sql
    return _without_clusters(read)


def _in_one_character_set(sql: str) -> str:
    tokens = tokenize(sql)
    if not tokens[1:] or not tokens[1].says("TABLE", "TEMPORARY", "DATABASE", "SCHEMA"):
        return sql
    ends = next((at for at, token in enumerate(tokens) if token.says("SELECT")), len(tokens))
    for at in range(ends - 2, 0, -1):
        put = _OF_TEXTS.get(tokens[at].text.upper())
        named = tokens[at + 2] if at + 2 < len(tokens) and tokens[at + 1].says("=") else tokens[at + 1]
        if put and _names_characters(tokens, at) and named.kind is not Kind.SYMBOL and not named.says("BINARY"):
            sql = f"{sql[: named.start]}{put}{sql[named.end :]}"
    return sql


def _names_characters(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word begins such a clause, and is no column's name or the type SET."""
    if tokens[at].says("SET"):
        return tokens[at - 1].says("CHARACTER")
    is_name = tokens[at - 1].says(*_BEFORE_A_NAME) or any(token.says("CHANGE") for token in tokens[at - 3 : at])
    return tokens[at + 1].says("=") or not is_name


def _vector_index(read: Reader) -> str | None:
    """CREATE INDEX name USING IVFFLAT | HNSW ON table (column) [option = value]…; None for other indexes."""
    try:
        read.take("IF", "NOT", "EXISTS")
        name = read.name()
        read.expect("USING")
        kind = _TYPES.get(read.next(Kind.WORD).text.upper())
        read.expect("ON")
    except Refused:
        return None
    if kind is None:
        return None
    first = read.next(Kind.WORD, Kind.QUOTED)
    while not read.take(")"):
        read.next(*Kind)
    where = read.sql[first.start : read.tokens[read.at - 1].end]
    distance = "l2"
    while read.current is not None and not read.take(";"):
        if read.take("OP_TYPE"):
            read.take("=")
            told = read.string()
            if told not in _DISTANCES:
                raise read.error()
            distance = _DISTANCES[told]
        else:  # LISTS, M, EF_CONSTRUCTION: how exact and how fast it is
            read.next(*Kind)
    return f"CREATE VECTOR INDEX {quoted(name)} ON {where} WITH (distance={distance}, {kind})"


def _without_clusters(read: Reader) -> str:
    for at in range(len(read.tokens) - 2):
        read.at = at
        if read.take("CLUSTER", "BY", "("):
            while not read.take(")"):
                read.next(*Kind)
            return f"{read.sql[: read.tokens[at].start]}{read.sql[read.tokens[read.at - 1].end :]}"
    return read.sql
