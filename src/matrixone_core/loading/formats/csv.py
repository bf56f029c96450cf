r"""CSV as the server reads it, where rows have to be separated here (server-facts 20, 21, 54).

A quote is doubled within quotes; an escape character does the same, where there is one. `\N`, and the word NULL
without quotes, mean NULL. A blank line is no row.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from matrixone_core.messages import show
from matrixone_core.sql.load import Csv

BOM = b"\xef\xbb\xbf"
CANONICAL = Csv(escape="\\", compression="none")  # what `to_csv` writes
MAX_ROW_BYTES = 16 * 1024 * 1024  # from which on a quote that is open is taken for one that was forgotten
MATCH_BYTES = 128 * 1024  # given to one regular expression at a time: it holds Python's lock meanwhile
# The last alternative of what is repeated and not given back. Before 3.11.5 Python goes on where the last, failed try
# had come to (python/cpython#106052), unless another alternative was tried after it.
_NEVER = rb"|(?!)"
_UTF8 = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_ESCAPES = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


class Field(NamedTuple):
    r"""A field: its text, None for NULL, and whether it was quoted."""

    text: str | None
    quoted: bool


Unit: TypeAlias = Literal["line", "row"]  # what rows are counted by: data that is no text has no lines


@dataclass(frozen=True)
class Row:
    """A row.

    Args:
        line: the line that it begins in, or its number, from 1.
        fields: its fields.
        raw: the row as it is in the file, without its end; bytes that are no UTF-8 are surrogates in it.
        broken: why it cannot be read, or None.
        unit: what `line` counts.
    """

    line: int
    fields: tuple[Field, ...]
    raw: str
    broken: str | None = None
    unit: Unit = "line"

    @property
    def ends_with_return(self) -> bool:
        """Whether LOAD DATA would lose a carriage return: that at the end of the last value that is not empty."""
        last = next((field.text for field in reversed(self.fields) if field.text != ""), None)
        return last is not None and last.endswith("\r")


@dataclass(frozen=True)
class RegularLines:
    """Lines of which each is plainly one row with the right number of fields.

    Args:
        line: the first one's number, from 1.
        raw: the lines.
        count: how many there are.
    """

    line: int
    raw: bytes
    count: int


class CsvReader:
    """Splits CSV data that comes piece by piece into rows; the lines to be ignored are left out.

    Args:
        form: how it is written.
        fields: how many fields a row has, to pass regular lines on unread; None to read every row.
        unit: what the rows are counted by.
        plain: for each field what its text must be in a regular line: a pattern, or a greatest number of characters, or
            None for any text; bytes that are no UTF-8 are then in no regular line.
    """

    def __init__(
        self, form: Csv, fields: int | None = None, unit: Unit = "line", plain: Sequence[str | int | None] = ()
    ) -> None:
        self._form = form
        self._unit: Unit = unit
        self._rest = b""
        self._line = 1
        self._ignored = 0
        self._quote = form.quote.encode()
        self._delimiter = form.delimiter.encode()
        self._escape = (form.escape or "").encode()
        self._end = (form.line_terminator or "\n").encode()  # with or without a carriage return by default
        self._end_byte = self._end[-1:]
        end = {"\r": rb"\r", "\r\n": rb"\r\n"}.get(form.line_terminator or "", rb"\r?\n")
        quote, delimiter = re.escape(self._quote), re.escape(self._delimiter)
        escape, escaped = re.escape(self._escape), rb"|" + re.escape(self._escape) + rb"." if self._escape else b""
        inside = rb"(?:[^" + quote + escape + rb"]|" + quote + quote + escaped + rb")*+"
        self._field = re.compile(
            rb"(?:" + quote + rb"(?P<quoted>" + inside + rb")" + quote
            + rb"|(?!" + quote + rb")(?P<plain>(?:[^" + self._end_byte + escape + rb"]" + escaped + rb")*?))"
            + rb"(?P<after>" + delimiter + rb"|" + end + rb"|\Z)",
            re.DOTALL,
        )  # fmt: skip
        self._open = re.compile(quote + inside + rb"\Z", re.DOTALL)
        self._escaped = re.compile(
            (escape + rb"(.)|" if escape else rb"(?!)(.)|") + quote + rb"(" + quote + rb")", re.DOTALL
        )
        self._line_end = re.compile(end)
        self._blank = re.compile(rb"[ \t]*" + end)
        self._regular = None if fields is None else self._regular_lines(fields, plain, end)

    def _regular_lines(self, fields: int, plain: Sequence[str | int | None], end: bytes) -> re.Pattern[bytes] | None:
        if len(self._delimiter) > 1:
            return None
        unwanted = re.escape(self._quote + self._escape) + rb"\r\n"
        delimiter = re.escape(self._delimiter)
        quote = re.escape(self._quote)

        def field(pattern: str | int | None) -> bytes:
            if isinstance(pattern, str):
                text = rb"(?:" + pattern.encode() + rb")"
                return rb"(?:" + text + rb"|" + quote + text + quote + rb")"
            plainly, within = text_of(delimiter + unwanted), text_of(unwanted)
            if pattern is None:  # unrolled: a choice at each character takes twice as long
                quoted = within + b"*+(?:" + quote * 2 + within + b"*+)*+"
                return b"(?:" + plainly + b"*+|" + quote + quoted + quote + b")"
            count = b"{0,%d}+" % min(pattern, 65_535)
            quoted = b"(?:" + within + b"|" + quote * 2 + b")" + count
            return b"(?:" + plainly + count + b"|" + quote + quoted + quote + b")"

        def text_of(refused: bytes) -> bytes:
            return rb"(?:[^" + refused + rb"\x80-\xff]|" + _UTF8 + _NEVER + rb")" if plain else rb"[^" + refused + rb"]"

        line = delimiter.join(map(field, plain or [None] * fields)) + (
            delimiter if self._form.trailing_delimiter else b""
        )
        return re.compile(rb"(?:(?![ \t]*" + end + rb")" + line + end + _NEVER + rb")*+")

    def feed(self, data: bytes) -> "Iterator[Row | RegularLines]":
        """What is complete now."""
        data = self._rest + data
        at = data.rfind(self._end)
        self._rest = data
        if at >= 0:
            used = yield from self._read(data[: at + len(self._end)], last=False)
            self._rest = data[used:]

    def finish(self) -> "Iterator[Row | RegularLines]":
        """The last row, if it has no end."""
        data, self._rest = self._rest, b""
        yield from self._read(data, last=True)

    def _read(self, data: bytes, *, last: bool) -> "Generator[Row | RegularLines, None, int]":
        """The rows, and how many bytes they take."""
        at = 0
        while at < len(data):
            if self._ignored < self._form.ignore_lines:
                at = self._ignore_line(data, at)
                continue
            lines = self._match_regular(data, at)
            if lines is not None:
                self._line += lines.count
                at += len(lines.raw)
                yield lines
                continue
            blank = self._blank.match(data, at)
            if blank is not None:
                self._line += 1
                at = blank.end()
                continue
            row, end = self._row(data, at, last=last)
            if row is None:
                break
            self._line += data.count(self._end_byte, at, end) if self._unit == "line" else 1
            at = end
            yield row
        return at

    def _ignore_line(self, data: bytes, at: int) -> int:
        found = self._line_end.search(data, at)
        self._ignored += 1
        self._line += 1
        return len(data) if found is None else found.end()

    def _match_regular(self, data: bytes, at: int) -> RegularLines | None:
        if self._regular is None:
            return None
        found = self._regular.match(data, at, at + MATCH_BYTES)
        if found is None or found.end() == at:
            return None
        raw = data[at : found.end()]
        return RegularLines(self._line, raw, raw.count(self._end_byte))

    def _row(self, data: bytes, at: int, *, last: bool) -> tuple[Row | None, int]:
        begin, fields = at, list[Field]()
        while True:
            found = self._field.match(data, at)
            if found is None:
                return self._unreadable(data, begin, at, last=last)
            fields.append(self._text(found))
            at = found.end()
            after = found["after"]
            if not after and not last:  # the line's end is escaped, and the field goes on in the next piece
                return None, begin
            if after != self._delimiter:
                raw = _decode(data[begin : at - len(after)])
                if not self._form.trailing_delimiter:
                    return Row(self._line, tuple(fields), raw, unit=self._unit), at
                if len(fields) > 1 and fields[-1].text == "":
                    return Row(self._line, tuple(fields[:-1]), raw, unit=self._unit), at
                return Row(self._line, tuple(fields), raw, no_end(self._form.delimiter), self._unit), at

    def _unreadable(self, data: bytes, begin: int, at: int, *, last: bool) -> tuple[Row | None, int]:
        if self._open.match(data, at):
            if not last and len(data) - begin < MAX_ROW_BYTES:
                return None, begin
            return Row(self._line, (), _decode(data[begin:]), "a quote is opened and not closed"), len(data)
        end = self._line_end.search(data, at)
        stop = len(data) if end is None else end.start()
        why = (
            f"after the closing quote comes neither {show(self._form.delimiter)} nor the line's end"
            if data.startswith(self._quote, at)
            else "a field without quotes has another line end in it, or ends with the escape character"
        )
        return Row(self._line, (), _decode(data[begin:stop]), why), len(data) if end is None else end.end()

    def _text(self, found: re.Match[bytes]) -> Field:
        inner = found["quoted"]
        text = found["plain"] if inner is None else inner
        if text == b"\\N" or (inner is None and text == b"NULL"):
            return Field(None, inner is not None)
        if (self._escape and self._escape in text) or (inner is not None and self._quote in text):
            text = self._escaped.sub(lambda each: _ESCAPES.get(each[1], each[1]) if each[1] else each[2], text)
        return Field(_decode(text), inner is not None)


def no_end(delimiter: str) -> str:
    """Why a line is refused that the delimiter does not end."""
    return f"the line does not end with {show(delimiter)}; trailing_delimiter=True says that each one does"


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def to_csv(rows: Sequence[Sequence[Field]]) -> bytes:
    r"""Rows in the canonical form: each value in quotes, NULL as `\N`, a backslash doubled."""
    lines = "".join(f"{','.join(map(_value, row))}\n" for row in rows)
    return escape_returns(lines.encode("utf-8", "surrogateescape"))


def escape_returns(lines: bytes) -> bytes:
    r"""Canonical lines with each carriage return as `\r`: the server loses one that ends a line (server-facts 84).

    Nothing but a value between quotes has one.
    """
    return lines.replace(b"\r", b"\\r")


def _value(field: Field) -> str:
    text = field.text
    return "\\N" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def with_end(row: Row, delimiter: str) -> bytes:
    """A row as it is in the file, with a line's end; to be sent by LOAD DATA LOCAL.

    The server takes a carriage return from the end of a line's last value, quoted or not (server-facts 84). Before a
    field too many it stays, and LOCAL drops that field (server-facts 48).
    """
    surplus = f"{delimiter}x" if row.ends_with_return else ""
    return f"{row.raw}{surplus}\n".encode("utf-8", "surrogateescape")


def why_not_utf8(text: str) -> str | None:
    """Why a text is not UTF-8, or None."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        return f"byte 0x{code - 0xDC00:02x} is not UTF-8" if code >= 0xDC80 else f"U+{code:04X} is half a character"
    return None


class LineIndex:
    """Which line each row began in, stored as runs: rows of a line each, or rows that share one.

    Args:
        unit: what the lines are counted by.
    """

    def __init__(self, unit: Unit = "line") -> None:
        self.unit: Unit = unit
        self.rows = 0
        self._last = 0  # line
        self._numbers, self._lines = array("Q"), array("Q")  # of each run's first row
        self._steps = array("B")  # lines from a row of a run to its next one: one or none

    def add(self, line: int, count: int = 1) -> None:
        """Note rows that follow each other, one a line."""
        step = line - self._last
        if step == 0 and self._numbers and self._numbers[-1] == self.rows:
            self._steps[-1] = 0
        if not self._numbers or step != self._steps[-1] or (step == 0 and count > 1):
            self._numbers.append(self.rows + 1)
            self._lines.append(line)
            self._steps.append(1)
        self.rows += count
        self._last = line + count - 1

    def line(self, number: int) -> int | None:
        """The line of a row, by its number from 1; None if there is no such row."""
        if not 1 <= number <= self.rows:
            return None
        run = bisect_right(self._numbers, number) - 1
        return self._lines[run] + self._steps[run] * (number - self._numbers[run])
