"""The MySQL wire: packets, lengths, and the few replies the relay writes itself.

Only bytes and sockets live here; what a statement means is decided elsewhere.
Source: MySQL internals manual, "Client/Server Protocol" (text protocol, protocol 41).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

MAX_PACKET_PAYLOAD = 0xFFFFFF  # a packet of this length goes on in the next one
LEAST_AHEAD, MOST_AHEAD = 1 << 13, 1 << 18  # bytes to ask a socket for
OK, ERR, EOF, NULL = 0x00, 0xFF, 0xFE, 0xFB


class Command(IntEnum):
    """The first byte of what a client sends."""

    QUIT = 0x01
    INIT_DB = 0x02
    QUERY = 0x03
    FIELD_LIST = 0x04
    STATISTICS = 0x09
    PING = 0x0E
    CHANGE_USER = 0x11
    STMT_PREPARE = 0x16
    STMT_EXECUTE = 0x17
    STMT_SEND_LONG_DATA = 0x18
    STMT_CLOSE = 0x19
    STMT_RESET = 0x1A
    SET_OPTION = 0x1B
    STMT_FETCH = 0x1C


class Capability(IntFlag):
    """What the relay offers a client; the engine understands all of it."""

    LONG_PASSWORD = 1
    FOUND_ROWS = 1 << 1
    LONG_FLAG = 1 << 2
    CONNECT_WITH_DB = 1 << 3
    LOCAL_FILES = 1 << 7
    IGNORE_SPACE = 1 << 8
    PROTOCOL_41 = 1 << 9
    SSL = 1 << 11
    TRANSACTIONS = 1 << 13
    SECURE_CONNECTION = 1 << 15
    MULTI_STATEMENTS = 1 << 16
    MULTI_RESULTS = 1 << 17
    PS_MULTI_RESULTS = 1 << 18
    PLUGIN_AUTH = 1 << 19
    CONNECT_ATTRS = 1 << 20
    PLUGIN_AUTH_LENENC = 1 << 21


OFFERED = ~Capability.SSL & sum(Capability)


class Status(IntFlag):
    """The server status flags that the relay reads or writes."""

    IN_TRANSACTION = 1
    AUTOCOMMIT = 2
    MORE_RESULTS = 8
    CURSOR_EXISTS = 64  # the rows are fetched by commands of their own


class ColumnType(IntEnum):
    """The types of result columns."""

    DECIMAL = 0
    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    NULL = 6
    TIMESTAMP = 7
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    TIME = 11
    DATETIME = 12
    YEAR = 13
    VARCHAR = 15
    BIT = 16
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    TINY_BLOB = 249
    MEDIUM_BLOB = 250
    LONG_BLOB = 251
    BLOB = 252
    VAR_STRING = 253
    STRING = 254
    GEOMETRY = 255


class ConnectionClosed(ConnectionError):
    """The other side closed its socket, or sent what no MySQL client or server sends."""


class Results:
    """How far a reply to a query has been passed on.

    Attributes:
        part: what comes next: 0 a head, 1 columns, 2 rows.
        columns: how many of the result's columns have come.
        needs_inspection: whether the next packet has to be checked: an error, part of a longer one, a vector's column.
        status: the flags of the last OK or EOF.
        is_over: whether the whole reply has come.
    """

    def __init__(self) -> None:
        self.part = 0
        self.columns = 0
        self.needs_inspection = False
        self.status = 0
        self.is_over = False

    def skip(self, data: bytearray, at: int) -> int:
        """Step over whole packets that can be passed on as they are; returns where the first other one begins."""
        end = len(data)
        while end - at >= 5 and not self.is_over:
            length = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            following = at + 4 + length
            kind = data[at + 4]
            if following > end:
                break
            if not length or length == MAX_PACKET_PAYLOAD or kind == ERR:
                self.needs_inspection = True
                break
            if self.part == 2:
                if kind == EOF and length < 9:
                    self._ended(data[at + 7] | data[at + 8] << 8)
            elif self.part == 1:
                if kind == EOF and length < 9:
                    self.part = 2
                elif VECTOR_MARK in data[following - 10 : following]:
                    self.needs_inspection = True
                    break
                else:
                    self.columns += 1
            elif kind == OK:
                self._ended(read_ok(bytes(data[at + 4 : following]))[2])
            else:
                self.part, self.columns = 1, 0
            at = following
        return at

    def _ended(self, status: int) -> None:
        self.status = status
        self.part = 0
        self.is_over = not status & _MORE_RESULTS


_MORE_RESULTS = int(Status.MORE_RESULTS)  # flags of an enumeration take a microsecond each, and this is in every reply
VECTOR_LENGTH = 536_870_911  # the engine's length of a vector, which no other type's columns have
VECTOR_MARK = VECTOR_LENGTH.to_bytes(4, "little")


class Packets:
    """Packets read from and written to one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reads_ahead = False  # until it is known that no TLS handshake follows, whose bytes are not ours
        self._buffer = bytearray()
        self._at = 0
        self._ahead = LEAST_AHEAD

    def _need(self, count: int) -> int:
        """Have *count* more bytes in the buffer; returns where they begin."""
        while len(self._buffer) - self._at < count:
            if self._at:
                del self._buffer[: self._at]
                self._at = 0
            wanted = self._ahead if self.reads_ahead else count - len(self._buffer)
            data = self.sock.recv(wanted)
            if not data:
                raise ConnectionClosed("the connection was closed")
            # a large buffer costs more than a short reply
            self._ahead = MOST_AHEAD if len(data) == wanted else LEAST_AHEAD
            self._buffer += data
        return self._at

    def read_raw(self) -> bytes:
        """One packet with its header, as it came."""
        at = self._need(4)
        end = at + 4 + int.from_bytes(self._buffer[at : at + 3], "little")
        if end == len(self._buffer):  # as it mostly is
            packet = bytes(self._buffer[at:]) if at else bytes(self._buffer)
            self._buffer.clear()
            self._at = 0
            return packet
        at = self._need(end - at)
        end = at + 4 + int.from_bytes(self._buffer[at : at + 3], "little")
        self._at = end
        return bytes(self._buffer[at:end])

    def read(self) -> tuple[int, bytes]:
        """A whole payload, joined where it came in several packets, and its last sequence number."""
        packet = self.read_raw()
        payload = packet[4:]
        if len(payload) == MAX_PACKET_PAYLOAD:
            parts = [payload]
            while len(packet) - 4 == MAX_PACKET_PAYLOAD:
                packet = self.read_raw()
                parts.append(packet[4:])
            payload = b"".join(parts)
        return packet[3], payload

    def pass_over(self, results: Results) -> bytes:
        """The packets that are here and can be passed on as they are; waits for some, if the next one is no odd one."""
        while True:
            at = results.skip(self._buffer, self._at)
            if at > self._at or results.needs_inspection:
                passed = bytes(self._buffer[self._at : at])
                self._at = at
                return passed
            self._need(len(self._buffer) - self._at + 1)

    def write(self, sequence: int, *payloads: bytes) -> None:
        """Send payloads, numbered from *sequence* on."""
        if len(payloads) == 1 and len(payloads[0]) < MAX_PACKET_PAYLOAD:
            self.sock.sendall(b"%b%c%b" % (len(payloads[0]).to_bytes(3, "little"), sequence & 0xFF, payloads[0]))
            return
        out = bytearray()
        for packet in split_payloads(payloads, sequence):
            out += packet
        self.sock.sendall(out)

    def buffered(self) -> bool:
        """Whether bytes of a further packet are already here."""
        return len(self._buffer) > self._at


def split_payloads(payloads: Iterable[bytes], sequence: int) -> Iterator[bytes]:
    """The packets of payloads, numbered from *sequence* on."""
    for payload in payloads:
        for start in range(0, len(payload) + 1, MAX_PACKET_PAYLOAD):
            piece = payload[start : start + MAX_PACKET_PAYLOAD]
            yield len(piece).to_bytes(3, "little") + bytes([sequence & 0xFF]) + piece
            sequence += 1


def join_packets(packets: Iterator[bytes]) -> Iterator[bytes]:
    """Packets with those joined that carry one payload; the header is the first one's."""
    parts: list[bytes] = []
    for packet in packets:
        parts.append(packet if not parts else packet[4:])
        if int.from_bytes(packet[:3], "little") < MAX_PACKET_PAYLOAD:
            yield parts[0] if len(parts) == 1 else b"".join(parts)
            parts = []


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
    """

    name: str
    type: ColumnType
    is_unsigned: bool
    is_binary: bool
    decimals: int
    length: int


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


def native_hash(password: str) -> bytes:
    """What a server keeps of a password: SHA1(SHA1(password))."""
    # SHA-1 is what the mysql_native_password method is made of.
    return hashlib.sha1(hashlib.sha1(password.encode(), usedforsecurity=False).digest(), usedforsecurity=False).digest()


def native_password_fits(stored: bytes, challenge: bytes, answer: bytes) -> bool:
    """Whether *answer* proves that the client knows the password stored as *stored*."""
    if len(answer) != 20:
        return not answer and stored == native_hash("")
    mix = hashlib.sha1(challenge + stored, usedforsecurity=False).digest()
    first = bytes(a ^ b for a, b in zip(answer, mix, strict=True))
    return hashlib.sha1(first, usedforsecurity=False).digest() == stored


def native_answer(password: str, challenge: bytes) -> bytes:
    """The proof a client sends for *password*."""
    if not password:
        return b""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    mix = hashlib.sha1(challenge + native_hash(password), usedforsecurity=False).digest()
    return bytes(a ^ b for a, b in zip(once, mix, strict=True))
