"""From the text of a file to a column's value: strictly, with the server's words where it does not fit.

The engine's own conversion turns a bad number into 0, so each field is judged here (server-facts 20, 27, 49).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from matrixone_local.errors import SqlError, internal_error
from matrixone_local.formats.casts import Type
from matrixone_local.formats.number_casts import BITS, GREATEST, whole_range
from matrixone_local.sql.quoting import literal

_SAFE_DIGITS = {8: 2, 16: 4, 32: 9, 64: 18}  # numbers with this many digits fit
_TEXT_CHARACTERS = {"tinytext": 63, "text": 16_000, "mediumtext": 4_000_000, "longtext": 4_000_000}  # these surely fit
ANY = "<any>"
_MOMENTS = {"date": "Date", "datetime": "DateTime", "timestamp": "Timestamp", "time": "Time"}
_DAY = r"[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"  # a day that every month has
_MOMENT = rf"{_DAY} (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_TEXT = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "datalink"}
BINARY_TYPES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_NUMBERS = frozenset({*BITS, *GREATEST, "decimal", "numeric", "bool", "boolean"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)

Field = tuple[str | None, bool]  # the text (None is NULL), and whether it was quoted
Converter = Callable[[str, int, bool], str | None]  # a text, the column's position, whether it was quoted, to a literal


@dataclass(frozen=True)
class Column:
    """A column of the target table.

    Args:
        name: its name.
        type: its type as MatrixOne tells it, such as `varchar(10)`.
        required: whether NULL is refused.
        null: a text that means NULL, from `SET column=NULLIF(column, text)`.
        blank_is_zero: whether a blank text is 0 in a column of numbers; otherwise it is NULL.
    """

    name: str
    type: str
    required: bool = False
    null: str | None = None
    blank_is_zero: bool = False

    @cached_property
    def _type(self) -> Type:
        return Type(self.type)

    @property
    def base(self) -> str:
        """The type without its arguments."""
        return self._type.base

    @property
    def arguments(self) -> Sequence[int]:
        """The numbers in the type's parentheses."""
        return self._type.arguments

    @property
    def integers(self) -> tuple[int, int] | None:
        """The range of an integer column, its end excluded; None for any other."""
        return whole_range(BITS[self.base], unsigned=self._type.unsigned) if self.base in BITS else None

    @property
    def plain(self) -> str | None:
        """A pattern of texts that the engine takes as they stand, in quotes, for what `reader` makes of them.

        ANY in it means a character that has no meaning in the file. None: every text has to be read.
        """
        if self.null is not None:
            return None
        if self.base in BITS:
            sign = "" if self._type.unsigned else "-?"
            return rf"{sign}\d{{1,{_SAFE_DIGITS[BITS[self.base]]}}}"
        if self.base in {"decimal", "numeric"}:
            precision, scale = [*self.arguments, 0][:2]
            fraction = rf"(?:\.\d{{1,{scale}}})?" if scale else ""
            return rf"-?\d{{1,{precision - scale}}}{fraction}" if precision > scale else None
        if self.base in {"float", "double"}:
            return r"-?\d{1,15}(?:\.\d{1,15})?"
        if self.base in {"date", "datetime"}:
            return _DAY if self.base == "date" else _MOMENT
        if self.base in {"char", "varchar"} and self.arguments:
            return f"{ANY}{{0,{self.arguments[0]}}}"
        if self.base in _TEXT_CHARACTERS:
            return f"{ANY}{{0,{_TEXT_CHARACTERS[self.base]}}}"
        return None

    def reader(self) -> Callable[[Field, int], str]:
        """What turns a field, at its position in the file, into an SQL literal."""
        null = self.null
        convert = self._converter()
        is_text = self.base in _TEXT | BINARY_TYPES | {"json", "bit"}
        blank = "0" if self.blank_is_zero and null != "" and self.base in _NUMBERS else None

        def read(field: Field, position: int) -> str:
            text, quoted = field
            if text is not None and not is_text:
                text = text.strip() or blank
            found = None if text is None or text == null else convert(text, position, quoted)
            if found is None and self.required:
                raise SqlError(3819, f"constraint violation: Column '{self.name}' cannot be null", "23000")
            return found or "NULL"

        return read

    def _converter(self) -> Converter:
        base = self.base
        if base in BITS:
            return _whole(BITS[base], unsigned=self._type.unsigned)
        if base in {"decimal", "numeric"}:
            kind = "Decimal64" if (self.arguments or [38])[0] <= 18 else "Decimal128"
            return self._cast(lambda text, position: _refuse(text, f"invalid {kind}", position))
        if base in GREATEST:
            return _floating(base)
        if base in _MOMENTS:
            return self._cast(lambda text, position: _refuse(text, f"not {_MOMENTS[base]}", position))
        if base == "json":
            return _json
        if base in BINARY_TYPES:
            return _bytes
        if base in _TEXT:
            return self._text(self.arguments[0] if base in {"char", "varchar"} and self.arguments else None)
        return self._cast(None)

    def _cast(self, refuse: Callable[[str, int], NoReturn] | None) -> Converter:
        """What reads a text as INSERT … SELECT does; *refuse* has other words for what does not fit."""
        cast = self._type.cast(selects=self.base not in {"decimal", "numeric"})

        def convert(text: str, position: int, _: bool) -> str | None:
            try:
                found = cast(text)
            except SqlError:
                if refuse is None:
                    raise
                refuse(text, position)
            return None if found is None else literal(found)

        return convert

    def _text(self, longest: int | None) -> Converter:
        def convert(text: str, _: int, __: bool) -> str:
            if longest is not None and len(text) > longest:
                raise internal_error(f"Data too long for column '{self.name}' at row 1")
            return literal(text)

        return convert


def _refuse(text: str, kind: str, position: int) -> NoReturn:
    raise internal_error(f"the input value '{text}' is {kind} type for column {position}")


def _bytes(text: str, _: int, __: bool) -> str:
    return f"x'{text.encode('utf-8', 'surrogateescape').hex()}'"


def _whole(bits: int, *, unsigned: bool) -> Converter:
    """A whole number; one with a fraction is cut where it is not quoted (server-facts 49)."""
    low, high = whole_range(bits, unsigned=unsigned)
    kind = f"not {'u' if unsigned else ''}int{bits}"
    not_a_number = 1 << 63 if unsigned and bits == 64 else low if bits > 16 else 0  # as its processors convert it
    sign = "" if unsigned else "[+-]?"
    is_whole = re.compile(rf"{sign}\d+", re.ASCII).fullmatch

    def convert(text: str, position: int, quoted: bool) -> str:
        if is_whole(text):
            number = int(text)
        elif not quoted and _NUMBER.fullmatch(text) and abs(float(text)) < 1 << 65:
            number = int(float(text))
        elif not quoted and text.lower() in {"nan", "+nan", "-nan"}:
            number = not_a_number
        else:
            _refuse(text, kind, position)
        if not low <= number < high:
            _refuse(text, kind, position)
        return str(number)

    return convert


def _floating(base: str) -> Converter:
    kind = "not float32" if base == "float" else "not float64"

    def convert(text: str, position: int, _: bool) -> str:
        if text.lower().strip("+-") in {"nan", "inf", "infinity"}:
            raise internal_error(f"the local server stores no {text} in columns of numbers")
        if not _NUMBER.fullmatch(text) or abs(float(text)) > GREATEST[base]:
            _refuse(text, kind, position)
        return repr(float(text))

    return convert


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _json(text: str, position: int, _: bool) -> str:
    trimmed = text.strip('"')  # as a server does
    try:
        json.loads(trimmed, parse_constant=_no_constant)
    except ValueError:
        _refuse(trimmed, "not json", position)
    return literal(trimmed)
