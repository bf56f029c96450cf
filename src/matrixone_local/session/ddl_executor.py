"""Carries out CREATE, DROP, ALTER, TRUNCATE and RENAME: by themselves, or as a part of the client's transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.errors import NO_PRIVILEGE, RENAME_IN_TRANSACTION, SqlError, internal_error
from matrixone_local.features import external_tables, snapshots, views
from matrixone_local.session.session_state import SessionState
from matrixone_local.sql.ddl import DdlEffect, SchemaObject, change
from matrixone_local.sql.quoting import literal, quoted
from matrixone_local.sql.references import table_references
from matrixone_local.sql.tokens import Reader, Statement, Token, tokenize
from matrixone_local.sql.type_names import matrixone_type
from matrixone_local.translation import column_types, show, statements, table_clauses

NO_KEY = 1167  # "can't index column"
ER_SCHEMA_RETRY = 5627  # "Schema try again"
TRIES, PAUSE_SECONDS = 50, 0.02


class DdlExecutor:
    """Carries definitions out for one client.

    Args:
        state: the client's session.
    """

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._server = state.server

    def define(self, statement: Statement, cleanup: ExitStack) -> int:
        """Carry a definition out.

        Args:
            statement: the statement.
            cleanup: drops what was made for it when it is left.

        Returns:
            How many rows it affects.

        Raises:
            SqlError: a transaction cannot take it back, or something that it names is not as it should be.
            EngineError: the engine refuses it.
        """
        link = self._state.link
        if self._state.temporary.drop(statement.sql, statement.tokens, link.database):
            return 0
        if self._state.temporary.may_mention(statement.sql):
            named = self._state.temporary.named_in(statement, link.database)
            if named.sql != statement.sql and statement.tokens[0].says("ALTER", "TRUNCATE"):
                raise SqlError(20102, f"{statement.tokens[0].text.lower()} of a temporary table is not yet implemented")
            statement = named
        sql, tokens = statement.sql, statement.tokens
        self._server.external.check(tokens, link)
        carry_out = self._carry_out(sql, tokens, cleanup)
        effect = change(sql, tokens)
        effect = effect and effect.within(link.database)
        views.check_definition(tokens, effect, link)
        if self._state.definitions.are_open(link) or not link.autocommit:
            self._settle_what_is_read(tokens)
            return carry_out(link) if self._is_temporary(tokens) else self._within(sql, tokens, effect, carry_out)
        affected = carry_out(link)
        if effect:
            anew = [effect.creates] if effect.creates and not tokens[1].says("EXTERNAL") else []
            for one in (*anew, *effect.drops):
                self._server.external.forget(*one.name)
        return affected

    def _is_temporary(self, tokens: list[Token]) -> bool:
        return tokens[0].says("CREATE") and tokens[1].says("TEMPORARY")

    def _settle_what_is_read(self, tokens: list[Token]) -> None:
        """What is made from tables is made over another session, which sees what is committed alone."""
        database = self._state.link.database
        if any(token.says("CLONE") for token in tokens):
            self._state.definitions.settle(None, self._state.client)
        elif tokens[0].says("CREATE"):
            read = [one for one in table_references(tokens) if one.reads]
            self._state.definitions.settle([one.within(database) for one in read], self._state.client)

    def _within(
        self, sql: str, tokens: list[Token], effect: DdlEffect | None, carry_out: Callable[[EngineConnection], int]
    ) -> int:
        """Carry a definition out as a part of the transaction."""
        link = self._state.link
        if tokens[0].says("RENAME"):
            raise internal_error(RENAME_IN_TRANSACTION)
        if effect and tokens[0].says("TRUNCATE"):
            return self._state.definitions.empty(effect.alters[0], carry_out, self._state.client)
        if effect is None:
            if not self._state.definitions.are_open(link):
                return carry_out(link)
            raise internal_error(
                f"the local server cannot take {tokens[0].text} {tokens[1].text} back with this transaction, and would "
                "commit it; COMMIT first"
            )
        if effect.drops:
            self._state.definitions.drop(effect.drops)
            return 0
        if effect.creates:
            again = not (tokens[1].says("EXTERNAL") or self._server.external.may_mention(sql))
            return self._state.definitions.make(effect.creates, carry_out, self._state.client, again=again)
        return self._state.definitions.change(effect.alters, carry_out, self._state.client)

    def _carry_out(self, sql: str, tokens: list[Token], cleanup: ExitStack) -> Callable[[EngineConnection], int]:
        """What carries a definition out over a session, and gives the number of rows it affects."""
        creates = tokens[0].says("CREATE")
        if creates and any(token.says("CLONE") for token in tokens[:10]):
            return self._clones(sql, tokens)
        if creates and tokens[1].says("EXTERNAL"):
            return self._creates_external(sql, tokens)
        dropped = statements.drops_database(tokens)
        if dropped is not None:
            return lambda link: _drop_database(dropped, sql, link)
        translate = self._state.rewriter.rewritten(_with_engine_words(Statement(sql, tokens)), cleanup)
        if self._is_temporary(tokens):
            return lambda link: self._state.temporary.create(translate, tokenize(translate), link.database)
        effect = change(sql, tokens)
        table = effect.alters[0].within(self._state.link.database) if effect and effect.alters else None
        if tokens[0].says("DROP") and tokens[1].says("INDEX"):
            return lambda link: _drop_index(translate, link)
        return lambda link: _with_keys(translate, table, link)

    def _clones(self, sql: str, tokens: list[Token]) -> Callable[[EngineConnection], int]:
        if not self._state.account.is_admin:  # the copy is made with the server's rights
            raise internal_error(NO_PRIVILEGE)
        read = Reader(sql, tokens)
        read.at = 1
        clone, database = snapshots.parse_clone(read), self._state.link.database
        of = clone.source[0] if len(clone.source) == 2 or not clone.of_table else database
        if odd := self._server.external.first(of, clone.source[-1] if clone.of_table else None):
            raise internal_error(f"{of}.{odd} is not BASE TABLE")

        def carry_out(_link: EngineConnection) -> int:
            self._server.snapshots.clone(clone, database)
            return 0

        return carry_out

    def _creates_external(self, sql: str, tokens: list[Token]) -> Callable[[EngineConnection], int]:
        read = Reader(sql, tokens)
        read.at = 3
        table = external_tables.parse_create(read)

        def carry_out(link: EngineConnection) -> int:
            link.query(table.definition)
            self._server.external.add(table.table[0] if len(table.table) == 2 else link.database, table)
            return 0

        return carry_out


def _with_engine_words(statement: Statement) -> Statement:
    """A definition whose clauses and types are the engine's."""
    if not statement.tokens[0].says("CREATE", "ALTER"):
        return statement
    index = table_clauses.vector_index(statement)
    if index is not None:
        return Statement(index)
    table_clauses.put_clauses(statement)
    column_types.put_types(statement)
    return statement.changed()


def _with_keys(sql: str, table: SchemaObject | None, link: EngineConnection) -> int:
    """Carry a statement out; columns of any length that it puts into a key get a length that the engine can have there.

    Args:
        sql: the statement.
        table: the table that it changes, or None.
        link: the session.
    """
    while True:
        try:
            return _persistently(sql, link)
        except EngineError as error:
            found = re.search(r"can't index column '(.*)'", error.message) if error.code == NO_KEY else None
            if table is None or found is None or not _shortened(table, found[1], link):
                raise


def _drop_index(sql: str, link: EngineConnection) -> int:
    try:
        return _persistently(sql, link)
    except EngineError as error:
        found = re.match(r"Can't DROP '(.*)';", error.message)
        raise (internal_error(f"not found index: {found[1]}") if found else error) from None


def _shortened(table: SchemaObject, name: str, link: EngineConnection) -> bool:
    """Whether a column is a VARCHAR without a length that has got one."""
    for column, kind, _, null, *_, comment in link.query(f"SHOW FULL COLUMNS FROM {table.quoted}").rows:
        if column == name and kind == "mediumtext" and matrixone_type(kind, comment or "")[0].startswith("varchar"):
            required = "" if null == "YES" else " NOT NULL"
            what = f"{quoted(name)} {column_types.IN_KEY}{required} COMMENT {literal(comment or '')}"
            link.query(f"ALTER TABLE {table.quoted} MODIFY {what}")
            return True
    return False


def _persistently(sql: str, link: EngineConnection) -> int:
    """Carry out a statement that the engine refuses while it learns of other definitions."""
    for _ in range(TRIES):
        try:
            return link.query(sql).affected
        except EngineError as error:
            if error.code != ER_SCHEMA_RETRY:
                raise
        time.sleep(PAUSE_SECONDS)  # it tells nobody when it has learned
    return link.query(sql).affected


def _drop_database(name: str, sql: str, link: EngineConnection) -> int:
    tables = show.tables_within(name, link)
    link.query(sql)
    return tables
