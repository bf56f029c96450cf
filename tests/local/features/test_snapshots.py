"""Snapshots, the past, CLONE and RESTORE on the local server, beside the recorded cases."""

import pytest

from matrixone_local.engine.table_copies import COPIED_ROWS


@pytest.fixture
def t(sql):
    sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(10) UNIQUE, j JSON, b BOOL, v VECF32(2))")
    sql("INSERT INTO t (name, j, b, v) VALUES ('a', '{}', TRUE, '[1, 2]'), ('b', NULL, FALSE, NULL)")
    return sql


WAS = [(1, "a", "{}", 1, "[1, 2]"), (2, "b", None, 0, None)]


def taken(sql, unique, of):
    name = unique("snap")
    sql(f"CREATE SNAPSHOT {name} FOR {of}")
    return name


def test_a_snapshot_of_a_table_holds_that_table_alone(t, unique, matrixone_database_local):
    t("CREATE TABLE u (a INT)")
    name = taken(t, unique, f"TABLE {matrixone_database_local} t")
    t("DELETE FROM t")
    assert t(f"SELECT * FROM t {{snapshot='{name}'}} ORDER BY id") == WAS
    assert t.refused(f"SELECT * FROM u {{snapshot='{name}'}}")[0] == 1064


def test_a_snapshot_of_many_rows(t, unique, matrixone_database_local):
    """A fork, where a small one is a copy."""
    t("CREATE TABLE many (a INT)")
    values = ",".join(f"({number})" for number in range(1000))
    for _ in range(COPIED_ROWS // 1000 + 1):
        t(f"INSERT INTO many VALUES {values}")
    count = t("SELECT count(*) FROM many")
    name = taken(t, unique, f"DATABASE {matrixone_database_local}")
    t("DELETE FROM many")
    t("DELETE FROM t")
    assert t(f"SELECT count(*) FROM many {{snapshot='{name}'}}") == count
    assert t(f"SELECT * FROM t {{snapshot='{name}'}} ORDER BY id") == WAS
    t(f"RESTORE DATABASE {matrixone_database_local} {{SNAPSHOT='{name}'}}")
    assert t("SELECT count(*) FROM many") == count


def test_a_snapshot_is_of_one_moment(sql, connect, unique, matrixone_database_local):
    """What was committed before is in it, and nothing else is."""
    other = connect(database=matrixone_database_local)
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    other("BEGIN")
    for number in range(10):
        sql(f"INSERT INTO t VALUES ({number})")
        other(f"INSERT INTO t VALUES ({number + 100})")
        name = taken(sql, unique, f"DATABASE {matrixone_database_local}")
        assert sql(f"SELECT count(*) FROM t {{snapshot='{name}'}}") == [(number + 1,)]
    other("ROLLBACK")


def test_a_restored_database_is_as_it_was(t, unique, matrixone_database_local):
    t("CREATE TABLE child (a INT PRIMARY KEY, id INT, FOREIGN KEY (id) REFERENCES t (id))")
    t("INSERT INTO child VALUES (1, 1)")
    described = t("SHOW CREATE TABLE t"), t("SHOW CREATE TABLE child")
    name = taken(t, unique, f"DATABASE {matrixone_database_local}")
    t("DROP TABLE child")
    t("DROP TABLE t")
    t("CREATE TABLE later (a INT)")
    t(f"RESTORE DATABASE {matrixone_database_local} {{SNAPSHOT='{name}'}}")
    assert sorted(t("SHOW TABLES")) == [("child",), ("t",)]
    assert (t("SHOW CREATE TABLE t"), t("SHOW CREATE TABLE child")) == described
    assert t("SELECT * FROM t ORDER BY id") == WAS
    assert t.refused("INSERT INTO child VALUES (2, 99)")[0] == 20101
    t("INSERT INTO t (name) VALUES ('c')")
    assert t("SELECT id > 2 FROM t WHERE name = 'c'") == [(1,)]


def test_one_table_is_restored(t, unique, matrixone_database_local):
    name = taken(t, unique, f"DATABASE {matrixone_database_local}")
    t("DELETE FROM t")
    t("CREATE TABLE later (a INT)")
    t(f"RESTORE TABLE {matrixone_database_local}.t {{SNAPSHOT='{name}'}}")
    assert t("SELECT * FROM t ORDER BY id") == WAS
    assert ("later",) in t("SHOW TABLES")
    assert t.refused(f"RESTORE DATABASE other {{SNAPSHOT='{name}'}}")[0] == 20101


def test_clones_are_independent(t, unique, matrixone_database_local):
    other = unique("db")
    t(f"CREATE DATABASE {other} CLONE {matrixone_database_local}")
    t(f"DELETE FROM {other}.t")
    assert t("SELECT * FROM t ORDER BY id") == WAS
    assert t.refused(f"CREATE DATABASE {other} CLONE {matrixone_database_local}")[0] == 1007
    t(f"CREATE TABLE {other}.copy CLONE {matrixone_database_local}.t")
    assert t(f"SELECT * FROM {other}.copy ORDER BY id") == WAS
    t(f"DROP DATABASE {other}")


def test_reading_a_moment_of_the_past(t):
    [(moment,)] = t("SELECT CAST(NOW(6) AS CHAR)")
    [(before,)] = t("SELECT CAST(NOW(6) - INTERVAL 1 HOUR AS CHAR)")
    t.wait()
    t("DELETE FROM t WHERE id = 1")
    assert t(f"SELECT id FROM t {{timestamp='{moment}'}} ORDER BY id") == [(1,), (2,)]
    assert t(f"SELECT t.id FROM t {{timestamp='{moment}'}} WHERE t.name = 'a'") == [(1,)]
    assert t.refused(f"SELECT id FROM t {{timestamp='{before}'}}")
    assert t("SELECT id FROM t") == [(2,)]


def test_snapshots_are_refused_in_a_transaction(t, unique, matrixone_database_local):
    name = taken(t, unique, f"DATABASE {matrixone_database_local}")
    t("BEGIN")
    t("DELETE FROM t")
    for statement in (
        f"CREATE SNAPSHOT {unique()} FOR ACCOUNT",
        f"RESTORE DATABASE {matrixone_database_local} {{SNAPSHOT='{name}'}}",
        f"DROP SNAPSHOT {name}",
    ):
        assert "uncommitted transaction" in t.refused(statement)[1]


def test_an_alias_follows_the_moment(t, unique, matrixone_database_local):
    name = taken(t, unique, f"DATABASE {matrixone_database_local}")
    t("DELETE FROM t WHERE id = 1")
    assert t(f"SELECT a.id FROM t {{snapshot='{name}'}} AS a ORDER BY a.id") == [(1,), (2,)]
    assert t(f"SELECT a.id FROM t {{snapshot='{name}'}} a LEFT JOIN t b ON a.id = b.id WHERE b.id IS NULL") == [(1,)]
    assert t(f"SELECT t.id FROM t {{snapshot='{name}'}} WHERE t.id = 1") == [(1,)]


def test_a_moment_is_in_utc(t):
    [(moment,)] = t("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
    t.wait()
    t("SET time_zone = '+08:00'")
    assert len(t(f"SELECT id FROM t {{timestamp='{moment}'}} AS a")) == 2


def test_a_database_that_was_not_there(sql, unique):
    """A server has the same words for it as for one that never was."""
    name, later = taken(sql, unique, "ACCOUNT"), unique("later")
    sql(f"CREATE DATABASE {later}")
    sql(f"CREATE TABLE {later}.t (a INT)")
    for statement in (
        f"SHOW TABLES FROM {later}",
        f"SELECT * FROM {later}.t",
        f"RESTORE DATABASE {later}",
        f"RESTORE TABLE {later}.t",
    ):
        assert sql.refused(f"{statement} {{snapshot='{name}'}}") == (1049, f"Unknown database {later}")
    sql(f"DROP DATABASE {later}")
    sql(f"DROP SNAPSHOT {name}")
