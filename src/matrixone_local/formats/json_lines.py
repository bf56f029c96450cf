"""Reading JSON lines as a MatrixOne server reads them (server-facts 23), quirks included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from matrixone_local.errors import bad_configuration, internal_error
from matrixone_local.formats.batches import Batch, Fields, join_batches
from matrixone_local.formats.columns import Column, Field
from matrixone_local.sql.quoting import literal


class _Spelled(float):
    """A number that keeps its spelling, as a DECIMAL may have more digits than a float."""

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


_read_json = json.JSONDecoder(parse_float=_Spelled).decode


@dataclass(frozen=True)
class JsonLines:
    """Lines of JSON.

    Args:
        kind: `object`, whose names are the columns', or `array`, whose values stand in the columns' order.
    """

    kind: str

    def __post_init__(self) -> None:
        """Refuse any other kind."""
        if not self.kind:
            raise bad_configuration("the jsondata must be specified")
        if self.kind not in {"object", "array"}:
            raise bad_configuration(f"the jsondata '{self.kind}' is not supported")

    def batches(
        self,
        pieces: Iterator[bytes],
        columns: Sequence[Column | None],
        *,
        also: str = "",
        fields: Fields = Fields.EXACT,
    ) -> Iterator[Batch]:
        """The file's rows (`rows.Format`); what an object has beyond the columns is dropped on a server, too."""
        del fields
        readers = [(column.name, _literal(column)) for column in columns if column]

        def rows() -> Iterator[Batch]:
            for line in self._lines(pieces):
                given = self._given(line, [name for name, _ in readers])
                values = [put(value, at) for at, ((_, put), value) in enumerate(zip(readers, given, strict=False))]
                yield Batch(f"({','.join(values)}{also})", 1)

        return join_batches(rows())

    def _lines(self, pieces: Iterator[bytes]) -> Iterator[Any]:
        """The lines' values; a broken line ends the file without a word and takes the line before it along."""
        held: list[Any] = []
        for line in _split(pieces):
            try:
                value = _read_json(line.decode("utf-8", "surrogateescape"))
            except ValueError:
                return
            if not isinstance(value, dict if self.kind == "object" else list):
                return
            yield from held
            held = [value]
        yield from held

    def _given(self, line: Any, names: Sequence[str]) -> list[Any]:
        """What a line has for columns, whose names are in small letters in it (server-facts 68)."""
        if self.kind == "object":
            values = cast("dict[str, Any]", line)
            line = [values[name.lower()] for name in names if name.lower() in values]
        if len(line) < len(names):
            raise internal_error("the table column is larger than input data column")
        return cast("list[Any]", line)


def _literal(column: Column) -> Callable[[Any, int], str]:
    """What turns a value, at its position in the line, into an SQL literal."""
    read = column.reader()
    if column.base != "json":
        return lambda value, position: read(_field(value), position)
    return lambda value, _: "NULL" if value is None else literal(_json(value))


def _field(value: Any) -> Field:
    match value:
        case None | "\\N":
            return None, False
        case str():
            return value, False
        case _Spelled():
            return value.text, False
        case dict() | list():
            return _in_go(cast("object", value)), False
        case _:
            return json.dumps(value), False


def _in_go(value: object) -> str:
    """A nested value as Go writes it (server-facts 56)."""
    match value:
        case dict():
            pairs = sorted(cast("dict[str, object]", value).items())
            return f"map[{' '.join(f'{name}:{_in_go(one)}' for name, one in pairs)}]"
        case list():
            return f"[{' '.join(map(_in_go, cast('list[object]', value)))}]"
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case _Spelled():
            return value.text
        case _:
            return str(value)


def _json(value: Any) -> str:
    """A value as JSON, its numbers as they were written."""
    match value:
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return f"{{{','.join(f'{json.dumps(name)}:{_json(one)}' for name, one in pairs)}}}"
        case list():
            return f"[{','.join(_json(each) for each in value)}]"  # pyright: ignore[reportUnknownVariableType]  # whatever JSON has
        case _Spelled():
            return value.text
        case _:
            return json.dumps(value, ensure_ascii=False)


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest
