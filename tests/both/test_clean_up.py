"""What an operation still does once it is cancelled, interrupted, or has failed."""

import os
import signal
from dataclasses import dataclass

import anyio
import pytest
from interruptions import SLOW, hold_second, stop_scope, stop_task
from sqlalchemy import text

from matrixone import AsyncClient, Client
from matrixone_async.driver import AsyncDriver
from matrixone_core.errors import ServerError
from matrixone_core.sql.stage import CreateStage, DropStage, ShowStages
from matrixone_core.steps import Atomic, Command, Reply

pytestmark = pytest.mark.anyio


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
        await Slow(None, None, None, None, "").run(op())
    assert scope.cancelled_caught
    assert done == ["CreateStage", "ShowStages", "DropStage"]


@dataclass(frozen=True)
class Sql(Command):
    text: str

    def parts(self):
        yield self.text


def cleaned_up(answers):
    """An operation that cleans up in three steps, of which the second has no answer in time."""
    try:
        yield from Sql("SELECT 1")
        yield from Sql(SLOW)
    finally:
        try:
            answers.append((yield from Sql("SELECT 'first'")))
            answers.append((yield from Sql("SELECT 'second'")))
        finally:
            yield from Sql("SELECT 'third'")
            answers.append("third")


def failing_clean_up():
    try:
        yield from Sql(SLOW)
    finally:
        yield from Sql("SELECT none_such")


async def test_clean_up_of_a_cancelled_call_that_takes_too_long(async_client, proxy, monkeypatch):
    """The operation never takes the answer of another step for that of the one that is given up."""
    monkeypatch.setattr("matrixone_async.driver.CLEAN_UP_SECONDS", 1.0)
    monkeypatch.setattr("matrixone_async.connection.STOP_SECONDS", 1.0)
    answers = []
    for stop in (stop_task, stop_scope):
        answers.clear()
        await stop(proxy, async_client.perform(cleaned_up(answers)))
        assert answers == [None, "third"]
    proxy.release()
    await stop_task(proxy, async_client.perform(failing_clean_up()))
    assert async_client.engine.pool.checkedout() == 0


def test_clean_up_after_ctrl_c_that_takes_too_long(proxy, database, monkeypatch):
    monkeypatch.setattr("matrixone_sync.driver.CLEAN_UP_SECONDS", 1.0)
    monkeypatch.setattr("matrixone_sync.connection.STOP_SECONDS", 1.0)
    with Client(url=proxy.url, database=database) as client:
        for operation in (cleaned_up, lambda _: failing_clean_up()):
            answers = []

            def rule(statement, before):
                if statement == SLOW:
                    os.kill(os.getpid(), signal.SIGINT)
                return hold_second(statement, before)

            proxy.rule = rule
            with pytest.raises(KeyboardInterrupt):
                client.perform(operation(answers))
            assert answers in ([None, "third"], [])
            proxy.release()
        assert client.engine.pool.checkedout() == 0


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
