"""Operations that clone databases and tables: copies that share their rows with the original until one changes."""

from matrixone_core.errors import DatabaseExists, DatabaseNotFound
from matrixone_core.messages import show
from matrixone_core.names import database_name, snapshot_name, table_name
from matrixone_core.restorable_names import check_clone
from matrixone_core.setting_checks import flag
from matrixone_core.sql.moment import Past
from matrixone_core.sql.past import SKIPS_DATABASE, CloneDatabase, CloneTable
from matrixone_core.sql.snapshot import HasDatabase
from matrixone_core.sql.table import ColumnNames
from matrixone_core.steps import Op


def database(target: str, source: str, *, snapshot: str | None = None, if_not_exists: bool = False) -> Op[None]:
    """Clone a database.

    A session checks the names at once and clones after its commit, so that a rollback leaves none.

    Args:
        target: the name of the new database.
        source: the database to clone.
        snapshot: the snapshot of it, or of its account, to clone; None for what it holds now.
        if_not_exists: do nothing where there is a database of the target's name.

    Raises:
        InvalidArgument: a name is not valid; nothing was sent.
        DatabaseNotFound: there is no such source; the server itself would create an empty database.
        SnapshotNotFound: there is no such snapshot.
        DatabaseExists: there is a database of the target's name.
        NotSupported: a database's name has a backslash, or the name of a table or view in it `"`, which the server
            cannot clone; nothing was changed.
        PermissionDenied: the user may not create databases.
    """
    flag(if_not_exists, "if_not_exists")
    target, source, past = database_name(target, "target"), database_name(source, "source"), as_of(snapshot)
    if if_not_exists and (yield from HasDatabase(target)):  # the server ignores IF NOT EXISTS here
        return
    if past is None and not (yield from HasDatabase(source)):
        raise DatabaseNotFound(f"there is no database {show(source)} to clone")
    yield from check_clone(target, source, past)
    try:
        yield from CloneDatabase(target, source, past)
    except DatabaseExists as error:
        raise error.with_remedy(SKIPS_DATABASE) from error.__cause__


def table(target: str, source: str, *, snapshot: str | None = None, if_not_exists: bool = False) -> Op[None]:
    """Clone a table.

    A session checks the names at once and clones after its commit, so that a rollback leaves none.

    Args:
        target: the name of the new table, `table` or `database.table`.
        source: the table to clone, `table` or `database.table`.
        snapshot: the snapshot to clone it from; None for what it holds now.
        if_not_exists: do nothing where there is a table of the target's name.

    Raises:
        InvalidArgument: a name is not valid; nothing was sent.
        TableNotFound, DatabaseNotFound: there is no such source, or no such database to clone into.
        SnapshotNotFound: there is no such snapshot.
        TableExists: there is a table of the target's name.
        PermissionDenied: the user may not create tables.
    """
    flag(if_not_exists, "if_not_exists")
    names = table_name(target), table_name(source)
    past = as_of(snapshot)
    if if_not_exists and (yield from ColumnNames(names[0])):
        return
    yield from CloneTable(*names, past)


def clone_database(
    target_db: str, source_db: str, snapshot_name: str | None = None, if_not_exists: bool = False
) -> Op[None]:
    """Clone a database: the existing SDK's name of `clone.database`.

    Args:
        target_db: the name of the new database.
        source_db: the database to clone.
        snapshot_name: the snapshot to clone it from, or None.
        if_not_exists: do nothing where there is a database of the target's name.

    Raises:
        MatrixOneError: as `clone.database` does.
    """
    yield from database(target_db, source_db, snapshot=snapshot_name, if_not_exists=if_not_exists)


def clone_table(
    target_table: str, source_table: str, snapshot_name: str | None = None, if_not_exists: bool = False
) -> Op[None]:
    """Clone a table: the existing SDK's name of `clone.table`.

    Args:
        target_table: the name of the new table.
        source_table: the table to clone.
        snapshot_name: the snapshot to clone it from, or None.
        if_not_exists: do nothing where there is a table of the target's name.

    Raises:
        MatrixOneError: as `clone.table` does.
    """
    yield from table(target_table, source_table, snapshot=snapshot_name, if_not_exists=if_not_exists)


def as_of(snapshot: str | None) -> Past | None:
    """The moment of a snapshot.

    Raises:
        InvalidArgument: the name is not valid.
    """
    return None if snapshot is None else Past(snapshot_name(snapshot))
