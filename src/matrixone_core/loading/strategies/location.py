"""Naming bad rows: which row an error of the server's is about, and in which line of the file it begins.

Only messages depend on this, never whether a load succeeds. A file is read here for it, through the server where it is
in a stage.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias, TypeVar

from matrixone_core.errors import LoadFailed, MatrixOneError, ServerError
from matrixone_core.loading.formats.csv import Field, RegularLines, Row
from matrixone_core.loading.inputs.files import InputFile, StageFile
from matrixone_core.loading.inputs.readers import decoder_of, row_reader
from matrixone_core.loading.inputs.stage_reader import ChunkBytes, StageBytes
from matrixone_core.loading.inputs.transforms import RowReader, format_row, raise_bad_row
from matrixone_core.loading.mapping import END, ColumnMapping, StagedField
from matrixone_core.loading.plan import Batch
from matrixone_core.loading.row_checks import plain_value
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.table import Column, Kind
from matrixone_core.messages import shorten
from matrixone_core.results import BadRow
from matrixone_core.sql.load import Csv, JsonLines, Parquet
from matrixone_core.sql.staging import StagedRow
from matrixone_core.steps import CallInPieces, Op, compute

LOCATION_ERROR_CODES = frozenset({20300, 20411})  # the server's numbers for what has to do with the place, not a row
MAX_READ_BYTES = 256 * 1024 * 1024  # of a file that is read only to name a row
_REFUSED_VALUE = re.compile(r"the input value '(.*)' is not ", re.DOTALL)  # in LOAD DATA's words
T = TypeVar("T")
Visit: TypeAlias = Callable[[Row | RegularLines], T | None]
UNREADABLE = (OSError, EOFError, ValueError)
_UNWANTED = re.compile(r"^(internal error|constraint violation): |; no row was loaded$")


def explain_shape(context: LoadContext, file: InputFile, error: LoadFailed) -> Op[None]:
    """Name the row that has another shape than the table's, if the error is about one and it can be found.

    Raises:
        LoadFailed: it was found.
    """
    if error.row is not None or error.code in LOCATION_ERROR_CODES or not isinstance(file, StageFile):
        return
    if not isinstance(file.format, Csv | JsonLines):
        return
    named = _REFUSED_VALUE.search(error.message)
    reader = row_reader(context.plan.request, context.plan.target, file.format, file.names, passes_lines=named is None)
    visit = partial(_unreadable, file, None if named is None else named[1], reason_of(error))
    try:
        found = yield from _scan(file, file.format, reader, visit)
    except (MatrixOneError, *UNREADABLE):  # what is raised is what happened before
        return
    if found is not None:
        raise_bad_row(found, error)


def _unreadable(file: StageFile, value: str | None, reason: str, found: Row | RegularLines) -> BadRow | None:
    """The row that LOAD DATA cannot read: it has another shape, or the value that the error names."""
    if isinstance(found, RegularLines):
        return None
    bad = BadRow(file.path, found.line, None, None, found.broken or "", format_row(found.raw), found.unit)
    if found.broken is not None:
        return bad
    if len(found.fields) != len(file.names):
        few = "few" if len(found.fields) < len(file.names) else "many"
        return replace(bad, reason=f"too {few} fields: {len(found.fields)}, and {len(file.names)} columns")
    for name, field in zip(file.names, found.fields, strict=True):
        if value is not None and field.text == value:
            return replace(bad, column=name, value=value, reason=reason)
    return None


def explain_refusal(context: LoadContext, batch: Batch, error: LoadFailed) -> Op[None]:
    """Name the staged row that the server refused, if it can be found.

    Raises:
        LoadFailed: it was found.
    """
    reason = reason_of(error)
    for question in filter(None, (batch.doubtful_rows(), *batch.json_rows(reason))):
        rows = yield from question
        for row in rows:
            field = find_refused_field(batch.mapping, row, error)
            if field is not None:
                raise_bad_row((yield from describe(context, batch, row, field, reason)), error)


def find_refused_field(mapping: ColumnMapping, row: StagedRow, error: LoadFailed) -> StagedField | None:
    """The field that an error is about, by the column's name or the value in its words; None if none can be."""
    words = error.message
    for field, value in zip(mapping.fields, row.values, strict=True):
        if field.column is not None and _may_be_refused(field.column, value) and _is_about(field.column, value, words):
            return field
    return None


def _may_be_refused(column: Column, value: bytes | None) -> bool:
    if value is None:
        return not column.nullable
    text = value.decode("utf-8", "replace")
    match column.kind:
        case Kind.TEXT | Kind.BYTES:
            length: int | None = getattr(column.type, "length", None)
            return length is not None and (len(text) if column.kind is Kind.TEXT else len(value)) > length
        case Kind.JSON:
            return not _is_json(text)
        case _:
            pattern = plain_value(column)
            return pattern is None or re.fullmatch(pattern, text) is None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_about(column: Column, value: bytes | None, words: str) -> bool:
    if re.search(rf"[Cc]olumn '{re.escape(column.name)}'", words):
        return True
    text = "" if value is None else value.decode("utf-8", "replace").strip()
    match column.kind:
        case Kind.TEXT | Kind.BYTES:
            return "larger than Dest length" in words
        case Kind.JSON:
            return "json text" in words.lower()
        case Kind.VECTOR if "vector" in words:
            return True
        case Kind.VECTOR:  # the server names one of its numbers
            return any(_has_word(words, number.strip()) for number in text.strip("[]").split(","))
        case _:
            return _has_word(words, text)


def _has_word(words: str, text: str) -> bool:
    return bool(text) and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", words) is not None


def reason_of(error: ServerError) -> str:
    """The server's words about a row."""
    return shorten(_UNWANTED.sub("", error.message).strip())


def describe(context: LoadContext, batch: Batch, row: StagedRow, field: StagedField | None, reason: str) -> Op[BadRow]:
    """A staged row as a bad row.

    Args:
        context: the load.
        batch: where it was staged.
        row: the row.
        field: which of its fields is refused, or None.
        reason: why.
    """
    found, line = batch.files[0], None
    for file in batch.files:
        line = yield from _find_line(context, batch, file, row)
        if line is not None:
            found = file
            break
    value = None if field is None else row.values[batch.mapping.fields.index(field)]
    return BadRow(
        found.path,
        line,
        (field and field.name) or None,
        None if value is None else value.decode("utf-8", "backslashreplace"),
        reason,
        as_csv(row),
        found.unit,
    )


def as_csv(row: StagedRow) -> str:
    """A staged row as a line of CSV."""
    return ",".join(map(_csv_value, row.values))


def _csv_value(value: bytes | None) -> str:
    if value is None:
        return "\\N"
    text = value.decode("utf-8", "backslashreplace")
    return '"' + text.replace('"', '""') + '"' if not text or re.search(r'[",\r\n]', text) else text


def _find_line(context: LoadContext, batch: Batch, file: InputFile, row: StagedRow) -> Op[int | None]:
    if row.number is not None and len(batch.files) == 1:
        return (yield from lines_of(context, batch, (row.number,))).get(row.number)
    form = file.format if isinstance(file, StageFile) else context.plan.request.format  # not as it was sent
    if not isinstance(form, Csv | JsonLines):
        return None
    plain = [_plain(batch.mapping, place) for place in batch.mapping.order]
    skips = "" not in plain and all(map(_is_utf8, row.values))  # a line that is passed on may have any bytes
    reader = row_reader(
        context.plan.request, context.plan.target, form, file.names, passes_lines=skips, plain=plain if skips else ()
    )
    try:
        return (yield from _scan(file, form, reader, partial(_find_equal_line, batch.mapping, row)))
    except (MatrixOneError, *UNREADABLE):
        return None


def _is_utf8(value: bytes | None) -> bool:
    return "\ufffd" not in (value or b"").decode("utf-8", "replace")


def _plain(mapping: ColumnMapping, place: str | None) -> str | int | None:
    """What a field must be that nothing is wrong with, as of `CsvReader`; an empty text where that cannot be said."""
    column = next((field.column for field in mapping.fields if field.staged == place), None)
    if column is None:
        return None
    if column.kind in {Kind.TEXT, Kind.BYTES}:
        length: int | None = getattr(column.type, "length", None)
        return length if length is None or column.kind is Kind.TEXT else length // 4  # characters may have four bytes
    return plain_value(column) or ""


def _find_equal_line(mapping: ColumnMapping, staged: StagedRow, found: Row | RegularLines) -> int | None:
    if not isinstance(found, Row):
        return None
    places, fields = mapping.order, found.fields
    if mapping.end is not None:
        places = (*places, END)
        if found.broken is None:  # its end was empty
            fields = (*fields, Field("", quoted=False))
    if len(fields) != len(places):
        return None
    texts = [field.text for field, place in zip(fields, places, strict=True) if place is not None]
    values = [None if value is None else value.decode("utf-8", "surrogateescape") for value in staged.values]
    return found.line if texts == values else None


class _ByNumber:
    """Finds the lines of rows by their numbers.

    Args:
        numbers: the numbers.

    Attributes:
        lines: the lines that were found.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        self._left = sorted(numbers, reverse=True)
        self._count = 0
        self.lines: dict[int, int] = {}

    def __call__(self, found: Row | RegularLines) -> bool | None:
        """Note the lines of wanted rows; True once all are found."""
        before, self._count = self._count, self._count + (1 if isinstance(found, Row) else found.count)
        while self._left and self._left[-1] <= self._count:
            number = self._left.pop()
            self.lines[number] = found.line + number - before - 1
        return None if self._left else True


def lines_of(context: LoadContext, batch: Batch, numbers: Sequence[int]) -> Op[dict[int, int]]:
    """The lines in which rows of a batch's only file begin, by the rows' numbers, as far as they are found."""
    file, form = batch.files[0], batch.files[0].format
    passed = context.lines.get(file.path)
    if file.unit == "row" or isinstance(form, Parquet):
        return {number: number for number in numbers}
    if passed is not None:
        return {number: line for number in numbers if (line := passed.line(number)) is not None}
    finder = _ByNumber(numbers)
    reader = row_reader(context.plan.request, context.plan.target, form, file.names)
    try:
        yield from _scan(file, form, reader, finder)
    except (MatrixOneError, *UNREADABLE):
        return finder.lines
    return finder.lines


def _scan(file: InputFile, form: Csv | JsonLines, reader: RowReader, visit: Visit[T]) -> Op[T | None]:
    """What *visit* first returns for a row, or for regular lines, of a file that is read anew."""
    decode: Callable[[bytes | None], bytes]
    pieces: StageBytes | ChunkBytes
    if isinstance(file, StageFile):
        decode, pieces = decoder_of(file.path, form, None).feed, StageBytes(file.path)
    elif file.reread is not None:
        chunks, decode = file.reread()
        pieces = ChunkBytes(chunks)
    else:
        return None
    piece: bytes | None = b""
    left = MAX_READ_BYTES
    while piece is not None and left > 0:
        piece = yield from pieces.next()
        left -= len(piece or b"")
        read = partial(_visit, decode, reader, visit)
        answers: list[T | None] = (
            [(yield from compute(partial(read, None)))] if piece is None else (yield from CallInPieces(read, piece))
        )
        found = next((answer for answer in answers if answer is not None), None)
        if found is not None:
            return found
    return None


def _visit(
    decode: Callable[[bytes | None], bytes], reader: RowReader, visit: Visit[T], piece: bytes | None
) -> T | None:
    data = decode(piece)
    rows = (*reader.feed(data), *(reader.finish() if piece is None else ()))
    return next((answer for answer in map(visit, rows) if answer is not None), None)
