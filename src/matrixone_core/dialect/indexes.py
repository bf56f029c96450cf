"""Indexes for vectors and for full-text search, which MySQL lacks or defines differently.

Both are a SQLAlchemy `Index` with options of the dialect, so that table copies, reflection and Alembic's migrations,
which handle `Index` only, preserve them.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Index
from sqlalchemy.orm import InstrumentedAttribute

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show

OPTIONS = {  # of an index, beside those that MySQL's dialect has
    "lists": None,
    "op_type": None,
    "m": None,
    "ef_construction": None,
    "ef_search": None,
    "quantization": None,
    "async": None,
}
FULLTEXT = "FULLTEXT"
_OF_THE_OTHER = {"ivfflat": ("m", "ef_construction", "ef_search"), "hnsw": ("lists",)}


class VectorIndex(Index):
    """An index for nearest-neighbour search in a column of vectors.

    `create_all()` creates it with its table. An `hnsw` index needs a BIGINT primary key; the dialect sets the variable
    that the server requires for it (`experimental_hnsw_index`).

    Args:
        name: name of the index. None uses the naming convention.
        column: the column, or its name.
        using: algorithm: `ivfflat` (cells around centres) or `hnsw` (a graph).
        lists: number of cells, for `ivfflat` only; 1 by default.
        op_type: distance function of the index: `vector_l2_ops` (the default), `vector_cosine_ops` or `vector_ip_ops`.
            A query that sorts by another distance does not use the index.
        m: number of links of a node, for `hnsw` only.
        ef_construction: number of candidates during construction, for `hnsw` only.
        ef_search: number of candidates during a search, for `hnsw` only.
        kwargs: `info`, and other arguments of `Index`.

    Raises:
        InvalidArgument: `using` is unknown, or an option belongs to the other algorithm.
    """

    def __init__(
        self,
        name: str | None,
        column: str | ColumnElement[Any] | InstrumentedAttribute[Any],
        *,
        using: Literal["ivfflat", "hnsw"] = "ivfflat",
        lists: int | None = None,
        op_type: str | None = None,
        m: int | None = None,
        ef_construction: int | None = None,
        ef_search: int | None = None,
        **kwargs: Any,
    ) -> None:
        if using not in _OF_THE_OTHER:
            raise InvalidArgument(f"using={show(using)} must be 'ivfflat' or 'hnsw'")
        numbers = {"lists": lists, "m": m, "ef_construction": ef_construction, "ef_search": ef_search}
        options = _options_with_values(using=using, op_type=op_type, **numbers)
        if wrong := options.keys() & {f"matrixone_{option}" for option in _OF_THE_OTHER[using]}:
            names = ", ".join(sorted(option.removeprefix("matrixone_") for option in wrong))
            raise InvalidArgument(f"a vector index using {show(using)} has no option {names}")
        super().__init__(name, column, **options, **kwargs)


class FullTextIndex(Index):
    """An index for full-text search. `match()` of exactly its columns uses it.

    Args:
        name: name of the index. None uses the naming convention.
        columns: the columns, or their names, of the types CHAR, VARCHAR, TEXT or JSON.
        parser: tokenizer: `ngram` for Chinese, Japanese and Korean, `gojieba` for Chinese, `json` for values in JSON.
            None splits at blanks and punctuation.
        kwargs: `info`, and other arguments of `Index`.
    """

    def __init__(
        self,
        name: str | None,
        *columns: str | ColumnElement[Any] | InstrumentedAttribute[Any],
        parser: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, *columns, **_options_with_values(prefix=FULLTEXT, with_parser=parser), **kwargs)


def _options_with_values(**options: Any) -> dict[str, Any]:
    """Return the options that have a value as arguments of the dialect."""
    return {f"matrixone_{name}": value for name, value in options.items() if value is not None}
