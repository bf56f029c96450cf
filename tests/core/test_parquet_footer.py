"""Footers of Parquet files of stages, and the rows that they say."""

import io

import pyarrow as pa
import pyarrow.parquet
import pytest
from script import drive

from matrixone_core.parquet_footer import TAIL, read_footer, row_count
from matrixone_core.sql.files import PIECE

URL = "stage://s/a.parquet"


def read(data, size=None):
    """The footer of a file, and which ranges of it were read."""
    ranges = []

    def answer(step):
        ranges.append((step.offset, step.size))
        return data[step.offset : step.offset + step.size]

    return drive(read_footer(URL, len(data) if size is None else size), answer), ranges


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
        footer, _ = read(file.getvalue())
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
    assert row_count(footer) is None


@pytest.mark.parametrize("rows", [10, PIECE])
def test_a_footer_is_read_with_what_tells_where_it_begins(rows):
    end = rows.to_bytes(4, "little") + b"PAR1"
    data = b"PAR1" + bytes(PIECE) + b"x" * rows + end
    footer, ranges = read(data)
    assert footer == b"x" * rows + end
    whole = (len(data) - rows - TAIL, rows + TAIL)
    assert ranges == [(len(data) - PIECE, PIECE), *([whole] if rows + TAIL > PIECE else [])]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"abcd\1\0\0\0PARE", b"PAR1\xff\xff\0\0PAR1"])
def test_what_is_no_parquet_file(data):
    assert read(data)[0] is None


def test_a_file_that_is_shorter_by_now():
    assert read(b"x" * 20 + b"\x04\0\0\0PAR1", 50)[0] is None
