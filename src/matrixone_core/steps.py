"""The protocol between operations and drivers, a closed set of steps.

An operation is a generator function: it yields steps, is sent their answers, and returns its result. A driver performs
the steps, blocking or on an event loop. Only steps, and what operations are made of, may live here.
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
        """The value in a column."""
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
    """What the server answered to a statement.

    Args:
        rows: the rows.
        count: the rows affected, as the server counts them (server-facts 44 says when not to believe it).
    """

    rows: Sequence[Row] = ()
    count: int = 0


class HexBinary(LargeBinary):
    """Bytes written into the statement as `x'…'`: in a function the server cuts `_binary'…'` (server-facts 71)."""

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:  # pyright: ignore[reportIncompatibleMethodOverride]  # SQLAlchemy passes no keyword
        """What writes them."""
        return lambda value: f"x'{value.hex()}'"


@dataclass(frozen=True)
class Statement(Step[R_co]):
    """One SQL statement. Its fields are its parameters; `parts` writes it, `parse` reads its reply for the driver.

    It runs on its own as well, on any SQLAlchemy connection or session: `connection.execute(statement)`.
    """

    #: The error for a refusal that no table of codes knows better.
    refusal: ClassVar[type[ServerError]] = ServerError
    #: The error for a key that is there already: what it creates may be a row of a table of the server's.
    duplicate: ClassVar[type[ServerError]] = DuplicateKey
    #: Whether its rows are one text each, of which there may be many: they are read as the packets that they come in.
    reads_texts: ClassVar[bool] = False
    #: Types of result columns that need one.
    returns: ClassVar[Mapping[str, type[TypeEngine[Any]]]] = {}
    #: SET statements that the driver sends on the same connection before it, and after it whatever becomes of it.
    before: ClassVar[str] = ""
    after: ClassVar[str] = ""
    #: Whether its effect stays, though the transaction around it is rolled back (server-facts 12, 14).
    stays: ClassVar[bool] = False
    #: Seconds that it may take; None leaves it to the connection.
    time_limit: float | None = field(default=None, kw_only=True, repr=False, compare=False)

    def parts(self) -> Iterator[fragments.Part]:
        """The statement piece by piece: SQL as text, values as `fragments.Value`."""
        raise NotImplementedError

    def parse(self, reply: Reply, /) -> R_co:
        """The answer that the reply means."""
        raise NotImplementedError

    def __str__(self) -> str:
        return fragments.render_masked(self.parts())

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets among the statement's values, as they travel."""
        return tuple(
            part.value for part in self.parts() if isinstance(part, fragments.Value) and isinstance(part.value, Secret)
        )

    def __clause_element__(self) -> TextClause:
        """The statement as SQLAlchemy executes it, its values bound."""
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
        """What `Connection.execute` calls; a base class of SQLAlchemy's would memoize into this frozen object."""
        return connection.execute(self.__clause_element__(), parameters or None, execution_options=options)


@dataclass(frozen=True)
class Command(Statement[None]):
    """A statement whose reply says nothing more than that it was carried out."""

    def parse(self, reply: Reply, /) -> None:
        """Nothing."""


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
    """Run operations at once, so many at a time, each on connections of its own; the first error stops the others.

    Their results come in their order.

    Args:
        ops: the operations.
        limit: how many at a time.
        first_in_transaction: whether the first one stays on the pinned connection, in its transaction.
    """

    ops: tuple[Op[Any], ...]
    limit: int
    first_in_transaction: bool = False


@dataclass(frozen=True)
class RunSync(Step[R_co]):
    """Call a function with a connection of SQLAlchemy's that blocks, or seems to.

    For what SQLAlchemy does with one, as `MetaData.create_all`, and for results that are read while they come
    (`on_connection.py`). An error is raised as it is.
    """

    call: Callable[[Connection], R_co]


@dataclass(frozen=True)
class Call(Step[R_co]):
    """Call a function that is not the core's; what it returns is awaited by the asyncio client, where it can be.

    Args:
        call: the function.
        blocks: whether it may block: then it runs in a worker thread where an event loop must not wait.
        exclusive: whether two such calls of one operation must not run at once, as for functions that listen to events.
        computes: whether it computes for a while: then it runs in a worker thread as well, and one such call at a time,
            as Python's threads take its lock from each other, and from the event loop.
        finishes: whether a cancellation waits for one that blocks, and comes once its answer is known.
    """

    call: Callable[[], Any]
    blocks: bool = False
    exclusive: bool = False
    computes: bool = False
    finishes: bool = False


@dataclass(frozen=True)
class CallInPieces(Step[list[Any]]):
    """Call a function that computes with bytes piece by piece; what it returns for each.

    Where an event loop runs, a piece is so small that the loop has its turn in time.

    Args:
        call: the function.
        data: the bytes; without any it is not called.
    """

    call: Callable[[bytes], Any]
    data: bytes


@dataclass(frozen=True)
class SendLocalData(Step[R_co]):
    """Execute a statement that asks for data of the client's, and send it these and no other.

    Args:
        statement: the statement.
        chunks: the data; bytes that are sent as they come, each as soon as the server has taken those before it.
        through: what is made of each chunk before it is sent; of None, at the end, what is left to send.
    """

    statement: Statement[R_co]
    chunks: Chunks
    through: Callable[[bytes | None], bytes]

    def __str__(self) -> str:
        return str(self.statement)


@dataclass(frozen=True)
class WithTicker(Step[R_co]):
    """Run an operation, and meanwhile ask now and then for an event to report.

    Args:
        op: the operation.
        seconds: how often.
        poll: is given the time, and returns an event or None.
        receive: is called with each event, as by `emit`.
    """

    op: Op[R_co]
    seconds: float
    poll: Callable[[float], object]
    receive: Callable[[Any], Any]


@dataclass(frozen=True)
class Runtime:
    """What a driver lends to operations.

    Args:
        run: runs an operation later: a function that blocks, or whose answer is awaited.
        machine: the client's machine.
        clock: returns the time in seconds, from a clock that never goes back.
        sleep: waits for a number of seconds: blocks, or is awaited.
        in_session: whether the operation is a part of a session's transaction, which needs the connection afterwards.
    """

    run: Callable[[Op[Any]], Any]
    machine: Machine
    clock: Callable[[], float]
    sleep: Callable[[float], Any]
    in_session: bool = False


@dataclass(frozen=True)
class GetRuntime(Step[Runtime]):
    """Return what the driver lends to operations."""


def read_clock() -> Op[float]:
    """Return the time in seconds, from a clock that never goes back."""
    return (yield from GetRuntime()).clock()


def sleep(seconds: float) -> Op[None]:
    """Wait for this number of seconds."""
    runtime = yield from GetRuntime()
    yield from Call[None](partial(runtime.sleep, seconds))


def run_in_thread(call: Callable[[], T]) -> Op[T]:
    """Call a function that may block; an event loop does not wait for it."""
    answer: T = yield from Call[T](call, blocks=True)
    return answer


def finish_in_thread(call: Callable[[], T]) -> Op[T]:
    """Call a function that may block, to its end: whoever is cancelled meanwhile knows what it has done."""
    answer: T = yield from Call[T](call, blocks=True, finishes=True)
    return answer


def compute(call: Callable[[], T]) -> Op[T]:
    """Call a function that computes for about a millisecond; an event loop does not wait for it."""
    answer: T = yield from Call[T](call, computes=True)
    return answer


def work_through(work: Generator[None, None, T]) -> Op[T]:
    """Carry out work that a generator does little by little; between two parts of it an event loop has its turn."""
    done: list[T] = []
    while not done:
        done = yield from compute(partial(_advance, work))
    return done[0]


def _advance(work: Generator[None, None, T]) -> list[T]:
    """Do the next part of work; what it returns at its end, as a list, which is empty before."""
    try:
        next(work)
    except StopIteration as done:
        return [done.value]
    return []


def transform(call: Callable[[bytes | None], bytes], data: bytes | None) -> Op[bytes]:
    """Return what a function makes of bytes, or of None, which means the end of all data; it may compute for long."""
    if data is None:
        return (yield from compute(partial(call, None)))
    made: list[bytes] = yield from CallInPieces(call, data)
    return b"".join(made)


def emit(receive: Callable[[Any], Any], event: object) -> Op[None]:
    """Pass an event to a function of the caller's."""
    yield from Call[None](partial(receive, event), exclusive=True)


def report_progress(receive: Callable[[Any], Any] | None, event: object) -> Op[None]:
    """Pass an event to a function that listens, if there is one: what it raises is logged, and the work goes on.

    It must not decide what becomes of the work: of what is done already, a part would stay. Ctrl-C and cancellations
    are raised.
    """
    if receive is None:
        return
    try:
        yield from emit(receive, event)
    except Exception:
        log.exception("a progress function failed")


def next_chunk(chunks: Chunks) -> Op[bytes | None]:
    """Return the next bytes of a source of the caller's, or None at its end."""
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
    """What operations return, one after the other."""
    results: list[T] = []
    for op in ops:
        results.append((yield from op))  # noqa: PERF401  # a comprehension cannot yield
    return tuple(results)


def map_steps(op: Op[T], perform: Callable[[Step[Any]], Op[Any]]) -> Op[T]:
    """An operation each of whose steps is carried out by *perform*, itself an operation."""
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
    """A step whose operations, if it has any, are wrapped."""
    match step:
        case Atomic() | OutsideTransaction() | WithTicker():
            return replace(step, op=wrap(step.op))
        case Concurrently():
            return replace(step, ops=tuple(wrap(op) for op in step.ops))
        case _:
            return step
