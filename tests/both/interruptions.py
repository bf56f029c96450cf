"""How tests interrupt a call: by a cancellation or Ctrl-C as soon as a statement is sent, or at each await."""

import asyncio
import os
import signal
from functools import partial

import anyio
import pytest

SLOW = "SELECT SLEEP(60)"


def connections_in_use(client):
    """How many connections a client has lent, of all its pools."""
    status = client.pool_status()
    return sum(pool.in_use for pool in (status, status.reserve, status.concurrent, status.stopping))


def trigger(statement):
    return statement == SLOW or statement.startswith("LOAD DATA")


def when_sent(proxy, then):
    """Call a function as soon as the statement is sent."""
    loop = asyncio.get_running_loop()

    def rule(statement, before):
        if trigger(statement):
            proxy.rule = lambda statement, before: "pass"
            loop.call_soon_threadsafe(then)
        return "pass"

    proxy.rule = rule


def hold_second(statement, before):
    return "hold" if statement == "SELECT 'second'" else "pass"


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


async def by_cancel(proxy, call):
    task = asyncio.ensure_future(call)
    when_sent(proxy, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


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


def interrupting(proxy, wanted):
    """Press Ctrl-C as soon as a statement is sent, once."""

    def rule(statement, before):
        if wanted(statement, before):
            proxy.rule = lambda statement, before: "pass"
            os.kill(os.getpid(), signal.SIGINT)
        return "pass"

    proxy.rule = rule


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
