"""Compressed data piece by piece: whole, of several members, padded, cut off, or none."""

import bz2
import gzip
import zlib

import pytest

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.loading.formats.compression import PIECE, Decompressor, compression_of

COMPRESS = {"gzip": gzip.compress, "bz2": bz2.compress, "zlib": zlib.compress}
TEXT = b"".join(b"%d,name %d\n" % (number, number * number) for number in range(3000))


def decompress(compression, data, size=PIECE):
    decompressor = Decompressor(compression, "a.csv")
    pieces = [piece for at in range(0, len(data), size) for piece in decompressor.feed(data[at : at + size])]
    decompressor.finish()
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("compression", "path", "expected"),
    [
        (None, "a.csv", "none"), (None, "a.CSV.GZ", "gzip"), (None, "a.gzip", "gzip"), (None, "a.bz2", "bz2"), (None, "a.zz", "zlib"),
        ("none", "a.gz", "none"), ("gzip", "a.csv", "gzip"), (None, "a.zst", "zstd"), (None, "gz", "none"), (None, ".gz", "gzip"),
            (None, "a.tar.gz", "tar"), (None, "a.tgz", "tar"), (None, "a.tar.old", "none"), (None, "tar.gz", "gzip"),
    ],
)  # fmt: skip
def test_the_suffix_decides_where_nothing_is_said(compression, path, expected):
    assert compression_of(compression, path) == expected


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("size", [1, 7, PIECE])
def test_whole_files(compression, size):
    compress = COMPRESS[compression]
    assert decompress(compression, compress(TEXT), size) == TEXT
    assert decompress(compression, compress(TEXT) + compress(b"") + compress(b"end"), size) == TEXT + b"end"
    assert decompress(compression, compress(b""), size) == b""


def test_data_that_is_not_compressed_passes():
    assert decompress("none", TEXT, 100) == TEXT
    assert list(Decompressor("none", "a").feed(b"")) == []
    assert decompress("none", b"") == b""


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_file_that_unpacks_to_much_comes_in_bounded_pieces(compression):
    packed = COMPRESS[compression](bytes(40 * PIECE + 5))
    assert decompress(compression, packed) == bytes(40 * PIECE + 5)
    assert decompress(compression, packed, 100) == bytes(40 * PIECE + 5)


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_file_cut_off_anywhere_is_refused(compression):
    packed = COMPRESS[compression](TEXT[:300])
    for end in range(len(packed)):
        with pytest.raises(LoadFailed, match=f"a.csv ends early: its {compression} data is cut off after {end} bytes"):
            decompress(compression, packed[:end])
        if end:
            with pytest.raises(LoadFailed, match="a.csv ends early"):
                decompress(compression, packed + packed[:end], 5)


@pytest.mark.parametrize("size", [1, 4, PIECE])
def test_zeros_may_pad_gzip(size):
    packed = gzip.compress(TEXT)
    assert decompress("gzip", packed + bytes(700), size) == TEXT
    assert decompress("gzip", packed + bytes(700) + packed, size) == TEXT + TEXT


@pytest.mark.parametrize("compression", ["gzip", "bz2", "zlib"])
def test_what_is_not_compressed_as_it_should_be(compression):
    with pytest.raises(
        LoadFailed, match=f"a.csv is no {compression} data: .*; if it is not compressed, give compression='none'"
    ):
        decompress(compression, b"1,Ada,and more\n")
    with pytest.raises(LoadFailed, match=f"what follows member 1 of a.csv is no {compression} data"):
        decompress(compression, COMPRESS[compression](TEXT) + b"garbage at the end")
    with pytest.raises(LoadFailed, match=f"a.csv is no {compression} data"):
        broken = bytearray(COMPRESS[compression](TEXT))
        broken[-3] ^= 0xFF
        decompress(compression, bytes(broken))


@pytest.mark.parametrize("compression", ["bz2", "zlib"])
def test_zeros_may_not_pad_others(compression):
    with pytest.raises(LoadFailed, match="what follows member 1"):
        decompress(compression, COMPRESS[compression](TEXT) + bytes(700))


def test_a_compression_that_cannot_be_read_here():
    with pytest.raises(
        InvalidArgument, match=r"a.csv.zst is compressed with zstd; gzip, bz2 and zlib can be read here: decompress"
    ):
        Decompressor("zstd", "a.csv.zst")
