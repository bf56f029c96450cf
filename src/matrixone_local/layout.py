"""Clauses of definitions about how rows are laid out: CLUSTER BY, and indexes of vectors."""

from __future__ import annotations

from .errors import Refused
from .tokens import Kind, Reader, tokenize
from .values import quoted

_TYPES = {"IVFFLAT": "type=ivf_flat, lib=ob", "HNSW": "type=hnsw, lib=vsag"}
_DISTANCES = {"vector_l2_ops": "l2", "vector_cosine_ops": "cosine", "vector_ip_ops": "inner_product"}


def in_the_engine(sql: str) -> str:
    """A CREATE TABLE or CREATE INDEX with these clauses in the engine's words, or without them."""
    read = Reader(sql, tokenize(sql))
    if read.take("CREATE", "INDEX"):
        return _vector_index(read) or sql
    return _without_clusters(read)


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
