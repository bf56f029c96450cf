"""Loads from stages, by both clients."""

import bz2
import gzip
import re

import pytest
from models import Base, User
from sqlalchemy import Column, Integer, MetaData, Table, insert, select

from matrixone import errors

ROWS = [
    (1, "Ada", "ada@example.com", 36),
    (2, "Grace", "grace@example.com", 45),
    (3, "O'Brien, Pat", "pat@example.com", 29),
]


@pytest.fixture
def stage(client, unique, files):
    files.copy("users.csv", "users_nohdr.csv", "users_null.csv", "users_pipe.txt", "users_quote.csv", "users_esc.csv",
               "users_crlf.csv", "users_badtype.csv", "users_few.csv", "users_many.csv", "users_utf8.csv", "users.csv.gz",
               "users_gz_noext", "users.tsv", "empty.csv")  # fmt: skip
    client.create_table(User)
    return client.stage.create_local(unique(), files.folder).name


def rows(client):
    return [tuple(row) for row in client.execute("SELECT * FROM users ORDER BY id").all()]


def test_a_csv_into_a_model_and_back(client, stage, database):
    report = client.load_data.read_csv_stage(stage, "users.csv", table=User, ignore_lines=1)
    assert report.rows == 3
    assert [(file.path, file.rows) for file in report.files] == [(f"stage://{stage}/users.csv", 3)]
    assert report.seconds > 0
    assert re.match(rf"stage://{stage}/users.csv -> users: 3 rows in \d+\.\d+ s", str(report))
    assert "\n" not in str(report)
    users = client.execute(select(User).order_by(User.id)).scalars().all()
    assert [(u.id, u.name, u.email, u.age) for u in users] == ROWS


def test_ways_to_name_a_table(client, stage, database):
    table = Table("users", MetaData(), Column("id", Integer), schema=database)
    for target in (User, User.__table__, table, "users", f"{database}.users"):
        client.execute("DELETE FROM users")
        assert client.load_data.read_csv_stage(stage, "users.csv", target, ignore_lines=1).rows == 3
    assert rows(client) == ROWS


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        ("users_pipe.txt", {"delimiter": "|", "ignore_lines": 1}, [(1, "Ada", "a@x", 36), (2, "Grace", "g@x", 45)]),
        ("users.tsv", {"delimiter": "\t"}, [(1, "Ada", "a@x", 36), (2, "Grace", "g@x", 45)]),
        ("users_quote.csv", {"quote": "'"}, [(1, "Ada, L", "a@x", 36), (2, "it's", "g@x", 45)]),
        ("users_esc.csv", {"escape": "\\"},
         [(1, 'say "hi"', "a@x", 36), (2, 'a"b', "g@x", 45), (3, "line\nbreak", "n@x", 1)]),
        ("users_crlf.csv", {"ignore_lines": 1}, ROWS[:2]),
        ("users_crlf.csv", {"ignore_lines": 1, "line_terminator": "\r\n"}, ROWS[:2]),
        ("users_nohdr.csv", {"columns": ["id", "name", "email", None]},
         [(1, "Ada", "ada@example.com", None), (2, "Grace", "grace@example.com", None)]),
        ("users_null.csv", {}, [(1, None, "a@x", None), (2, "", "g@x", None), (3, "", "x@x", 7)]),
        ("users_null.csv", {"null_values": ""}, [(1, None, "a@x", None), (2, None, "g@x", None), (3, None, "x@x", 7)]),
        ("users_null.csv", {"null_values": ["NULL"], "columns": ["id", "name", "email", "age"]},
         [(1, None, "a@x", None), (2, "", "g@x", None), (3, "", "x@x", 7)]),
        ("users_utf8.csv", {}, [(1, "阿達", "é@x", 36), (2, "😀", "g@x", 45)]),
        ("users.csv.gz", {"ignore_lines": 1}, ROWS),
        ("users_gz_noext", {"ignore_lines": 1, "compression": "gzip"}, ROWS),
        ("users.csv", {"ignore_lines": 1, "compression": "none"}, ROWS),
        ("users.csv", {"ignore_lines": 99}, []),
        ("empty.csv", {}, []),
        ("/users.csv", {"ignore_lines": 1}, ROWS),
    ],
)  # fmt: skip
def test_options(client, stage, file, options, expected):
    assert client.load_data.read_csv_stage(stage, file, User, **options).rows == len(expected)
    assert rows(client) == expected


def test_compression_of_client_made_files(client, stage, files):
    files.put("a.csv.bz2", bz2.compress(b"1,Ada,a@x,36\n"))
    files.put("a.csv.gz", gzip.compress(b"2,Grace,g@x,45\n"))
    for name in ("a.csv.bz2", "a.csv.gz"):
        client.load_data.read_csv_stage(stage, name, User)
    assert rows(client) == [(1, "Ada", "a@x", 36), (2, "Grace", "g@x", 45)]


@pytest.mark.parametrize("file", ["users_badtype.csv", "users_few.csv", "users_many.csv"])
def test_a_bad_row_loads_nothing_and_the_servers_message_is_shown(client, stage, file):
    with pytest.raises(errors.LoadFailed) as caught:
        client.load_data.read_csv_stage(stage, file, User)
    assert caught.value.code in {20101, 20203, 20301}
    assert "LOAD DATA INFILE" in caught.value.statement or "INSERT INTO" in caught.value.statement
    assert caught.value.row.line == (1 if "many" in file else 2)
    assert rows(client) == []


def test_what_is_missing(client, stage, unique):
    load = client.load_data.read_csv_stage
    for options in ({}, {"on_conflict": "unchecked"}, {"lock": "table"}, {"on_conflict": "skip"}):
        with pytest.raises(errors.StageFileNotFound, match=rf"^stage://{stage}/none\.csv: ") as caught:
            load(stage, "none.csv", User, **options)
        assert caught.value.code in {20301, 20405}  # LOAD DATA says so, or load_file before it
    with pytest.raises(errors.StageNotFound, match="nowhere"):
        load("nowhere_" + unique(), "users.csv", User)
    with pytest.raises(errors.TableNotFound, match="nothing"):
        load(stage, "users.csv", "nothing")
    with pytest.raises(errors.TableNotFound, match="nothing"):
        load(stage, "users.csv", "nothing", null_values="x")


def test_an_upper_case_stage_name_reaches_the_stage(client, stage):
    assert client.load_data.read_csv_stage(stage.upper(), "users.csv", User, ignore_lines=1).rows == 3


def test_s3(client, unique, bucket, moto_url):
    client.create_table(User)
    name = unique()
    client.stage.create_s3(name, bucket, "data/", "key", "secret", endpoint=moto_url)
    assert client.load_data.read_csv_stage(name, "users.csv", User, ignore_lines=1).rows == 3
    assert rows(client) == ROWS
    with pytest.raises(errors.StageFileNotFound, match=r"none\.csv"):
        client.load_data.read_csv_stage(name, "none.csv", User)


def test_an_endpoint_that_is_down(client, unique):
    client.create_table(User)
    name = unique()
    client.stage.create_s3(name, "b", "", "key-id-1234", "secret-5678", endpoint="http://127.0.0.1:1")
    with pytest.raises(errors.LoadFailed) as caught:
        client.load_data.read_csv_stage(name, "users.csv", User)
    assert "secret-5678" not in str(caught.value)


def test_a_session_commits_rows_and_loads_together(client, stage):
    with client.session() as session:
        session.execute(insert(User).values(id=100, name="Admin"))
        assert session.load_data.read_csv_stage(stage, "users.csv", User, ignore_lines=1).rows == 3
        assert len(session.execute(select(User)).scalars().all()) == 4
    assert len(rows(client)) == 4


def test_a_session_that_fails_leaves_nothing(client, stage):
    with pytest.raises(ZeroDivisionError), client.session() as session:
        session.add(User(id=100, name="Admin"))
        session.load_data.read_csv_stage(stage, "users.csv", User, ignore_lines=1)
        1 / 0
    assert rows(client) == []


def test_what_was_added_is_flushed_before_a_load(client, stage):
    with client.session() as session:
        session.add(User(id=100, name="Admin"))
        session.load_data.read_csv_stage(stage, "users.csv", User, ignore_lines=1)
        session.rollback()
    assert rows(client) == []


def test_a_failed_load_leaves_the_session_open(client, stage):
    with client.session() as session:
        session.execute(insert(User).values(id=100, name="Admin"))
        with pytest.raises(errors.LoadFailed):
            session.load_data.read_csv_stage(stage, "users_badtype.csv", User)
        session.execute(insert(User).values(id=101, name="Next"))
    assert [row[0] for row in rows(client)] == [100, 101]


def test_a_model_base_has_its_tables_made_and_dropped(client):
    client.create_all(Base)
    client.create_all(Base)
    assert rows(client) == []
    client.drop_all(Base.metadata)
    with pytest.raises(Exception, match="users"):
        rows(client)
