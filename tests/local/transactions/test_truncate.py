"""TRUNCATE within a transaction (server-facts 13)."""

import pytest

from matrixone_local.engine.table_copies import COPIED_ROWS


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
    before = sql.definition("t")
    sql(begin)
    sql("TRUNCATE TABLE t")
    assert sql("INSERT INTO t (b) VALUES (7)") == 1
    sql("TRUNCATE t")
    sql("INSERT INTO t (b) VALUES (8)")
    assert sql("SELECT b FROM t") == [(8,)]
    assert other("SELECT count(*) FROM t") == [(rows,)]
    sql(end)
    assert sql("SELECT count(*) FROM t") == [(1 if end == "COMMIT" else rows,)]
    assert sql.definition("t") == before
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
    assert sql.refused("INSERT INTO t VALUES (-1, 5)")[0] == 20101
