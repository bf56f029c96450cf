"""Vectors in results: the engine writes `[1,2]`, a MatrixOne server `[1, 2]` (conformance/session)."""

from __future__ import annotations

from matrixone_local.protocol.constants import MAX_PACKET_PAYLOAD, NULL, VECTOR_LENGTH, VECTOR_MARK, ColumnType
from matrixone_local.protocol.payloads import length_string, read_column, read_length


class VectorColumns:
    """Which columns of a result are vectors; true if any is.

    Args:
        others: how many columns have come that are none.
    """

    def __init__(self, others: int = 0) -> None:
        self._count = others
        self._places: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._places)

    def learn(self, packet: bytes) -> None:
        """Read the next column's definition."""
        if VECTOR_MARK in packet[-10:]:  # reading every definition would be slow
            column = read_column(packet[4:])
            if column.type is ColumnType.STRING and column.length == VECTOR_LENGTH:
                self._places.add(self._count)
        self._count += 1

    def spaced(self, packet: bytes) -> bytes:
        """A row with a MatrixOne server's spaces."""
        if len(packet) - 4 == MAX_PACKET_PAYLOAD:
            return packet  # goes on in the next packet; left as it is
        payload, at = packet[4:], 0
        values: list[bytes] = []
        for place in range(self._count):
            begin = at
            if payload[at] == NULL:
                at += 1
                values.append(payload[begin:at])
                continue
            length, at = read_length(payload, at)
            at += length
            value = payload[begin:at]
            if place in self._places:
                value = length_string(payload[at - length : at].replace(b",", b", "))
            values.append(value)
        row = b"".join(values)
        return len(row).to_bytes(3, "little") + packet[3:4] + row
