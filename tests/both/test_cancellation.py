"""Cancelled means cancelled: the server stops, nothing stays, no connection is lost, clean-up still runs."""

import asyncio
import os
import signal
import threading
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import anyio
import pytest
from models import User
from sqlalchemy import insert, text
from sqlalchemy.exc import OperationalError

from matrixone import AsyncClient, Client, errors
from matrixone_async.driver import AsyncDriver
from matrixone_core.errors import ServerError
from matrixone_core.sql.stage import CreateStage, DropStage, ShowStages
from matrixone_core.steps import Atomic, Command, Reply

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


def hold_second(statement, before):
    return "hold" if statement == "SELECT 'second'" else "pass"


async def test_clean_up_of_a_cancelled_call_that_takes_too_long(users, proxy, monkeypatch):
    """The operation never takes the answer of another step for that of the one that is given up."""
    monkeypatch.setattr("matrixone_async.driver.CLEAN_UP_SECONDS", 1.0)
    monkeypatch.setattr("matrixone_async.connection.STOP_SECONDS", 1.0)
    answers = []
    for stop in (stop_task, stop_scope):
        answers.clear()
        await stop(proxy, users.perform(cleaned_up(answers)))
        assert answers == [None, "third"]
    proxy.release()
    await stop_task(proxy, users.perform(failing_clean_up()))
    assert users.engine.pool.checkedout() == 0


async def stop_task(proxy, call):
    """Cancel a call during its slow statement; it ends with the cancellation."""
    task = asyncio.ensure_future(call)
    loop = asyncio.get_running_loop()

    def rule(statement, before):
        if statement == SLOW:
            loop.call_soon_threadsafe(task.cancel)
        return hold_second(statement, before)

    proxy.rule = rule
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def stop_scope(proxy, call):
    scope = anyio.CancelScope()
    loop = asyncio.get_running_loop()

    def rule(statement, before):
        if statement == SLOW:
            loop.call_soon_threadsafe(scope.cancel)
        return hold_second(statement, before)

    proxy.rule = rule
    with scope:
        await call
    assert scope.cancelled_caught


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


SLOW = "SELECT SLEEP(60)"


@pytest.fixture
async def users(proxy, database):
    """An asyncio client behind the proxy, with a table."""
    client = AsyncClient(url=proxy.url, database=database, pool_size=2, max_overflow=0, pool_timeout=10)
    await client.connect()
    await client.create_table(User)
    yield client
    await client.disconnect()


def when_sent(proxy, then):
    """Call a function as soon as the statement is sent."""
    loop = asyncio.get_running_loop()

    def rule(statement, before):
        if trigger(statement):
            proxy.rule = lambda statement, before: "pass"
            loop.call_soon_threadsafe(then)
        return "pass"

    proxy.rule = rule


async def by_cancel(proxy, call):
    task = asyncio.ensure_future(call)
    when_sent(proxy, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


def trigger(statement):
    return statement == SLOW or statement.startswith("LOAD DATA")


async def by_scope(proxy, call):
    with anyio.CancelScope() as scope:
        when_sent(proxy, scope.cancel)
        await call
    assert scope.cancelled_caught


async def by_timeout(proxy, call):
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            when_sent(proxy, lambda: limit.reschedule(loop.time()))
            await call


@pytest.fixture
def big(files):
    """A file that takes a while to load."""
    return files.put("big.csv", "".join(f"{number},name {number},mail,3\n" for number in range(1, 200_001)))


@pytest.mark.parametrize("cancel", [by_cancel, by_scope, by_timeout])
async def test_what_is_cancelled_is_stopped_on_the_server(users, proxy, unique, files, big, cancel):
    stage = unique()
    await users.stage.create_local(stage, files.folder)
    for call in (users.execute(SLOW), users.load_data.read_csv_stage(stage, big, User)):
        killed = len(proxy.sent("KILL QUERY"))
        await cancel(proxy, call)
        assert len(proxy.sent("KILL QUERY")) > killed
        assert users.engine.pool.checkedout() == 0
        assert users._connection.reserve.pool.checkedout() == 0
        assert (await users.execute("SELECT 7")).scalar() == 7
    assert (await users.execute("SELECT count(*) FROM users")).scalar() == 0


async def test_a_cancelled_statement_ends_its_session(users, proxy, unique):
    name = unique()
    async with users.session() as session:
        await session.execute(insert(User).values(id=1))
        await session.stage.create(name, "file:///a/")
        await by_cancel(proxy, session.execute(text(SLOW)))
        with pytest.raises(errors.TransactionAborted):
            await session.execute(text("SELECT 1"))
        with pytest.raises(errors.TransactionAborted):
            await session.commit()
        await session.rollback()
        await session.execute(insert(User).values(id=2))
    assert (await users.execute("SELECT id FROM users")).scalars().all() == [2]
    assert not await users.stage.exists(name)


async def test_a_commit_is_not_cancelled(users, proxy, unique):
    stage, snapshot = unique(), unique("p")

    async def whole():
        async with users.session() as session:
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
    assert (await users.execute("SELECT count(*) FROM users")).scalar() == 1
    assert await users.stage.exists(stage)
    assert snapshot in [one.name for one in await users.snapshots.list()]
    assert users.engine.pool.checkedout() == 0


@pytest.mark.parametrize("limit", [anyio.move_on_after, anyio.fail_after, asyncio.timeout])
async def test_a_commit_outlasts_a_time_limit(users, proxy, unique, limit):
    snapshot = unique("p")
    proxy.hold_commit(0.4)
    went_on = False
    with suppress(TimeoutError):
        async with limit(60) if limit is asyncio.timeout else _asynchronous(limit(60)) as scope:
            expiring = asyncio.ensure_future(_expires_within_commit(scope, proxy))
            async with users.session() as session:
                session.add(User(id=1))
                await session.snapshots.create(snapshot, "account")
                await session.flush()
            await asyncio.sleep(0)
            went_on = True
    await expiring
    assert not went_on
    assert (await users.execute("SELECT count(*) FROM users")).scalar() == 1
    assert snapshot in [one.name for one in await users.snapshots.list()]


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


async def test_a_commit_whose_answer_does_not_come_is_waited_for_but_not_for_ever(users, proxy, monkeypatch):
    monkeypatch.setattr("matrixone_async.connection.STOP_SECONDS", 1.0)

    async def whole():
        async with users.session() as session:
            session.add(User(id=1))

    task = asyncio.ensure_future(whole())
    proxy.rule = lambda statement, before: (
        "hold" if statement == "COMMIT" and before[-1].startswith("INSERT") else "pass"
    )
    await asyncio.to_thread(proxy.held.wait)
    task.cancel()
    with pytest.raises(errors.CommitUnknown):
        await task
    assert users.engine.pool.checkedout() == 0
    proxy.release()


class CancelledAt:
    """Awaits a coroutine, and cancels the task when that waits for the so-and-so-many-th time."""

    def __init__(self, coroutine, at):
        self.coroutine, self.at, self.waits = coroutine, at, 0

    def __await__(self):
        task, step = asyncio.current_task(), partial(self.coroutine.send, None)
        while True:
            try:
                future = step()
            except StopIteration as done:
                return done.value
            self.waits += 1
            if self.waits == self.at:
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                step = partial(self.coroutine.send, (yield future))
            except BaseException as error:  # noqa: BLE001  # thrown into the coroutine, as a task does
                step = partial(self.coroutine.throw, error)


async def everywhere(make, check):
    """Cancel what *make* gives at each of its awaits, one a turn; check each time. The number of turns."""
    for at in range(1, 1000):
        call = CancelledAt(make(at), at)
        try:
            await asyncio.ensure_future(awaited(call))
        except asyncio.CancelledError:
            finished = False
        else:
            finished = True
        await check(at, finished)
        if call.waits < at:
            assert finished
            return at
    raise AssertionError("it never ends")


async def awaited(call):
    return await call


async def test_a_session_cancelled_at_any_moment_leaves_all_or_nothing(users, unique, files):
    files.put("users.csv", "{}")
    stage = {}

    async def whole(turns):
        stage[turns] = unique()
        files.put(f"u{turns}.csv", f"{1000 + turns},x,y,3\n")
        async with users.session() as session:
            session.add(User(id=turns + 1))
            await session.stage.create_local(stage[turns], files.folder)
            await session.load_data.read_csv_stage(stage[turns], f"u{turns}.csv", User)

    async def check(turns, finished):
        assert users.engine.pool.checkedout() == 0
        assert users._connection.reserve.pool.checkedout() == 0
        rows = (await users.execute(f"SELECT id FROM users WHERE id IN ({turns + 1}, {1000 + turns})")).scalars().all()
        there = turns in stage and await users.stage.exists(stage[turns])
        assert len(rows) in (0, 2)
        assert there is (len(rows) == 2)
        assert not finished or there

    assert await everywhere(whole, check) > 10


async def test_operations_cancelled_at_any_moment_lose_no_connection(users, unique, files):
    stage = unique()
    await users.stage.create_local(stage, files.folder)
    files.put("u.csv", "1,x,y,3\n")
    made = {}

    async def create(turns):
        made[turns] = unique()
        await users.stage.create(made[turns], "file:///a/")

    async def load(turns):
        await users.load_data.read_csv_stage(stage, "u.csv", User)

    async def check(turns, finished):
        assert users.engine.pool.checkedout() == 0
        assert users._connection.reserve.pool.checkedout() == 0
        count = (await users.execute("SELECT count(*) FROM users")).scalar()
        assert count in ((1,) if finished else (0, 1))
        await users.execute("DELETE FROM users")

    async def check_stages(turns, finished):
        assert users.engine.pool.checkedout() == 0
        assert not finished or await users.stage.exists(made[turns])

    assert await everywhere(load, check) > 3
    assert await everywhere(create, check_stages) > 3


async def test_a_cancelled_checkout_loses_no_connection(users):
    async with users.session() as one, users.session() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        waiting = [asyncio.ensure_future(users.execute("SELECT 1")) for _ in range(3)]
        for _ in range(20):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        for task in waiting:
            with pytest.raises(asyncio.CancelledError):
                await task
    assert users.engine.pool.checkedout() == 0
    assert (await users.execute("SELECT 7")).scalar() == 7


# -- time limits, and Ctrl-C, of which asyncio.run() makes a cancellation -----------------------------------------------------------------------------


@pytest.fixture
def table(client):
    client.create_table(User)
    return client


def test_a_statement_that_takes_too_long_is_stopped(table, proxied, proxy, unique, files, big):
    stage = unique()
    table.stage.create_local(stage, files.folder)
    with pytest.raises(OperationalError, match="longer than its limit of 0.2 s") as caught:
        proxied.execute(SLOW, timeout=0.2)
    assert caught.value.orig.args[0] == 3024
    with pytest.raises(errors.StatementTimeout, match="0.02 s"):  # a real server may load it in 0.2 s
        proxied.load_data.read_csv_stage(stage, big, User, timeout=0.02)
    assert len(proxy.sent("KILL QUERY")) >= 2
    with pytest.raises(errors.TransactionAborted, match="StatementTimeout") as caught, proxied.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"))
        with pytest.raises(OperationalError):
            session.execute(text(SLOW), execution_options={"timeout": 0.2})
        session.execute(text("SELECT 1"))
    assert not caught.value.retryable
    assert table.execute("SELECT count(*) FROM users").scalar() == 0
    assert proxied.engine.pool.checkedout() == 0


@pytest.mark.parametrize("options", [{}, {"no_parameters": True}])
def test_a_time_limit_in_a_session(client, options):
    with client.session() as session:
        with pytest.raises(OperationalError, match="limit of 0.2 s"):
            session.execute(text(SLOW), execution_options={"timeout": 0.2, **options})
        session.rollback()
        assert session.execute(text("SELECT SLEEP(0.3)"), execution_options=options).scalar() == 0


def test_a_time_limit_for_the_whole_client(new_client, matrixone_url, database):
    client = new_client(url=matrixone_url, database=database, timeout=0.2)
    client.connect()
    with pytest.raises(OperationalError, match="0.2 s"):
        client.execute(SLOW)
    assert client.execute("SELECT SLEEP(0.4)", timeout=20).scalar() == 0
    with client.session() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(OperationalError, match="0.2 s"), client.stream(SLOW) as rows:
        list(rows)
    with client.stream("SELECT 3", timeout=5) as rows:
        assert [row[0] for row in rows] == [3]


def test_a_commit_has_no_time_limit(new_client, proxy, database, table):
    """Whoever gave it up would not know whether the rows are committed."""
    client = new_client(url=proxy.url, database=database, timeout=1)
    client.connect()
    proxy.hold_commit(1.5)
    client.execute("INSERT INTO users (id) VALUES (1)")
    assert table.execute("SELECT count(*) FROM users").scalar() == 1


def test_a_statements_time_limit_does_not_count_for_connecting(new_client, proxy, database):
    """SQLAlchemy asks a server that it connects to for the first time what it is."""
    client = new_client(url=proxy.url, database=database, timeout=1)
    asked = []

    def rule(statement, before):
        if not statement.startswith("SELECT @@") or asked:
            return "pass"
        asked.append(statement)
        threading.Timer(1.5, proxy.release).start()
        return "hold"

    proxy.rule = rule
    client.connect()
    assert asked


def test_a_time_limit_does_not_count_for_what_comes_after_its_statement(new_client, proxy, database, side):
    """SQLAlchemy sets autocommit on the connection of the statement before."""
    client = new_client(url=proxy.url, database=database)
    client.connect()
    client.execute("SELECT 1", timeout=0.2)

    def rule(statement, before):
        if statement != "SET autocommit=1":
            return "pass"
        threading.Timer(0.5, proxy.release).start()
        return "hold"

    async def scalar():
        async with engine.connect() as connection:
            return await connection.scalar(text("SELECT 2"))

    proxy.rule = rule
    engine = client.engine.execution_options(isolation_level="AUTOCOMMIT")
    if side == "async":
        assert client.portal.call(scalar) == 2
    else:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 2")) == 2


def ready_to_kill(client, monkeypatch, side):
    """Have a connection for KILL, and only then little patience: logging in may take longer than that."""
    with pytest.raises(OperationalError, match="longer than"):
        client.execute("SELECT SLEEP(5)", timeout=0.2)
    monkeypatch.setattr(f"matrixone_{side}.connection.STOP_SECONDS", 1)


def test_what_outlives_the_kill_is_closed(new_client, proxy, database, table, monkeypatch, side):
    """A statement that waits for a hanging S3 endpoint survives KILL (server-facts 16)."""
    client = new_client(url=proxy.url, database=database)
    client.connect()
    ready_to_kill(client, monkeypatch, side)
    before = len(proxy.sent("KILL QUERY"))
    proxy.rule = lambda statement, before: "hold" if statement.startswith("INSERT") else "pass"
    with pytest.raises(OperationalError, match="longer than"), client.session() as session:
        session.execute(text("INSERT INTO users (id) VALUES (1)"), execution_options={"timeout": 0.2})
    assert len(proxy.sent("KILL QUERY")) == before + 3  # it may have been too early
    assert client.engine.pool.checkedout() == 0
    proxy.release()
    assert client.execute("SELECT 1").scalar() == 1
    assert table.execute("SELECT count(*) FROM users").scalar() == 0


def test_what_runs_outside_the_transaction_is_stopped_too(new_client, proxy, database, unique, monkeypatch, side):
    client = new_client(url=proxy.url, database=database, timeout=1)
    client.connect()
    ready_to_kill(client, monkeypatch, side)
    before = len(proxy.sent("KILL QUERY"))
    proxy.rule = lambda statement, before: "hold" if statement.startswith("CREATE STAGE") else "pass"
    with pytest.raises(errors.StatementTimeout, match="1 s"), client.session() as session:
        session.stage.create(unique(), "file:///a/")
    assert len(proxy.sent("KILL QUERY")) == before + 3
    driver = getattr(client, "wrapped", client)._connection
    assert [pool.pool.checkedout() for pool in (driver.engine, driver.reserve, driver.stopping)] == [0, 0, 0]


def test_a_kill_that_is_lost_is_reported(new_client, proxy, database, caplog, side):
    client = new_client(url=proxy.url, database=database)
    client.connect()
    proxy.rule = lambda statement, before: "cut" if statement.startswith("KILL") else "pass"
    with pytest.raises(OperationalError, match="longer than"):
        client.execute("SELECT SLEEP(1)", timeout=0.2)
    assert "may still run on the server" in caplog.text


def interrupting(proxy, wanted):
    """Press Ctrl-C as soon as a statement is sent, once."""

    def rule(statement, before):
        if wanted(statement, before):
            proxy.rule = lambda statement, before: "pass"
            os.kill(os.getpid(), signal.SIGINT)
        return "pass"

    proxy.rule = rule


def test_ctrl_c_that_does_not_end_the_wait(proxy, database):
    """The system may give the signal to another thread, or right before the wait begins: it is seen all the same."""
    with Client(url=proxy.url, database=database) as client:
        interrupting(proxy, lambda statement, before: statement == SLOW)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with pytest.raises(KeyboardInterrupt):
                client.execute(SLOW)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        assert client.execute("SELECT 1").scalar() == 1


def test_ctrl_c_stops_the_statement_on_the_server(proxy, database, files, big, unique, other):
    other.create_table(User)
    stage = unique()
    other.stage.create_local(stage, files.folder)
    with Client(url=proxy.url, database=database) as client:
        interrupting(proxy, lambda statement, before: trigger(statement))
        with pytest.raises(KeyboardInterrupt):
            client.load_data.read_csv_stage(stage, big, User)
        interrupting(proxy, lambda statement, before: trigger(statement))
        with pytest.raises(KeyboardInterrupt):
            client.execute(SLOW)
        interrupting(proxy, lambda statement, before: trigger(statement))
        with pytest.raises(KeyboardInterrupt), client.session() as session:
            session.execute(text("INSERT INTO users (id) VALUES (1)"))
            session.execute(text(SLOW))
        assert len(proxy.sent("KILL QUERY")) >= 3
        assert client.engine.pool.checkedout() == 0
        assert client.execute("SELECT count(*) FROM users").scalar() == 0


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


async def test_a_query_for_columns_that_is_cancelled(users, proxy):
    """Its statement is stopped, as `execute`'s is; a stream that is left so is closed."""
    await stop_task(proxy, users.query_arrow(SLOW))
    assert proxy.sent("KILL QUERY")
    await users.execute(insert(User), [{"id": number} for number in range(1, 301)])
    stream = users.stream_arrow("SELECT a.id FROM users a, users b, users c", batch_rows=1000)
    with anyio.move_on_after(0.5) as scope:
        async for _ in stream:
            pass
    assert scope.cancelled_caught
    assert (await users.query_arrow("SELECT 1 AS a")).num_rows == 1
    assert users.engine.pool.checkedout() == 0
