"""ALTER, CREATE INDEX and RENAME within a transaction: what it sees, what others see, and what a rollback restores."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from matrixone_local.engine.table_copies import COPIED_ROWS

CHANGES = {
    "ALTER TABLE t ADD b INT DEFAULT 5": ("SELECT a, b FROM t", [(1, 5), (2, 5)]),
    "ALTER TABLE t MODIFY a BIGINT": ("SELECT a FROM t", [(1,), (2,)]),
    "CREATE INDEX i ON t (a)": ("SELECT a FROM t", [(1,), (2,)]),
    "ALTER TABLE t RENAME TO u": ("SELECT a FROM u", [(1,), (2,)]),
    "ALTER TABLE t RENAME COLUMN a TO c": ("SELECT c FROM t", [(1,), (2,)]),
}


@pytest.mark.parametrize("statement", CHANGES)
def test_changes_of_a_table_are_a_part_of_the_transaction(t, statement):
    query, rows = CHANGES[statement]
    t(statement)
    assert t(query) == rows
    t("COMMIT")
    assert t(query) == rows


@pytest.mark.parametrize("statement", CHANGES)
def test_changes_of_a_table_are_taken_back(t, statement):
    before = t.definition("t")
    t(statement)
    t("ROLLBACK")
    assert t("SELECT a FROM t") == [(1,)]
    assert t.definition("t") == before
    assert t.tables() == ["t"]
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
    assert t.tables() == ["t"]
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
    assert sql.refused("INSERT INTO child VALUES (2, 7)")[0] == 20101
    assert sql("INSERT INTO child VALUES (2, 1)") == 1
    assert sql.refused("DELETE FROM parent")[0] == 20101


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
