"""Definitions that the server changes when it restores or clones tables and views (server-facts 102)."""

from collections.abc import Iterable

from matrixone_core.errors import NotSupported, RestoreFailed, ServerError
from matrixone_core.sql.moment import Past
from matrixone_core.sql.past import ChangedDefinitions, CloneDatabase, CloneTable, Restore, RestorePitr
from matrixone_core.steps import Op

Copy = Restore | RestorePitr | CloneDatabase | CloneTable
REMEDY = (
    "nothing was changed. With allow_changed_definitions=True it is done all the same; then create these views again,"
    " and ALTER TABLE … MODIFY these columns. A text in brackets, DEFAULT ('it''s'), stays as it is"
)


def check_definitions(
    databases: Iterable[str | None], past: Past | None, step: Copy, *, allowed: bool, table: str | None = None
) -> Op[tuple[str, ...]]:
    """Find the views and columns whose definitions a statement changes.

    Args:
        databases: the databases that it copies from; None for that of the connection.
        past: the moment that it copies; None for now.
        step: the statement.
        allowed: whether it may change them.
        table: the table that it copies; None for all tables and views.

    Returns:
        Their names: `database.view` and `database.table.column`.

    Raises:
        RestoreFailed, NotSupported: there are some and they may not be changed; nothing was changed.
    """
    changed: list[tuple[str, ...]] = []
    for database in databases:
        try:
            found = yield from ChangedDefinitions(database, past, table)
        except ServerError as refusal:
            if not isinstance(step, RestorePitr) or "no corresponding snapshot" not in refusal.message:
                raise
            found = ()  # the moment is out of range: RESTORE itself says which moments it takes
        changed += [tuple(filter(None, (database, *names))) for names in found]
    names = tuple(map(".".join, changed))
    if not names or allowed:
        return names
    words = (
        "the server would change definitions: a view loses the backslashes of its text, a column those of its comment,"
        f" and the quotes in a text of DEFAULT are doubled: {', '.join(names)}; {REMEDY}"
    )
    if isinstance(step, CloneDatabase | CloneTable):
        raise NotSupported(words)
    error = RestoreFailed(words, statement=str(step))
    error.tables = tuple(dict.fromkeys(".".join(parts[:2]) for parts in changed))
    raise error
