"""What SQLAlchemy's blocking engines do differently; `matrixone_async` has a module of the same names."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy
from sqlalchemy import Engine, event

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.monitoring.pools import ObservedPool, call_on_connect, publish, withdraw
from matrixone_core.session import engine_events
from matrixone_core.session.engine_events import with_new_pool
from matrixone_core.settings import Settings
from matrixone_sync.connection import Connection, Stop
from matrixone_sync.dialect import Dialect

__all__ = [
    "abandon",
    "check_engine",
    "close",
    "connect",
    "create_engine",
    "observe",
    "release",
    "run_on",
    "with_new_pool",
]
P = ParamSpec("P")
T = TypeVar("T")


def create_engine(
    settings: Settings, name: str, pool: dict[str, Any], stop: Stop | None, on_open: Callable[[Connection], None]
) -> Engine:
    """Create an engine whose connections are ours; arguments as in `matrixone_async`."""
    arguments = {} if settings.read_timeout is None else {"read_timeout": settings.read_timeout}
    engine = sqlalchemy.create_engine(
        settings.sqlalchemy_url("pymysql"),
        connect_args=arguments,
        poolclass=ObservedPool,
        slow_query_threshold=settings.slow_query_threshold,
        **pool,
    )
    engine_events.watch(engine, settings.timeout)
    call_on_connect(engine, settings.on_connect)
    publish(engine, name)

    @event.listens_for(engine, "do_connect")
    def open_connection(_dialect: Any, _record: Any, args: Any, kwargs: Any) -> Connection:
        connection = Connection(*args, stop=stop, **kwargs)
        on_open(connection)
        return connection

    return engine


def check_engine(engine: object) -> None:
    """Check that a client can use an engine of the caller's.

    Raises:
        InvalidArgument: it cannot.
    """
    if not isinstance(engine, Engine):
        raise InvalidArgument(f"{show(engine)} is no Engine, which Client needs; AsyncClient takes an AsyncEngine")
    engine_events.check_engine(engine, Dialect, "create_engine('matrixone+pymysql://…')")


def observe(engine: Engine) -> None:
    """Have an engine of the caller's keep time limits and report to units of work; no more than once."""
    engine_events.watch(engine, None)


def close(engine: Engine) -> None:
    """Close an engine's connections; it counts in no metric any more."""
    withdraw(engine)
    engine.dispose()


def abandon(engine: Engine) -> None:
    """Give an engine a new pool; its connections are left to the garbage collector."""
    engine.dispose(close=False)


def connect(engine: Engine) -> sqlalchemy.Connection:
    """Take a connection from an engine's pool."""
    return engine.connect()


def release(connection: sqlalchemy.Connection) -> None:
    """Return a connection to its pool, or close it."""
    connection.close()


def run_on(
    connection: sqlalchemy.Connection,
    call: Callable[Concatenate[sqlalchemy.Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call a function with a connection."""
    return call(connection, *args, **kwargs)
