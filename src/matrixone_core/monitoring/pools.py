"""The connection pools of a client: how many connections are in use, and what each new one begins with."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Engine, Pool, PoolProxiedConnection, QueuePool, event

from matrixone_core.monitoring import telemetry
from matrixone_core.setting_checks import OnConnect


@dataclass(frozen=True)
class PoolUse:
    """The state of a connection pool.

    Args:
        size: number of connections that the pool keeps open.
        limit: maximum number of open connections. None means no limit.
        in_use: number of connections in use by statements, sessions or loads.
        idle: number of open connections that are not in use.
        overflow: number of open connections beyond `size`.
        waiting: number of calls that wait for a connection.
    """

    size: int
    limit: int | None
    in_use: int
    idle: int
    overflow: int
    waiting: int


@dataclass(frozen=True)
class PoolStatus(PoolUse):
    """The state of a client's main pool, and of its extra pools.

    Args:
        reserve: pool for statements that the server refuses inside a transaction.
        concurrent: pool for parts of a load that run concurrently.
        stopping: pool for stopping statements.
    """

    reserve: PoolUse
    concurrent: PoolUse
    stopping: PoolUse


class ObservedPool(QueuePool):
    """A SQLAlchemy pool that counts the calls that wait for a connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pending: set[object] = set()  # one entry a call: adding and removing need no lock

    def connect(self) -> PoolProxiedConnection:
        """A connection of the pool."""
        entry = object()
        self._pending.add(entry)
        try:
            return super().connect()
        finally:
            self._pending.discard(entry)

    @property
    def waiting(self) -> int:
        """How many calls wait for a connection."""
        return len(self._pending)


def pool_status(main: Pool, reserve: Pool, concurrent: Pool, stopping: Pool) -> PoolStatus:
    """What the pools of a client are doing.

    Args:
        main: the pool itself.
        reserve: that of what is refused inside of a transaction.
        concurrent: that of what runs at once.
        stopping: that of what stops statements.
    """
    return PoolStatus(**vars(_use(main)), reserve=_use(reserve), concurrent=_use(concurrent), stopping=_use(stopping))


def _use(pool: Pool) -> PoolUse:
    if not isinstance(pool, QueuePool):  # of an engine of the caller's, which stores no connections and counts none
        return PoolUse(0, None, 0, 0, 0, 0)
    overflow: int = vars(pool)["_max_overflow"]  # the pool tells it by no method
    return PoolUse(
        size=pool.size(),
        limit=None if overflow == -1 else pool.size() + overflow,
        in_use=pool.checkedout(),
        idle=pool.checkedin(),
        overflow=max(0, pool.overflow()),
        waiting=pool.waiting if isinstance(pool, ObservedPool) else 0,
    )


def call_on_connect(engine: Engine, hooks: Sequence[OnConnect]) -> None:
    """Have functions called with each new connection, and what they did committed.

    A function that fails, fails the connection. Its statements have the time limit of connecting.

    Args:
        engine: whose connections.
        hooks: the functions.
    """

    def connected(connection: Any, _record: object) -> None:
        driver_connection = engine.dialect.get_driver_connection(connection)
        driver_connection.time_limit = driver_connection.connect_timeout
        try:
            for hook in hooks:
                hook(connection)
            connection.commit()
        except BaseException:
            engine.dialect.do_terminate(connection)
            raise

    if hooks:
        event.listen(engine, "connect", connected)


_engines: dict[weakref.ref[Engine], str] = {}


def publish(engine: Engine, name: str) -> None:
    """Have the metrics of pools count an engine's.

    Args:
        engine: the engine.
        name: its pool's name among the client's.
    """
    url = engine.url
    _engines[weakref.ref(engine, _forget)] = f"{url.host}:{url.port}/{url.database or ''} {name}"
    _gauges()


def withdraw(engine: Engine) -> None:
    """Have the metrics of pools leave out an engine whose client is disconnected."""
    _forget(weakref.ref(engine, _forget))


def _forget(engine: weakref.ref[Engine]) -> None:
    _engines.pop(engine, None)


@cache
def _gauges() -> None:
    """Make the metrics, once a process."""
    telemetry.observe(
        "db.client.connection.count", "{connection}", "Connections by their state", lambda: _read(_by_state)
    )
    telemetry.observe("db.client.connection.max", "{connection}", "Connections allowed", lambda: _read(_limit))
    telemetry.observe(
        "db.client.connection.pending_requests",
        "{request}",
        "Calls that wait for a connection",
        lambda: _read(_waiting),
    )


def _read(what: Callable[[PoolUse], Iterable[tuple[str, int]]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Numbers with their attributes; pools of the same name are counted together."""
    numbers: Counter[tuple[str, str]] = Counter()
    uses = [(name, _use(engine.pool)) for reference, name in list(_engines.items()) if (engine := reference())]
    for name, use in uses:
        for state, number in what(use):
            numbers[name, state] += number
    for (name, state), number in numbers.items():
        of_state = {"db.client.connection.state": state} if state else {}
        yield number, {"db.client.connection.pool.name": name, **of_state}


def _by_state(use: PoolUse) -> Iterator[tuple[str, int]]:
    yield "used", use.in_use
    yield "idle", use.idle


def _limit(use: PoolUse) -> Iterator[tuple[str, int]]:
    if use.limit is not None:
        yield "", use.limit


def _waiting(use: PoolUse) -> Iterator[tuple[str, int]]:
    yield "", use.waiting
