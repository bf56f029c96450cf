"""Names of databases, tables and views with which the server cannot restore or clone them (server-facts 101)."""

from collections.abc import Iterable, Sequence

from matrixone_core.errors import NotSupported, RestoreFailed
from matrixone_core.messages import show
from matrixone_core.sql.moment import Past
from matrixone_core.sql.past import Restore, RestorePitr, TablesThen
from matrixone_core.steps import Op

Names = tuple[str, str]  # a database and a table
BACKSLASH, QUOTE = "\\", '"'


def check_restored_table(names: Names, step: Restore | RestorePitr) -> None:
    """See that the server can restore a table.

    Raises:
        RestoreFailed: it cannot; nothing was sent.
    """
    for subject, name, character in (("database", names[0], BACKSLASH), ("table", names[1], QUOTE)):
        if character in name:
            raise _make_error(
                f"a table where the {subject}'s name has {show(character)} in it",
                [names],
                "restore it into another table with to=, or its rows with replace_rows=True",
                step,
            )


def tables_to_restore(databases: Iterable[str], past: Past, step: Restore | RestorePitr) -> Op[list[Names]]:
    """See that the server can restore databases.

    Returns:
        Their tables as they were.

    Raises:
        RestoreFailed: it cannot; nothing was changed.
    """
    tables: list[Names] = []
    odd: list[Names] = []
    for database in databases:
        if BACKSLASH in database:
            raise _make_error(
                f"a database whose name has {show(BACKSLASH)} in it, such as {database}",
                [],
                "clone its tables into another one with clone.table(…, snapshot=…)",
                step,
            )
        then = yield from TablesThen(database, past)
        tables += [(database, name) for name, is_view in then.items() if not is_view]
        odd += [(database, name) for name in then if QUOTE in name]
    if odd:
        raise _make_error(
            f"tables and views whose names have {show(QUOTE)} in them",
            odd,
            "restore the others one by one with restore.table(), and these tables with restore.table(…, to=)",
            step,
        )
    return tables


def tables_to_clone(target: str, source: str, past: Past | None) -> Op[list[str]]:
    """See that the server can clone a database.

    Returns:
        The names of its tables.

    Raises:
        NotSupported: it cannot; nothing was changed.
        DatabaseNotFound: there is no such source; the server would clone it as an empty one.
    """
    for name in (target, source):
        if BACKSLASH in name:
            raise NotSupported(
                f"the server clones no database whose name has {show(BACKSLASH)} in it, such as {name}; nothing was"
                " changed. Clone its tables one by one with clone.table()"
            )
    then = yield from TablesThen(source, past)
    if odd := [name for name in then if QUOTE in name]:
        raise NotSupported(
            f"the server cannot clone the database {source} with tables and views whose names have {show(QUOTE)} in"
            f" them: {', '.join(odd)}; nothing was changed. Clone its tables one by one with clone.table()"
        )
    return [name for name, is_view in then.items() if not is_view]


def _make_error(what: str, tables: Sequence[Names], remedy: str, step: Restore | RestorePitr) -> RestoreFailed:
    names = tuple(map(".".join, tables))
    listed = f": {', '.join(names)}" if names else ""
    words = f"the server cannot restore {what}{listed}; nothing was changed. Instead, {remedy}"
    error = RestoreFailed(words, statement=str(step))
    error.tables = names
    return error
