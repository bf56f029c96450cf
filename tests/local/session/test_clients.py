"""Real clients on the local server: server-side prepared statements, several statements at once, large results."""

import datetime
import resource
import shutil
import subprocess
import threading
from decimal import Decimal

import mysql.connector
import pymysql
import pytest
from pymysql.constants import CLIENT


@pytest.fixture
def connector(matrixone_server, matrixone_database_local):
    """MySQL's own driver, which prepares statements on the server."""
    connection = mysql.connector.connect(
        host=matrixone_server.host,
        port=matrixone_server.port,
        user=matrixone_server.user,
        password=matrixone_server.password,
        database=matrixone_database_local,
        autocommit=True,
        use_pure=True,
    )
    yield connection
    connection.close()


ROW = (1, Decimal("-12345.67"), "it's ü", b"\x00\xff", 2.5, datetime.datetime(2024, 1, 2, 3, 4, 5), None)


def test_prepared_statements_of_a_driver(connector):
    cursor = connector.cursor(prepared=True)
    cursor.execute(
        "CREATE TABLE t (a INT PRIMARY KEY, b DECIMAL(10,2), c VARCHAR(20), d BLOB, e DOUBLE, f DATETIME, g INT)"
    )
    insert = "INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s, %s)"
    cursor.execute(insert, ROW)
    cursor.execute(insert, (2, Decimal("0.5"), *ROW[2:]))
    cursor.execute("SELECT * FROM t WHERE b < %s ORDER BY a", (Decimal("0.01"),))
    [found] = cursor.fetchall()
    assert [bytes(v) if isinstance(v, bytearray) else v for v in found] == [*ROW[:2], ROW[2].encode(), *ROW[3:]]
    plain = connector.cursor()
    plain.execute("SELECT a, b, c, d FROM t WHERE a = 1")
    assert plain.fetchall() == [ROW[:4]]
    cursor.execute("SELECT upper(%s), b FROM t WHERE a = %s", ("x", 2))
    assert cursor.fetchall() == [(b"X", Decimal("0.50"))]
    assert cursor.column_names[1] == "b"
    with pytest.raises(mysql.connector.Error) as caught:
        cursor.execute(insert, ROW)
    assert caught.value.errno == 1062


def test_an_update_counts_the_rows_that_it_finds(connector):
    """Also those that it leaves as they are, whether the client asks for them or not; an INSERT those that it changes."""
    cursor = connector.cursor(prepared=True)
    cursor.execute("CREATE TABLE t (a INT PRIMARY KEY, b INT)")
    cursor.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
    for prepared in (True, False):
        cursor = connector.cursor(prepared=prepared)
        cursor.execute("UPDATE t SET b = %s WHERE a < %s", (1, 3))
        assert cursor.rowcount == 2
        cursor.execute("INSERT INTO t VALUES (%s, 1) ON DUPLICATE KEY UPDATE b = 1", (1,))
        assert cursor.rowcount == 0


CURSOR_READ_ONLY = 1  # the flag of a statement whose rows are fetched some at a time


def test_rows_are_fetched_by_a_cursor_on_the_server(connector):
    """As Java's drivers do with a fetch size."""
    number = connector.cmd_stmt_prepare(b"SELECT result FROM generate_series(1, 5) s ORDER BY 1")["statement_id"]
    _, columns, _ = connector.cmd_stmt_execute(number, flags=CURSOR_READ_ONLY)
    batches = []
    for _ in range(3):
        connector.cmd_stmt_fetch(number, 2)
        rows, _ = connector.get_rows(binary=True, columns=columns)
        batches.append([number for (number,) in rows])
    assert batches == [[1, 2], [3, 4], [5]]


def test_what_cannot_be_prepared_says_so(connector):
    cursor = connector.cursor(prepared=True)
    with pytest.raises(mysql.connector.Error) as caught:
        cursor.execute("SHOW STAGES")
    assert (caught.value.errno, "as text" in caught.value.msg) == (1295, True)
    cursor.execute("SELECT 1")
    assert cursor.fetchall() == [(1,)]


@pytest.fixture
def several(connect, matrixone_database_local):
    return connect(database=matrixone_database_local, client_flag=CLIENT.MULTI_STATEMENTS)


def results(connection, text):
    with connection.raw.cursor() as cursor:
        cursor.execute(text)
        found = [cursor.fetchall() if cursor.description else cursor.rowcount]
        while cursor.nextset():
            found.append(cursor.fetchall() if cursor.description else cursor.rowcount)
    return found


def test_several_statements_at_once(several, unique):
    name = unique()
    text = f"""
        CREATE TABLE t (a INT, b VARCHAR(10));
        INSERT INTO t VALUES (1, 'a;b'), (2, ';'); -- ; a remark
        CREATE STAGE {name} URL='file:///tmp/';
        SELECT a FROM t ORDER BY a; SET @x = 2; SELECT b FROM t WHERE a = @x; SHOW STAGES LIKE '{name}';
        DROP STAGE {name};
    """
    found = results(several, text)
    assert found == [0, 2, 0, ((1,), (2,)), 0, ((";",),), ((name, "file:///tmp/", "in_use", ""),), 0]
    assert several("SELECT count(*) FROM t") == [(2,)]


def test_the_first_error_ends_several_statements(several):
    several("CREATE TABLE t (a INT PRIMARY KEY)")
    with several.raw.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
        with pytest.raises(pymysql.IntegrityError):
            cursor.nextset()
    assert several("SELECT a FROM t") == [(1,)]


def test_a_refused_cast_among_several_statements(several):
    with several.raw.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT CAST('x' AS SIGNED); SELECT 2")
        with pytest.raises(pymysql.MySQLError) as caught:
            cursor.nextset()
    assert caught.value.args[0] == 20203
    assert several("SELECT 3") == [(3,)]


def test_many_rows_are_streamed_in_constant_memory(connect, sql, matrixone_database_local):
    """200,000 rows of 100 bytes; the server runs in this process."""
    sql("CREATE TABLE t (a INT, b CHAR(100))")
    for start in range(0, 200_000, 10_000):
        sql("INSERT INTO t VALUES " + ",".join(f"({start + n}, '{'x' * 100}')" for n in range(10_000)))
    with connect(database=matrixone_database_local).raw.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute("SELECT * FROM t LIMIT 1000")
        assert len(list(cursor)) == 1000
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cursor.execute("SELECT * FROM t")
        assert sum(1 for _ in cursor) == 200_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024  # KiB; the rows are 20 MB


def test_a_row_of_more_than_one_packet(sql):
    sql("CREATE TABLE t (a INT, b LONGBLOB)")
    data = bytes(range(256)) * (20 << 12)  # 20 MiB
    sql("INSERT INTO t VALUES (1, %s), (2, 'x')", data)
    assert sql("SELECT length(b) FROM t WHERE a = 1") == [(len(data),)]
    [(_, first), second] = sql("SELECT * FROM t ORDER BY a")
    assert (first == data, second) == (True, (2, b"x"))


def test_kill_ends_what_it_names_and_nothing_else(sql, connect):
    sleeper, bystander = connect(), connect()
    (identity,) = sleeper("SELECT connection_id()")[0]
    caught = []
    sleeping = threading.Thread(target=lambda: caught.append(sleeper.refused("SELECT sleep(60)")))
    sleeping.start()
    while sleeping.is_alive():
        sql(f"KILL QUERY {identity}")
        sleeping.join(0.05)
    assert "context canceled" in caught[0][1]
    assert sleeper("SELECT 1") == [(1,)]
    sql(f"KILL {identity}")
    assert sleeper.refused("SELECT 1")[0] in {2006, 2013}
    assert bystander("SELECT 1") == [(1,)]


@pytest.mark.parametrize("program", ["mariadb", "mysql"])
def test_the_command_line_of_debian(matrixone_server, matrixone_database_local, files, program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install mariadb-client")
    files.put("rows.csv", "1,ä\n2,b\n")
    login = [f"--host={matrixone_server.host}", f"--port={matrixone_server.port}", f"--user={matrixone_server.user}"]
    login += [f"--password={matrixone_server.password}", "--default-character-set=utf8mb4", "--skip-ssl"]
    script = f"""
        CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(10));
        LOAD DATA LOCAL INFILE '{files.folder}rows.csv' INTO TABLE t FIELDS TERMINATED BY ',';
        SELECT * FROM t ORDER BY id;
        SELECT nope FROM t;
    """
    command = [program, *login, "--local-infile=1", "--batch", matrixone_database_local]
    done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "id\tname\n1\tä\n2\tb\n"
    assert "ERROR 20301 (HY000) at line 5" in done.stderr
    wrong = [one if not one.startswith("--password") else "--password=wrong" for one in command]
    done = subprocess.run(wrong, input="DROP TABLE t", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Access denied" in done.stderr) == (1, True)
