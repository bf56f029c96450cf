"""Operations that load, driven by scripted answers."""

import pytest
from script import play, rows, texts
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.orm import declarative_base

from matrixone_core import loads
from matrixone_core.errors import InvalidArgument, StageDisabled, TableNotFound
from matrixone_core.operation import Reply
from matrixone_core.sql.load import ColumnNames, CsvOptions, LoadCsv
from matrixone_core.sql.stage import SelectStages

STAGE = {
    "stage_name": "s", "url": "file:///a/", "stage_credentials": "", "stage_status": "enabled", "created": 1,
    "comment": "",
}  # fmt: skip


class User(declarative_base()):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


def load(*arguments, **options):
    return loads.read_csv_stage(*(arguments or ("S", "a.csv", "t")), **options)


def test_a_load_looks_at_the_stage_and_sends_one_statement():
    steps, report = play(load("S", "d/a.csv", User, ignore_lines=1), rows(STAGE), Reply(count=3))
    assert steps == [SelectStages(name="s"), LoadCsv("stage://s/d/a.csv", ("users",), CsvOptions(ignore_lines=1))]
    assert report == loads.LoadReport("users", 3, (loads.LoadedFile("stage://s/d/a.csv", 3),), 1.0)
    assert str(report) == "stage://s/d/a.csv -> users: 3 rows in 1.00 s"


def test_a_report_in_words():
    files = (loads.LoadedFile("stage://s/a", 1), loads.LoadedFile("stage://s/b", 0))
    assert str(loads.LoadReport("d.t", 1, files, 0.5)) == "2 files -> d.t: 1 row in 0.50 s"


def statement(**options):
    steps, _ = play(load(**options), rows(STAGE), Reply(count=0))
    return texts(steps)[-1]


@pytest.mark.parametrize(
    ("options", "sql"),
    [
        ({}, "LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` FIELDS TERMINATED BY ',' ENCLOSED BY '\"'"),
        ({"delimiter": "|", "quote": "'", "escape": "\\", "line_terminator": "\r\n", "ignore_lines": 2},
         "LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` FIELDS TERMINATED BY '|' ENCLOSED BY '''' ESCAPED BY '\\\\'"
         " LINES TERMINATED BY '\r\n' IGNORE 2 LINES"),
        ({"columns": ["a", None, "b`c"], "null_values": "NULL", "compression": "gzip"},
         "LOAD DATA INFILE {'filepath'='stage://s/a.csv', 'compression'='gzip', 'format'='csv'} INTO TABLE `t` FIELDS"
         " TERMINATED BY ',' ENCLOSED BY '\"' (`a`, @skip1, `b``c`) SET `a`=NULLIF(`a`, 'NULL'),"
         " `b``c`=NULLIF(`b``c`, 'NULL')"),
    ],
)  # fmt: skip
def test_options_in_sql(options, sql):
    assert statement(**options) == sql


def test_null_values_without_columns_ask_for_the_tables_own():
    op = load("s", "a.csv", "d.t", null_values=["x"])
    steps, _ = play(op, rows(STAGE), rows({"name": "a"}), Reply(count=0))
    assert steps[1] == ColumnNames(("d", "t"))
    assert steps[2].options.nulls == ("a",)
    assert "table_schema='d' AND table_name='t'" in str(steps[1])
    assert "table_schema=DATABASE()" in str(ColumnNames(("t",)))
    with pytest.raises(TableNotFound, match=r"d\.t"):
        play(load("s", "a.csv", "d.t", null_values="x"), rows(STAGE), rows())


def test_a_disabled_stage():
    with pytest.raises(StageDisabled, match="enable=True"):
        play(load(), rows(STAGE | {"stage_status": "disabled"}))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("s", "", "t"), "empty"), (("s", "/", "t"), "empty"), (("s", "d/", "t"), "folder"),
        (("s", "../a.csv", "t"), "leave the stage"), (("s", "d/../../a.csv", "t"), "leave the stage"),
        (("s", "stage://s/a.csv", "t"), "is a URL"), (("s", "a b.csv", "t"), "space"), (("s", "a?.csv", "t"), "'?'"),
        (("s", "a#b", "t"), "'#'"), (("s", "a%20b", "t"), "'%'"), (("s", "a\\b", "t"), "separated by /"),
        (("s", "*.csv", "t"), "not a pattern"), (("s", "a\nb", "t"), "printed"), (("s/x", "a", "t"), "stage name"),
        (("s", "a", "a.b.c"), "database.table"), (("s", "a", ""), "database.table"), (("s", "a", ".t"), "database.table"),
        (("s", "a", 3), "no ORM model"), (("s", "a", object), "no ORM model"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded(arguments, says):
    with pytest.raises(InvalidArgument) as caught:
        play(load(*arguments))
    assert caught.value.steps == []
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"delimiter": ""}, "delimiter="), ({"delimiter": "||"}, "one ASCII"), ({"delimiter": "\n"}, "line's end"),
        ({"delimiter": "é"}, "ASCII"), ({"quote": ""}, "quote="), ({"quote": "ab"}, "quote="), ({"escape": ""}, "escape="),
        ({"delimiter": '"'}, "are both"), ({"escape": ","}, "are both"), ({"escape": '"'}, "doubled quote"), ({"ignore_lines": -1}, "ignore_lines=-1"),
        ({"ignore_lines": "1"}, "ignore_lines='1'"), ({"line_terminator": ";"}, "line_terminator="),
        ({"compression": "rar"}, "'none', 'gzip', 'bz2'"), ({"columns": "a"}, "list of names"),
        ({"columns": ["@x"]}, "None to skip"), ({"columns": [""]}, "None to skip"), ({"columns": [None]}, "no column"),
        ({"columns": ["a", "a"]}, "more than once"), ({"null_values": ["a", "b"]}, "takes one"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(options, says):
    with pytest.raises(InvalidArgument) as caught:
        play(load(**options))
    assert caught.value.steps == []
    assert says in str(caught.value)


def test_tables_have_one_or_two_names():
    for table, names in ((User, ("users",)), (Table("t", MetaData(), schema="d"), ("d", "t")), ("d.t", ("d", "t"))):
        steps, report = play(load("s", "a", table), rows(STAGE), Reply(count=0))
        assert steps[1].table == names
        assert report.table == ".".join(names)
