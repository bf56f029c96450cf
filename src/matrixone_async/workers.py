"""Operations at once: tasks, the statements of which stop when they are cancelled."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


class WorkerGroup:
    """Operations at once."""

    def track(self, connection: AsyncConnection) -> AbstractAsyncContextManager[None]:
        """A block in which a connection runs a statement; a task that is cancelled stops its own."""
        return nullcontext()

    async def run_all(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> tuple[T, ...]:
        """Call functions at once, and return what they return; the first error stops the others.

        Args:
            calls: the functions; each is called in a task.
            limit: the number of them that run at once.
        """
        results: dict[int, T] = {}
        failures: list[Exception] = []
        room = anyio.CapacityLimiter(limit)

        async def run(at: int, call: Callable[[], Awaitable[T]], tasks: TaskGroup) -> None:
            async with room:
                try:
                    results[at] = await call()
                except Exception as error:  # noqa: BLE001  # one error is raised, on both sides, not a group of them
                    failures.append(error)
                    tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for at, call in enumerate(calls):
                tasks.start_soon(run, at, call, tasks)
        if failures:
            raise failures[0]
        return tuple(results[at] for at in range(len(calls)))
