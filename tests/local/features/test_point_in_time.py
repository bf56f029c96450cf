"""Point-in-time recovery on the local server, beside the recorded cases (conformance/restoring)."""

import pytest


def now(sql):
    """The server's time, with a moment before and behind it in which nothing happens."""
    sql.wait()
    (((moment,),),) = [sql("SELECT CAST(NOW(6) AS CHAR)")]
    sql.wait()
    return moment


@pytest.fixture
def db(sql, unique, matrixone_database_local):
    sql("CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY (v))")
    sql("CREATE TABLE u (id INT PRIMARY KEY)")
    sql("CREATE VIEW w AS SELECT id FROM t")
    sql("INSERT INTO t VALUES (1, 1), (2, 2)")
    return matrixone_database_local


@pytest.fixture
def pitr(sql, unique, db):
    name = unique("pitr")
    sql(f"CREATE PITR {name} FOR DATABASE {db} RANGE 1 'h'")
    yield name
    sql(f"DROP PITR IF EXISTS {name}")


def test_a_database_goes_back_to_a_moment(sql, db, pitr):
    moment = now(sql)
    sql("DELETE FROM t WHERE id = 1")
    sql("UPDATE t SET v = 9")
    sql("INSERT INTO u VALUES (1)")
    sql("CREATE TABLE later (id INT)")
    sql("CREATE VIEW later_view AS SELECT 1 AS one")
    assert sql(f"RESTORE DATABASE {db} FROM PITR {pitr} '{moment}'") == 0
    assert sql("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 2)]
    assert sql("SELECT count(*) FROM u") == [(0,)]
    assert sql("SELECT count(*) FROM w") == [(2,)]
    assert sql("SHOW TABLES") == [("t",), ("u",), ("w",)]
    assert sql.refused("INSERT INTO t VALUES (1, 1)")[0] == 1062


def test_a_table_goes_back_alone(sql, db, pitr):
    moment = now(sql)
    sql("DELETE FROM t")
    sql("INSERT INTO u VALUES (1)")
    sql(f"RESTORE DATABASE {db} TABLE t FROM PITR {pitr} '{moment}'")
    assert sql("SELECT count(*) FROM t") == [(2,)]
    assert sql("SELECT count(*) FROM u") == [(1,)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE t DROP COLUMN v", "table {db}.t, which was changed after"),
        ("DROP TABLE t", "table {db}.t, which was dropped after"),
        ("DROP VIEW w", "view {db}.w, which was dropped after"),
    ],
)
def test_what_the_engine_has_forgotten_is_refused_and_nothing_changes(sql, db, pitr, change, words):
    moment = now(sql)
    sql("DELETE FROM u")
    sql(change)
    sql("INSERT INTO u VALUES (7)")
    code, message = sql.refused(f"RESTORE DATABASE {db} FROM PITR {pitr} '{moment}'")
    assert code == 20101
    assert words.format(db=db) in message
    assert sql("SELECT * FROM u") == [(7,)]


@pytest.mark.parametrize(
    ("of", "restored", "words"),
    [
        ("TABLE {db} t", "DATABASE {db}", "restore level table is not allowed for database restore"),
        ("TABLE {db} t", "DATABASE {db} TABLE u", "is not allowed to restore table {db}.u"),
        ("DATABASE {db}", "DATABASE mo_catalog", "is not allowed to restore database mo_catalog"),
        ("DATABASE {db}", "", "restore level database is not allowed for account restore"),
    ],
)
def test_a_pitr_restores_what_it_is_of(sql, db, unique, of, restored, words):
    name = unique("pitr")
    sql(f"CREATE PITR {name} FOR {of.format(db=db)} RANGE 1 'd'")
    code, message = sql.refused(f"RESTORE {restored.format(db=db)} FROM PITR {name} '{now(sql)}'")
    sql(f"DROP PITR {name}")
    assert code == 20101
    assert words.format(db=db) in message


@pytest.mark.parametrize(
    ("moment", "words"), [("2001-01-01 00:00:00", "less than the pitr valid time"), ("2099-01-01", "bigger than now")]
)
def test_moments_that_it_does_not_reach(sql, db, pitr, moment, words):
    code, message = sql.refused(f"RESTORE DATABASE {db} FROM PITR {pitr} '{moment}'")
    assert code == 20101
    assert words in message


def test_one_of_each(sql, db, pitr, unique):
    code, message = sql.refused(f"CREATE PITR {unique('pitr')} FOR DATABASE {db} RANGE 1 'd'")
    assert (code, message) == (20101, f"internal error: database `{db}` already has a pitr")


def test_recovery_windows(sql, db, pitr, unique):
    name = unique("snap")
    sql(f"CREATE SNAPSHOT {name} FOR TABLE {db} t")
    windows = {row[3]: row[4] for row in sql(f"SHOW RECOVERY_WINDOW FOR DATABASE {db}")}
    sql(f"DROP SNAPSHOT {name}")
    assert set(windows) == {"t", "u"}
    assert f"'source_name':'{name}'" in windows["t"]
    assert f"'source_name':'{name}'" not in windows["u"]
    assert all(f"'source':'pitr', 'source_name':'{pitr}'" in message for message in windows.values())
    assert sql.refused("SHOW RECOVERY_WINDOW FOR DATABASE nope")[0] == 20101


def test_only_administrators_and_no_transaction(sql, db, pitr):
    sql("BEGIN")
    assert sql.refused(f"ALTER PITR {pitr} RANGE 2 'h'")[0] == 20101
    sql("ROLLBACK")
