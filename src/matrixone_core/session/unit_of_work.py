"""The unit of work of a session: what it keeps until the commit, and what happens then.

The server refuses stage and snapshot statements inside a transaction, and commits them by themselves outside of one
(server-facts 12-14). So a session keeps them, shows them as if they were done, and sends them when it commits: new
stages before COMMIT, as they can be taken back; changes, drops and snapshots after it, as they cannot.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from sqlalchemy.exc import DBAPIError

from matrixone_core import catalog
from matrixone_core.errors import (
    CommitIncomplete,
    CommitUnknown,
    ConnectionLost,
    DatabaseNotFound,
    InvalidArgument,
    LoadPartiallyApplied,
    MatrixOneError,
    NotSupported,
    ServerError,
    SnapshotExists,
    SnapshotNotFound,
    StageExists,
    StageNotFound,
    TableExists,
    TableNotFound,
)
from matrixone_core.fragments import Part
from matrixone_core.messages import quoted
from matrixone_core.names import is_like
from matrixone_core.server_errors import aborted, aborts, commit_not_sent, from_driver, unanswered
from matrixone_core.sql.connections import KillConnection, SelectConnectionId
from matrixone_core.sql.files import (
    CopyFile,
    FileLength,
    IsListed,
    ListFiles,
    ListNamed,
    ReadFile,
    ReadRange,
    RemoveFiles,
    SaveFile,
)
from matrixone_core.sql.load import LoadData, resolved
from matrixone_core.sql.past import CheckForeignKeys, CloneDatabase, CloneTable, Past, Restore, RestorePitr, TablesThen
from matrixone_core.sql.pitr import AlterPitr, CreatePitr, DropPitr, ShowPitr
from matrixone_core.sql.snapshot import CreateSnapshot, DatabaseExists, DropSnapshot, ShowSnapshots, Snapshot
from matrixone_core.sql.stage import AlterStage, CreateStage, DropStage, SelectStages, ShowStages, Stage
from matrixone_core.sql.table import ColumnNames, LoadState, SelectLoadState
from matrixone_core.steps import Aside, Calling, Clock, Command, Op, Runner, Sleep, Statement, Step, interpreted, within

T = TypeVar("T")
BETWEEN_ATTEMPTS = 0.05  # seconds
KILL_SECONDS = 4.0  # for a connection to end
NOBODYS = "__matrixone_python_asks_for_the_right"  # a name that nobody uses, to drop if it exists


@dataclass(frozen=True)
class CommitRows(Command):
    """The session's own COMMIT, among the statements that took effect."""

    def parts(self) -> Iterator[Part]:
        """COMMIT."""
        yield "COMMIT"


@dataclass
class Kept:
    """What a session wants of one stage.

    Args:
        before: the stage as it is committed; None if there is none.
        after: the stage as the session wants it; None if it shall be none.
        replaced: whether it was dropped and created anew in between.
        tolerant: whether somebody else's of this name is as good, when it is created.
    """

    before: Stage | None
    after: Stage | None
    replaced: bool = False
    tolerant: bool = False


class UnitOfWork:
    """What one transaction of a session keeps.

    Attributes:
        lost: why the transaction was rolled back, or None; then nothing but rolling back is left.
        committing: whether the commit has begun.
    """

    def __init__(self) -> None:
        self.lost: MatrixOneError | None = None
        self.committing = False
        self._outcome: bool | None = False  # of COMMIT; None if nobody knows
        self._stages: dict[str, Kept] = {}
        self._snapshots: dict[str, CreateSnapshot] = {}
        self._dropped_snapshots: dict[str, DropSnapshot] = {}
        self._clones: list[CloneDatabase | CloneTable] = []
        self._asked: set[type[Statement[Any]]] = set()
        self._created: list[CreateStage] = []  # for this commit, and not yet for good
        self._doubtful: CreateStage | None = None  # sent, and not answered
        self._creator: int | None = None  # the connection that it was sent on

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return bool(self._creations() or self.pending())

    def __str__(self) -> str:
        if self.lost is not None:
            return "rolled back by the server"
        kept = len(self._creations()) + len(self.pending())
        return f"{kept} change{'' if kept == 1 else 's'} kept for the commit" if kept else "nothing kept"

    # -- while the session is open ------------------------------------------------------------------------------

    def within(self, op: Op[T]) -> Op[T]:
        """An operation as a session has it: what it says to stages and snapshots waits for the commit."""
        try:
            result: T = yield from _before_the_commit(interpreted(op, self._perform))
        except LoadPartiallyApplied as error:
            self.failed(error)
            raise
        return result

    def check(self) -> None:
        """See that the transaction is still there.

        Raises:
            TransactionAborted: it is gone.
        """
        if self.lost is not None:
            raise aborted(self.lost)

    def failed(self, error: MatrixOneError) -> None:
        """Hear of an error in the transaction: some end it (server-facts 15)."""
        if self.lost is None and aborts(error):
            self.lost = error

    def _perform(self, step: Step[Any]) -> Op[Any]:
        match step:
            case CreateStage():
                yield from self._create_stage(step)
            case AlterStage():
                yield from self._alter_stage(step)
            case DropStage():
                yield from self._drop_stage(step)
            case SelectStages() | ShowStages():
                found = yield from step
                return self._shown(found, step.like)
            case CreateSnapshot():
                yield from self._create_snapshot(step)
            case DropSnapshot():
                yield from self._drop_snapshot(step)
            case ShowSnapshots():
                return (yield from self._list_snapshots())
            case ShowPitr():
                return (yield from Aside(iter(step)))
            case Restore() | RestorePitr() | CheckForeignKeys() | CreatePitr() | AlterPitr() | DropPitr():
                raise NotSupported(f"a session cannot undo {step}; use the client for it")
            case CloneDatabase() | CloneTable():
                yield from self._clone(step)
            case TablesThen() if self._takes_snapshot(step.past):
                return ()
            # a kept stage is read as what it will be: the server does not know it yet
            case LoadData():
                return (yield from replace(step, source=resolved(step.source, self._kept_stage)))
            case Runner():
                return self._runner((yield from step))
            case SelectLoadState():
                return (yield from self._load_state(step))
            case SaveFile() | CopyFile() | RemoveFiles():
                raise NotSupported(
                    "files of stages are written and removed at once, and a rollback would not take that back; do it"
                    " outside the session: by the client, before the session or after its commit"
                )
            case ListFiles() | IsListed() | FileLength() | ReadFile() | ListNamed() | ReadRange():
                url = step.folder if isinstance(step, IsListed) else step.url
                if resolved(url, self._kept_stage) != url:
                    raise NotSupported(
                        "files of a stage that the session has created or altered are seen once it commits"
                    )
                return (yield from cast("Statement[Any]", step))
            case _:
                return (yield from within(step, self.within))

    # -- stages -------------------------------------------------------------------------------------------------

    def _stage(self, name: str) -> Op[Stage | None]:
        """The stage as the session sees it; from then on the session remembers how it was committed."""
        if name in self._stages:
            return self._stages[name].after
        return (yield from catalog.find(name))

    def _create_stage(self, step: CreateStage) -> Op[None]:
        yield from self._ask(DropStage(NOBODYS, if_exists=True))
        if (yield from self._stage(step.name)) is not None:
            if step.if_not_exists:
                return
            raise StageExists(f"there is a stage {quoted(step.name)} already")
        wanted = Stage(step.name, step.url, comment=step.comment, credentials=step.credentials)
        kept = self._stages.setdefault(step.name, Kept(None, None))
        kept.after, kept.replaced, kept.tolerant = wanted, kept.before is not None, step.if_not_exists

    def _alter_stage(self, step: AlterStage) -> Op[None]:
        yield from self._ask(DropStage(NOBODYS, if_exists=True))
        found = yield from self._stage(step.name)
        if found is None:
            raise StageNotFound(f"there is no stage {quoted(step.name)}")
        kept = self._stages.setdefault(step.name, Kept(found, found))
        kept.after = replace(
            found,
            url=found.url if step.url is None else step.url,
            credentials=found.credentials if step.credentials is None else step.credentials,
            enabled=found.enabled if step.enable is None else step.enable,
            comment=found.comment if step.comment is None else step.comment,
        )

    def _drop_stage(self, step: DropStage) -> Op[None]:
        yield from self._ask(DropStage(NOBODYS, if_exists=True))
        found = yield from self._stage(step.name)
        if found is None:
            if step.if_exists:
                return
            raise StageNotFound(f"there is no stage {quoted(step.name)}")
        self._stages.setdefault(step.name, Kept(found, None)).after = None

    def _shown(self, found: Sequence[Stage], like: str | None) -> tuple[Stage, ...]:
        """The committed stages with the kept changes laid over them."""
        seen = {stage.name: stage for stage in found}
        for name, kept in self._stages.items():
            seen.pop(name, None)
            if kept.after is not None and (like is None or is_like(name, like)):
                seen[name] = kept.after
        return tuple(seen[name] for name in sorted(seen))

    def _ask(self, question: Statement[None]) -> Op[None]:
        """See that the user may do this: hours later, at the commit, would be late.

        The question is a statement that changes nothing, and that the server refuses to who may not (server-facts 11).
        """
        if type(question) not in self._asked:
            yield from Aside(iter(question))
            self._asked.add(type(question))

    # -- loads --------------------------------------------------------------------------------------------------

    def _runner(self, run: Callable[[Op[Any]], Any]) -> Callable[[Op[Any]], Any]:
        """What carries operations out later, as the session has them."""

        def within_session(op: Op[Any]) -> Any:
            return run(self.within(op))

        return within_session

    def _load_state(self, step: SelectLoadState) -> Op[LoadState]:
        """What is known before a load: a stage as the session has it, and rows that no rollback takes back alone."""
        kept = None if step.stage is None else self._stages.get(step.stage)
        if kept is None or kept.after == kept.before:
            return replace((yield from step), owns_transaction=False)
        found = yield from replace(step, stage=None, offsets=())
        return replace(found, stage=kept.after, owns_transaction=False)

    def _kept_stage(self, name: str) -> Stage | None:
        """A stage that the server does not have as the session sees it, or None."""
        kept = self._stages.get(name)
        if kept is None or kept.after == kept.before:
            return None
        if kept.after is None:
            raise StageNotFound(f"there is no stage {quoted(name)}; this session has dropped it")
        return kept.after

    # -- snapshots ----------------------------------------------------------------------------------------------

    def _list_snapshots(self) -> Op[tuple[Snapshot, ...]]:
        found = yield from Aside(iter(ShowSnapshots()))
        seen = {snapshot.name: snapshot for snapshot in found if snapshot.name not in self._dropped_snapshots}
        for name, kept in self._snapshots.items():
            seen[name] = Snapshot(name, kept.level, None, kept.database, kept.table)
        return tuple(seen[name] for name in sorted(seen))

    def _clone(self, step: CloneDatabase | CloneTable) -> Op[None]:
        """Clone after the commit: without BEGIN the server commits a CLONE alone, and no rollback undoes it."""
        if isinstance(step, CloneDatabase):
            if (yield from DatabaseExists(step.target)):
                raise ServerError(f"database {step.target} already exists", code=1007)
        elif (yield from ColumnNames(step.target)):
            raise TableExists(f"there is a table {quoted('.'.join(step.target))} already")
        elif step.past is None and not (yield from ColumnNames(step.source)):
            raise TableNotFound(f"there is no table {quoted('.'.join(step.source))} to clone")
        self._clones.append(step)

    def _takes_snapshot(self, past: Past | None) -> bool:
        """Whether something reads a snapshot that is taken after the commit."""
        return past is not None and past.snapshot in self._snapshots

    def _create_snapshot(self, step: CreateSnapshot) -> Op[None]:
        yield from self._ask(DropSnapshot(NOBODYS, if_exists=True))
        if any(snapshot.name == step.name for snapshot in (yield from self._list_snapshots())):
            raise SnapshotExists(f"there is a snapshot {quoted(step.name)} already")
        if step.database is not None and not (yield from DatabaseExists(step.database)):
            raise DatabaseNotFound(f"there is no database {quoted(step.database)}")
        where = (step.database or "", step.table or "")
        if step.table is not None and not (yield from ColumnNames(where)):
            raise TableNotFound(f"there is no table {quoted('.'.join(where))}")
        self._snapshots[step.name] = step

    def _drop_snapshot(self, step: DropSnapshot) -> Op[None]:
        yield from self._ask(DropSnapshot(NOBODYS, if_exists=True))
        if self._snapshots.pop(step.name, None):
            return
        if any(snapshot.name == step.name for snapshot in (yield from self._list_snapshots())):
            self._dropped_snapshots[step.name] = replace(step, if_exists=True)
        elif not step.if_exists:
            raise SnapshotNotFound(f"there is no snapshot {quoted(step.name)}")

    # -- when the session commits -------------------------------------------------------------------------------

    def before_commit(self) -> Op[None]:
        """Create the kept stages; if one cannot be, those already created are dropped again.

        Raises:
            TransactionAborted: the transaction is gone; nothing was sent.
            StageExists: somebody else has created one of the name meanwhile.
            MatrixOneError: whatever else the server refuses.
        """
        self.check()
        try:
            for wanted, tolerant in self._creations():
                yield from _before_the_commit(self._create(wanted, tolerant=tolerant))
        except BaseException as error:
            _note(error, (yield from self._undo()))
            raise

    def _create(self, wanted: Stage, *, tolerant: bool) -> Op[None]:
        statement = _creation(wanted)
        try:
            yield from Aside(self._send_creation(statement))
        except MatrixOneError as error:
            if not unanswered(error):
                self._doubtful = None
            if not isinstance(error, ConnectionLost):
                self._creator = None  # the driver has stopped the statement, and goes on using the connection
            if isinstance(error, StageExists) and tolerant:
                return  # somebody else's, and not ours to take back
            raise
        self._doubtful = None
        self._created.append(statement)
        if not wanted.enabled:  # CREATE STAGE ignores ENABLE (server-facts 8)
            yield from Aside(iter(AlterStage(wanted.name, enable=False)))

    def _send_creation(self, statement: CreateStage) -> Op[None]:
        """Create a stage, on a connection that can be ended if it does not answer."""
        self._creator = yield from SelectConnectionId()
        self._doubtful = statement
        yield from statement

    def committed(self) -> None:
        """Note that the server has answered COMMIT with OK."""
        self._outcome = True

    def unknown(self, error: CommitUnknown) -> None:
        """Hear that COMMIT was not answered: nothing is undone, and nothing claimed."""
        self._outcome = None
        error.stages = tuple(statement.name for statement in self._created)
        error.pending = self.pending()

    def after_end(self, run: Callable[[Op[None]], Any]) -> Op[None]:
        """What is left once the transaction is over: what follows a commit, or taking the created stages back.

        Args:
            run: carries an operation out later, for `CommitIncomplete.resume`.

        Raises:
            CommitIncomplete: the rows are committed, but something that follows could not be done.
            MatrixOneError: nothing is committed, but a stage could not be dropped again.
        """
        if self._outcome:
            yield from _carried_out((*self._created, CommitRows()), self.pending(), run)
        elif self._outcome is False:
            _raise_first((yield from self._undo()))

    def pending(self) -> tuple[Statement[None], ...]:
        """What follows a commit, in order."""
        return (*self._changes(), *self._dropped_snapshots.values(), *self._snapshots.values(), *self._clones)

    def _creations(self) -> list[tuple[Stage, bool]]:
        """The stages to create, and whether somebody else's of the name is as good."""
        return [(kept.after, kept.tolerant) for kept in self._stages.values() if kept.before is None and kept.after]

    def _changes(self) -> Iterator[Statement[None]]:
        for name, kept in self._stages.items():
            if kept.before is None:
                continue
            if kept.after is None or kept.replaced:
                yield DropStage(name, if_exists=True)
            if kept.after is not None:
                yield from _renewed(kept.after) if kept.replaced else _altered(kept.before, kept.after)

    def _undo(self) -> Op[list[MatrixOneError]]:
        """Drop what was created for a commit that does not come; what kept stages from being dropped."""
        undone, failures = [*self._created], list[MatrixOneError]()
        if self._doubtful is not None:
            if self._creator is not None:
                yield from _end_connection(self._creator)
            try:
                if (yield from _before_the_commit(self._is_ours(self._doubtful))):
                    undone.append(self._doubtful)
            except MatrixOneError as error:
                failures.append(_left_over(self._doubtful, "may have been created, and must be looked for", error))
        self._created, self._doubtful = [], None
        for statement in reversed(undone):
            try:
                yield from _before_the_commit(iter(Aside(iter(DropStage(statement.name, if_exists=True)))))
            except MatrixOneError as error:
                failures.append(_left_over(statement, "could not be dropped again", error))
        return failures

    def _is_ours(self, statement: CreateStage) -> Op[bool]:
        """Whether a stage whose creation was not answered was created by us."""
        found = yield from Aside(catalog.find(statement.name))
        if found is None or (found.url, found.comment) != (statement.url, statement.comment):
            return False
        return found.credentials is None or found.credentials == statement.credentials


def _before_the_commit(op: Op[T]) -> Op[T]:
    """An operation before the session's COMMIT, or instead of it: that of another connection is not the session's."""
    try:
        return (yield from op)
    except CommitUnknown as error:
        failure = commit_not_sent(error)
    raise failure


def _end_connection(connection_id: int) -> Op[None]:
    """End a connection, and wait until the server has ended it: its statement takes no effect afterwards."""
    began = yield from Clock()
    try:
        while (yield from Clock()) - began < KILL_SECONDS:
            yield from _before_the_commit(iter(Aside(iter(KillConnection(connection_id)))))
            yield from Sleep(BETWEEN_ATTEMPTS)
    except MatrixOneError:
        return  # there is no such connection; if another error came, the caller's next question meets it as well


def _left_over(statement: CreateStage, what: str, error: MatrixOneError) -> MatrixOneError:
    failure = type(error)(
        f"the stage {quoted(statement.name)} {what}: {error}", code=error.code, sqlstate=error.sqlstate
    )
    failure.__cause__ = error
    return failure


def _note(error: BaseException, failures: Sequence[MatrixOneError]) -> None:
    for failure in failures:
        error.add_note(str(failure))


def _raise_first(failures: Sequence[MatrixOneError]) -> None:
    if failures:
        raise failures[0]


def _carried_out(
    committed: tuple[Statement[None], ...], pending: tuple[Statement[None], ...], run: Callable[[Op[None]], Any]
) -> Op[None]:
    """Do what follows a commit."""
    for at, statement in enumerate(pending):
        try:
            yield from Aside(iter(statement))
        except MatrixOneError as error:
            raise _incomplete((*committed, *pending[:at]), pending[at:], error, run) from error
        except BaseException as error:
            error.add_note(f"the rows are committed, but not all that follows: {'; '.join(map(str, pending[at:]))}")
            raise


def _incomplete(
    committed: tuple[Statement[None], ...],
    pending: tuple[Statement[None], ...],
    error: MatrixOneError,
    run: Callable[[Op[None]], Any],
) -> CommitIncomplete:
    doubtful = unanswered(error)
    return CommitIncomplete(
        f"the rows are committed, but not all that follows: {pending[0]} failed: {error}; .resume() tries again",
        committed,
        pending,
        lambda: run(_resumed(committed, pending, run, doubtful=doubtful)),
    )


def _resumed(
    committed: tuple[Statement[None], ...],
    pending: tuple[Statement[None], ...],
    run: Callable[[Op[None]], Any],
    *,
    doubtful: bool,
) -> Op[None]:
    """Go on where it failed; a snapshot whose creation was not answered may have been taken."""
    first = pending[0]
    if doubtful and isinstance(first, CreateSnapshot):
        found = yield from Aside(iter(ShowSnapshots()))
        if any(snapshot.name == first.name for snapshot in found):
            committed, pending = (*committed, first), pending[1:]
    yield from _carried_out(committed, pending, run)


def _creation(stage: Stage) -> CreateStage:
    statement = CreateStage(stage.name, stage.url, comment=stage.comment)
    return statement if stage.credentials is None else replace(statement, credentials=stage.credentials)


def _renewed(stage: Stage) -> Iterator[Statement[None]]:
    yield _creation(stage)
    if not stage.enabled:
        yield AlterStage(stage.name, enable=False)


def _altered(before: Stage, after: Stage) -> Iterator[AlterStage]:
    """The changes that make one of the other, one option a statement (server-facts 6)."""
    if after.url != before.url:
        yield AlterStage(after.name, url=after.url)
    if after.credentials != before.credentials:
        yield AlterStage(after.name, credentials=after.credentials)
    if after.enabled != before.enabled:
        yield AlterStage(after.name, enable=after.enabled)
    if after.comment != before.comment:
        yield AlterStage(after.name, comment=after.comment)


def repeated(work: Callable[[], Any], attempts: int) -> Op[Any]:
    """Call a function that runs a whole session; again, if what went wrong may go right the next time.

    Args:
        work: the function.
        attempts: how often it is called at most.

    Raises:
        InvalidArgument: `attempts` is less than 1.
    """
    if not isinstance(attempts, int) or attempts < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"attempts={quoted(attempts)} must be a number, 1 or more")
    for attempt in range(1, attempts):
        try:
            answer: Any = yield from Calling[Any](work)
        except (MatrixOneError, DBAPIError) as error:
            if not _passes(error):
                raise
        else:
            return answer
        # of two that got in each other's way, one shall be first the next time
        yield from Sleep(BETWEEN_ATTEMPTS * 2**attempt * random.uniform(0.5, 1))  # noqa: S311  # no secret
    last: Any = yield from Calling[Any](work)
    return last


def _passes(error: MatrixOneError | DBAPIError) -> bool:
    return (from_driver(error) if isinstance(error, DBAPIError) else error).retryable
