"""Columns that only the data has, columns that the load fills, and keys of JSON that are there or not: every source."""

import io
import re
import uuid
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from matrixone import errors

TABLE = pyarrow.table({"id": [1, 2], "name": ["a", "b"], "extra": [1.5, 2.5]})
CSV = "id,name,extra\n1,a,1.5\n2,b,2.5\n"
LINES = '{"id": 1, "name": "a", "extra": 1.5}\n{"id": 2, "name": "b", "extra": 2.5}\n'
LARGE = 8 * 1024 * 1024 // len('{"id": 10000, "name": "a"}\n') + 10_000  # lines, from which on a server reads them


def parquet_file():
    sink = io.BytesIO()
    pyarrow.parquet.write_table(TABLE, sink)
    return sink.getvalue()


@pytest.fixture
def stage(client, unique, files):
    files.put("c.csv", CSV)
    files.put("c.jsonl", LINES)
    files.put("c.parquet", parquet_file())
    return client.stage.create_local(unique(), files.folder).name


@pytest.fixture(params=["csv", "csv stage", "json", "json stage", "parquet", "parquet stage", "arrow"])
def load(request, client, stage):
    loads = client.load_data
    return {
        "csv": lambda **o: loads.read_csv(CSV.encode(), "c", header="match", **o),
        "csv stage": lambda **o: loads.read_csv_stage(stage, "c.csv", "c", header="match", **o),
        "json": lambda **o: loads.read_json(LINES.encode(), "c", **o),
        "json stage": lambda **o: loads.read_json_stage(stage, "c.jsonl", "c", **o),
        "parquet": lambda **o: loads.read_parquet(io.BytesIO(parquet_file()), "c", **o),
        "parquet stage": lambda **o: loads.read_parquet_stage(stage, "c.parquet", "c", **o),
        "arrow": lambda **o: loads.read_arrow(TABLE, "c", **o),
    }[request.param]


def stored(client, columns="*"):
    return [tuple(row) for row in client.execute(f"SELECT {columns} FROM c ORDER BY id").all()]


@pytest.mark.parametrize("conflict", ["error", "replace"])
def test_extra_columns_are_added_with_their_values(client, load, conflict):
    client.execute("CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(10))")
    load(extra_columns="add", dtype={"extra": "DECIMAL(5,2)"}, on_conflict=conflict)
    assert stored(client) == [(1, "a", Decimal("1.50")), (2, "b", Decimal("2.50"))]


@pytest.mark.parametrize("conflict", ["error", "replace"])
def test_extra_columns_are_ignored(client, load, conflict):
    client.execute("CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(10))")
    load(extra_columns="ignore", on_conflict=conflict)
    assert stored(client) == [(1, "a"), (2, "b")]


def test_columns_that_the_load_fills_are_no_fields(client, load):
    client.execute("CREATE TABLE c (source TEXT, id INT PRIMARY KEY, name VARCHAR(10), number BIGINT)")
    load(extra_columns="ignore", file_column="source", row_column="number")
    assert stored(client, "id, name, number") == [(1, "a", 1), (2, "b", 2)]
    assert all(source for (source,) in stored(client, "source"))


def test_lines_without_names_have_no_fields_for_columns_that_the_load_fills(client, stage):
    client.execute("CREATE TABLE c (source TEXT, id INT PRIMARY KEY, name VARCHAR(10), number BIGINT)")
    client.load_data.read_csv(b"1,a\n", "c", file_column="source", row_column="number")
    assert stored(client) == [("<bytes>", 1, "a", 1)]


def test_columns_named_by_the_caller(client, stage):
    client.execute("CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(10))")
    client.load_data.read_csv(b"1,a,x\n", "c", columns=["id", "name", "other"], extra_columns="ignore")
    client.load_data.read_csv(b"2,b,y\n", "c", columns=["id", "name", "other"], extra_columns="add")
    client.load_data.read_json(b'{"id": 3, "more": 4}\n', "c", columns=["id", "more"], extra_columns="ignore")
    assert stored(client) == [(1, "a", None), (2, "b", "y"), (3, None, None)]


@pytest.mark.parametrize("extra", ["add", "ignore"])
def test_fields_without_names_cannot_be_extra(client, extra):
    client.execute("CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(10))")
    with pytest.raises(
        errors.InvalidArgument, match="needs the names of the file's columns; give header='match' or columns"
    ):
        client.load_data.read_csv(b"1,a,x\n", "c", extra_columns=extra)


@pytest.mark.parametrize(
    ("option", "says"),
    [({"extra_keys": "error"}, "the object has the key 'other'"), ({"missing_keys": "error"}, "has no key 'name'")],
)
def test_keys_are_seen_in_files_of_any_size(client, stage, files, option, says):
    client.execute("CREATE TABLE c (id INT, name VARCHAR(10))")
    files.put("large.jsonl", "".join(f'{{"id": {number}, "other": "a"}}\n' for number in range(LARGE)))
    with pytest.raises(errors.LoadFailed, match=re.escape(says)):
        client.load_data.read_json_stage(stage, "large.jsonl", "c", **option)


def test_bytes_for_a_uuid_column_are_text(client):
    client.execute("CREATE TABLE c (id UUID)")
    found = uuid.UUID("6d2bd0a0-1111-4222-8333-444455556666")
    client.load_data.read_arrow(pyarrow.table({"id": pyarrow.array([found.bytes, None], pyarrow.binary(16))}), "c")
    assert {row[0] and str(row[0]) for row in stored(client)} == {str(found), None}


def test_an_unknown_option_names_the_nearest_one_of_the_format(client):
    with pytest.raises(errors.InvalidArgument, match="no option 'delimeter'; did you mean 'delimiter'"):
        client.load_data.read_csv(b"1\n", "c", delimeter=";")


@pytest.mark.parametrize("load", ["csv", "csv stage", "parquet", "parquet stage", "arrow"], indirect=True)
def test_columns_that_the_table_does_not_have_are_an_error(client, load):
    client.execute("CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(10))")
    with pytest.raises(errors.InvalidArgument, match=r"no column 'extra'.*extra_columns="):
        load()
    assert stored(client) == []


@pytest.mark.parametrize("load", ["parquet", "parquet stage"], indirect=True)
@pytest.mark.parametrize("conflict", ["error", "unchecked"])
def test_a_parquet_file_that_unpacks_to_more_than_allowed(client, load, conflict):
    client.execute("CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(10), extra DOUBLE)")
    with pytest.raises(errors.LoadFailed, match=r"unpacks to about .*max_unpacked_bytes="):
        load(max_unpacked_bytes=10, on_conflict=conflict)
    assert stored(client) == []
    load(on_conflict=conflict)
    assert len(stored(client)) == 2
