"""The protocol between operations and drivers: a closed set of steps.

An operation is a generator function: it yields steps, receives their answers, and returns its result. A driver performs
the steps, blocking or on an event loop. Only steps, and the helpers that operations consist of, may be in this module.
"""

import logging
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Dialect, LargeBinary, TextClause, bindparam
from sqlalchemy.types import TypeEngine

from matrixone_core import fragments
from matrixone_core.errors import DuplicateKey, ServerError
from matrixone_core.machine import Machine
from matrixone_core.secrets import Secret

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)
log = logging.getLogger("matrixone")


class Row(Protocol):
    """A row of a reply, read by column name."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the value of a column."""
        ...


class Step(Generic[R_co]):
    """One thing that a driver does for an operation: `answer = yield from step`."""

    def __iter__(self) -> "Generator[Step[Any], Any, R_co]":
        answer: R_co = yield self
        return answer


Op: TypeAlias = Generator[Step[Any], Any, T]  # yields steps, is sent their answers, returns a T
Chunks: TypeAlias = Iterator[bytes] | AsyncIterator[bytes]  # the latter for the asyncio client only


@dataclass(frozen=True)
class Reply:
    """The server's reply to a statement.

    Args:
        rows: the rows.
        count: number of affected rows, as the server counts them (server-facts 44 says when it is wrong).
    """

    rows: Sequence[Row] = ()
    count: int = 0


class HexBinary(LargeBinary):
    """Bytes written into the statement as `x'…'`: in a function the server cuts `_binary'…'` (server-facts 71)."""

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:  # pyright: ignore[reportIncompatibleMethodOverride]  # SQLAlchemy passes no keyword
        """Return the function that writes a value."""
        return lambda value: f"x'{value.hex()}'"


@dataclass(frozen=True)
class Statement(Step[R_co]):
    """One SQL statement. Its fields are its parameters; `parts` writes it, and `parse` reads its reply for the driver.

    It also runs on any SQLAlchemy connection or session: `connection.execute(statement)`.
    """

    #: The exception for a refusal whose code and message have no class of their own.
    refusal: ClassVar[type[ServerError]] = ServerError
    #: The exception for a duplicate key; some objects are rows of a table of the server.
    duplicate: ClassVar[type[ServerError]] = DuplicateKey
    #: Whether each row is one text; as there may be many, the packets are read instead of rows.
    reads_texts: ClassVar[bool] = False
    #: Types of the result columns that need one.
    returns: ClassVar[Mapping[str, type[TypeEngine[Any]]]] = {}
    #: SET statements that the driver sends on the same connection before it, and after it, even if it fails.
    before: ClassVar[str] = ""
    after: ClassVar[str] = ""
    #: Whether a rollback of the surrounding transaction does not undo it (server-facts 12, 14).
    stays: ClassVar[bool] = False
    #: Limit in seconds; None leaves it to the connection.
    time_limit: float | None = field(default=None, kw_only=True, repr=False, compare=False)

    def parts(self) -> Iterator[fragments.Part]:
        """Yield the parts of the statement: SQL as text, values as `fragments.Value`."""
        raise NotImplementedError

    def parse(self, reply: Reply, /) -> R_co:
        """Convert the reply into the answer of the step."""
        raise NotImplementedError

    def __str__(self) -> str:
        return fragments.render_masked(self.parts())

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets among the statement's values, as they are sent."""
        return tuple(
            part.value for part in self.parts() if isinstance(part, fragments.Value) and isinstance(part.value, Secret)
        )

    def __clause_element__(self) -> TextClause:
        """Return the statement as a SQLAlchemy construct with bound values."""
        sql, values = fragments.bind_values(self.parts())
        binaries = [name for name, value in values.items() if isinstance(value, bytes)]
        clause = TextClause(sql).bindparams(
            *(bindparam(name, values.pop(name), HexBinary(), literal_execute=True) for name in binaries), **values
        )
        if not self.returns:
            return clause
        # a text with types for some columns keeps being a text: the rest are taken as they come
        return clause.columns(**{name: kind() for name, kind in self.returns.items()})  # type: ignore[return-value]  # TextualSelect executes alike

    def _execute_on_connection(self, connection: Any, parameters: Any, options: Any) -> Any:
        """Execute the statement for `Connection.execute`; SQLAlchemy's own method would write to this frozen object."""
        return connection.execute(self.__clause_element__(), parameters or None, execution_options=options)


@dataclass(frozen=True)
class Command(Statement[None]):
    """A statement whose reply says only that it succeeded."""

    def parse(self, reply: Reply, /) -> None:
        """Return None."""


@dataclass(frozen=True)
class Atomic(Step[R_co]):
    """Run an operation on one connection, in one transaction."""

    op: Op[R_co]


@dataclass(frozen=True)
class OutsideTransaction(Step[R_co]):
    """Run an operation on another connection, each statement committed by itself, whatever transaction is open.

    For what the server refuses inside a transaction (server-facts 12).
    """

    op: Op[R_co]


@dataclass(frozen=True)
class Concurrently(Step[tuple[Any, ...]]):
    """Run operations concurrently, each on its own connections; the first error stops the others.

    The answer has their results, in the order of the operations.

    Args:
        ops: the operations.
        limit: maximum number of operations at a time.
        first_in_transaction: whether the first one uses the pinned connection, in its transaction.
    """

    ops: tuple[Op[Any], ...]
    limit: int
    first_in_transaction: bool = False


@dataclass(frozen=True)
class RunSync(Step[R_co]):
    """Call a function with a SQLAlchemy connection; asyncio drivers call it in SQLAlchemy's greenlet.

    This is for SQLAlchemy's own functions, such as `MetaData.create_all`, and for results that are read as they arrive
    (`on_connection.py`). Its exceptions are raised unchanged.
    """

    call: Callable[[Connection], R_co]


@dataclass(frozen=True)
class Call(Step[R_co]):
    """Call a function from outside the core; the asyncio client awaits an awaitable result.

    Args:
        call: the function.
        blocks: whether it may block; the asyncio client then calls it in a worker thread.
        exclusive: whether two such calls of one operation must not run at once, as for event listeners.
        computes: whether it computes for a while; the asyncio client then calls it in a worker thread, one at a time,
            as threads compete with the event loop for Python's lock.
        finishes: whether a cancellation waits for the end of a blocking call.
    """

    call: Callable[[], Any]
    blocks: bool = False
    exclusive: bool = False
    computes: bool = False
    finishes: bool = False


@dataclass(frozen=True)
class CallInPieces(Step[list[Any]]):
    """Call a function with one piece of bytes after another; the answer is the list of its results.

    The asyncio client uses pieces so small that the event loop is not held up.

    Args:
        call: the function.
        data: the bytes; if they are empty the function is not called.
    """

    call: Callable[[bytes], Any]
    data: bytes


@dataclass(frozen=True)
class SendLocalData(Step[R_co]):
    """Execute a statement that asks for data of the client, and send it this data and no other.

    Args:
        statement: the statement.
        chunks: the data; each chunk is sent when the server has received the one before it.
        through: function that converts each chunk before it is sent; called with None at the end for the rest.
    """

    statement: Statement[R_co]
    chunks: Chunks
    through: Callable[[bytes | None], bytes]

    def __str__(self) -> str:
        return str(self.statement)


@dataclass(frozen=True)
class WithTicker(Step[R_co]):
    """Run an operation, and poll for events to report while it runs.

    Args:
        op: the operation.
        seconds: seconds between two polls.
        poll: function that receives the time in seconds, and returns an event or None.
        receive: function that is called with each event, as by `emit`.
    """

    op: Op[R_co]
    seconds: float
    poll: Callable[[float], object]
    receive: Callable[[Any], Any]


@dataclass(frozen=True)
class Runtime:
    """The environment in which a driver runs operations.

    Args:
        run: function that runs an operation later; it blocks, or returns an awaitable.
        machine: the client's machine.
        clock: function that returns the time in seconds, from a monotonic clock.
        sleep: function that waits for a number of seconds; it blocks, or returns an awaitable.
        in_session: whether the operation is part of a session's transaction, which needs the connection afterwards.
    """

    run: Callable[[Op[Any]], Any]
    machine: Machine
    clock: Callable[[], float]
    sleep: Callable[[float], Any]
    in_session: bool = False


@dataclass(frozen=True)
class GetRuntime(Step[Runtime]):
    """Return the driver's `Runtime`."""


def read_clock() -> Op[float]:
    """Return the time in seconds, from a monotonic clock."""
    return (yield from GetRuntime()).clock()


def sleep(seconds: float) -> Op[None]:
    """Wait for this number of seconds."""
    runtime = yield from GetRuntime()
    yield from Call[None](partial(runtime.sleep, seconds))


def run_in_thread(call: Callable[[], T]) -> Op[T]:
    """Call a function that may block, without blocking an event loop."""
    answer: T = yield from Call[T](call, blocks=True)
    return answer


def finish_in_thread(call: Callable[[], T]) -> Op[T]:
    """Call a function that may block; a cancellation waits for its end, so that its effect is known."""
    answer: T = yield from Call[T](call, blocks=True, finishes=True)
    return answer


def compute(call: Callable[[], T]) -> Op[T]:
    """Call a function that computes for about a millisecond, without blocking an event loop."""
    answer: T = yield from Call[T](call, computes=True)
    return answer


def work_through(work: Generator[None, None, T]) -> Op[T]:
    """Run a generator that works in small parts, and return its result; an event loop runs between two parts."""
    done: list[T] = []
    while not done:
        done = yield from compute(partial(_advance, work))
    return done[0]


def _advance(work: Generator[None, None, T]) -> list[T]:
    """Run the next part of work; return a list of its result at the end, and an empty list before."""
    try:
        next(work)
    except StopIteration as done:
        return [done.value]
    return []


def transform(call: Callable[[bytes | None], bytes], data: bytes | None) -> Op[bytes]:
    """Convert bytes with a function that may compute for long; None means the end of the data."""
    if data is None:
        return (yield from compute(partial(call, None)))
    made: list[bytes] = yield from CallInPieces(call, data)
    return b"".join(made)


def emit(receive: Callable[[Any], Any], event: object) -> Op[None]:
    """Pass an event to the caller's function."""
    yield from Call[None](partial(receive, event), exclusive=True)


def report_progress(receive: Callable[[Any], Any] | None, event: object) -> Op[None]:
    """Pass an event to a progress function, if there is one, and log its exceptions.

    Its exceptions must not end the work, of which a part would remain. Ctrl-C and cancellations are raised.
    """
    if receive is None:
        return
    try:
        yield from emit(receive, event)
    except Exception:
        log.exception("a progress function failed")


def next_chunk(chunks: Chunks) -> Op[bytes | None]:
    """Return the next bytes of the caller's data, or None at its end."""
    is_async = isinstance(chunks, AsyncIterator)
    read = partial(anext, chunks, None) if is_async else partial(next, chunks, None)
    chunk: bytes | None = yield from Call[bytes | None](read, blocks=not is_async)
    return chunk


def with_time_limit(op: Op[T], seconds: float) -> Op[T]:
    """Run an operation with a time limit in seconds for each of its statements that has none."""

    def perform(step: Step[Any]) -> Op[Any]:
        match step:
            case Statement(time_limit=None):
                return (yield from replace(step, time_limit=seconds))
            case SendLocalData(statement=Statement(time_limit=None)):
                return (yield from replace(step, statement=replace(step.statement, time_limit=seconds)))
            case _:
                return (yield from map_nested_ops(step, lambda inner: with_time_limit(inner, seconds)))

    return map_steps(op, perform)


def in_order(ops: Iterable[Op[T]]) -> Op[tuple[T, ...]]:
    """Run operations one after another, and return their results."""
    results: list[T] = []
    for op in ops:
        results.append((yield from op))  # noqa: PERF401  # a comprehension cannot yield
    return tuple(results)


def map_steps(op: Op[T], perform: Callable[[Step[Any]], Op[Any]]) -> Op[T]:
    """Run an operation with each of its steps performed by *perform*, which is itself an operation."""
    try:
        step = next(op)
        while True:
            try:
                answer = yield from perform(step)
            except BaseException as error:  # noqa: BLE001  # the operation's to handle
                step = op.throw(error)
            else:
                step = op.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


def map_nested_ops(step: Step[Any], wrap: Callable[[Op[Any]], Op[Any]]) -> Step[Any]:
    """Return a copy of a step with its nested operations wrapped."""
    match step:
        case Atomic() | OutsideTransaction() | WithTicker():
            return replace(step, op=wrap(step.op))
        case Concurrently():
            return replace(step, ops=tuple(wrap(op) for op in step.ops))
        case _:
            return step
