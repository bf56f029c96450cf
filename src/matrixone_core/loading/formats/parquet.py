"""Parquet files: read as record batches, what they unpack to, and their footers (needs pyarrow)."""

from collections.abc import Iterator
from typing import Any

from matrixone_core.errors import LoadFailed
from matrixone_core.libraries import library
from matrixone_core.loading.formats.arrow import BATCH_BYTES, ROWS, Batches, call_arrow, each_batch
from matrixone_core.loading.formats.arrow_types import sql_columns

_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}


def open_parquet(file: Any, name: str, *, max_unpacked_bytes: int | None = None) -> Batches:
    """Read a Parquet file as record batches.

    Args:
        file: an open file that can be sought in.
        name: what it is called in messages.
        max_unpacked_bytes: what it may unpack to; None means no limit.

    Raises:
        LoadFailed: it is no Parquet file, or is broken, or unpacks to more.
        NotSupported: pyarrow is not installed.
    """
    parquet = library("pyarrow.parquet")
    opened = call_arrow(name, lambda: parquet.ParquetFile(file, coerce_int96_timestamp_unit="us"))
    if max_unpacked_bytes is not None:
        check_unpacked_size(opened.metadata, max_unpacked_bytes, name)
    rows = max(1, min(ROWS, BATCH_BYTES // _bytes_of_row(opened.metadata)))
    return Batches(opened.schema_arrow, each_batch(name, opened.iter_batches(rows)))


def _bytes_of_row(metadata: Any) -> int:
    """The bytes of a row in the row group whose rows are the largest."""
    groups = (
        (metadata.row_group(at).num_rows, _count_unpacked_bytes(metadata, at)) for at in range(metadata.num_row_groups)
    )
    return max((size // max(rows, 1) for rows, size in groups), default=0) or 1


def sql_columns_of_footer(footer: bytes) -> Iterator[tuple[str, str]]:
    """Yield the columns of a Parquet file, as `sql_columns`, from its footer (with its last eight bytes)."""
    return sql_columns(metadata_of_footer(footer).schema.to_arrow_schema())


def whole_number_columns(schema: Any) -> frozenset[str]:
    """Return the names, in lower case, of the columns of an Arrow schema whose values are whole and fit a BIGINT."""
    types = library("pyarrow").types
    whole = {field.name.lower() for field in schema if types.is_integer(field.type) and not types.is_uint64(field.type)}
    names = [name.lower() for name in schema.names]
    return frozenset(name for name in whole if names.count(name) == 1)


def text_columns(schema: Any) -> frozenset[str]:
    """Return the names, in lower case, of the columns of an Arrow schema whose values are texts."""
    return frozenset(name.lower() for name, sql_type in sql_columns(schema) if sql_type == "TEXT")


def metadata_of_footer(footer: bytes, name: str = "the file") -> Any:
    """Read a Parquet file's metadata from its footer (with its last eight bytes).

    Raises:
        LoadFailed: it is no such footer.
    """
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    return call_arrow(name, lambda: parquet.read_metadata(arrow.BufferReader(b"PAR1" + footer)))


def check_unpacked_size(metadata: Any, limit_bytes: int, name: str) -> None:
    """Refuse a Parquet file that unpacks to more than a server's memory bears (server-facts 72).

    The footer has the size of everything but texts in a dictionary. Their length is estimated: by the least and the
    greatest value, or where the footer has none, as when they are long, by the size of the whole dictionary.

    Args:
        metadata: the file's metadata.
        limit_bytes: what it may unpack to.
        name: what the file is called in messages.

    Raises:
        LoadFailed: it unpacks to more.
    """
    unpacked = sum(_count_unpacked_bytes(metadata, at) for at in range(metadata.num_row_groups))
    if unpacked > limit_bytes:
        raise LoadFailed(
            f"{name} unpacks to about {unpacked:,} bytes ({metadata.num_rows:,} rows), more than the {limit_bytes:,}"
            " that a load may take of the server's memory; a larger max_unpacked_bytes= raises the limit"
        )


def _count_unpacked_bytes(metadata: Any, at: int) -> int:
    """The bytes that a row group unpacks to."""
    group = metadata.row_group(at)
    chunks = ((group.column(place), metadata.schema.column(place).length) for place in range(group.num_columns))
    return sum(max(chunk.total_uncompressed_size, _bytes_of_values(chunk, length)) for chunk, length in chunks)


def _bytes_of_values(chunk: Any, length: int) -> int:
    """The bytes of a column's values once its dictionary is applied."""
    values, statistics = int(chunk.num_values), chunk.statistics
    width = length if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(chunk.physical_type)
    if width is not None:
        return values * width
    if not chunk.has_dictionary_page or (statistics is not None and statistics.null_count == values):
        return 0  # its size has them all
    if statistics is not None and statistics.has_min_max:
        return values * (len(statistics.min_raw) + len(statistics.max_raw)) // 2
    return values * int(chunk.total_uncompressed_size)  # values of some kB have no statistics
