"""Random tables go through each format, from the client and from a stage, and come back as they were."""

import json
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = ("id", "s", "i", "d", "da", "b")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ROW = st.tuples(
    st.none() | TEXT,
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.decimals(min_value=-99999, max_value=99999, places=3),
    st.none() | st.dates(),
    st.none() | st.binary(max_size=20),
)


def csv(rows):
    return b"".join(b",".join(map(_field, row)) + b"\n" for row in rows)


def _field(value):
    if value is None:
        return rb"\N"
    data = value if isinstance(value, bytes) else str(value).encode()
    return b'"' + data.replace(b'"', b'""') + b'"'


def jsonline(rows):
    """Dates and decimals as texts; bytes are nothing that JSON has."""
    lines = [dict(zip(NAMES[:5], row, strict=False)) for row in rows]
    return "".join(f"{json.dumps(line, ensure_ascii=False, default=str)}\n" for line in lines).encode()


def arrow(rows):
    pyarrow = pytest.importorskip("pyarrow")
    kinds = (
        pyarrow.int64(), pyarrow.string(), pyarrow.int32(), pyarrow.decimal128(8, 3), pyarrow.date32(), pyarrow.binary(),
    )  # fmt: skip
    columns = [pyarrow.array([row[at] for row in rows], kind) for at, kind in enumerate(kinds)]
    return pyarrow.table(dict(zip(NAMES, columns, strict=True)))


def parquet(rows):
    pyarrow, module = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sink = pyarrow.BufferOutputStream()
    module.write_table(arrow(rows), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def stage(client, unique, files):
    client.execute("CREATE TABLE r (id BIGINT PRIMARY KEY, s TEXT, i INT, d DECIMAL(8,3), da DATE, b BLOB)")
    return client.stage.create_local(unique(), files.folder).name


def ways(client, stage, files, rows):
    """What loads the rows, and how many of the columns it fills."""
    load, name = client.load_data, uuid.uuid4().hex

    def put(suffix, data):
        files.put(f"{name}.{suffix}", data)
        return stage, f"{name}.{suffix}"

    yield lambda: load.read_csv(csv(rows), "r", encoding=None), 6
    yield lambda: load.read_csv_stage(*put("csv", csv(rows)), "r"), 6
    yield lambda: load.read_json(jsonline(rows), "r", columns=NAMES[:5]), 5
    yield lambda: load.read_json_stage(*put("jsonl", jsonline(rows)), "r", columns=NAMES[:5]), 5
    yield lambda: load.read_arrow(arrow(rows), "r"), 6
    yield lambda: load.read_parquet(parquet(rows), "r"), 6
    yield lambda: load.read_parquet_stage(*put("parquet", parquet(rows)), "r"), 6


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, min_size=1, max_size=8))
def test_random_tables_come_back_equal(client, stage, files, rows):
    numbered = [(number, *row) for number, row in enumerate(rows)]
    for load, width in ways(client, stage, files, numbered):
        client.execute("DELETE FROM r")
        assert load().rows == len(rows)
        found = [tuple(row) for row in client.execute("SELECT * FROM r ORDER BY id").all()]
        assert found == [(*row[:width], *[None] * (6 - width)) for row in numbered]
