"""Whether rows fit a table: what the server would refuse, and what it would change without a word."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation

from sqlalchemy import types as sql
from sqlalchemy.dialects import mysql

from matrixone_core.loading.csv_rows import Field, Row, not_utf8
from matrixone_core.loading.regular import Kind
from matrixone_core.loading.report import BadRow
from matrixone_core.loading.target import Column
from matrixone_core.types import VECF32, VECF64

Fits = Callable[[str], str | None]  # why a text does not fit, or None

_BITS: dict[type, int] = {
    mysql.TINYINT: 8,
    mysql.SMALLINT: 16,
    mysql.MEDIUMINT: 24,
    mysql.INTEGER: 32,
    mysql.BIGINT: 64,
}
_BYTES = (sql.LargeBinary, sql.BINARY, sql.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)
_TEXT_BYTES = {mysql.TINYTEXT: 255, mysql.TEXT: 65_535, mysql.MEDIUMTEXT: 16_777_215}
_DATE = re.compile(r"(\d{4})-?(\d{1,2})-?(\d{1,2})")
_MOMENT = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?)?")
_TIME = re.compile(r"-?(\d{1,4}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?")
_FRACTION = "no whole number: it has a fraction"
_BOOLS = {"0", "1", "true", "false"}


class Fitting:
    """Tells which rows fit.

    Args:
        file: the file's path, for reports.
        columns: where the fields go: the table's column, or None where any text will do.
        names: how the fields are called, None for one that is skipped.
        nulls: texts that mean NULL.

    Attributes:
        names: how the fields are called.
        kinds: what they are to be.
    """

    def __init__(
        self, file: str, columns: Sequence[Column | None], names: Sequence[str | None], nulls: Sequence[str]
    ) -> None:
        self._file = file
        self.names = tuple(names)
        self._nulls = frozenset(nulls)
        self.kinds = tuple(_kind(name, column) for name, column in zip(names, columns, strict=True))
        self._columns = [(column, None if column is None else _fits(column)) for column in columns]

    def flaw(self, row: Row) -> BadRow | None:
        """What keeps a row from fitting, or None."""
        if row.broken is not None:
            return BadRow(self._file, row.line, None, None, row.broken, _shown(row.raw))
        if len(row.fields) != len(self._columns):
            few = "few" if len(row.fields) < len(self._columns) else "many"
            reason = f"too {few} fields: {len(row.fields)}, and {len(self._columns)} columns"
            return BadRow(self._file, row.line, None, None, reason, _shown(row.raw))
        for name, kind, (column, fits), field in zip(self.names, self.kinds, self._columns, row.fields, strict=True):
            flaw = _no_text(field.text, kind)
            if flaw is None and column is not None and fits is not None:
                flaw = self._field_flaw(column, fits, field)
            if flaw is not None:
                return self._bad(row, name, field, flaw)
        return None

    def unheard(self, row: Row) -> BadRow | None:
        """What the server would change, or never give back, without a word: a fraction cut off, text not in UTF-8."""
        if len(row.fields) != len(self._columns):
            return None  # the server says so
        for name, kind, field in zip(self.names, self.kinds, row.fields, strict=True):
            flaw = _fraction(field.text) if kind is Kind.WHOLE else _no_text(field.text, kind)
            if flaw is not None:
                return self._bad(row, name, field, flaw)
        return None

    def _bad(self, row: Row, name: str | None, field: Field, flaw: str) -> BadRow:
        value = None if field.text is None else _shown(field.text)
        return BadRow(self._file, row.line, name, value, flaw, _shown(row.raw), row.unit)

    def _field_flaw(self, column: Column, fits: Fits, field: Field) -> str | None:
        text = field.text
        empty = text == "" and not isinstance(column.type, sql.String)  # NULL, but for text (server-facts 20)
        if text is None or text in self._nulls or (empty and not field.quoted):
            free = column.nullable or column.automatic
            return None if free else "NULL, and the column is NOT NULL"
        return fits(text)


def _shown(raw: str) -> str:
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _fits(column: Column) -> Fits:
    kind = column.type
    if isinstance(kind, sql.Integer):
        return _whole(kind)
    if isinstance(kind, sql.Boolean):
        return lambda text: None if text.lower() in _BOOLS else "no boolean"
    if isinstance(kind, VECF32 | VECF64):
        return _vector(kind)
    if isinstance(kind, sql.Float):
        return _float
    if isinstance(kind, sql.Numeric):
        return _decimal(kind)
    if isinstance(kind, sql.DateTime):
        return _moment
    if isinstance(kind, sql.Date):
        return lambda text: None if _is_date(text) else "no date"
    if isinstance(kind, sql.Time):
        return _clock
    if isinstance(kind, sql.JSON):
        return _json
    if isinstance(kind, sql.Enum):
        known: Sequence[str] = kind.enums
        return lambda text: None if text in known else f"none of {', '.join(map(repr, known))}"
    return _long(kind)


def _whole(kind: sql.Integer) -> Fits:
    bits = _BITS.get(type(kind), 32)
    unsigned = bool(getattr(kind, "unsigned", False))
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def fits(text: str) -> str | None:
        try:
            value = Decimal(text.strip())
        except InvalidOperation:
            return "no whole number"
        if not value.is_finite():
            return "no whole number"
        if (fraction := _fraction(text)) is not None:
            return fraction
        return None if low <= value <= high else f"out of range: from {low:,} to {high:,}"

    return fits


def _kind(name: str | None, column: Column | None) -> Kind:
    if name is None or (column is not None and isinstance(column.type, _BYTES)):
        return Kind.BYTES
    return Kind.WHOLE if column is not None and isinstance(column.type, sql.Integer) else Kind.TEXT


def _no_text(text: str | None, kind: Kind) -> str | None:
    return None if text is None or kind is Kind.BYTES else not_utf8(text)


def _fraction(text: str | None) -> str | None:
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return _FRACTION if value.is_finite() and value != value.to_integral_value() else None


def _float(text: str) -> str | None:
    try:
        float(text)
    except ValueError:
        return "no number"
    return None


def _decimal(kind: "sql.Numeric[Decimal]") -> Fits:
    digits = (kind.precision or 10) - (kind.scale or 0)

    def fits(text: str) -> str | None:
        try:
            value = Decimal(text.strip())
        except InvalidOperation:
            return "no number"
        if not value.is_finite():
            return "no number"
        return None if abs(value) < 10**digits else f"out of range: {digits} digits before the point"

    return fits


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text.strip())
    try:
        return found is not None and bool(date(*map(int, found.groups())))
    except ValueError:
        return False


def _moment(text: str) -> str | None:
    found = _MOMENT.fullmatch(text.strip())
    if found is None or not _is_date(found[1]):
        return "no date and time"
    try:
        hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
        time(hours, minutes, seconds)
    except ValueError:
        return "no date and time"
    return None


def _clock(text: str) -> str | None:
    found = _TIME.fullmatch(text.strip())
    return None if found and int(found[2]) < 60 and int(found[3] or 0) < 60 else "no time"


def _json(text: str) -> str | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"no JSON: {error.msg}"
    return None


def _vector(kind: VECF32 | VECF64) -> Fits:
    def fits(text: str) -> str | None:
        try:
            values = [float(each) for each in text.strip().removeprefix("[").removesuffix("]").split(",")]
        except ValueError:
            return "no vector such as [1, 2.5]"
        wanted = kind.dimensions
        return None if len(values) == wanted else f"{len(values)} dimensions, and the column has {wanted}"

    return fits


def _long(kind: object) -> Fits:
    length: int | None = getattr(kind, "length", None)
    most = next((size for text, size in _TEXT_BYTES.items() if type(kind) is text), None)

    def fits(text: str) -> str | None:
        if length is not None and len(text) > length:
            return f"too long: {len(text):,} characters, and the column has {length:,}"
        if most is not None and len(text.encode("utf-8", "surrogateescape")) > most:
            return f"too long: more than {most:,} bytes"
        return None

    return fits
