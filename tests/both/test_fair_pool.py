"""Tasks that wait for a connection have it in their order; of `AsyncClient`, whose tasks may be many."""

import asyncio

import pytest
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty

from matrixone import AsyncClient
from matrixone_async.fair_pool import FairQueue

pytestmark = pytest.mark.anyio
ITEM, OTHER = object(), object()


async def test_nobody_overtakes_those_that_wait(matrixone_url):
    done = []
    async with AsyncClient(url=matrixone_url, pool_size=1, max_overflow=0) as client:

        async def work(name):
            for _ in range(4):
                await client.execute("SELECT 1")
                done.append(name)

        await asyncio.gather(*map(work, "abc"))
    assert done == [*"abc"] * 4


async def begin_to_wait(queue):
    task = asyncio.ensure_future(greenlet_spawn(queue.get, True, None))
    for _ in range(5):
        await asyncio.sleep(0)  # turns of the loop, not a wait
    return task


async def test_a_task_that_is_cancelled_as_it_is_given_a_connection_passes_it_on():
    queue = FairQueue(1)
    first = await begin_to_wait(queue)
    queue.put_nowait(ITEM)
    first.cancel()
    second = asyncio.ensure_future(greenlet_spawn(queue.get, True, None))
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second is ITEM


async def test_a_connection_that_is_given_back_to_a_full_pool_is_not_lost():
    queue = FairQueue(1)
    first = await begin_to_wait(queue)
    queue.put_nowait(ITEM)
    queue.put_nowait(OTHER)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert [queue.get(False), queue.get(False)] == [OTHER, ITEM]


async def test_a_task_that_is_cancelled_while_it_waits_is_given_nothing():
    queue = FairQueue(1)
    first = await begin_to_wait(queue)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    queue.put_nowait(ITEM)
    assert queue.get_nowait() is ITEM


async def test_who_has_waited_long_enough():
    queue = FairQueue(1)
    with pytest.raises(Empty):
        await greenlet_spawn(queue.get, True, 0.001)
    with pytest.raises(Empty):
        queue.get(False)
    queue.put_nowait(ITEM)
    assert queue.get(False) is ITEM
