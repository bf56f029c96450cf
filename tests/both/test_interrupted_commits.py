"""A COMMIT is not interrupted halfway: by no cancellation, time limit or Ctrl-C."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from interruptions import (
    interrupting,
)
from models import User
from sqlalchemy import insert

from matrixone import AsyncClient, Client, errors

pytestmark = pytest.mark.anyio


async def test_a_commit_is_not_cancelled(async_client, proxy, unique):
    stage, snapshot = unique(), unique("p")

    async def whole():
        async with async_client.session() as session:
            session.add(User(id=1))
            await session.stage.create(stage, "file:///a/")
            await session.snapshots.create(snapshot, "account")

    task = asyncio.ensure_future(whole())
    loop = asyncio.get_running_loop()

    def rule(statement, before):
        if statement == "COMMIT" and any(one.startswith("INSERT") for one in before):
            loop.call_soon_threadsafe(task.cancel)
        return "pass"

    proxy.rule = rule
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await async_client.execute("SELECT count(*) FROM users")).scalar() == 1
    assert await async_client.stage.exists(stage)
    assert snapshot in [one.name for one in await async_client.snapshots.list()]
    assert async_client.engine.pool.checkedout() == 0


@pytest.mark.parametrize("limit", [anyio.move_on_after, anyio.fail_after, asyncio.timeout])
async def test_a_commit_outlasts_a_time_limit(async_client, proxy, unique, limit):
    snapshot = unique("p")
    proxy.hold_commit(0.4)
    went_on = False
    with suppress(TimeoutError):
        async with limit(60) if limit is asyncio.timeout else _asynchronous(limit(60)) as scope:
            expiring = asyncio.ensure_future(_expires_within_commit(scope, proxy))
            async with async_client.session() as session:
                session.add(User(id=1))
                await session.snapshots.create(snapshot, "account")
                await session.flush()
            await asyncio.sleep(0)
            went_on = True
    await expiring
    assert not went_on
    assert (await async_client.execute("SELECT count(*) FROM users")).scalar() == 1
    assert snapshot in [one.name for one in await async_client.snapshots.list()]


async def _by_session(client):
    async with client.session() as session:
        session.add(User(id=1))


async def _by_commit(client):
    session = client.session()
    session.add(User(id=1))
    await session.commit()
    return session


async def _by_statement(client):
    await client.execute("INSERT INTO users (id, email) VALUES (1, '')")


async def _by_orm_statement(client):
    await client.execute(insert(User).values(id=1))


async def _by_engine(client):
    async with client.engine.begin() as connection:
        await connection.execute(insert(User).values(id=1))


@pytest.mark.parametrize("write", [_by_session, _by_commit, _by_statement, _by_orm_statement, _by_engine])
async def test_a_time_limit_that_expires_in_a_commit_ends_nothing_that_comes_after_its_block(
    async_client, proxy, write
):
    proxy.hold_commit(0.4)
    session = None
    with suppress(TimeoutError):
        async with asyncio.timeout(60) as limit:
            expiring = asyncio.ensure_future(_expires_within_commit(limit, proxy))
            session = await write(async_client)
    await asyncio.sleep(0.01)
    await expiring
    assert limit.expired()
    assert asyncio.current_task().cancelling() == 0
    assert (await async_client.execute("SELECT count(*) FROM users")).scalar() == 1
    if session is not None:
        await session.close()
    assert async_client.engine.pool.checkedout() == 0


async def test_a_time_limit_that_expires_in_a_commit_leaves_the_cancellation_of_a_block_around_it(async_client, proxy):
    proxy.hold_commit(0.4)
    went_on = False

    async def whole():
        nonlocal went_on
        with suppress(TimeoutError):
            async with asyncio.timeout(60) as limit:
                expiring = asyncio.ensure_future(_expires_within_commit(limit, proxy))
                await _by_commit(async_client)
        await expiring
        went_on = True
        await asyncio.sleep(60)

    task = asyncio.ensure_future(whole())
    await asyncio.to_thread(proxy.held.wait, 60)
    await asyncio.sleep(0.1)  # the limit has expired
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await async_client.execute("SELECT count(*) FROM users")).scalar() == 1


async def test_a_login_that_takes_too_long_is_no_cancellation(proxy):
    proxy.rule = lambda statement, before: "hold" if statement.startswith(("SET", "COMMIT")) else "pass"
    client = AsyncClient(url=proxy.url, connect_timeout=0.6)
    with pytest.raises(errors.ConnectionFailed, match="timed out"):
        await client.connect()
    await asyncio.sleep(0.01)
    proxy.release()


@asynccontextmanager
async def _asynchronous(manager):
    with manager as scope:
        yield scope


async def _expires_within_commit(scope, proxy):
    """Let a time limit expire as soon as the COMMIT is sent."""
    await asyncio.to_thread(proxy.held.wait, 60)
    if isinstance(scope, asyncio.Timeout):
        scope.reschedule(asyncio.get_running_loop().time())
    else:
        scope.deadline = anyio.current_time()


async def test_a_commit_whose_answer_does_not_come_is_waited_for_but_not_for_ever(async_client, proxy, monkeypatch):
    monkeypatch.setattr("matrixone_async.connection.STOP_SECONDS", 1.0)

    async def whole():
        async with async_client.session() as session:
            session.add(User(id=1))

    task = asyncio.ensure_future(whole())
    proxy.rule = lambda statement, before: (
        "hold" if statement == "COMMIT" and before[-1].startswith("INSERT") else "pass"
    )
    await asyncio.to_thread(proxy.held.wait)
    task.cancel()
    with pytest.raises(errors.CommitUnknown):
        await task
    assert async_client.engine.pool.checkedout() == 0
    proxy.release()


def test_ctrl_c_waits_for_a_commit(proxy, database, unique, other):
    other.create_table(User)
    stage, snapshot = unique(), unique("p")
    with Client(url=proxy.url, database=database) as client:
        interrupting(proxy, lambda statement, before: statement == "COMMIT" and "INSERT" in "".join(before))
        with pytest.raises(KeyboardInterrupt), client.session() as session:
            session.add(User(id=1))
            session.stage.create(stage, "file:///a/")
            session.snapshots.create(snapshot, "account")
        assert client.execute("SELECT count(*) FROM users").scalar() == 1
        assert client.stage.exists(stage)
        assert snapshot in [one.name for one in client.snapshots.list()]
        interrupting(proxy, lambda statement, before: statement == "COMMIT")
        with pytest.raises(KeyboardInterrupt):
            client.execute("INSERT INTO users (id) VALUES (2)")
        assert client.execute("SELECT count(*) FROM users").scalar() == 2
        assert client.engine.pool.checkedout() == 0


def test_ctrl_c_gives_a_commit_up_that_is_never_answered(proxy, database, other, monkeypatch):
    other.create_table(User)
    monkeypatch.setattr("matrixone_sync.connection.STOP_SECONDS", 1.0)
    with Client(url=proxy.url, database=database) as client:

        def rule(statement, before):
            if statement == "COMMIT" and before[-1].startswith("INSERT"):
                os.kill(os.getpid(), signal.SIGINT)
                return "hold"
            return "pass"

        proxy.rule = rule
        with pytest.raises(KeyboardInterrupt) as caught, client.session() as session:
            session.add(User(id=1))
        assert isinstance(caught.value.__context__, errors.CommitUnknown)
        assert client.engine.pool.checkedout() == 0
        proxy.release()


def test_a_second_ctrl_c_during_a_commit_leaves_what_belongs_to_its_rows(proxy, database, unique, other):
    """They may be committed, so the stage that they need must stay."""
    other.create_table(User)
    stage = unique()
    with Client(url=proxy.url, database=database) as client:

        def rule(statement, before):
            if statement == "COMMIT" and before[-1].startswith("INSERT"):
                os.kill(os.getpid(), signal.SIGINT)
                while connection.sigint.since is None:  # until Python has called the handler
                    time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGINT)
                return "hold"
            return "pass"

        proxy.rule = rule
        with pytest.raises(KeyboardInterrupt) as caught, client.session() as session:
            session.stage.create(stage, "file:///a/")
            session.add(User(id=1))
            session.flush()
            connection = session.connection().connection.driver_connection
        assert caught.value.__notes__ == [
            "no answer to COMMIT: the connection broke, and the server may have committed or not: it was interrupted"
        ]
        assert other.stage.exists(stage)
        assert client.engine.pool.checkedout() == 0
        proxy.release()
        other.stage.drop(stage)


def test_a_commit_has_no_time_limit(new_client, proxy, database, users):
    """Whoever gave it up would not know whether the rows are committed."""
    client = new_client(url=proxy.url, database=database, timeout=1)
    client.connect()
    proxy.hold_commit(1.5)
    client.execute("INSERT INTO users (id) VALUES (1)")
    assert users.execute("SELECT count(*) FROM users").scalar() == 1
