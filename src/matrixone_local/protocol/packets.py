"""Packets, which payloads are sent in: read from and written to a socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from matrixone_local.protocol.constants import MAX_PACKET_PAYLOAD
from matrixone_local.protocol.result_scanner import ResultScanner

if TYPE_CHECKING:
    import socket

LEAST_AHEAD, MOST_AHEAD = 1 << 13, 1 << 18  # bytes to ask a socket for


class ConnectionClosed(ConnectionError):
    """The other side closed its socket, or sent what no MySQL client or server sends."""


class Packets:
    """Packets read from and written to one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reads_ahead = False  # until it is known that no TLS handshake follows, whose bytes are not ours
        self._buffer = b""
        self._at = 0
        self._ahead = LEAST_AHEAD

    def _need(self, count: int) -> int:
        """Have *count* more bytes in the buffer; returns where they begin."""
        here = len(self._buffer) - self._at
        if here >= count:
            return self._at
        parts = [self._buffer[self._at :]] if here else []
        while here < count:
            data = self._receive(count - here)
            parts.append(data)
            here += len(data)
        self._buffer = parts[0] if len(parts) == 1 else b"".join(parts)
        self._at = 0
        return 0

    def _receive(self, count: int) -> bytes:
        """Some bytes from the socket, at least one: up to *count*, or more where more may be read."""
        wanted = self._ahead if self.reads_ahead else count
        data = self.sock.recv(wanted)
        if not data:
            raise ConnectionClosed("the connection was closed")
        # a large buffer costs more than a short reply
        self._ahead = MOST_AHEAD if len(data) == wanted else LEAST_AHEAD
        return data

    def read_raw(self) -> bytes:
        """One packet with its header, as it came."""
        if not self._buffer:
            data = self._receive(4)
            if len(data) > 4 and 4 + int.from_bytes(data[:3], "little") == len(data):
                return data  # one packet and nothing else, as it mostly is
            self._buffer = data
        at = self._need(4)
        size = 4 + int.from_bytes(self._buffer[at : at + 3], "little")
        return self._take(self._need(size) + size)

    def _take(self, end: int) -> bytes:
        """What is in the buffer up to there."""
        taken = self._buffer[self._at : end]  # all of it, as it mostly is, is not copied
        if end == len(self._buffer):
            self._buffer, self._at = b"", 0
        else:
            self._at = end
        return taken

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

    def pass_over(self, scanner: ResultScanner) -> tuple[bytes, bool]:
        """The packets that are here and can be passed on as they are, and whether the next one has to be inspected.

        Waits for some if there are none.
        """
        if not self._buffer:
            self._buffer = self._receive(1)
        while True:
            at, needs_inspection = scanner.skip(self._buffer, self._at)
            if at > self._at or needs_inspection:
                return self._take(at), needs_inspection
            at = self._need(5)  # a head and a byte, as no packet is empty that begins a payload
            self._need(4 + int.from_bytes(self._buffer[at : at + 3], "little"))

    def write(self, sequence: int, *payloads: bytes) -> None:
        """Send payloads, numbered from *sequence* on."""
        if len(payloads) == 1 and len(payloads[0]) < MAX_PACKET_PAYLOAD:
            self.sock.sendall(one_packet(sequence, payloads[0]))
            return
        out = bytearray()
        for packet in split_payloads(payloads, sequence):
            out += packet
        self.sock.sendall(out)

    def buffered(self) -> bool:
        """Whether bytes of a further packet are already here."""
        return len(self._buffer) > self._at


def one_packet(sequence: int, payload: bytes) -> bytes:
    """The packet of a payload that goes into one."""
    return b"%b%c%b" % (len(payload).to_bytes(3, "little"), sequence & 0xFF, payload)


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
