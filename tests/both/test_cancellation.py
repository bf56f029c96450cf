"""Cancelled means cancelled: the server stops, nothing stays, no connection is lost."""

import asyncio
import threading
from contextlib import suppress

import anyio
import anyio.to_thread
import pytest
from interruptions import (
    SLOW,
    by_cancel,
    by_scope,
    by_timeout,
    connections_in_use,
    everywhere,
    stop_task,
)
from models import User
from sqlalchemy import insert, text

from matrixone import AsyncClient, errors
from matrixone_platform.machine import LocalMachine

pytestmark = pytest.mark.anyio


async def test_a_cancelled_call_at_any_moment_gives_its_connection_back(matrixone_url, database, unique):
    client = AsyncClient(url=matrixone_url, database=database, pool_size=2, max_overflow=0)
    await client.connect()
    await client.execute("CREATE TABLE t (i INT)")
    for turns in range(0, 30, 2):
        task = asyncio.ensure_future(client.execute("INSERT INTO t VALUES (1)"))
        other = asyncio.ensure_future(client.stage.list())
        for _ in range(turns):
            await asyncio.sleep(0)  # one turn of the loop, not a wait
        task.cancel()
        other.cancel()
        for one in (task, other):
            with suppress(asyncio.CancelledError, errors.MatrixOneError):
                await one
        assert client.engine.pool.checkedout() == 0
    assert (await client.execute("SELECT 1")).scalar() == 1

    async def read():
        async with client.stream("SELECT * FROM information_schema.columns", batch=1) as rows:
            async for _ in rows:
                reading.set()
                await anyio.sleep_forever()

    reading = asyncio.Event()
    task = asyncio.ensure_future(read())
    await reading.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert client.engine.pool.checkedout() == 0
    await client.disconnect()


@pytest.mark.parametrize("cancel", [by_cancel, by_scope, by_timeout])
async def test_what_is_cancelled_is_stopped_on_the_server(async_client, proxy, unique, files, big, cancel):
    stage = unique()
    await async_client.stage.create_local(stage, files.folder)
    for call in (async_client.execute(SLOW), async_client.load_data.read_csv_stage(stage, big, User)):
        killed = len(proxy.sent("KILL QUERY"))
        await cancel(proxy, call)
        assert len(proxy.sent("KILL QUERY")) > killed
        assert connections_in_use(async_client) == 0
        assert (await async_client.execute("SELECT 7")).scalar() == 7
    assert (await async_client.execute("SELECT count(*) FROM users")).scalar() == 0


async def test_a_cancelled_statement_ends_its_session(async_client, proxy, unique):
    name = unique()
    async with async_client.session() as session:
        await session.execute(insert(User).values(id=1))
        await session.stage.create(name, "file:///a/")
        await by_cancel(proxy, session.execute(text(SLOW)))
        with pytest.raises(errors.TransactionAborted):
            await session.execute(text("SELECT 1"))
        with pytest.raises(errors.TransactionAborted):
            await session.commit()
        await session.rollback()
        await session.execute(insert(User).values(id=2))
    assert (await async_client.execute("SELECT id FROM users")).scalars().all() == [2]
    assert not await async_client.stage.exists(name)


async def test_a_session_cancelled_at_any_moment_leaves_all_or_nothing(async_client, unique, files):
    files.put("users.csv", "{}")
    stage = {}

    async def whole(turns):
        stage[turns] = unique()
        files.put(f"u{turns}.csv", f"{1000 + turns},x,y,3\n")
        async with async_client.session() as session:
            session.add(User(id=turns + 1))
            await session.stage.create_local(stage[turns], files.folder)
            await session.load_data.read_csv_stage(stage[turns], f"u{turns}.csv", User)

    async def check(turns, finished):
        assert connections_in_use(async_client) == 0
        rows = (
            (await async_client.execute(f"SELECT id FROM users WHERE id IN ({turns + 1}, {1000 + turns})"))
            .scalars()
            .all()
        )
        there = turns in stage and await async_client.stage.exists(stage[turns])
        assert len(rows) in (0, 2)
        assert there is (len(rows) == 2)
        assert not finished or there

    assert await everywhere(whole, check) > 10


async def test_operations_cancelled_at_any_moment_lose_no_connection(async_client, unique, files):
    stage = unique()
    await async_client.stage.create_local(stage, files.folder)
    files.put("u.csv", "1,x,y,3\n")
    made = {}

    async def create(turns):
        made[turns] = unique()
        await async_client.stage.create(made[turns], "file:///a/")

    async def load(turns):
        await async_client.load_data.read_csv_stage(stage, "u.csv", User)

    async def check(turns, finished):
        assert connections_in_use(async_client) == 0
        count = (await async_client.execute("SELECT count(*) FROM users")).scalar()
        assert count in ((1,) if finished else (0, 1))
        await async_client.execute("DELETE FROM users")

    async def check_stages(turns, finished):
        assert async_client.engine.pool.checkedout() == 0
        assert not finished or await async_client.stage.exists(made[turns])

    assert await everywhere(load, check) > 3
    assert await everywhere(create, check_stages) > 3


async def test_a_cancelled_checkout_loses_no_connection(async_client):
    async with async_client.session() as one, async_client.session() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        waiting = [asyncio.ensure_future(async_client.execute("SELECT 1")) for _ in range(3)]
        for _ in range(20):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        for task in waiting:
            with pytest.raises(asyncio.CancelledError):
                await task
    assert async_client.engine.pool.checkedout() == 0
    assert (await async_client.execute("SELECT 7")).scalar() == 7


async def test_a_query_for_columns_that_is_cancelled(async_client, proxy):
    """Its statement is stopped, as `execute`'s is; a stream that is left so is closed."""
    await stop_task(proxy, async_client.query_arrow(SLOW))
    assert proxy.sent("KILL QUERY")
    await async_client.execute(insert(User), [{"id": number} for number in range(1, 301)])
    stream = async_client.stream_arrow("SELECT a.id FROM users a, users b, users c", batch_rows=1000)
    with anyio.move_on_after(0.5) as scope:
        async for _ in stream:
            pass
    assert scope.cancelled_caught
    assert (await async_client.query_arrow("SELECT 1 AS a")).num_rows == 1
    assert async_client.engine.pool.checkedout() == 0


@pytest.mark.parametrize("moment", ["open_new", "move"])
async def test_an_export_that_is_cancelled_as_a_thread_creates_or_moves_its_file_leaves_no_part(
    async_client, tmp_path, monkeypatch, moment
):
    """Whoever is cancelled does not hear of what its thread has made unless it waits."""
    begun, cancelled, over = threading.Event(), threading.Event(), threading.Event()
    original = getattr(LocalMachine, moment)

    def slow(*args):
        begun.set()
        cancelled.wait(20)
        try:
            return original(*args)
        finally:
            over.set()

    monkeypatch.setattr(LocalMachine, moment, slow)
    task = asyncio.ensure_future(async_client.export.to_file("SELECT 1 AS a", tmp_path / "a.csv"))
    await anyio.to_thread.run_sync(begun.wait)
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)  # turns of the loop, not a wait
    cancelled.set()
    with suppress(asyncio.CancelledError):
        await task
    await anyio.to_thread.run_sync(over.wait)
    assert [file.name for file in tmp_path.iterdir()] == ([] if moment == "open_new" else ["a.csv"])
