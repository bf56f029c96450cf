r"""Reading CSV as a MatrixOne server reads it (server-facts 20, 21): records of fields, NULL told from text.

The standard library's reader cannot tell `\N` from `"\N"`, nor an empty field from a quoted one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .tokens import unquote

Field = tuple[str | None, bool]  # the text (None is NULL), and whether it was quoted
NULL: Field = (None, False)


@dataclass(frozen=True)
class CsvForm:
    """How fields and lines are told apart.

    Args:
        delimiter: what stands between fields.
        quote: the character around fields that hold a delimiter or a line's end.
        escape: the character that takes the meaning from the next one; "" for none.
        starting: what a line must begin with; what stands before it is skipped.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = "\\"
    starting: str = ""

    @cached_property
    def _field(self) -> re.Pattern[str]:
        delimiter, quote, escape = re.escape(self.delimiter), re.escape(self.quote), re.escape(self.escape)
        escaped = f"|{escape}." if escape else ""
        within = f"(?:[^{quote}{escape}]{escaped}|{quote}{quote})*" if quote else ""
        quoted = f"{quote}({within}){quote}(?={delimiter}|\r?\n|\\Z)|" if quote else "()(?!)|"
        return re.compile(f"(?:{quoted}((?:(?!{delimiter}|\r?\n).)*))({delimiter}|\r?\n|\\Z)", re.DOTALL)

    def records(self, pieces: Iterable[bytes]) -> Iterator[list[Field]]:
        """The records in *pieces*; empty lines are skipped, a byte order mark too.

        Bytes that are not UTF-8 are kept as they are (server-facts 25), by Python's surrogates.
        """
        text, begun = "", False
        rest = b""
        for piece in pieces:
            data = rest + piece
            whole = _whole_characters(data)
            rest = data[whole:]
            text += data[:whole].decode("utf-8", "surrogateescape")
            if not begun:
                text, begun = text.removeprefix("\ufeff"), True
            text = yield from self._complete(text, last=False)
        text += rest.decode("utf-8", "surrogateescape")
        yield from self._complete(text, last=True)

    def _complete(self, text: str, *, last: bool) -> Generator[list[Field], None, str]:
        """Yield the records that end within *text*; return the rest."""
        match = self._field.match
        begin, at, end = 0, 0, len(text)
        record: list[Field] = []
        while begin < end:
            found = match(text, at)
            if found is None:
                break
            opened = found[1] is None and bool(self.quote) and text.startswith(self.quote, at)
            if not last and (opened or found.end() == end):
                break  # the field may go on in the next piece
            record.append(self._value(found[1], found[2]))
            at = found.end()
            if found[3] != self.delimiter:
                if record != [("", False)]:
                    yield self._started(record)
                record, begin = [], at
        if last and record:
            yield self._started([*record, ("", False)])
        return text[begin:]

    def _value(self, quoted: str | None, plain: str | None) -> Field:
        if quoted is None:
            text = plain or ""
            if text == "\\N":
                return NULL
            return text, False
        if self.quote * 2 in quoted or (self.escape and self.escape in quoted):
            if self.escape == "\\":
                return unquote(f"{self.quote}{quoted}{self.quote}"), True
            text = quoted.replace(self.quote * 2, self.quote)
            return (text.replace(self.escape, "") if self.escape else text), True
        return quoted, True

    def _started(self, record: list[Field]) -> list[Field]:
        text, quoted = record[0]
        if self.starting and text is not None:
            return [(text.partition(self.starting)[2], quoted), *record[1:]]
        return record


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
