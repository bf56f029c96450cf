"""What can be said of a load, the statements that come of it, and what only scripted answers show."""

from io import BytesIO

import pytest
from script import Pieces, play, rows, texts
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.orm import declarative_base

from matrixone_core import loads
from matrixone_core.errors import (
    ConnectionLost,
    DuplicateKey,
    InvalidArgument,
    LoadFailed,
    NotSupported,
    ServerError,
    StageDisabled,
    StageFileNotFound,
    StageNotFound,
)
from matrixone_core.loading import direct, from_stage, ledger, reading, stage_file, staged, target
from matrixone_core.loading import job as jobs
from matrixone_core.loading.csv_rows import CsvRows
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.json_rows import JsonRows
from matrixone_core.loading.report import BadRow, LoadedFile, LoadReport
from matrixone_core.loading.sifting import Lines
from matrixone_core.operation import Reply
from matrixone_core.sql.files import ReadFile
from matrixone_core.sql.ledger import Entry, InsertEntry
from matrixone_core.sql.load import ClientData, Csv, JsonLines, LoadData, Parquet, S3Object
from matrixone_core.sql.stage import Stage
from matrixone_core.sql.staging import Assignment, Conflict, CreateStaging, InsertStaged, Kept
from matrixone_core.sql.table import AskLoadState, ColumnNames, LoadState, TablesLike

STATE = {
    "now": 7, "current_database": "d", "in_use": 1, "mark": "id PRI", "reached": 0, "stage_name": "s", "url": "file:///a/",
    "stage_credentials": "", "stage_status": "enabled", "created": 1, "comment": "",
}  # fmt: skip
PLAIN = {"on_conflict": "unchecked"}


class User(declarative_base()):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


def load(*arguments, **options):
    return loads.read_csv_stage(*(arguments or ("S", "a.csv", "t")), **(PLAIN | options))


def test_an_unchecked_load_asks_one_question_and_sends_one_statement():
    steps, report = play(load("S", "d/a.csv", User, ignore_lines=1), rows(STATE), Reply(count=3))
    asked, sent = steps
    assert (asked.table, asked.stage) == (None, "s")
    assert sent == LoadData("stage://s/d/a.csv", ("users",), Csv(ignore_lines=1))
    assert (report.table, report.rows, report.way, report.lock) == ("users", 3, "plain", "rows")
    assert report.files[0].path == "stage://s/d/a.csv"
    assert report.sql == (str(sent),)


def statement(**options):
    looked = [b"x"] if "compression" in options else []  # whether a compressed file is empty
    steps, _ = play(load(**options), rows(STATE), *looked, Reply(count=0))
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


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (LoadData("stage://s/a", ("d", "t"), JsonLines("array", "gzip")),
         "LOAD DATA INFILE {'filepath'='stage://s/a', 'compression'='gzip', 'format'='jsonline', 'jsondata'='array'} INTO TABLE `d`.`t`"),
        (LoadData("stage://s/a", ("t",), Parquet()), "LOAD DATA INFILE {'filepath'='stage://s/a', 'format'='parquet'} INTO TABLE `t`"),
        (LoadData(ClientData("x"), ("t",), Csv(), parallel=True),
         "LOAD DATA LOCAL INFILE 'x' INTO TABLE `t` FIELDS TERMINATED BY ',' ENCLOSED BY '\"' PARALLEL 'TRUE'"),
        (LoadData(S3Object("b", "k", {"AWS_REGION": "r"}), ("t",), JsonLines()),
         "LOAD DATA URL s3option {'bucket'='b', 'filepath'='k', 'region'='r', 'format'='jsonline', 'jsondata'='object'} INTO TABLE `t`"),
        (LoadData(S3Object("b", "k", {}), ("t",), Csv(compression="bz2")),
         "LOAD DATA URL s3option {'bucket'='b', 'filepath'='k', 'compression'='bz2'} INTO TABLE `t` FIELDS TERMINATED BY ',' ENCLOSED BY '\"'"),
        (CreateStaging(("x",), ("t",), ("a",), (("b", "TEXT"),), numbered=True),
         "CREATE TABLE `x` (`b` TEXT, `matrixone_row` BIGINT AUTO_INCREMENT PRIMARY KEY) AS SELECT `a` FROM `t` LIMIT 0"),
        (CreateStaging(("x",), ("t",), (), (("b", "TEXT"),)), "CREATE TABLE `x` (`b` TEXT)"),
        (InsertStaged(("t",), ("x",), (Assignment("a"), Assignment("b", "upper(b)"), Assignment("c", nulls=("-", "NA")))),
         "INSERT INTO `t` (`a`, `b`, `c`) SELECT `a`, (upper(b)), NULLIF(NULLIF(`c`, '-'), 'NA') FROM `x` s"),
        (InsertStaged(("t",), ("x",), (Assignment("a"),), Conflict.UPDATE, ("b", "c")),
         "INSERT INTO `t` (`a`) SELECT `a` FROM `x` s ON DUPLICATE KEY UPDATE `b`=VALUES(`b`), `c`=VALUES(`c`)"),
        (InsertStaged(("t",), ("x",), (Assignment("a"),), Conflict.REPLACE, (), Kept.LAST, (("k", "l"),)),
         "REPLACE INTO `t` (`a`) SELECT `a` FROM `x` s LEFT JOIN (SELECT `k` AS d0_0, `l` AS d0_1, max(`matrixone_row`) AS d0_n"
         " FROM `x` WHERE `k` IS NOT NULL AND `l` IS NOT NULL GROUP BY `k`, `l` HAVING count(*) > 1) d0"
         " ON s.`k` = d0_0 AND s.`l` = d0_1 WHERE (d0_n IS NULL OR NOT s.`matrixone_row` < d0_n)"),
        (TablesLike((), "a_b"), "SELECT table_name AS name FROM information_schema.tables WHERE table_schema=DATABASE() AND table_name LIKE 'a\\\\_b%'"),
        (ColumnNames(("D", "T")), "SELECT column_name AS name FROM information_schema.columns WHERE table_schema='d' AND table_name='t' ORDER BY ordinal_position"),
        (InsertEntry(("l",), Entry("i", "d.t", "s", 1, "m"), again=True),
         "REPLACE INTO `l` (id, table_name, source, size, mark, loaded_rows, loaded_at) VALUES ('i', 'd.t', 's', 1, 'm', 0, unix_timestamp())"),
    ],
)  # fmt: skip
def test_statements(statement, sql):
    assert str(statement) == sql


def test_what_is_asked_before_a_load_is_one_statement():
    asked = AskLoadState(("d", "t"), "s", "stage://s/a", (10, 20))
    assert str(asked).count("SELECT") == 6
    assert "load_file(CAST('stage://s/a?offset=20&size=1' AS datalink)) IS NULL THEN 0 ELSE 1 END AS reached" in str(
        asked
    )
    state = asked.parse(rows(STATE | {"reached": 2, "in_use": 0}))
    assert (state.stage.name, state.mark, state.in_use, state.reached, state.now, state.database) == (
        "s",
        "id PRI",
        False,
        2,
        7,
        "d",
    )
    nothing = AskLoadState(("t",)).parse(rows(STATE | {"stage_name": None, "mark": None, "reached": None}))
    assert (nothing.stage, nothing.reached) == (None, 0)  # server-facts 61


def test_a_stage_that_is_disabled_or_not_there():
    with pytest.raises(StageDisabled, match="enable=True"):
        play(load(), rows(STATE | {"stage_status": "disabled"}))
    with pytest.raises(StageNotFound, match="'s'"):
        play(load(), rows(STATE | {"stage_name": None}))


def test_a_server_that_misses_the_file_when_it_is_asked_before():
    with pytest.raises(StageFileNotFound, match=r"^stage://s/a\.csv: gone"):
        play(load(), StageFileNotFound("gone"))


def test_how_long_a_file_is_does_not_keep_it_from_being_loaded():
    """Some stages load, and cannot be read (server-facts 9)."""
    broken = ServerError("PROVIDER not found")
    steps, report = play(load(), broken, rows(STATE), broken, Reply(count=3))
    assert steps[0].offsets
    assert not steps[1].offsets
    assert report.rows == 3
    with pytest.raises(StageNotFound):
        play(load(), broken, rows(STATE), StageNotFound("gone"))
    with pytest.raises(ServerError, match="PROVIDER"):
        play(loads.read_csv_stage("s", ["a.csv", "b.csv"], "t"), ServerError("PROVIDER not found"))


def test_a_large_file_is_read_in_pieces_at_once():
    for options, offset in (({}, from_stage.LARGE), ({"compression": "gzip"}, None)):
        looked = [b"x"] if options else []  # whether a compressed file is empty
        steps, _ = play(load(**options), rows(STATE | {"reached": 1}), *looked, Reply(count=1))
        assert steps[0].offsets == (() if offset is None else (offset,))
        assert steps[-1].parallel or offset is None


def test_a_compressed_file_whose_end_cannot_be_read_is_loaded_all_the_same():
    """Some stages load, and cannot be read (server-facts 9)."""
    for error in (ServerError("PROVIDER not found"), NotSupported("seen once it commits")):
        assert play(load(compression="gzip"), rows(STATE), error, Reply(count=3))[1].rows == 3
    with pytest.raises(LoadFailed, match="cut off"):
        play(load(compression="gzip"), rows(STATE), b"")


def test_how_long_a_file_on_s3_is_is_asked_by_itself():
    """A range past its end would end the whole question (server-facts 60)."""
    past = ServerError("internal error: panic this error should not be logged: EOF: \nat x.go")
    for answer, parallel in ((b"x", True), (past, False), (ServerError("range is not satisfiable"), False)):
        steps, _ = play(load(), past, rows(STATE), answer, Reply(count=1))
        assert steps[2] == ReadFile("stage://s/a.csv", from_stage.LARGE, size=1)
        assert steps[3].parallel == parallel


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("s", "", "t"), "empty"), (("s", "/", "t"), "empty"), (("s", "d/", "t"), "folder"),
        (("s", "../a.csv", "t"), "leave the stage"), (("s", "d/../../a.csv", "t"), "leave the stage"),
        (("s", "stage://s/a.csv", "t"), "is a URL"), (("s", "a b.csv", "t"), "space"),
        (("s", "a#b", "t"), "'#'"), (("s", "a%20b", "t"), "'%'"), (("s", "a\\b", "t"), "separated by /"),
        (("s", "a\nb", "t"), "printed"), (("s/x", "a", "t"), "stage name"), (("s", [], "t"), "list of files is empty"),
        (("s", ["a", 3], "t"), "file=3"),
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
        ({"columns": ["a", "A"]}, "more than once"), ({"null_values": [3]}, "null_values=3"),
        ({"header": True}, "'match'"), ({"header": "match", "columns": ["a"]}, "leave columns out"),
        ({"set": "a=1"}, "dict"), ({"set": {"a": " "}}, "empty"), ({"set": {"a": 3}}, "set['a']=3"),
        ({"on_conflict": "ignore"}, "'error', 'skip', 'replace', 'update', 'unchecked'"), ({"on_conflict": []}, "list of"),
        ({"on_conflict": 3}, "list of"), ({"on_conflict": [3]}, "on_conflict=3"), ({"lock": "none"}, "'auto', 'rows', 'table'"),
        ({"atomic": 1}, "atomic=1"), ({"concurrency": 0}, "from 1 to 64"), ({"concurrency": True}, "from 1 to 64"),
        ({"on_error": "ignore"}, "'abort', 'skip'"), ({"max_errors": 3}, "on_error='skip'"), ({"rejects": "r"}, "on_error='skip'"),
        ({"on_error": "skip", "max_errors": -1}, "max_errors=-1"), ({"on_error": "skip", "max_errors": 1.5}, "from 0.0 to 1.0"),
        ({"on_error": "skip", "max_errors": True}, "max_errors=True"), ({"on_error": "skip", "rejects": "a.b.c"}, "database.table"),
        ({"once": ""}, "once=''"), ({"once": 3}, "once=3"), ({"force": True}, "needs once"), ({"progress": 3}, "function"),
        ({"timeout": 0}, "timeout"), ({"conflict": "skip"}, "no option 'conflict'"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(options, says):
    with pytest.raises(InvalidArgument) as caught:
        play(loads.read_csv_stage("s", "a.csv", "t", **options))
    assert caught.value.steps == []
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("op", "says"),
    [
        (lambda: loads.read_json_stage("s", "a", "t", shape="list"), "'object', 'array'"),
        (lambda: loads.read_json_stage("s", "a", "t", columns=["a", None]), "only CSV has"),
        (lambda: loads.read_csv(3, "t"), "int cannot be read"),
        (lambda: loads.read_csv(b"", "t", encoding="klingon"), "none that Python knows"),
        (lambda: loads.plan("s", "a.xml", "t"), "tells no format"),
        (lambda: loads.plan("s", "a", "t", format="xml"), "'csv', 'jsonline', 'parquet'"),
        (lambda: loads.plan("s", "a.parquet", "t", delimiter=","), "cannot be said of parquet"),
        (lambda: loads.create_table_from("s", "a.json", "t", delimiter=","), "cannot be said of jsonline"),
    ],
)  # fmt: skip
def test_what_a_format_does_not_have(op, says):
    with pytest.raises(InvalidArgument) as caught:
        play(op())
    assert caught.value.steps == []
    assert says in str(caught.value)


def test_tables_have_one_or_two_names():
    for table, names in ((User, ("users",)), (Table("t", MetaData(), schema="d"), ("d", "t")), ("d.t", ("d", "t"))):
        steps, report = play(load("s", "a", table), rows(STATE), Reply(count=0))
        assert steps[1].table == names
        assert report.table == ".".join(names)


def test_a_report_in_words():
    one = LoadReport("t", (LoadedFile("a", 3, 5, skipped=2),), 0.5)
    assert str(one) == "a -> t: 3 rows in 0.50 s, 2 skipped"
    files = (
        LoadedFile("stage://s/a", 1, 1, replaced=1), LoadedFile("b", error="LoadFailed: no"),
        LoadedFile("c", already_loaded=True),
    )  # fmt: skip
    several = LoadReport("d.t", files, 0.5, rejects=(BadRow("b", 3, "x", "v" * 200, "no number"),))
    assert str(several).splitlines() == [
        "3 files -> d.t: 1 row in 0.50 s, 1 file failed", "file         rows", "stage://s/a     1  1 replaced",
        "b               0  LoadFailed: no", "c               0  loaded before",
    ]  # fmt: skip
    assert several.failed == (files[1],)
    assert (several.rows, several.read, several.rows_per_second) == (1, 1, 2.0)
    assert (several.replaced, several.bytes) == (None, None)
    assert str(several.rejects[0]).startswith("b, line 3, column 'x', value 'vvv")
    assert str(several.rejects[0]).endswith("…: no number")
    assert str(BadRow("b", None, None, None, "why")) == "b: why"
    shown = several._repr_html_()
    assert shown.startswith("<table><caption>d.t: 1 row")
    assert "<td>LoadFailed: no</td>" in shown
    told = several.to_dict()
    assert (told["rows"], told["files"][2]["already_loaded"], told["rejects"][0]["line"]) == (1, True, 3)
    assert LoadReport("t", (), 0.0).rows_per_second == 0.0


def test_a_staging_table_that_cannot_be_dropped_is_left_to_be_swept():
    steps, _ = play(staged._dropped_aside(("x",)), ConnectionLost("gone"))
    assert len(steps) == 1


def test_tables_left_over_are_dropped_by_a_later_load():
    job = jobs.Job(("d", "t"), (), (), None, LoadState(now=200_000), None, None)
    old, young = f"{jobs.STAGING}1_ab", f"{jobs.STAGING}199999_ab"
    steps, _ = play(staged._swept(job), rows({"name": old}, {"name": young}, {"name": f"{jobs.STAGING}x_ab"}), Reply())
    assert [str(step) for step in steps[1:]] == [f"DROP TABLE IF EXISTS `d`.`{old}`"]


def test_json_that_the_server_lost_is_missed():
    one = jobs.Input("a", "stage://s/a", JsonLines(), (), iter, Lines(JsonLines(), Pieces), count=lambda: _answer(3))
    with pytest.raises(LoadFailed, match="3 rows, and the server loaded 2"):
        play(reading._carried(None, None, one, LoadData("stage://s/a", ("t",), JsonLines())), Reply(count=2))


def _answer(value):
    yield from ()
    return value


def test_rows_that_were_read_and_not_stored_fail_the_load():
    table = target.Table(("t",), (), ())
    layout = jobs.Layout((), (), (), (), (), (Assignment("a"),), ())
    job = jobs.Job(("t",), (), (), loads.options.checked({}), LoadState(), None, None)
    with pytest.raises(LoadFailed, match="3 rows were read, and 2 of them stored"):
        play(
            staged._batch_inserted(job, table, staged.Batch(("x",), (), layout, False), (LoadedFile("a", 3, 3),)),
            Reply(count=2),
        )
    assert table.column("a") is None


def lines_of(form, *pieces):
    reader = CsvRows(form)
    found = [row for piece in pieces for row in reader.feed(piece)]
    return [(row.line, [field.text for field in row.fields], row.broken) for row in [*found, *reader.finish()]]


@pytest.mark.parametrize(
    ("form", "pieces", "expected"),
    [
        (Csv(), (b"1,a\r\n2,", b'"b\n', b'c"\n'), [(1, ["1", "a"], None), (2, ["2", "b\nc"], None)]),
        (Csv(ignore_lines=1), (b"head",), []),
        (Csv(ignore_lines=2, line_terminator="\r\n"), (b"a\nb\n", b"c\r\nd\r\n1,x\r\n"), [(3, ["1", "x"], None)]),
        (Csv(escape="!", quote="'"), (b"a!,b,'c!'d''e',\\N,!N\n",), [(1, ["a,b", "c'd'e", "\\N", None], None)]),
        (Csv(), (b"a\\tb\\,c\n",), [(1, ["a\tb,c"], None)]),
        (Csv(), (b'1,"a"b\n2,"c',), [(1, [], "after the closing quote comes neither ',' nor the line's end"), (2, [], "a quote is opened and not closed")]),
        (Csv(), (b'1,"a"b',), [(1, [], "after the closing quote comes neither ',' nor the line's end")]),
    ],
)  # fmt: skip
def test_csv_that_comes_piece_by_piece(form, pieces, expected):
    assert lines_of(form, *pieces) == expected


def test_a_quote_that_was_forgotten_does_not_hold_all_that_follows(monkeypatch):
    monkeypatch.setattr("matrixone_core.loading.csv_rows.LONGEST", 10)
    assert lines_of(Csv(), b'"open\n', b"1,2\n", b"3,4\n", b"5,6\n")[-1] == (4, ["5", "6"], None)


def test_json_that_is_not_utf8():
    [row] = JsonRows(JsonLines(), ()).feed(b'"\xe9"\n')
    assert row.broken == "byte 0xe9 is not UTF-8"


def test_a_stage_that_lies_in_itself_has_no_place():
    inside = STATE | {"url": "stage://s/"}
    with pytest.raises(InvalidArgument, match="lies in itself"):
        play(ledger._resolved(Stage("s", "stage://s/"), "stage://s/a"), *[rows(inside)] * ledger.DEEPEST)


def test_a_file_that_ends_before_its_length():
    _, found = play(stage_file.bytes_of("stage://s/a", 0, 10), b"abc", b"")
    assert found == b"abc"


def test_what_was_fetched_of_a_parquet_file_does_not_stay_open():
    pieces, copy = stage_file.ParquetPieces("stage://s/a", ("id",)), BytesIO()
    with pytest.raises(ServerError, match="gone"):
        play(pieces.next(), copy, ServerError("gone"))
    assert copy.closed


TABLE = target.Table(("t",), (target.Column("id", Integer(), "INT", False, False, False, False),), (("id",),))
JOB = jobs.Job(("t",), (), (), loads.options.checked({}), LoadState(), None, None)


def input_of(pieces=None, **changed):
    lines = Lines(Csv(), lambda _names: Pieces(*(pieces or ())), again=pieces is not None)
    return jobs.Input("a", "stage://s/a", Csv(), (), iter, lines, **changed)


def test_the_bad_row_is_looked_for_and_may_not_be_found():
    for pieces, expected in (([b"1\n", b"x"], 2), ([b"1\n2\n"], None), ([ServerError("gone")], None), (None, None)):
        _, row = play(reading.bad_row_of(JOB, TABLE, input_of(pieces), Fitting.flaw))
        assert (row and row.line) == expected


def test_what_the_server_changed_fails_the_load_whether_the_row_is_found_or_not():
    for pieces, says in (([b"1\n"], "has a fraction, or a text is not UTF-8"), ([b"1.5\n"], "line 1, column 'id'")):
        shape = jobs.Layout(("id",), (), (), ("id",), (), (), ())
        with pytest.raises(LoadFailed, match=says):
            play(staged._seen_to(JOB, TABLE, staged.Batch(("x",), (input_of(pieces),), shape, False)), rows({"n": 1}))


def test_an_insert_that_is_refused_for_no_row_keeps_the_servers_words():
    batch = staged.Batch(("x",), (input_of([b"1\n"]),), jobs.Layout((), (), (), (), (), (), ()), False)
    with pytest.raises(LoadFailed, match="words of the server"):
        play(
            staged._stored(JOB, TABLE, batch, InsertStaged(("t",), ("x",), ())),
            LoadFailed("words of the server", code=1),
        )


def test_doubled_keys_in_a_table_that_was_empty():
    unheard = jobs.Job(("t",), (), (), loads.options.checked({}), LoadState(), None, lambda _file: _answer(None))
    with pytest.raises(DuplicateKey, match=r"duplicate entry '7' for the key \(id\)"):
        play(direct.into_empty(unheard, TABLE, input_of()), Reply(count=2), rows({"id": 7}))
    steps, files = play(direct.into_empty(unheard, TABLE, input_of()), Reply(count=2), rows())
    assert files[0].rows == 2
    assert str(steps[1]).endswith("HAVING count(*) > 1 LIMIT 1")


def test_a_file_that_was_loaded_meanwhile_is_left_out():
    entry = Entry("i", "d.t", "s", 1, "m")
    job = jobs.Job(("t",), (), (), None, LoadState(), ledger.Ledger(("l",), again=False), lambda _file: _answer(None))
    _, files = play(reading.once(job, [input_of(entry=entry)], lambda: _answer(())), DuplicateKey("there"))
    assert files[0].already_loaded


def test_an_insert_from_a_file_that_is_refused_names_the_file():
    with pytest.raises(LoadFailed, match="^a: words of the server") as caught:
        play(direct._from_file(JOB, TABLE, input_of()), None, LoadFailed("words of the server", code=7))
    assert caught.value.code == 7


def test_a_file_that_is_gone_when_it_is_inserted_from_is_named():
    with pytest.raises(StageFileNotFound, match="^a: gone"):
        play(direct._from_file(JOB, TABLE, input_of()), None, StageFileNotFound("gone"))
