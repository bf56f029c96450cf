"""Operations on point-in-time recoveries: how long the server keeps the past of what."""

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
    """Create a point-in-time recovery: from now on a table, a database or the account can be restored to any moment.

    Args:
        name: 1 to 64 letters, digits and `_ - . $`; the server keeps it in lower case.
        range: how far back it reaches: a `timedelta` of whole hours or days, or a number of 1 to 100 and its unit
            `h`, `d`, `mo` or `y`, such as `(7, 'd')`.
        database: the database to cover; None for the whole account.
        table: the table of it to cover; None for all of them.
        if_not_exists: leave one of this name as it is, instead of an error.

    Returns:
        The point-in-time recovery as the server has it.

    Raises:
        InvalidArgument: an argument is not valid, or a name has `'` or a backslash, with which the server records it
            wrongly; nothing was sent.
        PitrExists: there is one of this name, or one that covers the same.
        DatabaseNotFound, TableNotFound: there is none to cover.
        NotSupported: in a session, as it cannot be undone.
        PermissionDenied: only an account's administrators may create one.
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
    """One point-in-time recovery.

    Args:
        name: its name.

    Raises:
        PitrNotFound: there is none of this name.
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
    """The account's point-in-time recoveries, by name.

    Args:
        like: only those whose names match this pattern of SQL's LIKE, such as `'daily%'`.
        level: only those of this level.
        database: only those of this database, or of a table in it.
        table: only those of a table of this name.

    Raises:
        InvalidArgument: there is no such level, or an argument is no text.
    """
    selection = select(like, level, database, table)
    return Listing(filter(selection.has, (yield from ShowPitr())))


def alter(name: str, range: timedelta | tuple[int, str]) -> Op[Pitr]:  # noqa: A002  # the server's word
    """Change how far back a point-in-time recovery reaches.

    Args:
        name: its name.
        range: as in `create`.

    Returns:
        The point-in-time recovery as it is now.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        PitrNotFound: there is none of this name.
        NotSupported: in a session, as it cannot be undone.
    """
    yield from AlterPitr(object_name(name, "PITR"), *_range(range))
    return (yield from get(name))


def drop(name: str, *, if_exists: bool = False) -> Op[None]:
    """Drop a point-in-time recovery; what only it covered cannot be restored any more.

    Args:
        name: its name.
        if_exists: do nothing, instead of an error, where there is none.

    Raises:
        PitrNotFound: there is none of this name.
        NotSupported: in a session, as it cannot be undone.
    """
    yield from DropPitr(object_name(name, "PITR"), flag(if_exists, "if_exists"))


def create_account_pitr(
    name: str, account_name: str | None = None, range_value: int = 1, range_unit: str = "d"
) -> Op[Pitr]:
    """Cover the account: the existing SDK's name of `pitr.create`.

    Args:
        name: its name.
        account_name: None; another account is not covered.
        range_value: how many units.
        range_unit: the unit.

    Raises:
        MatrixOneError: as `pitr.create` does.
    """
    if account_name is not None:
        raise InvalidArgument(f"account_name={show(account_name)} must be None: the user's own account is covered")
    return (yield from create(name, (range_value, range_unit)))


def create_database_pitr(name: str, database_name: str, range_value: int = 1, range_unit: str = "d") -> Op[Pitr]:
    """Cover a database: the existing SDK's name of `pitr.create(name, range, database=)`.

    Args:
        name: its name.
        database_name: the database.
        range_value: how many units.
        range_unit: the unit.

    Raises:
        MatrixOneError: as `pitr.create` does.
    """
    return (yield from create(name, (range_value, range_unit), database=check_text(database_name, "database_name")))


def create_table_pitr(
    name: str, database_name: str, table_name: str, range_value: int = 1, range_unit: str = "d"
) -> Op[Pitr]:
    """Cover a table: the existing SDK's name of `pitr.create(name, range, database=, table=)`.

    Args:
        name: its name.
        database_name: the table's database.
        table_name: the table.
        range_value: how many units.
        range_unit: the unit.

    Raises:
        MatrixOneError: as `pitr.create` does.
    """
    database, table = check_text(database_name, "database_name"), check_text(table_name, "table_name")
    return (yield from create(name, (range_value, range_unit), database=database, table=table))


def delete(name: str) -> Op[None]:
    """Drop a point-in-time recovery: the existing SDK's name of `pitr.drop`.

    Args:
        name: its name.

    Raises:
        MatrixOneError: as `pitr.drop` does.
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
