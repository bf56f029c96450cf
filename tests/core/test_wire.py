"""What a server sends, judged; what a client answers."""

import struct
from contextlib import suppress
from dataclasses import replace

import pytest
from hostile import CAPABILITIES, OK, PLUGIN_AUTH, SALT, TLS, greeting
from hypothesis import given
from hypothesis import strategies as st
from pymysql import _auth
from pymysql.err import InternalError, OperationalError

from matrixone_core.fragments import bytes_literal
from matrixone_core.secrets import SecretBytes, password_bytes
from matrixone_core.wire import Encrypt, Listen, Login, LoginFault, Say, check_rows, log_in, read_greeting, unreadable

LOGIN = Login(
    user=b"root",
    password=password_bytes("sesame"),
    database=b"db",
    flags=0x00BFF7FF & ~TLS,
    collation=45,
    attributes={"_client_name": "x" * 300},
    encrypt=False,
    local=False,
)


def but(**changes):
    return replace(LOGIN, **changes)


def talk(login, *answers, **said):
    """The steps of a login with these answers."""
    talk = log_in(read_greeting(greeting(**said)), login)
    steps = [next(talk)]
    for answer in answers:
        try:
            steps.append(talk.send(answer))
        except StopIteration:
            return steps, True
    return steps, False


def test_a_greeting():
    said = read_greeting(greeting())
    assert (said.version, said.connection_id, said.salt) == ("8.0.30-MatrixOne-v4.2.0", 7, SALT)
    assert (said.capabilities, said.collation, said.status, said.method) == (
        CAPABILITIES, 45, 2, "mysql_native_password",
    )  # fmt: skip
    assert read_greeting(greeting(CAPABILITIES & ~PLUGIN_AUTH)).method == "mysql_native_password"


@given(st.binary(max_size=120))
def test_a_greeting_of_any_bytes_is_read_or_refused(data):
    with suppress(LoginFault):
        read_greeting(data)


@given(st.lists(st.binary(max_size=40), max_size=12), st.booleans())
def test_a_login_with_any_answers_ends(answers, local):
    with suppress(LoginFault):
        steps, _ = talk(but(local=local), *answers)
        assert len(steps) <= 8


def test_a_login():
    (first,), ended = talk(LOGIN, OK)
    assert ended
    assert first.payload.startswith(struct.pack("<IIB23x", LOGIN.flags, (1 << 24) - 1, 45) + b"root\0")
    rest = first.payload[32 + 5 :]
    assert rest[:21] == b"\x14" + _auth.scramble_native_password(b"sesame", SALT)
    attributes = b"\x0c_client_name\xfc\x2c\x01" + b"x" * 300
    assert rest[21:] == b"db\0mysql_native_password\0\xfc\x3c\x01" + attributes
    assert "sesame" not in f"{first!r} {LOGIN!r}"


def test_a_login_without_a_password_a_database_or_what_the_server_does_not_know():
    (first,), _ = talk(but(password=SecretBytes()), OK, capabilities=(1 << 9) | (1 << 15))
    assert first.payload[32:] == b"root\0\0"
    (first,), _ = talk(but(database=None, attributes={}), OK)
    assert first.payload.endswith(b",mysql_native_password\0\0")  # the comma ends the answer
    steps, ended = talk(
        but(password=SecretBytes()), b"\xfesha256_password\0" + SALT + b"\0", OK, method=b"caching_sha2_password"
    )
    assert ended
    assert steps[1] == Say(b"\0")


def test_other_methods():
    switch = b"\xfecaching_sha2_password\0" + SALT[::-1] + b"\0"
    steps, ended = talk(LOGIN, switch, b"\x01\x03", OK)
    assert ended
    assert steps[1:] == [Say(_auth.scramble_caching_sha2(b"sesame", SALT[::-1])), Listen()]
    steps, ended = talk(but(local=True), switch, b"\x01\x04", OK)
    assert ended
    assert steps[2] == Say(b"sesame\0")


def test_tls_comes_first():
    steps, ended = talk(but(encrypt=True), b"", OK, capabilities=CAPABILITIES | TLS)
    assert ended
    assert steps[0] == Encrypt(struct.pack("<IIB23x", LOGIN.flags | TLS, (1 << 24) - 1, 45))
    with pytest.raises(LoginFault, match="no TLS"):
        talk(but(encrypt=True))


def test_what_cannot_be_read():
    assert unreadable(OperationalError(1064, "no"), OperationalError) is None
    assert unreadable(InternalError("Packet sequence number wrong"), InternalError)[0] == 2027
    assert unreadable(UnicodeDecodeError("utf-8", b"secret", 0, 1, "x"), OperationalError)[0] == 2000
    assert unreadable(ConnectionResetError("reset"), OperationalError) == (
        2013, "Lost connection to MySQL server during query (reset)",
    )  # fmt: skip
    assert unreadable(LoginFault(2026, "no"), OperationalError) == (2026, "no")
    assert unreadable(IndexError("secret"), OperationalError)[0] == 2027


def test_rows_that_are_cut_short():
    check_rows(None, 3)
    check_rows((), 3)
    check_rows(((1, 2),), 2)
    with pytest.raises(ValueError, match="short"):
        check_rows(((1, 2), (1,)), 2)


def test_the_bytes_of_a_password():
    hidden = password_bytes("пароль")
    assert hidden == "пароль".encode()
    assert password_bytes(b"x") == b"x"
    assert password_bytes(None) == b""
    assert f"{hidden} {hidden!r} {hidden!s} {hidden:>8}" == "b'***' b'***' b'***'   b'***'"
    with pytest.raises(ValueError, match="surrogate") as caught:
        password_bytes("sesame\ud800")
    assert "sesame" not in repr(caught.value)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_literals_of_bytes(kind):
    assert bytes_literal(kind(b"a'\\\0\xff")) == "'a''\\\\\\0\udcff'"
    assert bytes_literal(kind(b"a'\\"), backslashes=False) == "'a''\\'"
