"""An event loop has its turn while worker threads compute: they do so for about a millisecond, and one at a time."""

import asyncio
import io
import json
import time
from functools import partial

import pytest
from models import User

from matrixone_async.concurrency import GREATEST_PIECE, LEAST_PIECE
from matrixone_async.concurrency import Caller as AsyncCaller
from matrixone_core.loading.inputs.transforms import Transform
from matrixone_core.steps import Call, CallInPieces
from matrixone_sync.concurrency import Caller

pytestmark = pytest.mark.anyio
DATA = bytes(range(256)) * 4096


def compute_for(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def test_pieces_are_as_large_as_a_millisecond_allows():
    def slow(piece):
        compute_for(len(piece) / 2**20)  # a MiB a second: a thousandth of it is 1 KiB
        return piece

    small = await AsyncCaller().call_in_pieces(CallInPieces(slow, DATA[:30_000]))
    assert b"".join(small) == DATA[:30_000]
    assert max(map(len, small[1:])) < 2 * LEAST_PIECE
    large = await AsyncCaller().call_in_pieces(CallInPieces(bytes, DATA))
    assert b"".join(large) == DATA
    assert max(map(len, large)) == GREATEST_PIECE


async def test_threads_compute_one_at_a_time():
    computing, most = set(), 0

    def compute(number):
        nonlocal most
        computing.add(number)
        most = max(most, len(computing))
        compute_for(0.002)
        computing.remove(number)
        return number

    caller = AsyncCaller()
    answers = await asyncio.gather(*(caller.call(Call(partial(compute, number), computes=True)) for number in range(5)))
    assert (list(answers), most) == ([0, 1, 2, 3, 4], 1)


def test_a_thread_of_the_callers_needs_no_pieces():
    assert Caller().call_in_pieces(CallInPieces(len, DATA)) == [len(DATA)]
    assert Caller().call_in_pieces(CallInPieces(len, b"")) == []


async def test_data_is_parsed_piece_by_piece(async_client, monkeypatch):
    """Also what was read before the load began, to see how it is written."""
    lines = "".join(
        json.dumps({"id": row, "name": "x" * 60, "email": None, "age": row}) + "\n" for row in range(1, 20_001)
    )
    sizes = []
    parse = Transform.__call__

    def observed(transform, piece):
        sizes.append(len(piece or b""))
        return parse(transform, piece)

    monkeypatch.setattr(Transform, "__call__", observed)
    report = await async_client.load_data.read_json(io.BytesIO(lines.encode()), User)
    assert (report.rows, sum(sizes)) == (20_000, len(lines))
    assert max(sizes) <= GREATEST_PIECE
