"""INSERTs of staged rows, and how many rows the planner expects of them."""

from dataclasses import replace

import pytest

from matrixone_core.fragments import Value
from matrixone_core.sql.staged_inserts import MAX_ROW_LOCKS, Assignment, Conflict, DuplicatePolicy, InsertStaged, Key
from matrixone_core.sql.staging import RowNumbers, RowRange

INSERT = InsertStaged(
    ("t",), ("x",), (Assignment("a", ("s.`f0`",)), Assignment("b", ("NULLIF(s.`f1`, ", Value(""), ")")))
)
ID = (Key(("a",), (("s.`f0`",),)),)
EVERY_ROW = "SELECT s.`f0` AS matrixone_value0, NULLIF(s.`f1`, '') AS matrixone_value1 FROM `x` s"


@pytest.mark.parametrize(
    "insert",
    [
        replace(INSERT, conflict=Conflict.SKIP, keys=ID),
        replace(INSERT, conflict=Conflict.SKIP, keys=ID, policy=DuplicatePolicy.FIRST),
        replace(INSERT, conflict=Conflict.REPLACE, keys=ID, policy=DuplicatePolicy.LAST),
        replace(INSERT, conflict=Conflict.UPDATE, update=("b",), keys=ID, policy=DuplicatePolicy.LAST),
        replace(INSERT, rows=RowRange(1, MAX_ROW_LOCKS + 1, (5,))),
    ],
)
def test_the_planner_is_led_to_expect_many_rows(insert):
    """Of a condition behind a join it expects 5 % of the rows, and locks them one by one (server-facts 52)."""
    sql = str(insert)
    assert sql.split(" INTO ")[1].startswith(f"`t` (`a`, `b`) SELECT * FROM ({EVERY_ROW} ")
    nothing = f" UNION ALL {EVERY_ROW} WHERE s.`matrixone_row` <> s.`matrixone_row`) u"
    assert sql.partition(" ON DUPLICATE")[0].endswith(nothing)


@pytest.mark.parametrize(
    "insert",
    [
        INSERT,
        replace(INSERT, conflict=Conflict.REPLACE, keys=ID),
        replace(INSERT, conflict=Conflict.SKIP, keys=ID, rows=RowNumbers((1, 2))),
        replace(INSERT, conflict=Conflict.SKIP, keys=ID, rows=RowRange(1, MAX_ROW_LOCKS)),
    ],
)
def test_the_planner_expects_as_many_rows_as_there_are(insert):
    assert str(insert).split(" INTO ")[1].startswith("`t` (`a`, `b`) SELECT s.`f0`, NULLIF(s.`f1`, '') FROM `x` s")
    assert "UNION" not in str(insert)


@pytest.mark.parametrize(
    ("rows", "limit"), [(RowRange(3, 7, (5,)), 5), (RowNumbers((1, 9)), 2), (RowRange(1, MAX_ROW_LOCKS + 1), 20001)]
)
def test_other_rows_do_not_fail_an_insert_of_some(rows, limit):
    """A LIMIT has the server evaluate CHECK constraints after WHERE (server-facts 104)."""
    insert = replace(INSERT, rows=rows, is_alone=True)
    assert str(insert).endswith(f" LIMIT {limit}")
    update = replace(insert, conflict=Conflict.UPDATE, update=("b",))
    assert f" LIMIT {limit} ON DUPLICATE KEY UPDATE " in str(update)
    assert "LIMIT" not in str(replace(insert, rows=None)) + str(replace(insert, is_alone=False))
