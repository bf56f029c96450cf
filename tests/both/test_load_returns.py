"""Texts that end with a carriage return: a server's LOAD DATA loses it at a line's end (server-facts 84)."""

import gzip
import uuid

import pytest

from matrixone import errors

VALUES = (
    b"\r",
    b"a\r",
    b"\r\n",
    b"\n\r",
    b'"\r',
    b"\r\r",
    b"C:\\r\r",
    b"\\N\r",
    b"\\",
    b"a\\N",
    b"\x01\r",
    b"\x80\r",
    b"plain",
)


def field(value):
    return b'"' + value.replace(b'"', b'""') + b'"'


def csv(values, end=b"\n"):
    return b"".join(b"%d,%b%b" % (number, field(value), end) for number, value in enumerate(values))


@pytest.fixture
def table(client):
    client.execute("CREATE TABLE r (id INT PRIMARY KEY, b BLOB)")
    return lambda: [row[0] for row in client.execute("SELECT b FROM r ORDER BY id")]


@pytest.fixture
def stage(client, unique, files):
    return client.stage.create_local(unique(), files.folder).name


def put(files, data, suffix="csv"):
    name = f"{uuid.uuid4().hex}.{suffix}"
    files.put(name, data)
    return name


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_from_the_client(client, table, end):
    client.load_data.read_csv(csv(VALUES, end), "r", encoding=None)
    assert table() == [*VALUES]


@pytest.mark.parametrize("values", [VALUES, [b"\\", b"a\\N", b"plain"]], ids=["with", "without"])
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_from_a_stage(client, table, files, stage, values, suffix):
    data = csv(values)
    name = put(files, gzip.compress(data) if suffix.endswith("gz") else data, suffix)
    assert client.load_data.read_csv_stage(stage, name, "r").rows == len(values)
    assert table() == [*values]


def test_in_a_session(client, table, files, stage):
    name = put(files, csv(VALUES))
    with client.session() as session:
        session.load_data.read_csv_stage(stage, name, "r")
        session.commit()
    assert table() == [*VALUES]


def test_of_a_larger_file(client, table, files, stage):
    values = [b"x" * 1000] * 6000 + [b"a\r"]
    assert client.load_data.read_csv_stage(stage, put(files, csv(values)), "r").rows == len(values)
    assert table()[-1] == b"a\r"


def test_several_files(client, table, files, stage):
    lines = csv(VALUES).split(b"\n", 1)
    names = [put(files, lines[0] + b"\n"), put(files, lines[1])]
    client.load_data.read_csv_stage(stage, names, "r")
    assert table() == [*VALUES]


def test_before_a_field_that_is_empty(client, files, stage):
    client.execute("CREATE TABLE r (b BLOB, n INT)")
    name = put(files, b'"a\r",\n"b",1\n')
    client.load_data.read_csv_stage(stage, name, "r")
    client.load_data.read_csv(b'"a\r",\n', "r")
    assert sorted(row[0] for row in client.execute("SELECT b FROM r")) == [b"a\r", b"a\r", b"b"]


def test_of_frames(client, table):
    pyarrow = pytest.importorskip("pyarrow")
    client.load_data.read_arrow(pyarrow.table({"id": range(len(VALUES)), "b": [*VALUES]}), "r")
    assert table() == [*VALUES]


def test_of_a_stage_that_the_session_has_created_or_altered(client, table, files, stage, unique):
    """The file is looked at where the stage will be; only the client's reading of it has to wait for the commit."""
    files.put("sub/same.csv", csv([b"a\r"]))
    files.put("same.csv", csv([b"plain"]))
    changed, created = client.stage.create_local(unique(), f"{files.folder}/sub").name, unique()
    with client.session() as session:
        session.stage.create_local(created, f"{files.folder}/sub")
        session.stage.alter(changed, url=f"file://{files.folder}")
        assert session.load_data.read_csv_stage(changed, "same.csv", "r").rows == 1
        with pytest.raises(errors.NotSupported, match="seen once it commits"):
            session.load_data.read_csv_stage(created, "same.csv", "r")
    assert table() == [b"plain"]
    client.execute("DELETE FROM r")
    client.load_data.read_csv_stage(created, "same.csv", "r")
    assert table() == [b"a\r"]
    assert [row[0] for row in client.execute("SHOW TABLES")] == ["r"]


def test_of_a_pending_stage_on_s3(client, table, s3, bucket, moto_url, unique):
    s3.put_object(Bucket=bucket, Key="data/plain.csv", Body=csv([b"plain"]))
    stage = unique()
    with client.session() as session:
        session.stage.create_s3(stage, bucket, "data/", "key", "secret", endpoint=moto_url)
        session.load_data.read_csv_stage(stage, "plain.csv", "r")
    assert table() == [b"plain"]
