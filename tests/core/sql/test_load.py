"""Statements of loads as SQL, and what their replies mean."""

from dataclasses import replace

import pytest
from script import rows

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import Value
from matrixone_core.names import stage_path
from matrixone_core.secrets import Credentials
from matrixone_core.sql.load import ClientData, Csv, JsonLines, LoadData, Parquet, S3Object
from matrixone_core.sql.staging import (
    MAX_ROW_LOCKS,
    Assignment,
    Conflict,
    CreateStaging,
    DropTable,
    DuplicatePolicy,
    InsertStaged,
    Key,
    RowNumbers,
    RowRange,
    SelectStaged,
    StagedRow,
)
from matrixone_core.sql.table import ColumnNames, SelectLoadState, TablesLike

FIELDS = "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''"


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (LoadData("/a.csv", ("d", "t"), Csv(2, "|", "'", "!", "\r\n")),
         "LOAD DATA INFILE '/a.csv' INTO TABLE `d`.`t` FIELDS TERMINATED BY '|' ENCLOSED BY '''' ESCAPED BY '!' LINES TERMINATED BY '\r\n' IGNORE 2 LINES"),
        (LoadData("stage://s/a", ("t",), JsonLines("array", "gzip")),
         "LOAD DATA INFILE {'filepath'='stage://s/a', 'compression'='gzip', 'format'='jsonline', 'jsondata'='array'} INTO TABLE `t`"),
        (LoadData("stage://s/a", ("t",), Parquet()), "LOAD DATA INFILE {'filepath'='stage://s/a', 'format'='parquet'} INTO TABLE `t`"),
        (LoadData(ClientData("x"), ("t",), Csv(), parallel=True), f"LOAD DATA LOCAL INFILE 'x' INTO TABLE `t` {FIELDS} PARALLEL 'TRUE'"),
        (LoadData(S3Object("b", "k", Credentials({"AWS_REGION": "r"})), ("t",), JsonLines()),
         "LOAD DATA URL s3option {'bucket'='b', 'filepath'='k', 'region'='r', 'format'='jsonline', 'jsondata'='object'} INTO TABLE `t`"),
        (LoadData(S3Object("b", "k", Credentials()), ("t",), Csv(compression="bz2")),
         f"LOAD DATA URL s3option {{'bucket'='b', 'filepath'='k', 'compression'='bz2'}} INTO TABLE `t` {FIELDS}"),
        (CreateStaging(("x",), (("b", "TEXT"),), numbered=True), "CREATE TABLE `x` (`matrixone_row` BIGINT AUTO_INCREMENT, `b` TEXT)"),
        (DropTable(("x",), if_exists=False), "DROP TABLE `x`"),
        (TablesLike((), "a_b"), "SELECT table_name AS name FROM information_schema.tables WHERE table_schema=DATABASE() AND table_name LIKE 'a\\\\_b%'"),
        (ColumnNames(("D", "T")), "SELECT column_name AS name FROM information_schema.columns WHERE table_schema='d' AND table_name='t' ORDER BY ordinal_position"),
        (SelectStaged(("x",), ("a",), (("s.`a` = ", Value("1")), ("TRUE",)), numbered=True, limit=5, above=7),
         "SELECT s.`matrixone_row` AS n, hex(s.`a`) AS v0 FROM `x` s WHERE s.`matrixone_row` > 7 AND (s.`a` = '1' OR TRUE) ORDER BY s.`matrixone_row` LIMIT 5"),
    ],
)  # fmt: skip
def test_statements(statement, sql):
    assert str(statement) == sql


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


def test_what_is_asked_before_a_load_is_one_statement():
    row = {
        "now": "7", "current_database": "d", "in_use": 0, "reached": 2, "stage_name": "s", "url": "file:///a/",
        "stage_credentials": "", "stage_status": "in_use", "created": None, "comment": "",
    }  # fmt: skip
    question = SelectLoadState(("d", "t"), "s", "stage://s/a", (10, 20))
    assert "load_file(CAST('stage://s/a?offset=20&size=1' AS datalink)) IS NULL THEN 0 ELSE 1 END AS reached" in str(
        question
    )
    state = question.parse(rows(row))
    assert (state.stage.name, state.in_use, state.reached, state.now, state.database) == ("s", False, 2, 7, "d")
    nothing = SelectLoadState(None).parse(rows({**row, "in_use": 1, "stage_name": None, "reached": None}))
    assert (nothing.stage, nothing.in_use, nothing.reached) == (None, True, 0)  # server-facts 61


def test_staged_rows_come_in_hexadecimal():
    question = SelectStaged(("x",), ("a", "b"), (("TRUE",),), numbered=True, limit=5)
    assert question.parse(rows({"n": "3", "v0": "41FF", "v1": None})) == (StagedRow(3, (b"A\xff", None)),)


def test_staged_rows_by_their_numbers():
    assert RowNumbers((3, 5)).condition() == "s.`matrixone_row` IN (3, 5)"
    assert RowRange(2, 9, (1, 4)).condition() == "s.`matrixone_row` BETWEEN 2 AND 9 AND s.`matrixone_row` NOT IN (4)"
    assert RowRange(2, 9, (1,)).condition() == "s.`matrixone_row` BETWEEN 2 AND 9"
    assert Key(("a",), (("x",),)).columns == ("a",)


@pytest.mark.parametrize(
    ("file", "says"),
    [("", "is empty"), ("/", "is empty"), ("d/", "is a folder"), ("../a", "leave the stage"), ("d/../../a", "leave the stage"),
     ("stage://s/a", "is a URL"), ("a b", "space"), ("a#b", "'#'"), ("a%20b", "'%'"), ("a\nb", "printed")],
)  # fmt: skip
def test_paths_that_no_file_of_a_stage_has(file, says):
    with pytest.raises(InvalidArgument, match=says):
        stage_path("s", file)
