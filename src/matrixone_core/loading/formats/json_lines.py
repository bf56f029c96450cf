"""JSON read row by row: a value a line, one array, or values over several lines (server-facts 23, 56)."""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from matrixone_core.loading.formats.csv import BOM, MAX_ROW_BYTES, Field, Row, why_not_utf8
from matrixone_core.loading.formats.json_fields import FieldReader, Misfit, parse, reason_of
from matrixone_core.sql.load import JsonLines

_BLANKS = b" \t\r\n"
_BLANK = re.compile(r"[ \t\r\n]*")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[{}\[\]]', re.DOTALL)  # or a text, closed or not, which may have brackets
_WORD = re.compile(r"[^,\]\n]*")
_SHOWN = 1000  # characters of a row that cannot be read whole
TOO_LONG = f"the row is longer than {MAX_ROW_BYTES // 1024**2} MiB"


class _Lines:
    """Splits data that has one value a line.

    Args:
        fields: takes the fields out of a value.
        line: the number of the first line.
    """

    def __init__(self, fields: FieldReader, line: int) -> None:
        self._fields = fields
        self._line = line
        self._pieces: list[bytes] = []  # of the line that is not complete
        self._size = 0

    def split(self, data: bytes, *, last: bool) -> Iterator[Row]:
        """The rows that are complete now."""
        first, end, after = data.partition(b"\n")
        self._add(first)
        if not end and not last:
            return
        yield from self._row(b"".join(self._pieces), self._size)
        self._pieces, self._size = [], 0
        *lines, rest = after.split(b"\n")
        for line in lines:
            yield from self._row(line, len(line))
        self._add(rest)

    def _add(self, data: bytes) -> None:
        """Take a piece of a line, unless the line is too long by now."""
        if self._size <= MAX_ROW_BYTES:
            self._pieces.append(data)
        self._size += len(data)

    def _row(self, line: bytes, size: int) -> Iterator[Row]:
        number = self._line
        self._line += 1
        line = line.rstrip(_BLANKS)
        if not line:
            return
        raw = line.decode("utf-8", "surrogateescape")
        if size > MAX_ROW_BYTES:
            yield Row(number, (), raw[:_SHOWN], TOO_LONG)
            return
        why = None if raw.isascii() else why_not_utf8(raw)
        if why is not None:
            yield Row(number, (), raw, why)
            return
        try:
            value, end = parse(raw, 0 if raw[0] in "{[" else _end_of_blank(raw, 0))
            if end != len(raw):
                raise Misfit("no JSON: more comes behind the value,", _end_of_blank(raw, end))
            fields = self._fields.of(value, raw)
        except Misfit as error:
            yield Row(number, (), raw, reason_of(error, raw, 0))
        else:
            yield Row(number, fields, raw)


def _end_of_blank(text: str, at: int) -> int:
    """Where the blanks end that begin at a place."""
    return at if (found := _BLANK.match(text, at)) is None else found.end()


class _Values:
    """Splits data that is one array of values, or values that follow each other over any number of lines.

    Args:
        fields: takes the fields out of a value.
        line: the number of the first line.
        array: whether it is an array.
    """

    def __init__(self, fields: FieldReader, line: int, *, array: bool) -> None:
        self._fields = fields
        self._line = line
        self._array = array
        self._expects = "[" if array else "value"  # then `value or ]`, `, or ]`, `value`, `end`, or `nothing`
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._pieces: list[str] = []
        self._size = 0
        self._enough = 0  # characters to go on with: twice those of a value that was not complete
        self._text = ""
        self._at = 0  # up to where the text is read

    def split(self, data: bytes, *, last: bool) -> Iterator[Row]:
        """The rows that are complete now."""
        piece = self._decoder.decode(data, last)
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size < self._enough and not last:
            return
        self._text, self._at, self._enough = "".join(self._pieces), 0, 0
        while self._pass(_end_of_blank(self._text, self._at)):
            before = self._at
            row = self._next(last=last)
            if row is not None:
                yield row
            elif self._at == before:
                break
        self._pieces, self._size = [self._text[self._at :]], len(self._text) - self._at
        if last and self._array and self._expects not in {"end", "nothing"}:
            yield self._stop("the file ends within its array: is it cut off?")

    def _pass(self, end: int) -> bool:
        """Go to a place; whether there is more behind it."""
        self._line += self._text.count("\n", self._at, end)
        self._at = end
        return end < len(self._text)

    def _next(self, *, last: bool) -> Row | None:
        """The row that comes next; None for what is none, and, without moving on, if more data is needed."""
        character = self._text[self._at]
        match self._expects:
            case "[":
                self._expects = "value or ]"
            case "value or ]" | ", or ]" if character == "]":
                self._expects = "end"
            case ", or ]" if character == ",":
                self._expects = "value"
            case ", or ]":
                return self._stop("no JSON: there is no comma between two values of the array; the rest cannot be read")
            case "end":
                return self._stop("no JSON: more comes behind the array")
            case "nothing":
                self._at = len(self._text)
                return None
            case _:
                return self._value(last=last)
        self._at += 1
        return None

    def _stop(self, reason: str) -> Row:
        """The last row: nothing behind it can be read."""
        raw = self._text[self._at : self._at + _SHOWN]
        self._at = len(self._text)
        self._expects = "nothing"
        return Row(self._line, (), raw, reason)

    def _value(self, *, last: bool) -> Row | None:
        begin = self._at
        try:
            value, end = parse(self._text, begin)
        except Misfit as error:
            return self._reject_value(reason_of(error, self._text, begin), last=last)
        if end == len(self._text) and type(value) is Field and not last:
            return None  # a number may go on
        raw = self._text[begin:end]
        why = TOO_LONG if len(raw) > MAX_ROW_BYTES else None if raw.isascii() else why_not_utf8(raw)
        if why is not None:
            return self._row(end, broken=why)
        try:
            return self._row(end, self._fields.of(value, raw))
        except Misfit as error:
            return self._row(end, broken=reason_of(error, raw, 0))

    def _row(self, end: int, fields: tuple[Field, ...] = (), broken: str | None = None) -> Row:
        """The row that ends at a place."""
        line, raw = self._line, self._text[self._at : end]
        self._pass(end)
        self._expects = ", or ]" if self._array else "value"
        return Row(line, fields, raw[:_SHOWN] if broken is TOO_LONG else raw, broken)

    def _reject_value(self, reason: str, *, last: bool) -> Row | None:
        """The row for a value that cannot be read, or None if it is not complete."""
        end = self._end_of_broken()
        if end is not None and (end < len(self._text) or last):
            return self._row(end, broken=reason)
        if last:
            return self._stop(reason)
        pending = len(self._text) - self._at
        if pending > MAX_ROW_BYTES:
            return self._stop(f"{TOO_LONG}, or not closed; the rest cannot be read")
        self._enough = 2 * pending
        return None

    def _end_of_broken(self) -> int | None:
        """Where a value ends by its brackets; None if that is not there yet."""
        if self._text[self._at] not in "{[":
            word = _WORD.match(self._text, self._at)
            return word and word.end()
        depth = 0
        for found in _BRACKET.finditer(self._text, self._at):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
            if depth == 0:
                return found.end()
        return None


class JsonReader:
    """Splits JSON data that comes piece by piece into rows.

    A row is a line; blank lines, indents, carriage returns and a BOM are passed over. With objects the data may be one
    array as well, or have each object over several lines, if the first line is `{`.

    Args:
        form: how the data is written.
        names: the names of the fields wanted, in order.
        as_numbers: the names whose true and false become 1 and 0.
        missing_keys: what a name without a key is: `null`, or with `error` the row is broken.
        extra_keys: whether keys that no name has are passed over, or with `error` the row is broken.
    """

    def __init__(
        self,
        form: JsonLines,
        names: Sequence[str],
        *,
        as_numbers: frozenset[str] = frozenset(),
        missing_keys: Literal["null", "error"] = "null",
        extra_keys: Literal["ignore", "error"] = "ignore",
    ) -> None:
        self._fields = FieldReader(form, names, as_numbers, missing_keys, extra_keys)
        self._arrays = form.shape == "array"
        self._splitter: _Lines | _Values | None = None
        self._head: bytes = b""  # until it shows how the data is written

    def feed(self, data: bytes) -> Iterator[Row]:
        """Read a piece of the data.

        Args:
            data: the piece.

        Yields:
            The rows that are complete now.
        """
        return self._read(data, last=False)

    def finish(self) -> Iterator[Row]:
        """Read what is left at the end of the data.

        Yields:
            The last row, if it has no end; a broken one, if the data ends within a row or an array.
        """
        return self._read(b"", last=True)

    def _read(self, data: bytes, *, last: bool) -> Iterator[Row]:
        if self._splitter is None:
            data, self._head = self._head + data, b""
            if len(data) < len(BOM) and not last:
                self._head = data
                return
            data = data.removeprefix(BOM)
            self._splitter = self._choose_splitter(data, last=last)
            if self._splitter is None:
                self._head = data
                return
        yield from self._splitter.split(data, last=last)

    def _choose_splitter(self, data: bytes, *, last: bool) -> _Lines | _Values | None:
        """Choose by the first line that is not blank; None if it is not there yet."""
        begin = data.lstrip(_BLANKS)
        if not begin and not last:
            return None
        if begin.startswith(b"[") and not self._arrays:
            return _Values(self._fields, 1, array=True)
        first, end, _ = begin.partition(b"\n")
        if first.strip() == b"{" and not self._arrays:
            if end:
                return _Values(self._fields, 1, array=False)
            if not last:
                return None
        return _Lines(self._fields, 1)
