"""What somebody tries who wants files of the machine, by whatever statement and protocol."""

import pymysql
import pytest
from attacks import SECRET, Place, tried
from pymysql.constants import CLIENT

from matrixone_local import LocalServer
from matrixone_local.sql.tokens import Statement
from matrixone_local.translation.allowlist import folded

# What asks the engine itself for a file, if it gets there.
LOAD = "LOAD DATA INFILE 'SECRET' INTO TABLE t"
OUT, DUMP = "SELECT 1 INTO OUTFILE 'NEW'", "SELECT 1 INTO DUMPFILE 'NEW'"
PLAIN = [
    LOAD,
    OUT,
    DUMP,
    LOAD.replace("DATA", "XML"),
    LOAD.replace("INFILE", "LOCAL INFILE"),
    "LOAD DATA LOW_PRIORITY INFILE 'SECRET' IGNORE INTO TABLE t",
    "load/**/data infile 'SECRET' into table t",
    f"/* x */ {LOAD}",
    f"/*! {LOAD} */",
    f"/*!50000 {LOAD} */",
    f"/*!99999{LOAD}*/",
    "/*!LOAD*/ /*!DATA*/ INFILE 'SECRET' INTO TABLE t",
    f"/*+ x */ {LOAD}",
    "SELECT 1 /*! INTO OUTFILE 'NEW' */",
    "SELECT 1 /*!50000 INTO DUMPFILE 'NEW' */",
    "SELECT 1 INTO/**/OUTFILE/**/'NEW'",
    "SELECT 1 INTO /* x */ DUMPFILE 'NEW'",
    'SELECT 1 INTO OUTFILE "NEW"',
    "SELECT 1 INTO OUTFILE x'2F746D702F78'",
    "SELECT 1 INTO OUTFILE _utf8mb4'NEW'",
    "SELECT 1 INTO OUTFILE @path",
    "SELECT 1 # x\r INTO OUTFILE 'NEW'",
    "SELECT 1 -- x\r INTO OUTFILE 'NEW'",
    "SELECT 1 # x\r INTO DUMPFILE 'NEW'",
    "SELECT 1 --\r INTO OUTFILE 'NEW'",
    "SELECT 1 --\x0b INTO OUTFILE 'NEW'",
    "SELECT 1 /* /* */ INTO OUTFILE 'NEW' -- */",
    "SELECT 1 /*/ */ INTO OUTFILE 'NEW' /*/ */",
    "SELECT 1 /*!*/INTO OUTFILE 'NEW'",
    "SELECT 1 /*! '*/' INTO OUTFILE 'NEW' */",
    "SELECT 1\0 INTO OUTFILE 'NEW'",
    "SELECT 1\u00a0INTO\u00a0OUTFILE 'NEW'",
    "SELECT 1INTO OUTFILE 'NEW'",
    "SELECT 1.INTO OUTFILE'NEW'",
    "SELECT 'a\\' INTO OUTFILE \"NEW\" -- '",
    "SELECT \"a\\\" INTO OUTFILE 'NEW' -- \"",
    "SELECT `a\\` INTO OUTFILE 'NEW' FROM (SELECT 1 AS `a\\`) x -- `",
    "SELECT a INTO OUTFILE 'NEW' FROM t",
    "(SELECT 1) INTO OUTFILE 'NEW'",
    "(SELECT 1 INTO OUTFILE 'NEW')",
    "SELECT 1 UNION SELECT 2 INTO OUTFILE 'NEW'",
    "WITH w AS (SELECT 1) SELECT * FROM w INTO OUTFILE 'NEW'",
    "VALUES ROW(1) INTO OUTFILE 'NEW'",
    "SELECT 1 INTO OUTFILE 'NEW' INTO OUTFILE 'NEW'",
    "SELECT 1 INTO OUTFILE 'stage://inside/x' INTO OUTFILE 'NEW'",
    "SELECT 1 INTO OUTFILE 'stage://inside/x' INTO DUMPFILE 'NEW'",
    "EXPLAIN SELECT 1 INTO OUTFILE 'NEW'",
    "EXPLAIN ANALYZE SELECT 1 INTO OUTFILE 'NEW'",
    f"EXPLAIN {LOAD}",
    "EXPLAIN ANALYZE LOAD DATA INFILE 'SECRET' INTO TABLE t",
    "INSERT INTO t SELECT 1 INTO OUTFILE 'NEW'",
    "REPLACE INTO t SELECT 1 INTO DUMPFILE 'NEW'",
    "CREATE TABLE x1 AS SELECT 1 INTO OUTFILE 'NEW'",
    "CREATE VIEW v1 AS SELECT 1 INTO OUTFILE 'NEW'",
    "CREATE OR REPLACE VIEW v1 AS SELECT 1 INTO OUTFILE 'NEW'",
    "CREATE PROCEDURE p1() SELECT 1 INTO OUTFILE 'NEW'",
    f"CREATE PROCEDURE p1() {LOAD}",
    f"CREATE PROCEDURE p1() BEGIN {LOAD}; END",
    "CREATE OR REPLACE PROCEDURE p1() SELECT 1 INTO DUMPFILE 'NEW'",
    "CREATE DEFINER=root PROCEDURE p1() SELECT 1 INTO OUTFILE 'NEW'",
    "CREATE FUNCTION f1() RETURNS INT BEGIN SELECT 1 INTO OUTFILE 'NEW'; RETURN 1; END",
    "CREATE EVENT e1 ON SCHEDULE EVERY 1 SECOND DO SELECT 1 INTO OUTFILE 'NEW'",
    "CREATE TRIGGER r1 BEFORE INSERT ON t FOR EACH ROW SELECT 1 INTO OUTFILE 'NEW'",
    "CALL dbms_scheduler.create_job('a', 'PLSQL_BLOCK', 'SELECT 1 INTO OUTFILE ''NEW''')",
    "CALL dbms_stats.gather_schema_stats('test')",
    "DO (SELECT 1 INTO OUTFILE 'NEW')",
    "SELECT LOAD_FILE('SECRET')",
    "SELECT load_file(CAST('file://SECRET' AS datalink))",
    "SELECT * FROM FILES(LOCATION = 'OTHER')",
    "CREATE EXTERNAL TABLE x2 (a TEXT) LOCATION = 'SECRET' FORMAT = (TYPE = 'CSV')",
    "CREATE TABLE x2 (a TEXT) ENGINE=CSV DATA DIRECTORY='OTHER'",
    "ALTER SYSTEM SET plugins_load = 'SECRET'",
    "INSTALL PLUGIN x SONAME 'SECRET'",
    "BACKUP DATABASE TO 'file://NEW'",
    "PREPARE p FROM 'SELECT 1 INTO OUTFILE ''NEW'''; EXECUTE p",
    "PREPARE p FROM 'SELECT 1 INTO DUMPFILE ''NEW'''; EXECUTE p",
    "PREPARE p FROM 'LOAD DATA INFILE ''SECRET'' INTO TABLE t'; EXECUTE p",
    "PREPARE p FROM \"/*! LOAD DATA INFILE 'SECRET' INTO TABLE t */\"; EXECUTE p",
    "PREPARE p FROM \"SELECT 1 # x\\r INTO OUTFILE 'NEW'\"; EXECUTE p",
    "SET @x = \"SELECT 1 INTO OUTFILE 'NEW'\"; PREPARE p FROM @x; EXECUTE p",
    "SET @x = CONCAT('SELECT 1 INTO ', \"OUTFILE 'NEW'\"); PREPARE p FROM @x; EXECUTE p",
    "SET @x = \"LOAD DATA INFILE 'SECRET' INTO TABLE t\"; PREPARE p FROM @x; EXECUTE p",
    "SET @x = \"PREPARE q FROM 'SELECT 1 INTO OUTFILE ''NEW'''\"; PREPARE p FROM @x; EXECUTE p; EXECUTE q",
    "PREPARE p FROM 'SELECT 1; SELECT 1 INTO OUTFILE ''NEW'''; EXECUTE p",
    "PREPARE p FROM 'CALL x()'; EXECUTE p",
    "PREPARE p FROM 'SET GLOBAL secure_file_priv = ''/'''; EXECUTE p; SELECT 1 INTO OUTFILE 'NEW'",
    "SELECT 1; SELECT 1 INTO OUTFILE 'NEW'",
    "EXECUTE IMMEDIATE 'SELECT 1 INTO OUTFILE ''NEW'''",
    # the engine's own guards
    "SET GLOBAL secure_file_priv = '/'",
    "SET @@global.secure_file_priv = '/'",
    "SET autocommit = 1, GLOBAL secure_file_priv = '/'",
    "SET PERSIST secure_file_priv = '/'",
    "SET @@GLOBAL . secure_file_priv = '/'",
    "SET /* x */ GLOBAL `secure_file_priv` := '/'",
    "GRANT FILE ON *.* TO root",
    "UPDATE oceanbase.__all_user SET priv_file = 1",
    "UPDATE `OCEANBASE`.__all_user SET priv_file = 1",
    "UPDATE ócéanbase.__all_user SET priv_file = 1",
    "UPDATE oceanbaße.__all_user SET priv_file = 1",
    "UPDATE /*! ócéanbase */ . __all_user SET priv_file = 1",
    "INSERT INTO oceanbase.__all_user_history SELECT * FROM oceanbase.__all_user",
    "DELETE FROM oceanbaſe.__all_user",
    "USE oceanbase",
    "USE ócéanbase",
    "PREPARE p FROM 'UPDATE oceanbase.__all_user SET priv_file = 1'; EXECUTE p",
    "CREATE VIEW v2 AS SELECT * FROM oceanbase.__all_user",
    "GRANT UPDATE ON TABLE oceanbase.* TO everything",
    "GRANT ALL ON DATABASE oceanbase TO everything",
    "CREATE USER __mo_administrator IDENTIFIED BY 'x'",
    "DROP TABLE __mo_lócal.uncommitted",
    "SHUTDOWN",
    # how statements are read
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\\' INTO OUTFILE \"NEW\" -- '",
    "SET @@session.sql_mode = CONCAT('NO_BACKSLASH', '_ESCAPES'); SELECT '\\' INTO OUTFILE \"NEW\" -- '",
    "SET `sql_mode` := 'ANSI'; SELECT 1 AS \"x\"",
    "SET @m = 'ANSI_QUOTES'; SET SESSION sql_mode = @m",
    "SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "PREPARE p FROM 'SET sql_mode = ''NO_BACKSLASH_ESCAPES'''; EXECUTE p; SELECT '\\' INTO OUTFILE \"NEW\" -- '",
    "SELECT /*+ SET_VAR(sql_mode='NO_BACKSLASH_ESCAPES') */ '\\' INTO OUTFILE \"NEW\" -- '",
    "SET character_set_client = gbk; SELECT '\u8a02' INTO OUTFILE 'NEW'",
    # what the relay does itself
    "LOAD DATA INFILE 'ALLOWED/link.csv' INTO TABLE t",
    "LOAD DATA INFILE 'ALLOWED/linked/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'ALLOWED/../OTHERNAME/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'file://SECRET' INTO TABLE t",
    "LOAD DATA INFILE {'filepath'='SECRET','format'='csv'} INTO TABLE t",
    "LOAD DATA INFILE 'stage://inside/link.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://inside/linked/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://inside/../OTHERNAME/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://inside/%2e%2e/OTHERNAME/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://outside/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://up/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://within/secret.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://deeper/inner.csv' INTO TABLE t",
    "LOAD DATA INFILE 'stage://back/OTHERNAME/secret.csv' INTO TABLE t",
    "SELECT * FROM stage_list('stage://outside/') f",
    "SELECT * FROM stage_list('stage://inside/linked/*') f",
    "SELECT * FROM stage_list('stage://inside/*/secret.csv') f",
    "SELECT * FROM stage_list('stage://within/') f",
    "SELECT load_file(CAST('stage://outside/secret.csv' AS datalink))",
    "SELECT load_file(CAST('stage://inside/link.csv' AS datalink))",
    "SELECT load_file(CAST(CONCAT('stage://with', 'in/secret.csv') AS datalink))",
    "SELECT save_file(CAST('stage://outside/new.csv' AS datalink), 'x')",
    "SELECT save_file(CAST('stage://inside/dangling.csv' AS datalink), 'x')",
    "SELECT save_file(CAST('stage://within/new.csv' AS datalink), 'x')",
    "SELECT 1 INTO OUTFILE 'stage://outside/new.csv'",
    "SELECT 1 INTO OUTFILE 'stage://within/folder/new.csv'",
    "SELECT 1 INTO OUTFILE 'stage://inside/dangling.csv'",
    "SELECT 1 INTO OUTFILE 'file://NEW'",
    "REMOVE FILES FROM STAGE 'stage://outside/secret.csv'",
    "REMOVE FILES FROM STAGE 'stage://within/folder/inner.csv'",
    "REMOVE FILES FROM STAGE 'stage://inside/linked/*.csv'",
    "CREATE EXTERNAL TABLE x3 (a TEXT) INFILE 'SECRET'; SELECT * FROM x3",
    "CREATE EXTERNAL TABLE x4 (a TEXT) INFILE 'stage://within/*.csv'; SELECT * FROM x4",
    "CREATE EXTERNAL TABLE x5 (a TEXT) INFILE 'ALLOWED/*/secret.csv'; SELECT * FROM x5",
    "CREATE VIEW v3 AS SELECT load_file(CAST('stage://outside/secret.csv' AS datalink)) AS a; SELECT * FROM v3",
]  # fmt: skip


@pytest.mark.parametrize("user", ["root", "someone"])
@pytest.mark.parametrize("attack", PLAIN)
def test_no_statement_reads_or_writes_a_file(place, attack, user):
    sql = place.fill(attack).replace("OTHERNAME", place.other.name).replace("OTHER", str(place.other))
    password = {} if user == "root" else {"user": user, "password": "sesame"}
    with place.untouched(), place.connect(client_flag=CLIENT.MULTI_STATEMENTS, **password) as connection:
        rows, _ = tried(connection, sql)
    assert SECRET not in str(rows)


@pytest.mark.parametrize("attack", [one for one in PLAIN if "; " not in one])
def test_no_prepared_statement_reads_or_writes_a_file(place, attack):
    sql = place.fill(attack).replace("OTHERNAME", place.other.name).replace("OTHER", str(place.other))
    with place.untouched(), place.connect() as connection:
        for command, rest in ((0x16, sql.encode()), (0x17, (1).to_bytes(4, "little") + b"\0\1\0\0\0")):
            connection._execute_command(command, rest)  # STMT_PREPARE, STMT_EXECUTE
            data = answered(connection)
            assert SECRET.encode() not in data
            if data[:1] == b"\xff":
                break


def answered(connection):
    """The payloads of a reply, however it ends."""
    connection._sock.settimeout(10)
    data = read_packet(connection)
    if data[:1] == b"\0" and len(data) == 12:  # prepared: parameters and columns follow
        columns, parameters = int.from_bytes(data[5:7], "little"), int.from_bytes(data[7:9], "little")
        for count in filter(None, (parameters, columns)):
            for _ in range(count + 1):
                data += read_packet(connection)
    elif data[:1] not in {b"\0", b"\xff"}:
        ends = 0
        while ends < 2:
            packet = read_packet(connection)
            ends += packet[:1] == b"\xfe" and len(packet) < 9
            data += packet
            if packet[:1] == b"\xff":
                break
    return data


def read_packet(connection):
    head = connection._read_bytes(4)
    connection._next_seq_id = (head[3] + 1) % 256
    return connection._read_bytes(int.from_bytes(head[:3], "little"))


@pytest.mark.parametrize(
    "path", ["ALLOWED/loop", "ALLOWED/loop/x.csv", "ALLOWED/?/../x.csv", "ALLOWED/*/../../OTHERNAME/secret.csv"]
)
def test_paths_that_lead_nowhere(place, path):
    loop = place.allowed / "loop"
    if not loop.is_symlink():
        loop.symlink_to(loop)
    path = place.fill(path).replace("OTHERNAME", place.other.name)
    with place.untouched(), place.connect(client_flag=CLIENT.MULTI_STATEMENTS) as connection:
        for attack in (
            f"LOAD DATA INFILE '{path}' INTO TABLE t",
            f"CREATE EXTERNAL TABLE nowhere (a TEXT) INFILE '{path}'; SELECT * FROM nowhere",
        ):
            rows, is_refused = tried(connection, attack)
            assert is_refused or ("EXTERNAL" in attack and not rows)  # a file that is missing has no rows
            assert "the local server failed" not in str(rows)
        tried(connection, "DROP TABLE nowhere")


ALL_COMMANDS = [number for number in range(0x20) if number not in {0x01, 0x03, 0x0E, 0x16, 0x17, 0x18, 0x19}]


@pytest.mark.parametrize("number", ALL_COMMANDS)
def test_no_command_is_passed_on_unread(place, number):
    with place.connect() as connection:
        connection._execute_command(number, b"oceanbase\0%\0\0\0\0\0")
        if number == 0x09:  # STATISTICS: a line of text
            assert read_packet(connection)
        else:
            data = read_packet(connection)
            assert data[:1] == (b"\0" if number == 0x1B else b"\xff"), data
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        assert cursor.fetchone() == ("test",)


@pytest.mark.parametrize("database", ["oceanbase", "Oceanbase", "ócéanbase", "__mo_local", "__mo_lócal"])
def test_nobody_begins_in_the_engines_databases(place, database):
    with pytest.raises(pymysql.MySQLError):
        place.connect(database=database)
    with place.connect() as connection, pytest.raises(pymysql.MySQLError):
        connection.select_db(database)


def test_the_engine_alone_refuses_as_well(place):
    """Without the relay: its users have no right to files, and can give themselves none."""
    engine = place.server._running._engine
    attacks = (LOAD, OUT, DUMP, "SET GLOBAL secure_file_priv = '/'", "GRANT FILE ON *.* TO root", "CREATE USER x")
    attacks += ("ALTER SYSTEM SET plugins_load = 'x'", "CREATE PROCEDURE test.p() SELECT 1 INTO OUTFILE 'NEW'")
    for user in ("__mo_administrator", "someone"):
        with place.untouched(), pymysql.connect(unix_socket=engine._socket, user=user, database="test") as connection:
            for attack in attacks:
                assert tried(connection, place.fill(attack))[1], attack
    with place.untouched(), pymysql.connect(unix_socket=engine._socket, user=engine.user) as connection:
        for attack in (f"{LOAD} FIELDS TERMINATED BY ','", OUT, DUMP):
            assert tried(connection, place.fill(attack).replace("TABLE t", "TABLE test.t"))[1], attack


def test_the_servers_own_folder_is_nobodys(tmp_path):
    with LocalServer(allow_path=[tmp_path], path=tmp_path / "data") as server:
        place = Place(server, tmp_path, tmp_path / "data")
        with place.connect() as connection:
            for attack in (
                f"SELECT * FROM stage_list('file://{tmp_path}/data/*') f",
                f"SELECT 1 INTO OUTFILE '{tmp_path}/data/engine/x.csv'",
                f"CREATE EXTERNAL TABLE own (a TEXT) INFILE '{tmp_path}/data/engine/etc/*'; SELECT * FROM own",
            ):
                tried(connection, attack)
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE STAGE own URL='file://{tmp_path}/data/'")
            for attack in (
                "SELECT save_file(CAST('stage://own/x.csv' AS datalink), 'x')",
                "SELECT * FROM stage_list('stage://own/engine/*') f",
                "REMOVE FILES FROM STAGE 'stage://own/engine/*'",
            ):
                assert tried(connection, attack)[1], attack
        assert not list((tmp_path / "data").rglob("x.csv"))


def test_names_are_compared_as_the_engine_compares_them(place):
    engine = place.server._running._engine
    letters = [chr(code) for code in range(0xA0, 0x2100) if chr(code).isalpha()]
    with pymysql.connect(unix_socket=engine._socket, user=engine.user, charset="utf8mb4") as connection:
        for letter in set("oceanbase_mlr"):
            found = ", ".join(f"ROW('{one}')" for one in letters)
            alike = f"column_0 COLLATE utf8mb4_general_ci = '{letter}' COLLATE utf8mb4_general_ci"
            rows, refused = tried(connection, f"SELECT column_0 FROM (VALUES {found}) x WHERE {alike}")
            assert not refused
            assert [one for (one,) in rows if folded(one) != letter] == []


def test_remarks_do_not_reach_the_engine():
    read = Statement.read("SELECT 1 # x\r, 2\n, /* y */ '# \" z' /*!40101 , `--` */ -- w")
    assert read.sql == "SELECT 1  \n,   '# \" z'   , `--`    "
    assert [read.sql[token.start : token.end] for token in read.tokens] == [token.text for token in read.tokens]
    assert [token.text for token in read.tokens] == ["SELECT", "1", ",", "'# \" z'", ",", "`--`"]
    assert Statement.read("SELECT 2*/*c*/3").sql == "SELECT 2* 3"


def test_what_a_real_server_executes_of_remarks(sql, matrixone_database_local):
    assert sql("SELECT 1 /*! , 2 */ /*!50000 , 3 */ /*M! , 4 */ # 5\r , 6") == [(1, 2, 3)]
    assert sql("/*!40101 SET @stored = 4 */") == 0
    assert sql("/*! SELECT @stored */") == [(4,)]
    assert sql("-- nothing") == sql("/* nothing */") == sql(";") == 0
    sql("CREATE TABLE t /*!40100 (a INT) */")
    assert sql("INSERT INTO t VALUES (1) /* , (2) */") == 1
