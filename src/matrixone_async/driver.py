"""Carries operations out on an event loop: one loop, and what each step means here."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from inspect import isawaitable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import ConnectionLost, MatrixOneError
from matrixone_core.execution import limited
from matrixone_core.server_errors import cannot_connect, commit_unknown, from_driver, no_connection_free
from matrixone_core.session.orm_session import note_closed, usable
from matrixone_core.steps import (
    Aside,
    Atomic,
    Blocking,
    Calling,
    Chunks,
    Clock,
    Emit,
    Limited,
    NextChunk,
    OnConnection,
    Op,
    Reply,
    Runner,
    Sending,
    Sleep,
    Statement,
    Step,
    Together,
    Watched,
)

T = TypeVar("T")
_log = logging.getLogger("matrixone")


@dataclass(frozen=True)
class AsyncDriver:
    """Carries operations out.

    Args:
        engine: where connections come from.
        reserve: where those come from that cannot wait for it.
        crowd: where those come from that work at once.
        stopping: where those come from that stop statements.
        where: the server and the user, for messages.
        pin: gives the one connection to use, whose transaction somebody else ends; None for the pool's.
        time_limit: seconds that a statement may take; None leaves it to the engine.
    """

    engine: AsyncEngine
    reserve: AsyncEngine
    crowd: AsyncEngine
    stopping: AsyncEngine
    where: str
    pin: Callable[[], Awaitable[AsyncConnection]] | None = None
    time_limit: float | None = None

    async def run(self, op: Op[T]) -> T:
        """The result of an operation; once it is cancelled, it ends with the cancellation."""
        cancelled: BaseException | None = None
        try:
            step = next(op)
            while True:
                try:
                    answer = await (self.perform(step) if cancelled is None else self._clean_up(step, cancelled))
                except BaseException as error:  # noqa: BLE001  # the operation's to handle, cancellation included
                    cancelled = cancelled if isinstance(error, Exception) else cancelled or error
                    step = op.throw(error)
                else:
                    step = op.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        except Exception as error:
            if cancelled is not None:
                raise cancelled from error
            raise

    async def _clean_up(self, step: Step[T], cancelled: BaseException) -> T:
        """The answer to what an operation still asks for once it is cancelled, if it comes in time."""
        with anyio.move_on_after(CLEAN_UP_SECONDS, shield=True):
            answer: T = await self.perform(step)
            return answer
        raise cancelled

    async def dispose(self) -> None:
        """Close all connections."""
        for engine in (self.engine, self.reserve, self.crowd, self.stopping):
            await engine.dispose()

    def forget(self) -> None:
        """Have new pools; the connections are left to the garbage collector."""
        for engine in (self.engine, self.reserve, self.crowd, self.stopping):
            engine.sync_engine.dispose(close=False)

    async def perform(self, step: Step[Any]) -> Any:
        """The answer to a step."""
        match step:
            case Statement():
                return await self._execute(step)
            case Atomic():
                async with self.transaction() as driver:
                    return await driver.run(step.op)
            case Aside():
                return await replace(self, engine=self.reserve, pin=None).run(step.op)
            case Together():
                apart = replace(self, engine=self.crowd, pin=None)
                drivers = (self if step.here else apart, *[apart] * (len(step.ops) - 1))
                return await together([partial(d.run, op) for d, op in zip(drivers, step.ops, strict=True)], step.limit)
            case Limited():
                return await replace(self, time_limit=step.seconds).run(step.op)
            case Sending():
                return await self._send(step)
            case NextChunk():
                return await _next(step.chunks)
            case Blocking():
                return await anyio.to_thread.run_sync(step.call)
            case Emit():
                return await _handed(step.receive, step.event)
            case Watched():
                return await self._watched(step)
            case Runner():
                return self.run
            case Calling():
                return await step.call()
            case OnConnection():
                async with self.connection() as connection:
                    return await translated(lambda: connection.run_sync(step.call))
            case Clock():
                return time.monotonic()
            case Sleep():
                return await anyio.sleep(step.seconds)
            case _:
                raise TypeError(f"unknown step: {step!r}")

    async def _execute(self, statement: Statement[T]) -> T:
        async with self.connection() as connection:
            reply = await translated(lambda: _reply(connection, statement, self.time_limit), statement)
        return statement.parse(reply)

    async def _send(self, step: Sending[T]) -> T:
        statement = step.statement
        async with self.connection() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            with raw.sending(_through(step)):
                try:
                    reply = await translated(lambda: _reply(connection, statement, self.time_limit), statement)
                except Exception:
                    if connection.sync_connection is not None:
                        note_closed(connection.sync_connection, "as the data that it was sending broke off")
                    raise
        return statement.parse(reply)

    async def _watched(self, step: Watched[T]) -> T:
        """Carry an operation out, while a task looks now and then whether there is something to tell."""
        watching = asyncio.ensure_future(_look(step))
        try:
            return await self.run(step.op)
        finally:
            watching.cancel()

    @asynccontextmanager
    async def transaction(self) -> "AsyncGenerator[AsyncDriver]":
        """A driver pinned to one connection, whose transaction is committed at the end unless something fails."""
        async with self.connection() as connection:

            async def pin() -> AsyncConnection:
                return connection

            yield replace(self, pin=pin)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection]:
        """The pinned connection, or one of the pool's with a transaction that is committed at the end."""
        if self.pin is not None:
            yield usable(await acquired(self.pin, self.where))
            return
        connection = await acquired(self.engine.connect().start, self.where)
        try:
            yield connection
            await committed(connection.commit)
        finally:
            # the connection goes back, or is closed, whatever is cancelled
            with anyio.move_on_after(CLEAN_UP_SECONDS, shield=True):
                await connection.close()


async def _handed(receive: Callable[[Any], Any], event: object) -> Any:
    answer = receive(event)
    return await answer if isawaitable(answer) else answer


async def _look(step: Watched[Any]) -> None:
    while True:
        await anyio.sleep(step.seconds)
        event = step.look(time.monotonic())
        if event is not None:
            try:
                await _handed(step.receive, event)
            except Exception:  # noqa: BLE001  # the load goes on, whatever becomes of those who watch
                _log.exception("a progress function failed")


async def _next(chunks: Chunks) -> bytes | None:
    """The next chunk, or None at the end; a blocking source is read in a worker thread."""
    if isinstance(chunks, AsyncIterator):
        return await anext(chunks, None)
    return await anyio.to_thread.run_sync(next, chunks, None)


async def _through(step: Sending[Any]) -> AsyncIterator[bytes]:
    """The data as it is sent."""
    while (chunk := await _next(step.chunks)) is not None:
        yield await anyio.to_thread.run_sync(step.through, chunk)  # parsing would hold the event loop
    yield await anyio.to_thread.run_sync(step.through, None)


async def together(calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> tuple[T, ...]:
    """What calls return, so many of them at once; the first error stops the others.

    Args:
        calls: what is called, each in a task.
        limit: how many at once.
    """
    results: dict[int, T] = {}
    failures: list[Exception] = []
    room = anyio.CapacityLimiter(limit)

    async def one(at: int, call: Callable[[], Awaitable[T]], tasks: TaskGroup) -> None:
        async with room:
            try:
                results[at] = await call()
            except Exception as error:  # noqa: BLE001  # one error is raised, on both sides, not a group of them
                failures.append(error)
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for at, call in enumerate(calls):
            tasks.start_soon(one, at, call, tasks)
    if failures:
        raise failures[0]
    return tuple(results[at] for at in range(len(calls)))


async def _reply(connection: AsyncConnection, statement: Statement[Any], time_limit: float | None) -> Reply:
    options = limited(time_limit)
    if statement.before:
        await connection.exec_driver_sql(statement.before, execution_options=options)
    try:
        result = await connection.execute(statement.__clause_element__(), execution_options=options)
    except DBAPIError as error:
        if statement.after and not error.connection_invalidated:
            await connection.exec_driver_sql(statement.after, execution_options=options)
        raise
    if statement.after:
        await connection.exec_driver_sql(statement.after, execution_options=options)
    return Reply(result.mappings().all(), 0) if result.returns_rows else Reply((), result.rowcount)


async def translated(call: Callable[[], Awaitable[T]], statement: Statement[Any] | None = None) -> T:
    """What *call* returns; a driver's error becomes ours, raised where none of the driver's frames hang on it."""
    try:
        return await call()
    except DBAPIError as error:
        failure = from_driver(error, statement)
    raise failure


async def acquired(call: Callable[[], Awaitable[AsyncConnection]], where: str) -> AsyncConnection:
    """The connection that *call* makes; what keeps it from it, in our words."""
    failure: MatrixOneError
    try:
        return await call()
    except DBAPIError as error:
        failure = cannot_connect(error.orig, where)
    except PoolTimeout as error:
        failure = no_connection_free(error)
    raise failure


async def committed(call: Callable[[], Awaitable[None]]) -> None:
    """Carry a COMMIT out; if the connection breaks meanwhile, nobody knows what became of it."""
    failure: MatrixOneError
    try:
        return await translated(call)
    except ConnectionLost as error:
        failure = commit_unknown(error)
    raise failure
