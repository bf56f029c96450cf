"""Parquet files: what is read of them, and what they unpack to."""

import datetime as dt
import io
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.formats.arrow_csv import batches_to_csv
from matrixone_core.loading.formats.parquet import (
    check_unpacked_size,
    metadata_of_footer,
    open_parquet,
    sql_columns_of_footer,
    text_columns,
    whole_number_columns,
)


def parquet(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def test_parquet():
    table = pa.table({"a": range(1000), "t": pa.array([dt.datetime(3024, 1, 2)] * 1000, pa.timestamp("us"))})
    data = parquet(table, row_group_size=100)
    reader = open_parquet(io.BytesIO(data), "a.parquet", max_unpacked_bytes=1_000_000)
    assert reader.schema.names == ["a", "t"]
    assert b"".join(batches_to_csv(reader, ["a"])) == b"".join(b"%d\n" % number for number in range(1000))
    old = open_parquet(io.BytesIO(parquet(table, use_deprecated_int96_timestamps=True)), "old")
    assert next(batches_to_csv(old, ["t"])).startswith(b"3024-01-02 00:00:00.000000\n")
    assert list(open_parquet(io.BytesIO(parquet(table.slice(0, 0))), "a")) == []


def test_large_values_of_parquet_come_in_small_batches():
    table = pa.table({"c": [str(number) * 100_000 for number in range(100)]})
    batches = list(open_parquet(io.BytesIO(parquet(table, compression="zstd")), "a"))
    assert max(batch.num_rows for batch in batches) < 100
    assert sum(batch.num_rows for batch in batches) == 100


def test_parquet_that_is_none():
    data = parquet(pa.table({"a": [str(number) * 50 for number in range(10_000)]}), compression="gzip")
    cut, broken = data[:-100], data[:2000] + bytes(2000) + data[4000:]
    for bad in (b"", b"1,2\n", cut, b"PAR1" + bytes(100) + b"PAR1"):
        with pytest.raises(LoadFailed, match="a.parquet cannot be read: "):
            open_parquet(io.BytesIO(bad), "a.parquet")
    with pytest.raises(LoadFailed, match="a.parquet cannot be read: "):
        list(batches_to_csv(open_parquet(io.BytesIO(broken), "a.parquet"), ["a"]))
    with pytest.raises(LoadFailed, match="a.parquet cannot be read: "):
        metadata_of_footer(bytes(30) + b"PAR1", "a.parquet")


def footer(data):
    return data[-8 - int.from_bytes(data[-8:-4], "little") :]


MIB = 1024**2


BOMBS = {
    "zeros": (pa.table({"a": pa.array(np.zeros(1_000_000))}), 8_000_000),
    "texts": (pa.table({"a": pa.array(["x" * 1000] * 100_000).dictionary_encode()}), 100_000_000),
    "long texts": (pa.table({"a": pa.array(["x" * 100_000] * 1000)}), 100_000_000),
    "bytes of one length": (pa.table({"a": pa.array([bytes(1000)] * 20_000, pa.binary(1000))}), 20_000_000),
    "decimals": (pa.table({"a": pa.array([Decimal(1)] * 500_000, pa.decimal128(38, 0))}), 8_000_000),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_file_that_unpacks_to_much_is_refused(kind):
    table, size = BOMBS[kind]
    data = parquet(table, compression="zstd")
    assert len(data) < 120_000
    metadata = metadata_of_footer(footer(data))
    with pytest.raises(
        LoadFailed,
        match=rf"f unpacks to about [\d,]+ bytes \({table.num_rows:,} rows\), more than the 4,000,000 .*max_unpacked_bytes=",
    ):
        check_unpacked_size(metadata, 4_000_000, "f")
    check_unpacked_size(metadata, size * 2, "f")
    with pytest.raises(LoadFailed, match="f unpacks to about"):
        open_parquet(io.BytesIO(data), "f", max_unpacked_bytes=4_000_000)


def test_an_honest_file_passes():
    table = pa.table(
        {
            "n": range(100_000),
            "t": [f"name {number % 100}" for number in range(100_000)],
            "none": pa.nulls(100_000, pa.string()),
            "plain": [str(at) for at in range(100_000)],
        }
    )
    metadata = metadata_of_footer(footer(parquet(table, use_dictionary=["t", "none"])))
    check_unpacked_size(metadata, 5 * MIB, "f")


def test_the_columns_of_whole_numbers():
    kinds = {"a": pa.int8(), "B": pa.int64(), "c": pa.uint64(), "d": pa.float64(), "e": pa.uint32(), "E": pa.int8()}
    assert whole_number_columns(pa.schema(kinds.items())) == {"a", "b"}  # two names that differ in their case are out


def test_the_columns_of_texts():
    kinds = {
        "a": pa.string(),
        "B": pa.dictionary(pa.int8(), pa.large_string()),
        "c": pa.binary(),
        "d": pa.timestamp("us"),
    }
    assert text_columns(pa.schema(kinds.items())) == {"a", "b"}


def test_the_columns_of_a_footer():
    data = parquet(pa.table({"a": [1], "c": pa.array(["x"]).dictionary_encode()}))
    assert list(sql_columns_of_footer(footer(data))) == [("a", "BIGINT"), ("c", "TEXT")]
