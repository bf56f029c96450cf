"""Lines of CSV and of JSON lines, and the rows that footers of Parquet say."""

import io
import random

import pyarrow as pa
import pyarrow.parquet
import pytest

from matrixone_core.errors import ServerError
from matrixone_core.exporting.parquet_footer import TAIL, footer_length, row_count
from matrixone_core.exporting.row_counts import LineCounter


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quote", ['"', "'", "¦"])
def test_lines_of_csv_wherever_they_are_cut(end, quote):
    draw = random.Random(19)  # not a secret
    rows = 300
    values = ["", "a", "\n", "\r", "\r\n", quote * 2, "\\\\", "¦" if quote != "¦" else "x", ","]
    texts = [quote + "".join(draw.choices(values, k=draw.randint(0, 4))) + quote for _ in range(rows)]
    data = "".join(f"{number},{text}{end}" for number, text in enumerate(texts)).encode()
    for most in (1, 2, 7, len(data)):
        lines, at = LineCounter(end, quote), 0
        while at < len(data):
            size = draw.randint(1, most)
            lines.feed(data[at : at + size])
            at += size
        assert lines.count == rows


def test_lines_of_json():
    lines = LineCounter()
    for piece in (b'{"a":"\\"', b'}\n{"a":1}', b"\n", b""):
        lines.feed(piece)
    assert lines.count == 2


def footer_of(data):
    length = footer_length(data[-TAIL:])
    return data[-TAIL - length : -TAIL]


@pytest.mark.parametrize("rows", [0, 1, 100, 70_000])
def test_rows_by_footers(rows):
    columns = {
        "a": pa.array(range(rows)), "b": pa.array([b"x"] * rows), "c": pa.array([[1.5]] * rows, pa.list_(pa.float64())),
        "d": pa.array([None] * rows, pa.decimal128(9, 2)), "e": pa.array([0] * rows, pa.timestamp("us", "UTC")),
        **{f"c{at}": pa.array([at] * rows, pa.int32()) for at in range(20)},
    }  # fmt: skip
    for options in ({}, {"row_group_size": 1000, "version": "1.0"}, {"compression": "zstd"}):
        file = io.BytesIO()
        pyarrow.parquet.write_table(pa.table(columns), file, **options)
        footer = footer_of(file.getvalue())
        assert row_count(footer) == rows
        assert row_count(footer[: len(footer) // 2 + 900]) == rows


def test_other_structs():
    """Types that today's footers do not have before the rows, and numbers of fields that are written in full."""
    others = [
        b"\x11",
        b"\x02",
        b"\x13\x07",
        b"\x17" + bytes(8),
        b"\x1a\x31\x01\x02\x01",
        b"\x09\x02\xf5\x01\x01",
        b"\x0c\x02\x06\x02\x00",
    ]
    long_list = b"\x19\xf5\x10" + bytes(16)
    inner = b"\x1c" + b"\x03\x0a\x05" + b"\x00"
    assert row_count(b"\x15\x02" + inner + b"\x16\x06") == 3
    assert row_count(long_list + b"\x26\x06") == 3
    assert row_count(others[0] + others[2] + b"\x16\x06") == 3
    assert row_count(others[3] + b"\x26\x05") == -3
    assert row_count(others[4] + b"\x06\x06\x06") == 3


@pytest.mark.parametrize("footer", [b"", b"\x00", b"\x1b", b"\x18\x05ab"])
def test_what_is_no_footer(footer):
    with pytest.raises(ServerError, match="no Parquet file"):
        row_count(footer)


@pytest.mark.parametrize("tail", [b"", b"PAR1", b"\x01\0\0\0PARE"])
def test_what_is_no_end_of_a_file(tail):
    with pytest.raises(ServerError, match="no Parquet file"):
        footer_length(tail)
