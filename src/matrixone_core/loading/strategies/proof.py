"""LOAD DATA for users who cannot create a staging table: only of lines that it stores as INSERT would.

LOAD DATA cuts numbers and, of client data, takes texts of any length (server-facts 48, 49). Each line is compared here
with what is certain; the first one that is not fails the load.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from matrixone_core.errors import PermissionDenied
from matrixone_core.loading.certain_values import certain_field
from matrixone_core.loading.formats.csv import CsvReader, Field, RegularLines, Row, why_not_utf8
from matrixone_core.loading.inputs.files import ClientFile, InputFile
from matrixone_core.loading.inputs.readers import decoder_of
from matrixone_core.loading.inputs.stage_reader import StageBytes
from matrixone_core.loading.inputs.transforms import format_row, raise_bad_row
from matrixone_core.loading.plan import LoadPlan, sent_format
from matrixone_core.messages import show
from matrixone_core.results import BadRow
from matrixone_core.sql.load import Csv
from matrixone_core.steps import Op, transform

_REASON = (
    "this is not certain to be stored as it is without a staging table, which the user may not create; grant CREATE"
    " TABLE and DROP TABLE on the database, or write the values plainly"
)


def prove(plan: LoadPlan, file: InputFile) -> Op[InputFile]:
    """See that all lines of a file are certain: a stage's now, the client's as they are sent.

    Args:
        plan: the load.
        file: the file.

    Returns:
        The file to load.

    Raises:
        LoadFailed: a line is not certain.
        PermissionDenied: no line of such a file can be.
    """
    form = sent_format(file) if isinstance(file, ClientFile) else file.format
    columns = [None if name is None or plan.target is None else plan.target.column(name) for name in file.names]
    fields = [certain_field(column) for column in columns]
    if not isinstance(form, Csv) or "" in fields:
        column = next((column for column, field in zip(columns, fields, strict=True) if field == ""), None)
        what = f"files of {form.name}" if column is None else f"the column {show(column.name)}"
        raise PermissionDenied(f"{what} need a staging table: {_REASON}")
    reader, is_sent = CsvReader(form, len(fields), file.unit, fields), isinstance(file, ClientFile)
    proof = LineProof(file.path, reader, fields, is_sent)
    if isinstance(file, ClientFile):
        return replace(file, transform=partial(proof.after, file.transform))
    decoder, pieces = decoder_of(file.path, form, "utf-8"), StageBytes(file.path)
    piece: bytes | None = b""
    while piece is not None:
        piece = yield from pieces.next()
        yield from transform(partial(proof.after, decoder.feed), piece)
    return file


@dataclass(frozen=True)
class LineProof:
    """Sees that lines are certain as they pass.

    Args:
        path: what their file is called.
        reader: passes certain lines on unread.
        fields: what each field has to be, as of `certain_field`.
        is_sent: whether the lines are written to be sent: a return that ends one is not lost then (server-facts 84).
    """

    path: str
    reader: CsvReader
    fields: Sequence[str | int | None]
    is_sent: bool

    def after(self, transform: Callable[[bytes | None], bytes], piece: bytes | None) -> bytes:
        """What *transform* makes of a piece, once its lines are seen to be certain.

        Raises:
            LoadFailed: one is not.
        """
        data = transform(piece)
        for found in (*self.reader.feed(data), *(self.reader.finish() if piece is None else ())):
            self._check(found)
        return data

    def _check(self, found: Row | RegularLines) -> None:
        if isinstance(found, RegularLines):
            return
        if self.is_sent:  # by then each row has as many fields as it must have, or the one that keeps a return
            found = replace(found, fields=found.fields[: len(self.fields)])
        few = "few" if len(found.fields) < len(self.fields) else "many"
        reason = found.broken
        if reason is None and len(found.fields) != len(self.fields):
            reason = f"too {few} fields: {len(found.fields)}, and {len(self.fields)} columns"
        if reason is None:  # the server stores any bytes in a text, where they come by LOAD DATA
            reason = next(filter(None, (why_not_utf8(field.text or "") for field in found.fields)), None)
        has_all = self.is_sent or not found.ends_with_return
        if reason is None and has_all and all(map(_is_certain, found.fields, self.fields)):
            return
        raise_bad_row(BadRow(self.path, found.line, None, None, reason or _REASON, format_row(found.raw), found.unit))


def _is_certain(field: Field, certain: str | int | None) -> bool:
    if field.text is None or certain is None:
        return True
    if isinstance(certain, int):
        return len(field.text) <= certain
    return re.fullmatch(certain, field.text) is not None
