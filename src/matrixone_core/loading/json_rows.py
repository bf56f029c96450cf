"""Reading JSON lines, where lines have to be told apart here (server-facts 23)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from matrixone_core.loading.csv_rows import Field, Row
from matrixone_core.sql.load import JsonLines


class _Misshapen(Exception):
    """A line is JSON, but not what is wanted."""


class JsonRows:
    """Splits JSON lines that come piece by piece into rows; empty lines are none.

    Args:
        form: how they are written.
        columns: the names of the fields wanted, in order; empty for whatever an array has.
    """

    def __init__(self, form: JsonLines, columns: Sequence[str]) -> None:
        self._form = form
        self._columns = columns
        self._left: bytes = b""
        self._line = 0

    def feed(self, data: bytes) -> Iterator[Row]:
        """The rows that are complete now."""
        *lines, self._left = (self._left + data).split(b"\n")
        for line in lines:
            yield from self._row(line)

    def finish(self) -> Iterator[Row]:
        """The last row, if its line has no end."""
        yield from self._row(self._left)
        self._left = b""

    def _row(self, line: bytes) -> Iterator[Row]:
        self._line += 1
        if not line.strip():
            return
        raw = line.decode("utf-8", "surrogateescape").rstrip("\r")
        try:
            fields = self._fields(json.loads(line.decode("utf-8")))
        except UnicodeDecodeError as error:
            yield Row(self._line, (), raw, f"byte 0x{line[error.start]:02x} is not UTF-8")
        except json.JSONDecodeError as error:
            yield Row(self._line, (), raw, f"no JSON: {error.msg} at character {error.colno}")
        except _Misshapen as error:
            yield Row(self._line, (), raw, str(error))
        else:
            yield Row(self._line, fields, raw)

    def _fields(self, value: Any) -> tuple[Field, ...]:
        if self._form.shape == "array":
            if not isinstance(value, list):
                raise _Misshapen(f"the line has no array but {type(value).__name__}")
            return tuple(map(_field, value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # whatever JSON has
        if not isinstance(value, dict):
            raise _Misshapen(f"the line has no object but {type(value).__name__}")
        found: dict[str, Any] = {str(key).lower(): each for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # whatever JSON has
        missing = [name for name in self._columns if name.lower() not in found]
        if missing:
            raise _Misshapen(f"the object has no {missing[0]!r}")
        return tuple(_field(found[name.lower()]) for name in self._columns)


def _field(value: Any) -> Field:
    if value is None:
        return Field(None, quoted=False)
    if isinstance(value, bool):
        return Field("1" if value else "0", quoted=False)
    if isinstance(value, str):
        return Field(value, quoted=True)
    if isinstance(value, int | float):
        return Field(repr(value), quoted=False)
    return Field(json.dumps(value, ensure_ascii=False), quoted=True)
