"""Operations on snapshots."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from matrixone_core.errors import InvalidArgument, SnapshotNotFound
from matrixone_core.html import Listing
from matrixone_core.messages import show
from matrixone_core.names import check_optional_text, check_recorded, check_text, is_like, snapshot_name
from matrixone_core.setting_checks import flag, whole_number
from matrixone_core.sql.pitr import Pitr
from matrixone_core.sql.snapshot import (
    CreateSnapshot,
    DropSnapshot,
    ServerClock,
    ShowSnapshots,
    Snapshot,
    SnapshotLevel,
)
from matrixone_core.steps import Op

LONGEST_AGO = timedelta(days=365_000)


def create(
    name: str, level: SnapshotLevel | str | None = None, database: str | None = None, table: str | None = None
) -> Op[Snapshot]:
    """Take a snapshot of the committed data of a table, a database or the account.

    Args:
        name: name of the snapshot: 1 to 64 letters, digits and `_ - . $`. The server stores it in lower case.
        level: what the snapshot holds: a `SnapshotLevel` or its value, such as `'database'`. By default `table` if
            `table` is given, `database` if only `database` is given, and otherwise `account`.
        database: name of the database, for the levels DATABASE and TABLE.
        table: name of the table, for the level TABLE.

    Returns:
        The snapshot as the server stored it.

    Raises:
        InvalidArgument: an argument is not valid or does not match the level, or the server cannot record the name (a
            name with `'` or a backslash, a table's name with a dot); nothing was sent.
        SnapshotExists: a snapshot of this name already exists.
        DatabaseNotFound, TableNotFound: the database or the table does not exist.
        PermissionDenied: the user is not an administrator of the account; only they may take snapshots.
    """
    level = _infer_level(database, table) if level is None else _level(level)
    _fits(level, check_optional_text(database, "database"), check_optional_text(table, "table"))
    _check_recorded(database, table)
    statement = CreateSnapshot(snapshot_name(name), level, database, table)
    yield from statement
    taken = yield from _find(statement.name)
    if taken is None:
        raise SnapshotNotFound(
            f"another connection dropped the snapshot {show(statement.name)} as soon as it was taken",
            remedy="take it again",
        )
    return taken


def list_(
    like: str | None = None,
    *,
    level: SnapshotLevel | str | None = None,
    database: str | None = None,
    table: str | None = None,
) -> Op[tuple[Snapshot, ...]]:
    """List the snapshots of the account, ordered by name.

    Args:
        like: SQL LIKE pattern that the names must match, such as `'daily%'`. None lists all.
        level: list only snapshots of this level.
        database: list only snapshots of this database or of its tables.
        table: list only snapshots of tables of this name.

    Returns:
        The snapshots.

    Raises:
        InvalidArgument: there is no such level, or an argument is not a text.
    """
    selection = select(like, level, database, table)
    return Listing(filter(selection.has, (yield from ShowSnapshots())))


@dataclass(frozen=True)
class Selection:
    """A filter of snapshots or point-in-time recoveries. None allows all.

    Args:
        like: a pattern of SQL's LIKE for names, in lower case.
        level: the level.
        database: the database, in lower case.
        table: the table, in lower case.
    """

    like: str | None
    level: SnapshotLevel | None
    database: str | None
    table: str | None

    def has(self, each: Snapshot | Pitr) -> bool:
        """Return whether a snapshot or a point-in-time recovery passes the filter."""
        return (
            (self.like is None or is_like(each.name, self.like))
            and self.level in {None, each.level}
            and self.database in {None, each.database}
            and self.table in {None, each.table}
        )


def select(like: str | None, level: SnapshotLevel | str | None, database: str | None, table: str | None) -> Selection:
    """Check the arguments of `list_`.

    Raises:
        InvalidArgument: there is no such level, or an argument is not a text.
    """
    return Selection(
        _lower(like, "like"),
        None if level is None else _level(level),
        _lower(database, "database"),
        _lower(table, "table"),
    )


def _lower(value: str | None, what: str) -> str | None:
    return None if value is None else check_text(value, what).lower()


def get(name: str) -> Op[Snapshot]:
    """Return a snapshot by its name.

    Args:
        name: name of the snapshot.

    Raises:
        SnapshotNotFound: there is no snapshot of this name.
    """
    snapshot = yield from _find(snapshot_name(name))
    if snapshot is None:
        raise SnapshotNotFound(f"there is no snapshot {show(name)}")
    return snapshot


def exists(name: str) -> Op[bool]:
    """Return whether a snapshot exists.

    Args:
        name: name of the snapshot.
    """
    return (yield from _find(snapshot_name(name))) is not None


def prune(
    prefix: str, *, keep_last: int | None = None, older_than: timedelta | datetime | None = None
) -> Op[tuple[Snapshot, ...]]:
    """Drop old snapshots whose names have a common prefix.

    Give `keep_last`, `older_than`, or both; with both, only snapshots that both allow are dropped.

    Args:
        prefix: prefix of the names, such as `daily_`; must not be empty.
        keep_last: number of the newest snapshots to keep.
        older_than: drop only snapshots that were taken before this moment (a datetime with a time zone), or more than
            this timedelta ago by the server's clock.

    Returns:
        The dropped snapshots, oldest first.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        PermissionDenied: the user is not an administrator of the account; only they may drop snapshots.
    """
    prefix = snapshot_name(prefix)
    if keep_last is None and older_than is None:
        raise InvalidArgument("prune needs keep_last=, older_than=, or both")
    if keep_last is not None:
        whole_number(keep_last, "keep_last", "snapshots")
    if not isinstance(older_than, datetime | timedelta | None):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"older_than={show(older_than)} must be a timedelta, or a datetime with a time zone")
    if isinstance(older_than, datetime) and older_than.tzinfo is None:
        raise InvalidArgument(f"older_than={show(older_than)} must have a time zone")
    if isinstance(older_than, timedelta):
        if not timedelta(0) <= older_than <= LONGEST_AGO:
            raise InvalidArgument(f"older_than={show(older_than)} must be from 0 to {LONGEST_AGO.days:,} days")
        older_than = (yield from ServerClock()) - older_than
    found = [snapshot for snapshot in (yield from list_()) if snapshot.name.startswith(prefix)]
    found.sort(key=lambda snapshot: (_time_of(snapshot), snapshot.name))
    old = found if keep_last is None else found[: max(0, len(found) - keep_last)]
    dropped = tuple(snapshot for snapshot in old if older_than is None or _time_of(snapshot) < older_than)
    for snapshot in dropped:
        yield from DropSnapshot(snapshot.name, if_exists=True)
    return dropped


def delete(name: str) -> Op[None]:
    """Drop a snapshot: the existing SDK's name of `snapshots.drop`.

    Args:
        name: name of the snapshot.

    Raises:
        MatrixOneError: as for `snapshots.drop`.
    """
    yield from drop(name)


def _find(name: str) -> Op[Snapshot | None]:
    """The snapshot of a name in lower case, or None."""
    return next((snapshot for snapshot in (yield from ShowSnapshots()) if snapshot.name == name), None)


def _time_of(snapshot: Snapshot) -> datetime:
    """Return when a snapshot was taken; one that a session takes after its commit is the newest."""
    return snapshot.created_time or datetime.max.replace(tzinfo=UTC)


def _infer_level(database: str | None, table: str | None) -> SnapshotLevel:
    if table is not None:
        return SnapshotLevel.TABLE
    return SnapshotLevel.ACCOUNT if database is None else SnapshotLevel.DATABASE


def drop(name: str, *, if_exists: bool = False) -> Op[None]:
    """Drop a snapshot.

    Args:
        name: name of the snapshot.
        if_exists: do nothing if the snapshot does not exist, instead of raising an error.

    Raises:
        SnapshotNotFound: there is no snapshot of this name.
        PermissionDenied: the user is not an administrator of the account; only they may drop snapshots.
    """
    yield from DropSnapshot(snapshot_name(name), flag(if_exists, "if_exists"))


def _level(level: SnapshotLevel | str) -> SnapshotLevel:
    try:
        return SnapshotLevel(level.lower())
    except (ValueError, AttributeError):
        known = ", ".join(SnapshotLevel)
        raise InvalidArgument(f"level={show(level)} must be a SnapshotLevel: {known}") from None


def _check_recorded(database: str | None, table: str | None) -> None:
    """Check that the server records the names of a snapshot's database and table correctly.

    Raises:
        InvalidArgument: the server would record another name.
    """
    if database is not None:
        also, instead = ("", "the account") if table is None else (".", "the database")
        check_recorded(database, "database", f"take a snapshot of {instead}", also)
    if table is not None:
        check_recorded(table, "table", "take a snapshot of the database", ".")


def _fits(level: SnapshotLevel, database: str | None, table: str | None) -> None:
    wanted = {SnapshotLevel.DATABASE: ("database",), SnapshotLevel.TABLE: ("database", "table")}.get(level, ())
    for what, given in (("database", database), ("table", table)):
        if what in wanted and not given:
            raise InvalidArgument(f"a snapshot of a {level.value} needs {what}=")
        if what not in wanted and given is not None:
            raise InvalidArgument(f"a snapshot of the level {level.value} takes no {what}=")
