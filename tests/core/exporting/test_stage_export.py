"""Exports to files of stages, and their places."""

import io
import json

import pyarrow
import pyarrow.parquet
import pytest
from script import Driver as Performer

from matrixone_core.errors import (
    ConnectionLost,
    InvalidArgument,
    NotSupported,
    ServerError,
    StageFileExists,
    StageFileNotFound,
    StatementTimeout,
)
from matrixone_core.exporting.report import ExportedFile, ExportProgress, ExportReport
from matrixone_core.exporting.stage_export import load_options
from matrixone_core.operations import exports
from matrixone_core.sql.export import (
    CountQueryRows,
    JsonLinesOutput,
    Outfile,
    ParquetOutput,
)
from matrixone_core.sql.files import FileLength


def parquet_of(rows):
    """The bytes of a Parquet file with a number of rows."""
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"id": range(rows)}), file)
    return file.getvalue()


class Stage:
    """A stage whose files a script answers for: name -> length. A file has line ends, or three rows of Parquet."""

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
                size = len(parquet_of(3)) if isinstance(statement.output, ParquetOutput) else 6
                self.files |= {name + end: size for end, size in self.writes.items()} if self.writes else {name: size}
                return None
            case "ListFiles":
                return tuple(f"/x/dir/{name}" for name in sorted(self.files))
            case "ReadFile" | "ReadRange" | "FileLength" | "CountReached":
                name = statement.url.rpartition("/")[2].partition("?")[0]
                if name not in self.files:
                    return StageFileNotFound(f"{name} is not found")
                if type(statement).__name__ == "FileLength":
                    return self.files[name]
                if type(statement).__name__ == "CountReached":
                    return sum(offset < self.files[name] for offset in statement.offsets)
                if type(statement).__name__ == "ReadFile":
                    return b"x" if statement.offset < self.files[name] else b""
                content = parquet_of(3) if self.files[name] == len(parquet_of(3)) else b"\n" * self.files[name]
                return content[statement.offset : statement.offset + statement.size]
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
        (ExportedFile("stage://s/dir/t.csv", 6),), 5, report.seconds, "csv", ("id",),
        "SELECT `id` FROM `t`\nINTO OUTFILE 'stage://s/dir/t.csv' FORMAT 'csv' FIELDS TERMINATED BY ',' ENCLOSED BY"
        " '\"' LINES TERMINATED BY '\n' HEADER 'TRUE'",
        None, {"header": "match", "delimiter": ",", "quote": '"', "escape": "\\"},
    )  # fmt: skip
    assert report.seconds == 1
    assert stage.driver.limits == []


def test_a_large_file_of_a_table_that_nobody_changes_is_not_read():
    class Large(Stage):
        """A stage with a large file; the table's rows are counted before and after it is written."""

        def __init__(self, *counts):
            super().__init__({})
            self.writes = {"": 4 * 1024**2 + 1}
            self.counts = list(counts)

        def answer(self, statement):
            if isinstance(statement, CountQueryRows):
                return self.counts.pop(0)
            if isinstance(statement, FileLength):
                return self.writes[""] - (4 << 20 if "?" in statement.url else 0)
            return super().answer(statement)

    stage = Large(7, 7)
    assert stage.export().rows == 7
    assert "AS content" not in "".join(stage.driver.log)
    assert Large(7, 8).export().rows is None
    every_line = 4 * 1024**2
    assert Large().export(count=True).rows == every_line
    assert Large().export(count=True, format="jsonline", file="dir/t.jsonl").rows == every_line + 1
    with pytest.raises(InvalidArgument, match="count='yes' must be True, False or None"):
        Large().export(count="yes")


def test_a_file_that_is_replaced_while_its_rows_are_counted():
    stage = Stage({}, **{"AS content": b"\n"})
    with pytest.raises(StageFileNotFound, match="replaced by a shorter file while its rows were counted"):
        stage.export()
    assert stage.files == {}


def test_rows_of_parquet():
    stage = Stage({})
    assert stage.export(file="dir/t.parquet").rows == 3
    assert "count(*)" not in "".join(stage.driver.log)


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
    assert stage.files == {"t.csv": 6}  # the other one was a part of what is replaced
    log = [
        line.split()[0:2] for line in stage.driver.log if "OUTFILE" in line or "REMOVE" in line or "save_file" in line
    ]
    assert [words[0] for words in log] == ["SELECT", "REMOVE", "REMOVE", "SELECT", "REMOVE", "REMOVE"]


def test_an_old_manifest_goes_with_the_files_that_it_describes():
    for files in ({"t.csv": 99, "t.csv.manifest.json": 1}, {"t.csv.manifest.json": 1}):
        stage = Stage(files)
        assert stage.export(overwrite=True).manifest is None
        assert stage.files == {"t.csv": 6}


def test_a_manifest_is_replaced():
    stage = Stage({"t.csv": 99, "t.csv.manifest.json": 1})
    report = stage.export(overwrite=True, manifest=True)
    content = json.loads(stage.files["t.csv.manifest.json"])
    assert report.manifest == "stage://s/dir/t.csv.manifest.json"
    assert content == {
        "version": 1, "format": "csv", "rows": 5, "columns": ["id"], "time_zone": None,
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


@pytest.mark.parametrize("given", [{}, {"overwrite": True}, {"split_size": 10}])
def test_an_export_that_cannot_be_counted_leaves_no_file(given):
    """The files are whole, but an error means that there are none; what somebody else has there stays."""
    before = {"u.csv": 2} if "overwrite" in given else {} if "split_size" in given else {"u.csv.1": 2}
    stage = Stage(before, **{"AS content": StatementTimeout("took too long")})
    with pytest.raises(StatementTimeout):
        stage.driver.run(exports.to_stage("t", "s", "dir/u.csv", **given))
    assert stage.files == before


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


class WithoutManifest(Stage):
    """A stage in which a manifest cannot be written, or be removed."""

    def answer(self, statement):
        if type(statement).__name__ == "SaveFile":
            self.files[statement.url.rpartition("/")[2]] = b"{}"  # and its answer is lost
            return ConnectionLost("cut")
        return super().answer(statement)


@pytest.mark.parametrize("given", [{}, {"overwrite": True}, {"split_size": 5}])
def test_an_export_without_its_manifest_leaves_nothing(given):
    stage = WithoutManifest({"other.csv": 2})
    with pytest.raises(ConnectionLost, match="cut"):
        stage.export(manifest=True, **given)
    assert stage.files == {"other.csv": 2}


def test_a_new_export_that_cannot_remove_an_old_manifest_leaves_nothing():
    class Failing(Stage):
        failed = False

        def answer(self, statement):
            if type(statement).__name__ == "RemoveFiles" and not self.failed:
                self.failed = True
                return ConnectionLost("cut")
            return super().answer(statement)

    stage = Failing({"other.csv": 2})
    with pytest.raises(ConnectionLost, match="cut"):
        stage.export(overwrite=True)
    assert stage.files == {"other.csv": 2}


def test_a_replaced_export_without_its_manifest_says_that_it_is_replaced():
    stage = WithoutManifest({"t.csv": 5})
    with pytest.raises(ConnectionLost, match="cut") as caught:
        stage.export(manifest=True, overwrite=True)
    assert caught.value.__notes__ == [
        "stage://s/dir/t.csv has been replaced and is whole; only its manifest may be missing"
    ]
    assert stage.files["t.csv"] == 6


def test_what_cannot_be_removed_is_named():
    stage = Stage({}, **{"AS content": StatementTimeout("took too long"), "REMOVE FILES": ConnectionLost("cut")})
    with pytest.raises(StatementTimeout) as caught:
        stage.export()
    assert caught.value.__notes__ == ["stage://s/dir/t.csv may be there, as it could not be removed: cut"]


def test_a_file_that_is_interrupted_is_removed():
    """The server may have written it; one that somebody else has written meanwhile is refused, and stays."""
    for error, left in (
        (ServerError("there is one"), {"t.csv": 9}),
        (StatementTimeout("slow"), {}),
        (ConnectionLost("cut"), {}),
    ):

        class Failing(Stage):
            failure = error

            def answer(self, statement):
                if isinstance(statement, Outfile):
                    self.files["t.csv"] = 9
                    return self.failure
                return super().answer(statement)

        stage = Failing({})
        with pytest.raises(type(error)):
            stage.export()
        assert stage.files == left


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
