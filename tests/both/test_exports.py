"""Exports to files of stages and of the client, by both clients."""

import datetime as dt
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from export_case import FORMATS, rows_of
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, bindparam, literal, select, text, union_all
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from matrixone import ExportProgress, errors
from matrixone_core.exporting import stage_export


class Base(DeclarativeBase):
    pass


@pytest.fixture
def stage(client, unique, files):
    name = unique()
    client.stage.create_local(name, files.folder)
    return name


@pytest.fixture
def users(client):
    client.execute("CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40), born DATE)")
    client.execute("INSERT INTO users VALUES (1, 'Ada \"A\"', '1815-12-10'), (2, NULL, NULL), (3, '', '1912-06-23')")
    return client


def names_in(files):
    return sorted(path.name for path in Path(files.folder).iterdir() if not path.name.startswith("."))


SOURCES = {
    "name": lambda users, database: ("users", None),
    "names": lambda users, database: (f"{database}.users", None),
    "table": lambda users, database: (users, None),
    "select": lambda users, database: (select(users).where(users.c.id >= 0), None),
    "parameter": lambda users, database: (select(users).where(users.c.id >= bindparam("least")), {"least": 0}),
    "union": lambda users, database: (union_all(select(users).where(users.c.id < 2), select(users).where(users.c.id > 1)), None),
    "text": lambda users, database: ("SELECT * FROM users WHERE id >= :least -- all\n;", {"least": 0}),
    "plain": lambda users, database: ("SELECT * FROM users WHERE name <> ':x' OR name IS NULL", None),
    "with": lambda users, database: ("/* all */ WITH u AS (SELECT * FROM users) SELECT * FROM u", None),
    "clause": lambda users, database: (text("SELECT * FROM users WHERE id IN :ids").bindparams(bindparam("ids", expanding=True)), {"ids": [1, 2, 3]}),
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_what_can_be_exported(users, database, stage, files, source):
    table = Table("users", MetaData(), Column("id", Integer), Column("name", String(40)), Column("born", String(10)))
    what, params = SOURCES[source](table, database)
    report = users.export.to_stage(what, stage, "out/users.csv", params)
    lines = Path(files.folder, "out/users.csv").read_text().splitlines()
    assert lines[0] == "id,name,born"
    assert sorted(lines[1:]) == ['1,"Ada ""A""",1815-12-10', "2,\\N,\\N", '3,"",1912-06-23']
    assert (report.rows, report.columns, report.format) == (3, ("id", "name", "born"), "csv")
    assert report.bytes == Path(files.folder, "out/users.csv").stat().st_size
    target = io.StringIO()
    assert users.export.to_file(what, target, params, format="csv").rows == 3
    assert sorted(target.getvalue().splitlines()[1:]) == ['1,"Ada ""A""",1815-12-10', "2,,", '3,"",1912-06-23']


class Ada(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def test_models_are_exported_by_their_columns(users, stage, files):
    assert users.export.to_stage(Ada, stage, "model.csv").columns == ("id", "name")
    report = users.export.to_stage(select(Ada).where(Ada.name == 'it\'s \\ "x" %s :y'), stage, "none.csv")
    assert Path(files.folder, "none.csv").read_text() == "id,name\n"
    assert report.rows == 0
    assert "it's" not in report.sql


def test_values_are_literals_and_nothing_else(client, stage, files):
    hostile = "'; DROP TABLE x; -- \\' \" %s :name\n"
    client.export.to_stage("SELECT :v AS v", stage, "v.jsonl", {"v": hostile})
    assert json.loads(Path(files.folder, "v.jsonl").read_text()) == {"v": hostile}
    client.export.to_stage(select(literal(hostile).label("v")), stage, "w.jsonl")
    assert json.loads(Path(files.folder, "w.jsonl").read_text()) == {"v": hostile}
    client.export.to_stage("SELECT :v AS v", stage, "n.jsonl", {"v": Decimal("1.50")})
    assert json.loads(Path(files.folder, "n.jsonl").read_text()) == {"v": "1.50"}


def test_how_csv_is_written(users, stage, files, tmp_path):
    style = {"delimiter": "|", "quote": "'", "line_terminator": "\r\n", "header": False, "quote_all": True}
    report = users.export.to_stage("users", stage, "u.csv", **style)
    assert sorted(Path(files.folder, "u.csv").read_bytes().split(b"\r\n")) == [
        b"", b"'1'|'Ada \"A\"'|'1815-12-10'", b"'2'|'\\N'|'\\N'", b"'3'|''|'1912-06-23'",
    ]  # fmt: skip
    users.execute("CREATE TABLE again LIKE users")
    users.load_data.read_csv_stage(stage, "u.csv", "again", **report.load_options)
    assert rows_of(users, "again") == rows_of(users, "users")
    report = users.export.to_file("SELECT * FROM users ORDER BY id", tmp_path / "u.csv", **style)
    assert (tmp_path / "u.csv").read_bytes() == b"'1'|'Ada \"A\"'|'1815-12-10'\r\n'2'||\r\n'3'|''|'1912-06-23'\r\n"
    users.load_data.read_csv(tmp_path / "u.csv", "again", mode="replace", **report.load_options)
    assert [row[0] for row in rows_of(users, "again")] == [1, 2, 3]


def test_files_are_not_replaced_unless_asked(users, stage, files):
    first = users.export.to_stage("users", stage, "u.csv", manifest=True)
    content = Path(files.folder, "u.csv").read_bytes()
    for options in ({}, {"split_size": "1KB"}, {"manifest": True}):
        with pytest.raises(errors.StageFileExists, match=r"u\.csv already; overwrite=True"):
            users.export.to_stage("SELECT 1 AS a", stage, "u.csv", **options)
    with pytest.raises(errors.StageFileExists, match=r"v\.csv\.manifest\.json already"):
        files.put("v.csv.manifest.json", "x")
        users.export.to_stage("users", stage, "v.csv", manifest=True)
    assert Path(files.folder, "u.csv").read_bytes() == content
    report = users.export.to_stage("SELECT 7 AS a", stage, "u.csv", overwrite=True, manifest=True)
    assert Path(files.folder, "u.csv").read_text() == "a\n7\n"
    assert (report.manifest, [file.path for file in report.files]) == (first.manifest, [f"stage://{stage}/u.csv"])
    assert names_in(files) == ["u.csv", "u.csv.manifest.json", "v.csv.manifest.json"]
    with pytest.raises(errors.ServerError, match="nope"):
        users.export.to_stage("SELECT nope FROM users", stage, "u.csv", overwrite=True)
    assert Path(files.folder, "u.csv").read_text() == "a\n7\n"
    assert users.execute("SELECT 1").scalar() == 1


@pytest.fixture
def numbers(client):
    """A table of 20,000 rows."""
    client.execute("CREATE TABLE numbers (id INT PRIMARY KEY, name VARCHAR(40))")
    lines = io.StringIO("".join(f"{number},name {number}\n" for number in range(20_000)))
    client.load_data.read_csv(lines, "numbers")
    client.execute("CREATE TABLE again LIKE numbers")
    return client


@pytest.mark.parametrize("form", ["csv", "jsonline"])
def test_large_exports_are_split(numbers, stage, files, form):
    file = f"n.{FORMATS[form]}"
    report = numbers.export.to_stage("numbers", stage, file, split_size=100_000, manifest=True)
    names = [file, *(f"{file}.{number}" for number in range(1, len(report.files)))]
    assert len(names) > 1
    assert [each.path for each in report.files] == [f"stage://{stage}/{name}" for name in names]
    assert [each.bytes for each in report.files] == [Path(files.folder, name).stat().st_size for name in names]
    assert names_in(files) == sorted([*names, f"{file}.manifest.json"])
    numbers.load_data.read_manifest_stage(stage, f"{file}.manifest.json", "again")
    assert rows_of(numbers, "again") == rows_of(numbers, "numbers")
    assert str(report).startswith(f"{len(names)} files: 20,000 rows, ")
    few = numbers.export.to_stage(
        "SELECT * FROM numbers WHERE id = 5", stage, file, split_size="1MB", overwrite=True, manifest=True
    )
    assert names_in(files) == [file, f"{file}.manifest.json"]
    assert [each.bytes for each in few.files] == [Path(files.folder, file).stat().st_size]
    numbers.load_data.read_manifest_stage(stage, f"{file}.manifest.json", "again", mode="replace")
    assert rows_of(numbers, "again") == [(5, "name 5")]


def test_a_manifest_knows_its_files(users, stage, files, new_client, matrixone_url, database):
    users.execute("CREATE TABLE moments (id INT PRIMARY KEY, at TIMESTAMP)")
    users.execute("INSERT INTO moments VALUES (1, '2024-01-02 03:04:05')")
    users.execute("CREATE TABLE again LIKE moments")
    report = users.export.to_stage("moments", stage, "m.csv", manifest=True)
    content = json.loads(Path(files.folder, "m.csv.manifest.json").read_text())
    assert content["files"] == [{"name": "m.csv", "bytes": report.bytes}]
    assert (content["rows"], content["format"], content["columns"]) == (1, "csv", ["id", "at"])
    elsewhere = new_client(url=matrixone_url, database=database, time_zone="+03:30")
    elsewhere.connect()
    with pytest.raises(errors.InvalidArgument, match="time zone"):
        elsewhere.load_data.read_manifest_stage(stage, "m.csv.manifest.json", "again")
    files.put("m.csv", "id,at\n")
    with pytest.raises(errors.LoadFailed, match="has 6 bytes"):
        users.load_data.read_manifest_stage(stage, "m.csv.manifest.json", "again")
    for content in ("id,at\n", "{}", "[]", '{"version": 2}'):
        files.put("no.json", content)
        with pytest.raises(errors.LoadFailed, match="manifest"):
            users.load_data.read_manifest_stage(stage, "no.json", "again")
    assert rows_of(users, "again") == []


def test_nothing_to_export(users, stage, files):
    users.execute("CREATE TABLE again LIKE users")
    for form, suffix in FORMATS.items():
        report = users.export.to_stage("SELECT * FROM users WHERE id > 9", stage, f"none.{suffix}", manifest=True)
        assert (report.rows, report.format) == (0, form)
        assert len(report.files) == (0 if form == "parquet" else 1)  # the server writes none
        loaded = users.load_data.read_manifest_stage(stage, f"none.{suffix}.manifest.json", "again")
        assert loaded.rows == 0


def test_exports_of_existing_code(users, stage, files, tmp_path):
    query = select(text("*")).select_from(text("users"))
    users.export.to_csv_stage(stage, "a.csv", query, sep=";", quotechar="'", lineterminator="\r\n")
    assert Path(files.folder, "a.csv").read_bytes().startswith(b"id;name;born\r\n1;'Ada \"A\"';1815-12-10\r\n")
    users.export.to_jsonl_stage(stage, "a.jsonl", "SELECT * FROM users WHERE id = :id", {"id": 3})
    users.export.to_jsonl(str(tmp_path / "a.jsonl"), "SELECT * FROM users WHERE id = 3")
    for path in (Path(files.folder, "a.jsonl"), tmp_path / "a.jsonl"):
        assert json.loads(path.read_text()) == {"id": 3, "name": "", "born": "1912-06-23"}
    users.export.to_parquet_stage(stage, "a.parquet", "users", overwrite=True)
    users.export.to_parquet(tmp_path / "a.parquet", "users")
    for path in (Path(files.folder, "a.parquet"), tmp_path / "a.parquet"):
        assert sorted(pyarrow.parquet.read_table(path)["id"].to_pylist()) == [1, 2, 3]
    users.export.to_csv(tmp_path / "a.csv", query, sep="\t")
    assert (tmp_path / "a.csv").read_text().startswith("id\tname\tborn\n")
    users.export.to_csv(f"stage://{stage}/b.csv", "users", sep="|")
    assert Path(files.folder, "b.csv").read_text().startswith("id|name|born\n")


def test_files_of_the_client(users, tmp_path):
    users.export.to_file("users", tmp_path / "u.csv.gz")
    assert gzip.decompress((tmp_path / "u.csv.gz").read_bytes()).decode().splitlines()[0] == "id,name,born"
    report = users.export.to_file("users", str(tmp_path / "u.json.bz2"))
    assert report.format == "jsonline"
    before = (tmp_path / "u.csv.gz").read_bytes()
    with pytest.raises(errors.ServerError, match="nope"):
        users.export.to_file("SELECT nope FROM users", tmp_path / "u.csv.gz")
    assert (tmp_path / "u.csv.gz").read_bytes() == before
    with pytest.raises(FileNotFoundError):
        users.export.to_file("users", tmp_path / "none" / "u.csv")
    longest = tmp_path / f"{'n' * 251}.csv"  # what it is called until it is whole has no longer name
    assert users.export.to_file("users", longest).rows == 3
    with pytest.raises(errors.InvalidArgument, match="is too long for the path of a file") as caught:
        users.export.to_file("users", "id,name\n" * 10_000)
    assert len(str(caught.value)) < 300
    longest.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["u.csv.gz", "u.json.bz2"]
    with (tmp_path / "u.parquet").open("wb") as file:
        users.export.to_file("users", file, format="parquet")
    assert pyarrow.parquet.read_table(tmp_path / "u.parquet")["born"].to_pylist()[0] == dt.date(1815, 12, 10)
    with (tmp_path / "u.txt").open("w", encoding="utf-8", newline="") as file:
        assert users.export.to_file("SELECT name FROM users WHERE id = 1", file).bytes == 17


class Parent(Base):
    __tablename__ = "parents"
    id: Mapped[int] = mapped_column(primary_key=True)
    children: Mapped[list["Child"]] = relationship(lazy="joined")


class Child(Base):
    __tablename__ = "children"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent: Mapped[int] = mapped_column(ForeignKey("parents.id"))


def test_models_are_exported_without_what_they_load(client, stage, tmp_path):
    client.execute("CREATE TABLE parents (id INT PRIMARY KEY)")
    client.execute("CREATE TABLE children (id INT PRIMARY KEY, parent INT)")
    client.execute("INSERT INTO parents VALUES (1), (2)")
    client.execute("INSERT INTO children VALUES (1, 1), (2, 1)")
    for form, suffix in FORMATS.items():
        for report in (
            client.export.to_file(select(Parent), tmp_path / f"p.{suffix}"),
            client.export.to_stage(select(Parent), stage, f"p.{suffix}"),
        ):
            assert (report.columns, report.rows, report.format) == (("id",), 2, form)


def test_many_rows_are_written_as_they_arrive(numbers, tmp_path):
    events = []
    report = numbers.export.to_file("numbers", tmp_path / "n.csv", progress=events.append)
    assert (report.rows, events[-1].rows, events[-1].bytes) == (20_000, 20_000, report.bytes)
    numbers.load_data.read_csv(tmp_path / "n.csv", "again", **report.load_options)
    assert rows_of(numbers, "again") == rows_of(numbers, "numbers")
    numbers.export.to_file("numbers", tmp_path / "n.parquet")
    assert pyarrow.parquet.ParquetFile(tmp_path / "n.parquet").metadata.num_rows == 20_000

    class Full:
        written = 0

        def write(self, data):
            self.written += len(data)
            if self.written > 100_000:
                raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        numbers.export.to_file("numbers", Full())
    assert numbers.execute("SELECT count(*) FROM numbers").scalar() == 20_000


def test_progress_of_an_export_to_a_stage(users, stage):
    events = []
    report = users.export.to_stage("users", stage, "u.csv", progress=events.append)
    assert events[-1] == ExportProgress(f"stage://{stage}/u.csv", 3, report.bytes, report.seconds)


def test_a_progress_function_that_fails_changes_nothing(users, stage, files, tmp_path, caplog):
    """The file stood though the call had failed; with overwrite the old one had been removed."""

    def fail(_event):
        raise ZeroDivisionError

    for given in ({}, {"overwrite": True}, {"overwrite": True, "manifest": True}):
        assert users.export.to_stage("users", stage, "u.csv", progress=fail, **given).rows == 3
    assert users.export.to_file("users", tmp_path / "u.csv", progress=fail).rows == 3
    assert users.export.to_file("users", io.BytesIO(), progress=fail).rows == 3
    assert caplog.text.count("a progress function failed") >= 5
    assert names_in(files) == ["u.csv", "u.csv.manifest.json"]


@pytest.mark.parametrize("form", FORMATS)
def test_rows_are_those_of_the_file(numbers, stage, files, form, monkeypatch):
    """Counted again, this query has another number of rows."""
    query, file = "SELECT id, name FROM numbers WHERE rand() < 0.5", f"n.{FORMATS[form]}"
    report = numbers.export.to_stage(query, stage, file, manifest=True)
    if form == "parquet":
        written = pyarrow.parquet.read_table(Path(files.folder, file)).num_rows
    else:
        written = len(Path(files.folder, file).read_text().splitlines()) - (form == "csv")
    assert report.rows == written
    assert json.loads(Path(files.folder, f"{file}.manifest.json").read_text())["rows"] == written
    monkeypatch.setattr(stage_export, "READ_BACK", 0)
    if form != "parquet":
        assert numbers.export.to_stage(query, stage, f"1{file}").rows is None
        assert numbers.export.to_stage("numbers", stage, f"2{file}").rows == 20_000
        assert numbers.export.to_stage("numbers", stage, f"3{file}", split_size="100KB", count=True).rows == 20_000


@pytest.mark.parametrize(
    "style", [{}, {"quote": "'", "line_terminator": "\r\n"}, {"header": False, "delimiter": ";"}], ids=str
)
def test_rows_of_values_with_line_ends(client, stage, style):
    client.execute("CREATE TABLE texts (id INT PRIMARY KEY, a TEXT, b BLOB, c JSON)")
    texts = ["\n", "\r\n", '"\n"', "'", "\\", '\\"\n', "a\nb\n\nc", "", '""', "\r"]
    for number, value in enumerate(texts):
        values = {"id": number, "a": value, "b": value.encode() + b"\xff", "c": json.dumps({'"': value})}
        client.execute("INSERT INTO texts VALUES (:id, :a, :b, :c)", values)
    assert client.export.to_stage("texts", stage, "t.csv", **style).rows == len(texts)
    assert client.export.to_stage("texts", stage, "t.jsonl").rows == len(texts)
    assert client.export.to_stage("SELECT a FROM texts", stage, "u.csv", quote_all=True, **style).rows == len(texts)


def test_an_earlier_export_is_replaced_whole(numbers, stage, files):
    """With all of its files, and the manifest that describes them."""
    numbers.export.to_stage("numbers", stage, "n.csv", split_size=100_000, manifest=True)
    assert len(names_in(files)) > 2
    files.put("n.csv.x", "somebody's")
    numbers.export.to_stage("SELECT 1 AS id", stage, "n.csv", overwrite=True)
    assert names_in(files) == ["n.csv", "n.csv.x"]
    numbers.export.to_stage("SELECT 1 AS id", stage, "m.csv", manifest=True)
    Path(files.folder, "m.csv").unlink()
    numbers.export.to_stage("SELECT 1 AS id", stage, "m.csv", overwrite=True)
    assert names_in(files) == ["m.csv", "n.csv", "n.csv.x"]


def test_rows_need_not_be_counted(users, stage):
    report = users.export.to_stage("users", stage, "u.csv", count=False)
    assert report.rows is None
    assert str(report).startswith(f"stage://{stage}/u.csv: {report.bytes} bytes in")


def test_views_are_exported(users, stage, files):
    users.execute("CREATE VIEW old AS SELECT id FROM users WHERE born < '1900-01-01'")
    assert users.export.to_stage("old", stage, "old.csv").rows == 1
    assert Path(files.folder, "old.csv").read_text() == "id\n1\n"


@pytest.mark.parametrize(
    ("query", "file", "words"),
    [
        (
            "SELECT CAST(18446744073709551615 AS UNSIGNED) AS u",
            "x.parquet",
            r"select CAST\(`u` AS CHAR\) AS `u`",
        ),
        ("SELECT b FROM bits", "x.csv", r"select CAST\(`b` AS UNSIGNED\) AS `b`"),
    ],
)
def test_what_the_server_would_write_wrongly_is_refused(client, stage, files, query, file, words):
    client.execute("CREATE TABLE bits (b BIT(9))")
    with pytest.raises(errors.NotSupported, match=words):
        client.export.to_stage(query, stage, file)
    assert names_in(files) == []


def test_a_text_of_several_statements_is_refused(users, stage, tmp_path):
    """A server runs all of them: the file would have the rows of the first, and the rest would be done unseen."""
    for query in ("SELECT 1 AS a; DELETE FROM users", text("SELECT id FROM users; SELECT 2")):
        for file in ("t.csv", "t.jsonl", "t.parquet"):
            with pytest.raises(errors.InvalidArgument, match="several statements"):
                users.export.to_file(query, tmp_path / file)
            with pytest.raises(errors.InvalidArgument, match="several statements"):
                users.export.to_stage(query, stage, file)
        with pytest.raises(errors.InvalidArgument, match="several statements"):
            users.stream(query)
    assert users.execute("SELECT count(*) FROM users").scalar() == 3
    assert list(tmp_path.iterdir()) == []
    assert users.export.to_file("SELECT ';' AS a -- all; of it\n;", tmp_path / "one.csv").rows == 1


@pytest.mark.parametrize("name", ["a,b", 'say "x"', "new\nline", "car\rriage"])
def test_a_name_that_a_header_cannot_have_is_refused(client, stage, files, tmp_path, name):
    """The server writes it without quotes: loads and others read two names, or another number of rows."""
    client.execute(f"CREATE TABLE named (id INT PRIMARY KEY, `{name}` INT)")
    client.execute("INSERT INTO named VALUES (1, 2)")
    for source in (f"SELECT id, id AS `{name}` FROM named", "named"):
        with pytest.raises(errors.NotSupported, match="header=False, or select the column AS another name"):
            client.export.to_stage(source, stage, "named.csv")
    assert names_in(files) == []
    assert client.export.to_stage(f"SELECT id, 2 AS `{name}` FROM named", stage, "named.csv", header=False).rows == 1
    assert client.export.to_file(f"SELECT id, 2 AS `{name}` FROM named", tmp_path / "named.csv").rows == 1


def test_two_columns_of_one_name(users, stage):
    for export in (
        lambda: users.export.to_stage("SELECT a.id, b.id FROM users a, users b", stage, "x.csv"),
        lambda: users.export.to_file("SELECT a.id, b.id FROM users a, users b", io.BytesIO()),
    ):
        with pytest.raises(errors.InvalidArgument, match="name"):
            export()


@pytest.mark.parametrize("name", [" users", "my users", "show"])
def test_a_name_with_blanks_is_one_name_everywhere(client, stage, tmp_path, name):
    """What inserts and loads take is exported, and what is exported is another table than the one without blanks."""
    client.create_table(name, {"id": "int"}, primary_key="id")
    assert client.insert(name, {"id": 1}) == 1
    assert client.load_data.read_csv(b"2\n", name).rows == 1
    assert client.export.to_file(name, tmp_path / "u.csv").rows == 2
    assert client.export.to_stage(name, stage, "blank.csv").rows == 2
    assert client.load_data.read_csv_stage(stage, "blank.csv", name, header="match", on_conflict="skip").rows == 0
    with pytest.raises(errors.TableNotFound):
        client.export.to_file(f" {name}", tmp_path / "u.csv")
    client.drop_table(name)
    with pytest.raises(errors.TableNotFound):
        client.export.to_stage(name, stage, "other.csv")


def test_what_is_not_there(users, stage, unique, tmp_path):
    with pytest.raises(errors.StageNotFound):
        users.export.to_stage("users", unique(), "u.csv")
    for export in (
        lambda: users.export.to_stage("none", stage, "u.csv"),
        lambda: users.export.to_file("none", tmp_path / "u.csv"),
    ):
        with pytest.raises(errors.ServerError, match="none"):
            export()
    assert list(tmp_path.iterdir()) == []


def test_sessions_export_what_their_transaction_sees(users, stage, files, tmp_path):
    with users.session() as session:
        session.execute(text("INSERT INTO users VALUES (4, 'new', NULL)"))
        assert session.export.to_file("users", tmp_path / "in.csv").rows == 4
        with pytest.raises(errors.NotSupported, match="a rollback would not take that back"):
            session.export.to_stage("users", stage, "u.csv")
        with pytest.raises(errors.NotSupported, match="outside the session"):
            session.export.to_stage("users", stage, "v.csv", overwrite=True)
        session.rollback()
    assert "4,new," in (tmp_path / "in.csv").read_text().splitlines()
    assert names_in(files) == []
    assert users.export.to_file("users", tmp_path / "in.csv").rows == 3


def test_a_session_survives_a_file_that_cannot_be_written(numbers, tmp_path):
    class Full:
        def write(self, data):
            raise OSError("no space")

    with numbers.session() as session:
        session.execute(text("INSERT INTO numbers VALUES (-1, 'new')"))
        with pytest.raises(OSError, match="no space"):
            session.export.to_file("numbers", Full())
        session.execute(text("INSERT INTO numbers VALUES (-2, 'new')"))
    assert numbers.execute("SELECT count(*) FROM numbers WHERE id < 0").scalar() == 2


def test_exports_to_s3(users, unique, bucket, moto_url):
    name = unique()
    users.stage.create_s3(name, bucket, "out", "key", "secret", region="us-east-1", endpoint=moto_url)
    report = users.export.to_stage("users", name, "2024/u.csv", manifest=True)
    users.execute("CREATE TABLE again LIKE users")
    users.load_data.read_manifest_stage(name, "2024/u.csv.manifest.json", "again")
    assert rows_of(users, "again") == rows_of(users, "users")
    again = users.export.to_stage("users", name, "2024/u.csv", overwrite=True, split_size="1MB", manifest=True)
    assert [file.path for file in again.files] == [file.path for file in report.files]
    for _ in range(2):
        nothing = users.export.to_stage("SELECT * FROM users WHERE id > 99", name, "none.jsonl", overwrite=True)
        assert (nothing.rows, nothing.bytes, len(nothing.files)) == (0, 0, 1)


def test_a_report_shows_itself(users, stage):
    report = users.export.to_stage("users", stage, "u.csv")
    assert str(report) == f"stage://{stage}/u.csv: 3 rows, {report.bytes} bytes in {report.seconds:.2f} s"
    assert "<table>" in report._repr_html_()
    assert json.loads(json.dumps(report.to_dict()))["rows"] == 3
