"""Servers that do not keep to the protocol, and the packets that they send."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

PLUGIN_AUTH, TLS = 1 << 19, 1 << 11
CAPABILITIES = 0x00BFF7FF & ~TLS  # a MatrixOne's, without TLS
SALT = b"abcdefghijklmnopqrst"
OK = b"\0\0\0\2\0\0\0"
EOF = b"\xfe\0\0\2\0"
INTEGER, TEXT, DATETIME = 3, 253, 12


def packets(*payloads: bytes, first: int = 1) -> bytes:
    """Packets as they travel, numbered from *first* on."""
    return b"".join(
        len(payload).to_bytes(3, "little") + bytes([(first + at) % 256]) + payload
        for at, payload in enumerate(payloads)
    )


def greeting(capabilities: int = CAPABILITIES, method: bytes = b"mysql_native_password", salt: bytes = SALT) -> bytes:
    """The payload of a greeting."""
    begin = b"\x0a8.0.30-MatrixOne-v4.2.0\0" + struct.pack("<I", 7) + salt[:8] + b"\0"
    flags = struct.pack("<HBHHB", capabilities & 0xFFFF, 45, 2, capabilities >> 16, 21)
    return begin + flags + bytes(10) + salt[8:] + b"\0" + method + b"\0"


def text(value: bytes) -> bytes:
    """A text with its length before it."""
    return bytes([len(value)]) + value


def column(name: bytes, kind: int) -> bytes:
    """The payload that describes a column."""
    names = (b"def", b"db", b"t", b"t", name, name)
    return b"".join(map(text, names)) + struct.pack("<BHIBHBxx", 12, 45, 80, kind, 0, 0)


COLUMNS = (b"\x03", column(b"i", INTEGER), column(b"s", TEXT), column(b"at", DATETIME), EOF)
ROWS = tuple(text(b"%d" % i) + text(b"some text") + text(b"2026-01-02 03:04:05") for i in range(3))
RESULT = (*COLUMNS, *ROWS, EOF)


class Peer:
    """A client's connection, as a hostile server has it."""

    def __init__(self, sock: socket.socket, received: list[bytes]) -> None:
        self.sock, self.received, self.sequence = sock, received, 0

    def write(self, payload: bytes) -> None:
        self.sock.sendall(packets(payload, first=self.sequence))
        self.sequence += 1

    def read(self) -> bytes:
        """A packet of the client's; EOFError if it sends none."""
        head = self._bytes(4)
        self.sequence = head[3] + 1
        self.received.append(self._bytes(int.from_bytes(head[:3], "little")))
        return self.received[-1]

    def encrypt(self, context: ssl.SSLContext) -> None:
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def _bytes(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data


class HostileServer:
    """Serves each client by *talk*, then hangs up; `received` has what clients have sent, packet by packet.

    Args:
        talk: is given the client.
        path: of a unix socket; by default it listens on a port of loopback.
    """

    def __init__(self, talk: Callable[[Peer], object], path: str | None = None) -> None:
        self.talk, self.received = talk, []
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self._listener.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(1)
                peer = Peer(sock, self.received)
                with suppress(OSError, EOFError):
                    self.talk(peer)
                with suppress(OSError):
                    peer.sock.shutdown(socket.SHUT_RDWR)
                peer.sock.close()
