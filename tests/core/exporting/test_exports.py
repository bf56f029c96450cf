"""Exports by what servers have been seen to answer: sources, columns, statements, files and their places, manifests."""

import bz2
import datetime as dt
import io
import json
import sys
from decimal import Decimal
from types import SimpleNamespace

import pyarrow.parquet
import pytest
from script import Driver as Performer
from script import drive, play, rows
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, column, insert, select, text
from sqlalchemy.dialects import mysql

from matrixone_core import execution
from matrixone_core.errors import (
    InvalidArgument,
    LoadFailed,
    NotSupported,
    PermissionDenied,
    ServerError,
    StageFileExists,
    StageFileNotFound,
)
from matrixone_core.exporting import columns, options
from matrixone_core.exporting.client_export import check_target
from matrixone_core.exporting.manifest import Manifest, parse_manifest, read_manifest
from matrixone_core.exporting.report import ExportedFile, ExportProgress, ExportReport
from matrixone_core.exporting.source import resolve_source
from matrixone_core.exporting.stage_export import load_options
from matrixone_core.exporting.writers.csv import CsvStyle, CsvWriter
from matrixone_core.exporting.writers.json_lines import JsonLinesWriter
from matrixone_core.exporting.writers.parquet import Drain, ParquetWriter
from matrixone_core.operations import exports, loads
from matrixone_core.result_columns import ResultColumn
from matrixone_core.sql.export import (
    CountQueryRows,
    CsvOutput,
    JsonLinesOutput,
    Outfile,
    ParquetOutput,
    Query,
    SelectNothing,
    SelectRows,
    SelectTimeZone,
)
from matrixone_core.stage_paths import stage_file
from matrixone_core.steps import RunSync, Streaming
from matrixone_platform.machine import LocalMachine

USERS = Table("users", MetaData(), Column("id", Integer), Column("name", Integer), schema="app")
DEFINITION = (
    "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `b` bit(9) DEFAULT NULL,\n  `g` blob DEFAULT NULL,\n"
    "  `y` year DEFAULT NULL,\n  `u` bigint unsigned DEFAULT NULL,\n  `d` datalink DEFAULT NULL,\n"
    "  `ts` timestamp NULL DEFAULT NULL,\n  PRIMARY KEY (`id`)\n)"
)
SHOWN = [{"Table": "t", "Create Table": DEFINITION}]
LONG, LONGLONG, TIMESTAMP, BIT, BLOB, VAR_STRING, JSON = 3, 8, 7, 16, 252, 253, 245


def compiled(statement):
    """What SQLAlchemy sends: the text, and the values."""
    found = statement.__clause_element__().compile(dialect=mysql.dialect())
    return str(found), found.params


@pytest.mark.parametrize(
    ("source", "params", "sql", "table"),
    [
        ("t", None, "SELECT * FROM `t`", ("t",)),
        (" select ", None, "SELECT * FROM `select`", ("select",)),
        ("with.values", None, "SELECT * FROM `with`.`values`", ("with", "values")),
        (USERS, {}, "SELECT `id`, `name` FROM `app`.`users`", ("app", "users")),
        ("SELECT 1;\n ; ", None, "SELECT 1", ()),
        ("(select 1) union select ':x'", None, "(select 1) union select ':x'", ()),
        (
            "-- a\n# b\n/* c\n*/ WITH x AS (SELECT 1) SELECT * FROM x",
            None,
            "-- a\n# b\n/* c\n*/ WITH x AS (SELECT 1) SELECT * FROM x",
            (),
        ),
        ("SELECT :x, ':y'", {"x": "it's"}, "SELECT :x, ':y'", ()),
        ("SELECT ?, '?'", (1,), "SELECT ?, '?'", ()),
        (text("SELECT :x"), {"x": 1}, "SELECT :x", ()),
        (select(column("a")).where(column("a") == bindparam("x")), {"x": 1}, "SELECT a FROM DUAL \nWHERE a = :x", ()),
    ],
)
def test_sources(source, params, sql, table):
    found = resolve_source(source, params)
    assert (found.query.sql, found.table) == (sql, table)


@pytest.mark.parametrize(
    ("source", "params", "words"),
    [
        ("DROP TABLE t", None, "neither the name of a table nor a SELECT"),
        ("", None, "not 'table'"),
        ("a.b.c", None, "not 'table'"),
        (insert(USERS), None, "cannot be exported"),
        (7, None, "cannot be exported"),
        ("t", {"x": 1}, "belong to a query"),
        ("SELECT 1", [1], "placeholder"),
        ("SELECT ?", [(1,), (2,)], "values of one execution"),
        (text("SELECT :x"), [{"x": 1}], "values of one execution"),
        ("SELECT :x", {"y": 1}, "no value 'x'"),
        ("SELECT :x", {"x": 1, "y": 1}, "a name that is not in the query"),
        (text("SELECT :x, :y"), {"x": 1}, "have no value: y"),
        (select(column("a")).with_for_update(skip_locked=True), None, "cannot be written as SQL"),
    ],
)
def test_what_is_no_source(source, params, words):
    with pytest.raises(InvalidArgument, match=words):
        resolve_source(source, params)


def test_statements():
    query = Query(text("SELECT :p0 AS a -- x").bindparams(p0="v"), "SELECT :p0 AS a -- x")
    statement = Outfile(query, "stage://s/a.csv", CsvOutput(False, "|", "'", "\r\n", ("a`b",)), 1000)
    sql, values = compiled(statement)
    assert sql.startswith("SELECT %s AS a -- x\nINTO OUTFILE %s FORMAT 'csv' SPLITSIZE '1000' FIELDS TERMINATED BY %s")
    assert sql.endswith("ENCLOSED BY %s LINES TERMINATED BY %s HEADER 'FALSE' FORCE_QUOTE (`a``b`)")
    assert sorted(values.values()) == ["\r\n", "'", "stage://s/a.csv", "v", "|"]
    assert "'v'" not in str(statement)
    assert str(statement).startswith("SELECT :p0 AS a -- x\nINTO OUTFILE 'stage://s/a.csv' FORMAT 'csv'")
    for output in (JsonLinesOutput(), ParquetOutput()):
        assert str(Outfile(query, "stage://s/a", output)).endswith(f"INTO OUTFILE 'stage://s/a' FORMAT '{output.name}'")
    assert compiled(CountQueryRows(query))[0] == "SELECT count(*) AS n FROM (SELECT %s AS a -- x\n) q"
    assert str(CountQueryRows(query)) == "SELECT count(*) AS n FROM (SELECT :p0 AS a -- x\n) q"
    assert compiled(SelectNothing(query))[0] == "SELECT * FROM (SELECT %s AS a -- x\n) q WHERE FALSE"
    assert str(SelectNothing(query)) == "SELECT * FROM (SELECT :p0 AS a -- x\n) q WHERE FALSE"
    assert compiled(SelectRows(query))[0] == "SELECT %s AS a -- x\n"
    assert str(SelectRows(query)) == "SELECT :p0 AS a -- x"


@pytest.mark.parametrize(
    ("form", "sql", "assignments"),
    [
        ("csv", "`id`, CAST(`b` AS UNSIGNED) AS `b`, `g`, `y`, `u`, `d`, `ts`", {"b": "CAST(`b` AS UNSIGNED)"}),
        ("jsonline", "`id`, CAST(`b` AS UNSIGNED) AS `b`, `g`, CAST(`y` AS CHAR) AS `y`, `u`, `d`, `ts`", {"b": "CAST(`b` AS UNSIGNED)"}),
        ("parquet", "`id`, CAST(CAST(`b` AS UNSIGNED) AS CHAR) AS `b`, `g`, CAST(`y` AS CHAR) AS `y`, CAST(`u` AS CHAR) AS `u`, CAST(`d` AS CHAR) AS `d`, `ts`", {"b": "CAST(`b` AS UNSIGNED)"}),
    ],
)  # fmt: skip
def test_columns_of_a_table(form, sql, assignments):
    _, found = play(columns.plan_columns(resolve_source("t", None), form), DEFINITION)
    assert found.query.sql == f"SELECT {sql} FROM `t`"
    assert (found.assignments, found.has_timestamps) == (assignments, True)
    assert found.base64 == (("g",) if form == "jsonline" else ())
    model = Table("t", MetaData(), Column("u"), Column("id"))
    _, found = play(columns.plan_columns(resolve_source(model, None), "csv"), DEFINITION)
    assert (found.columns, found.has_timestamps) == (("u", "id"), False)


def test_vectors_are_not_written_to_parquet():
    definition = "CREATE TABLE `t` (\n  `v` vecf32(3) DEFAULT NULL\n)"
    with pytest.raises(NotSupported, match="'v' has some"):
        play(columns.plan_columns(resolve_source("t", None), "parquet"), definition)


def described(form, *found, source="SELECT 1"):
    return play(columns.plan_columns(resolve_source(source, None), form), found)[1]


def test_columns_of_a_query():
    found = described(
        "jsonline", ResultColumn("a", LONG), ResultColumn("b", BIT), ResultColumn("c", BLOB, is_binary=True)
    )
    assert found.load_options == {"set": {"b": "CAST(`b` AS UNSIGNED)"}, "base64": ["c"]}
    assert not found.has_timestamps
    assert described("csv", ResultColumn("t", TIMESTAMP), ResultColumn("c", BLOB, is_binary=True)).has_timestamps
    assert described("parquet", ResultColumn("a", LONGLONG)).columns == ("a",)
    with pytest.raises(NotSupported, match=r"select CAST\(`a` AS CHAR\) AS `a`"):
        described("parquet", ResultColumn("a", LONGLONG, is_unsigned=True))
    with pytest.raises(NotSupported, match=r"select CAST\(`b` AS UNSIGNED\) AS `b`"):
        described("csv", ResultColumn("b", BIT))
    with pytest.raises(InvalidArgument, match="called 'a'"):
        described("csv", ResultColumn("a", LONG), ResultColumn("a", LONG))


def test_a_view_is_described_as_a_query_is():
    steps, found = play(columns.plan_columns(resolve_source("v", None), "csv"), "", (ResultColumn("a", LONG),))
    assert [type(step) for step in steps][1:] == [RunSync]
    assert found.columns == ("a",)
    refused = PermissionDenied("no")
    assert play(columns.plan_columns(resolve_source("v", None), "csv"), refused, ())[1].columns == ()
    for code, kind in ((1060, InvalidArgument), (1064, ServerError)):
        with pytest.raises(kind, match="Duplicate"):
            play(
                columns.plan_columns(resolve_source("SELECT 1", None), "csv"),
                ServerError("Duplicate column", code=code),
            )


@pytest.mark.parametrize(
    ("given", "file", "server", "form"),
    [
        (None, "a.csv", True, "csv"), (None, "a", True, "csv"), (None, "A.JSONL", True, "jsonline"),
        (None, "a.json", True, "jsonline"), (None, "a.parquet", True, "parquet"), (None, "a.json.gz", False, "jsonline"),
        ("jsonline", "a.txt", True, "jsonline"), ("parquet", "a.parquet", False, "parquet"),
    ],
)  # fmt: skip
def test_the_suffix_says_the_format(given, file, server, form):
    assert options.format_of(given, file, server=server) == form


T = stage_file("s", "dir/t.csv")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: exports.to_stage("t", "s", "t.csv.gz"), "compresses no file"),
        (lambda: exports.to_stage("t", "s", "t.csv", format="parquet"), "is csv by its suffix"),
        (lambda: exports.to_stage("t", "s", "t.csv", format="xml"), "must be one of"),
        (lambda: exports.to_stage("t", "s", "dir/"), "is a folder"),
        (lambda: exports.to_stage("t", "s", "a b.csv"), "space"),
        (lambda: exports.to_stage("t", "s", 7), "must be a str"),
        (lambda: exports.to_stage("t", "s", "t.csv", split_size="much"), "split_size"),
        (lambda: exports.to_stage("t", "s", "t.csv", split_size=0), "split_size"),
        (lambda: exports.to_stage("t", "s", "t.parquet", split_size=9), "never splits it"),
        (lambda: exports.to_stage("t", "s", "t.csv", split_size=1.5), "split_size"),
        (lambda: exports.to_stage("t", "s", "t.csv", delimiter="-"), "numbers and dates"),
        (lambda: exports.to_stage("t", "s", "t.csv", delimiter=""), "delimiter"),
        (lambda: exports.to_stage("t", "s", "t.csv", delimiter="|", quote="|"), "cannot be the delimiter"),
        (lambda: exports.to_stage("t", "s", "t.csv", quote="\\"), "or a backslash"),
        (lambda: exports.to_stage("t", "s", "t.csv", line_terminator="x"), "line_terminator"),
        (lambda: exports.to_stage("t", "s", "t.csv", header=None), "header"),
        (lambda: exports.to_stage("t", "s", "t.csv", count=1), "count"),
        (lambda: exports.to_stage("t", "s", "t.csv", progress=True), "must be a function"),
        (lambda: exports.to_stage("t", "s", "t.csv", timeout=0), "timeout"),
        (lambda: exports.to_file("t", "t.csv", escape="x"), "escape"),
        (lambda: exports.to_file("t", "t.csv", null_value="a,b"), "ends a field"),
        (lambda: exports.to_file("t", "t.csv", null_value=None), "must be a str"),
        (lambda: exports.to_file("t", ""), "path is empty"),
        (lambda: exports.to_file("t", "stage://s/t.csv"), "export.to_stage"),
        (lambda: exports.to_file("t", "t.csv.xz"), "compressed by xz"),
        (lambda: exports.to_file("t", 7), "open to write"),
        (lambda: exports.to_file("t", io.StringIO(), format="parquet"), "Parquet is no text"),
        (lambda: exports.to_csv("t.csv", "t", sep="\n"), "delimiter"),
        (lambda: loads.read_json("x.jsonl", "t", base64="g"), "give a list of names"),
        (lambda: loads.read_json_stage("s", "x.jsonl", "t", base64=[7]), "must be a str"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(call, words):
    with pytest.raises(InvalidArgument, match=words):
        play(call())


def test_split_sizes():
    assert [options.split_size_of(size) for size in (None, 5, "5", "2k", "3 MB", "1G")] == [
        None,
        5,
        5,
        2048,
        3 << 20,
        1 << 30,
    ]


def test_targets():
    assert check_target("a.csv") == "a.csv"
    assert check_target(io.BytesIO()) == "<BytesIO>"


# -- exports to stages ------------------------------------------------------------------------------------------


class Stage:
    """A stage whose files a script answers for: name -> length."""

    def __init__(self, files, **rules):
        self.files = dict(files)
        self.rules = rules
        self.writes = {}
        self.driver = Performer(self.answer)

    def answer(self, statement):
        sql = str(statement)
        for words, answer in self.rules.items():
            if words in sql:
                return answer
        match type(statement).__name__:
            case "ShowCreateTable":
                return "CREATE TABLE `t` (\n  `id` int NOT NULL\n)"
            case "CountQueryRows":
                return 3
            case "Outfile":
                name = statement.url.rpartition("/")[2]
                self.files |= {name + end: size for end, size in self.writes.items()} if self.writes else {name: 6}
                return None
            case "ListFiles":
                return tuple(f"/x/dir/{name}" for name in sorted(self.files))
            case "ReadFile" | "ReadRange" | "FileLength":
                name = statement.url.rpartition("/")[2].partition("?")[0]
                if name not in self.files:
                    return StageFileNotFound(f"{name} is not found")
                if type(statement).__name__ == "FileLength":
                    return self.files[name]
                return b"x" if statement.offset < self.files[name] else b""
            case "SaveFile":
                self.files[statement.url.rpartition("/")[2]] = statement.content
                return None
            case "CopyFile":
                source, target = (url.rpartition("/")[2] for url in (statement.source, statement.target))
                self.files[target] = self.files[source]
                return None
            case "RemoveFiles":
                self.files.pop(statement.url.rpartition("/")[2], None)
                return None
            case "SelectTimeZone":
                return "SYSTEM"
        raise AssertionError(sql)

    def export(self, **given):
        given = {"stage": "s", "file": "dir/t.csv", **given}
        return self.driver.run(exports.to_stage("t", **given))


def test_an_export_to_a_new_file():
    stage = Stage({})
    report = stage.export()
    assert report == ExportReport(
        (ExportedFile("stage://s/dir/t.csv", 6),), 3, report.seconds, "csv", ("id",),
        "SELECT `id` FROM `t`\nINTO OUTFILE 'stage://s/dir/t.csv' FORMAT 'csv' FIELDS TERMINATED BY ',' ENCLOSED BY"
        " '\"' LINES TERMINATED BY '\n' HEADER 'TRUE'",
        None, {"header": "match", "delimiter": ",", "quote": '"', "escape": "\\"},
    )  # fmt: skip
    assert report.seconds == 1
    assert stage.driver.limits == []
    assert "count(*)" in "".join(stage.driver.log)


def test_a_manifest_of_a_new_file():
    stage = Stage({})
    assert stage.export(manifest=True).manifest == "stage://s/dir/t.csv.manifest.json"
    assert stage.files.keys() == {"t.csv", "t.csv.manifest.json"}


def test_options_of_an_export():
    events = []
    stage = Stage({})
    report = stage.export(
        count=False, timeout=5, progress=events.append, quote_all=True, line_terminator="\r\n", header=False
    )
    assert (report.rows, {*stage.driver.limits}) == (None, {5.0})
    assert "FORCE_QUOTE (`id`)" in report.sql
    assert report.load_options["columns"] == ["id"]
    assert report.load_options["line_terminator"] == "\r\n"
    assert [event.bytes for event in events] == [None, 6]
    assert events[-1] == ExportProgress("stage://s/dir/t.csv", None, 6, report.seconds)
    assert "count(*)" not in "".join(stage.driver.log)


def test_what_a_load_needs():
    assert load_options(JsonLinesOutput(), ("a",)) == {"columns": ["a"]}
    assert load_options(ParquetOutput(), ("a",)) == {"columns": ["a"]}


@pytest.mark.parametrize(
    ("files", "given", "there"),
    [
        ({"t.csv": 1}, {}, "t.csv"),
        ({"t.csv.manifest.json": 1}, {"manifest": True}, "t.csv.manifest.json"),
        ({"t.csv.1": 1}, {"split_size": 5}, "t.csv.1"),
    ],
)
def test_what_is_there_is_not_replaced(files, given, there):
    stage = Stage(files)
    with pytest.raises(StageFileExists, match=f"a file stage://s/dir/{there} already"):
        stage.export(**given)
    assert stage.files == files


def test_a_file_is_replaced_once_the_new_one_is_whole():
    stage = Stage({"t.csv": 99, "t.csv.1": 5})
    report = stage.export(overwrite=True)
    assert report.files == (ExportedFile("stage://s/dir/t.csv", 6),)
    assert "'stage://s/dir/t.csv'" in report.sql
    assert stage.files == {"t.csv": 6, "t.csv.1": 5}  # that one is no part of an export to one file
    log = [
        line.split()[0:2] for line in stage.driver.log if "OUTFILE" in line or "REMOVE" in line or "save_file" in line
    ]
    assert [words[0] for words in log] == ["SELECT", "REMOVE", "SELECT", "REMOVE"]


def test_a_manifest_is_replaced():
    stage = Stage({"t.csv": 99, "t.csv.manifest.json": 1})
    report = stage.export(overwrite=True, manifest=True)
    content = json.loads(stage.files["t.csv.manifest.json"])
    assert report.manifest == "stage://s/dir/t.csv.manifest.json"
    assert content == {
        "version": 1, "format": "csv", "rows": 3, "columns": ["id"], "time_zone": None,
        "load_options": dict(report.load_options), "files": [{"name": "t.csv", "bytes": 6}],
    }  # fmt: skip


def test_parts_are_replaced_by_parts():
    stage = Stage({"t.csv": 1, "t.csv.1": 2, "t.csv.2": 3, "t.csv.x": 4, "t.csv.01": 5})
    stage.writes = {"": 10, ".1": 11}
    report = stage.export(overwrite=True, split_size="1KB")
    assert report.files == (ExportedFile("stage://s/dir/t.csv", 10), ExportedFile("stage://s/dir/t.csv.1", 11))
    assert stage.files == {"t.csv": 10, "t.csv.1": 11, "t.csv.x": 4, "t.csv.01": 5}


def test_an_export_that_fails_leaves_no_parts():
    class Failing(Stage):
        def answer(self, statement):
            answer = super().answer(statement)
            return ServerError("broken") if isinstance(statement, Outfile) else answer

    for files, given in (
        ({"t.csv": 1}, {"overwrite": True}),
        ({}, {"split_size": 5}),
        ({"t.csv": 1}, {"overwrite": True, "split_size": 5}),
    ):
        stage = Failing(files)
        with pytest.raises(ServerError, match="broken"):
            stage.export(**given)
        assert stage.files == files


def test_parquet_without_a_row_has_no_file():
    class Nothing(Stage):
        def answer(self, statement):
            return None if isinstance(statement, Outfile) else super().answer(statement)

    assert Nothing({}).export(file="dir/t.parquet").files == ()
    stage = Nothing({"t.parquet": 5})
    assert stage.export(file="dir/t.parquet", overwrite=True).files == ()
    assert stage.files == {}
    with pytest.raises(StageFileNotFound):
        Nothing({}).export()


def test_what_is_too_large_to_be_copied_stays_beside_the_old_file():
    class Large(Stage):
        def answer(self, statement):
            if isinstance(statement, Outfile):
                self.files[statement.url.rpartition("/")[2]] = 1024**3 + 1
                return None
            answer = super().answer(statement)
            return answer % (4 << 20) if type(statement).__name__ == "FileLength" else answer

    stage = Large({"t.csv": 5})
    with pytest.raises(NotSupported, match=r"t\.csv\.\w{8}\.new has the new content"):
        stage.export(overwrite=True)
    assert stage.files["t.csv"] == 5


def test_a_replacement_that_fails_names_the_new_file():
    stage = Stage({"t.csv": 5}, save_file=ServerError("full"))
    with pytest.raises(ServerError, match="full") as caught:
        stage.export(overwrite=True)
    assert "is whole in stage://s/dir/t.csv." in caught.value.__notes__[0]


# -- manifests --------------------------------------------------------------------------------------------------


MANIFEST = Manifest("csv", ("t.csv",), (6,), 3, ("id",), {"header": "match"}, "SYSTEM")
PATH = stage_file("s", "dir/t.csv.manifest.json")


def test_manifests_are_read_as_they_are_written():
    assert parse_manifest(PATH, MANIFEST.dump()) == MANIFEST


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"version": 2}', b'{"version": 1, "files": [1]}'])
def test_what_is_no_manifest(content):
    with pytest.raises(LoadFailed, match="manifest"):
        parse_manifest(PATH, content)


def test_a_manifest_is_compared_with_its_files():
    steps, found = play(read_manifest(PATH), MANIFEST.dump(), b"", 6, "SYSTEM")
    assert found == MANIFEST
    assert isinstance(steps[-1], SelectTimeZone)
    with pytest.raises(LoadFailed, match="has 7 bytes, and"):
        play(read_manifest(PATH), MANIFEST.dump(), b"", 7)
    with pytest.raises(InvalidArgument, match=r"connect with time_zone='SYSTEM'"):
        play(read_manifest(PATH), MANIFEST.dump(), b"", 6, "+00:00")


def test_a_manifest_without_files_loads_nothing():
    empty = Manifest("parquet", (), (), 0, ("id",), {"columns": ["id"]})
    _, report = play(loads.read_manifest_stage("s", "t.json", "app.t"), empty.dump())
    assert (report.table, report.rows, report.files) == ("app.t", 0, ())


def test_answers():
    assert str(SelectTimeZone()) == "SELECT @@time_zone AS zone"
    assert SelectTimeZone().parse(rows({"zone": "SYSTEM"})) == "SYSTEM"
    query = Query(text("SELECT 1"), "SELECT 1")
    assert CountQueryRows(query).parse(rows({"n": 7})) == 7


def test_the_columns_of_a_query_are_those_of_its_result():
    field = SimpleNamespace(name="a", type_code=LONG, flags=32, charsetnr=63, scale=0, length=11)
    driver_connection = SimpleNamespace(_result=SimpleNamespace(fields=[field]))
    connection = SimpleNamespace(
        execute=lambda clause: SimpleNamespace(close=list),
        connection=SimpleNamespace(driver_connection=driver_connection),
    )
    op = columns.plan_columns(resolve_source("SELECT 1 AS a", None), "csv")
    assert drive(op, lambda step: step.call(connection)).columns == ("a",)
    assert execution.result_columns(driver_connection) == (
        ResultColumn("a", LONG, is_unsigned=True, is_binary=True, length=11),
    )


# -- files of the client ----------------------------------------------------------------------------------------


COLUMNS = (
    ResultColumn("a", LONG), ResultColumn("b", VAR_STRING), ResultColumn("c", BLOB, is_binary=True), ResultColumn("d", BIT),
    ResultColumn("e", JSON, is_binary=True), ResultColumn("f", 246, scale=2), ResultColumn("g", 12), ResultColumn("h", 11),
    ResultColumn("i", 10), ResultColumn("j", 5), ResultColumn("k", LONGLONG, is_unsigned=True),
)  # fmt: skip
ROWS = [
    (1, 'say "hi",\\ é', b"\x00\xff", b"\x01\x02", '{"x": 1}', Decimal("1.50"), dt.datetime(2024, 1, 2, 3, 4, 5, 6), dt.timedelta(hours=-100, seconds=-1), dt.date(2024, 1, 2), 0.5, 2**64 - 1),
    (None,) * 11,
    (0, "", b"", b"\0", "[]", Decimal("-0.01"), dt.datetime(1000, 1, 1), dt.timedelta(microseconds=1500), dt.date(1, 1, 1), float("nan"), 0),
    (2, "NULL", "text", 1, "1", Decimal("1E+2"), "0000-00-00", dt.timedelta(0), "0000-00-00", 1e300, 7),
]  # fmt: skip


def exported(target, *, data=ROWS, found=COLUMNS, **given):
    """The report of an export of rows to a target."""

    def answer(step):
        if isinstance(step, Streaming):
            assert str(step) == "SELECT * FROM `t`"
            drive(step.receive(found, ()), performer.perform)
            for at in range(0, len(data), 2):
                drive(step.receive(found, data[at : at + 2]), performer.perform)
            return None
        return performer.perform(step)

    performer = Performer(lambda statement: None, LocalMachine())
    return drive(exports.to_file("t", target, **given), answer)


def test_csv():
    target = io.BytesIO()
    report = exported(target, format="csv")
    lines = target.getvalue().decode("utf-8", "surrogateescape").splitlines()
    assert lines == [
        "a,b,c,d,e,f,g,h,i,j,k",
        '1,"say ""hi"",\\ é",\x00\udcff,258,"{""x"": 1}",1.50,2024-01-02 03:04:05.000006,-100:00:01,2024-01-02,0.5,18446744073709551615',
        ",,,,,,,,,,",
        '0,"","",0,[],-0.01,1000-01-01 00:00:00,00:00:00.001500,0001-01-01,nan,0',
        '2,"NULL",text,1,1,100,0000-00-00,00:00:00,0000-00-00,1e+300,7',
    ]
    assert report.load_options == {
        "header": "match", "delimiter": ",", "quote": '"', "escape": None, "null_values": [""], "encoding": None,
        "set": {"d": "CAST(`d` AS UNSIGNED)"},
    }  # fmt: skip
    assert (report.rows, report.bytes, report.sql) == (4, len(target.getvalue()), "SELECT * FROM `t`")
    assert [file.path for file in report.files] == ["<BytesIO>"]


def test_csv_as_the_server_writes_it():
    style = CsvStyle(False, "|", "'", "\\", "\\N", "\r\n", quotes_all=True)
    writer = CsvWriter(style)
    assert writer.begin(COLUMNS[:4]) == b""
    assert (
        writer.write([(1, "it's \\", b"\\", b"\x01"), (None,) * 4])
        == b"'1'|'it''s \\\\'|'\\\\'|'1'\r\n\\N|\\N|\\N|\\N\r\n"
    )
    assert style.load_options(("a",)) == {
        "columns": ["a"], "delimiter": "|", "quote": "'", "escape": "\\", "line_terminator": "\r\n",
    }  # fmt: skip
    assert CsvWriter(CsvStyle(escape="\\")).begin([ResultColumn("plain", LONG)]) == b'"plain"\n'


def test_json_lines():
    target = io.StringIO()
    report = exported(target, format="jsonline")
    lines = [json.loads(line) for line in target.getvalue().splitlines()]
    assert lines[0] == {
        "a": 1, "b": 'say "hi",\\ é', "c": "AP8=", "d": 258, "e": {"x": 1}, "f": "1.50", "g": "2024-01-02 03:04:05.000006",
        "h": "-100:00:01", "i": "2024-01-02", "j": 0.5, "k": 2**64 - 1,
    }  # fmt: skip
    assert set(lines[1].values()) == {None}
    assert (lines[2]["j"], lines[2]["c"], lines[3]["c"], lines[3]["d"]) == ("nan", "", "dGV4dA==", 1)
    assert report.load_options["set"] == {"d": "CAST(`d` AS UNSIGNED)"}
    assert report.load_options["base64"] == ["c"]
    writer = JsonLinesWriter()
    assert (writer.begin(COLUMNS), writer.finish()) == (b"", b"")


def test_parquet(monkeypatch):
    target = io.BytesIO()
    report = exported(target, data=ROWS[:3], format="parquet")
    found = pyarrow.parquet.read_table(io.BytesIO(target.getvalue()))
    assert found.to_pylist()[0] == dict(
        zip("abcdefghijk", (*ROWS[0][:3], 258, *ROWS[0][4:7], "-100:00:01", *ROWS[0][8:]), strict=True)
    )
    assert [str(kind) for kind in found.schema.types] == [
        "int32", "string", "binary", "uint64", "string", "decimal128(38, 2)", "timestamp[us]", "string", "date32[day]",
        "double", "uint64",
    ]  # fmt: skip
    assert report.load_options == {"columns": list("abcdefghijk"), "set": {"d": "CAST(`d` AS UNSIGNED)"}}
    target = io.BytesIO()
    exported(target, data=[("x",)], found=(ResultColumn("c", BLOB, is_binary=True),), format="parquet")
    assert pyarrow.parquet.read_table(io.BytesIO(target.getvalue()))["c"].to_pylist() == [b"x"]
    target = io.BytesIO()
    exported(target, data=[], format="parquet")
    assert exported(io.BytesIO(), data=[], header=False, format="csv").bytes == 0
    assert pyarrow.parquet.read_table(io.BytesIO(target.getvalue())).num_rows == 0
    writer = ParquetWriter()
    writer.begin((ResultColumn("a", LONG),))
    assert len(writer.write([(number,) for number in range(20_000)])) > 1000
    drain = Drain()
    assert (drain.write(b"ab"), drain.tell(), drain.flush(), drain.take(), drain.tell()) == (2, 2, None, b"ab", 2)
    drain.close()
    assert drain.closed
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotSupported, match="pip install"):
        exported(io.BytesIO(), format="parquet")


def test_a_file_has_its_name_once_it_is_whole(tmp_path):
    place = tmp_path / "t.csv.bz2"
    place.write_bytes(b"old")
    events = []
    report = exported(str(place), progress=events.append)
    assert bz2.decompress(place.read_bytes()).decode("utf-8", "surrogateescape").splitlines()[2] == ",,,,,,,,,,"
    assert report.files == (ExportedFile(str(place), place.stat().st_size),)
    assert [event.rows for event in events] == [2, 4, 4]
    assert list(tmp_path.iterdir()) == [place]
    broken = OSError("no space")

    class Broken:
        def write(self, data):
            raise broken

    with pytest.raises(OSError, match="no space"):
        exported(Broken())
    with pytest.raises(InvalidArgument, match="called 'a'"):
        exported(place, found=(ResultColumn("a", LONG), ResultColumn("a", LONG)))
    assert list(tmp_path.iterdir()) == [place]


def test_the_existing_names():
    for op, sql in (
        (
            exports.to_csv_stage("s", "dir/t.csv", "t", sep="|", quotechar="'", count=False),
            "TERMINATED BY '|' ENCLOSED BY ''''",
        ),
        (exports.to_csv("stage://s/dir/t.csv", "t", sep="|"), "TERMINATED BY '|' ENCLOSED BY '\"'"),
        (exports.to_jsonl_stage("s", "dir/t.csv.x", "t"), "FORMAT 'jsonline'"),
        (exports.to_parquet_stage("s", "dir/t.csv.x", "t"), "FORMAT 'parquet'"),
        (exports.to_jsonl("stage://s/dir/t.csv.x", "t"), "FORMAT 'jsonline'"),
        (exports.to_parquet("stage://s/dir/t.csv.x", "t"), "FORMAT 'parquet'"),
    ):
        assert sql in Stage({}).driver.run(op).sql


def test_reports(tmp_path):
    one = ExportReport((ExportedFile("a", 1000),), 1, 0.5, "csv", ("x",), "SELECT", None, {"header": "match"})
    two = ExportReport((ExportedFile("a", 1000), ExportedFile("bc", 5)), None, 0.5, "csv", ("x",), "SELECT")
    none = ExportReport((), 0, 0.5, "parquet", ("x",), "SELECT")
    assert str(one) == "a: 1 row, 1,000 bytes in 0.50 s"
    assert str(two) == "2 files: 1,005 bytes in 0.50 s\na   1,000\nbc      5"
    assert str(none) == "0 files: 0 rows, 0 bytes in 0.50 s"
    assert two._repr_html_().startswith("<table><caption>csv: 1,005 bytes in 0.50 s</caption>")
    assert one.to_dict() == {
        "rows": 1, "bytes": 1000, "seconds": 0.5, "format": "csv", "sql": "SELECT", "manifest": None, "columns": ["x"],
        "files": [{"path": "a", "bytes": 1000}], "load_options": {"header": "match"},
    }  # fmt: skip
    assert hash(one) == hash(one)
