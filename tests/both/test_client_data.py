"""Data that the client has, by both clients."""

import asyncio
import bz2
import datetime
import gzip
import io
import time
from decimal import Decimal

import pytest
from models import User

from matrixone import errors

ROWS = [(1, "Ada", "a@x", 36), (2, 'O"B\\, é\n', None, None)]
CSV = '1,Ada,a@x,36\n2,"O""B\\, é\n",\\N,\n'.encode()


@pytest.fixture
def load(client):
    client.create_table(User)
    return client.load_data


def rows(client):
    return [tuple(row) for row in client.execute("SELECT id, name, email, age FROM users ORDER BY id").all()]


def pieces(data, size=7):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "bytearray", "memoryview", "file", "list", "generator"])
def test_csv_of_any_kind(client, load, tmp_path, kind):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    data = {
        "path": path, "str": str(path), "bytes": CSV, "bytearray": bytearray(CSV), "memoryview": memoryview(CSV),
        "file": io.BytesIO(CSV), "list": [bytearray(piece) for piece in pieces(CSV)], "generator": (memoryview(piece) for piece in pieces(CSV)),
    }[kind]  # fmt: skip
    report = load.read_csv(data, User)
    assert (report.rows, report.bytes) == (2, len(CSV))
    assert rows(client) == ROWS


async def asynchronous(data):
    for piece in pieces(data):
        await asyncio.sleep(0)
        yield piece


def test_an_asynchronous_iterator(client, load, side):
    if side == "sync":
        with pytest.raises(errors.InvalidArgument, match="AsyncClient"):
            load.read_csv(asynchronous(CSV), User)
        return
    assert load.read_csv(asynchronous(CSV), User).rows == 2
    client.execute("UPDATE users SET name = 'other'")
    assert load.read_csv(asynchronous(CSV), User, header=None, on_conflict="replace").replaced == 2
    assert rows(client) == ROWS


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_by_suffix_or_option(client, load, tmp_path, suffix, compress):
    half = CSV.index(b"2,")
    packed = compress(CSV[:half]) + compress(CSV[half:])  # several members
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(packed)
    load.read_csv(path, User)
    load.read_csv(iter(pieces(packed)), User, compression={".gz": "gzip", ".bz2": "bz2"}[suffix], on_conflict="skip")
    assert rows(client) == ROWS
    with pytest.raises(errors.LoadFailed, match="no gzip data"):
        load.read_csv(CSV, User, compression="gzip")


def test_encodings(client, load):
    load.read_csv("1,é,ü,1\n".encode("latin-1"), User, encoding="latin-1")
    load.read_csv("2,é,ü,1\n".encode("utf-16"), User, encoding="utf-16")
    assert [row[1:3] for row in rows(client)] == [("é", "ü")] * 2
    with pytest.raises(errors.LoadFailed, match="line 3: byte 0xe9 is not utf-8") as caught:
        load.read_csv(b"4,a,b,1\n5,a,b,1\n6,\xe9,b,1\n", User)
    assert caught.value.row.line == 3
    assert len(rows(client)) == 2


def test_columns_by_the_header(client, load):
    text = b"skipped\nname,ID\nAda,1\n"
    assert load.read_csv(iter(pieces(text, 3)), User, header="match", ignore_lines=1).rows == 1
    assert rows(client) == [(1, "Ada", None, None)]
    with pytest.raises(errors.LoadFailed, match="no header"):
        load.read_csv(b"", User, header="match")


def test_no_data(client, load):
    assert load.read_csv(b"", User).rows == 0
    assert load.read_csv(iter([]), User, on_conflict="unchecked").rows == 0


def test_what_cannot_be_read(client, load, tmp_path):
    with pytest.raises(FileNotFoundError):
        load.read_csv(tmp_path / "none.csv", User)
    assert load.read_csv(io.StringIO("1,a,b,1\n"), User).rows == 1
    with pytest.raises(errors.InvalidArgument, match="a str is a path"):
        load.read_csv("1,a,b,1\n", User)
    with pytest.raises(errors.LoadFailed, match="(?i)parquet"):
        load.read_parquet(b"1,a,b,1\n", User)
    with pytest.raises(errors.InvalidArgument, match="is no table"):
        load.read_arrow([1], User)


def broken():
    yield b"1,Ada,a@x,36\n"
    yield b"2,Grace,g@x,45\n"
    raise ZeroDivisionError


@pytest.mark.parametrize("conflict", ["unchecked", "error", "skip"])
def test_a_source_that_breaks_loads_nothing(client, load, conflict):
    with pytest.raises(ZeroDivisionError):
        load.read_csv(broken(), User, on_conflict=conflict)
    assert rows(client) == []
    assert load.read_csv(CSV, User, on_conflict=conflict).rows == 2


def broken_late(error=ZeroDivisionError):
    for first in range(1, 60_000, 100):
        yield "".join(f"{number},{'x' * 40},e,1\n" for number in range(first, first + 100)).encode()
    raise error


def test_a_source_that_breaks_before_anything_is_sent_leaves_a_session_as_it_was(client, load):
    with client.session() as session:
        with pytest.raises(ZeroDivisionError):
            session.load_data.read_csv(broken(), User)
        assert session.load_data.read_csv(CSV, User).rows == 2
    assert rows(client) == ROWS


@pytest.mark.parametrize("conflict", ["unchecked", "error"])
def test_a_source_that_breaks_as_it_is_sent_leaves_nothing(client, load, conflict):
    """The connection is lost, and with it the session's transaction, unless another connection sent the data."""
    session = client.session()
    session.add(User(id=9))
    with pytest.raises(ZeroDivisionError):
        session.load_data.read_csv(broken_late(), User, on_conflict=conflict)
    if conflict == "unchecked":
        with pytest.raises(errors.TransactionAborted):
            session.commit()
    session.close()
    assert rows(client) == []
    with pytest.raises(ZeroDivisionError):
        load.read_csv(broken_late(), User, on_conflict=conflict)
    assert client.execute("SHOW TABLES").scalars().all() == ["users"]


def test_a_source_that_has_a_time_limit_of_its_own(client, load):
    """No limit of the statement's has passed, of which the error would say that it was stopped."""
    with pytest.raises(TimeoutError, match="slow source"):
        load.read_csv(broken_late(TimeoutError("slow source")), User)
    assert rows(client) == []


def test_in_a_session(client, load):
    with client.session() as session:
        session.add(User(id=9))
        assert session.load_data.read_csv(CSV, User).rows == 2
        with pytest.raises(errors.DuplicateKey):
            session.load_data.read_csv(CSV, User)
    assert [row[0] for row in rows(client)] == [1, 2, 9]


def test_only_what_was_handed_over_is_sent(client, load, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("7,secret,s,1\n")
    with pytest.raises(Exception, match="was refused"):
        client.execute(f"LOAD DATA LOCAL INFILE '{secret}' INTO TABLE users FIELDS TERMINATED BY ','")
    assert rows(client) == []


def test_more_than_one_packet(client, load):
    text = "".join(f"{number},{'x' * 90},e,1\n" for number in range(1, 30_001)).encode()
    assert load.read_csv(text, User, timeout=60).rows == 30_000
    with pytest.raises(errors.LoadFailed, match="line 30,001, column 'age', value 'x'"):
        load.read_csv(text + b"30001,a,b,x\n", User, on_conflict="replace")
    with pytest.raises(errors.LoadFailed):
        load.read_csv(b"1,a,b,bad\n" + text, User, on_conflict="unchecked")
    assert client.execute("SELECT count(*) FROM users").scalar() == 30_000


@pytest.mark.parametrize("shape", ["object", "array"])
def test_json_lines(client, load, shape):
    lines = [
        '{"id": 1, "name": "Ada", "email": "a@x", "age": 36}',
        '{"name": "O\\"B\\\\, é\\n", "age": null, "id": 2, "email": null}',
    ]
    if shape == "array":
        lines = ['[1, "Ada", "a@x", 36]', '[2, "O\\"B\\\\, é\\n", null, null]']
    data = "\r\n".join([*lines, ""]).encode()
    assert load.read_json(iter(pieces(data)), User, shape=shape).rows == 2
    assert rows(client) == ROWS
    for line, says in ((b"{oops", "no JSON"), (b"3", "where an .* is wanted"), (b'"\xe9"', "is not")):
        with pytest.raises(errors.LoadFailed, match=f"line 3: .*{says}|line 3: byte"):
            load.read_json(data + line, User, shape=shape, on_conflict="skip")


def test_a_json_array_in_one_line(client, load):
    data = b'[{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}]'
    assert load.read_json(data, User).rows == 4
    with pytest.raises(errors.LoadFailed, match=r"line 1: .*'x'|line 1, column 'age', value 'x'"):
        load.read_json(data.replace(b"]", b', {"id": 5, "age": "x"}]'), User, on_conflict="skip")


def test_json_values(client, load):
    client.execute("CREATE TABLE j (id INT PRIMARY KEY, b BOOL, j JSON, f DOUBLE)")
    assert (
        load.read_json(b'{"id":1,"b":true,"j":{"a":[1,"x"]},"f":1.5}\n\n{"id":2,"b":false,"j":[1],"f":1e300}', "j").rows
        == 2
    )
    assert client.execute("SELECT b, f FROM j ORDER BY id").all() == [(1, 1.5), (0, 1e300)]
    with pytest.raises(errors.LoadFailed, match="line 1: .*no key 'b'"):
        load.read_json(b'{"id":3}', "j", missing_keys="error")
    assert load.read_json(b'{"id":3}', "j", columns=["id"]).rows == 1


def everything(pyarrow):
    return pyarrow.table(
        {
            "id": [1, 2],
            "d": pyarrow.array([Decimal("12.3400"), None], pyarrow.decimal128(20, 4)),
            "f": [1e300, None],
            "h": pyarrow.array([1.5, None], pyarrow.float32()).cast(pyarrow.float16()),
            "b": [True, None],
            "da": [datetime.date(2020, 1, 2), None],
            "ti": pyarrow.array([datetime.time(1, 2, 3, 4), None]),
            "dt": [datetime.datetime(2020, 1, 2, 3, 4, 5, 6), None],
            "v": [[1.0, 2.0, 3.5], None],
            "bl": [b'\x00\xff"\\\n', None],
            "s": pyarrow.array(["", "\\N"]).dictionary_encode(),
        }
    )


ALL = (
    "CREATE TABLE a (id BIGINT PRIMARY KEY, d DECIMAL(20,4), f DOUBLE, h FLOAT, b BOOL, da DATE, ti TIME(6), dt DATETIME(6),"
    " v VECF32(3), bl BLOB, s TEXT)"
)
FIRST = (
    1, Decimal("12.3400"), 1e300, 1.5, 1, datetime.date(2020, 1, 2), datetime.timedelta(seconds=3723, microseconds=4),
    datetime.datetime(2020, 1, 2, 3, 4, 5, 6), "[1, 2, 3.5]", b'\x00\xff"\\\n', "",
)  # fmt: skip


def test_arrow(client, load):
    pyarrow = pytest.importorskip("pyarrow")
    client.execute(ALL)
    table = everything(pyarrow)
    assert load.read_arrow(table, "a").rows == 2
    client.execute("UPDATE a SET s = 'other'")
    assert load.read_arrow(table.to_reader(), "a", on_conflict="replace").replaced == 2
    assert load.read_arrow(table.to_batches()[0], "a", on_conflict="skip").skipped == 2
    found = client.execute("SELECT * FROM a ORDER BY id").all()
    assert tuple(found[0]) == FIRST
    assert tuple(found[1]) == (2, *[None] * 9, "\\N")
    with pytest.raises(errors.InvalidArgument, match="has no column 'x'"):
        load.read_arrow(table, "a", columns=["x"])
    assert load.read_arrow(table, "a", columns=["id", "s"], on_conflict="update").updated == 2
    with pytest.raises(errors.InvalidArgument, match="no column 'zz'"):
        load.read_arrow(pyarrow.table({"id": [3], "zz": [1]}), "a")
    assert load.read_arrow(pyarrow.table({"id": pyarrow.array([], pyarrow.int64())}), "a").rows == 0


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "iterator"])
def test_parquet(client, load, tmp_path, kind):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    client.execute(ALL)
    path = tmp_path / "a.parquet"
    parquet.write_table(everything(pyarrow).drop(["h"]), path)
    content = path.read_bytes()
    data = {"path": path, "bytes": content, "file": io.BytesIO(content), "iterator": iter(pieces(content, 1000))}[kind]
    assert load.read_parquet(data, "a").rows == 2
    assert tuple(client.execute("SELECT * FROM a ORDER BY id").all()[0]) == (*FIRST[:3], None, *FIRST[4:])


def test_arrow_without_pyarrow(load, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("matrixone_core.libraries.import_module", missing)
    with pytest.raises(errors.NotSupported, match=r"matrixone\[arrow\]"):
        load.read_arrow([], User)


def test_a_time_limit(client, load):
    def slow():
        for number in range(1, 100):
            yield f"{number},{'x' * 90},{'y' * 200},1\n".encode() * 200
            time.sleep(0.02)

    with pytest.raises(errors.StatementTimeout):
        load.read_csv(slow(), User, timeout=0.3, on_conflict="unchecked")
    assert rows(client) == []
