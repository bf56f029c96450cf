"""Rows of prepared statements as rows of text: the engine sends the bits of a FLOAT only in the former.

Source: MySQL internals manual, "Binary Protocol Value".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from matrixone_local.protocol.constants import NULL, ColumnType
from matrixone_local.protocol.floats import shortest, without_exponent
from matrixone_local.protocol.packets import join_packets, split_payloads
from matrixone_local.protocol.payloads import ResultColumn, ends, length_string, read_column, read_length

Reader = Callable[[bytes, int], tuple[bytes, int]]  # the value at a place as a row of text has it, and where it ends
_MAX_FRACTION = 6  # digits of a second; a column that says more has as many as a value needs
_INTEGERS = {
    ColumnType.TINY: "b",
    ColumnType.SHORT: "h",
    ColumnType.YEAR: "h",
    ColumnType.LONG: "i",
    ColumnType.INT24: "i",
    ColumnType.LONGLONG: "q",
}


def rows_as_text(packets: Iterator[bytes]) -> Iterator[bytes]:
    """The packets of a reply to an executed statement, as the same query's text result has them."""
    return split_payloads(_payloads(packets), 1)


def _payloads(packets: Iterator[bytes]) -> Iterator[bytes]:
    columns: list[ResultColumn] = []
    rows: BinaryRows | None = None
    joined = join_packets(packets)
    yield next(joined)[4:]  # the number of columns, or an error
    for packet in joined:
        payload = packet[4:]
        if ends(packet):
            rows = BinaryRows(columns)
        elif rows is None:
            columns.append(read_column(payload))
        else:
            payload = rows.as_text(payload)
        yield payload


class BinaryRows:
    """Writes the rows of one result of a prepared statement as rows of text.

    Args:
        columns: the result's columns.
    """

    def __init__(self, columns: Sequence[ResultColumn]) -> None:
        self._readers = [(1 << (at + 2) % 8, 1 + (at + 2) // 8, _reader(one)) for at, one in enumerate(columns)]
        self._first = 1 + (len(columns) + 9) // 8  # behind a zero and the map of NULLs

    def as_text(self, payload: bytes) -> bytes:
        """A row, without its header, as a text result has it."""
        at = self._first
        values: list[bytes] = []
        for bit, place, read in self._readers:
            if payload[place] & bit:
                values.append(_NULL)
            else:
                value, at = read(payload, at)
                values.append(value)
        return b"".join(values)


_NULL = bytes([NULL])


def _reader(column: ResultColumn) -> Reader:
    if code := _INTEGERS.get(column.type):
        return _integers(code.upper() if column.is_unsigned else code, "04" if column.type is ColumnType.YEAR else "")
    match column.type:
        case ColumnType.FLOAT:
            return _numbers(struct.Struct("<f"), is_single=True)
        case ColumnType.DOUBLE:
            return _numbers(struct.Struct("<d"), is_single=False)
        case ColumnType.DATE:
            return _moments(None)
        case ColumnType.DATETIME | ColumnType.TIMESTAMP:
            return _moments(column.decimals)
        case ColumnType.TIME:
            return _times(column.decimals)
        case _:
            return _text


def _integers(code: str, form: str) -> Reader:
    packed = struct.Struct(f"<{code}")

    def read(payload: bytes, at: int) -> tuple[bytes, int]:
        return _short(format(packed.unpack_from(payload, at)[0], form)), at + packed.size

    return read


def _numbers(packed: struct.Struct, *, is_single: bool) -> Reader:
    @lru_cache(1024)
    def text(value: bytes) -> bytes:
        return _short(without_exponent(shortest(packed.unpack(value)[0], is_single=is_single)))

    def read(payload: bytes, at: int) -> tuple[bytes, int]:
        end = at + packed.size
        return text(payload[at:end]), end

    return read


def _moments(decimals: int | None) -> Reader:
    """Reads dates, or moments where *decimals* tells how many digits of a second they have."""

    def read(payload: bytes, at: int) -> tuple[bytes, int]:
        length, parts, microseconds = _parts(payload, at, "<HBBBBB")
        year, month, day, hours, minutes, seconds = parts
        text = f"{year:04}-{month:02}-{day:02}"
        if decimals is not None:
            text += f" {hours:02}:{minutes:02}:{seconds:02}{_fraction(microseconds, decimals)}"
        return _short(text), at + 1 + length

    return read


def _times(decimals: int) -> Reader:
    def read(payload: bytes, at: int) -> tuple[bytes, int]:
        length, parts, microseconds = _parts(payload, at, "<BIBBB")
        is_negative, days, hours, minutes, seconds = parts
        text = f"{'-' * is_negative}{days * 24 + hours:02}:{minutes:02}:{seconds:02}"
        return _short(text + _fraction(microseconds, decimals)), at + 1 + length

    return read


def _parts(payload: bytes, at: int, form: str) -> tuple[int, tuple[int, ...], int]:
    """How many bytes a date or time takes, its parts and its microseconds. Zeros at the end are left out."""
    length = payload[at]
    size = struct.calcsize(form)
    value = payload[at + 1 : at + 1 + length].ljust(size + 4, b"\0")
    return length, struct.unpack_from(form, value), int.from_bytes(value[size : size + 4], "little")


def _fraction(microseconds: int, decimals: int) -> str:
    if decimals > _MAX_FRACTION:
        return f".{microseconds:06}" if microseconds else ""
    return f".{microseconds:06}"[: decimals + 1] if decimals else ""


def _text(payload: bytes, at: int) -> tuple[bytes, int]:
    """A value that both kinds of rows have behind its length."""
    length, begin = read_length(payload, at)
    return payload[at : begin + length], begin + length


def _short(text: str) -> bytes:
    return length_string(text.encode())
