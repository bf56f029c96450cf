"""CREATE and DROP within transactions (server-facts 13): undone by a rollback, in force after the commit."""

import pymysql
import pytest


def test_a_dropped_table_is_invisible_at_once_and_back_after_a_rollback(t):
    t("DROP TABLE t")
    assert t.refused("SELECT * FROM t")[0] == 1064
    assert t.refused("INSERT INTO t VALUES (3)")[0] == 1146
    assert t.refused("DROP TABLE t")[0] == 1146
    t("DROP TABLE IF EXISTS t")
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


LISTS_TABLES = [
    "SHOW TABLES",
    "SHOW FULL TABLES LIKE '%'",
    "SHOW TABLE STATUS",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = DATABASE()",
    "SELECT relname FROM mo_catalog.mo_tables WHERE reldatabase = DATABASE()",
]


@pytest.mark.parametrize("query", LISTS_TABLES)
def test_a_dropped_table_is_not_listed(t, connect, matrixone_database_local, query):
    other = connect(database=matrixone_database_local)
    other("CREATE TABLE u (a INT)")
    t("DROP TABLE t")
    assert [row[0] for row in t(query)] == ["u"]
    assert sorted(row[0] for row in other(query)) == ["t", "u"]
    t("ROLLBACK")
    assert sorted(row[0] for row in t(query)) == ["t", "u"]


def test_a_dropped_database_is_not_listed(sql, unique):
    name = unique("dropped")
    sql(f"CREATE DATABASE {name}")
    sql(f"CREATE TABLE {name}.t (a INT)")
    sql("BEGIN")
    sql(f"DROP DATABASE {name}")
    assert (name,) not in sql("SHOW DATABASES")
    assert sql(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{name}'") == []
    sql("ROLLBACK")
    assert sql(f"SHOW TABLES FROM {name}") == [("t",)]
    sql(f"DROP DATABASE {name}")


def test_definitions_after_the_current_database_was_dropped(connect, unique):
    dropped_database, name = unique("dropped_database"), unique("after")
    client = connect()
    client("SET autocommit = 0")
    for statement in (
        f"CREATE DATABASE {dropped_database}",
        f"USE {dropped_database}",
        f"DROP DATABASE {dropped_database}",
        "COMMIT",
    ):
        client(statement)
    client(f"CREATE DATABASE {name}")
    client(f"CREATE TABLE {name}.t (a INT)")
    client("COMMIT")
    assert client(f"SHOW TABLES FROM {name}") == [("t",)]
    client(f"DROP DATABASE {name}")
    client("COMMIT")


@pytest.mark.parametrize("end", ["COMMIT", "BEGIN", "START TRANSACTION"])
def test_a_dropped_table_is_dropped_by_what_commits(t, end):
    t("DROP TABLE t")
    t(end)
    assert t.tables() == []


def test_autocommit_commits_where_it_was_off(sql):
    sql("CREATE TABLE t (a INT)")
    sql("SET autocommit=0")
    sql("INSERT INTO t VALUES (1)")
    sql("CREATE TABLE u (a INT)")
    sql("DROP TABLE t")
    sql("SET autocommit=1")
    assert sql.tables() == ["u"]


def test_autocommit_within_a_transaction_commits_nothing(t):
    t("DROP TABLE t")
    t("SET autocommit=1")
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


def test_a_table_of_the_transaction_is_filled_read_and_dropped_in_it(t):
    """What a checked load sends."""
    t("CREATE TABLE waiting (a INT)")
    t("LOAD DATA INLINE FORMAT='csv', DATA='3\\n4\\n' INTO TABLE waiting")
    assert t("INSERT INTO t SELECT a FROM waiting") == 2
    t("DROP TABLE waiting")
    t("COMMIT")
    assert t.tables() == ["t"]
    assert t("SELECT a FROM t ORDER BY a") == [(1,), (2,), (3,), (4,)]


def test_what_a_transaction_makes_goes_with_a_rollback(t, unique):
    name = unique("db")
    t("CREATE TABLE IF NOT EXISTS t (b INT)")
    t("CREATE TABLE IF NOT EXISTS u (a INT)")
    t("CREATE TABLE copy CLONE t")
    t(f"CREATE DATABASE {name}")
    t(f"CREATE TABLE {name}.w (a INT)")
    t("INSERT INTO u VALUES (1)")
    t("ROLLBACK")
    assert t.tables() == ["t"]
    assert t(f"SHOW DATABASES LIKE '{name}'") == []


def test_what_a_transaction_makes_goes_with_its_connection(t, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    t("CREATE TABLE u (a INT)")
    t.raw.close()
    while other.tables() != ["t"]:
        pass
    assert other("SELECT a FROM t") == [(1,)]


def test_a_table_that_was_filled_goes_with_its_connection(t, connect, matrixone_database_local):
    """Dropping it waits for the transaction that fills it."""
    other = connect(database=matrixone_database_local)
    t("CREATE TABLE u (a INT)")
    t("INSERT INTO u VALUES (1)")
    t.raw.close()
    while other.tables() != ["t"]:
        pass
    assert other("INSERT INTO t VALUES (2)") == 1


def test_names_are_the_same_in_capitals(t):
    t("DROP TABLE T")
    assert t.refused("SELECT * FROM t")[0] == 1064
    t("COMMIT")
    assert t.tables() == []


def test_views_are_a_part_of_the_transaction(t):
    t("COMMIT")
    t("CREATE VIEW v AS SELECT a FROM t")
    t("BEGIN")
    t("CREATE VIEW w AS SELECT a + 1 b FROM t")
    t("CREATE OR REPLACE VIEW v AS SELECT a + 2 c FROM t")
    assert t("SELECT c FROM v ORDER BY c") == [(3,), (4,)]
    t("DROP VIEW v")
    assert t("SELECT b FROM w ORDER BY b") == [(2,), (3,)]
    t("ROLLBACK")
    assert t("SELECT a FROM v ORDER BY a") == [(1,), (2,)]
    assert t.tables() == ["t", "v"]


def test_tables_are_made_of_what_the_transaction_has_changed(t):
    t("CREATE TABLE u AS SELECT a + 10 AS b FROM t")
    t("CREATE TABLE copy CLONE t")
    assert t("SELECT b FROM u ORDER BY b") == [(11,), (12,)]
    assert t("SELECT a FROM copy ORDER BY a") == [(1,), (2,)]
    t("ROLLBACK")
    assert t.tables() == ["t"]
    assert t("SELECT a FROM t") == [(1,)]


def test_several_tables_are_dropped_at_once(t):
    t("CREATE TABLE u (a INT)")
    assert t.refused("DROP TABLE t, missing")[0] == 1146
    t("DROP TABLE t, u")
    assert t.refused("SELECT * FROM u")[0] == 1064
    t("COMMIT")
    assert t.tables() == []


def test_what_is_not_known_here_is_refused(t):
    code, words = t.refused("CREATE FUNCTION f (a INT) RETURNS INT RETURN a")
    assert (code, "no CREATE FUNCTION" in words) == (20105, True)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


def test_drop_database_tells_how_many_tables_it_had(sql, unique):
    name = unique("db")
    sql(f"CREATE DATABASE {name}")
    sql(f"CREATE TABLE {name}.a (a INT, b INT UNIQUE)")
    sql(f"CREATE TABLE {name}.b (a INT)")
    assert sql(f"DROP DATABASE {name}") == 2


@pytest.mark.parametrize("rows", [[], [1]])
def test_what_a_transaction_makes_goes_though_its_session_with_the_engine_has_ended(
    t, connect, matrixone_server, matrixone_database_local, rows
):
    """The relay itself ends one if a KILL QUERY breaks a load off and takes its savepoint along."""
    other = connect(database=matrixone_database_local)
    t("CREATE TABLE u (a INT)")
    for row in rows:
        t("INSERT INTO u VALUES (%s)", row)
    matrixone_server._running.administer(f"KILL {t.raw.thread_id()}")
    with pytest.raises(pymysql.MySQLError):
        t("SELECT a FROM u")
    while other.tables() != ["t"]:
        pass
    assert other("SELECT a FROM t") == [(1,)]
    assert other("INSERT INTO t VALUES (2)") == 1


def test_what_a_transaction_makes_goes_with_a_client_that_goes_during_a_reply(t, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    t("CREATE TABLE u (a VARCHAR(2000))")
    t("INSERT INTO u VALUES " + ", ".join([f"('{'x' * 2000}')"] * 2000))
    t.raw._execute_command(pymysql.constants.COMMAND.COM_QUERY, "SELECT l.a FROM u l, u r")
    t.raw._rfile.read(1000)
    t.raw._force_close()
    while other.tables() != ["t"]:
        pass
    assert other("INSERT INTO t VALUES (2)") == 1
