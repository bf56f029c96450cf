"""What a server sends by MySQL's protocol, judged: its greeting, the login, replies. No socket, no driver.

Both clients log in by this instead of by their drivers, which send a password in clear, or encrypted with a key that
anyone on the line may have sent, to whoever asks for it. Here it leaves in clear over TLS or a local socket only, and
where TLS is wanted nothing but the wish for it leaves before.
"""

import struct
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Any, TypeAlias

from matrixone_core.messages import show
from matrixone_core.secrets import SecretBytes
from matrixone_core.server_errors import CR_MALFORMED_PACKET

# MySQL's numbers for what a client finds wrong
CR_UNKNOWN_ERROR = 2000
CR_SERVER_LOST = 2013
CR_SSL_CONNECTION_ERROR = 2026
CR_AUTH_PLUGIN_CANNOT_LOAD = 2059

CONNECT_WITH_DB = 1 << 3
PROTOCOL_41 = 1 << 9
SSL = 1 << 11
SECURE_CONNECTION = 1 << 15
PLUGIN_AUTH = 1 << 19
CONNECT_ATTRS = 1 << 20
_NEEDED = PROTOCOL_41 | SECURE_CONNECTION
_LARGEST_PACKET = (1 << 24) - 1

LOST = "Lost connection to MySQL server during query"
MORE_RESULTS = "the text has several statements, and so several results; send one statement at a time"

NATIVE = "mysql_native_password"
CACHING_SHA2 = "caching_sha2_password"
_CLEAR = ("mysql_clear_password", "sha256_password")  # the latter has RSA as well, without TLS: with anyone's key
_SALT = 20  # bytes
_MOST_REPLIES = 6  # no method needs as many; a server cannot keep a client busy for ever
_SHORTEST_OK = 7  # bytes
_FAST_ENOUGH, _FULL = b"\x03", b"\x04"  # what caching_sha2_password says more


class LoginFault(Exception):
    """A server that this package does not talk to. Its arguments are MySQL's number for the fault and the words."""


@dataclass(frozen=True)
class Greeting:
    """What a server says first.

    Args:
        version: the server's.
        connection_id: the connection's number.
        salt: what a password is mixed with.
        capabilities: the server's flags.
        collation: the number of its collation.
        status: its status flags.
        method: how it wants to be given a password.
    """

    version: str
    connection_id: int
    salt: bytes
    capabilities: int
    collation: int
    status: int
    method: str


@dataclass(frozen=True)
class Login:
    """Who logs in, and how.

    Args:
        user: the name.
        password: as UTF-8; empty for none.
        database: the database to begin in, or None.
        flags: the client's capabilities.
        collation: the number of the client's.
        attributes: what the client says about itself.
        encrypt: whether the connection must be encrypted.
        local: whether it is a socket of this machine's, on which nobody listens.
    """

    user: bytes
    password: SecretBytes
    database: bytes | None
    flags: int
    collation: int
    attributes: Mapping[str, str]
    encrypt: bool
    local: bool


@dataclass(frozen=True)
class Say:
    """Send a packet, and give its answer; one without a payload is a packet, too."""

    payload: bytes = field(repr=False)  # it may be the password


@dataclass(frozen=True)
class Encrypt:
    """Send a packet, and encrypt the connection from there on."""

    payload: bytes


@dataclass(frozen=True)
class Listen:
    """Give the next packet."""


Talk: TypeAlias = Generator[Say | Encrypt | Listen, bytes, None]


def read_greeting(data: bytes) -> Greeting:
    """What a server's first packet says.

    Raises:
        LoginFault: it is no greeting, or one of a server that is too old.
    """
    try:
        return _greeting(data)
    except (struct.error, IndexError, ValueError):
        raise _make_malformed_error("greeting") from None


def unreadable(error: Exception, driver: type[Exception]) -> tuple[int, str] | None:
    """The number and the message for a reply that cannot be read; None where the error itself says it.

    Args:
        error: what came of reading it.
        driver: the root of the driver's own errors.
    """
    if isinstance(error, LoginFault):
        code, words = error.args
        return code, words
    if isinstance(error, driver) and "sequence number" not in str(error):  # packets that are out of order
        return None
    if isinstance(error, UnicodeDecodeError):  # server-facts 25
        return CR_UNKNOWN_ERROR, (
            "a text of the result is not UTF-8, so it cannot be read and the connection is closed; select hex(column) "
            "to see its bytes"
        )
    if isinstance(error, OSError):
        return CR_SERVER_LOST, f"{LOST} ({error})"
    code, words = _make_malformed_error("reply").args
    return code, words


def check_rows(rows: Sequence[Sequence[Any]] | None, columns: int) -> None:
    """See that rows have as many values as there are columns; the drivers leave out what a row is short of.

    Raises:
        ValueError: one has not.
    """
    if rows and set(map(len, rows)) != {columns}:
        raise ValueError("a row is cut short")


def log_in(greeting: Greeting, login: Login) -> Talk:
    """Log in: gives what to send, is sent the answers, and ends when the server has let the client in.

    Error packets do not come here: whoever reads the packets raises them.

    Raises:
        LoginFault: the server does not encrypt, asks for the password in clear, or makes no sense.
    """
    private = login.local
    head = struct.pack("<IIB23x", login.flags | (SSL if login.encrypt else 0), _LARGEST_PACKET, login.collation)
    if login.encrypt:
        if not greeting.capabilities & SSL:
            raise LoginFault(
                CR_SSL_CONNECTION_ERROR,
                "the server offers no TLS, and the connection must be encrypted, so nothing was sent; switch TLS on in"
                " the server, or, if everyone on the line may be trusted, connect with ssl_mode='disabled'",
            )
        yield Encrypt(head)
        private = True
    method = greeting.method if greeting.method in {NATIVE, CACHING_SHA2} else NATIVE
    first = _answer_method(method, login.password, greeting.salt, private=private)
    reply = yield Say(head + _response(greeting, login, method, first))
    for _ in range(_MOST_REPLIES):
        match reply[:1]:
            case b"\x00" if len(reply) >= _SHORTEST_OK:
                return
            case b"\xfe":
                method, salt = _parse_auth_switch(reply)
                reply = yield Say(_answer_method(method, login.password, salt, private=private))
            case b"\x01" if method == CACHING_SHA2 and reply[1:] == _FAST_ENOUGH:
                reply = yield Listen()
            case b"\x01" if method == CACHING_SHA2 and reply[1:] == _FULL:
                reply = yield Say(_in_clear(method, login.password, private=private))
            case _:
                break
    raise _make_malformed_error("answer to the login")


def _make_malformed_error(what: str) -> LoginFault:
    """The error for something from a server that cannot be read; nothing of it is quoted."""
    return LoginFault(
        CR_MALFORMED_PACKET,
        f"the server's {what} is malformed, and the connection is closed; see that it is a MatrixOne server, and that "
        "nothing in between changes what it sends",
    )


def _greeting(data: bytes) -> Greeting:
    if data[0] != 10:  # the protocol's version
        raise ValueError
    end = data.index(b"\0", 1)
    connection_id, salt, low, collation, status, high = struct.unpack_from("<I8sxHBHHx10x", data, end + 1)
    capabilities = low | high << 16
    rest = data[end + 1 + struct.calcsize("<I8sxHBHHx10x") :]
    salt += rest[: _SALT - len(salt)]
    if len(salt) != _SALT or capabilities & _NEEDED != _NEEDED:
        raise ValueError
    method = rest[13:].partition(b"\0")[0] if capabilities & PLUGIN_AUTH else NATIVE.encode()
    return Greeting(
        data[1:end].decode("latin-1"), connection_id, salt, capabilities, collation, status, method.decode("latin-1")
    )


def _parse_auth_switch(reply: bytes) -> tuple[str, bytes]:
    """The method that a server wants instead, and the salt for it."""
    name, _, salt = reply[1:].partition(b"\0")
    method = name.decode("latin-1") or "mysql_old_password"  # the one from before methods had names
    salt = salt[:_SALT]  # a NUL follows it
    if method in {NATIVE, CACHING_SHA2} and len(salt) != _SALT:
        raise _make_malformed_error("answer to the login")
    return method, salt


def _answer_method(method: str, password: SecretBytes, salt: bytes, *, private: bool) -> bytes:
    """What a method wants to be given first."""
    if method == NATIVE:
        return _native(password, salt)
    if method == CACHING_SHA2:
        return _caching_sha2(password, salt)
    if method in _CLEAR:
        return _in_clear(method, password, private=private)
    raise LoginFault(
        CR_AUTH_PLUGIN_CANNOT_LOAD,
        f"the server asks for the password by {show(method)}, which this package does not have, so it was not sent; "
        f"give the user a password by {NATIVE}, which is MatrixOne's",
    )


def _in_clear(method: str, password: SecretBytes, *, private: bool) -> bytes:
    if private or not password:
        return password + b"\0"
    raise LoginFault(
        CR_AUTH_PLUGIN_CANNOT_LOAD,
        f"the server asks for the password in clear or for its own key ({method}) over a connection that is not "
        "encrypted, so it was not sent; connect with ssl_mode='verify_identity', or give the user a password by "
        f"{NATIVE}, which is MatrixOne's",
    )


def _native(password: SecretBytes, salt: bytes) -> bytes:
    if not password:
        return b""
    once = sha1(password, usedforsecurity=False).digest()
    twice = sha1(once, usedforsecurity=False).digest()
    return _xor(once, sha1(salt + twice, usedforsecurity=False).digest())


def _caching_sha2(password: SecretBytes, salt: bytes) -> bytes:
    if not password:
        return b""
    once = sha256(password).digest()
    return _xor(once, sha256(sha256(once).digest() + salt).digest())


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _response(greeting: Greeting, login: Login, method: str, answer: bytes) -> bytes:
    """The login packet behind its head."""
    parts = [login.user + b"\0", bytes([len(answer)]) + answer]  # fewer than 251 bytes: its length is one byte
    if login.database and greeting.capabilities & CONNECT_WITH_DB:
        parts.append(login.database + b"\0")
    if greeting.capabilities & PLUGIN_AUTH:
        parts.append(method.encode() + b"\0")
    if greeting.capabilities & CONNECT_ATTRS:
        pairs = b"".join(_with_length(text.encode()) for pair in login.attributes.items() for text in pair)
        parts.append(_with_length(pairs))
    return b"".join(parts)


def _with_length(value: bytes) -> bytes:
    short = len(value) < 251
    return (bytes([len(value)]) if short else b"\xfc" + struct.pack("<H", len(value))) + value
