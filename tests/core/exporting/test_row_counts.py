"""Lines of CSV and of JSON lines, counted wherever they are cut."""

import random

import pytest
from script import drive

from matrixone_core.errors import StageFileNotFound
from matrixone_core.exporting.row_counts import LineCounter, count_rows
from matrixone_core.sql.export import ParquetOutput
from matrixone_core.stage_paths import PureStagePath


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


def test_a_file_that_is_no_parquet_file_any_more():
    path = PureStagePath("s", ("a.parquet",), None)
    with pytest.raises(StageFileNotFound, match="replaced while its rows were counted; export again"):
        drive(count_rows(ParquetOutput(), {path: 100}), lambda step: bytes(step.size))
