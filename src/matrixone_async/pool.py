"""A client's connections: the pool, and beside it small ones for what cannot wait for the pool."""

import logging
import os
import weakref
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from matrixone_async.connection import Connection, Stop
from matrixone_async.driver import AsyncDriver
from matrixone_async.engines import abandon, check_engine, create_engine, observe, with_new_pool
from matrixone_core.cancellation import STOP_SECONDS, kill, may_run_on
from matrixone_core.settings import Settings, where

_log = logging.getLogger("matrixone")
_engines: weakref.WeakSet[AsyncEngine] = weakref.WeakSet()
_open: weakref.WeakSet[Connection] = weakref.WeakSet()


def connections(settings: Settings) -> AsyncDriver:
    """Create a driver with pools of its own; nothing is connected yet."""
    quick = settings.within(STOP_SECONDS)
    stopping = _engine(replace(quick, on_connect=()), "stopping", quick.reserve, None)

    async def stop(connection_id: int) -> None:
        """Stop the statement of a connection, from another one."""
        try:
            async with stopping.begin() as connection:
                await connection.execute(text(kill(connection_id)))
        except SQLAlchemyError as error:
            _log.warning(may_run_on(connection_id, error))

    pools = (("main", settings.pool), ("reserve", settings.reserve), ("concurrent", settings.concurrent_pool))
    engine, reserve, concurrent = (_engine(settings, name, pool, stop) for name, pool in pools)
    return AsyncDriver(engine, reserve, concurrent, stopping, settings.where)


def borrow(engine: AsyncEngine) -> AsyncDriver:
    """Create a driver on an engine of the caller's, which stays open, with pools beside it.

    Raises:
        InvalidArgument: it is no engine of this dialect, or its transactions would be none.
    """
    check_engine(engine)
    observe(engine)
    reserve, concurrent, stopping = (with_new_pool(engine) for _ in range(3))
    _engines.update((reserve, concurrent, stopping))
    url = engine.url
    known = where(url.host, url.port, url.username)
    return AsyncDriver(engine, reserve, concurrent, stopping, known, is_borrowed=True)


def _engine(settings: Settings, name: str, pool: dict[str, Any], stop: Stop | None) -> AsyncEngine:
    engine = create_engine(settings, name, pool, stop, _open.add)
    _engines.add(engine)
    return engine


def _abandon_all() -> None:
    """In a forked child: the connections are the parent's, and stay open there."""
    for connection in list(_open):
        connection.leave_to_parent()
    for engine in list(_engines):
        abandon(engine)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
