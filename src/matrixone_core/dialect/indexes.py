"""Indexes that MySQL does not have, or has otherwise: of vectors, and for full-text search.

Both are SQLAlchemy's `Index` with options of the dialect, so that copies of a table, reflection and Alembic's
migrations, which know `Index` alone, lose nothing.
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
    """An index that finds the vectors nearest to one.

    `create_all()` makes it with its table. An `hnsw` index needs a BIGINT primary key; the setting that the server
    wants before it makes one (`experimental_hnsw_index`) is set on the connection that makes it.

    Args:
        name: its name; None takes the naming convention's.
        column: the column, or its name.
        using: how it is made: `ivfflat` (cells around centres) or `hnsw` (a graph).
        lists: the number of cells; `ivfflat` only, 1 where none is given.
        op_type: the distance that it is made for: `vector_l2_ops` where none is given, `vector_cosine_ops`,
            `vector_ip_ops`. A query that sorts by another distance does not use the index.
        m: links of a node; `hnsw` only.
        ef_construction: candidates while it is made; `hnsw` only.
        ef_search: candidates while it is searched; `hnsw` only.
        kwargs: `info`, and other arguments of `Index`.

    Raises:
        InvalidArgument: an option belongs to the other kind.
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
            raise InvalidArgument(f"a vector index is made using 'ivfflat' or 'hnsw', not {show(using)}")
        numbers = {"lists": lists, "m": m, "ef_construction": ef_construction, "ef_search": ef_search}
        options = _options_with_values(using=using, op_type=op_type, **numbers)
        if wrong := options.keys() & {f"matrixone_{option}" for option in _OF_THE_OTHER[using]}:
            names = ", ".join(sorted(option.removeprefix("matrixone_") for option in wrong))
            raise InvalidArgument(f"a vector index using {show(using)} has no option {names}")
        super().__init__(name, column, **options, **kwargs)


class FullTextIndex(Index):
    """An index for full-text search; `match()` of just its columns uses it.

    Args:
        name: its name; None takes the naming convention's.
        columns: the columns, or their names: CHAR, VARCHAR, TEXT, JSON.
        parser: how text becomes words: `ngram` for Chinese, Japanese and Korean, `gojieba` for Chinese, `json` for the
            values of JSON; None splits at blanks and punctuation.
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
    """The options that have a value, as the dialect's arguments."""
    return {f"matrixone_{name}": value for name, value in options.items() if value is not None}
