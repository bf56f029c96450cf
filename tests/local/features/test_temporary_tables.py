"""Temporary tables: of one connection, whatever they are called."""

import pytest


@pytest.fixture
def t(sql):
    sql("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(10))")
    sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    return sql


def test_they_are_used_like_tables(t):
    t("CREATE TEMPORARY TABLE waiting (id INT PRIMARY KEY, name VARCHAR(10) DEFAULT 'x', v VECF32(2))")
    assert t("INSERT INTO waiting (id, v) VALUES (1, '[1, 2]'), (3, NULL)") == 2
    assert t("LOAD DATA INLINE FORMAT='csv', DATA='4,n,\\\\N' INTO TABLE waiting") == 1
    assert t("UPDATE waiting SET name = 'y' WHERE waiting.id = 3") == 1
    assert t("SELECT * FROM waiting ORDER BY waiting.id") == [(1, "x", "[1, 2]"), (3, "y", None), (4, "n", None)]
    assert t("INSERT INTO t SELECT w.id, w.name FROM waiting w WHERE w.id NOT IN (SELECT id FROM t)") == 2
    assert t("SELECT t.id FROM t JOIN waiting ON t.id = waiting.id ORDER BY 1") == [(1,), (3,), (4,)]
    assert t("DELETE FROM waiting WHERE id = 1") == 1
    assert t.refused("ALTER TABLE waiting ADD w INT")[0] == 20102
    t("CREATE INDEX i ON waiting (name)")
    assert [row[0] for row in t("DESC waiting")] == ["id", "name", "v"]
    assert [row[0] for row in t("SHOW COLUMNS FROM waiting")] == ["id", "name", "v"]
    name, definition = t("SHOW CREATE TABLE waiting")[0]
    assert (name, definition.splitlines()[0]) == ("waiting", "CREATE TABLE `waiting` (")
    assert {row[0] for row in t("SHOW INDEX FROM waiting")} == {"waiting"}
    assert t.refused("TRUNCATE TABLE waiting")[0] == 20102
    t("DELETE FROM waiting")
    assert t("SELECT count(*) FROM waiting") == [(0,)]
    t("DROP TEMPORARY TABLE waiting")
    assert t.refused("SELECT * FROM waiting")[0] == 1064
    t("DROP TEMPORARY TABLE IF EXISTS waiting")
    assert t.refused("DROP TEMPORARY TABLE waiting")[0] == 1146


def test_others_do_not_see_them(t, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    t("CREATE TEMPORARY TABLE waiting (a INT)")
    assert other.refused("SELECT * FROM waiting")[0] == 1064
    other("CREATE TEMPORARY TABLE waiting (b INT)")
    other("INSERT INTO waiting VALUES (7)")
    assert (t("SELECT a FROM waiting"), other("SELECT b FROM waiting")) == ([], [(7,)])
    assert t("SHOW TABLES") == [("t",)]
    assert not [name for (name,) in t("SHOW DATABASES") if name.startswith("__mo")]


def test_a_temporary_table_hides_the_other(t):
    t("CREATE TEMPORARY TABLE t (x INT)")
    assert t.refused("CREATE TEMPORARY TABLE t (x INT)")[0] == 1050
    t("CREATE TEMPORARY TABLE IF NOT EXISTS t (y INT)")
    assert t("SELECT * FROM t") == []
    t("DROP TABLE t")
    assert t("SELECT * FROM t") == [(1, "a"), (2, "b")]


def test_a_transactions_rows_are_taken_back(t):
    t("BEGIN")
    t("INSERT INTO t VALUES (3, 'c')")
    t("CREATE TEMPORARY TABLE waiting AS SELECT id + 10 AS id FROM t")
    assert t("SELECT id FROM waiting ORDER BY id") == [(11,), (12,), (13,)]
    t("INSERT INTO waiting VALUES (99)")
    t("ROLLBACK")
    assert t("SELECT count(*) FROM t") == [(2,)]


def test_who_may_make_no_tables(sql, connect, matrixone_database_local, unique):
    user, role = unique("u"), unique("r")
    sql(f"CREATE ROLE {role}")
    sql(f"CREATE USER {user} IDENTIFIED BY 'pw' DEFAULT ROLE {role}")
    sql(f"GRANT SELECT, INSERT ON DATABASE {matrixone_database_local} TO {role}")
    sql(f"GRANT SELECT, INSERT ON TABLE {matrixone_database_local}.* TO {role}")
    reader = connect(user=user, password="pw", database=matrixone_database_local)
    assert "privilege" in reader.refused("CREATE TEMPORARY TABLE waiting (a INT)")[1]
    sql(f"GRANT CREATE TABLE ON DATABASE {matrixone_database_local} TO {role}")
    maker = connect(user=user, password="pw", database=matrixone_database_local)
    maker("CREATE TEMPORARY TABLE waiting (a INT)")
    assert maker("INSERT INTO waiting VALUES (1)") == 1
    sql(f"DROP USER {user}")
    sql(f"DROP ROLE {role}")


def test_a_query_that_is_known_already_reads_the_temporary_table_of_the_same_name(t, connect, matrixone_database_local):
    query = "SELECT name FROM t ORDER BY id LIMIT 1"
    other = connect(database=matrixone_database_local)
    assert t(query) == t(query) == other(query) == [("a",)]
    t("CREATE TEMPORARY TABLE t (id INT, name VARCHAR(10))")
    t("INSERT INTO t VALUES (7, 'mine')")
    assert (t(query), other(query)) == ([("mine",)], [("a",)])
    t("DROP TEMPORARY TABLE t")
    assert t(query) == [("a",)]
