"""Rows as JSON lines, as the server writes them: DECIMAL and moments are texts, bytes are base64.

A JSON column's text or null by itself is written as the JSON text of it, which is what a load takes a text for.
"""

import base64
import json
import math
from collections.abc import Sequence
from typing import Any

from matrixone_core import result_columns as codes
from matrixone_core.exporting.writers.texts import number_of_bits, written
from matrixone_core.result_columns import ResultColumn


class JsonLinesWriter:
    """Writes JSON lines."""

    def __init__(self) -> None:
        self._columns: Sequence[ResultColumn] = ()

    def begin(self, columns: Sequence[ResultColumn]) -> bytes:
        """What precedes the rows."""
        self._columns = columns
        return b""

    def write(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Rows."""
        names = [json.dumps(column.name, ensure_ascii=False) + ":" for column in self._columns]
        lines = [
            ",".join(
                [name + _value(column, value) for name, column, value in zip(names, self._columns, row, strict=True)]
            )
            for row in rows
        ]
        return "".join([f"{{{line}}}\n" for line in lines]).encode()

    def finish(self) -> bytes:
        """What follows the rows."""
        return b""


def _value(column: ResultColumn, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bytes):
        if column.type_code == codes.BIT:
            return str(number_of_bits(value))
        value = base64.b64encode(value).decode()
    elif isinstance(value, str):
        # a text and null stay JSON text, as loads take it
        if column.type_code == codes.JSON and value[0] != '"' and value != "null":
            return value.replace("\n", " ").replace("\r", " ")  # only between values, where blanks mean nothing
        if column.has_bytes:
            value = base64.b64encode(value.encode()).decode()
    elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    return json.dumps(written(value), ensure_ascii=False)
