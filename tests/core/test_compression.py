"""Compressed data in pieces: whole, in several members, cut off, and not compressed at all."""

import bz2
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from script import play

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.loading.compression import Decompressor, check_end, compression_of
from matrixone_core.sql.load import Csv

PACKED = {"gzip": gzip.compress, "bz2": bz2.compress, "none": bytes}
compressions = st.sampled_from(["gzip", "bz2"])


def unpacked(compression, data, size):
    decompressor = Decompressor(compression, "users.csv")
    pieces = [decompressor.feed(data[at : at + size]) for at in range(0, len(data), size)]
    return b"".join(pieces) + decompressor.finish()


@given(compressions, st.lists(st.binary(max_size=100), min_size=1, max_size=3), st.integers(1, 50), st.integers(0, 9))
def test_members_come_whole(compression, members, size, padding):
    packed = b"".join(map(PACKED[compression], members)) + b"\0" * padding
    assert unpacked(compression, packed, size) == b"".join(members)


@given(compressions, st.binary(max_size=100), st.integers(1, 50), st.data())
def test_what_is_cut_off_is_an_error(compression, content, size, data):
    """Wherever it is cut, within a second member, too; only between two members nobody can tell."""
    packed = PACKED[compression](content)
    whole = data.draw(st.sampled_from([b"", packed]))
    cut = data.draw(st.integers(1 if whole else 0, len(packed) - 1))
    with pytest.raises(LoadFailed, match=r"^users\.csv ends .* (gzip|bz2) data: it was cut off"):
        unpacked(compression, whole + packed[:cut], size)


@pytest.mark.parametrize("compression", ["gzip", "bz2"])
def test_what_is_not_compressed(compression):
    with pytest.raises(LoadFailed, match=rf"^users\.csv is not {compression}-compressed"):
        unpacked(compression, b"id,name\n1,Ada\n", 100)
    with pytest.raises(LoadFailed, match="not"):
        unpacked(compression, PACKED[compression](b"1") + b"id,name", 100)
    assert unpacked("none", b"id,name\n", 3) == b"id,name\n"


def test_how_a_file_is_compressed():
    assert [compression_of(Csv(), name) for name in ("a.GZ", "a.gzip", "a.bz2", "a")] == ["gzip", "gzip", "bz2", "none"]
    assert compression_of(Csv(compression="none"), "a.gz") == "none"


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=2), st.data())
def test_the_end_of_a_bz2_file(members, data):
    packed = b"".join(map(bz2.compress, members))
    assert len(play(check_end("s", "bz2"), b"B", len(packed), packed[-11:])[0]) == 3
    cut = packed[: len(bz2.compress(members[0])) - data.draw(st.integers(1, 13))]
    with pytest.raises(LoadFailed, match="^s ends in the middle of its bz2 data"):
        play(check_end("s", "bz2"), b"B", len(cut), cut[-11:])


def test_the_end_of_other_files():
    assert play(check_end("s", "none"))[0] == []
    assert len(play(check_end("s", "gzip"), b"x")[0]) == 1
    for compression in ("gzip", "bz2"):
        with pytest.raises(LoadFailed, match=f"^s ends without any {compression} data"):
            play(check_end("s", compression), b"")
        with pytest.raises(ServerError, match="broken"):
            play(check_end("s", compression), ServerError("broken"))
