"""Operations that bring back what was: checked, as the server answers OK for tables it leaves as they are."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from matrixone_core.errors import (
    InvalidArgument,
    NotSupported,
    RestoreFailed,
    ServerError,
    SnapshotNotFound,
)
from matrixone_core.loading.table import fetch_table
from matrixone_core.messages import show
from matrixone_core.names import check_text, database_name, object_name, snapshot_name, table_name
from matrixone_core.restorable_definitions import check_definitions
from matrixone_core.restorable_names import check_restored_table, tables_to_clone, tables_to_restore
from matrixone_core.row_swap import swap_rows
from matrixone_core.setting_checks import flag
from matrixone_core.sql.moment import Past
from matrixone_core.sql.past import (
    CloneDatabase,
    CloneTable,
    CountRows,
    CurrentDatabase,
    DatabasesThen,
    DeleteRows,
    InsertRowsThen,
    OutsideReferrers,
    Referrers,
    Restore,
    RestorePitr,
    ServerTime,
    TableIds,
    TablesThen,
)
from matrixone_core.sql.snapshot import SelectSnapshotAccount
from matrixone_core.steps import Op, Statement

Names = tuple[str, str]  # a database and a table
ROWS_REMEDY = (
    "restore the database of them all with restore.database(), or the rows of one table with"
    " restore.table(…, replace_rows=True)"
)


@dataclass(frozen=True)
class RestoredTable:
    """What a restore does to one table.

    Args:
        name: `database.table`.
        change: `create` where it is not there now, `drop` where it was not there then, else `restore`.
        rows_now: its rows before the restore; None where it is not there, or was not counted.
        rows_then: its rows as they were; None where it was not there, or was not counted.
    """

    name: str
    change: str
    rows_now: int | None = None
    rows_then: int | None = None


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did, or with `plan=True` what it would do. Its text is a table.

    Args:
        target: what is restored.
        moment: the snapshot's name, or the time in the server's zone.
        tables: its tables, by name; their rows are counted by a plan only.
        executed: whether it was done; False for a plan.
        sql: the statements that did it, or would.
        changed_definitions: the views (`database.view`) and columns (`database.table.column`) whose definitions the
            server changes.
    """

    target: str
    moment: str
    tables: tuple[RestoredTable, ...]
    executed: bool
    sql: tuple[str, ...] = ()
    changed_definitions: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{'restored' if self.executed else 'would restore'} {self.target} as of {self.moment}"
        changed = (f"  the server changes the definition of {name}" for name in self.changed_definitions)
        return "\n".join([head, *(f"  {_line(table)}" for table in self.tables), *changed])


def database(
    name: str,
    snapshot: str | None = None,
    *,
    pitr: str | None = None,
    at: datetime | None = None,
    to: str | None = None,
    plan: bool = False,
    allow_changed_definitions: bool = False,
) -> Op[RestoreReport]:
    """Restore a database: its tables become what they were, later ones are dropped, dropped ones return.

    Args:
        name: the database.
        snapshot: the snapshot of it, or of its account.
        pitr: instead of a snapshot, the point-in-time recovery that covers it; with `at`.
        at: the moment to go back to, a datetime with a time zone.
        to: the name of a new database to restore into by CLONE; the original stays as it is.
        plan: only report what would change; nothing is done.
        allow_changed_definitions: restore also what the server changes: views with backslashes, columns whose DEFAULT
            is a text with quotes or whose comment has backslashes. The report names them.

    Returns:
        What changed, or would.

    Raises:
        InvalidArgument: an argument is not valid, or does not go with another; nothing was sent.
        SnapshotNotFound, PitrNotFound: there is none of this name.
        RestoreFailed: tables of other databases refer to its tables, or the server cannot restore a name in it (`"` in
            a table's or a view's, a backslash in its own) or would change a definition, and nothing was changed; or the
            server answered OK and left tables as they are.
        DatabaseExists: there is a database called `to` already.
        NotSupported: in a session, as it cannot be undone; `to=` and `plan=True` work there. With `to=`, the server
            cannot clone a name in it, or would change a definition.
        ServerError: the snapshot does not hold the database, or the moment is out of range.
        PermissionDenied: the user may not restore.
    """
    allowed = flag(allow_changed_definitions, "allow_changed_definitions") | flag(plan, "plan")
    name, target = database_name(name, "name"), None if to is None else database_name(to, "to")
    past = yield from _resolve_moment(snapshot, pitr, at)
    if target is not None:
        return (yield from _into_database(target, name, past, plan=plan, allowed=allowed))
    step = _make_statement("DATABASE", (name,), past, pitr)
    then = (yield from tables_to_restore((name,), past, step)) if pitr is None or plan else []
    changed = yield from check_definitions((name,), past, step, allowed=allowed)
    if plan:
        report = yield from _plan(name, past, then, (yield from TableIds(name)), step)
    elif outside := (yield from OutsideReferrers(name)):
        raise _make_referred_error(name, outside, step)
    else:
        report = yield from _restore(step, past, name, name)
    return replace(report, changed_definitions=changed)


def table(
    name: str,
    snapshot: str | None = None,
    *,
    pitr: str | None = None,
    at: datetime | None = None,
    to: str | None = None,
    replace_rows: bool = False,
    plan: bool = False,
    allow_changed_definitions: bool = False,
) -> Op[RestoreReport]:
    """Restore a table, and see that the server did it.

    Args:
        name: the table, `table` or `database.table`.
        snapshot: the snapshot of it, of its database or of its account.
        pitr: instead of a snapshot, the point-in-time recovery that covers it; with `at`.
        at: the moment to go back to, a datetime with a time zone.
        to: the name of a new table to restore into by CLONE; the original stays as it is.
        replace_rows: keep the table and replace its rows, in one transaction: for a table that foreign keys refer to,
            which the server leaves as it is. Its columns must have been there then.
        plan: only report what would change; nothing is done.
        allow_changed_definitions: restore also a table that the server changes: a column's DEFAULT is a text with
            quotes, or its comment has backslashes. The report names the columns.

    Returns:
        What changed, or would.

    Raises:
        InvalidArgument: an argument is not valid, or does not go with another; nothing was sent.
        TableNotFound: the table was not there at that moment, or with `replace_rows` is not there now.
        TableExists: there is a table called `to` already.
        SnapshotNotFound, PitrNotFound: there is none of this name.
        RestoreFailed: the server answered OK and did nothing, since foreign keys refer to the table; or the name of the
            table has `"` in it, or that of its database a backslash, which the server cannot restore, or it would
            change a definition, and nothing was changed; or the rows of `replace_rows` would leave rows that refer to
            none, and nothing was changed.
        NotSupported: in a session, as it cannot be undone; `to=` and `plan=True` work there, and `replace_rows=True`
            for a table without foreign keys. With `to=`, the server would change a definition.
        PermissionDenied: the user may not restore.
    """
    allowed = flag(allow_changed_definitions, "allow_changed_definitions") | flag(plan, "plan")
    if flag(replace_rows, "replace_rows") and to is not None:
        raise InvalidArgument("to= and replace_rows=True cannot be used together")
    parts, target = table_name(name), None if to is None else table_name(to)
    past = yield from _resolve_moment(snapshot, pitr, at)
    names = yield from _with_database(parts)
    if target is not None:
        return (yield from _into_table((yield from _with_database(target)), names, past, plan=plan, allowed=allowed))
    if replace_rows:
        return (yield from _replace_rows(names, past, plan=plan))
    step = _make_statement("TABLE", names, past, pitr)
    check_restored_table(names, step)
    changed = yield from check_definitions(names[:1], past, step, allowed=allowed, table=names[1])
    if plan:
        then = [names] if (yield from TablesThen(names[0], past)).get(names[1]) is False else []
        now = (names,) if names in (yield from TableIds(names[0])) else ()
        report = yield from _plan(".".join(names), past, then, now, step)
    else:
        report = yield from _restore(step, past, names[0], ".".join(names), only=names)
    return replace(report, changed_definitions=changed)


def account(snapshot: str, *, plan: bool = False, allow_changed_definitions: bool = False) -> Op[RestoreReport]:
    """Restore the user's account: all its databases become what they were, later ones are dropped.

    Args:
        snapshot: a snapshot of the account.
        plan: only report what would change; nothing is done.
        allow_changed_definitions: restore also what the server changes: views with backslashes, columns whose DEFAULT
            is a text with quotes or whose comment has backslashes. The report names them.

    Returns:
        What changed, or would.

    Raises:
        InvalidArgument: the name is not valid, or the snapshot is not one of an account.
        SnapshotNotFound: there is none of this name.
        RestoreFailed: the server answered OK and left tables as they are; or it cannot restore a name or would change a
            definition, as for a database, and nothing was changed.
        NotSupported: in a session, as it cannot be undone; `plan=True` works there.
        PermissionDenied: only an account's administrators may restore it.
    """
    allowed = flag(allow_changed_definitions, "allow_changed_definitions") | flag(plan, "plan")
    past = Past(snapshot_name(snapshot))
    owner = yield from SelectSnapshotAccount(past.snapshot)
    if owner is None:
        raise SnapshotNotFound(f"there is no snapshot {show(snapshot)}")
    if not owner:
        raise InvalidArgument(f"the snapshot {show(snapshot)} is not one of an account")
    step = Restore("ACCOUNT", (owner,), past.snapshot)
    databases = yield from DatabasesThen(past)
    then = yield from tables_to_restore(databases, past, step)
    changed = yield from check_definitions(databases, past, step, allowed=allowed)
    if plan:
        report = yield from _plan(owner, past, then, (yield from TableIds(None)), step)
    else:
        report = yield from _restore(step, past, None, owner)
    return replace(report, changed_definitions=changed)


def restore_database(
    snapshot_name: str, account_name: str, database_name: str, to_account: str | None = None
) -> Op[bool]:
    """Restore a database: the existing SDK's name of `restore.database`.

    Args:
        snapshot_name: the snapshot.
        account_name: the account; the user's own is restored.
        database_name: the database.
        to_account: None; another account cannot be restored into.

    Raises:
        MatrixOneError: as `restore.database` does.
    """
    _only_own_account(account_name, to_account)
    return (yield from database(database_name, snapshot_name)).executed


def restore_table(
    snapshot_name: str, account_name: str, database_name: str, table_name: str, to_account: str | None = None
) -> Op[bool]:
    """Restore a table: the existing SDK's name of `restore.table`.

    Args:
        snapshot_name: the snapshot.
        account_name: the account; the user's own is restored.
        database_name: the table's database.
        table_name: the table.
        to_account: None; another account cannot be restored into.

    Raises:
        MatrixOneError: as `restore.table` does.
    """
    _only_own_account(account_name, to_account)
    names = check_text(database_name, "database_name"), check_text(table_name, "table_name")
    return (yield from table(".".join(names), snapshot_name)).executed


def restore_tenant(snapshot_name: str, account_name: str, to_account: str | None = None) -> Op[bool]:
    """Restore the account: the existing SDK's name of `restore.account`.

    Args:
        snapshot_name: the snapshot.
        account_name: the account; the user's own is restored.
        to_account: None; another account cannot be restored into.

    Raises:
        MatrixOneError: as `restore.account` does.
    """
    _only_own_account(account_name, to_account)
    return (yield from account(snapshot_name)).executed


def _only_own_account(account_name: str, to_account: str | None) -> None:
    _ = check_text(account_name, "account_name")
    if to_account is not None:
        raise NotSupported("to_account= must be None: a snapshot is restored into the user's own account")


def _resolve_moment(snapshot: str | None, pitr: str | None, at: datetime | None) -> Op[Past]:
    """The moment that the arguments mean."""
    if (snapshot is None) == (pitr is None):
        raise InvalidArgument("a restore needs either snapshot= or pitr= with at=")
    if (pitr is None) != (at is None):
        raise InvalidArgument("pitr= and at= are used together")
    if snapshot is not None:
        return Past(snapshot_name(snapshot))
    if pitr is None or not isinstance(at, datetime) or at.tzinfo is None:
        raise InvalidArgument(f"at={show(at)} must be a datetime with a time zone")
    object_name(pitr, "PITR")
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = f"{since.days * 86_400 + since.seconds}.{since.microseconds:06}"
    utc = at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return Past(time=utc, local=(yield from ServerTime(seconds)))


def _with_database(parts: tuple[str, ...]) -> Op[Names]:
    if len(parts) == 2:
        return parts[0].lower(), parts[1].lower()
    current = yield from CurrentDatabase()
    if current is None:
        raise InvalidArgument(f"the table {show(parts[0])} needs its database: 'database.{parts[0]}'")
    return current, parts[0].lower()


def _make_statement(level: str, names: tuple[str, ...], past: Past, pitr: str | None) -> Restore | RestorePitr:
    return Restore(level, names, past.snapshot) if pitr is None else RestorePitr(names, pitr, past.local)


def _plan(
    target: str, past: Past, then: Iterable[Names], now: Iterable[Names], step: Restore | RestorePitr
) -> Op[RestoreReport]:
    """What a restore would change, with the rows of each table."""
    was, is_there = set(then), set(now)
    tables: list[RestoredTable] = []
    for names in sorted(was | is_there):
        rows_now = (yield from CountRows(names)) if names in is_there else None
        rows_then = (yield from CountRows(names, past)) if names in was else None
        tables.append(RestoredTable(".".join(names), _change(names, is_there, was), rows_now, rows_then))
    return _report(target, past, tables, step, executed=False)


def _report(
    target: str, past: Past, tables: Iterable[RestoredTable], *steps: Statement[None], executed: bool
) -> RestoreReport:
    return RestoreReport(target, str(past), tuple(tables), executed, tuple(map(str, steps)))


def _change(names: Names, before: Container[Names], after: Container[Names]) -> str:
    if names not in before:
        return "create"
    return "restore" if names in after else "drop"


def _into_database(target: str, source: str, past: Past, *, plan: bool, allowed: bool) -> Op[RestoreReport]:
    """Clone a database as it was; the server would clone one that was not there as an empty one."""
    step = CloneDatabase(target, source, past)
    names = yield from tables_to_clone(target, source, past)
    changed = yield from check_definitions((source,), past, step, allowed=allowed)
    tables: list[RestoredTable] = []
    for table in names:
        rows = (yield from CountRows((source, table), past)) if plan else None
        tables.append(RestoredTable(f"{target}.{table}", "create", None, rows))
    if not plan:
        yield from step
    return replace(_report(target, past, tables, step, executed=not plan), changed_definitions=changed)


def _into_table(target: tuple[str, ...], source: Names, past: Past, *, plan: bool, allowed: bool) -> Op[RestoreReport]:
    step = CloneTable(target, source, past)
    changed = yield from check_definitions(source[:1], past, step, allowed=allowed, table=source[1])
    rows = (yield from CountRows(source, past)) if plan else None
    if not plan:
        yield from step
    name = ".".join(target)
    report = _report(name, past, [RestoredTable(name, "create", None, rows)], step, executed=not plan)
    return replace(report, changed_definitions=changed)


def _restore(
    step: Restore | RestorePitr, past: Past, scope: str | None, target: str, *, only: Names | None = None
) -> Op[RestoreReport]:
    """Send a restore, and see by the tables' numbers that each of them was replaced.

    Args:
        step: the statement.
        past: the moment.
        scope: the database that it restores, or None for all.
        target: what it restores, for the report.
        only: the table that it restores, or None for all.
    """
    before = yield from TableIds(scope)
    try:
        yield from step
    except ServerError as error:
        if isinstance(step, RestorePitr) and "syntax error" in error.message:
            yield from tables_to_restore((step.names[0],), past, step)
        raise
    after = yield from TableIds(scope)
    names = sorted(before.keys() | after.keys()) if only is None else [only]
    same = [table for table in names if table in before and before[table] == after.get(table)]
    if same:
        raise (yield from _not_done(step, same))
    tables = [RestoredTable(".".join(table), _change(table, before, after)) for table in names]
    return _report(target, past, tables, step, executed=True)


def _make_referred_error(
    database: str, referrers: tuple[tuple[str, str, str], ...], step: Restore | RestorePitr
) -> RestoreFailed:
    """The error for a database that the server would restore in part, or leave between then and now."""
    pairs = ", ".join(f"{found_in}.{table} to {database}.{parent}" for found_in, table, parent in referrers)
    error = RestoreFailed(
        f"foreign keys of other databases refer to tables of {database}, which the server then restores in part:"
        f" {pairs}. Nothing was sent. Drop these keys first, or restore into another name with to=",
        statement=str(step),
    )
    error.tables = tuple(sorted({f"{database}.{parent}" for _, _, parent in referrers}))
    return error


def _not_done(step: Restore | RestorePitr, tables: list[Names]) -> Op[RestoreFailed]:
    words: list[str] = []
    for names in sorted(tables):
        referrers = ", ".join(map(".".join, (yield from Referrers(names)))) or "none"
        words.append(f"{'.'.join(names)} (foreign keys that refer to it: {referrers})")
    error = RestoreFailed(
        f"the server answered OK and left these tables as they are: {'; '.join(words)}; {ROWS_REMEDY}",
        statement=str(step),
    )
    error.tables = tuple(map(".".join, sorted(tables)))
    return error


def _replace_rows(names: Names, past: Past, *, plan: bool) -> Op[RestoreReport]:
    columns = (yield from fetch_table(names)).settable
    steps = DeleteRows(names, columns[0]), InsertRowsThen(names, columns, past)
    name = ".".join(names)
    if plan:
        counted = RestoredTable(name, "restore", (yield from CountRows(names)), (yield from CountRows(names, past)))
        return _report(name, past, [counted], *steps, executed=False)
    yield from swap_rows(names, *steps)
    return _report(name, past, [RestoredTable(name, "restore")], *steps, executed=True)


def _line(table: RestoredTable) -> str:
    rows = " -> ".join("-" if count is None else f"{count:,}" for count in (table.rows_now, table.rows_then))
    return f"{table.change} {table.name}" + ("" if rows == "- -> -" else f" ({rows} rows)")
