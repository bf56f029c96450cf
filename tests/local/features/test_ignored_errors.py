"""INSERT IGNORE and UPDATE IGNORE (server-facts 87)."""

import pytest


@pytest.fixture
def strict(sql):
    """A connection whose database has the table `t`, with keys and a column that must have a value."""
    sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(4) UNIQUE, a TINYINT, b INT NOT NULL)")
    sql("INSERT INTO t VALUES (1, 'one', 1, 1)")
    return sql


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("INSERT IGNORE INTO t VALUES (2, 'two', 1, NULL)", 3819),
        ("INSERT IGNORE INTO t VALUES (2, 'too long', 1, NULL)", 3819),
        ("INSERT IGNORE INTO t (id) VALUES (2)", 20301),
        ("INSERT IGNORE INTO t VALUES (2, 'two', 1000, 1)", 1690),
        ("INSERT IGNORE INTO t SELECT 2, 'two', 1, NULL", 3819),
        ("UPDATE IGNORE t SET b = NULL", 3819),
        ("UPDATE IGNORE t SET a = 1000", 1690),
    ],
)
def test_what_is_not_ignored(strict, statement, number):
    assert strict.refused(statement)[0] == number
    assert strict("SELECT * FROM t") == [(1, "one", 1, 1)]
    strict("BEGIN")
    strict("INSERT INTO t VALUES (5, 'five', 5, 5)")
    assert strict.refused(statement)[0] == number
    strict("COMMIT")
    assert strict("SELECT id FROM t ORDER BY id") == [(1,), (5,)]


def test_keys_that_are_taken(strict):
    database = strict("SELECT DATABASE()")[0][0]
    assert strict("INSERT IGNORE INTO t VALUES (1, 'x', 1, 1), (2, 'two', 2, 2), (3, 'one', 3, 3)") == 1
    assert strict(f"INSERT IGNORE INTO `{database}` . `t` SET id = 2, b = 9;") == 0
    assert strict("INSERT IGNORE t SELECT id + 1, concat(name, 2), a, b FROM t") == 1
    strict("UPDATE IGNORE t SET name = 'one' WHERE id = 2")
    assert strict("SELECT id, name, b FROM t ORDER BY id") == [(1, "one", 1), (2, "two", 2), (3, "two2", 2)]


def test_texts_are_cut(strict):
    assert strict("INSERT IGNORE INTO t VALUES (2, 'too long', 1, 1)") == 1
    assert strict("UPDATE IGNORE t SET name = 'longer' WHERE id = 1") == 1
    assert strict("SELECT name FROM t ORDER BY id") == [("long",), ("too ",)]


def test_the_number_of_the_row(strict):
    strict("INSERT IGNORE INTO t (name, b) VALUES ('two', 2)")
    assert strict("SELECT last_insert_id()") == strict("SELECT id FROM t WHERE name = 'two'")


def test_a_table_that_is_not_there(strict):
    assert strict.refused("INSERT IGNORE INTO nowhere VALUES (1)")[0] == 1146
