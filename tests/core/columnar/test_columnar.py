"""Blocks of rows made into Arrow data, and that into frames."""

import sys
from array import array
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixone_core.columnar.decoding import Decoder
from matrixone_core.columnar.frames import as_pandas, as_polars, check_backend
from matrixone_core.dialect.types import VECF32, VECF64
from matrixone_core.errors import ConnectionLost, InvalidArgument, NotSupported, ServerError
from matrixone_core.libraries import library, load
from matrixone_core.result_columns import ResultColumn
from matrixone_core.row_packets import Block, RowPackets

UNSIGNED = 32


def field(type_code, length=20, scale=0, *, flags=0, charset=63, name="c"):
    described = {"charsetnr": charset, "length": length, "flags": flags, "scale": scale}
    return ResultColumn.of_field(SimpleNamespace(name=name, type_code=type_code, **described))


def cell(value):
    """A value as the text protocol has it."""
    if value is None:
        return b"\xfb"
    value = value.encode() if isinstance(value, str) else value
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little") + value
    return b"\xfd" + size.to_bytes(3, "little") + value


def block(*rows, base=0):
    """Payloads as a block."""
    data, starts = bytearray(), array("q")
    for row in rows:
        data += len(row).to_bytes(3, "little") + b"\0"
        starts.append(base + len(data))
        data += row
    return Block(bytes(data), starts, base)


def decoder(*fields, types=(), is_ordered=False):
    packets = RowPackets(1, 1, streams=False)
    packets.fields, packets.types, packets.is_ordered = fields, types, is_ordered
    return Decoder(packets)


def finish(work):
    """What work returns that is done little by little."""
    try:
        while True:
            next(work)
    except StopIteration as done:
        return done.value


def column(of, *values, declared=None):
    """One column's Arrow array of the values."""
    types = [] if declared is None else [(of.name, declared)]
    made = decoder(of, types=types)
    batch = finish(made.batch(block(*map(cell, values), base=1000)))
    assert batch.schema == made.schema
    batch.validate(full=True)
    return batch.column(0)


KINDS = [
    (field(1, 8), pa.int8(), {"-128": -128, "127": 127}),
    (field(1, 8, flags=UNSIGNED), pa.uint8(), {"255": 255}),
    (field(1, 1), pa.bool_(), {"1": True, "0": False}),
    (field(2, 16), pa.int16(), {"-32768": -32768}),
    (field(3, 32, flags=UNSIGNED), pa.uint32(), {"4294967295": 4294967295}),
    (field(9, 32), pa.int32(), {"-5": -5}),
    (field(8, 64), pa.int64(), {"-9223372036854775808": -(2**63)}),
    (field(8, 64, flags=UNSIGNED), pa.uint64(), {"18446744073709551615": 2**64 - 1}),
    (field(13, 4), pa.int16(), {"2024": 2024, "0000": 0}),
    (field(4), pa.float32(), {"1.5": 1.5, "+Infinity": float("inf")}),
    (field(5), pa.float64(), {"1e300": 1e300, "-Infinity": float("-inf"), "0.1": 0.1}),
    (field(0, 20, 4), pa.decimal128(18, 4), {"12345678901234.5678": Decimal("12345678901234.5678")}),
    (field(246, 19, 0), pa.decimal128(18, 0), {"-123456789012345678": Decimal(-123456789012345678)}),
    (field(0, 6, 2, flags=UNSIGNED), pa.decimal128(5, 2), {"123.45": Decimal("123.45")}),
    (field(0, 67, 30), pa.decimal256(65, 30), {"1.5": Decimal("1.5")}),
    (field(0, 2, 0), pa.decimal128(1, 0), {"5": Decimal(5)}),
    (field(0, 1, 0, flags=UNSIGNED), pa.decimal128(1, 0), {"5": Decimal(5)}),
    (field(0, 1, 0), pa.decimal128(38, 0), {"-18446744073709551615": Decimal(1 - 2**64)}),
    (field(10), pa.date32(), {"2024-02-29": date(2024, 2, 29), "0001-01-01": date(1, 1, 1)}),
    (
        field(12, 26, 6),
        pa.timestamp("us"),
        {"2024-02-03 04:05:06.123456": datetime(2024, 2, 3, 4, 5, 6, 123456), "9999-12-31 23:59:59": datetime(9999, 12, 31, 23, 59, 59)},
    ),
    (field(7, 19), pa.timestamp("us"), {"2024-02-03 04:05:06": datetime(2024, 2, 3, 4, 5, 6)}),
    (
        field(11, 17, 6),
        pa.duration("us"),
        {
            "-838:59:59.000000": -timedelta(hours=838, minutes=59, seconds=59),
            "12:00:00.5": timedelta(hours=12, microseconds=500_000),
            "00:00:00": timedelta(0),
            "-00:00:00.000001": -timedelta(microseconds=1),
        },
    ),
    (field(16, 10, flags=UNSIGNED), pa.uint64(), {b"\x02\x01": 513, b"": 0, b"\xff" * 8: 2**64 - 1}),
    (field(245), pa.string(), {'{"a": 1}': '{"a": 1}'}),
    (field(253, charset=33), pa.string(), {"héé": "héé", "": ""}),
    (field(254, charset=45), pa.string(), {"a": "a"}),
    (field(252, charset=33), pa.string(), {"x" * 300: "x" * 300, "y" * 70_000: "y" * 70_000}),
    (field(252), pa.binary(), {b"\0\xff": b"\0\xff"}),
    (field(15), pa.binary(), {b"\1\2": b"\1\2"}),
    (field(255), pa.binary(), {b"\0": b"\0"}),
]  # fmt: skip


@pytest.mark.parametrize(("of", "wanted", "values"), KINDS, ids=[f"{of.type_code}-{wanted}" for of, wanted, _ in KINDS])
def test_types(of, wanted, values):
    found = column(of, *values, None)
    assert found.type == wanted
    assert found.to_pylist() == [*values.values(), None]
    assert column(of, None, None).to_pylist() == [None, None]


def test_null_and_not_a_number():
    assert column(field(6), None, None).type == pa.null()
    assert np.isnan(column(field(5), "NaN")[0].as_py())


def test_vectors_where_the_statement_says_so():
    text = field(15, 9, charset=33, name="v")
    found = column(text, "[1, 2.5, -3e2]", None, "[0,0,0]", declared=VECF32(3))
    assert found.type == pa.list_(pa.float32(), 3)
    assert found.to_pylist() == [[1.0, 2.5, -300.0], None, [0.0, 0.0, 0.0]]
    assert column(text, "[0.1]", declared=VECF64(1)).to_pylist() == [[0.1]]
    assert column(text, "[0.1]").to_pylist() == ["[0.1]"]
    with pytest.raises(ServerError, match=r"'v' cannot be read .* 2 dimensions, not 3"):
        column(text, "[1,2]", declared=VECF32(3))
    made = decoder(text, types=[("v", VECF32(3))])
    assert made.table([]).schema == made.schema


def test_types_of_the_statement_go_by_place_or_by_name():
    fields = field(3, name="v"), field(15, charset=33, name="v")
    by_place = decoder(*fields, types=[("id", None), ("v", VECF32(1))], is_ordered=True)
    assert by_place.schema.types == [pa.int32(), pa.list_(pa.float32(), 1)]
    by_name = decoder(field(15, charset=33, name="a"), fields[1], types=[("v", VECF32(1))], is_ordered=True)
    assert by_name.schema.types == [pa.string(), pa.list_(pa.float32(), 1)]


def test_a_row_of_several_columns():
    made = decoder(field(3, name="a"), field(253, charset=33, name="b"), field(252, name="b"))
    rows = [cell(str(number)) + cell("x" * number if number % 3 else None) + cell(b"\xff") for number in range(600)]
    batch = finish(made.batch(block(*rows)))
    assert batch.schema.names == ["a", "b", "b"]
    assert batch.column(0).to_pylist() == list(range(600))
    assert batch.column(1).to_pylist() == ["x" * number if number % 3 else None for number in range(600)]


LONG = b"\xfe" + (3).to_bytes(8, "little") + b"abc"


def test_a_length_of_eight_bytes():
    batch = finish(decoder(field(253, charset=33)).batch(block(LONG, cell("d"))))
    assert batch.column(0).to_pylist() == ["abc", "d"]


@pytest.mark.parametrize(
    "row",
    [
        b"", b"\x05ab", cell("a") + cell("b"), b"\xfc\x01", b"\xfd", b"\xfe\1\0", b"\xfe" + b"\xff" * 8 + b"a",
        b"\xff", b"\xfc\x05\x00ab",
    ],
)  # fmt: skip
@pytest.mark.parametrize("others", [0, 1])
def test_rows_that_are_cut_short(row, others):
    with pytest.raises(ConnectionLost, match="malformed"):
        finish(decoder(field(253, charset=33)).batch(block(row, *[cell("a")] * others)))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=6), min_size=1, max_size=4))
def test_any_bytes_are_rows_or_refused(rows):
    made = decoder(field(252, name="a"), field(252, name="b"))
    try:
        batch = finish(made.batch(block(*rows)))
    except ConnectionLost:
        return
    assert batch.num_rows == len(rows)
    batch.validate(full=True)


def test_what_the_server_says_and_does_not_send():
    with pytest.raises(ServerError, match="'c' has a text that is not UTF-8; select hex"):
        column(field(253, charset=33), b"\xff")
    with pytest.raises(ServerError, match=r"'c' cannot be read as int32: .*CAST it to CHAR"):
        column(field(3), "x")
    with pytest.raises(ServerError, match="'c' cannot be read as date32"):
        column(field(10), "0000-00-00")
    with pytest.raises(ServerError, match="hours:minutes:seconds"):
        column(field(11), "noon")


# -- frames -------------------------------------------------------------------------------------------------------

TABLE = pa.table(
    {
        "i": pa.array([1, None], pa.int64()),
        "d": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
        "day": pa.array([date(2024, 2, 3), None], pa.date32()),
        "s": ["a", None],
        "v": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
    }
)


def test_a_frame_of_pandas_is_as_pyarrow_makes_it():
    frame = finish(as_pandas(TABLE, None))
    pd.testing.assert_frame_equal(frame, TABLE.to_pandas())
    assert finish(as_pandas(TABLE.slice(0, 0), None)).columns.tolist() == TABLE.column_names
    many = pa.table({"d": pa.array([Decimal(number) for number in range(10_000)], pa.decimal128(9, 0))})
    pd.testing.assert_frame_equal(finish(as_pandas(many, None)), many.to_pandas())


def test_polars_takes_38_digits():
    wide = pa.array([Decimal("0.5"), None], pa.decimal256(60, 40))
    assert as_polars(pa.table({"d": wide}))["d"].to_list() == [Decimal("0.5"), None]
    for number in (10**40, Decimal("1e-40")):
        with pytest.raises(InvalidArgument, match="'d' has numbers of more than 38 digits"):
            as_polars(pa.table({"d": pa.array([Decimal(number)], pa.decimal256(76, 40 if number < 1 else 0))}))


def test_other_threads_have_their_turn_while_objects_are_made():
    many = pa.table({"d": pa.array([Decimal(number) for number in range(10_000)], pa.decimal128(9, 0))})
    assert len(list(as_pandas(many, None))) == 6  # before the column, and after each 2,048 values


def test_a_large_block_is_made_into_one_batch_little_by_little():
    values = [f"{number:0100}" for number in range(10_000)]
    made = decoder(field(253, charset=33))
    work = made.batch(block(*map(cell, values), base=500))
    next(work)
    batch = finish(work)
    assert (len(list(block(*map(cell, values)).split(1 << 18))), batch.num_rows) == (4, 10_000)
    assert batch.column(0).to_pylist() == values


def test_a_row_is_never_split():
    long = block(cell("a" * 1_000_000), cell("b"))
    parts = list(long.split(1000))
    assert b"".join(part.data for part in parts) == long.data
    assert [len(part.starts) for part in parts] == [1, 1]


def test_columns_of_pandas_are_neither_copied_into_one_array_nor_arrows():
    """A copy of all objects is made at once, and an event loop waits for it; Arrow's memory cannot be changed."""
    values = pa.array([Decimal(1), Decimal(2)])
    frame = finish(as_pandas(pa.table({"a": values, "b": values, "i": [1, 2], "j": [3, 4]}), None))
    assert frame["a"].to_numpy().base is not frame["b"].to_numpy().base
    frame.loc[0, ["i", "j"]] = [5, 6]
    assert frame[["i", "j"]].to_numpy().tolist() == [[5, 6], [2, 4]]


def test_columns_of_one_name():
    twice = pa.table([pa.array([1]), pa.array(["a"])], names=["a", "a"])
    assert finish(as_pandas(twice, None)).columns.tolist() == ["a", "a"]
    with pytest.raises(InvalidArgument, match=r"two columns 'a'; name them apart"):
        as_polars(twice)


def test_arrows_types_in_pandas():
    frame = finish(as_pandas(TABLE, "pyarrow"))
    assert frame["i"].dtype == pd.ArrowDtype(pa.int64())
    check_backend("pyarrow")
    check_backend(None)
    with pytest.raises(InvalidArgument, match="dtype_backend='numpy' must be 'pyarrow'"):
        check_backend("numpy")


def test_a_frame_of_polars():
    frame = as_polars(TABLE)
    assert isinstance(frame, pl.DataFrame)
    assert frame["i"].to_list() == [1, None]
    assert frame["v"].dtype == pl.Array(pl.Float32, 2)


@pytest.mark.parametrize(
    ("name", "extra"), [("numpy", "arrow"), ("pyarrow.compute", "arrow"), ("pandas", "pandas"), ("polars", "polars")]
)
def test_a_library_that_is_not_installed(monkeypatch, name, extra):
    load(name)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotSupported, match=rf"needs {name}: pip install 'matrixone\[{extra}\]'"):
        library(name)
