"""Operations on point-in-time recoveries: the server retains the past of a table, a database or the account."""

from datetime import timedelta

from matrixone_core.errors import InvalidArgument, PitrNotFound
from matrixone_core.html import Listing
from matrixone_core.messages import show
from matrixone_core.names import check_recorded, check_text, database_name, object_name
from matrixone_core.operations.snapshots import select
from matrixone_core.setting_checks import flag
from matrixone_core.sql.pitr import AlterPitr, CreatePitr, DropPitr, Pitr, ShowPitr
from matrixone_core.sql.snapshot import SnapshotLevel
from matrixone_core.steps import Op

LONGEST = 100  # units
UNITS = ("h", "d", "mo", "y")


def create(
    name: str,
    range: timedelta | tuple[int, str],  # noqa: A002  # the server's word
    *,
    database: str | None = None,
    table: str | None = None,
    if_not_exists: bool = False,
) -> Op[Pitr]:
    """Create a point-in-time recovery, so that a table, a database or the account can be restored to any later moment.

    Args:
        name: name of the recovery: 1 to 64 letters, digits and `_ - . $`. The server stores it in lower case.
        range: how far back it reaches: a `timedelta` of 1 to 100 whole hours or days, or a tuple of a number from 1 to
            100 and a unit (`h`, `d`, `mo` or `y`), such as `(7, 'd')`.
        database: name of the database to cover. None covers the whole account.
        table: name of the table in `database` to cover. None covers the whole database.
        if_not_exists: leave an existing recovery unchanged instead of raising an error.

    Returns:
        The point-in-time recovery as the server stored it.

    Raises:
        InvalidArgument: an argument is not valid, or a name has `'` or a backslash, which the server records wrongly;
            nothing was sent.
        PitrExists: a recovery of this name, or of the same table, database or account, already exists.
        DatabaseNotFound, TableNotFound: the database or the table does not exist.
        NotSupported: a session was used; a rollback could not undo it.
        PermissionDenied: the user is not an administrator of the account; only they may create one.
    """
    length, unit = _range(range)
    if table is not None and database is None:
        raise InvalidArgument(f"table={show(table)} needs database=")
    name = object_name(name, "PITR")
    if database is not None:
        database = check_recorded(database_name(database, "database"), "database", "cover the account")
    if table is not None:
        table = check_recorded(check_text(table, "table"), "table", "cover the database")
        if not table:
            raise InvalidArgument("table='' must be the name of a table")
    yield from CreatePitr(name, length, unit, database, table, flag(if_not_exists, "if_not_exists"))
    return (yield from get(name))


def get(name: str) -> Op[Pitr]:
    """Return a point-in-time recovery by its name.

    Args:
        name: name of the recovery.

    Raises:
        PitrNotFound: there is no recovery of this name.
    """
    name = object_name(name, "PITR")
    for pitr in (yield from list_()):
        if pitr.name == name:
            return pitr
    raise PitrNotFound(f"there is no point-in-time recovery {show(name)}")


def list_(
    like: str | None = None,
    *,
    level: SnapshotLevel | str | None = None,
    database: str | None = None,
    table: str | None = None,
) -> Op[tuple[Pitr, ...]]:
    """List the point-in-time recoveries of the account, ordered by name.

    Args:
        like: SQL LIKE pattern that the names must match, such as `'daily%'`. None lists all.
        level: list only recoveries of this level.
        database: list only recoveries of this database or of its tables.
        table: list only recoveries of tables of this name.

    Returns:
        The point-in-time recoveries.

    Raises:
        InvalidArgument: there is no such level, or an argument is not a text.
    """
    selection = select(like, level, database, table)
    return Listing(filter(selection.has, (yield from ShowPitr())))


def alter(name: str, range: timedelta | tuple[int, str]) -> Op[Pitr]:  # noqa: A002  # the server's word
    """Change how far back a point-in-time recovery reaches.

    Args:
        name: name of the recovery.
        range: as for `create`.

    Returns:
        The point-in-time recovery as the server stored it.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        PitrNotFound: there is no recovery of this name.
        NotSupported: a session was used; a rollback could not undo it.
    """
    yield from AlterPitr(object_name(name, "PITR"), *_range(range))
    return (yield from get(name))


def drop(name: str, *, if_exists: bool = False) -> Op[None]:
    """Drop a point-in-time recovery. Data that no other one covers can no longer be restored.

    Args:
        name: name of the recovery.
        if_exists: do nothing if the recovery does not exist, instead of raising an error.

    Raises:
        PitrNotFound: there is no recovery of this name.
        NotSupported: a session was used; a rollback could not undo it.
    """
    yield from DropPitr(object_name(name, "PITR"), flag(if_exists, "if_exists"))


def create_account_pitr(
    name: str, account_name: str | None = None, range_value: int = 1, range_unit: str = "d"
) -> Op[Pitr]:
    """Cover the account: the existing SDK's name of `pitr.create`.

    Args:
        name: name of the recovery.
        account_name: must be None; another account cannot be covered.
        range_value: number of units, from 1 to 100.
        range_unit: `h`, `d`, `mo` or `y`.

    Raises:
        MatrixOneError: as for `pitr.create`.
    """
    if account_name is not None:
        raise InvalidArgument(f"account_name={show(account_name)} must be None: the user's own account is covered")
    return (yield from create(name, (range_value, range_unit)))


def create_database_pitr(name: str, database_name: str, range_value: int = 1, range_unit: str = "d") -> Op[Pitr]:
    """Cover a database: the existing SDK's name of `pitr.create(name, range, database=)`.

    Args:
        name: name of the recovery.
        database_name: name of the database to cover.
        range_value: number of units, from 1 to 100.
        range_unit: `h`, `d`, `mo` or `y`.

    Raises:
        MatrixOneError: as for `pitr.create`.
    """
    return (yield from create(name, (range_value, range_unit), database=check_text(database_name, "database_name")))


def create_table_pitr(
    name: str, database_name: str, table_name: str, range_value: int = 1, range_unit: str = "d"
) -> Op[Pitr]:
    """Cover a table: the existing SDK's name of `pitr.create(name, range, database=, table=)`.

    Args:
        name: name of the recovery.
        database_name: name of the table's database.
        table_name: name of the table to cover.
        range_value: number of units, from 1 to 100.
        range_unit: `h`, `d`, `mo` or `y`.

    Raises:
        MatrixOneError: as for `pitr.create`.
    """
    database, table = check_text(database_name, "database_name"), check_text(table_name, "table_name")
    return (yield from create(name, (range_value, range_unit), database=database, table=table))


def delete(name: str) -> Op[None]:
    """Drop a point-in-time recovery: the existing SDK's name of `pitr.drop`.

    Args:
        name: name of the recovery.

    Raises:
        MatrixOneError: as for `pitr.drop`.
    """
    yield from drop(name)


def _range(span: timedelta | tuple[int, str]) -> tuple[int, str]:
    if isinstance(span, timedelta):
        hours, rest = divmod(span, timedelta(hours=1))
        length, unit = (hours // 24, "d") if hours % 24 == 0 else (hours, "h")
        is_valid = not rest and 1 <= length <= LONGEST
    elif isinstance(span, tuple) and len(span) == 2:  # pyright: ignore[reportUnnecessaryIsInstance, reportUnnecessaryComparison]  # callers without a type checker
        length, unit = span
        is_number = isinstance(length, int) and not isinstance(length, bool)  # pyright: ignore[reportUnnecessaryIsInstance]  # as above
        is_valid = is_number and 1 <= length <= LONGEST and unit in UNITS
    else:
        length, unit, is_valid = 0, "", False
    if not is_valid:
        raise InvalidArgument(
            f"range={show(span)} must be a timedelta of 1 to {LONGEST} whole hours or days, or a number of 1 to"
            f" {LONGEST} and one of the units {', '.join(UNITS)}, such as (7, 'd')"
        )
    return length, unit
