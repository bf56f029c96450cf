"""Definitions within transactions (server-facts 13): undone by a rollback, in force after the commit."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from matrixone_local.engine.table_copies import COPIED_ROWS


def tables(sql):
    return [row[0] for row in sql("SHOW TABLES")]


@pytest.fixture
def t(sql):
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql("INSERT INTO t VALUES (1)")
    sql("BEGIN")
    sql("INSERT INTO t VALUES (2)")
    return sql


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
    assert tables(t) == []


def test_autocommit_commits_where_it_was_off(sql):
    sql("CREATE TABLE t (a INT)")
    sql("SET autocommit=0")
    sql("INSERT INTO t VALUES (1)")
    sql("CREATE TABLE u (a INT)")
    sql("DROP TABLE t")
    sql("SET autocommit=1")
    assert tables(sql) == ["u"]


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
    assert tables(t) == ["t"]
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
    assert tables(t) == ["t"]
    assert t(f"SHOW DATABASES LIKE '{name}'") == []


def test_what_a_transaction_makes_goes_with_its_connection(t, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    t("CREATE TABLE u (a INT)")
    t.raw.close()
    while tables(other) != ["t"]:
        pass
    assert other("SELECT a FROM t") == [(1,)]


def test_a_table_that_was_filled_goes_with_its_connection(t, connect, matrixone_database_local):
    """Dropping it waits for the transaction that fills it."""
    other = connect(database=matrixone_database_local)
    t("CREATE TABLE u (a INT)")
    t("INSERT INTO u VALUES (1)")
    t.raw.close()
    while tables(other) != ["t"]:
        pass
    assert other("INSERT INTO t VALUES (2)") == 1


def test_names_are_the_same_in_capitals(t):
    t("DROP TABLE T")
    assert t.refused("SELECT * FROM t")[0] == 1064
    t("COMMIT")
    assert tables(t) == []


def test_truncate_is_taken_back(t):
    t("TRUNCATE TABLE t")
    assert t("SELECT a FROM t") == []
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("begin", ["BEGIN", "SET autocommit=0"])
def test_a_table_of_many_rows_is_emptied(sql, connect, matrixone_database_local, begin, end):
    """As fast as without a transaction: no row is deleted by itself."""
    other = connect(database=matrixone_database_local)
    rows = COPIED_ROWS + 1
    sql("CREATE TABLE t (a INT AUTO_INCREMENT PRIMARY KEY, b INT, KEY (b))")
    sql(f"INSERT INTO t (b) VALUES {','.join(f'({number})' for number in range(rows))}")
    before = defined(sql)
    sql(begin)
    sql("TRUNCATE TABLE t")
    assert sql("INSERT INTO t (b) VALUES (7)") == 1
    sql("TRUNCATE t")
    sql("INSERT INTO t (b) VALUES (8)")
    assert sql("SELECT b FROM t") == [(8,)]
    assert other("SELECT count(*) FROM t") == [(rows,)]
    sql(end)
    assert sql("SELECT count(*) FROM t") == [(1 if end == "COMMIT" else rows,)]
    assert defined(sql) == before
    assert sql.refused("TRUNCATE TABLE missing")[0] == 1146


def test_a_table_of_many_rows_with_foreign_keys_is_emptied(sql):
    sql("CREATE TABLE parent (id INT PRIMARY KEY)")
    sql("INSERT INTO parent VALUES (1)")
    sql("CREATE TABLE t (a INT PRIMARY KEY, p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id))")
    sql(f"INSERT INTO t VALUES {','.join(f'({number}, 1)' for number in range(COPIED_ROWS + 1))}")
    sql("BEGIN")
    sql("TRUNCATE TABLE t")
    assert sql("SELECT count(*) FROM t") == [(0,)]
    sql("ROLLBACK")
    assert sql("SELECT count(*) FROM t") == [(COPIED_ROWS + 1,)]
    assert sql.refused("INSERT INTO t VALUES (-1, 5)")[0] == 1452


CHANGES = {
    "ALTER TABLE t ADD b INT DEFAULT 5": ("SELECT a, b FROM t", [(1, 5), (2, 5)]),
    "ALTER TABLE t MODIFY a BIGINT": ("SELECT a FROM t", [(1,), (2,)]),
    "CREATE INDEX i ON t (a)": ("SELECT a FROM t", [(1,), (2,)]),
    "ALTER TABLE t RENAME TO u": ("SELECT a FROM u", [(1,), (2,)]),
    "ALTER TABLE t RENAME COLUMN a TO c": ("SELECT c FROM t", [(1,), (2,)]),
}


def defined(sql, table="t"):
    return sql(f"SHOW COLUMNS FROM {table}"), [row[2] for row in sql(f"SHOW INDEX FROM {table}")]


@pytest.mark.parametrize("statement", CHANGES)
def test_changes_of_a_table_are_a_part_of_the_transaction(t, statement):
    query, rows = CHANGES[statement]
    t(statement)
    assert t(query) == rows
    t("COMMIT")
    assert t(query) == rows


@pytest.mark.parametrize("statement", CHANGES)
def test_changes_of_a_table_are_taken_back(t, statement):
    before = defined(t)
    t(statement)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]
    assert defined(t) == before
    assert tables(t) == ["t"]
    t("INSERT INTO t VALUES (2)")


def test_a_change_that_is_refused_leaves_the_transaction_open(t):
    assert t.refused("ALTER TABLE t ADD a INT")[0] == 1060
    assert t.refused("ALTER TABLE nowhere ADD a INT")[0] == 1146
    t("INSERT INTO t VALUES (3)")
    t("COMMIT")
    assert t("SELECT a FROM t") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("begin", ["BEGIN", "SET autocommit=0"])
def test_what_follows_a_change_is_a_part_of_the_transaction(sql, begin):
    """Whatever the engine has committed by then."""
    sql("CREATE TABLE t (a INT)")
    sql("CREATE TABLE u (a INT)")
    sql(begin)
    sql("INSERT INTO t VALUES (1)")
    sql("ALTER TABLE t ADD b INT")
    sql("LOAD DATA INLINE FORMAT='csv', DATA='1\n2' INTO TABLE u")
    sql("ROLLBACK")
    assert (sql("SELECT * FROM t"), sql("SELECT * FROM u")) == ([], [])


def test_where_autocommit_is_off_a_change_opens_the_transaction(sql):
    sql("CREATE TABLE t (a INT)")
    sql("SET autocommit=0")
    sql("ALTER TABLE t ADD b INT")
    sql("INSERT INTO t VALUES (1, 2)")
    sql("ALTER TABLE t ADD c INT")
    sql("INSERT INTO t VALUES (1, 2, 3)")
    sql("ROLLBACK")
    assert [row[0] for row in sql("SHOW COLUMNS FROM t")] == ["a"]
    assert sql("SELECT * FROM t") == []


def test_tables_of_the_transaction_itself_are_changed(t):
    """As migrations do: all of them in one transaction."""
    t("CREATE TABLE u (a INT)")
    t("INSERT INTO u VALUES (1)")
    t("ALTER TABLE u ADD b INT")
    t("UPDATE u SET b = a + 1")
    t("ALTER TABLE u MODIFY b BIGINT NOT NULL")
    assert t("SELECT * FROM u") == [(1, 2)]
    t("ROLLBACK")
    assert tables(t) == ["t"]
    assert t("SELECT a FROM t") == [(1,)]


def test_a_change_in_a_table_of_many_rows_is_taken_back(sql):
    rows = COPIED_ROWS + 1
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql(f"INSERT INTO t VALUES {','.join(f'({number})' for number in range(rows))}")
    sql("BEGIN")
    sql("DELETE FROM t WHERE a > 9")
    sql("ALTER TABLE t ADD b INT")
    sql("ROLLBACK")
    assert sql("SELECT count(*) FROM t") == [(rows,)]
    assert [row[0] for row in sql("SHOW COLUMNS FROM t")] == ["a"]


def test_foreign_keys_come_back(sql):
    sql("CREATE TABLE parent (id INT PRIMARY KEY)")
    sql("CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id))")
    sql("INSERT INTO parent VALUES (1)")
    sql("INSERT INTO child VALUES (1, 1)")
    sql("BEGIN")
    sql("ALTER TABLE child ADD x INT")
    sql("ALTER TABLE parent ADD x INT")
    sql("DELETE FROM child")
    sql("DELETE FROM parent")
    sql("ROLLBACK")
    assert sql("SELECT * FROM child") == [(1, 1)]
    assert sql.refused("INSERT INTO child VALUES (2, 7)")[0] == 1452
    assert sql("INSERT INTO child VALUES (2, 1)") == 1
    assert sql.refused("DELETE FROM parent")[0] == 1451


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
    assert tables(t) == ["t", "v"]


def test_tables_are_made_of_what_the_transaction_has_changed(t):
    t("CREATE TABLE u AS SELECT a + 10 AS b FROM t")
    t("CREATE TABLE copy CLONE t")
    assert t("SELECT b FROM u ORDER BY b") == [(11,), (12,)]
    assert t("SELECT a FROM copy ORDER BY a") == [(1,), (2,)]
    t("ROLLBACK")
    assert tables(t) == ["t"]
    assert t("SELECT a FROM t") == [(1,)]


def test_several_tables_are_dropped_at_once(t):
    t("CREATE TABLE u (a INT)")
    assert t.refused("DROP TABLE t, missing")[0] == 1146
    t("DROP TABLE t, u")
    assert t.refused("SELECT * FROM u")[0] == 1064
    t("COMMIT")
    assert tables(t) == []


def test_what_is_not_known_here_is_refused(t):
    code, words = t.refused("CREATE FUNCTION f (a INT) RETURNS INT RETURN a")
    assert (code, "no CREATE FUNCTION" in words) == (20105, True)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


# -- everybody else ------------------------------------------------------------------------------------------------


@pytest.fixture
def altered(t, connect, matrixone_database_local):
    """A table that a transaction has changed, and somebody else's connection."""
    t("ALTER TABLE t ADD b INT")
    return t, connect(database=matrixone_database_local)


def test_others_read_a_table_as_it_was(altered):
    t, other = altered
    t("INSERT INTO t VALUES (3, 3)")
    assert other("SELECT * FROM t") == [(1,)]
    assert other("SELECT x.a FROM t AS x JOIN t y ON x.a = y.a WHERE x.a IN (SELECT a FROM t)") == [(1,)]
    assert [row[0] for row in other("SHOW COLUMNS FROM t")] == ["a"]
    assert t("SELECT count(*) FROM t") == [(3,)]
    t("COMMIT")
    assert other("SELECT * FROM t") == [(1, None), (2, None), (3, 3)]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_others_wait_to_change_a_table(altered, end):
    t, other = altered
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(other, "INSERT INTO t (a) VALUES (4)")
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        t(end)
        assert waiting.result(10) == 1
    assert t("SELECT a FROM t") == ([(1,), (2,), (4,)] if end == "COMMIT" else [(1,), (4,)])


def test_others_do_not_wait_for_ever(altered):
    t, other = altered
    other("SET lock_wait_timeout=1")
    other("BEGIN")
    assert other.refused("DROP TABLE t")[0] == 1205
    with ThreadPoolExecutor() as pool:
        other("SET lock_wait_timeout=100")
        waiting = pool.submit(other.refused, "LOAD DATA INLINE FORMAT='csv', DATA='3' INTO TABLE t")
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        t(f"KILL QUERY {other.raw.thread_id()}")
        assert "context canceled" in waiting.result(10)[1]
    assert t("SELECT a FROM t") == [(1,), (2,)]


def test_a_change_waits_for_others(t, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    other("BEGIN")
    other("INSERT INTO t VALUES (5)")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(t, "ALTER TABLE t ADD b INT")
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        other("COMMIT")
        waiting.result(10)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,), (5,)]


def test_a_changed_table_comes_back_with_its_connection(altered):
    t, other = altered
    t.raw.close()
    other("INSERT INTO t VALUES (6)")
    assert other("SELECT * FROM t") == [(1,), (6,)]


# -- a table dropped and made anew -----------------------------------------------------------------------------------


@pytest.fixture
def open_transaction(sql):
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql("INSERT INTO t VALUES (1)")
    sql("BEGIN")
    return sql


def test_a_dropped_table_is_made_anew(open_transaction):
    """What pandas sends for `to_sql(if_exists="replace")`."""
    open_transaction("DROP TABLE t")
    open_transaction("CREATE TABLE t (b VARCHAR(9))")
    open_transaction("INSERT INTO t VALUES ('new')")
    assert open_transaction("SELECT b FROM t") == [("new",)]
    open_transaction("COMMIT")
    assert open_transaction("SELECT b FROM t") == [("new",)]
    assert tables(open_transaction) == ["t"]


def test_a_table_made_anew_goes_with_a_rollback(open_transaction):
    for column in "bc":
        open_transaction("DROP TABLE t")
        open_transaction(f"CREATE TABLE t ({column} INT)")
    open_transaction("INSERT INTO t VALUES (7)")
    assert open_transaction("SELECT c FROM t") == [(7,)]
    open_transaction("ROLLBACK")
    assert open_transaction("SELECT a FROM t") == [(1,)]
    assert tables(open_transaction) == ["t"]


def test_a_table_made_anew_goes_with_its_connection(open_transaction, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    open_transaction("DROP TABLE t")
    open_transaction("CREATE TABLE t (b INT)")
    open_transaction.raw.close()
    found = []
    while not found:
        with contextlib.suppress(pymysql.MySQLError):  # until it has its old columns again
            found = other("SELECT a FROM t")
    assert found == [(1,)]


def test_a_table_dropped_for_good_after_it_was_made_anew(open_transaction):
    open_transaction("DROP TABLE t")
    open_transaction("CREATE TABLE t (b INT)")
    open_transaction("DROP TABLE t")
    assert open_transaction.refused("SELECT * FROM t")[0] == 1064
    open_transaction("COMMIT")
    assert tables(open_transaction) == []


@pytest.mark.parametrize(("end", "rows"), [("COMMIT", [("new",)]), ("ROLLBACK", [(1,)])])
def test_a_table_that_the_transaction_has_changed_is_made_anew(t, end, rows):
    t("DROP TABLE t")
    t("CREATE TABLE t (b VARCHAR(9))")
    t("INSERT INTO t VALUES ('new')")
    t(end)
    assert t("SELECT * FROM t") == rows
    assert tables(t) == ["t"]


def test_a_table_that_somebody_else_has_changed_is_not_made_anew(open_transaction, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    other("BEGIN")
    other("INSERT INTO t VALUES (2)")
    open_transaction("DROP TABLE t")
    code, words = open_transaction.refused("CREATE TABLE t (b INT)")
    assert (code, "COMMIT first" in words) == (20101, True)
    other("COMMIT")
    open_transaction("ROLLBACK")
    assert open_transaction("SELECT a FROM t") == [(1,), (2,)]


def test_what_is_no_plain_table_is_not_made_anew(open_transaction, unique, files):
    name = unique("db")
    open_transaction("COMMIT")
    open_transaction(f"CREATE DATABASE {name}")
    open_transaction(f"CREATE EXTERNAL TABLE e (a INT) INFILE '{files.folder}/none.csv'")
    open_transaction("BEGIN")
    open_transaction(f"DROP DATABASE {name}")
    open_transaction("DROP TABLE e")
    for statement in (f"CREATE DATABASE {name}", "CREATE TABLE e (b INT)"):
        code, words = open_transaction.refused(statement)
        assert (code, "COMMIT first" in words) == (20101, True)
    open_transaction("ROLLBACK")
    open_transaction(f"DROP DATABASE {name}")


def test_drop_database_tells_how_many_tables_it_had(sql, unique):
    name = unique("db")
    sql(f"CREATE DATABASE {name}")
    sql(f"CREATE TABLE {name}.a (a INT, b INT UNIQUE)")
    sql(f"CREATE TABLE {name}.b (a INT)")
    assert sql(f"DROP DATABASE {name}") == 2
