"""The changes that a session collects until its commit, and what stages and snapshots look like with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from matrixone_core.errors import StageNotFound
from matrixone_core.messages import show
from matrixone_core.names import is_like
from matrixone_core.sql.moment import Past
from matrixone_core.sql.past import CloneDatabase, CloneTable
from matrixone_core.sql.snapshot import CreateSnapshot, DropSnapshot, Snapshot
from matrixone_core.sql.stage import AlterStage, CreateStage, DropStage, Stage
from matrixone_core.steps import Statement


@dataclass
class PendingStageChange:
    """A session's pending change of one stage.

    Args:
        before: the committed stage; None if there is none.
        after: the stage as the session wants it; None if the session drops it.
        replaced: whether the session drops the committed stage and creates another one of the name.
        if_not_exists: whether another user's stage of the name is as good, when the session's is created.
    """

    before: Stage | None
    after: Stage | None
    replaced: bool = False
    if_not_exists: bool = False

    def statements(self, name: str) -> Iterator[Statement[None]]:
        """Return the statements that make the change after the commit; none for a new stage, which precedes it."""
        if self.before is None:
            return
        if self.after is None or self.replaced:
            yield DropStage(name, if_exists=True)
        if self.after is not None:
            yield from _recreate(self.after) if self.replaced else _alter(self.before, self.after)


@dataclass
class PendingChanges:
    """All pending changes of a session.

    Args:
        stages: the changes of stages, by name.
        snapshots: the snapshots to take, by name.
        dropped_snapshots: the snapshots to drop, by name.
        clones: the databases and tables to clone, in order.
    """

    stages: dict[str, PendingStageChange] = field(default_factory=dict[str, PendingStageChange])
    snapshots: dict[str, CreateSnapshot] = field(default_factory=dict[str, CreateSnapshot])
    dropped_snapshots: dict[str, DropSnapshot] = field(default_factory=dict[str, DropSnapshot])
    clones: list[CloneDatabase | CloneTable] = field(default_factory=list[CloneDatabase | CloneTable])

    def __len__(self) -> int:
        return len(self.new_stages()) + len(self.after_commit())

    def new_stages(self) -> list[tuple[Stage, bool]]:
        """The stages to create before COMMIT, each with its `if_not_exists`."""
        changes = self.stages.values()
        return [(change.after, change.if_not_exists) for change in changes if change.before is None and change.after]

    def after_commit(self) -> tuple[Statement[None], ...]:
        """The statements that follow COMMIT, in order."""
        changes = (statement for name, change in self.stages.items() for statement in change.statements(name))
        return (*changes, *self.dropped_snapshots.values(), *self.snapshots.values(), *self.clones)

    @property
    def alters_stages(self) -> bool:
        """Whether a stage that the server has is altered or dropped."""
        return any(change.before is not None for change in self.stages.values())

    def changed_stage(self, name: str) -> Stage | None:
        """Return a stage that the session has created or altered; None if the session has not changed it.

        Raises:
            StageNotFound: the session has dropped it.
        """
        change = self.stages.get(name)
        if change is None or change.after == change.before:
            return None
        if change.after is None:
            raise StageNotFound(f"there is no stage {show(name)}: this session has dropped it")
        return change.after

    def overlay_stages(self, committed: Sequence[Stage], like: str | None) -> tuple[Stage, ...]:
        """Return the stages as the session sees them, by name.

        Args:
            committed: the stages as the server has them.
            like: the pattern that names must match, or None.
        """
        stages = {stage.name: stage for stage in committed}
        for name, change in self.stages.items():
            stages.pop(name, None)
            if change.after is not None and (like is None or is_like(name, like)):
                stages[name] = change.after
        return tuple(stages[name] for name in sorted(stages))

    def overlay_snapshots(self, committed: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
        """Return the snapshots as the session sees them, by name."""
        snapshots = {snapshot.name: snapshot for snapshot in committed if snapshot.name not in self.dropped_snapshots}
        for name, pending in self.snapshots.items():
            snapshots[name] = Snapshot(name, pending.level, None, pending.database, pending.table)
        return tuple(snapshots[name] for name in sorted(snapshots))

    def takes(self, past: Past | None) -> bool:
        """Whether a time is that of a snapshot which is taken after the commit."""
        return past is not None and past.snapshot in self.snapshots


def create_statement(stage: Stage) -> CreateStage:
    """Return the statement that creates a stage."""
    statement = CreateStage(stage.name, stage.url, comment=stage.comment)
    return statement if stage.credentials is None else replace(statement, credentials=stage.credentials)


def _recreate(stage: Stage) -> Iterator[Statement[None]]:
    yield create_statement(stage)
    if not stage.enabled:
        yield AlterStage(stage.name, enable=False)


def _alter(before: Stage, after: Stage) -> Iterator[AlterStage]:
    """Return the statements that change one stage into another, one option each (server-facts 6)."""
    if after.url != before.url:
        yield AlterStage(after.name, url=after.url)
    if after.credentials != before.credentials:
        yield AlterStage(after.name, credentials=after.credentials)
    if after.enabled != before.enabled:
        yield AlterStage(after.name, enable=after.enabled)
    if after.comment != before.comment:
        yield AlterStage(after.name, comment=after.comment)
