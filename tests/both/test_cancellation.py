"""A cancelled call gives its connection back, and clean-up still runs."""

import asyncio
from contextlib import suppress

import anyio
import pytest
from sqlalchemy import text

from matrixone import AsyncClient, errors
from matrixone_async.driver import AsyncDriver
from matrixone_core.errors import ServerError
from matrixone_core.operation import Atomic, Reply
from matrixone_core.sql.stage import CreateStage, DropStage, ShowStages

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_clean_up_runs_after_a_cancellation():
    done = []

    class Slow(AsyncDriver):
        async def perform(self, step):
            done.append(type(step).__name__)
            if isinstance(step, ShowStages):
                await anyio.sleep_forever()
            await anyio.lowlevel.checkpoint()
            return Reply()

    def op():
        yield from CreateStage("s", "file:///")
        try:
            yield from ShowStages()
        finally:
            yield from DropStage("s")

    with anyio.move_on_after(0.05) as scope:
        await Slow(None, None, "").run(op())
    assert scope.cancelled_caught
    assert done == ["CreateStage", "ShowStages", "DropStage"]


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


async def test_a_transaction_is_rolled_back_when_its_operation_fails(matrixone_url, database):
    client = AsyncClient(url=matrixone_url, database=database)
    await client.connect()
    await client.execute("CREATE TABLE t (i INT)")

    class Insert(DropStage):
        def parts(self):
            yield "INSERT INTO t VALUES (1)"

    def fails():
        yield from Insert("")
        raise ServerError("no")

    with pytest.raises(ServerError, match="no"):
        await client.perform(iter(Atomic(fails())))
    assert (await client.execute("SELECT count(*) FROM t")).scalar() == 0
    async with client.session() as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
    assert (await client.execute("SELECT count(*) FROM t")).scalar() == 1
    await client.disconnect()
