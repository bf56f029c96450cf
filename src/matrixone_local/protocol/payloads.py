"""What packets carry: lengths, replies, descriptions of columns, rows.

Only bytes live here; what a statement means is decided elsewhere.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matrixone_local.protocol.constants import EOF, ERR, NULL, OK, VECTOR_LENGTH, ColumnType, Status


def length_coded(number: int) -> bytes:
    """A number as MySQL's length-encoded integer."""
    if number < NULL:
        return bytes([number])
    for mark, size in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
        if number < 1 << (8 * size):
            return bytes([mark]) + number.to_bytes(size, "little")
    raise OverflowError(number)


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """The length-encoded integer at *at*, and where the next byte is."""
    first = data[at]
    if first < NULL:
        return first, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[at + 1 : at + 1 + size], "little"), at + 1 + size


def length_string(value: bytes) -> bytes:
    """Bytes behind their length."""
    return length_coded(len(value)) + value


def ok_packet(affected: int = 0, insert_id: int = 0, status: int = 0) -> bytes:
    """An OK reply."""
    return bytes([OK]) + length_coded(affected) + length_coded(insert_id) + struct.pack("<HH", status, 0)


def error_packet(code: int, state: str, message: str) -> bytes:
    """An error reply."""
    return bytes([ERR]) + struct.pack("<H", code) + b"#" + state.encode() + message.encode("utf-8", "replace")


def read_error(payload: bytes) -> tuple[int, str, str]:
    """Code, SQLSTATE and message of an error reply."""
    code = int.from_bytes(payload[1:3], "little")
    rest = payload[3:]
    if rest[:1] == b"#":
        return code, rest[1:6].decode(), rest[6:].decode("utf-8", "replace")
    return code, "HY000", rest.decode("utf-8", "replace")


def read_ok(payload: bytes) -> tuple[int, int, Status]:
    """Affected rows, last insert id and status flags of an OK reply."""
    affected, at = read_length(payload, 1)
    insert_id, at = read_length(payload, at)
    return affected, insert_id, Status(int.from_bytes(payload[at : at + 2], "little"))


_FOUND = re.compile(rb"Rows matched: (\d+) ")


def with_found_rows(payload: bytes) -> bytes:
    """An OK reply that counts the rows which an UPDATE has found, as it says, in the place of those that it changed."""
    found = _FOUND.search(payload)
    if found is None:
        return payload
    _, at = read_length(payload, 1)
    return payload[:1] + length_coded(int(found[1])) + payload[at:]


def with_status(payload: bytes, extra: Status) -> bytes:
    """An OK reply with *extra* flags set."""
    _, at = read_length(payload, 1)
    _, at = read_length(payload, at)
    flags = int.from_bytes(payload[at : at + 2], "little") | extra
    return payload[:at] + struct.pack("<H", flags) + payload[at + 2 :]


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result.

    Args:
        name: its title.
        type: what it holds.
        is_unsigned: whether its numbers have no sign.
        is_binary: whether its texts are bytes.
        decimals: the digits behind the point.
        length: the most characters that it is shown with.
        table: what the query calls the table that it is of; empty for an expression.
    """

    name: str
    type: ColumnType
    is_unsigned: bool
    is_binary: bool
    decimals: int
    length: int
    table: str

    @property
    def is_vector(self) -> bool:
        """Whether it has vectors, which the engine describes as texts of a length that no other type has."""
        return self.type is ColumnType.STRING and self.length == VECTOR_LENGTH


_UNSIGNED = 32
_BINARY_COLLATION = 63


def read_column(payload: bytes) -> ResultColumn:
    """A column definition."""
    at = 0
    names: list[bytes] = []
    for _ in range(6):  # catalogue, schema, table, original table, title, original name
        length, at = read_length(payload, at)
        names.append(payload[at : at + length])
        at += length
    collation, length, kind, flags, decimals = struct.unpack_from("<HIBHB", payload, at + 1)
    return ResultColumn(
        names[4].decode("utf-8", "replace"),
        ColumnType(kind),
        bool(flags & _UNSIGNED),
        collation == _BINARY_COLLATION,
        decimals,
        length,
        names[2].decode("utf-8", "replace"),
    )


def text_row(payload: bytes, columns: int) -> list[str | None]:
    """A row of a text result."""
    row: list[str | None] = []
    at = 0
    for _ in range(columns):
        if payload[at] == NULL:
            row.append(None)
            at += 1
        else:
            length, at = read_length(payload, at)
            row.append(payload[at : at + length].decode("utf-8", "surrogateescape"))
            at += length
    return row


def ends(packet: bytes) -> bool:
    """Whether a packet, with its header, ends the columns or the rows of a result."""
    return packet[4] == ERR or (packet[4] == EOF and len(packet) < 13)


def with_flags(packet: bytes, flags: int) -> bytes:
    """A whole OK or EOF packet with more status flags."""
    if packet[4] == EOF:
        status = int.from_bytes(packet[7:9], "little") | flags
        return packet[:7] + struct.pack("<H", status) + packet[9:]
    return packet[:4] + with_status(packet[4:], Status(flags))


def read_prepared(payload: bytes) -> tuple[int, int]:
    """The number of a prepared statement and of its parameters, from the first packet of the reply."""
    return int.from_bytes(payload[1:5], "little"), int.from_bytes(payload[7:9], "little")


def with_decimals_as_text(execute: bytes, parameters: int) -> bytes:
    """A STMT_EXECUTE whose DECIMAL parameters are said to be texts, which they are written as."""
    at = 10 + (parameters + 7) // 8  # behind the command, its number, flags, a count and the map of NULLs
    if not parameters or len(execute) <= at or not execute[at]:
        return execute
    changed = bytearray(execute)
    for place in range(at + 1, at + 1 + 2 * parameters, 2):
        if changed[place] in {ColumnType.DECIMAL, ColumnType.NEWDECIMAL}:
            changed[place] = ColumnType.VAR_STRING
    return bytes(changed)


def eof_packet(status: int = 0) -> bytes:
    """The packet that ends column definitions and rows."""
    return bytes([EOF]) + struct.pack("<HH", 0, status)


def result_packets(columns: Sequence[str], rows: Sequence[Sequence[str | int | None]], status: int) -> Iterator[bytes]:
    """A text result set; a column is one of numbers if its first value is a number, else of text."""
    yield length_coded(len(columns))
    for at, name in enumerate(columns):
        titles = length_string(b"def") + length_string(b"") * 3 + length_string(name.encode()) * 2
        is_number = bool(rows) and isinstance(rows[0][at], int)
        kind = ColumnType.LONGLONG if is_number else ColumnType.VAR_STRING
        yield titles + b"\x0c" + struct.pack("<HIBHBH", _BINARY_COLLATION if is_number else 45, 1024, kind, 0, 0, 0)
    yield eof_packet(status)
    for row in rows:
        yield b"".join(bytes([NULL]) if value is None else length_string(str(value).encode()) for value in row)
    yield eof_packet(status)
