"""Operations on snapshots."""

from matrixone_core.errors import InvalidArgument, SnapshotNotFound
from matrixone_core.messages import quoted
from matrixone_core.names import snapshot_name
from matrixone_core.sql.snapshot import CreateSnapshot, DropSnapshot, ShowSnapshots, Snapshot, SnapshotLevel
from matrixone_core.steps import Op


def create(name: str, level: SnapshotLevel, database: str | None = None, table: str | None = None) -> Op[Snapshot]:
    """Take a snapshot of what is committed now.

    Args:
        name: 1 to 64 letters, digits and `_ - . $`; the server keeps it in lower case.
        level: what it shall hold; a `SnapshotLevel` or its value, such as `'database'`.
        database: the database, for the levels DATABASE and TABLE.
        table: the table, for the level TABLE.

    Returns:
        The snapshot as the server has it.

    Raises:
        InvalidArgument: an argument cannot be, or does not go with the level; nothing was sent.
        SnapshotExists: there is one of this name.
        DatabaseNotFound, TableNotFound: there is none.
        PermissionDenied: only an account's administrators may take snapshots.
    """
    level = _level(level)
    _fits(level, database, table)
    statement = CreateSnapshot(snapshot_name(name), level, database, table)
    yield from statement
    for snapshot in (yield from list_()):
        if snapshot.name == statement.name:
            return snapshot
    raise SnapshotNotFound(
        f"the snapshot {quoted(statement.name)} was dropped by somebody else as soon as it was taken"
    )


def list_() -> Op[tuple[Snapshot, ...]]:
    """The account's snapshots, by name."""
    return (yield from ShowSnapshots())


def drop(name: str, *, if_exists: bool = False) -> Op[None]:
    """Drop a snapshot.

    Args:
        name: the snapshot's name.
        if_exists: do nothing, instead of an error, where there is none.

    Raises:
        SnapshotNotFound: there is none of this name.
        PermissionDenied: only an account's administrators may drop snapshots.
    """
    yield from DropSnapshot(snapshot_name(name), if_exists)


def _level(level: SnapshotLevel | str) -> SnapshotLevel:
    try:
        return SnapshotLevel(level.lower())
    except (ValueError, AttributeError):
        known = ", ".join(SnapshotLevel)
        raise InvalidArgument(f"level={quoted(level)} must be a SnapshotLevel: {known}") from None


def _fits(level: SnapshotLevel, database: str | None, table: str | None) -> None:
    wanted = {SnapshotLevel.DATABASE: ("database",), SnapshotLevel.TABLE: ("database", "table")}.get(level, ())
    for what, given in (("database", database), ("table", table)):
        if what in wanted and not given:
            raise InvalidArgument(f"a snapshot of a {level.value} needs {what}=")
        if what not in wanted and given is not None:
            raise InvalidArgument(f"a snapshot of the level {level.value} takes no {what}=")
