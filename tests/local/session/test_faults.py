"""Faults: one client's trouble is reported to it in words, leaves nothing of its transaction, and is nobody else's."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest

from matrixone_local import LocalServer


def query(sql):
    data = b"\x03" + sql.encode()
    return len(data).to_bytes(3, "little") + b"\0" + data


@pytest.fixture
def t(sql):
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    return sql


def test_a_client_that_vanishes_within_a_packet(t, connect, matrixone_database_local):
    for cut in (1, 3, 5, 20):
        other = connect(database=matrixone_database_local)
        other("BEGIN")
        other("INSERT INTO t VALUES (1)")
        other.raw._sock.sendall(query("INSERT INTO t VALUES (2)")[:cut])
        other.raw._sock.shutdown(socket.SHUT_RDWR)
        other.raw._force_close()
    t("SET lock_wait_timeout = 20")
    assert t("INSERT INTO t VALUES (1)") == 1  # once the others' transactions are rolled back
    assert t("SELECT a FROM t") == [(1,)]


def test_a_packet_with_a_wrong_its_length(t, connect, matrixone_database_local):
    liar = connect(database=matrixone_database_local)
    liar("BEGIN")
    liar("INSERT INTO t VALUES (1)")
    liar.raw._sock.sendall(b"\xff\xff\xff\0" + query("COMMIT"))  # 16 MiB are said to come
    assert t("SELECT a FROM t") == []
    liar.raw._force_close()
    liar = connect(database=matrixone_database_local)
    liar.raw._sock.sendall(b"\x02\0\0\0" + query("SELECT 1"))  # the next packets are nonsense
    liar.raw._sock.settimeout(10)
    with contextlib.suppress(OSError):
        while liar.raw._sock.recv(1000):
            pass
        liar.raw._force_close()
    assert t("INSERT INTO t VALUES (1)") == 1


@pytest.mark.parametrize(
    "packet",
    [b"", b"\0", b"\xaa", b"\x16", b"\x16SELECT", b"\x17", b"\x17\1\0\0\0", b"\x19", b"\x02", b"\x02none", b"\x03", b"\x04x",
     b"\x03\xff\xfe", b"\x1b\0\0", b"\x1c\1\0\0\0\1\0\0\0", b"\x11root"],
)  # fmt: skip
def test_nonsense_as_a_command(t, connect, packet):
    odd = connect()
    odd.raw._sock.settimeout(2)
    odd.raw._sock.sendall(len(packet).to_bytes(3, "little") + b"\0" + packet)
    with contextlib.suppress(OSError):
        odd.raw._sock.recv(1000)
    assert t("SELECT 1") == [(1,)]


def test_500_connections_at_once(connect, connection_to, matrixone_server, t):
    ready = threading.Barrier(100)

    def one(number):
        if number < 100:
            ready.wait()
        connection = connection_to(matrixone_server)
        [(identity,)] = connection("SELECT connection_id()")
        return connection, identity

    with ThreadPoolExecutor(100) as pool:
        made = list(pool.map(one, range(500)))
    assert len({identity for _, identity in made}) == 500
    assert t("SELECT 1") == [(1,)]
    for connection, _ in made:
        connection.raw.close()


FULL = """
import resource, signal, sys
from matrixone_local import LocalServer
with LocalServer(allow_path=[sys.argv[1]]) as server:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # of this process; the engine is another
    print(server.port, flush=True)
    sys.stdin.read()
"""


def test_no_room_for_a_file(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", FULL, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        login = {"host": "127.0.0.1", "port": int(process.stdout.readline()), "user": "root", "password": "111"}
        with pymysql.connect(**login, autocommit=True, local_infile=True) as connection, connection.cursor() as cursor:
            with pytest.raises(pymysql.MySQLError, match="[Tt]oo large"):
                cursor.execute(f"SELECT repeat('x', 3000000) INTO OUTFILE '{tmp_path}/large.csv'")
            assert list(tmp_path.iterdir()) == []
            cursor.execute("CREATE TABLE test.t (a TEXT)")
            path = tmp_path / "large.txt"
            path.write_text("x\n" * 2_000_000)
            with pytest.raises(pymysql.MySQLError, match="[Tt]oo large"):
                cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE test.t")
            cursor.execute("SELECT count(*) FROM test.t")
            assert cursor.fetchone() == (0,)
    finally:
        process.communicate(timeout=30)


def test_no_room_for_the_data(tmp_path):
    """The engine lets a load wait for ever where its file cannot grow."""
    path = tmp_path / "noise.csv"
    path.write_text("".join(f"{number},{os.urandom(200).hex()}\n" for number in range(200_000)))
    with LocalServer(allow_path=[tmp_path]) as server:
        assert server._running
        with server._running._engine.session() as cursor:
            cursor.execute("ALTER SYSTEM SET datafile_maxsize = '64M'")
        login = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
        with pymysql.connect(**login, autocommit=True) as loader, loader.cursor() as cursor:
            cursor.execute("CREATE TABLE test.t (id INT, x VARCHAR(500))")
            with pytest.raises(pymysql.MySQLError, match="no space left on device"):
                for _ in range(3):
                    cursor.execute(f"LOAD DATA INFILE '{path}' INTO TABLE test.t FIELDS TERMINATED BY ','")
            cursor.execute("SELECT count(*) % 200000 FROM test.t")
            assert cursor.fetchone() == (0,)
            with pymysql.connect(**login, autocommit=True) as other, other.cursor() as another:
                another.execute("CREATE TABLE test.other (id INT)")
                another.execute("INSERT INTO test.other VALUES (1)")
                another.execute("SELECT * FROM test.other")
                assert another.fetchone() == (1,)


def test_a_file_that_changes_while_it_is_read(t, files):
    """A pipe in the file's place would be read as it comes; a file that grows or shrinks is no longer what was asked."""
    path = Path(files.folder, "changing.csv")
    path.write_text("".join(f"{number}\n" for number in range(400_000)))
    stop = threading.Event()

    def change():
        while not stop.is_set():
            with path.open("a") as file:
                file.write("x")
            path.touch()

    changing = threading.Thread(target=change)
    changing.start()
    try:
        code, words = t.refused(f"LOAD DATA INFILE '{path}' INTO TABLE t")
    finally:
        stop.set()
        changing.join()
    assert code == 20101
    assert "changed while it was read" in words or "is not int32" in words
    assert t("SELECT count(*) FROM t") == [(0,)]


class Endpoint:
    """An S3 endpoint that answers every request with the same bytes, and may hang then."""

    def __init__(self, answer, *, hangs):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked = threading.Event()
        self._answer, self._hangs = answer, hangs
        self._open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client):
        with contextlib.suppress(OSError):
            client.recv(65536)
            client.sendall(self._answer)
            self.asked.set()
            if not self._hangs:
                client.close()

    def close(self):
        for one in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


HEAD = (
    b'HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\nETag: "x"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n'
)
BODY = HEAD + b"".join(b"%d\n" % number for number in range(300_000))


@pytest.fixture
def endpoint(request):
    made = []

    def start(answer, *, hangs):
        made.append(Endpoint(answer, hangs=hangs))
        return made[-1]

    yield start
    for one in made:
        one.close()


def s3option(url):
    source = {"endpoint": url, "access_key_id": "k", "secret_access_key": "sesame", "bucket": "bucket", "region": "r"}
    options = ",".join(f"'{name}'='{value}'" for name, value in source.items())
    return f"LOAD DATA URL s3option {{{options},'filepath'='x.csv','provider'='minio'}} INTO TABLE t"


def test_an_s3_endpoint_that_is_down(t, endpoint):
    down = endpoint(b"", hangs=False)
    down.close()
    code, words = t.refused(s3option(down.url))
    assert (code, "sesame" in words) == (20101, False)


def test_an_s3_endpoint_that_cuts_the_body(t, endpoint):
    code, words = t.refused(s3option(endpoint(BODY, hangs=False).url))
    assert (code, "sesame" in words) == (20101, False)
    assert t("SELECT count(*) FROM t") == [(0,)]


def test_an_s3_endpoint_that_talks_nonsense(t, endpoint):
    code, words = t.refused(s3option(endpoint(b"220 hello\r\n", hangs=False).url))
    assert (code, "sesame" in words) == (20101, False)


def test_an_s3_endpoint_that_hangs_in_the_body_is_left_by_a_kill(t, connect, endpoint):
    """Server-facts 16."""
    hanging = endpoint(BODY, hangs=True)
    [(identity,)] = t("SELECT connection_id()")
    caught = []
    loading = threading.Thread(target=lambda: caught.append(t.refused(s3option(hanging.url))))
    loading.start()
    hanging.asked.wait(20)
    killer = connect()
    while loading.is_alive():
        killer(f"KILL QUERY {identity}")
        loading.join(0.1)
    assert "context canceled" in caught[0][1]
    assert t("SELECT count(*) FROM t") == [(0,)]


def test_kill_9_keeps_what_was_committed_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "matrixone_local", "serve", "--port", "0", "--path", str(tmp_path / "data")]
    login = {"host": "127.0.0.1", "user": "root", "password": "111", "autocommit": True}

    @contextlib.contextmanager
    def started():
        """A server, killed at the end of the block however far the test came."""
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                yield int(re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[1])
            finally:
                process.kill()

    with started() as port:
        keeper, loser = (pymysql.connect(port=port, **login) for _ in range(2))
        with keeper.cursor() as survivor_cursor, loser.cursor() as lost:
            survivor_cursor.execute("CREATE TABLE test.t (a INT PRIMARY KEY)")
            survivor_cursor.execute("INSERT INTO test.t VALUES (1)")
            survivor_cursor.execute("CREATE TABLE test.again (a INT)")
            survivor_cursor.execute("INSERT INTO test.again VALUES (4)")
            survivor_cursor.execute("CREATE TABLE test.altered (a INT PRIMARY KEY)")
            survivor_cursor.execute("INSERT INTO test.altered VALUES (5)")
            survivor_cursor.execute("CREATE STAGE s URL='file:///tmp/'")
            survivor_cursor.execute("CREATE SNAPSHOT n FOR DATABASE test")
            lost.execute("BEGIN")
            lost.execute("INSERT INTO test.t VALUES (2)")
            lost.execute("CREATE TABLE test.u (a INT)")
            lost.execute("DROP TABLE test.again")
            lost.execute("CREATE TABLE test.again (b INT)")
            lost.execute("INSERT INTO test.altered VALUES (6)")
            lost.execute("ALTER TABLE test.altered ADD b INT")
            lost.execute("INSERT INTO test.altered VALUES (7, 7)")
            for definition in ("t (a INT)", "w (a NO_SUCH_TYPE)"):  # one is there and has to stay, one comes later
                with pytest.raises(pymysql.MySQLError):
                    lost.execute(f"CREATE TABLE test.{definition}")
            survivor_cursor.execute("BEGIN")
            survivor_cursor.execute("CREATE TABLE test.w (a INT)")
            survivor_cursor.execute("INSERT INTO test.w VALUES (3)")
            survivor_cursor.execute("COMMIT")
    for one in (keeper, loser):
        one._force_close()
    with started() as port, pymysql.connect(port=port, **login) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT a FROM test.t")
        assert cursor.fetchall() == ((1,),)
        cursor.execute("SELECT a FROM test.t {snapshot='n'}")
        assert cursor.fetchall() == ((1,),)
        cursor.execute("SHOW STAGES")
        assert [row[0] for row in cursor.fetchall()] == ["s"]
        cursor.execute("SHOW TABLES FROM test")
        assert cursor.fetchall() == (("again",), ("altered",), ("t",), ("w",))
        for table, row in (("w", 3), ("again", 4), ("altered", 5)):
            cursor.execute(f"SELECT a FROM test.{table}")
            assert cursor.fetchall() == ((row,),)
