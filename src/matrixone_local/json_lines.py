"""Reading JSON lines as a MatrixOne server reads them (server-facts 23), quirks included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from .errors import bad_configuration, internal
from .rows import Batch, gathered
from .values import Column, Field


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
        self, pieces: Iterator[bytes], columns: Sequence[Column | None], *, also: str = "", exact: bool = True
    ) -> Iterator[Batch]:
        """The file's rows (`rows.Format`); what an object has beyond the columns is dropped on a server, too."""
        del exact
        readers = [(column.name, column.reader()) for column in columns if column]

        def rows() -> Iterator[Batch]:
            for line in self._lines(pieces):
                fields = self._fields(line, [name for name, _ in readers])
                values = [read(field, at) for at, ((_, read), field) in enumerate(zip(readers, fields, strict=False))]
                yield Batch(f"({','.join(values)}{also})", 1)

        return gathered(rows())

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

    def _fields(self, line: Any, names: Sequence[str]) -> list[Field]:
        if self.kind == "object":
            told = {name.lower(): value for name, value in cast("dict[str, Any]", line).items()}
            line = [told[name.lower()] for name in names if name.lower() in told]
        if len(line) < len(names):
            raise internal("the table column is larger than input data column")
        return [_field(value) for value in line]


def _field(value: Any) -> Field:
    match value:
        case None:
            return None, False
        case str():
            return value, True
        case _Spelled():
            return value.text, True
        case _:
            return json.dumps(value, ensure_ascii=False), True


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest
