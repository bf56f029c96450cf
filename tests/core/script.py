"""Drives an operation by scripted answers: no server, no driver."""

from collections.abc import Callable, Iterable
from io import BufferedReader, BytesIO
from typing import Any

from matrixone_core.machine import LocalPath, Machine
from matrixone_core.steps import (
    Atomic,
    Call,
    CallInPieces,
    Concurrently,
    GetRuntime,
    Op,
    OutsideTransaction,
    Reply,
    RunSync,
    Runtime,
    SendLocalData,
    Statement,
    Step,
    WithTicker,
)

PIECE = 7  # bytes that functions are called with at a time


def drive(op: Op[Any], answer: Callable[[Any], Any]) -> Any:
    """Run an operation; *answer* gives the answer to each step, or raises what is thrown in. Returns the result."""
    try:
        step = next(op)
        while True:
            try:
                given = answer(step)
            except BaseException as error:  # noqa: BLE001  # thrown into the operation, as drivers do
                step = op.throw(error)
            else:
                step = op.send(given)
    except StopIteration as done:
        return done.value


class MemoryMachine:
    """A machine with its files and its environment in memory, and without a terminal.

    Args:
        variables: the environment.
        files: the content of files, by path.
    """

    def __init__(self, variables: dict[str, str] | None = None, **files: bytes) -> None:
        self.variables = variables or {}
        self.files: dict[str, bytes] = files

    def variable(self, name: str) -> str | None:
        return self.variables.get(name)

    def progress_bar(self) -> None:
        return None

    def open(self, path: LocalPath) -> BufferedReader:
        if not self.is_file(path):
            raise FileNotFoundError(path)
        return BufferedReader(BytesIO(self.files[str(path)]))

    def open_temporary(self) -> BytesIO:
        return BytesIO()

    def size(self, path: LocalPath) -> int:
        with self.open(path) as file:
            return len(file.read())

    def exists(self, path: LocalPath) -> bool:
        return self.is_file(path) or self.is_folder(path)

    def is_file(self, path: LocalPath) -> bool:
        return str(path) in self.files

    def is_folder(self, path: LocalPath) -> bool:
        return any(name.startswith(f"{path}/") for name in self.files)

    def absolute(self, path: LocalPath) -> str:
        return f"/{path}".replace("//", "/")

    def is_special(self, path: LocalPath) -> bool:
        return False

    def follow(self, path: LocalPath) -> str:
        return str(path)

    def open_special(self, path: LocalPath) -> BytesIO:
        raise FileNotFoundError(path)

    def open_new(self, path: LocalPath, like: LocalPath | None = None) -> BytesIO:
        if self.exists(path):
            raise FileExistsError(path)
        self.files[str(path)] = b""
        return MemoryFile(self, str(path))

    def write_at(self, path: LocalPath, offset: int, data: bytes) -> None:
        content = self.files[str(path)].ljust(offset, b"\0")
        self.files[str(path)] = content[:offset] + data + content[offset + len(data) :]

    def move(self, path: LocalPath, target: LocalPath) -> None:
        self.files[str(target)] = self.files.pop(str(path))

    def remove(self, path: LocalPath) -> None:
        self.files.pop(str(path), None)


class MemoryFile(BytesIO):
    """A file of a machine in memory that is open to write.

    Args:
        machine: the machine.
        path: the file's path.
    """

    def __init__(self, machine: MemoryMachine, path: str) -> None:
        super().__init__()
        self._machine, self._path = machine, path

    def close(self) -> None:
        if not self.closed:
            self._machine.files[self._path] = self.getvalue()
        super().close()


def skip(seconds: float) -> None:
    """Do not wait: nothing here takes time."""


class Script:
    """Answers steps one after the other (an exception is raised); the runtime is answered by itself."""

    def __init__(self, *answers: Any, machine: Machine | None = None) -> None:
        self.left = list(answers)
        self.machine = machine or MemoryMachine()
        self.steps: list[Step[Any]] = []
        self._now = 0.0

    def _tick(self) -> float:
        self._now += 1
        return self._now

    def _run_later(self, op: Op[Any]) -> Any:
        return drive(op, self)

    def __call__(self, step: Step[Any]) -> Any:
        if isinstance(step, GetRuntime):
            return Runtime(self._run_later, self.machine, self._tick, skip)
        self.steps.append(step)
        assert self.left, f"no answer is scripted for {step}"
        answer = self.left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return step.parse(answer) if isinstance(answer, Reply) and isinstance(step, Statement) else answer


def play(op: Op[Any], *answers: Any, machine: Machine | None = None) -> tuple[list[Step[Any]], Any]:
    """Send *answers* (an exception is thrown in). The steps but for the runtime, and the result.

    An operation that ends by an exception raises it here; the steps until then are on it as `steps`.
    """
    script = Script(*answers, machine=machine)
    try:
        result = drive(op, script)
    except BaseException as error:
        error.steps = script.steps
        raise
    assert script.left == [], "answers were left over"
    return script.steps, result


class Pieces:
    """A file that is read here, piece by piece; an exception among the pieces is raised."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)

    def next(self) -> Op[bytes | None]:
        yield from ()
        piece = self.pieces.pop(0) if self.pieces else None
        if isinstance(piece, Exception):
            raise piece
        return piece


def rows(*found: dict[str, Any]) -> Any:
    """A reply with these rows."""
    return Reply(found)


def texts(steps: Iterable[Step[Any]]) -> list[str]:
    """Statements as they print."""
    return [str(step) for step in steps]


class Driver:
    """Performs the steps of an operation, where statements are answered by a function and all else happens.

    Args:
        answer: given a statement, its answer: a `Reply`, which is parsed, an exception, which is raised, or a value.
        machine: the machine that operations reach; None for one in memory.
        connection: what `RunSync` gives to its function.
        in_session: whether operations are a part of a session's transaction.

    Attributes:
        log: what was sent, in order: statements as they print, behind `aside: ` on another connection, and `begin`,
            `commit` and `rollback`.
        sent: the data that went with statements.
        limits: the time limits in seconds of the statements that have one.
    """

    def __init__(
        self,
        answer: Callable[[Statement[Any]], Any],
        machine: Machine | None = None,
        connection: Any = None,
        *,
        in_session: bool = False,
    ) -> None:
        self.answer = answer
        self.machine = machine or MemoryMachine()
        self.connection = connection
        self.in_session = in_session
        self.log: list[str] = []
        self.sent: list[bytes] = []
        self.limits: list[float] = []
        self._now = 0.0
        self._is_aside = self._in_transaction = False

    def run(self, op: Op[Any]) -> Any:
        """Run an operation; returns its result."""
        return drive(op, self.perform)

    def perform(self, step: Step[Any]) -> Any:
        """Perform one step; returns its answer."""
        match step:
            case Statement():
                return self._execute(step)
            case SendLocalData():
                self.sent.append(b"".join(map(step.through, step.chunks)) + step.through(None))
                return self._execute(step.statement)
            case Atomic():
                return self._transaction(step.op)
            case OutsideTransaction():
                return self._on_another_connection(step.op)
            case Concurrently():
                return self._one_by_one(step.ops)
            case WithTicker():
                result = self.run(step.op)
                if (event := step.poll(self._tick())) is not None:
                    step.receive(event)
                return result
            case Call():
                return step.call()
            case CallInPieces():
                return [step.call(step.data[at : at + PIECE]) for at in range(0, len(step.data), PIECE)]
            case GetRuntime():
                return Runtime(self.run, self.machine, self._tick, skip, self.in_session)
            case RunSync():
                return step.call(self.connection)
            case _:
                raise NotImplementedError(step)

    def _execute(self, statement: Statement[Any]) -> Any:
        if statement.time_limit is not None:
            self.limits.append(statement.time_limit)
        self.log.append(f"{'aside: ' * self._is_aside}{statement}")
        answer = self.answer(statement)
        if isinstance(answer, BaseException):
            raise answer
        return statement.parse(answer) if isinstance(answer, Reply) else answer

    def _transaction(self, op: Op[Any]) -> Any:
        if self._in_transaction:
            return self.run(op)
        self.log.append("begin")
        self._in_transaction = True
        try:
            result = self.run(op)
        except BaseException:
            self.log.append("rollback")
            raise
        finally:
            self._in_transaction = False
        self.log.append("commit")
        return result

    def _on_another_connection(self, op: Op[Any]) -> Any:
        before = self._is_aside, self._in_transaction
        self._is_aside, self._in_transaction = True, False
        try:
            return self.run(op)
        finally:
            self._is_aside, self._in_transaction = before

    def _one_by_one(self, ops: Iterable[Op[Any]]) -> tuple[Any, ...]:
        left = list(ops)
        try:
            return tuple(self.run(left.pop(0)) for _ in range(len(left)))
        finally:
            for op in left:
                op.close()

    def _tick(self) -> float:
        self._now += 1
        return self._now


class Server:
    """Answers statements by rules: the first one whose text is in the statement gives its next answer, at last its last.

    An answer is a number of affected rows, a list of the reply's rows, an exception, or a function of the statement. A
    statement without a rule affects no row and gives none.

    Args:
        rules: texts, and one answer or a list of them in a tuple.
    """

    def __init__(self, rules: dict[str, Any]) -> None:
        self.rules = {text: list(given) if isinstance(given, tuple) else [given] for text, given in rules.items()}

    def __call__(self, statement: Statement[Any]) -> Any:
        sql = str(statement)
        answers = next((answers for text, answers in self.rules.items() if text in sql), [0])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer) and not isinstance(answer, BaseException):
            answer = answer(statement)
        if isinstance(answer, bool) or not isinstance(answer, int | list):
            return answer
        return Reply(count=answer) if isinstance(answer, int) else Reply(answer)
