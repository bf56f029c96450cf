"""The statements that the engine has as well: run by it in its own words, or here where it would do otherwise."""

from __future__ import annotations

from contextlib import ExitStack

from matrixone_local.errors import NO_PRIVILEGE, internal_error
from matrixone_local.features import export, file_functions, ignored_errors, refused_changes, views
from matrixone_local.features.assignment_casts import Assigning
from matrixone_local.session.ddl_executor import DdlExecutor
from matrixone_local.session.prepared_statements import PreparedStatements
from matrixone_local.session.session_state import SessionState
from matrixone_local.sql.ddl import End, defines, ends_transaction
from matrixone_local.sql.tokens import Statement
from matrixone_local.translation import allowlist, set_variables, show, statements


class EngineStatements:
    """Runs them for one client.

    Args:
        state: the client's session.
        prepared: puts what a PREPARE names into the engine's words.
    """

    def __init__(self, state: SessionState, prepared: PreparedStatements) -> None:
        self._state = state
        self._server = state.server
        self._prepared = prepared
        self._ddl = DdlExecutor(state)
        self._assigning = Assigning(state.link)
        self._misdirected = False  # an INTO OUTFILE has failed: files would go to a wrong path (server-facts 33)

    def run(self, statement: Statement, cleanup: ExitStack) -> bool:
        """Run a statement and answer the client; False if the engine refused it.

        Args:
            statement: the statement.
            cleanup: drops what was made for it when it is left.

        Raises:
            SqlError: it is refused here.
            EngineError: the engine refuses a part of it.
        """
        state = self._state
        state.check(statement)
        if not statements.reads(statement.tokens) or export.find(statement.tokens) is None:
            allowlist.check(statement)
        if self._server.table_versions.may_mention(statement.sql):
            statement = self._server.table_versions.substitute_tables(statement, state.link)
        if defines(statement.tokens):
            state.replies.ok(self._ddl.define(statement, cleanup))
            return True
        if state.temporary.may_mention(statement.sql):
            statement = state.temporary.named_in(statement, state.link.database)
        if self._write_file(statement, cleanup):
            return True
        if statement.tokens[0].says("LOCK", "UNLOCK"):
            self._commit_for_lock(statement)
        if statement.tokens[0].says("SET"):
            if self._set_for_all(statement):
                return True
            statement = set_variables.with_plain_modes(statement, state.rewriter.value)
        if statement.tokens[0].says("PREPARE"):
            statement = self._prepared.rewrite_text(statement)
        if self._carry_out_here(statement):
            return True
        return self._run_in_engine(statement, cleanup)

    def _write_file(self, statement: Statement, cleanup: ExitStack) -> bool:
        """Carry out a SELECT … INTO OUTFILE; False if it is another statement."""
        at = export.find(statement.tokens)
        if self._misdirected and (at is not None or file_functions.saves(statement.tokens)):
            raise internal_error("after a failed INTO OUTFILE a server writes to a wrong path; open a new connection")
        if at is None:
            return False
        written = export.parse(statement.sql, statement.tokens, at)
        query = Statement(written.query)
        allowlist.check(query)
        self._misdirected = True
        rewritten = self._state.rewriter.rewritten(query, cleanup)
        casts = statements.casts(query.tokens)
        self._server.exports.write(written.over(rewritten), self._state.client, casts=casts)
        self._misdirected = False
        self._state.replies.ok()
        return True

    def _carry_out_here(self, statement: Statement) -> bool:
        """Carry out KILL, a SHOW that the engine answers otherwise, or an INSERT of a file's rows; False for others."""
        state = self._state
        if killed := allowlist.kills(statement.tokens):
            self._kill(*killed)
            return True
        if answer := show.answer(statement.tokens, state.link, state.definitions.dropped, self._server.snapshots):
            state.replies.rows(state.temporary.restore_names(answer))
            return True
        count = self._server.external.insert(statement.sql, statement.tokens, state.client)
        if count is not None:
            state.replies.ok(count)
        return count is not None

    def _run_in_engine(self, statement: Statement, cleanup: ExitStack) -> bool:
        """Give the engine a statement in its own words; False if it refused it."""
        state, tokens = self._state, statement.tokens
        if "@" in statement.sql:
            state.variables |= statements.set_variables(tokens)
        views.check_change(statement, state.link)
        end = ends_transaction(tokens) if state.definitions else None
        if end in {End.COMMIT, End.AUTOCOMMIT}:
            state.definitions.commits(state.link)
        rewritten = state.rewriter.rewritten(statement, cleanup)
        if end in {End.COMMIT, End.ROLLBACK}:  # what the statement drops is removed before the client is answered
            state.link.query(rewritten)
            self._settle(end)
            state.replies.ok()
            return True
        if tokens and tokens[0].says("INSERT", "REPLACE", "UPDATE"):
            return self.change_rows(rewritten)
        refused_changes.check(rewritten, state.link)
        done = state.replies.forward_query(rewritten, statements.forwarding_rules(tokens))
        if done and end is not None:
            self._settle(end)
        return done

    def change_rows(self, sql: str) -> bool:
        """Carry out a statement that may change rows; False if the engine refused it."""
        refused_changes.check(sql, self._state.link)
        assigned = ignored_errors.read(sql, self._assigning) or self._assigning.assigned(sql)
        if isinstance(assigned, str):
            updates = assigned.lstrip()[:6].upper() == "UPDATE"
            rules = statements.AS_UPDATE if updates else statements.PASS_THROUGH
            return self._state.replies.forward_query(assigned, rules)
        changed = assigned.carry_out(self._state.link)
        self._state.replies.ok(changed.affected, changed.insert_id)
        return True

    def _commit_for_lock(self, statement: Statement) -> None:
        """Commit, as LOCK TABLES does, and UNLOCK TABLES where tables are locked (server-facts 92)."""
        state, locks = self._state, statement.tokens[0].says("LOCK")
        if locks or state.has_locks:
            if state.definitions:
                state.definitions.commits(state.link)
            state.link.query("COMMIT")
            if state.definitions:
                self._settle(End.COMMIT)
        state.has_locks = locks

    def _set_for_all(self, statement: Statement) -> bool:
        """Carry out a SET of variables of all connections; False if it is another."""
        if statements.is_of_matrixone(statement.sql):
            return False
        changes = set_variables.for_all(
            set_variables.with_plain_modes(statement, self._state.rewriter.value), self._state.rewriter.value
        )
        if changes and not self._state.account.is_admin:
            raise internal_error(NO_PRIVILEGE)
        for change in changes:
            self._server.administer(change)
        if changes:
            self._state.replies.ok()
        return bool(changes)

    def _settle(self, end: End) -> None:
        """Settle the transaction's definitions: a statement has ended it."""
        if end is End.ROLLBACK:
            self._state.definitions.rolled_back(self._state.client)
        elif end is End.COMMIT or not self._state.link.in_transaction:
            self._state.definitions.committed(self._state.client)

    def _kill(self, connection_id: int, ends: bool) -> None:
        """Stop what a connection is doing, in the engine and here; its end takes the engine's session along."""
        kill = f"KILL QUERY {connection_id}"
        if self._state.account.is_admin:
            self._server.administer(kill)
        elif self._server.is_of(connection_id, self._state.account.user):
            self._state.link.query(kill)
        else:
            raise internal_error(NO_PRIVILEGE)
        self._state.replies.ok()
        self._server.cancel(connection_id, end=ends)
