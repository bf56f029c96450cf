"""Replace a table's rows in one transaction, even if foreign keys refer to them."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection, inspect

from matrixone_core.errors import ConnectionLost, RestoreFailed, StatementTimeout
from matrixone_core.on_connection import run_translated
from matrixone_core.server_errors import commit_unknown, is_outcome_unknown
from matrixone_core.sql.past import (
    CheckForeignKeys,
    CountOrphans,
    DeleteRows,
    EndTransaction,
    InsertRowsThen,
    Referrers,
)
from matrixone_core.steps import Atomic, Op

Names = tuple[str, str]  # a database and a table


def swap_rows(names: Names, delete: DeleteRows, insert: InsertRowsThen) -> Op[None]:
    """Delete a table's rows and insert others, in one transaction.

    Raises:
        RestoreFailed: a foreign key would not hold; nothing was changed.
    """
    checks = yield from _key_checks(names)
    swap = _swap_rows(delete, insert, checks)
    yield from Atomic(_without_key_checks(swap) if checks else swap)


def _without_key_checks(op: Op[None]) -> Op[None]:
    """Run an operation as one transaction while foreign keys are not checked.

    As the SET commits, it comes first and last, and the transaction is ended here.
    """
    yield from CheckForeignKeys(enabled=False)
    try:
        yield from op
    except BaseException as error:
        if not is_outcome_unknown(error):  # after such an error the connection is closed, and its transaction over
            yield from EndTransaction("ROLLBACK")
            yield from CheckForeignKeys(enabled=True)
        raise
    try:
        yield from EndTransaction("COMMIT")
    except (ConnectionLost, StatementTimeout) as error:
        raise commit_unknown(error) from error.__cause__
    yield from CheckForeignKeys(enabled=True)


def _swap_rows(delete: DeleteRows, insert: InsertRowsThen, checks: tuple[CountOrphans, ...]) -> Op[None]:
    yield from delete
    yield from insert
    for check in checks:
        if orphans := (yield from check):
            raise RestoreFailed(
                f"{orphans} row(s) of {'.'.join(check.child)} refer to rows that {'.'.join(check.parent)} did not have"
                " then; nothing was changed. Delete them first, or restore both tables with restore.database()",
                statement=str(insert),
            )


def _key_checks(names: Names) -> Op[tuple[CountOrphans, ...]]:
    """Return the queries that check foreign keys: the table's own, and those that refer to it."""
    others = yield from Referrers(names)
    found: list[CountOrphans] = []
    for child in sorted({names, *others}):
        keys = yield from run_translated(partial(_foreign_keys, child))
        found += [check for check in keys if names in (check.child, check.parent)]
    return tuple(found)


def _foreign_keys(child: Names, connection: Connection) -> tuple[CountOrphans, ...]:
    return tuple(_checks(inspect(connection).get_foreign_keys(child[1], schema=child[0]), child))


def _checks(keys: Iterable[Any], child: Names) -> Iterator[CountOrphans]:
    for key in keys:
        parent = (key["referred_schema"] or child[0], key["referred_table"])
        yield CountOrphans(child, tuple(key["constrained_columns"]), parent, tuple(key["referred_columns"]))
