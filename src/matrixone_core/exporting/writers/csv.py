"""Rows as CSV, as RFC 4180 has it, or with backslashes as the server writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matrixone_core import result_columns as codes
from matrixone_core.exporting import options
from matrixone_core.exporting.writers.texts import number_of_bits, written
from matrixone_core.result_columns import ResultColumn

_ERRORS = "surrogateescape"  # bytes that are no text travel through it


@dataclass(frozen=True)
class CsvStyle:
    """How CSV is written.

    Args:
        header: whether the first line has the columns' names.
        delimiter: the text between fields.
        quote: the character around fields that need it.
        escape: a backslash to double backslashes, as the server does; None for none.
        null_value: what NULL is.
        line_terminator: what ends a line.
        quotes_all: whether all values but NULL have quotes around them.
    """

    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    null_value: str = ""
    line_terminator: str = "\n"
    quotes_all: bool = False

    def load_options(self, columns: Sequence[str]) -> dict[str, Any]:
        """The options with which a load reads it."""
        found = options.load_options_of_csv(
            columns,
            header=self.header,
            delimiter=self.delimiter,
            quote=self.quote,
            escape=self.escape,
            line_terminator=self.line_terminator,
        )
        return found if self.null_value == "\\N" else {**found, "null_values": [self.null_value]}


class CsvWriter:
    """Writes CSV.

    Args:
        style: how.
    """

    def __init__(self, style: CsvStyle) -> None:
        self._style = style
        self._bits: frozenset[int] = frozenset()
        self._in_quotes = {style.quote, "\n", "\r", *style.delimiter}  # a field with one of them needs quotes
        self._nulls = {style.null_value, "", "NULL", "\\N"}  # texts that would be read as NULL without quotes

    def begin(self, columns: Sequence[ResultColumn]) -> bytes:
        """What precedes the rows."""
        self._bits = frozenset(at for at, column in enumerate(columns) if column.type_code == codes.BIT)
        if not self._style.header:
            return b""
        return self._line([self._text(column.name) for column in columns]).encode()

    def write(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Rows."""
        return "".join([self._line(list(map(self._field, row, range(len(row))))) for row in rows]).encode(
            "utf-8", _ERRORS
        )

    def finish(self) -> bytes:
        """What follows the rows."""
        return b""

    def _line(self, fields: list[str]) -> str:
        if fields == [""]:  # readers take no notice of an empty line
            fields = [self._style.quote * 2]
        return self._style.delimiter.join(fields) + self._style.line_terminator

    def _field(self, value: Any, at: int) -> str:
        if value is None:
            return self._style.null_value
        if isinstance(value, bytes):
            if at in self._bits:
                return self._plain(str(number_of_bits(value)))
            return self._text(value.decode("utf-8", _ERRORS))
        return self._text(value) if isinstance(value, str) else self._plain(written(value))

    def _plain(self, text: str) -> str:
        return f"{self._style.quote}{text}{self._style.quote}" if self._style.quotes_all else text

    def _text(self, text: str) -> str:
        quote, escape = self._style.quote, self._style.escape
        if not (self._style.quotes_all or text in self._nulls or not self._in_quotes.isdisjoint(text) or escape):
            return text
        if escape:
            text = text.replace(escape, escape * 2)
        return f"{quote}{text.replace(quote, quote * 2)}{quote}"
