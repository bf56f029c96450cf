"""Readers for the text formats: how a file's bytes become rows here."""

from collections.abc import Sequence

from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.formats.csv import CsvReader
from matrixone_core.loading.formats.json_lines import JsonReader
from matrixone_core.loading.inputs.transforms import Decoder, RowReader
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.table import Kind, Table
from matrixone_core.sql.load import Csv, Format, JsonLines


def decoder_of(path: str, form: Format, encoding: str | None) -> Decoder:
    """What makes text of a file's bytes; arguments as of `Decoder`."""
    return Decoder(path, compression_of(form.compression, path), encoding)


def row_reader(
    request: LoadRequest,
    target: Table | None,
    form: Csv | JsonLines,
    names: Sequence[str | None],
    *,
    passes_lines: bool = True,
    plain: Sequence[str | int | None] = (),
) -> RowReader:
    """What splits a file's text into rows.

    Args:
        request: what the caller wants.
        target: the table, whose types decide what JSON's booleans are; None for texts.
        form: how the text is written.
        names: the names of the fields, None for one that is skipped.
        passes_lines: whether regular lines of CSV may be passed on unread.
        plain: as of `CsvReader`.
    """
    if isinstance(form, Csv):
        return CsvReader(form, len(names) if passes_lines else None, plain=plain)
    wanted = tuple(name for name in names if name is not None)
    return JsonReader(
        form,
        wanted,
        as_numbers=frozenset(name for name in wanted if _is_number(target, name)),
        missing_keys="error" if request.missing_keys == "error" else "null",
        extra_keys="error" if request.extra_keys == "error" else "ignore",
    )


def _is_number(target: Table | None, name: str) -> bool:
    column = None if target is None else target.column(name)
    return column is not None and column.kind not in {Kind.TEXT, Kind.JSON, Kind.BYTES}
