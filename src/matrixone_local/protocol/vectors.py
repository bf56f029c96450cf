"""Vectors in results: the engine writes `[1,2e30]`, a MatrixOne server blanks and all zeros (conformance/vectors)."""

from __future__ import annotations

import importlib
import json
from typing import Any

from matrixone_local.protocol.constants import MAX_PACKET_PAYLOAD, NULL, VECTOR_MARK
from matrixone_local.protocol.floats import without_exponent
from matrixone_local.protocol.payloads import length_string, read_column, read_length


def numbers_of(vector: str) -> list[str]:
    """The numbers of a vector, each with the fewest digits that tell it in single precision.

    Args:
        vector: the vector as the engine writes it.
    """
    arrow: Any = importlib.import_module("pyarrow")  # with the first vector, as it takes long
    numbers = arrow.array(json.loads(vector, parse_int=float), arrow.float32())
    return [without_exponent(number) for number in numbers.cast(arrow.string()).to_pylist()]


def as_served(vector: str) -> str:
    """A vector as a MatrixOne server writes it."""
    return f"[{', '.join(numbers_of(vector))}]"


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
        if VECTOR_MARK in packet[-10:] and read_column(packet[4:]).is_vector:  # reading every definition would be slow
            self._places.add(self._count)
        self._count += 1

    def as_served(self, packet: bytes) -> bytes:
        """A row with its vectors as a MatrixOne server writes them."""
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
                value = length_string(as_served(payload[at - length : at].decode()).encode())
            values.append(value)
        row = b"".join(values)
        return len(row).to_bytes(3, "little") + packet[3:4] + row
