r"""Reading CSV as a MatrixOne server reads it (server-facts 20, 21): records of fields, NULL distinguished from text.

The standard library's reader cannot tell `\N` from `"\N"`, nor an empty field from a quoted one. Most files consist of
lines without escapes or quotes that matter: those are rewritten many at a time, the others one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat

from matrixone_local.errors import bad_input, internal_error
from matrixone_local.formats.batches import BATCH_ROWS, Batch, Fields, join_batches
from matrixone_local.formats.columns import ANY, Column, Field
from matrixone_local.formats.repetition import repeat_pattern
from matrixone_local.sql.tokens import ESCAPES

NULL: Field = (None, False)
_MARK = "\\N"  # NULL, whatever the escape character is
Sift = Callable[[Iterable[str]], Iterable[str]]


@dataclass(frozen=True)
class CsvLines:
    r"""How fields and lines are separated.

    Args:
        delimiter: the text between fields; "" where a line is one field.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; "" for none.
        starting: what a line must begin with; what precedes it is skipped.
        line_end: the text after a line; `\n` may have a `\r` before it.
        ignore: how many records are skipped at the start.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = "\\"
    starting: str = ""
    line_end: str = "\n"
    ignore: int = 0

    def batches(
        self,
        pieces: Iterator[bytes],
        columns: Sequence[Column | None],
        *,
        also: str = "",
        fields: Fields = Fields.EXACT,
    ) -> Iterator[Batch]:
        """The file's rows (`rows.Format`)."""
        return join_batches(self._rows(pieces, columns, _Rows(columns, also, fields)))

    def _rows(self, pieces: Iterator[bytes], columns: Sequence[Column | None], rows: _Rows) -> Iterator[Batch]:
        plain = self._plain_lines(columns)
        skip = self.ignore
        for found in self._read(pieces, plain):
            if isinstance(found, str):
                yield self._rewritten(found, rows)
            elif skip:
                skip -= 1
                plain.on = not skip
            else:
                yield Batch(rows.row(found), 1)

    def records(self, pieces: Iterable[bytes]) -> Iterator[list[Field]]:
        """The records in *pieces*; empty lines are skipped, a byte order mark too.

        Bytes that are not UTF-8 stay as they are (server-facts 25), by Python's surrogates.
        """
        for found in self._read(pieces, _PlainLines(None, on=False)):
            if not isinstance(found, str):
                yield found

    def raw_lines(self, pieces: Iterable[bytes], wanted: Sift) -> Iterator[bytes]:
        """The lines that are wanted, of a file whose lines have one field each and nothing that has a meaning.

        From a delimiter, quote or escape character on, everything is given.

        Args:
            pieces: the file.
            wanted: gives those of several lines without their ends.
        """
        marks = [mark.encode() for mark in (self.delimiter, self.quote, self.escape, self.starting) if mark]
        rest, ignored, sifts, white = b"", 0, self._ends_plainly, b""
        for piece in pieces:
            data = rest + piece
            sifts = sifts and not any(mark in piece for mark in marks)
            end = data.rfind(b"\n") + 1 if sifts else len(data)
            rest = data[end:]
            head = 0
            while ignored < self.ignore and head < end:
                head = (data.find(b"\n", head, end) + 1) or end
                ignored += 1
            if sifts:
                text = data[head:end].decode("utf-8", "surrogateescape")
                lines = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n")
                if last := next(filter(None, reversed(lines)), ""):
                    white = b"" if last.strip() else b" \n"  # one of white space has a meaning at the file's end only
                found = "".join([f"{line}\n" for line in wanted(filter(str.strip, lines))])
                yield data[:head] + found.encode("utf-8", "surrogateescape")
            else:
                yield white + data
                white = b""
        yield white + rest

    @property
    def _ends_plainly(self) -> bool:
        return self.line_end in {"", "\n", "\r\n"}

    @cached_property
    def _field(self) -> re.Pattern[str]:
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        end = "\r?\n" if self._ends_plainly else re.escape(self.line_end)
        stop = "|".join(filter(None, [re.escape(self.delimiter), end, r"\Z"]))
        escaped = f"{escape}.|" if escape else ""
        within = repeat_pattern(f"{escaped}{quote}{quote}|{quote}(?!{stop})|[^{quote}]") if quote else ""
        quoted = f"{quote}({within}){quote}(?={stop})|" if quote else "()(?!)|"
        return re.compile(f"(?:{quoted}({repeat_pattern(f'{escaped}(?!{stop}).')}))({stop})", re.DOTALL)

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        """What means something else than it says, within quotes and without."""
        doubled = f"{re.escape(self.quote)}{re.escape(self.quote)}"
        return re.compile(f"{re.escape(self.escape)}(.)|{doubled}" if self.escape else f"(?!)()|{doubled}", re.DOTALL)

    def _plain_lines(self, columns: Sequence[Column | None]) -> _PlainLines:
        """What recognises lines whose fields can be taken as they stand; nothing, where some never can."""
        patterns = [column.plain for column in columns if column]
        special = {self.delimiter, self.quote, self.escape}
        clear = self._ends_plainly and all(len(one) < 2 for one in special) and (self.delimiter or len(columns) == 1)
        if None in patterns or None in columns or self.starting or not clear or re.match(r"[\w'.-]", self.delimiter):
            return _PlainLines(None, on=False)
        unquoted = f"[^{re.escape(''.join(special))}\r\n]"
        null = (
            f"(?!(?:{re.escape(_MARK)}{'|NULL' if self.quote else ''})(?:{re.escape(self.delimiter) or '(?!)'}|\r?\n))"
        )
        fields: list[str] = []
        for pattern in filter(None, patterns):
            field = pattern.replace(ANY, unquoted)
            if ANY in pattern:
                quoted = f"|{self.quote}(?!{re.escape(_MARK)}{self.quote}){field}{self.quote}" if self.quote else ""
                field = f"(?:{null}{field}{quoted})"
            fields.append(field)
        line = re.escape(self.delimiter).join(fields)
        if len(fields) == 1:
            line = rf"(?!\s*\n){line}"  # an empty line is no record
        return _PlainLines(
            re.compile(repeat_pattern(f"{line}\r?\n", f"{{1,{BATCH_ROWS}}}"), re.ASCII), on=not self.ignore
        )

    def _rewritten(self, lines: str, rows: _Rows) -> Batch:
        """Plain lines as rows; their numbers, too, stand in quotes, which the engine reads as strictly."""
        count = lines.count("\n")
        rows.read += count
        if "\r" in lines:
            lines = lines.replace("\r\n", "\n")
        if self.quote and self.quote in lines:
            lines = lines.replace(self.quote, "")
        if "\\" in lines:
            lines = lines.replace("\\", "\\\\")
        if "'" in lines:
            lines = lines.replace("'", "''")
        if self.delimiter:
            lines = lines.replace(self.delimiter, "','")
        values = lines[:-1].replace("\n", f"'{rows.also}),('")
        return Batch(f"('{values}'{rows.also})", count)

    def _read(self, pieces: Iterable[bytes], plain: _PlainLines) -> Iterator[list[Field] | str]:
        """Records, or many plain lines at once where *plain* knows them.

        A server skips lines of white space, but makes one record of those at the file's end (server-facts 78).
        """
        white = False
        for found in self._records_and_white(pieces, plain):
            white = not found
            if found:
                yield found
        if white:
            yield self._started([("", False)])

    def _records_and_white(self, pieces: Iterable[bytes], plain: _PlainLines) -> Iterator[list[Field] | str]:
        """What `_read` gives, with an empty record for each line of white space."""
        text, begun = "", False
        rest = b""
        for piece in pieces:
            data = rest + piece
            whole = _whole_characters(data)
            rest = data[whole:]
            text += data[:whole].decode("utf-8", "surrogateescape")
            if not begun:
                text, begun = text.removeprefix("\ufeff"), True
            text = yield from self._complete(text, plain, last=False)
        text += rest.decode("utf-8", "surrogateescape")
        yield from self._complete(text, plain, last=True)

    def _complete(self, text: str, plain: _PlainLines, *, last: bool) -> Generator[list[Field] | str, None, str]:
        """Yield the records that end within *text*; return the rest."""
        match = self._field.match
        begin, at, end = 0, 0, len(text)
        record: list[Field] = []
        raw = ""  # what the record's fields are made of
        while begin < end:
            if at == begin and (lines := plain.at(text, begin)):
                yield lines
                begin = at = begin + len(lines)
                continue
            found = match(text, at)
            if found is None:
                break
            opened = found[1] is None and bool(self.quote) and text.startswith(self.quote, at)
            if not last and (opened or found.end() == end):
                break  # the field may go on in the next piece
            record.append(self._value(found[1], found[2]))
            raw += found[2] if found[1] is None else found[1]
            at = found.end()
            if not self.delimiter or found[3] != self.delimiter:
                if self._ends_plainly and len(raw) > 1 and raw.endswith("\r"):
                    record[-1] = self._without_return(found[1] if found[2] is None else found[2], record)
                if found[3] and _is_white(record):
                    yield []
                elif record != [("", False)]:
                    yield self._started(record)
                record, raw, begin = [], "", at
        if last and record:
            yield self._started([*record, ("", False)])
        return text[begin:]

    def _without_return(self, raw: str, record: list[Field]) -> Field:
        """The last field of a record that ends with a carriage return: a server takes it away (server-facts 84).

        Raises:
            SqlError: it is not the last field's; the server takes it all the same, and fails.
        """
        if not raw:
            raise internal_error("panic runtime error: slice bounds out of range")
        text, is_quoted = record[-1]
        return (text and text.removesuffix("\r"), is_quoted)

    def _value(self, quoted: str | None, plain: str | None) -> Field:
        text = (quoted if plain is None else plain) or ""
        if text in {_MARK, f"{self.escape or _MARK[0]}N"} or (plain == "NULL" and self.quote):
            return NULL
        if plain is None:
            text = self._marks.sub(self._meant, text)
        elif self.escape and self.escape in text:
            text = self._marks.sub(lambda found: self._meant(found) if found[1] is not None else found[0], text)
        return text, plain is None

    def _meant(self, found: re.Match[str]) -> str:
        return self.quote if found[1] is None else ESCAPES.get(found[1], found[1])

    def _started(self, record: list[Field]) -> list[Field]:
        text, quoted = record[0]
        if self.starting and text is not None:
            return [(text.partition(self.starting)[2], quoted), *record[1:]]
        return record


@dataclass
class _PlainLines:
    """Finds runs of plain lines.

    Args:
        pattern: their form; None if there are none.
        on: whether to check, which begins after the records that are ignored.
    """

    pattern: re.Pattern[str] | None
    on: bool

    def at(self, text: str, begin: int) -> str | None:
        """The plain lines that begin there."""
        if not self.on or self.pattern is None:
            return None
        found = self.pattern.match(text, begin)
        return found[0] if found else None


def _is_white(record: Sequence[Field]) -> bool:
    """Whether a line has white space and nothing else."""
    text, quoted = record[0]
    return len(record) == 1 and text is not None and not quoted and text.isspace()


class _Rows:
    """Turns records into rows, counting them."""

    def __init__(self, columns: Sequence[Column | None], also: str, fields: Fields) -> None:
        self._readers = [None if column is None else column.reader() for column in columns]
        self._fields = fields
        self.also = also
        self.read = 0

    def row(self, record: list[Field]) -> str:
        """A record as `(value, …)`."""
        self.read += 1
        wanted = len(self._readers)
        if self._fields is Fields.EXACT and len(record) != wanted:
            if len(record) != wanted + 1 or record[-1][0] != "":  # a delimiter at the line's end is none too many
                raise bad_input(f"the data of row {self.read} contained is not equal to input columns")
        elif self._fields is Fields.ENOUGH and len(record) < wanted:
            raise bad_input(f"the data of row {self.read} contained is less than input columns")
        values = [
            read(field, position)
            for position, (read, field) in enumerate(zip(self._readers, chain(record, repeat(NULL)), strict=False))
            if read is not None
        ]
        return f"({','.join(values)}{self.also})"


def _whole_characters(data: bytes) -> int:
    """How many bytes of *data* hold whole UTF-8 characters; a broken one at the end waits for the next piece."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if back < length else len(data)
    return len(data)
