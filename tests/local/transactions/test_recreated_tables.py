"""A table that a transaction drops and creates again."""

import contextlib

import pymysql
import pytest


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
    assert open_transaction.tables() == ["t"]


def test_a_table_made_anew_goes_with_a_rollback(open_transaction):
    for column in "bc":
        open_transaction("DROP TABLE t")
        open_transaction(f"CREATE TABLE t ({column} INT)")
    open_transaction("INSERT INTO t VALUES (7)")
    assert open_transaction("SELECT c FROM t") == [(7,)]
    open_transaction("ROLLBACK")
    assert open_transaction("SELECT a FROM t") == [(1,)]
    assert open_transaction.tables() == ["t"]


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
    assert open_transaction.tables() == []


@pytest.mark.parametrize(("end", "rows"), [("COMMIT", [("new",)]), ("ROLLBACK", [(1,)])])
def test_a_table_that_the_transaction_has_changed_is_made_anew(t, end, rows):
    t("DROP TABLE t")
    t("CREATE TABLE t (b VARCHAR(9))")
    t("INSERT INTO t VALUES ('new')")
    t(end)
    assert t("SELECT * FROM t") == rows
    assert t.tables() == ["t"]


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
