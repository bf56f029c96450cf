"""From the text of a file to a column's value: strictly, with the server's words where it does not fit.

The engine's own conversion turns a bad number into 0, so each field is judged here (server-facts 20, 27).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from .errors import Refused, bad_input, internal

_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "integer": 32, "bigint": 64}
_SAFE_DIGITS = {8: 2, 16: 4, 32: 9, 64: 18}  # numbers of so many digits fit
_TEXT_CHARACTERS = {"tinytext": 63, "text": 16_000, "mediumtext": 4_000_000, "longtext": 4_000_000}  # these surely fit
ANY = "<any>"
_DATES: dict[str, tuple[str, str]] = {
    "date": ("Date", r"(\d{4})-?(\d{1,2})-?(\d{1,2})( 00:00:00(\.0+)?)?"),
    "datetime": ("DateTime", r"(\d{4})-?(\d{1,2})-?(\d{1,2})([ T]\d{1,2}:?\d{1,2}(:?\d{1,2}(\.\d+)?)?)?"),
    "timestamp": ("Timestamp", r"(\d{4})-?(\d{1,2})-?(\d{1,2})([ T]\d{1,2}:?\d{1,2}(:?\d{1,2}(\.\d+)?)?)?"),
    "time": ("Time", r"-?\d{1,4}:\d{1,2}(:\d{1,2}(\.\d+)?)?"),
}
_DAY = r"[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"  # a day that every month has
_MOMENT = rf"{_DAY} (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_TEXT = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}
BINARY_TYPES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_ESCAPE = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0", "\x1a": "\\Z"})

Field = tuple[str | None, bool]  # the text (None is NULL), and whether it was quoted
Converter = Callable[[str, int], str]  # a field's text and the column's position in the file, to an SQL literal


def quoted(name: str) -> str:
    """A name in back-quotes."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """An SQL string literal."""
    return f"'{text.translate(_ESCAPE)}'"


@dataclass(frozen=True)
class Column:
    """A column of the target table, as the engine describes it.

    Args:
        name: its name.
        type: its type as in SHOW COLUMNS, such as `varchar(10)`.
        required: whether NULL is refused.
        null: a text that means NULL, from `SET column=NULLIF(column, text)`.
    """

    name: str
    type: str
    required: bool = False
    null: str | None = None

    @property
    def base(self) -> str:
        """The type without its arguments."""
        return re.split(r"[( ]", self.type, maxsplit=1)[0]

    @property
    def arguments(self) -> Sequence[int]:
        """The numbers in the type's parentheses."""
        found = re.search(r"\(([\d, ]+)\)", self.type)
        return [int(n) for n in found[1].split(",")] if found else ()

    @property
    def integers(self) -> tuple[int, int] | None:
        """The range of an integer column, its end excluded; None for any other."""
        if self.base not in _INTEGERS or self.type.startswith("tinyint(1)"):
            return None
        return _range(_INTEGERS[self.base], unsigned="unsigned" in self.type)

    @property
    def plain(self) -> str | None:
        """A pattern of texts that the engine takes as they stand, in quotes, for what `reader` makes of them.

        ANY in it stands for a character that has no meaning in the file. None: every text has to be read.
        """
        if self.null is not None or self.type.startswith("tinyint(1)"):
            return None
        if self.base in _INTEGERS:
            sign = "" if "unsigned" in self.type else "-?"
            return rf"{sign}\d{{1,{_SAFE_DIGITS[_INTEGERS[self.base]]}}}"
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
        empty_is_null = self.base not in _TEXT | BINARY_TYPES | {"json"}

        def read(field: Field, position: int) -> str:
            text, quoted = field
            absent = text is None or text == null or (empty_is_null and not quoted and text in {"", "NULL"})
            if text is None or absent or (empty_is_null and text == ""):
                if self.required:
                    raise Refused(3819, f"constraint violation: Column '{self.name}' cannot be null", "23000")
                return "NULL"
            return convert(text, position)

        return read

    def _converter(self) -> Converter:
        base = self.base
        if self.type.startswith("tinyint(1)"):
            convert: Converter = _boolean
        elif base in _INTEGERS:
            convert = _integer(_INTEGERS[base], unsigned="unsigned" in self.type)
        elif base in {"decimal", "numeric"}:
            precision, scale = [*self.arguments, 0][:2]
            convert = _decimal(precision, scale)
        elif base in {"float", "double", "real"}:
            convert = _floating("float32" if base == "float" else "float64")
        elif base in _DATES:
            convert = _moment(*_DATES[base])
        elif base == "json":
            convert = _json
        elif base in BINARY_TYPES:
            convert = _bytes
        else:
            convert = self._text(self.arguments[0] if base in {"char", "varchar"} and self.arguments else None)
        return convert

    def _text(self, longest: int | None) -> Converter:
        def convert(text: str, _: int) -> str:
            if longest is not None and len(text) > longest:
                raise internal(f"Data too long for column '{self.name}' at row 1")
            return literal(text)

        return convert


def _unfit(text: str, kind: str, position: int) -> Refused:
    return internal(f"the input value '{text}' is not {kind} type for column {position}")


def _bytes(text: str, _: int) -> str:
    return f"x'{text.encode('utf-8', 'surrogateescape').hex()}'"


def _boolean(text: str, _: int) -> str:
    found = {"true": "1", "false": "0", "1": "1", "0": "0"}.get(text.strip().lower())
    if found is None:
        raise bad_input(f"'{text}' is not a valid bool expression")
    return found


def _range(bits: int, *, unsigned: bool) -> tuple[int, int]:
    return (0, 1 << bits) if unsigned else (-1 << (bits - 1), 1 << (bits - 1))


def _integer(bits: int, *, unsigned: bool) -> Converter:
    low, high = _range(bits, unsigned=unsigned)
    kind = f"{'u' if unsigned else ''}int{bits}"

    def convert(text: str, position: int) -> str:
        try:
            number = int(text)
        except ValueError:
            try:
                number = int(Decimal(text))  # 1.7 becomes 1 (server-facts 18)
            except (InvalidOperation, ValueError, OverflowError):
                raise _unfit(text, kind, position) from None
        if not low <= number < high:
            raise _unfit(text, kind, position)
        return str(number)

    return convert


def _decimal(precision: int, scale: int) -> Converter:
    kind = "Decimal64" if precision <= 18 else "Decimal128"
    limit = Decimal(10) ** (precision - scale)

    def convert(text: str, position: int) -> str:
        try:
            number = Decimal(text.strip())
            fits = abs(number) < limit
        except InvalidOperation:
            fits, number = False, Decimal(0)
        if not fits:
            raise internal(f"the input value '{text}' is invalid {kind} type for column {position}")
        return format(number, "f")

    return convert


def _floating(kind: str) -> Converter:
    def convert(text: str, position: int) -> str:
        try:
            return repr(float(text))
        except ValueError:
            raise _unfit(text, kind, position) from None

    return convert


def _moment(kind: str, pattern: str) -> Converter:
    fits = re.compile(pattern).fullmatch

    def convert(text: str, position: int) -> str:
        found = fits(text.strip())
        if not found or (kind != "Time" and not (1 <= int(found[2]) <= 12 and 1 <= int(found[3]) <= 31)):
            raise _unfit(text, kind, position)
        return literal(text.strip())

    return convert


def _json(text: str, position: int) -> str:
    try:
        json.loads(text)
    except ValueError:
        raise _unfit(text, "json", position) from None
    return literal(text)
