"""Changes of rows that a MatrixOne server refuses and the engine would make (server-facts 85, 86)."""

import pytest

UPSERT = "INSERT INTO t (id, name) VALUES (1, 'a')"


@pytest.mark.parametrize(
    "clause",
    [
        "ON DUPLICATE KEY UPDATE id = id",
        "on duplicate  key update ID = 3",
        "ON DUPLICATE KEY UPDATE `t`.`name` = 'x'",
        "ON DUPLICATE KEY UPDATE name = concat(name, ',id=1')",
    ],
)
def test_upserts_change_no_key(keyed, clause):
    keyed(UPSERT)
    assert keyed.refused(f"{UPSERT} {clause}")[0] == 20313
    assert keyed("SELECT * FROM t") == [(1, "a")]


def test_keys_are_looked_up_again_when_they_change(keyed):
    keyed(UPSERT)
    assert keyed.refused(f"{UPSERT} ON DUPLICATE KEY UPDATE name = 'x'")[0] == 20313
    keyed("ALTER TABLE t DROP INDEX n")
    assert keyed(f"{UPSERT} ON DUPLICATE KEY UPDATE name = 'x'") == 2
    keyed("CREATE UNIQUE INDEX n ON t (name)")
    assert keyed.refused(f"{UPSERT} ON DUPLICATE KEY UPDATE name = 'y'")[0] == 20313


def test_words_in_texts_are_no_clause(sql):
    sql("CREATE TABLE t (id INT PRIMARY KEY, name TEXT, n INT)")
    text = "ON DUPLICATE KEY UPDATE id = 5"
    assert sql(f"INSERT INTO t VALUES (1, '{text}', 1)") == 1
    assert sql(f"INSERT INTO t VALUES (1, 'it''s {text}', 1) ON DUPLICATE KEY UPDATE n = 2, name = '{text}'") == 2
    assert sql("SELECT * FROM t") == [(1, text, 2)]


def test_upserts_in_other_databases_and_in_tables_that_are_not_there(keyed):
    database = keyed("SELECT DATABASE()")[0][0]
    clause = "ON DUPLICATE KEY UPDATE id = id"
    assert keyed.refused(f"INSERT INTO `{database}`.t (id) VALUES (1) {clause}")[0] == 20313
    assert keyed.refused(f"INSERT INTO nowhere (id) VALUES (1) {clause}")[0] == 1146


def test_prepared_upserts(keyed):
    assert keyed.refused("PREPARE p FROM 'INSERT INTO t VALUES (?, ?) ON DUPLICATE KEY UPDATE id = id'")[0] == 20313


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM t WHERE id = (SELECT max(id) FROM t)",
        "DELETE FROM t WHERE id IN (1, (SELECT max(id) FROM t))",
        "DELETE FROM t WHERE EXISTS (SELECT 1 FROM other JOIN t x ON x.id = other.id WHERE t.id = 1)",
        "UPDATE t SET name = (SELECT max(name) FROM t) WHERE id = 1",
        "UPDATE t AS x SET name = 'z' WHERE id IN (SELECT id FROM (SELECT 1 AS id) o WHERE o.id IN (SELECT id FROM t))",
        "UPDATE t SET name = 'z' WHERE id IN (SELECT t.id FROM t)",
    ],
)
def test_the_changed_table_is_not_read(keyed, statement):
    keyed("CREATE TABLE other (id INT)")
    keyed("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    assert keyed.refused(statement)[0] == 1093
    assert keyed("SELECT * FROM t ORDER BY id") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM t WHERE id IN (SELECT id FROM (SELECT max(id) AS id FROM t) x)",
        "DELETE FROM t WHERE id IN (SELECT o.id FROM other o, (SELECT id FROM t) x WHERE o.id = x.id)",
        "DELETE FROM t WHERE id IN (SELECT id FROM other)",
        "DELETE FROM t WHERE id IN (SELECT id FROM other WHERE id NOT IN (WITH x AS (SELECT 7 AS id FROM t) SELECT id FROM x))",
        "DELETE t FROM t JOIN (SELECT max(id) AS id FROM t) x ON x.id = t.id",
        "UPDATE t SET name = 'z' WHERE id = (SELECT count(*) * 2 FROM t o WHERE o.id < t.id AND t.id = 2)",
        "UPDATE t x SET name = 'z' WHERE id = (SELECT count(*) * 2 FROM t WHERE t.id < x.id AND x.id = 2)",
        "UPDATE t AS x SET name = 'z' WHERE id = (SELECT count(*) * 2 FROM t AS y WHERE y.id < x.id AND x.id = 2)",
        "UPDATE t JOIN (SELECT max(id) AS id FROM t) x ON x.id = t.id SET t.name = (SELECT 'z')",
    ],
)
def test_the_changed_table_is_read_otherwise(keyed, statement):
    keyed("CREATE TABLE other (id INT)")
    keyed("INSERT INTO other VALUES (2)")
    keyed("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    assert keyed(statement) == 1
    assert keyed("SELECT id FROM t WHERE name = 'b'") == []


def test_a_table_of_the_same_name_elsewhere_is_another(keyed):
    database = keyed("SELECT DATABASE()")[0][0]
    keyed(f"CREATE DATABASE {database}_o")
    keyed(f"CREATE TABLE {database}_o.t (id INT)")
    keyed("INSERT INTO t VALUES (1, 'a')")
    assert keyed(f"DELETE FROM t WHERE id NOT IN (SELECT id FROM {database}_o.t)") == 1
    keyed(f"DROP DATABASE {database}_o")
