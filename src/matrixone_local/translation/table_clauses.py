"""Clauses of definitions about how rows are laid out: CLUSTER BY, indexes of vectors, character sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

from matrixone_local.errors import SqlError, internal_error
from matrixone_local.sql.quoting import literal, quoted
from matrixone_local.sql.tokens import Kind, Reader, Statement, Token
from matrixone_local.sql.type_names import MARK

_TYPES = {"IVFFLAT": "type=ivf_flat, lib=ob", "HNSW": "type=hnsw, lib=vsag"}
_OPTIONS: Mapping[str, Mapping[str, str]] = {  # MatrixOne's of each kind, and what the engine calls them
    "IVFFLAT": {"lists": "nlist"},
    "HNSW": {"m": "m", "ef_construction": "ef_construction", "ef_search": "ef_search"},
}
_DISTANCES = {"vector_l2_ops": "l2", "vector_cosine_ops": "cosine", "vector_ip_ops": "inner_product"}
# What every text is in and compared by, whatever is named: a MatrixOne server reads these clauses and goes on.
_OF_TEXTS = {"CHARSET": "utf8mb4", "SET": "utf8mb4", "COLLATE": "utf8mb4_bin"}
_BEFORE_A_NAME = frozenset(
    {"(", ",", "ADD", "MODIFY", "CHANGE", "DROP", "AFTER", "TO", "TABLE", "COLUMN", "INDEX", "KEY", "CONSTRAINT"}
)


def put_clauses(statement: Statement) -> None:
    """Put these clauses of a CREATE or ALTER in the engine's words, or leave them out.

    Raises:
        SqlError: the engine has nothing like a clause.
    """
    _check_parsers(statement.tokens)
    _put_names(statement)
    _put_character_set(statement)
    _leave_clusters_out(statement)
    _put_vector_indexes(statement)


def vector_index(statement: Statement) -> str | None:
    """A statement that adds an index of vectors and does nothing else, in the engine's words; None for others."""
    read = Reader(statement.sql, statement.tokens)
    if read.take("CREATE", "INDEX"):
        return _vector_index(read)
    return _added_vector_index(read) if read.take("ALTER", "TABLE") else None


def _put_names(statement: Statement) -> None:
    """Put the names of keys and constraints in lower case, as a MatrixOne server stores them."""
    tokens = statement.tokens
    if not tokens[1:] or not tokens[1].says("TABLE", "TEMPORARY", "INDEX", "UNIQUE", "FULLTEXT"):
        return
    for before, name in pairwise(tokens):
        is_name = name.kind in {Kind.WORD, Kind.QUOTED} and not name.says("KEY", "INDEX")
        if before.says("CONSTRAINT", "INDEX", "KEY", "UNIQUE", "FULLTEXT") and is_name and not name.text.islower():
            statement.put(name.start, name.end, name.text.lower())


def _check_parsers(tokens: Sequence[Token]) -> None:
    for at in range(len(tokens) - 2):
        if tokens[at].says("WITH") and tokens[at + 1].says("PARSER") and not tokens[at + 2].says("NGRAM"):
            raise internal_error(f"the local server has no full-text parser {tokens[at + 2].text}; ngram is there")


def _put_character_set(statement: Statement) -> None:
    tokens = statement.tokens
    if not tokens[1:] or not tokens[1].says("TABLE", "TEMPORARY", "DATABASE", "SCHEMA"):
        return
    ends = next((at for at, token in enumerate(tokens) if token.says("SELECT")), len(tokens))
    for at in range(1, ends - 1):
        put = _OF_TEXTS.get(tokens[at].text.upper())
        named = tokens[at + 2] if at + 2 < len(tokens) and tokens[at + 1].says("=") else tokens[at + 1]
        if put and _names_characters(tokens, at) and named.kind is not Kind.SYMBOL and not named.says("BINARY"):
            statement.put(named.start, named.end, put)


def _names_characters(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word begins such a clause, and is no column's name or the type SET."""
    if tokens[at].says("SET"):
        return tokens[at - 1].says("CHARACTER")
    is_name = tokens[at - 1].says(*_BEFORE_A_NAME) or any(token.says("CHANGE") for token in tokens[at - 3 : at])
    return tokens[at + 1].says("=") or not is_name


def _vector_index(read: Reader) -> str | None:
    """CREATE INDEX name USING IVFFLAT | HNSW ON table (column) [option = value]…; None for other indexes."""
    exists = " IF NOT EXISTS" if read.take("IF", "NOT", "EXISTS") else ""
    try:
        name = read.name()
    except SqlError:
        return None
    if not _is_vectors(read):
        return None
    kind = read.next(Kind.WORD).text.upper()
    read.expect("ON")
    first = read.next(Kind.WORD, Kind.QUOTED)
    _past_brackets(read)
    where = read.sql[first.start : read.tokens[read.at - 1].end]
    return f"CREATE VECTOR INDEX{exists} {quoted(name.lower())} ON {where} {_options(read, kind)}"


def _is_vectors(read: Reader) -> bool:
    """Whether USING and a kind of index for vectors come next; leaves off before the kind."""
    ahead = read.tokens[read.at : read.at + 2]
    found = len(ahead) == 2 and ahead[0].says("USING") and ahead[1].says(*_TYPES)
    read.at += found
    return found


def _past_brackets(read: Reader) -> None:
    while not read.take(")"):
        read.next(*Kind)


def _options(read: Reader, kind: str) -> str:
    """The options of a vector index in the engine's words; those that were given are stored in its comment."""
    numbers: dict[str, str] = {"lists": "1"} if kind == "IVFFLAT" else {}
    given, comment = {"op_type": "vector_l2_ops"}, ""
    while read.current is not None and not read.current.says(";", ",", ")"):
        option = read.next(Kind.WORD).text.lower()
        read.take("=")
        if option == "comment":
            comment = read.string()
        elif option == "op_type":
            given["op_type"] = read.string().lower()
        elif option == "async":  # rows are found at once here
            given["async"] = "true"
        elif option == "quantization":
            raise internal_error("the local server has no QUANTIZATION of indexes")
        elif not any(option in options for options in _OPTIONS.values()):
            read.at -= 1
            raise read.error()
        elif (value := read.next(Kind.NUMBER).text) and option in _OPTIONS[kind]:  # the other kind's are passed over
            numbers[option] = value
    if given["op_type"] not in _DISTANCES:
        raise read.error()
    put = [f"{_OPTIONS[kind][name]}={value}" for name, value in numbers.items()]
    settings = ", ".join((f"distance={_DISTANCES[given['op_type']]}", _TYPES[kind], *put))
    stored = json.dumps(numbers | given, separators=(",", ":"), sort_keys=True)
    return f"WITH ({settings}) COMMENT {literal(f'{MARK}{stored};{comment}')}"


def _put_vector_indexes(statement: Statement) -> None:
    """Put the indexes of vectors of a CREATE TABLE."""
    tokens = statement.tokens
    for at in range(2, len(tokens) - 1):
        if not (tokens[at].says("INDEX", "KEY") and tokens[at - 1].says("(", ",")):
            continue
        read = Reader(statement.sql, tokens)
        read.at = at + 1
        if read.looks("("):
            continue
        name = "" if read.looks("USING") else f" {quoted(read.name().lower())}"
        if _is_vectors(read):
            kind = read.next(Kind.WORD).text.upper()
            first = read.at
            _past_brackets(read)
            where = statement.sql[tokens[first].start : tokens[read.at - 1].end]
            put = f"VECTOR INDEX{name} {where} {_options(read, kind)}"
            statement.put(tokens[at].start, tokens[read.at - 1].end, put)


def _added_vector_index(read: Reader) -> str | None:
    """ALTER TABLE table ADD INDEX name USING … as a CREATE INDEX; None for other changes."""
    first = read.at
    read.name()
    if read.take("."):
        read.name()
    table = read.sql[read.tokens[first].start : read.tokens[read.at - 1].end]
    if not (read.take("ADD", "INDEX") or read.take("ADD", "KEY")) or read.looks("USING") or read.looks("("):
        return None
    name = read.name()
    if not _is_vectors(read):
        return None
    kind = read.next(Kind.WORD).text.upper()
    at = read.at
    _past_brackets(read)
    where = read.sql[read.tokens[at].start : read.tokens[read.at - 1].end]
    put = f"CREATE VECTOR INDEX {quoted(name.lower())} ON {table} {where} {_options(read, kind)}"
    if not read.take(";") and read.current is not None:
        raise internal_error("the local server adds an index of vectors by itself alone")
    return put


def _leave_clusters_out(statement: Statement) -> None:
    read = Reader(statement.sql, statement.tokens)
    for at in range(len(read.tokens) - 2):
        read.at = at
        if read.take("CLUSTER", "BY", "("):
            _past_brackets(read)
            statement.put(read.tokens[at].start, read.tokens[read.at - 1].end, "")
            return
