"""Definitions within transactions (server-facts 13): undone by a rollback, in force after the commit."""

import contextlib

import pymysql
import pytest


def tables(sql):
    return [row[0] for row in sql("SHOW TABLES")]


@pytest.fixture
def t(sql):
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql("INSERT INTO t VALUES (1)")
    sql("BEGIN")
    sql("INSERT INTO t VALUES (2)")
    return sql


def test_a_dropped_table_is_gone_at_once_and_back_after_a_rollback(t):
    t("DROP TABLE t")
    assert t.refused("SELECT * FROM t")[0] == 1064
    assert t.refused("INSERT INTO t VALUES (3)")[0] == 1146
    assert t.refused("DROP TABLE t")[0] == 1146
    t("DROP TABLE IF EXISTS t")
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


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
    """The way of a checked load."""
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


@pytest.mark.parametrize("statement", ["ALTER TABLE t ADD b INT", "CREATE INDEX i ON t (a)", "RENAME TABLE t TO u"])
def test_what_cannot_be_taken_back_is_refused(t, statement):
    code, words = t.refused(statement)
    assert (code, "COMMIT first" in words) == (20101, True)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


@pytest.fixture
def kept(sql):
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql("INSERT INTO t VALUES (1)")
    sql("BEGIN")
    return sql


def test_a_dropped_table_is_made_anew(kept):
    """The way of pandas' `to_sql(if_exists="replace")`."""
    kept("DROP TABLE t")
    kept("CREATE TABLE t (b VARCHAR(9))")
    kept("INSERT INTO t VALUES ('new')")
    assert kept("SELECT b FROM t") == [("new",)]
    kept("COMMIT")
    assert kept("SELECT b FROM t") == [("new",)]
    assert tables(kept) == ["t"]


def test_a_table_made_anew_goes_with_a_rollback(kept):
    for column in "bc":
        kept("DROP TABLE t")
        kept(f"CREATE TABLE t ({column} INT)")
    kept("INSERT INTO t VALUES (7)")
    assert kept("SELECT c FROM t") == [(7,)]
    kept("ROLLBACK")
    assert kept("SELECT a FROM t") == [(1,)]
    assert tables(kept) == ["t"]


def test_a_table_made_anew_goes_with_its_connection(kept, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    kept("DROP TABLE t")
    kept("CREATE TABLE t (b INT)")
    kept.raw.close()
    found = []
    while not found:
        with contextlib.suppress(pymysql.MySQLError):  # until it has its old columns again
            found = other("SELECT a FROM t")
    assert found == [(1,)]


def test_a_table_dropped_for_good_after_it_was_made_anew(kept):
    kept("DROP TABLE t")
    kept("CREATE TABLE t (b INT)")
    kept("DROP TABLE t")
    assert kept.refused("SELECT * FROM t")[0] == 1064
    kept("COMMIT")
    assert tables(kept) == []


def test_a_table_that_the_transaction_has_changed_is_not_made_anew_in_it(t):
    t("DROP TABLE t")
    code, words = t.refused("CREATE TABLE t (b INT)")
    assert (code, "COMMIT first" in words) == (20101, True)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]


def test_what_is_no_plain_table_is_not_made_anew(kept, unique, files):
    name = unique("db")
    kept("COMMIT")
    kept(f"CREATE DATABASE {name}")
    kept(f"CREATE EXTERNAL TABLE e (a INT) INFILE '{files.folder}/none.csv'")
    kept("BEGIN")
    kept(f"DROP DATABASE {name}")
    kept("DROP TABLE e")
    for statement in (f"CREATE DATABASE {name}", "CREATE TABLE e (b INT)"):
        code, words = kept.refused(statement)
        assert (code, "COMMIT first" in words) == (20101, True)
    kept("ROLLBACK")
    kept(f"DROP DATABASE {name}")


def test_drop_database_tells_how_many_tables_it_had(sql, unique):
    name = unique("db")
    sql(f"CREATE DATABASE {name}")
    sql(f"CREATE TABLE {name}.a (a INT, b INT UNIQUE)")
    sql(f"CREATE TABLE {name}.b (a INT)")
    assert sql(f"DROP DATABASE {name}") == 2
