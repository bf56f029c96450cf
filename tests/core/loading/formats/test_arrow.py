"""Arrow data, frames and rows as canonical CSV, and the columns that hold them."""

import datetime as dt
import io
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pytest

from matrixone_core.errors import InvalidArgument, LoadFailed, NotSupported
from matrixone_core.loading.formats import arrow, arrow_csv
from matrixone_core.loading.formats.arrow import open_reader, select_columns
from matrixone_core.loading.formats.arrow_csv import batches_to_csv
from matrixone_core.loading.formats.arrow_types import sql_columns
from matrixone_core.loading.formats.csv import CANONICAL, CsvReader
from matrixone_core.loading.formats.parquet import (
    open_parquet,
    sql_columns_of_footer,
)

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


def csv(data, wanted=(), **options):
    reader = open_reader(data, wanted)
    return b"".join(batches_to_csv(reader, select_columns(reader.schema, wanted, "the data"), **options))


def rows(data, wanted=(), **options):
    reader = CsvReader(CANONICAL)
    return [
        tuple(field.text for field in row.fields)
        for row in (*reader.feed(csv(data, wanted, **options)), *reader.finish())
    ]


def column(values, kind=None):
    return [row[0] for row in rows(pa.table({"c": values if kind is None else pa.array(values, kind)}))]


def stream(table):
    """What speaks Arrow's C interface, and no more, as relations of DuckDB and frames of polars do."""

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    return Stream()


TABLE = pa.table({"id": [1, None], "name": ['O"B\\, é\n', None]})


SOURCES = {
    "table": lambda: TABLE,
    "batch": lambda: TABLE.to_batches()[0],
    "reader": TABLE.to_reader,
    "stream": lambda: stream(TABLE),
    "dataset": lambda: pa.dataset.dataset(TABLE),
    "scanner": lambda: pa.dataset.dataset(TABLE).scanner(),
    "pandas": lambda: pd.DataFrame({"id": pd.array([1, None], dtype="Int64"), "name": ['O"B\\, é\n', None]}),
    "pandas of objects": lambda: pd.DataFrame({"id": [1, None], "name": ['O"B\\, é\n', None]}, dtype=object),
    "dict of lists": lambda: {"id": [1, None], "name": ['O"B\\, é\n', None]},
    "dict of columns": lambda: {"id": pa.chunked_array([[1], [None]]), "name": pd.Series(['O"B\\, é\n', None])},
    "dict of tuples": lambda: {"id": (1, None), "name": ('O"B\\, é\n', None)},
    "rows": lambda: [{"id": 1}, {"name": None}, {"name": 'O"B\\, é\n'}],
    "generator of batches": lambda: (batch for batch in TABLE.to_batches(1)),
    "generator of frames": lambda: (pd.DataFrame({"id": [at], "name": [None]}) for at in range(3)),
    "generator of rows": lambda: ({"id": 1, "name": at} for at in range(3)),
    "list of batches": lambda: [TABLE.slice(0, 1), TABLE.slice(1)],
    "generator of lists of rows": lambda: iter([[], [{"id": None, "name": "a"}], [], [{"name": "b", "id": 5}]]),
}


EXPECTED = {
    "rows": [("1", None), (None, None), (None, 'O"B\\, é\n')],
    "generator of frames": [("0", None), ("1", None), ("2", None)],
    "generator of rows": [("1", "0"), ("1", "1"), ("1", "2")],
    "generator of lists of rows": [(None, "a"), ("5", "b")],
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources(kind):
    assert rows(SOURCES[kind]()) == EXPECTED.get(kind, [("1", 'O"B\\, é\n'), (None, None)])
    assert rows(SOURCES[kind](), ["NAME"]) == [
        row[1:] for row in EXPECTED.get(kind, [("1", 'O"B\\, é\n'), (None, None)])
    ]


def test_the_canonical_form():
    assert csv(TABLE) == b'1,"O""B\\\\, \xc3\xa9\n"\n\\N,\\N\n'
    assert csv(TABLE.slice(0, 0)) == b""
    assert csv({"c": ["NULL", "\\N", ""]}) == b'"NULL"\n"\\\\N"\n""\n'


class LazyFrame:
    """A lazy frame of polars as far as it matters."""

    def collect(self):
        return stream(TABLE)


def test_a_lazy_frame(monkeypatch):
    library = type("polars", (), {"LazyFrame": LazyFrame})
    monkeypatch.setitem(arrow.sys.modules, "polars", library)
    assert rows(LazyFrame())[0][0] == "1"


def test_an_index_of_pandas_is_a_column_where_it_is_named():
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="Key"))
    assert rows(frame) == [("1",), ("2",)]
    assert rows(frame, ["key", "A"]) == [("x", "1"), ("y", "2")]
    assert rows(pd.DataFrame({"a": [1]}, index=["x"])) == [("1",)]
    with pytest.raises(InvalidArgument, match="DataFrame cannot be read as a table: .*uplicate"):
        open_reader(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a.csv", "str is no table; give .* files by read_csv"), (b"1", "bytes is no table"), (5, "int is no table"),
        (io.BytesIO(), "BytesIO is no table"), ([(1, "Ada")], "a row that is a tuple names no columns: give a list of dicts"),
        ([[1, "Ada"]], "a row that is a list names no columns"), ([], "list is empty"), (iter([]), "is empty"), ([1], "int is no table"),
        ({}, "dict is empty"), ({"a": [1], "b": [1, 2]}, "dict cannot be read as a table: .*1.* 2|dict cannot be read as a table: .*2.* 1"),
        ({"a": [1, "x"]}, "the values of 'a' have no common type"), ([{"a": 1}, 2], "row 2 is a int where a dict is wanted"),
        ({"a": [{"b": b"x"}]}, "JSON has no form for bytes"), ({"a": 5}, "dict cannot be read as a table"),
        (iter([[{"a": 1}], [{"a": 1, "b": 2}]]), "batch 2 has the columns a, b where the first has a"),
    ],
)  # fmt: skip
def test_what_is_no_table(data, message):
    with pytest.raises(InvalidArgument, match=message):
        csv(data)


def test_no_rows_of_known_columns():
    assert rows([], ["a", "b"]) == []
    assert rows(iter([]), ["a"]) == []
    assert list(sql_columns(open_reader([], ["a"]).schema)) == [("a", "TEXT")]


def test_batches_may_have_types_of_their_own():
    assert rows(iter([[{"a": None}], [{"a": 1}], [{"a": 2.5}], [{"a": "x"}]])) == [(None,), ("1",), ("2.5",), ("x",)]


def test_whole_numbers_and_nested_values_of_rows_stay_exact():
    data = [
        {"n": 2**64 + 1, "j": {"k": [1, Decimal("2.50"), None, True, float("nan")], "é": ID}},
        {"n": None, "j": None},
        {"n": -1, "j": [np.float32(0.5), np.array([1, 2])]},
    ]
    assert rows(data) == [
        ("18446744073709551617", '{"k":[1,2.50,null,true,NaN],"é":"12345678-1234-5678-1234-567812345678"}'), (None, None), ("-1", "[0.5,[1,2]]"),
    ]  # fmt: skip
    assert list(sql_columns(open_reader(data).schema)) == [("n", "DECIMAL(20,0)"), ("j", "JSON")]
    times = {
        "t": dt.timedelta(days=-2, seconds=1),
        1: dt.date(2024, 1, 2),
        "z": dt.datetime(2024, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        "l": dt.datetime(2024, 1, 2, 3, 4),
    }
    assert rows([{"c": times}]) == [
        ('{"t":"-47:59:59.000000","1":"2024-01-02","z":"2024-01-02 02:00:00","l":"2024-01-02 03:04:00"}',)
    ]


BERLIN = dt.timezone(dt.timedelta(hours=1))


HIGH = Decimal("12345678901234567890123456789012345.678")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([True, False, None], pa.bool_(), ["1", "0", None]),
        ([2**63, None], pa.uint64(), ["9223372036854775808", None]),
        ([1.5, 3.0, 0.1, float("nan"), None], pa.float64(), ["1.5", "3", "0.1", "NaN", None]),
        ([0.1, None], pa.float32(), ["0.1", None]),
        ([1.5, float("nan")], pa.float16(), ["1.5", "NaN"]),
        ([HIGH, Decimal("0.1"), None], pa.decimal128(38, 3), [str(HIGH), "0.100", None]),
        ([Decimal(0), Decimal("1E-7"), Decimal("-0.25")], pa.decimal128(38, 10), ["0.0000000000", "0.0000001000", "-0.2500000000"]),
        (["é", None], pa.large_string(), ["é", None]),
        (["x", None], pa.string_view(), ["x", None]),
        ([b'\xff"\\', None], pa.binary(), ['\udcff"\\', None]),
        ([b"x"], pa.binary_view(), ["x"]),
        ([b"xy"], pa.binary(2), ["xy"]),
        (["x", "y", "x", None], pa.dictionary(pa.int8(), pa.string()), ["x", "y", "x", None]),
        (pa.DictionaryArray.from_arrays([0, None], pa.array(["x"], pa.string_view())), pa.dictionary(pa.int32(), pa.string_view()), ["x", None]),
        ([1, 2, None], pa.dictionary(pa.int8(), pa.int64()), ["1", "2", None]),
        ([ID.bytes, None], pa.uuid(), [str(ID), None]),
        ([dt.date(2024, 1, 2)], pa.date32(), ["2024-01-02"]),
        ([dt.date(2024, 1, 2)], pa.date64(), ["2024-01-02"]),
        ([dt.time(1, 2, 3)], pa.time32("s"), ["01:02:03"]),
        ([1_234_567_899, None], pa.time64("ns"), ["00:00:01.234567", None]),
        ([dt.datetime(2024, 1, 2, 3, 4, 5, 6)], pa.timestamp("us"), ["2024-01-02 03:04:05.000006"]),
        ([1_700_000_000_123_456_789], pa.timestamp("ns"), ["2023-11-14 22:13:20.123456"]),
        ([dt.datetime(2024, 1, 2, 3, 4, tzinfo=BERLIN), None], pa.timestamp("ns", "Europe/Berlin"), ["2024-01-02 02:04:00.000000", None]),
        ([dt.timedelta(days=2, seconds=5, microseconds=6), dt.timedelta(seconds=-90), None], pa.duration("us"), ["48:00:05.000006", "-00:01:30.000000", None]),
        ([1999], pa.duration("ns"), ["00:00:00.000001"]),
        ([(0, 1, 5000)], pa.month_day_nano_interval(), ["24:00:00.000005"]),
        ([[1.0, 2.5], None, [], [0.1]], pa.list_(pa.float32()), ["[1,2.5]", None, "[]", "[0.1]"]),
        ([[1.0, 2.5], None], pa.list_(pa.float64(), 2), ["[1,2.5]", None]),
        ([[1.5, 2.5]], pa.list_(pa.float16()), ["[1.5,2.5]"]),
        ([[1], [2, 3]], pa.large_list(pa.int64()), ["[1]", "[2,3]"]),
        ([[1, None]], pa.list_(pa.int64()), ["[1,null]"]),
        ([[1.0, float("nan")]], pa.list_(pa.float64()), ["[1.0,NaN]"]),
        ([['a"é', None]], pa.list_(pa.string()), ['["a\\"é",null]']),
        ([{"a": 1, "b": {"c": [Decimal("1.50")]}}, None], pa.struct({"a": pa.int8(), "b": pa.struct({"c": pa.list_(pa.decimal128(5, 2))})}), ['{"a":1,"b":{"c":[1.50]}}', None]),
        ([[("k", 1), ('l"', None)]], pa.map_(pa.string(), pa.int64()), ['{"k":1,"l\\"":null}']),
        ([[(1, "x")]], pa.map_(pa.int64(), pa.string()), ['{"1":"x"}']),
        ([None, None], pa.null(), [None, None]),
        ([1, None], pa.bool8(), ["1", None]),
        (['{"a": 1}'], pa.json_(), ['{"a": 1}']),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, pa.DataType) else "",
)  # fmt: skip
def test_values(values, kind, expected):
    values = values if isinstance(values, pa.Array) else pa.array(values, kind)
    assert column(values) == expected
    padded = pa.concat_arrays([values.slice(0, 1), values])
    assert column(pa.chunked_array([padded.slice(1), padded.slice(1)])) == expected * 2


def test_runs():
    assert column(pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["x", None]))) == [
        "x",
        "x",
        None,
    ]


def test_types_of_pandas():
    frame = pd.DataFrame(
        {
            "uuid": pd.Series([ID, None], dtype=object), "delta": pd.to_timedelta(["1 day 00:00:01", None]), "category": pd.Categorical(["x", None]),
            "whole": pd.array([1, None], dtype="Int64"), "flag": pd.array([True, None], dtype="boolean"), "text": pd.array(["x", None], dtype="string"),
            "float": [1.0, None], "utc": pd.to_datetime(["2024-01-02 03:04:05.123456+02:00", None]), "list": [[1, 2.5], None],
        }
    )  # fmt: skip
    assert rows(frame) == [
        (str(ID), "24:00:01.000000", "x", "1", "1", "x", "1", "2024-01-02 01:04:05.123456", "[1,2.5]"), (None,) * 9,
    ]  # fmt: skip


def test_bytes_that_are_uuids():
    assert rows({"u": [ID.bytes, None]}, uuids={"u"}) == [(str(ID),), (None,)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            pa.array([(1, 0, 0)], pa.month_day_nano_interval()),
            r"the column 'c' \(month_day_nano_interval\) has no form as text: months",
        ),
        (pa.array([[b"x"]]), r"the column 'c' \(list<.*>\) has no form as text: JSON has no form for bytes"),
    ],
)
def test_values_without_a_form(values, message):
    with pytest.raises(InvalidArgument, match=message):
        csv(pa.table({"c": values}))


def test_periods_of_pandas_mean_nothing_elsewhere():
    with pytest.raises(
        InvalidArgument, match=r"the column 'p' .* pandas.period means something in pandas only; give it by .astype"
    ):
        csv(pd.DataFrame({"p": pd.period_range("2024-01", periods=1, freq="M")}))


def test_columns():
    schema = pa.schema({"id": pa.int64(), "Name": pa.string(), "a": pa.int8(), "A": pa.int8()})
    assert select_columns(schema, ["name", "ID", "A"], "f") == ("Name", "id", "A")
    assert select_columns(pa.schema({"b": pa.int8(), "c": pa.int8()}), (), "f") == ("b", "c")
    wide = pa.schema({f"c{number}": pa.int8() for number in range(30)})
    with pytest.raises(InvalidArgument, match=r"f has no column 'x'; it has c0, .*c19, …$"):
        select_columns(wide, ["x"], "f")
    for wanted in ([], ["ID", "a", "B", "c"]):
        with pytest.raises(
            InvalidArgument, match="f has more than one column 'a', in any case" if not wanted else "no column 'B'"
        ):
            select_columns(schema, wanted, "f")
    with pytest.raises(InvalidArgument, match="f has more than one column 'b', in any case; it has b, b"):
        select_columns(pa.schema([("b", pa.int8()), ("b", pa.int8())]), ["b"], "f")


@pytest.mark.parametrize(
    "values",
    [
        [None] * 5000 + ["a"] * 5000, [1] * 5000 + [2.5] * 5000, [None] * 9000, [Decimal("1.5")] * 5000 + [Decimal(123)],
        [True, False] * 4000, [],
    ],
)  # fmt: skip
def test_long_lists_have_the_type_of_all_their_values(values):
    column = open_reader({"c": values}).read_all().column("c")
    assert column.type == pa.array(values).type
    assert column.to_pylist() == pa.array(values).to_pylist()


def test_long_lists_without_a_common_type():
    with pytest.raises(InvalidArgument, match="the values of 'c' have no common type"):
        open_reader({"c": ["a"] * 5000 + [1] * 5000})


def test_rows_of_any_size_come_in_bounded_pieces(monkeypatch):
    table = pa.table({"c": ["x" * 1000] * 50_000})
    pieces = list(batches_to_csv(open_reader(table), ["c"]))
    assert b"".join(pieces).count(b"\n") == 50_000
    assert max(map(len, pieces)) < 2 * arrow.BATCH_BYTES
    huge = list(batches_to_csv(open_reader({"c": ["x" * arrow.BATCH_BYTES] * 3}), ["c"]))
    assert len(huge) == 3
    monkeypatch.setattr(arrow_csv, "TEXT_ROWS", 2)
    assert [piece.count(b"\n") for piece in batches_to_csv(open_reader(table.slice(0, 5)), ["c"])] == [2, 2, 1]


def test_data_that_breaks():
    def batches():
        yield TABLE.to_batches()[0]
        raise OSError("the disk is broken")

    reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())
    with pytest.raises(LoadFailed, match="f cannot be read: the disk is broken"):
        list(batches_to_csv(reader, ["id"], name="f"))


def test_sql_types():
    kinds = {
        "b": pa.bool_(), "i": pa.int8(), "u": pa.uint64(), "f": pa.float32(), "d": pa.date32(), "s": pa.timestamp("s", "UTC"), "t": pa.time64("us"),
        "du": pa.duration("s"), "in": pa.month_day_nano_interval(), "te": pa.large_string(), "by": pa.binary(3), "nu": pa.null(), "de": pa.decimal128(10, 2),
        "ne": pa.decimal128(5, -2), "lo": pa.decimal256(50, 2), "di": pa.dictionary(pa.int8(), pa.decimal128(4, 1)), "id": pa.uuid(), "js": pa.json_(),
        "b8": pa.bool8(), "li": pa.list_(pa.int8()), "ve": pa.list_(pa.float32(), 3), "re": pa.run_end_encoded(pa.int32(), pa.string()),
    }  # fmt: skip
    assert dict(sql_columns(pa.schema(kinds))) == {
        "b": "BOOL", "i": "BIGINT", "u": "BIGINT UNSIGNED", "f": "DOUBLE", "d": "DATE", "s": "DATETIME(6)", "t": "TIME(6)", "du": "TIME(6)", "in": "TIME(6)",
        "te": "TEXT", "by": "BLOB", "nu": "TEXT", "de": "DECIMAL(10,2)", "ne": "DECIMAL(7,0)", "lo": "TEXT", "di": "DECIMAL(4,1)", "id": "UUID", "js": "JSON",
        "b8": "BIGINT", "li": "JSON", "ve": "VECF32(3)", "re": "TEXT",
    }  # fmt: skip


def test_without_pyarrow(monkeypatch):
    def missing(module):
        raise ImportError(module)

    monkeypatch.setattr("matrixone_core.libraries.import_module", missing)
    for call in (lambda: open_reader(TABLE), lambda: open_parquet("a", "a"), lambda: sql_columns_of_footer(b"")):
        with pytest.raises(NotSupported, match=r"pip install 'matrixone\[arrow\]'"):
            call()
