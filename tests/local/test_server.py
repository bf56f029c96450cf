"""The local server by itself: start and stop, logins, what is refused, what belongs to a transaction."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pymysql
import pytest

import matrixone_local
from matrixone_local import LocalServer

STATE = "internal error: unclassified statement appears in uncommitted transaction"


def serve(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "matrixone_local", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_one_line_and_stops_cleanly(number, tmp_path):
    process = serve("--allow-path", str(tmp_path))
    try:
        line = process.stdout.readline()
        url = re.search(r"mysql://root:111@127\.0\.0\.1:(\d+)", line)
        assert url
        with pymysql.connect(host="127.0.0.1", port=int(url[1]), user="root", password="111") as connection:
            assert connection.open
            process.send_signal(number)
            rest, errors = process.communicate(timeout=30)
        assert (process.returncode, rest, errors) == (0, "", "")
    finally:
        process.kill()
        process.wait()


def test_serve_keeps_its_data_in_a_path_and_shows_no_chosen_password(tmp_path):
    for expected in (0, 1):
        process = serve("--path", str(tmp_path / "data"), "--password", "sesame")
        try:
            line = process.stdout.readline()
            assert "sesame" not in line
            port = int(re.search(r":(\d+)", line)[1])
            with pymysql.connect(host="127.0.0.1", port=port, user="root", password="sesame", autocommit=True) as c:
                cursor = c.cursor()
                cursor.execute("CREATE TABLE IF NOT EXISTS test.stored (i INT)")
                cursor.execute("SELECT count(*) FROM test.stored")
                assert cursor.fetchone() == (expected,)
                cursor.execute("INSERT INTO test.stored VALUES (1)")
                cursor.execute("CREATE STAGE IF NOT EXISTS s URL='file:///tmp/'")
                cursor.execute("SHOW STAGES")
                assert len(cursor.fetchall()) == 1
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert process.returncode == 0
        finally:
            process.kill()
            process.wait()


def test_a_port_that_is_taken_is_reported_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "matrixone_local", "serve", "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    said = f"matrixone_local: cannot listen on 127.0.0.1:{port}: Address already in use; give another port (--port)"
    assert done.stderr == f"{said}, or 0 for any free one\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "99999"], "65535"),
        (["--host", "192.0.2.1", "--password", "sesame"], "cannot listen on 192.0.2.1"),
        (["--path", "/proc/x"], "/proc/x"),
    ],
)
def test_what_cannot_be_served_is_reported_in_a_line(arguments, says):
    process = serve(*arguments)
    _, output = process.communicate(timeout=60)
    assert process.returncode == 1
    assert says in output
    assert output.count("\n") == 1


def test_a_server_in_a_with_block():
    server = LocalServer(password="p@ss:word")
    assert "stopped" in repr(server)
    with server:
        assert "running" in repr(server)
        assert server.url == f"mysql://root:p%40ss%3Aword@127.0.0.1:{server.port}"
        assert (server.host, server.user, server.password) == ("127.0.0.1", "root", "p@ss:word")
        assert server.start() is server
    server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((server.host, server.port))


def test_without_the_engine_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pylibseekdb", None)
    with pytest.raises(matrixone_local.EngineUnavailable, match=r"matrixone\[local\].*docker run"):
        LocalServer().start()


def test_nothing_is_left_behind():
    code = """
import gc, os, tempfile, threading
from matrixone_local import LocalServer
with LocalServer():
    assert os.listdir(tempfile.gettempdir())
gc.collect()
assert threading.active_count() == 1, threading.enumerate()
assert not os.listdir(tempfile.gettempdir())
"""
    with tempfile.TemporaryDirectory() as own:  # a short name: there are sockets in it
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"TMPDIR": own},
        )
    assert (done.returncode, done.stderr) == (0, "")


# -- logging in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["root", "sys:root", "sys#root", "sys:root:moadmin"])
def test_logins(connect, login):
    assert connect(user=login)("SELECT 1") == [(1,)]


def test_the_greeting_tells_the_connection_id(connect):
    sql = connect()
    assert sql("SELECT connection_id()") == [(sql.raw.thread_id(),)]


@pytest.mark.parametrize("arguments", [{"password": "x"}, {"password": ""}, {"user": "nobody"}, {"user": "other:root"}])
def test_a_wrong_login_is_refused_and_nothing_is_executed(connect, arguments):
    with pytest.raises(pymysql.OperationalError) as caught:
        connect(**arguments)
    assert caught.value.args[0] == 1045


def test_garbage_instead_of_a_handshake_hurts_nobody(matrixone_server, sql):
    for garbage in (
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" * 40,
        b"\xff\xff\xff\x00" + b"x" * 100,
        b"\x05\x00\x00\x01abcde",
    ):
        with socket.create_connection((matrixone_server.host, matrixone_server.port)) as raw:
            raw.sendall(garbage)
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(20)
            with contextlib.suppress(ConnectionResetError):
                while raw.recv(4096):
                    pass
    assert sql("SELECT 1") == [(1,)]


# -- transactions -------------------------------------------------------------------------------------------------


def test_stage_and_snapshot_statements_are_refused_inside_a_transaction(sql):
    sql("BEGIN")
    for statement in ("CREATE STAGE s URL='file:///'", "SHOW STAGES", "DROP STAGE s", "SHOW SNAPSHOTS",
                      "CREATE SNAPSHOT s FOR ACCOUNT"):  # fmt: skip
        assert sql.refused(statement) == (20101, STATE)
    sql("ROLLBACK")
    sql("SHOW STAGES")


def test_a_load_is_part_of_the_transaction(sql, connect, matrixone_database_local):
    sql("CREATE TABLE t (a INT)")
    load = "LOAD DATA INLINE FORMAT='csv', DATA='1\\n2\\n' INTO TABLE t"
    sql("BEGIN")
    assert sql(load) == 2
    assert connect(database=matrixone_database_local)("SELECT count(*) FROM t") == [(0,)]
    sql("ROLLBACK")
    assert sql("SELECT count(*) FROM t") == [(0,)]
    assert sql(load) == 2
    assert sql("SELECT count(*) FROM t") == [(2,)]


def test_a_failed_load_leaves_the_transaction_open_and_no_row(sql):
    sql("CREATE TABLE t (a INT)")
    rows = "".join(f"{i}\\n" for i in range(1500))
    sql("BEGIN")
    sql("INSERT INTO t VALUES (7)")
    code, words = sql.refused(f"LOAD DATA INLINE FORMAT='csv', DATA='{rows}x\\n' INTO TABLE t")
    assert (code, words) == (20101, "internal error: the input value 'x' is not int32 type for column 0")
    sql("COMMIT")
    assert sql("SELECT a FROM t") == [(7,)]


def test_created_tables_go_with_a_rollback_or_a_dropped_connection(sql, connect, matrixone_database_local):
    sql("BEGIN")
    sql("CREATE TABLE `odd ``name` (a INT)")
    sql("INSERT INTO `odd ``name` VALUES (1)")
    sql("ROLLBACK")
    assert sql("SHOW TABLES") == []
    other = connect(database=matrixone_database_local)
    other("SET autocommit=0")
    other(f"CREATE TABLE {matrixone_database_local}.t (a INT)")
    other.raw.close()
    for _ in range(100):  # the server hears of it in its own time
        if not sql("SHOW TABLES"):
            break
    assert sql("SHOW TABLES") == []
    sql("BEGIN")
    sql("CREATE TABLE t (a INT)")
    sql("COMMIT")
    sql("ROLLBACK")
    assert sql("SHOW TABLES") == [("t",)]


def test_a_lock_timeout_rolls_everything_back(sql, connect, matrixone_database_local):
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql("BEGIN")
    sql("INSERT INTO t VALUES (1)")
    other = connect(database=matrixone_database_local, autocommit=False)
    other("SET lock_wait_timeout=1")
    other("INSERT INTO t VALUES (2)")
    assert other.refused("INSERT INTO t VALUES (1)")[0] == 1205
    other("INSERT INTO t VALUES (3)")
    other("COMMIT")
    sql("COMMIT")
    assert sql("SELECT a FROM t ORDER BY a") == [(1,), (3,)]


def test_there_are_no_savepoints(sql):
    sql("BEGIN")
    sql("SAVEPOINT a")
    assert sql.refused("ROLLBACK TO a")[0] == 20101
    sql("ROLLBACK")


def test_after_any_set_the_flags_claim_autocommit(connect):
    """Server-facts 41: drivers that go by them lose writes."""
    sql = connect(autocommit=False)
    assert not sql.raw.get_autocommit()
    sql("SET @x = 1")
    assert sql.raw.get_autocommit()
    assert sql("SELECT @@autocommit") == [("0",)]


def test_kill_query_stops_a_load(sql, connect):
    sql("CREATE TABLE t (a INT)")
    other, (identity,) = connect(), sql("SELECT connection_id()")
    rows = "1\\n" * 200_000
    refused = []
    loading = threading.Thread(
        target=lambda: refused.append(sql.refused(f"LOAD DATA INLINE FORMAT='csv', DATA='{rows}' INTO TABLE t"))
    )
    loading.start()
    while loading.is_alive():
        other(f"KILL QUERY {identity[0]}")
    loading.join()
    assert refused[0][0] in {20101, 1105}
    assert "context canceled" in refused[0][1]
    assert sql("SELECT count(*) FROM t") == [(0,)]


# -- files --------------------------------------------------------------------------------------------------------


def test_only_allowed_folders_are_read(tmp_path_factory, connection_to):
    allowed, other = tmp_path_factory.mktemp("allowed"), tmp_path_factory.mktemp("other")
    (other / "secret.csv").write_text("1\n")
    (allowed / "link.csv").symlink_to(other / "secret.csv")
    (allowed / "ok.csv").write_text("1\n")
    with LocalServer(allow_path=[allowed]) as server:
        sql = connection_to(server, database="test")
        sql("CREATE TABLE t (a INT)")
        sql(f"CREATE STAGE s URL='file://{allowed}/'")
        assert sql("LOAD DATA INFILE 'stage://s/ok.csv' INTO TABLE t") == 1
        for path in ("stage://s/link.csv", "stage://s/../other0/secret.csv", f"{other}/secret.csv", "/etc/hostname"):
            code, words = sql.refused(f"LOAD DATA INFILE '{path}' INTO TABLE t")
            assert (code, "--allow-path" in words) == (20101, True)
        assert sql.refused("LOAD DATA INFILE 'stage://s/none.csv' INTO TABLE t")[0] == 20301
        assert sql("SELECT count(*) FROM t") == [(1,)]
        sql.raw.close()


@pytest.mark.parametrize(
    ("statement", "code", "says"),
    [
        ("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", 3948, "disabled"),
        ("LOAD DATA INLINE FORMAT='jsonline', DATA='{}' INTO TABLE t", 20300, "jsondata"),
        ("LOAD DATA INLINE FORMAT='jsonline', DATA='{}', JSONTYPE='tree' INTO TABLE t", 20300, "tree"),
        ("SELECT 1 INTO OUTFILE '/tmp/x' FORMAT 'xml'", 20300, "xml"),
        ("SELECT 1 INTO OUTFILE '/tmp/x' SPLITSIZE 'much'", 20301, "much"),
        ("CREATE TABLE __mo_local.x (a INT)", 20101, "own"),
        ("CREATE TABLE x CLONE t {snapshot='none_such'}", 20101, "none_such"),
        ("RESTORE TABLE t {SNAPSHOT='none_such'}", 1064, "syntax"),
        ("SELECT * FROM t {timestamp='nonsense'}", 20101, "nonsense"),
        ("LOAD DATA INLINE FORMAT='csv', DATA='1\\n' INTO TABLE t (nope)", 1054, "nope"),
        ("LOAD DATA INLINE FORMAT='csv', DATA='1\\n' INTO TABLE nope", 1146, "nope"),
        ("LOAD DATA INFILE 'x' INTO t", 1064, "MatrixOne server version"),
        ("SELEC 1", 1064, "MatrixOne server version"),
        ("CREATE STAGE s URL='file:///'; SELECT 1", 1064, "SQL syntax"),
        ("REVOKE SELECT ON TABLE * FROM x", 20101, "no role x"),
    ],
)
def test_what_it_does_not_do_is_refused_in_words(sql, statement, code, says):
    sql("CREATE TABLE t (a INT)")
    found, words = sql.refused(statement)
    assert (found, says in words) == (code, True)


def test_databases_of_the_engines_own_are_hidden(sql, connect, unique, matrixone_database_local):
    name = unique()
    sql("CREATE TABLE t (a INT)")
    sql("INSERT INTO t VALUES (1)")
    sql(f"CREATE SNAPSHOT {name} FOR DATABASE {matrixone_database_local}")
    sql("DELETE FROM t")
    found = {row[0] for row in sql("SHOW DATABASES")}
    assert matrixone_database_local in found
    assert not {one for one in found if one == "oceanbase" or one.startswith("__")}
    assert sql(f"SHOW DATABASES LIKE '{matrixone_database_local}'") == [(matrixone_database_local,)]
    assert sql(f"SELECT a FROM t {{snapshot='{name}'}}") == [(1,)]
    assert sql(f"SELECT a FROM {matrixone_database_local}.t {{snapshot='{name}'}}") == [(1,)]
    sql(f"DROP SNAPSHOT {name}")
    assert sql.refused(f"SELECT a FROM t {{snapshot='{name}'}}")[0] == 20101


def test_commands_that_tools_send(sql):
    sql("CREATE TABLE t (a INT)")
    raw = sql.raw
    raw._execute_command(0x09, b"")  # COM_STATISTICS: a line of text
    assert raw._read_packet().get_all_data()
    raw._execute_command(0x04, b"t\0")  # COM_FIELD_LIST: columns to the end
    while not raw._read_packet().is_eof_packet():
        pass
    raw.ping()
    assert sql("SELECT 1") == [(1,)]


def test_prepared_statements(sql):
    sql("SET @a = 2")
    sql("PREPARE s FROM 'SELECT ? + 1'")
    assert sql("EXECUTE s USING @a") == [(3,)]


def test_a_large_result_comes_whole(sql):
    [(text,)] = sql("SELECT repeat('x', 20000000)")
    assert len(text) == 20_000_000
    assert text == "x" * len(text)


@pytest.mark.parametrize("name", ["mo_catalog", "`mo_catalog`", "MO_CATALOG"])
def test_the_catalogue_is_for_administrators(connect, sql, unique, name):
    """Server-facts 11, however it is written."""
    user = unique("user")
    sql(f"CREATE USER {user} IDENTIFIED BY 'secret'")
    ordinary = connect(user=user, password="secret")
    assert ordinary.refused(f"SELECT * FROM {name}.mo_stages")[0] == 20101
    sql(f"DROP USER {user}")


def test_a_folder_in_which_the_engine_does_not_start(tmp_path):
    Path(tmp_path, "engine").write_text("not a folder")
    with pytest.raises(matrixone_local.EngineUnavailable, match=r"did not start in .*MiB there, and [\d,]+ are free"):
        LocalServer(path=tmp_path).start()


def test_the_catalogue_lists_databases_tables_and_columns(sql, matrixone_database_local):
    sql("CREATE TABLE t (a INT COMMENT 'first', b VECF32(2))")
    sql("CREATE VIEW v AS SELECT a FROM t")
    where = f"reldatabase = '{matrixone_database_local}'"
    assert sql(f"SELECT relname, relkind FROM mo_catalog.mo_tables WHERE {where} ORDER BY 1") == [
        ("t", "r"),
        ("v", "v"),
    ]
    assert (matrixone_database_local,) in sql("SELECT datname FROM mo_catalog.mo_database")
    where = f"att_database = '{matrixone_database_local}' AND att_relname = 't'"
    columns = sql(f"SELECT attname, att_typ, att_comment FROM mo_catalog.mo_columns WHERE {where} ORDER BY attnum")
    assert columns == [
        ("a", "INT(32)", "first"),
        ("b", "VECF32(2)", ""),
        ("__mo_fake_pk_col", "BIGINT UNSIGNED(0)", ""),
    ]
    assert not [name for (name,) in sql("SELECT datname FROM mo_catalog.mo_database") if name.startswith("__mo")]


@pytest.mark.parametrize("name", ["time_zone", "@@time_zone", "SESSION time_zone", "@@session.time_zone"])
def test_the_servers_own_time_zone_is_utc(connect, name, unique):
    sql, stage = connect(), unique()
    sql("SET @zone = @@time_zone, time_zone = '+08:00'")
    hours = f"SELECT round((unix_timestamp(created_time) - unix_timestamp()) / 3600) FROM mo_catalog.mo_stages WHERE stage_name = '{stage}'"
    sql(f"CREATE STAGE {stage} URL='file:///tmp/'")
    assert sql(hours) == [(-8.0,)]  # server-facts 62
    sql(f"DROP STAGE {stage}")
    sql(f"SET {name} = 'SYSTEM'")
    assert sql("SELECT @@time_zone") == [("+00:00",)]
    sql(f"CREATE STAGE {stage} URL='file:///tmp/'")
    sql("SET time_zone = @zone")
    assert sql(hours) == [(0.0,)]
