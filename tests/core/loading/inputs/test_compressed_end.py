"""Compressed files of stages that were cut off."""

import bz2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from script import play

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.loading.inputs.compressed_end import check_end


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
