"""Operations that clone databases and tables: copies that share their rows with the original until one changes."""

from matrixone_core.errors import DatabaseExists, DatabaseNotFound
from matrixone_core.messages import show
from matrixone_core.names import database_name, snapshot_name, table_name
from matrixone_core.restorable_definitions import check_definitions
from matrixone_core.restorable_names import tables_to_clone
from matrixone_core.setting_checks import flag
from matrixone_core.sql.moment import Past
from matrixone_core.sql.past import SKIPS_DATABASE, CloneDatabase, CloneTable
from matrixone_core.sql.snapshot import HasDatabase
from matrixone_core.sql.table import ColumnNames
from matrixone_core.steps import Op


def database(
    target: str,
    source: str,
    *,
    snapshot: str | None = None,
    if_not_exists: bool = False,
    allow_changed_definitions: bool = False,
) -> Op[None]:
    """Clone a database.

    A session checks the names at once and clones after its commit, so that a rollback leaves no clone.

    Args:
        target: name of the new database.
        source: name of the database to clone.
        snapshot: name of a snapshot of the database or its account to clone from. None clones the current data.
        if_not_exists: do nothing if the target exists, instead of raising an error.
        allow_changed_definitions: clone also what the server changes: views with backslashes, columns whose DEFAULT
            is a text with quotes or whose comment has backslashes.

    Raises:
        InvalidArgument: a name is not valid; nothing was sent.
        DatabaseNotFound: the source does not exist. (The server itself would create an empty database.)
        SnapshotNotFound: the snapshot does not exist.
        DatabaseExists: the target exists.
        NotSupported: the server cannot clone a name: a database's with a backslash, or a table's or view's with `"`;
            or it would change a definition. Nothing was changed.
        PermissionDenied: the user may not create databases.
    """
    flag(if_not_exists, "if_not_exists")
    allowed = flag(allow_changed_definitions, "allow_changed_definitions")
    target, source, past = database_name(target, "target"), database_name(source, "source"), as_of(snapshot)
    if if_not_exists and (yield from HasDatabase(target)):  # the server ignores IF NOT EXISTS here
        return
    if past is None and not (yield from HasDatabase(source)):
        raise DatabaseNotFound(f"there is no database {show(source)} to clone")
    step = CloneDatabase(target, source, past)
    yield from tables_to_clone(target, source, past)
    yield from check_definitions((source,), past, step, allowed=allowed)
    try:
        yield from step
    except DatabaseExists as error:
        raise error.with_remedy(SKIPS_DATABASE) from error.__cause__


def table(
    target: str,
    source: str,
    *,
    snapshot: str | None = None,
    if_not_exists: bool = False,
    allow_changed_definitions: bool = False,
) -> Op[None]:
    """Clone a table.

    A session checks the names at once and clones after its commit, so that a rollback leaves no clone.

    Args:
        target: name of the new table: `table` or `database.table`.
        source: name of the table to clone: `table` or `database.table`.
        snapshot: name of the snapshot to clone from. None clones the current data.
        if_not_exists: do nothing if the target exists, instead of raising an error.
        allow_changed_definitions: clone also a table that the server changes: a column's DEFAULT is a text with quotes,
            or its comment has backslashes.

    Raises:
        InvalidArgument: a name is not valid; nothing was sent.
        NotSupported: the server would change a definition; nothing was changed.
        TableNotFound, DatabaseNotFound: the source, or the database of the target, does not exist.
        SnapshotNotFound: the snapshot does not exist.
        TableExists: the target exists.
        PermissionDenied: the user may not create tables.
    """
    flag(if_not_exists, "if_not_exists")
    allowed = flag(allow_changed_definitions, "allow_changed_definitions")
    names = table_name(target), table_name(source)
    past = as_of(snapshot)
    if if_not_exists and (yield from ColumnNames(names[0])):
        return
    step = CloneTable(*names, past)
    *database, name = map(str.lower, names[1])
    yield from check_definitions(database or (None,), past, step, allowed=allowed, table=name)
    yield from step


def clone_database(
    target_db: str, source_db: str, snapshot_name: str | None = None, if_not_exists: bool = False
) -> Op[None]:
    """Clone a database: the existing SDK's name of `clone.database`.

    Args:
        target_db: name of the new database.
        source_db: name of the database to clone.
        snapshot_name: name of the snapshot to clone from. None clones the current data.
        if_not_exists: do nothing if the target exists, instead of raising an error.

    Raises:
        MatrixOneError: as for `clone.database`.
    """
    yield from database(target_db, source_db, snapshot=snapshot_name, if_not_exists=if_not_exists)


def clone_table(
    target_table: str, source_table: str, snapshot_name: str | None = None, if_not_exists: bool = False
) -> Op[None]:
    """Clone a table: the existing SDK's name of `clone.table`.

    Args:
        target_table: name of the new table.
        source_table: name of the table to clone.
        snapshot_name: name of the snapshot to clone from. None clones the current data.
        if_not_exists: do nothing if the target exists, instead of raising an error.

    Raises:
        MatrixOneError: as for `clone.table`.
    """
    yield from table(target_table, source_table, snapshot=snapshot_name, if_not_exists=if_not_exists)


def as_of(snapshot: str | None) -> Past | None:
    """Return the moment of a snapshot; None for no snapshot.

    Raises:
        InvalidArgument: the name is not valid.
    """
    return None if snapshot is None else Past(snapshot_name(snapshot))
