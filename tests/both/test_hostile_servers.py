"""Servers, and those between, that want the password or do not keep to the protocol: one clear error, nothing given."""

import asyncio
import random
import re
import ssl

import hostile
import pytest
import trustme
from hostile import COLUMNS, EOF, INTEGER, OK, RESULT, ROWS, HostileServer, column, greeting, packets
from pymysql.err import OperationalError
from sqlalchemy import create_engine, event, exc
from sqlalchemy.ext.asyncio import create_async_engine
from test_secrets import everything

from matrixone import errors
from matrixone_async.connection import Connection as AsyncConnection
from matrixone_core import fragments
from matrixone_sync.connection import Connection

PASSWORD = "OpenSesame42"
LOGIN = {"host": "127.0.0.1", "user": "root", "password": PASSWORD, "connect_timeout": 5}


def refused(new_client, server, **settings):
    """The error of a client that cannot connect, which shows no password."""
    client = new_client(**LOGIN | {"port": server.port} | settings)
    with pytest.raises(errors.ConnectionFailed) as caught:
        client.connect()
    assert PASSWORD not in everything(caught.value)
    assert caught.value.retryable == ("Lost connection" in str(caught.value))
    return str(caught.value)


# -- who wants the password ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
def test_no_connection_in_clear_where_tls_is_wanted(new_client, mode):
    """A server without TLS, or somebody between who took one bit out of its greeting."""

    def talk(peer):
        peer.write(greeting())
        peer.read()

    with HostileServer(talk) as server:
        assert "offers no TLS" in refused(new_client, server, ssl_mode=mode)
        assert server.received == []


def test_an_engine_made_by_hand_is_as_careful(side):
    """In clear where TLS is wanted, or asked for the password in clear."""

    def talk(peer):
        peer.write(greeting())
        peer.read()
        peer.write(switch(b"mysql_clear_password"))
        peer.read()

    with HostileServer(talk) as server:
        url = f"matrixone+{'pymysql' if side == 'sync' else 'aiomysql'}://root:{PASSWORD}@127.0.0.1:{server.port}/"
        with pytest.raises(exc.OperationalError, match="offers no TLS"):
            connect_by_hand(f"{url}?ssl_mode=required")
        assert server.received == []
        with pytest.raises(exc.OperationalError, match="in clear") as caught:
            connect_by_hand(url)
        assert PASSWORD not in everything(caught.value)
        assert len(server.received) == 1


def connect_by_hand(url):
    async def connect():
        async with create_async_engine(url).connect():
            pass

    if "aiomysql" in url:
        asyncio.run(connect())
    else:
        create_engine(url).connect()


def switch(method):
    return b"\xfe" + method + b"\0" + hostile.SALT + b"\0"


ASK_FOR_THE_PASSWORD = {
    "clear": ([switch(b"mysql_clear_password")], "in clear"),
    "dialog": ([switch(b"dialog")], "'dialog', which this package does not have"),
    "sha256": ([switch(b"sha256_password")], "in clear"),
    "caching_sha2": ([switch(b"caching_sha2_password"), b"\x01\x04"], "in clear"),
    "old": ([switch(b"mysql_old_password")], "'mysql_old_password', which"),
    "nameless old": ([b"\xfe"], "'mysql_old_password', which"),
    "unknown": ([switch(b"x" * 500)], "'x+…?'?.*, which"),
    "for ever": ([switch(b"mysql_native_password")] * 20, "malformed"),
    "sha2 for ever": ([switch(b"caching_sha2_password"), *[b"\x01\x03"] * 20], "malformed"),
    "short salt": ([b"\xfemysql_native_password\0abc\0"], "malformed"),
    "more data": ([b"\x01\x04"], "malformed"),
    "short OK": ([b"\0"], "malformed"),
    "nothing": ([b""], "malformed"),
    "short error": ([b"\xff"], "malformed"),
    "error that is no text": ([b"\xff\x15\x04#\xe9\xe9\xe9\xe9\xe9no"], "malformed|no"),
}


@pytest.mark.parametrize("asked", ASK_FOR_THE_PASSWORD)
@pytest.mark.parametrize("method", [b"mysql_native_password", b"mysql_clear_password", b"sha256_password"])
def test_the_password_is_given_to_nobody(new_client, asked, method):
    answers, says = ASK_FOR_THE_PASSWORD[asked]

    def talk(peer):
        peer.write(greeting(method=method))
        peer.read()
        for answer in answers:
            peer.write(answer)
            if answer != b"\x01\x03":
                peer.read()

    with HostileServer(talk) as server:
        assert re.search(says, refused(new_client, server))
        assert not any(PASSWORD.encode() in packet for packet in server.received)
        assert not any(packet in {b"\1", b"\2"} for packet in server.received), "asked for a key"


@pytest.fixture(scope="module")
def tls():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


IN_CLEAR = {
    "clear": [switch(b"mysql_clear_password")],
    "sha256": [switch(b"sha256_password")],
    "caching_sha2": [switch(b"caching_sha2_password"), b"\x01\x04"],
}


@pytest.mark.parametrize("asked", IN_CLEAR)
def test_over_tls_a_password_may_be_asked_for(new_client, tls, asked):
    def talk(peer):
        peer.write(greeting(hostile.CAPABILITIES | hostile.TLS))
        assert len(peer.read()) == 32  # no more than the wish for TLS
        peer.encrypt(tls)
        peer.read()
        for answer in IN_CLEAR[asked]:
            peer.write(answer)
            peer.read()

    with HostileServer(talk) as server:
        refused(new_client, server, ssl_mode="required")  # it hangs up
        assert server.received[-1] == PASSWORD.encode() + b"\0"


@pytest.mark.parametrize("asked", IN_CLEAR)
def test_over_a_local_socket_a_password_may_be_asked_for(side, tmp_path, asked):
    def talk(peer):
        peer.write(greeting())
        peer.read()
        for answer in IN_CLEAR[asked]:
            peer.write(answer)
            peer.read()

    path = str(tmp_path / "socket")
    login = {"unix_socket": path, "user": "root", "password": PASSWORD}
    with HostileServer(talk, path) as server:
        with pytest.raises(OperationalError, match="Lost connection"):
            if side == "sync":
                Connection(**login)
            else:
                asyncio.run(AsyncConnection.opened(**login))
        assert server.received[-1] == PASSWORD.encode() + b"\0"


def test_caching_sha2_without_the_password_in_clear(new_client):
    """The hash is enough for a server that has it in its cache."""

    def talk(peer):
        peer.write(greeting(method=b"caching_sha2_password"))
        peer.read()
        peer.write(b"\x01\x03")
        peer.write(OK)
        peer.read()

    with HostileServer(talk) as server:
        refused(new_client, server)
        assert server.received[-1].startswith(b"\x03SET ")


@pytest.mark.parametrize("password", ["пароль✓🔑", "ÿé", "it's \"\\ x"])
def test_a_password_of_any_characters(new_client, matrixone_url, session_admin, unique, password):
    user = unique("user")
    session_admin.execute(f"CREATE USER {user} IDENTIFIED BY {fragments.literal(password)}")
    try:
        client = new_client(url=matrixone_url, user=user, password=password)
        client.connect()
        assert client.execute("SELECT 1").scalar() == 1
    finally:
        session_admin.execute(f"DROP USER {user}")
    wrong = new_client(url=matrixone_url, password=f"{password}wrong✓")
    with pytest.raises(errors.ConnectionFailed) as caught:
        wrong.connect()
    assert "wrong✓" not in everything(caught.value)


# -- what is no greeting ------------------------------------------------------------------------------------------


def first_packet(payload):
    return lambda peer: (peer.write(payload), peer.read())


WHOLE = greeting()
GREETINGS = {
    "nothing in it": b"",
    "another protocol": b"\x09" + WHOLE[1:],
    "an endless version": b"\x0a" + b"8" * 100,
    "no password can be given": greeting(capabilities=1 << 9),
    "a short salt": WHOLE[:-26],
    "a short error": b"\xff",
    "an error without words": b"\xff\x10\x04",
    **{f"cut at {at}": WHOLE[:at] for at in (1, 5, 25, 27, 30, 38, 42, 50, 60)},
}


@pytest.mark.parametrize("fault", GREETINGS)
def test_what_is_no_greeting(new_client, fault):
    with HostileServer(first_packet(GREETINGS[fault])) as server:
        assert "malformed" in refused(new_client, server) or fault == "an error without words"
        assert server.received == []


@pytest.mark.parametrize(
    "words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"\0\0\0\0\0\0\0\0"]
)
def test_another_kind_of_server(new_client, words):
    with HostileServer(lambda peer: peer.sock.sendall(words)) as server:
        assert "malformed" in refused(new_client, server)


def changed(data, chance):
    """Data with something wrong."""
    at = chance.randrange(len(data))
    match chance.randrange(5):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
        case 2:
            return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        case 3:
            return data[:at] + data[at + chance.randrange(1, 9) :]
        case _:
            return data[:at] + chance.randbytes(len(data) - at)


def test_random_greetings(new_client):
    """Whatever comes, the client says that it cannot connect."""
    chance = random.Random(16)

    def talk(peer):
        peer.sock.settimeout(0.2)
        peer.sock.sendall(changed(packets(greeting(), first=0), chance))
        peer.read()
        peer.sock.sendall(changed(packets(OK, first=2), chance))

    with HostileServer(talk) as server:
        client = new_client(**LOGIN, port=server.port)
        for _ in range(100):
            with pytest.raises(errors.ConnectionFailed):
                client.connect()


NUMBER = (b"\x01", column(b"i", INTEGER), EOF, hostile.text(b"1"), EOF)


@pytest.mark.parametrize("answer", [NUMBER, (*NUMBER[:3], b"\xfb", EOF), (*NUMBER[:3], EOF), (OK,)], ids=range(4))
def test_answers_of_another_kind(new_client, answer):
    """They keep to the protocol: a number for the server's version, NULL, no row, no rows at all."""

    def talk(peer):
        peer.write(greeting())
        peer.read()
        peer.write(OK)
        while True:
            peer.sock.sendall(packets(*(answer if peer.read()[1:7] == b"SELECT" else (OK,))))

    with HostileServer(talk) as server:
        assert "make no sense" in refused(new_client, server)


def test_a_name_that_is_no_hosts(new_client):
    with pytest.raises(errors.ConnectionFailed, match=r"a\.\.b"):
        new_client(host="a..b").connect()


# -- what is no reply ---------------------------------------------------------------------------------------------

REPLIES = {
    "nothing": b"",
    "nothing in it": packets(b""),
    "out of order": packets(*RESULT, first=9),
    "a short OK": packets(b"\0\0"),
    "a cut OK": packets(b"\0\xfd\0\2\0\0\0"),
    "a short error": packets(b"\xff"),
    "no columns after all": packets(b"\x03", EOF),
    "a column cut short": packets(b"\x03", COLUMNS[1][:20], *COLUMNS[2:], EOF),
    "a column without a name": packets(b"\x01", b"\xfb" * 10, EOF, EOF),
    "a name that is no text": packets(b"\x01", hostile.column(b"\xe9\xe9", hostile.TEXT), EOF, EOF),
    "no end of the columns": packets(*COLUMNS[:-1], *ROWS, EOF),
    "a row cut short": packets(*COLUMNS, ROWS[0][:2], EOF),
    "a row cut in a value": packets(*COLUMNS, ROWS[0][:8], EOF),
    "a long length": packets(*COLUMNS, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", EOF),
    "a number that is none": packets(*COLUMNS, hostile.text(b"x") + ROWS[0][2:], EOF),
    "an empty row": packets(*COLUMNS, b"", EOF),
    "a short end": packets(*COLUMNS, *ROWS, b"\xfe"),
    "no end": packets(*COLUMNS, *ROWS),
    "another length": packets(*RESULT)[:-6] + b"\x55\0\0\x09",
    "text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}
BAD = {2013, 2027}


def used_connections(client):
    engine = getattr(client, "wrapped", client).engine
    found = []
    event.listen(
        getattr(engine, "sync_engine", engine), "checkout", lambda _, record, __: found.append(record.driver_connection)
    )
    return found


@pytest.mark.parametrize("fault", REPLIES)
def test_what_is_no_reply(proxied, proxy, fault):
    used = used_connections(proxied)
    proxy.rule = lambda statement, before: REPLIES[fault] if statement == "SELECT 41" else "pass"
    with pytest.raises(exc.OperationalError, match="malformed|Lost connection|not UTF-8") as caught:
        proxied.execute("SELECT 41")
    assert caught.value.orig.args[0] in (BAD if "no text" not in fault else {2000})
    assert not used[0].open
    assert proxied.execute("SELECT 42").scalar() == 42
    with pytest.raises(exc.OperationalError), proxied.stream("SELECT 41") as rows:
        list(rows)
    assert not used[-1].open
    assert proxied.execute("SELECT 42").scalar() == 42


@pytest.mark.parametrize("fault", REPLIES)
def test_what_is_no_reply_to_an_operation_of_ours(proxied, proxy, fault):
    proxy.rule = lambda statement, before: REPLIES[fault] if "mo_stages" in statement else "pass"
    with pytest.raises(errors.ConnectionLost if "no text" not in fault else errors.ServerError):
        proxied.stage.list()
    proxy.rule = lambda statement, before: "pass"
    assert proxied.stage.list() is not None


@pytest.mark.parametrize("fault", ["nothing in it", "a short OK", "a short error", "text", "out of order"])
def test_what_is_no_answer_to_a_commit(proxied, proxy, other, fault):
    other.execute("CREATE TABLE t (i INT)")

    def rule(statement, before):
        return REPLIES[fault] if statement == "COMMIT" and before[-1].startswith("INSERT") else "pass"

    proxy.rule = rule
    with pytest.raises(errors.CommitUnknown):
        proxied.execute("INSERT INTO t VALUES (1)")
    assert proxied.execute("SELECT 42").scalar() == 42


@pytest.mark.parametrize("fault", ["nothing in it", "a short OK", "a short error", "text", "out of order"])
def test_what_is_no_answer_to_a_ping(proxied, proxy, side, monkeypatch, fault):
    used = used_connections(proxied)
    proxied.execute("SELECT 1")
    monkeypatch.setattr(f"matrixone_{side}.connection.IDLE_SECONDS", 0)
    proxy.ping_answer = REPLIES[fault]
    assert proxied.execute("SELECT 42").scalar() == 42
    assert not used[0].open


def test_random_replies(proxied, proxy):
    """Whatever comes, it is a result or one of the errors that SQLAlchemy or this package has."""
    chance = random.Random(16)
    whole = packets(*RESULT)
    proxy.rule = lambda statement, before: changed(whole, chance) if statement == "SELECT 41" else "pass"
    used = used_connections(proxied)
    for at in range(400):
        try:
            if at % 2:
                proxied.execute("SELECT 41")
            else:
                with proxied.stream("SELECT 41") as rows:
                    list(rows)
        except errors.MatrixOneError:
            pass
        except exc.DBAPIError as error:
            if error.orig.args[0] in BAD:
                assert not used[-1].open
    assert proxied.execute("SELECT 42").scalar() == 42
