"""A client's connections: the pool, and beside it small ones for what cannot wait for the pool."""

import logging
import os
import weakref
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from matrixone_core.cancellation import STOP_SECONDS, kill, may_run_on
from matrixone_core.session.orm_session import watch
from matrixone_core.settings import Settings
from matrixone_sync.connection import Connection, Stop
from matrixone_sync.driver import Driver

_log = logging.getLogger("matrixone")
_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
_open: weakref.WeakSet[Connection] = weakref.WeakSet()


def connections(settings: Settings) -> Driver:
    """A driver with pools of its own; nothing is connected yet."""
    quick = settings.within(STOP_SECONDS)
    stopping = _engine(quick, quick.reserve, None)

    def stop(connection_id: int) -> None:
        """Stop what a connection is doing, from another one."""
        try:
            with stopping.begin() as connection:
                connection.execute(text(kill(connection_id)))
        except SQLAlchemyError as error:
            _log.warning(may_run_on(connection_id, error))

    engine, reserve, crowd = (
        _engine(settings, pool, stop) for pool in (settings.pool, settings.reserve, settings.crowd)
    )
    return Driver(engine, reserve, crowd, stopping, settings.where)


def _engine(settings: Settings, pool: dict[str, Any], stop: Stop | None) -> Engine:
    arguments = {} if settings.read_timeout is None else {"read_timeout": settings.read_timeout}
    engine = create_engine(settings.sqlalchemy_url("pymysql"), connect_args=arguments, **pool)
    watch(engine, settings.timeout)

    @event.listens_for(engine, "do_connect")
    def open_connection(_dialect: Any, _record: Any, args: Any, kwargs: Any) -> Connection:
        connection = Connection(*args, stop=stop, **kwargs)
        _open.add(connection)
        return connection

    _engines.add(engine)
    return engine


def _forget() -> None:
    """In a forked child: the connections are the parent's, and stay open there."""
    for connection in list(_open):
        connection.leave_to_parent()
    for engine in list(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
