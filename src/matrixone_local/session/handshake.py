"""Logging a client in: the greeting, TLS where it is asked for, the password."""

from __future__ import annotations

import secrets
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass

from matrixone_local.features.accounts import Account
from matrixone_local.protocol.constants import OFFERED, Capability, Status
from matrixone_local.protocol.packets import Packets
from matrixone_local.protocol.passwords import native_password_fits
from matrixone_local.protocol.payloads import error_packet
from matrixone_local.translation.statements import VERSION

NATIVE = b"mysql_native_password"
SECONDS = 10


@dataclass(frozen=True)
class Login:
    """What a client said when it connected.

    Args:
        packets: the connection, encrypted if the client asked for it.
        sequence: the number of the packet that answers.
        capabilities: what both sides can do.
        database: the database to begin in, or None.
        account: who it is.
    """

    packets: Packets
    sequence: int
    capabilities: Capability
    database: str | None
    account: Account


def log_in(
    packets: Packets, connection_id: int, tls: ssl.SSLContext | None, account: Callable[[str], Account | None]
) -> Login | None:
    """Greet a client and check who it is.

    Args:
        packets: the connection; a wrong answer is refused over it.
        connection_id: its number.
        tls: how to encrypt, where the server can.
        account: finds who logs in under a name.

    Returns:
        What it said, or None if it may not come in.

    Raises:
        ConnectionClosed: the client went away, or sent what is no login.
        OSError: as above, or nothing came within 10 s.
    """
    packets.sock.settimeout(SECONDS)
    challenge = bytes(secrets.choice(range(1, 128)) for _ in range(20))
    packets.write(0, _greeting(connection_id, challenge, Capability(OFFERED | (Capability.SSL if tls else 0))))
    sequence, data = packets.read()
    if tls and len(data) == 32 and int.from_bytes(data[:4], "little") & Capability.SSL:
        packets = Packets(tls.wrap_socket(packets.sock, server_side=True))
        sequence, data = packets.read()
    if len(data) < 33 or not int.from_bytes(data[:4], "little") & Capability.PROTOCOL_41:
        packets.write(sequence + 1, error_packet(1043, "08S01", "Bad handshake"))
        return None
    return _checked(packets, sequence, data, challenge, account)


def _greeting(connection_id: int, challenge: bytes, offered: Capability) -> bytes:
    greeting = b"\x0a" + VERSION.encode() + b"\0" + struct.pack("<I", connection_id) + challenge[:8] + b"\0"
    greeting += struct.pack("<HBHHB", offered & 0xFFFF, 45, Status.AUTOCOMMIT, offered >> 16, 21)
    return greeting + bytes(10) + challenge[8:] + b"\0" + NATIVE + b"\0"


def _checked(
    packets: Packets, sequence: int, data: bytes, challenge: bytes, account: Callable[[str], Account | None]
) -> Login | None:
    capabilities = Capability(int.from_bytes(data[:4], "little") & OFFERED)
    user, at = _until_zero(data, 32)
    length = data[at] if at < len(data) else 0
    answer, at = data[at + 1 : at + 1 + length], at + 1 + length
    database = b""
    if capabilities & Capability.CONNECT_WITH_DB:
        database, at = _until_zero(data, at)
    plugin = _until_zero(data, at)[0] if capabilities & Capability.PLUGIN_AUTH and at < len(data) else NATIVE
    if plugin != NATIVE:
        packets.write(sequence + 1, b"\xfe" + NATIVE + b"\0" + challenge + b"\0")
        sequence, answer = packets.read()
    found = account(user.decode("utf-8", "replace"))
    if found is None or not native_password_fits(found.password_hash, challenge, answer):
        words = f"Access denied for user {user.decode(errors='replace')}"
        packets.write(sequence + 1, error_packet(1045, "28000", words))
        return None
    return Login(packets, sequence + 1, capabilities, database.decode("utf-8", "replace") or None, found)


def _until_zero(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\0", at)
    return (data[at:], len(data)) if end < 0 else (data[at:end], end + 1)
