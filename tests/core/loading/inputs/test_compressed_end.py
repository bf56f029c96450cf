"""Compressed files of stages that were cut off."""

import bz2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from script import play

from matrixone_core.errors import InvalidArgument, LoadFailed, ServerError
from matrixone_core.loading.inputs.compressed_end import check_end


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=2), st.data())
def test_the_end_of_a_bz2_file(members, data):
    packed = b"".join(map(bz2.compress, members))
    assert len(play(check_end("s", "bz2"), b"B", len(packed), packed[-11:])[0]) == 3
    cut = packed[: len(bz2.compress(members[0])) - data.draw(st.integers(1, 13))]
    with pytest.raises(LoadFailed, match="^s ends in the middle of its bz2 data"):
        play(check_end("s", "bz2"), b"B", len(cut), cut[-11:])


@given(st.binary(min_size=1, max_size=200), st.booleans(), st.integers(1, 8))
def test_the_end_of_an_lz4_file(content, has_checksum, lost):
    descriptor = b"\x44\x40\xa7" if has_checksum else b"\x40\x40\xc0"
    block = (0x80000000 | len(content)).to_bytes(4, "little") + content  # one that is stored as it is
    whole = b"\x04\x22\x4d\x18" + descriptor + block + b"\0\0\0\0" + b"\x12\x34\x56\x78" * has_checksum
    assert len(play(check_end("s", "lz4"), b"B", len(whole), whole[-11:], whole[:11])[0]) == 4
    cut = whole[: -lost - 4 * has_checksum] if not content.endswith(b"\0") else whole[:10]
    with pytest.raises(LoadFailed, match="^s ends in the middle of its lz4 data"):
        play(check_end("s", "lz4"), b"B", len(cut), cut[-11:], cut[:11])


def test_what_the_server_does_not_decompress():
    for compression, kind in (
        ("zstd", "compressed with zstd"),
        ("zlib", "compressed with zlib"),
        ("tar", "an archive"),
    ):
        with pytest.raises(InvalidArgument, match=f"^s is {kind}; the server reads gzip, bz2 and lz4: decompress"):
            play(check_end("s", compression))


def test_the_end_of_other_files():
    assert play(check_end("s", "none"))[0] == []
    assert len(play(check_end("s", "gzip"), b"x")[0]) == 1
    for compression in ("gzip", "bz2"):
        with pytest.raises(LoadFailed, match=f"^s ends without any {compression} data"):
            play(check_end("s", compression), b"")
        with pytest.raises(ServerError, match="broken"):
            play(check_end("s", compression), ServerError("broken"))
