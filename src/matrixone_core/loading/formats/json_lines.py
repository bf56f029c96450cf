"""JSON lines, and files that are one array or have values over several lines, read row by row (server-facts 23, 56).

Digits of numbers stay as they are; nested values become JSON text.
"""

import codecs
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring
from typing import Any, Literal, NoReturn, TypeAlias, cast

from matrixone_core.loading.formats.csv import BOM, MAX_ROW_BYTES, Field, Row, why_not_utf8
from matrixone_core.messages import show
from matrixone_core.sql.load import JsonLines

_NULL = Field(None, quoted=False)
_TRUE, _FALSE = Field("true", quoted=False), Field("false", quoted=False)
_ONE, _ZERO = Field("1", quoted=False), Field("0", quoted=False)
_BLANKS = b" \t\r\n"
_BLANK = re.compile(r"[ \t\r\n]*")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[{}\[\]]', re.DOTALL)  # or a text, closed or not, which may have brackets
_WORD = re.compile(r"[^,\]\n]*")
_UNSAFE = re.compile("[\0\ud800-\udfff]")  # no text of the server's has these
_SHOWN = 1000  # characters of a row that cannot be read whole
MAX_KEY_ORDERS = 1000  # orders of keys that are remembered
TOO_LONG = f"the row is longer than {MAX_ROW_BYTES // 1024**2} MiB"
_TOO_DEEP = "the value is nested too deeply to be read"
_KINDS = {
    str: "a string",
    Field: "a number",
    bool: "a boolean",
    type(None): "null",
    list: "an array",
    tuple: "an object",
}

Places: TypeAlias = list[int | None]  # of the wanted values among an object's; None where the key is missing


class _Misfit(Exception):
    """A value is no JSON, or not what is wanted: why, and at which character of the text if that is known."""


def _refuse_constant(name: str) -> NoReturn:
    raise _Misfit(f"no JSON: {name} is no number")


_new: Any = getattr(tuple, "__new__")  # noqa: B009  # half the time of Field(…), and checkers know no type of it


def _number(text: str) -> Any:
    return _new(Field, (text, False))


# numbers become fields, objects tuples of pairs: no digit and no key is lost
_decoder: Any = json.JSONDecoder(
    parse_float=_number, parse_int=_number, parse_constant=_refuse_constant, object_pairs_hook=tuple
)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once


def _parse(text: str, at: int) -> tuple[Any, int]:
    """Read the value that begins at a place, and where it ends.

    Raises:
        _Misfit: there is no such value.
    """
    try:
        return _scan(text, at)
    except json.JSONDecodeError as error:
        what = f"{error.msg[:1].lower()}{error.msg[1:]}".removesuffix(" at")
        raise _Misfit(f"no JSON: {what}", error.pos) from None
    except StopIteration as error:
        raise _Misfit("no JSON: a value is missing", error.value) from None
    except RecursionError:
        raise _Misfit(_TOO_DEEP) from None


def _reason(error: _Misfit, text: str, begin: int) -> str:
    """Say what is wrong with the value that begins at a place, and where."""
    if len(error.args) == 1:
        return str(error)
    what, at = error.args
    line = text.count("\n", begin, at)
    column = at - max(text.rfind("\n", begin, at), begin - 1)
    return f"{what} at character {column}" + (f" of line {line + 1} of the value" if line else "")


def _write_nested(value: Any) -> str:
    try:
        return _to_json(value)
    except RecursionError:
        raise _Misfit(_TOO_DEEP) from None


def _to_json(value: Any) -> str:
    """Write a value as JSON text, with all its digits."""
    match value:
        case Field():
            return str(value.text)
        case str():
            return encode_basestring(value)
        case tuple():
            pairs = cast("tuple[tuple[str, Any], ...]", value)
            return f"{{{','.join([f'{encode_basestring(key)}:{_to_json(each)}' for key, each in pairs])}}}"
        case list():
            values = cast("Sequence[Any]", value)
            return f"[{','.join(map(_to_json, values))}]"
        case _:
            return "null" if value is None else "true" if value else "false"


class _Fields:
    """Takes the wanted fields out of parsed values.

    Args:
        form: how the data is written.
        names: the names of the fields wanted, in order.
        as_numbers: the names whose true and false become 1 and 0.
        missing_keys: as of `JsonReader`.
        extra_keys: as of `JsonReader`.
    """

    def __init__(
        self, form: JsonLines, names: Sequence[str], as_numbers: frozenset[str], missing_keys: str, extra_keys: str
    ) -> None:
        self._names = tuple(names)
        self._wanted = {name.lower(): index for index, name in enumerate(self._names)}
        self._booleans = [(_ZERO, _ONE) if name in as_numbers else (_FALSE, _TRUE) for name in self._names]
        self._values = self._of_array if form.shape == "array" else self._of_object
        self._missing_keys = missing_keys
        self._extra_keys = extra_keys
        self._places = dict[tuple[str, ...], Places]()
        encoded = {name.lower() for name in form.base64}
        self._base64 = [index for index, name in enumerate(self._names) if name.lower() in encoded]

    def of(self, value: Any, raw: str) -> tuple[Field, ...]:
        """Return the fields of a row.

        Args:
            value: the parsed value.
            raw: the text that it was parsed from.

        Raises:
            _Misfit: it is not what is wanted.
        """
        fields: list[Field] = []
        for each, booleans in zip(self._values(value), self._booleans, strict=True):
            kind = type(each)  # pyright: ignore[reportUnknownVariableType]  # whatever JSON has
            if kind is str:
                fields.append(_new(Field, (each, True)))
            elif kind is Field:
                fields.append(each)
            elif each is None:
                fields.append(_NULL)
            elif kind is bool:
                fields.append(booleans[each])  # pyright: ignore[reportUnknownArgumentType]  # a bool, by its type
            else:
                fields.append(Field(_write_nested(each), quoted=True))
        if "\\u" in raw:
            self._refuse_unsafe(fields)
        for index in self._base64:
            fields[index] = self._decoded(index, fields[index])
        return tuple(fields)

    def _decoded(self, index: int, field: Field) -> Field:
        """Bytes that are a text in base64."""
        if field.text is None:
            return field
        try:
            return Field(b64decode(field.text, validate=True).decode("utf-8", "surrogateescape"), quoted=True)
        except ValueError as error:
            raise _Misfit(f"the text of {show(self._names[index])} is not base64: {error}") from None

    def _of_array(self, value: Any) -> Sequence[Any]:
        if type(value) is not list:
            raise _Misfit(f"the row has {_KINDS[type(value)]} where an array is wanted")
        values = cast("Sequence[Any]", value)
        if len(values) != len(self._names):
            raise _Misfit(f"the array has {len(values)} values where {len(self._names)} are wanted")
        return values

    def _of_object(self, value: Any) -> Sequence[Any]:
        if type(value) is not tuple:  # a number is a tuple too
            raise _Misfit(f"the row has {_KINDS[type(value)]} where an object is wanted")
        pairs = cast("tuple[tuple[str, Any], ...]", value)
        keys = tuple([key for key, _ in pairs])
        places = self._places.get(keys)
        if places is None:
            places = self._find(keys)
            if len(self._places) >= MAX_KEY_ORDERS:
                self._places.clear()
            self._places[keys] = places
        return [None if place is None else pairs[place][1] for place in places]

    def _find(self, keys: tuple[str, ...]) -> Places:
        """Find the wanted names among an object's keys."""
        places: Places = [None] * len(self._names)
        for place, key in enumerate(keys):
            index = self._wanted.get(key.lower())
            if index is None:
                if self._extra_keys == "error":
                    raise _Misfit(f"the object has the key {show(key)}, which is no column")
                continue
            other = places[index]
            if other is not None:
                twice = "twice" if keys[other] == key else f"and the key {show(keys[other])}, which mean one column"
                raise _Misfit(f"the object has the key {show(key)} {twice}")
            places[index] = place
        if self._missing_keys == "error" and None in places:
            raise _Misfit(f"the object has no key {show(self._names[places.index(None)])}")
        return places

    def _refuse_unsafe(self, fields: Sequence[Field]) -> None:
        for name, field in zip(self._names, fields, strict=True):
            found = _UNSAFE.search(field.text or "")
            if found is not None:
                what = "the character NUL" if found[0] == "\0" else "half a character"
                raise _Misfit(f"the text of {show(name)} has {what} (U+{ord(found[0]):04X})")


class _Lines:
    """Splits data that has one value a line.

    Args:
        fields: takes the fields out of a value.
        line: the number of the first line.
    """

    def __init__(self, fields: _Fields, line: int) -> None:
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
            value, end = _parse(raw, 0 if raw[0] in "{[" else _end_of_blank(raw, 0))
            if end != len(raw):
                raise _Misfit("no JSON: more comes behind the value,", _end_of_blank(raw, end))
            fields = self._fields.of(value, raw)
        except _Misfit as error:
            yield Row(number, (), raw, _reason(error, raw, 0))
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

    def __init__(self, fields: _Fields, line: int, *, array: bool) -> None:
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
            value, end = _parse(self._text, begin)
        except _Misfit as error:
            return self._reject_value(_reason(error, self._text, begin), last=last)
        if end == len(self._text) and type(value) is Field and not last:
            return None  # a number may go on
        raw = self._text[begin:end]
        why = TOO_LONG if len(raw) > MAX_ROW_BYTES else None if raw.isascii() else why_not_utf8(raw)
        if why is not None:
            return self._row(end, broken=why)
        try:
            return self._row(end, self._fields.of(value, raw))
        except _Misfit as error:
            return self._row(end, broken=_reason(error, raw, 0))

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
        self._fields = _Fields(form, names, as_numbers, missing_keys, extra_keys)
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
