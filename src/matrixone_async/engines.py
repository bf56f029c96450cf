"""What SQLAlchemy's asynchronous engines do differently; `matrixone_sync` has a module of the same names."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
from sqlalchemy import Connection as BlockingConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from matrixone_async.connection import Connection, Stop
from matrixone_async.dialect import Dialect
from matrixone_async.fair_pool import FairPool
from matrixone_core.cancellation import CLEAN_UP_SECONDS
from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.monitoring.pools import call_on_connect, publish, withdraw
from matrixone_core.session import engine_events
from matrixone_core.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


def create_engine(
    settings: Settings, name: str, pool: dict[str, Any], stop: Stop | None, on_open: Callable[[Connection], None]
) -> AsyncEngine:
    """Create an engine whose connections are ours.

    Args:
        settings: those of the client.
        name: the pool's name in metrics.
        pool: SQLAlchemy's options for the engine's pool.
        stop: stops a statement over another connection; None where nothing can.
        on_open: is called with each new connection.
    """

    async def open_connection(**arguments: Any) -> Connection:
        connection = await Connection.opened(stop=stop, read_timeout=settings.read_timeout, **arguments)
        on_open(connection)
        return connection

    engine = create_async_engine(
        settings.sqlalchemy_url("aiomysql"),
        connect_args={"async_creator_fn": open_connection},
        poolclass=FairPool,
        slow_query_threshold=settings.slow_query_threshold,
        **pool,
    )
    engine_events.watch(engine.sync_engine, settings.timeout)
    call_on_connect(engine.sync_engine, settings.on_connect)
    publish(engine.sync_engine, name)
    return engine


def check_engine(engine: object) -> None:
    """Check that a client can use an engine of the caller's.

    Raises:
        InvalidArgument: it cannot.
    """
    if not isinstance(engine, AsyncEngine):
        raise InvalidArgument(f"{show(engine)} is no AsyncEngine, which AsyncClient needs; Client takes an Engine")
    engine_events.check_engine(engine.sync_engine, Dialect, "create_async_engine('matrixone+aiomysql://…')")


def with_new_pool(engine: AsyncEngine) -> AsyncEngine:
    """Create an engine that connects as another does, with a pool of its own."""
    return AsyncEngine(engine_events.with_new_pool(engine.sync_engine))


def observe(engine: AsyncEngine) -> None:
    """Have an engine of the caller's keep time limits and report to units of work; no more than once."""
    engine_events.watch(engine.sync_engine, None)


async def close(engine: AsyncEngine) -> None:
    """Close an engine's connections; it counts in no metric any more."""
    withdraw(engine.sync_engine)
    await engine.dispose()


def abandon(engine: AsyncEngine) -> None:
    """Give an engine a new pool; its connections are left to the garbage collector."""
    engine.sync_engine.dispose(close=False)


async def connect(engine: AsyncEngine) -> AsyncConnection:
    """Take a connection from an engine's pool."""
    return await engine.connect().start()


async def release(connection: AsyncConnection) -> None:
    """Return a connection to its pool, or close it, though the task is cancelled."""
    with anyio.move_on_after(CLEAN_UP_SECONDS, shield=True):
        await connection.close()


async def run_on(
    connection: AsyncConnection,
    call: Callable[Concatenate[BlockingConnection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call a function with a connection that seems to block."""
    return await connection.run_sync(call, *args, **kwargs)
