"""Keys that LOAD DATA does not check (server-facts 17), and what other statements see of the duplicates."""


def load(lines):
    return f"LOAD DATA INLINE FORMAT='csv', DATA='{lines}\\n' INTO TABLE t FIELDS TERMINATED BY ','"


DOUBLE = "1,a\\n2,b\\n1,c\\n"


def rows(sql):
    return sql("SELECT * FROM t ORDER BY id, name")


def test_no_key_is_checked(keyed):
    """Server-facts 17."""
    keyed("INSERT INTO t VALUES (2, 'there'), (9, 'b')")
    assert keyed(load("1,a\\n2,b\\n1,c\\n3,")) == 4
    assert rows(keyed) == [(1, "a"), (1, "c"), (2, "b"), (2, "there"), (3, ""), (9, "b")]
    assert keyed(load("1,a\\n2,b\\n1,c\\n3,")) == 4
    assert keyed("SELECT count(*) FROM t WHERE id = 1") == [(4,)]


def test_other_statements_check_keys_still(keyed):
    keyed(load(DOUBLE))
    assert keyed.refused("INSERT INTO t VALUES (1, 'new')")[0] == 1062
    assert keyed.refused("INSERT INTO t VALUES (5, 'b')")[0] == 1062
    assert keyed("INSERT IGNORE INTO t VALUES (1, 'new'), (5, 'new')") == 1
    assert keyed.refused("INSERT INTO t VALUES (1, 'x') ON DUPLICATE KEY UPDATE name = 'y'")[0] == 20313
    assert keyed("UPDATE t SET name = 'z' WHERE id = 2") == 1
    assert keyed("DELETE FROM t WHERE id = 1") == 2
    assert rows(keyed) == [(2, "z"), (5, "new")]


def test_duplicates_are_not_seen_in_descriptions(keyed):
    before = (
        keyed("SHOW CREATE TABLE t"),
        keyed("DESC t"),
        keyed("SHOW INDEX FROM t"),
        keyed("SHOW FULL COLUMNS FROM t"),
    )
    keyed(load(DOUBLE))
    after = keyed("SHOW CREATE TABLE t"), keyed("DESC t"), keyed("SHOW INDEX FROM t"), keyed("SHOW FULL COLUMNS FROM t")
    assert before == after
    columns = "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 't'"
    assert sorted(keyed(columns)) == [("id",), ("name",)]
    assert keyed("SELECT * FROM t WHERE id = 2") == [(2, "b")]


def test_nulls_are_no_duplicates(keyed):
    assert keyed(load("1,\\\\N\\n2,\\\\N\\n2,\\\\N\\n")) == 3
    assert rows(keyed) == [(1, None), (2, None), (2, None)]


def test_duplicates_belong_to_the_transaction(keyed, connect, matrixone_database_local):
    keyed("CREATE TABLE u (a INT)")
    keyed("BEGIN")
    keyed("INSERT INTO u VALUES (1)")
    keyed(load(DOUBLE))
    assert connect(database=matrixone_database_local)("SELECT count(*) FROM t") == [(0,)]
    keyed("ROLLBACK")
    assert (rows(keyed), keyed("SELECT * FROM u")) == ([], [])
    keyed("BEGIN")
    keyed(load(DOUBLE))
    keyed("COMMIT")
    assert len(rows(keyed)) == 3


def test_duplicates_in_a_table_that_the_transaction_has_changed(keyed, connect, matrixone_database_local):
    other = connect(database=matrixone_database_local)
    for end, count in (("ROLLBACK", 0), ("COMMIT", 4)):
        keyed("BEGIN")
        keyed("INSERT INTO t VALUES (9, 'n')")
        assert keyed(load(DOUBLE)) == 3
        assert len(rows(keyed)) == 4
        assert other("SELECT count(*) FROM t") == [(0,)]
        keyed(end)
        assert len(rows(keyed)) == count


def test_a_bad_row_behind_duplicates_leaves_nothing(keyed):
    keyed("INSERT INTO t VALUES (7, 'x')")
    assert keyed.refused(load("7,a\\nx,b\\n"))[0] == 20101
    assert keyed.refused(load("7,a\\n7,b\\n8\\n"))[0] == 20301
    assert rows(keyed) == [(7, "x")]


def test_duplicates_of_given_columns_and_of_generated_keys(sql):
    sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT UNIQUE, b INT DEFAULT 5)")
    statement = "LOAD DATA INLINE FORMAT='csv', DATA='1\\n1\\n2\\n' INTO TABLE t (a)"
    assert sql(statement) == 3
    assert [row[1:] for row in sql("SELECT * FROM t ORDER BY a")] == [(1, 5), (1, 5), (2, 5)]
    assert len({row[0] for row in sql("SELECT * FROM t")}) == 3
