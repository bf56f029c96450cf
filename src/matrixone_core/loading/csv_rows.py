"""Reading CSV as the server does, where rows have to be told apart here (server-facts 20, 21)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from matrixone_core.sql.load import Csv

LONGEST = 16 * 1024 * 1024  # characters of a row, from which on a quote is taken for one that was forgotten
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


class Field(NamedTuple):
    r"""A field: its text, None for `\\N`, and whether it was quoted."""

    text: str | None
    quoted: bool


Unit: TypeAlias = Literal["line", "row"]  # what rows are counted by: data that is no text has no lines


@dataclass(frozen=True)
class Row:
    """A row.

    Args:
        line: the line that it begins in, or its number, from 1.
        fields: its fields.
        raw: the row as it is in the file, without its end.
        broken: why it cannot be read, or None.
        unit: what `line` counts.
    """

    line: int
    fields: tuple[Field, ...]
    raw: str
    broken: str | None = None
    unit: Unit = "line"


class CsvRows:
    """Splits CSV data that comes piece by piece into rows; the lines to be ignored are left out.

    Args:
        form: how it is written.
        passed_over: matches whole rows that need not be told apart, and are left out as well.
        unit: what the rows are counted by.
    """

    def __init__(self, form: Csv, passed_over: re.Pattern[str] | None = None, unit: Unit = "line") -> None:
        self._passed_over = passed_over
        self._unit: Unit = unit
        self._left: bytes = b""
        self._line = 1
        self._ignored = 0
        self._form = form
        delimiter, quote = re.escape(form.delimiter), re.escape(form.quote)
        self._escape = "\\" if form.escape is None else form.escape
        escape = re.escape(self._escape)
        end = r"\r\n" if form.line_terminator == "\r\n" else r"\r?\n"
        self._field = re.compile(
            rf"(?:{quote}(?P<quoted>(?:[^{quote}{escape}]|{quote}{quote}|{escape}.)*+){quote}|(?P<plain>(?!{quote})(?:[^{delimiter}\n{escape}]|"
            rf"{escape}.)*?))(?P<after>{delimiter}|{end}|\Z)",
            re.DOTALL,
        )
        self._open = re.compile(rf"{quote}(?:[^{quote}{escape}]|{quote}{quote}|{escape}.)*+\Z", re.DOTALL)
        self._escaped = re.compile(rf"{escape}(.)|{quote}({quote})", re.DOTALL)
        self._line_end = re.compile(end)

    def feed(self, data: bytes) -> Iterator[Row]:
        """The rows that are complete now."""
        data = self._left + data
        end = data.rfind(b"\n") + 1
        if not end:
            self._left = data
            return
        text = data[:end].decode("utf-8", "surrogateescape")
        used: int = 0
        for row, end_of_row in self._rows(text, last=False):
            used = end_of_row
            if row is not None:
                yield row
        rest = text[used:].encode("utf-8", "surrogateescape") if used < len(text) else b""
        self._left = rest + data[end:]

    def finish(self) -> Iterator[Row]:
        """The last row, if it has no end."""
        text = self._left.decode("utf-8", "surrogateescape")
        self._left = b""
        for row, _ in self._rows(text, last=True):
            if row is not None:
                yield row

    def _rows(self, text: str, *, last: bool) -> Iterator[tuple[Row | None, int]]:
        """Rows, and where each ends; None for lines that are ignored or passed over."""
        at = 0
        while at < len(text):
            if self._ignored < self._form.ignore_lines:
                found = self._line_end.search(text, at)
                if found is None and not last:
                    return
                at = len(text) if found is None else found.end()
                self._ignored += 1
                self._line += 1
                yield None, at
                continue
            passed = None if self._passed_over is None else self._passed_over.match(text, at)
            if passed is not None and passed.end() > at:
                self._line += text.count("\n", at, passed.end())
                at = passed.end()
                yield None, at
                continue
            row, end = self._row(text, at, last=last)
            if row is None:
                return
            self._line += text.count("\n", at, end) if self._unit == "line" else 1
            at = end
            yield row, at

    def _row(self, text: str, at: int, *, last: bool) -> tuple[Row | None, int]:
        begin, fields = at, list[Field]()
        while True:
            found = self._field.match(text, at)
            if found is None:
                return self._unreadable(text, begin, at, last=last)
            fields.append(self._text(found))
            at = found.end()
            after = found["after"]
            if after != self._form.delimiter:
                raw = text[begin : at - len(after)]
                return Row(self._line, tuple(fields), raw, unit=self._unit), at

    def _unreadable(self, text: str, begin: int, at: int, *, last: bool) -> tuple[Row | None, int]:
        if self._open.match(text, at):
            if not last and len(text) - begin < LONGEST:
                return None, begin
            return Row(self._line, (), text[begin:], "a quote is opened and not closed"), len(text)
        end = self._line_end.search(text, at)
        stop = len(text) if end is None else end.start()
        why = f"after the closing quote comes neither {self._form.delimiter!r} nor the line's end"
        return Row(self._line, (), text[begin:stop], why), len(text) if end is None else end.end()

    def _text(self, found: re.Match[str]) -> Field:
        quoted = found["quoted"]
        text = found["plain"] if quoted is None else quoted
        if text == f"{self._escape}N":
            return Field(None, quoted is not None)
        if self._escape in text or (quoted is not None and self._form.quote in text):
            text = self._escaped.sub(lambda one: _ESCAPES.get(one[1], one[1]) if one[1] else one[2], text)
        return Field(text, quoted is not None)


def not_utf8(text: str) -> str | None:
    """Why a text is not UTF-8, or None."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) - 0xDC00
        return f"byte 0x{byte:02x} is not UTF-8"
    return None
