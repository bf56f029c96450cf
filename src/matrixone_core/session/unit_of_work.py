"""The unit of work of a session: the changes that it collects until the commit, and what it sends then.

The server refuses stage and snapshot statements inside a transaction, and commits them by themselves outside of one
(server-facts 12-14). So a session collects them, shows them as if they were done, and sends them when it commits: new
stages before COMMIT, as they can be dropped again; changes, drops and snapshots after it, as they cannot be undone.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from matrixone_core import catalog
from matrixone_core.errors import (
    CommitUnknown,
    DatabaseExists,
    DatabaseNotFound,
    InvalidArgument,
    LoadPartiallyApplied,
    MatrixOneError,
    NotSupported,
    SnapshotExists,
    SnapshotNotFound,
    StageExists,
    StageNotFound,
    TableExists,
    TableNotFound,
)
from matrixone_core.messages import show
from matrixone_core.server_errors import aborts, make_aborted_error
from matrixone_core.session.after_commit import AfterCommit, CommitRows
from matrixone_core.session.pending_changes import PendingChanges, PendingStageChange
from matrixone_core.session.stage_creation import StageCreations, before_commit
from matrixone_core.session.transaction_state import Transaction, TransactionEvent, TransactionState
from matrixone_core.sql.export import Outfile
from matrixone_core.sql.external import CreateExternal
from matrixone_core.sql.files import (
    CopyFile,
    FileLength,
    IsListed,
    ListFiles,
    ListNamed,
    MayContain,
    ReadFile,
    ReadRange,
    RemoveFiles,
    SaveFile,
)
from matrixone_core.sql.load import LoadData, Source, locate
from matrixone_core.sql.past import (
    SKIPS_DATABASE,
    ChangedDefinitions,
    CheckForeignKeys,
    CloneDatabase,
    CloneTable,
    Restore,
    RestorePitr,
    TablesThen,
)
from matrixone_core.sql.pitr import AlterPitr, CreatePitr, DropPitr, ShowPitr
from matrixone_core.sql.snapshot import (
    CreateSnapshot,
    DropSnapshot,
    HasDatabase,
    SelectSnapshotAccount,
    ShowSnapshots,
    Snapshot,
)
from matrixone_core.sql.stage import (
    DEEPEST,
    STAGE_URL,
    AlterStage,
    CreateStage,
    DropStage,
    SelectStages,
    ShowStages,
    Stage,
    split_url,
)
from matrixone_core.sql.table import ColumnNames, LoadState, SelectLoadState
from matrixone_core.steps import GetRuntime, Op, OutsideTransaction, Statement, Step, map_nested_ops, map_steps

T = TypeVar("T")
UNUSED_NAME = "__matrixone_python_asks_for_the_right"  # DROP … IF EXISTS of it changes nothing, and needs the privilege
_AT_COMMIT = (CreateStage, AlterStage, DropStage, CreateSnapshot, DropSnapshot, CloneDatabase, CloneTable)


class UnitOfWork:
    """The changes that one transaction of a session collects, and the transaction's state.

    Attributes:
        transaction: the state; SQLAlchemy's events move it.
        pending: the changes.
        is_joined: whether the transaction is the program's own, so that nothing can be done when it commits.
    """

    def __init__(self) -> None:
        self.is_joined = False
        self.transaction: Transaction = Transaction()
        self.pending: PendingChanges = PendingChanges()
        self._created = StageCreations()
        self._checked_privileges: set[type[Statement[Any]]] = set()

    def __bool__(self) -> bool:
        """Return whether a change is pending."""
        return bool(self.pending)

    def __str__(self) -> str:
        if self.transaction.state is TransactionState.ABORTED:
            return "rolled back by the server"
        if self.transaction.state is TransactionState.OUTCOME_UNKNOWN:
            return "committed or not"
        count = len(self.pending)
        return f"{count} pending change{'' if count == 1 else 's'}" if count else "no pending changes"

    # -- while the session is open ------------------------------------------------------------------------------

    def within(self, op: Op[T]) -> Op[T]:
        """Run an operation as part of the session: its changes of stages and snapshots wait for the commit."""
        try:
            result: T = yield from before_commit(map_steps(op, self._perform))
        except LoadPartiallyApplied as error:
            self.record_error(error)
            raise
        return result

    def check(self) -> None:
        """Check that the transaction can go on.

        Raises:
            TransactionAborted: the server has rolled it back, or its connection broke.
            CommitUnknown: its COMMIT was not answered.
        """
        cause = self.transaction.cause
        if isinstance(cause, CommitUnknown):
            raise cause
        if cause is not None:
            raise make_aborted_error(cause)

    def record_error(self, error: MatrixOneError) -> None:
        """Record an error of the transaction: some end it (server-facts 15)."""
        if aborts(error):
            self.transaction.apply(TransactionEvent.ABORTED, error)

    def _check_allowed(self, step: Step[Any]) -> Op[None]:
        """Check that a step can be a part of the session.

        Raises:
            NotSupported: a rollback could not take it back, or it reads what is there only after the commit.
        """
        match step:
            case _ if self.is_joined and isinstance(step, _AT_COMMIT):
                raise NotSupported(
                    f"{step}: the transaction is your own, and stages, snapshots and clones come when it commits, which"
                    " this session does not see; use the client for them, or a session without bind="
                )
            case Restore() | RestorePitr() | CheckForeignKeys() | CreatePitr() | AlterPitr() | DropPitr():
                raise NotSupported(f"a session cannot undo {step}; use the client for it")
            case SaveFile() | CopyFile() | RemoveFiles() | Outfile():
                raise NotSupported(
                    "files of stages are written and removed at once, and a rollback would not take that back; do it"
                    " outside the session: by the client, before the session or after its commit"
                )
            case ListFiles() | IsListed() | FileLength() | ReadFile() | ListNamed() | ReadRange():
                yield from self._check_seen(step.folder if isinstance(step, IsListed) else step.url)
            case _:
                pass

    def _check_seen(self, url: str) -> Op[None]:
        """Refuse to read files of a stage whose creation or change the server does not know yet."""
        if (yield from self._resolve(url)) == url:
            return
        raise NotSupported("files of a stage that the session has created or altered are seen once it commits")

    def _perform(self, step: Step[Any]) -> Op[Any]:
        yield from self._check_allowed(step)
        match step:
            case CreateStage():
                yield from self._create_stage(step)
            case AlterStage():
                yield from self._alter_stage(step)
            case DropStage():
                yield from self._drop_stage(step)
            case SelectStages() | ShowStages():
                committed = yield from step
                return self.pending.overlay_stages(committed, step.like)
            case CreateSnapshot():
                yield from self._create_snapshot(step)
            case DropSnapshot():
                yield from self._drop_snapshot(step)
            case ShowSnapshots():
                return (yield from self._list_snapshots())
            case ShowPitr() | SelectSnapshotAccount():
                return (yield from OutsideTransaction(iter(step)))
            case CloneDatabase() | CloneTable():
                yield from self._clone(step)
            case TablesThen() if self.pending.takes(step.past):
                return {}
            case ChangedDefinitions() if self.pending.takes(step.past):
                return ()
            # a changed stage is read by its new URL: the server does not know the change yet
            case LoadData():
                return (yield from replace(step, source=(yield from self._resolve(step.source))))
            case CreateExternal():
                return (yield from replace(step, source=(yield from self._resolve(step.source))))
            case MayContain():  # the function does not know the stage
                return (yield from self._resolve(step.url)) != step.url or (yield from step)
            case GetRuntime():
                runtime = yield from step
                return replace(runtime, run=partial(self._run_later, runtime.run), in_session=True)
            case SelectLoadState():
                return (yield from self._load_state(step))
            case _:
                return (yield from map_nested_ops(step, self.within))

    def _resolve(self, source: Source) -> Op[Source]:
        """Replace stages whose creation or change the server does not know yet by their locations.

        Raises:
            InvalidArgument: a stage is inside itself.
        """
        located = found = source
        for _ in range(DEEPEST):
            if not self.pending.stages or not isinstance(found, str) or not found.startswith(STAGE_URL):
                return located
            name, path = split_url(found)
            changed = self.pending.changed_stage(name)
            if changed is not None:
                located = found = locate(changed, path)
                continue
            stage = (yield from catalog.find(name)) if self.pending.alters_stages else None
            if stage is None or not stage.url.startswith(STAGE_URL):
                return located
            found = locate(stage, path)  # the stage that it is in may be an altered one
        raise InvalidArgument(f"{source}: a stage of this session is inside itself; alter its URL")

    # -- stages -------------------------------------------------------------------------------------------------

    def _find_stage(self, name: str) -> Op[Stage | None]:
        """Return the stage as the session sees it."""
        if name in self.pending.stages:
            return self.pending.stages[name].after
        return (yield from catalog.find(name))

    def _create_stage(self, step: CreateStage) -> Op[None]:
        yield from self._check_privilege(DropStage(UNUSED_NAME, if_exists=True))
        if (yield from self._find_stage(step.name)) is not None:
            if step.if_not_exists:
                return
            raise StageExists(f"there is a stage {show(step.name)} already")
        change = self.pending.stages.setdefault(step.name, PendingStageChange(None, None))
        change.after = Stage(step.name, step.url, comment=step.comment, credentials=step.credentials)
        change.replaced, change.if_not_exists = change.before is not None, step.if_not_exists

    def _alter_stage(self, step: AlterStage) -> Op[None]:
        yield from self._check_privilege(DropStage(UNUSED_NAME, if_exists=True))
        found = yield from self._find_stage(step.name)
        if found is None:
            raise StageNotFound(f"there is no stage {show(step.name)}")
        change = self.pending.stages.setdefault(step.name, PendingStageChange(found, found))
        change.after = replace(
            found,
            url=found.url if step.url is None else step.url,
            credentials=found.credentials if step.credentials is None else step.credentials,
            enabled=found.enabled if step.enable is None else step.enable,
            comment=found.comment if step.comment is None else step.comment,
        )

    def _drop_stage(self, step: DropStage) -> Op[None]:
        yield from self._check_privilege(DropStage(UNUSED_NAME, if_exists=True))
        found = yield from self._find_stage(step.name)
        if found is None:
            if step.if_exists:
                return
            raise StageNotFound(f"there is no stage {show(step.name)}")
        self.pending.stages.setdefault(step.name, PendingStageChange(found, None)).after = None

    def _check_privilege(self, probe: Statement[None]) -> Op[None]:
        """Check once that the user has the privilege; the server would refuse only at the commit, hours later.

        Args:
            probe: a statement that changes nothing, and that needs the privilege (server-facts 11).
        """
        if type(probe) not in self._checked_privileges:
            yield from OutsideTransaction(iter(probe))
            self._checked_privileges.add(type(probe))

    # -- loads --------------------------------------------------------------------------------------------------

    def _run_later(self, run: Callable[[Op[Any]], Any], op: Op[Any]) -> Any:
        """Run an operation as part of the session."""
        return run(self.within(op))

    def _load_state(self, step: SelectLoadState) -> Op[LoadState]:
        """Return the state before a load: the session's stage, and rows that cannot be rolled back alone."""
        change = None if step.stage is None else self.pending.stages.get(step.stage)
        if change is None or change.after == change.before:
            return replace((yield from step), owns_transaction=False)
        found = yield from replace(step, stage=None, offsets=())
        return replace(found, stage=change.after, owns_transaction=False, is_located=True)

    # -- snapshots and clones -----------------------------------------------------------------------------------

    def _list_snapshots(self) -> Op[tuple[Snapshot, ...]]:
        committed = yield from OutsideTransaction(iter(ShowSnapshots()))
        return self.pending.overlay_snapshots(committed)

    def _create_snapshot(self, step: CreateSnapshot) -> Op[None]:
        yield from self._check_privilege(DropSnapshot(UNUSED_NAME, if_exists=True))
        if any(snapshot.name == step.name for snapshot in (yield from self._list_snapshots())):
            raise SnapshotExists(f"there is a snapshot {show(step.name)} already")
        if step.database is not None and not (yield from HasDatabase(step.database)):
            raise DatabaseNotFound(f"there is no database {show(step.database)}")
        table = (step.database or "", step.table or "")
        if step.table is not None and not (yield from ColumnNames(table)):
            raise TableNotFound(f"there is no table {show('.'.join(table))}")
        self.pending.snapshots[step.name] = step

    def _drop_snapshot(self, step: DropSnapshot) -> Op[None]:
        yield from self._check_privilege(DropSnapshot(UNUSED_NAME, if_exists=True))
        if self.pending.snapshots.pop(step.name, None):
            return
        if any(snapshot.name == step.name for snapshot in (yield from self._list_snapshots())):
            self.pending.dropped_snapshots[step.name] = replace(step, if_exists=True)
        elif not step.if_exists:
            raise SnapshotNotFound(f"there is no snapshot {show(step.name)}")

    def _clone(self, step: CloneDatabase | CloneTable) -> Op[None]:
        """Clone after the commit: without BEGIN the server commits a CLONE alone, and no rollback undoes it."""
        if isinstance(step, CloneDatabase):
            if (yield from HasDatabase(step.target)):
                raise DatabaseExists(f"there is a database {show(step.target)} already", remedy=SKIPS_DATABASE)
        elif (yield from ColumnNames(step.target)):
            raise TableExists(f"there is a table {show('.'.join(step.target))} already")
        elif step.past is None and not (yield from ColumnNames(step.source)):
            raise TableNotFound(f"there is no table {show('.'.join(step.source))} to clone")
        self.pending.clones.append(step)

    # -- when the session ends ----------------------------------------------------------------------------------

    def create_stages(self) -> Op[None]:
        """Create the new stages, before COMMIT; if one cannot be created, those before it are dropped again.

        Raises:
            TransactionAborted: the transaction is over; nothing was sent.
            StageExists: another user has created one of the name meanwhile.
            MatrixOneError: the server refused another statement.
        """
        self.check()
        yield from self._created.create(self.pending.new_stages())

    def record_unanswered_commit(self, error: CommitUnknown) -> None:
        """Record that COMMIT was not answered; nothing is undone then, and nothing sent.

        Args:
            error: the error, which is given the names of the created stages and the pending statements.
        """
        self.transaction.apply(TransactionEvent.COMMIT_UNANSWERED, error)
        error.stages = tuple(statement.name for statement in self._created.statements)
        error.pending = self.pending.after_commit()

    def after_end(self, run: Callable[[Op[None]], Any]) -> Op[None]:
        """Run what follows the end of the transaction: the statements after a commit, or the drops of created stages.

        Args:
            run: runs an operation later, for `CommitIncomplete.resume`.

        Raises:
            CommitIncomplete: the rows are committed, but a statement that follows failed.
            MatrixOneError: nothing is committed, but a stage could not be dropped again.
        """
        self.transaction.apply(TransactionEvent.ENDED)
        if self.transaction.state is TransactionState.COMMITTED:
            committed = (*self._created.statements, CommitRows())
            yield from AfterCommit(committed, self.pending.after_commit(), run).execute()
        elif self.transaction.state is TransactionState.ROLLED_BACK:
            for failure in (yield from self._created.undo()):
                raise failure
