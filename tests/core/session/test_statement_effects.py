"""What statements do to their connection and transaction."""

import pytest

from matrixone_core.session.statement_effects import Effect, effect_of


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", " insert into t values (1)", "SELECT 'COMMIT'", "SELECT ';COMMIT'", "SELECT 1; -- COMMIT", "CREATE TABLE t (a INT)",
     "/* COMMIT */ SELECT 1", "COMMITTED", "SET time_zone = @matrixone_time_zone", "CALL p()", "", " ; "],
)  # fmt: skip
def test_statements_without_an_effect(sql):
    assert effect_of(sql) is Effect.NONE


@pytest.mark.parametrize(
    "sql", ["USE d", "use `d`", "SET @a = 1", "SET time_zone = 'x'", "CREATE\nTEMPORARY TABLE t (a INT)", "PREPARE p FROM 'x'", "SELECT 1; USE d"]
)  # fmt: skip
def test_statements_that_change_the_connection(sql):
    assert effect_of(sql) is Effect.CHANGES_CONNECTION


@pytest.mark.parametrize(
    "sql",
    ["COMMIT", " commit ;", "COMMIT WORK", "/* x */ COMMIT", "-- x\nCOMMIT", "# x\nROLLBACK", "/*!40000 COMMIT */", "BEGIN", "START TRANSACTION",
     "LOCK TABLES t READ", "UNLOCK TABLES", "SELECT 1; COMMIT", "USE d; ROLLBACK AND CHAIN"],
)  # fmt: skip
def test_statements_that_end_the_transaction(sql):
    assert effect_of(sql) is Effect.ENDS_TRANSACTION


@pytest.mark.parametrize(
    "sql",
    ["SET autocommit=1", "set @@session.AUTOCOMMIT = ON", "SET a = 1,\n autocommit = 1", "COMMIT; SET autocommit=0"],
)
def test_statements_that_change_autocommit(sql):
    assert effect_of(sql) is Effect.CHANGES_AUTOCOMMIT
