"""Values of JSON, and the fields of a row that one has (server-facts 23, 56).

Digits of numbers stay as they are; nested values become JSON text.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import Any, NoReturn, TypeAlias, cast

from matrixone_core.loading.formats.csv import Field
from matrixone_core.messages import show
from matrixone_core.sql.load import JsonLines

_NULL = Field(None, quoted=False)
_TRUE, _FALSE = Field("true", quoted=False), Field("false", quoted=False)
_ONE, _ZERO = Field("1", quoted=False), Field("0", quoted=False)
_UNSAFE = re.compile("[\0\ud800-\udfff]")  # no text of the server's has these
MAX_KEY_ORDERS = 1000  # orders of keys that are remembered
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


class Misfit(Exception):
    """A value is no JSON, or not what is wanted: why, and at which character of the text if that is known."""


def _refuse_constant(name: str) -> NoReturn:
    raise Misfit(f"no JSON: {name} is no number")


_new: Any = getattr(tuple, "__new__")  # noqa: B009  # half the time of Field(…), and checkers know no type of it


def _number(text: str) -> Any:
    return _new(Field, (text, False))


# numbers become fields, objects tuples of pairs: no digit and no key is lost
_decoder: Any = json.JSONDecoder(
    parse_float=_number, parse_int=_number, parse_constant=_refuse_constant, object_pairs_hook=tuple
)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once


def parse(text: str, at: int) -> tuple[Any, int]:
    """Read the value that begins at a place, and where it ends.

    Raises:
        Misfit: there is no such value.
    """
    try:
        return _scan(text, at)
    except json.JSONDecodeError as error:
        what = f"{error.msg[:1].lower()}{error.msg[1:]}".removesuffix(" at")
        raise Misfit(f"no JSON: {what}", error.pos) from None
    except StopIteration as error:
        raise Misfit("no JSON: a value is missing", error.value) from None
    except RecursionError:
        raise Misfit(_TOO_DEEP) from None


def reason_of(error: Misfit, text: str, begin: int) -> str:
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
        raise Misfit(_TOO_DEEP) from None


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


class FieldReader:
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
            Misfit: it is not what is wanted.
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
            raise Misfit(f"the text of {show(self._names[index])} is not base64: {error}") from None

    def _of_array(self, value: Any) -> Sequence[Any]:
        if type(value) is not list:
            raise Misfit(f"the row has {_KINDS[type(value)]} where an array is wanted")
        values = cast("Sequence[Any]", value)
        if len(values) != len(self._names):
            raise Misfit(f"the array has {len(values)} values where {len(self._names)} are wanted")
        return values

    def _of_object(self, value: Any) -> Sequence[Any]:
        if type(value) is not tuple:  # a number is a tuple too
            raise Misfit(f"the row has {_KINDS[type(value)]} where an object is wanted")
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
                    raise Misfit(f"the object has the key {show(key)}, which is no column")
                continue
            other = places[index]
            if other is not None:
                twice = "twice" if keys[other] == key else f"and the key {show(keys[other])}, which mean one column"
                raise Misfit(f"the object has the key {show(key)} {twice}")
            places[index] = place
        if self._missing_keys == "error" and None in places:
            raise Misfit(f"the object has no key {show(self._names[places.index(None)])}")
        return places

    def _refuse_unsafe(self, fields: Sequence[Field]) -> None:
        for name, field in zip(self._names, fields, strict=True):
            found = _UNSAFE.search(field.text or "")
            if found is not None:
                what = "the character NUL" if found[0] == "\0" else "half a character"
                raise Misfit(f"the text of {show(name)} has {what} (U+{ord(found[0]):04X})")
