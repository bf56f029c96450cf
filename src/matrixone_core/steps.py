"""The protocol between operations and drivers, a closed set of steps.

An operation is a generator function: it yields steps, is sent their answers, and returns its result. A driver performs
the steps, blocking or on an event loop. Only steps, and what operations are made of, may live here.
"""

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Dialect, Executable, LargeBinary, TextClause, bindparam
from sqlalchemy.types import TypeEngine

from matrixone_core import fragments
from matrixone_core.errors import ServerError
from matrixone_core.machine import Machine
from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.secrets import Secret

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


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


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result, as the protocol describes it.

    Args:
        name: its title.
        type: MySQL's number of the type.
        is_unsigned: whether its numbers have no sign.
        is_binary: whether it has bytes, not text.
        scale: digits behind the point, or of a second's fraction.
    """

    name: str
    type: int
    is_unsigned: bool = False
    is_binary: bool = False
    scale: int = 0


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
    #: Types of result columns that need one.
    returns: ClassVar[Mapping[str, type[TypeEngine[Any]]]] = {}
    #: SET statements that the driver sends on the same connection before it, and after it whatever becomes of it.
    before: ClassVar[str] = ""
    after: ClassVar[str] = ""

    def parts(self) -> Iterator[fragments.Part]:
        """The statement piece by piece: SQL as text, values as `fragments.Value`."""
        raise NotImplementedError

    def parse(self, reply: Reply, /) -> R_co:
        """The answer that the reply means."""
        raise NotImplementedError

    def __str__(self) -> str:
        return fragments.shown(self.parts())

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets among the statement's values, as they travel."""
        return tuple(
            part.value for part in self.parts() if isinstance(part, fragments.Value) and isinstance(part.value, Secret)
        )

    def __clause_element__(self) -> TextClause:
        """The statement as SQLAlchemy executes it, its values bound."""
        sql, values = fragments.bound(self.parts())
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
class Aside(Step[R_co]):
    """Run an operation on another connection, each statement committed by itself, whatever transaction is open.

    For what the server refuses inside a transaction (server-facts 12).
    """

    op: Op[R_co]


@dataclass(frozen=True)
class Together(Step[tuple[Any, ...]]):
    """Run operations at once, so many at a time, each on connections of its own; the first error stops the others.

    Their results come in their order.

    Args:
        ops: the operations.
        limit: how many at a time.
        here: whether the first one stays on the connection that is pinned, in its transaction.
    """

    ops: tuple[Op[Any], ...]
    limit: int
    here: bool = False


@dataclass(frozen=True)
class Limited(Step[R_co]):
    """Run an operation with a time limit for each of its statements, in seconds."""

    op: Op[R_co]
    seconds: float


@dataclass(frozen=True)
class OnConnection(Step[R_co]):
    """Call a function of SQLAlchemy's that wants a connection, such as `MetaData.create_all`."""

    call: Callable[[Connection], R_co]


@dataclass(frozen=True)
class Calling(Step[R_co]):
    """Call a function of the caller's, which blocks or is awaited as the side has it."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class Blocking(Step[R_co]):
    """Call a function that may block: in a worker thread where an event loop must not wait."""

    call: Callable[[], R_co]


@dataclass(frozen=True)
class NextChunk(Step[bytes | None]):
    """The next bytes of a source of the caller's, or None at its end."""

    chunks: Chunks


@dataclass(frozen=True)
class Sending(Step[R_co]):
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
class Streaming(Step[None]):
    """Execute a statement and pass its rows on as they arrive, without ever holding all of them.

    Args:
        statement: the statement.
        batch: how many rows are passed on at a time.
        receive: gives the operation that takes rows: the columns with no row at first, then batches of rows.
    """

    statement: Statement[Any]
    batch: int
    receive: Callable[[tuple[ResultColumn, ...], Sequence[Sequence[Any]]], Op[None]]

    def __str__(self) -> str:
        return str(self.statement)


@dataclass(frozen=True)
class Fetch(Step[None]):
    """Execute a statement of the caller's, and take the packets of its rows as they are.

    What the server refuses is raised as SQLAlchemy does.

    Args:
        statement: SQLAlchemy's.
        params: its parameters, or None.
        options: its execution options.
        packets: where the packets go.
    """

    statement: Executable
    params: Any
    options: Mapping[str, Any]
    packets: RowPackets


@dataclass(frozen=True)
class NextBlock(Step[Block | None]):
    """The next rows of a result that is read while it comes, or None at its end."""

    packets: RowPackets


@dataclass(frozen=True)
class HangUp(Step[None]):
    """Close the connection, so that the rest of a result is not sent; what its transaction did is rolled back."""


@dataclass(frozen=True)
class Emit(Step[None]):
    """Hand an event to a function of the caller's; what it returns is awaited, where it can be."""

    receive: Callable[[Any], Any]
    event: object


@dataclass(frozen=True)
class Watched(Step[R_co]):
    """Run an operation, and meanwhile look now and then whether there is something to tell.

    Args:
        op: the operation.
        seconds: how often.
        look: is given the time, and gives an event or None.
        receive: is handed the events, as by `Emit`.
    """

    op: Op[R_co]
    seconds: float
    look: Callable[[float], object]
    receive: Callable[[Any], Any]


@dataclass(frozen=True)
class Runtime:
    """What a driver lends to operations.

    Args:
        run: runs an operation later: a function that blocks, or whose answer is awaited.
        machine: the client's machine.
    """

    run: Callable[[Op[Any]], Any]
    machine: Machine


@dataclass(frozen=True)
class GetRuntime(Step[Runtime]):
    """Return what the driver lends to operations."""


@dataclass(frozen=True)
class Clock(Step[float]):
    """The time in seconds, from a clock that never goes back."""


@dataclass(frozen=True)
class Sleep(Step[None]):
    """Wait for so many seconds."""

    seconds: float


def in_order(ops: Iterable[Op[T]]) -> Op[tuple[T, ...]]:
    """What operations return, one after the other."""
    results: list[T] = []
    for op in ops:
        results.append((yield from op))  # noqa: PERF401  # a comprehension cannot yield
    return tuple(results)


def interpreted(op: Op[T], perform: Callable[[Step[Any]], Op[Any]]) -> Op[T]:
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


def within(step: Step[Any], wrap: Callable[[Op[Any]], Op[Any]]) -> Step[Any]:
    """A step whose operations, if it has any, are wrapped."""
    match step:
        case Atomic() | Aside() | Limited() | Watched():
            return replace(step, op=wrap(step.op))
        case Together():
            return replace(step, ops=tuple(wrap(op) for op in step.ops))
        case _:
            return step
