"""What a MatrixOne server refuses to do with views, and the engine would do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import bad_input, internal_error
from matrixone_local.sql.ddl import DdlEffect
from matrixone_local.sql.references import TableReference, table_references
from matrixone_local.sql.tokens import Kind, Statement, Token, depths

_CHANGES = ("INSERT", "REPLACE", "UPDATE", "DELETE")
_MODES = ("LOW_PRIORITY", "QUICK", "IGNORE")


def check_change(statement: Statement, link: EngineConnection) -> None:
    """Refuse a statement that changes a view's rows.

    Args:
        statement: any statement.
        link: the session that it is of.

    Raises:
        SqlError: it does.
    """
    if (
        not statement.tokens
        or not statement.tokens[0].says(*_CHANGES)
        or not link.caches.views.may_mention(statement.sql)
    ):
        return
    for reference in _changed(statement.tokens):
        check_target(reference.within(link.database), link)


def check_target(table: Sequence[str], link: EngineConnection) -> None:
    """Refuse to put rows into a view.

    Args:
        table: a name, with its database or without.
        link: the session that names it.

    Raises:
        SqlError: it is a view's.
    """
    if _is_view(table, link):
        raise bad_input("cannot insert/update/delete from view")


def check_definition(tokens: Sequence[Token], effect: DdlEffect | None, link: EngineConnection) -> None:
    """Refuse ALTER TABLE and RENAME TABLE of a view.

    Args:
        tokens: the statement's.
        effect: what it does; None where that is not known.
        link: the session that it is of.

    Raises:
        SqlError: it is of a view.
    """
    is_of_table = tokens[0].says("ALTER", "RENAME") and tokens[1].says("TABLE")
    if is_of_table and effect is not None and any(_is_view(one.name, link) for one in effect.alters):
        raise internal_error("you should use alter view statemnt for View")  # as the server spells it


def _is_view(table: Sequence[str], link: EngineConnection) -> bool:
    database = table[0] if len(table) == 2 else link.database
    return link.caches.views.has(database.lower(), table[-1].lower())


def _changed(tokens: Sequence[Token]) -> Iterator[TableReference]:
    """The tables whose rows a statement changes; an UPDATE of several is refused if one of them is a view."""
    references = table_references(tokens)
    if tokens[0].says("UPDATE"):
        deep = depths(tokens)
        end = next((at for at, token in enumerate(tokens) if token.says("SET")), len(tokens))
        yield from (one for one in references if one.first < end and not deep[one.first])
    elif not tokens[0].says("DELETE"):
        yield from (one for one in references if not one.reads)
    elif next(token for token in tokens[1:] if not token.says(*_MODES)).says("FROM"):
        yield from references[:1]
    else:
        begin = next((at for at, token in enumerate(tokens) if token.says("FROM")), len(tokens))
        targets = {token.value.lower() for token in tokens[1:begin] if token.kind in {Kind.WORD, Kind.QUOTED}}
        yield from (one for one in references if targets & {one.name.lower(), _alias(tokens, one)})


def _alias(tokens: Sequence[Token], reference: TableReference) -> str:
    """The name that a table has in its statement, in small letters; empty where it is its own."""
    if not reference.has_alias:
        return ""
    at = reference.last + 1
    return tokens[at + tokens[at].says("AS")].value.lower()
