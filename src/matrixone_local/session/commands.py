"""One client's commands: to the engine, or to what only MatrixOne knows.

What is not recognised here goes to the engine byte for byte, and its answer comes back unchanged.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pymysql

from matrixone_local.engine.connection import EngineError
from matrixone_local.errors import ENDS_TRANSACTION, SqlError, as_matrixone, internal_error, of_own_statement
from matrixone_local.protocol.constants import Capability, Command
from matrixone_local.session import own_statements
from matrixone_local.session.engine_statements import EngineStatements
from matrixone_local.session.local_file import LocalFile
from matrixone_local.session.prepared_statements import PreparedStatements
from matrixone_local.session.session_state import SessionState
from matrixone_local.sql.tokens import Reader, Statement
from matrixone_local.translation import allowlist, statements
from matrixone_local.translation.plain_statements import is_plain_change
from matrixone_local.translation.translate import EngineQuery, known_query, read_plain_query, read_query

_OF_PREPARED = frozenset({Command.STMT_EXECUTE, Command.STMT_FETCH, Command.STMT_RESET})


class Commands:
    """Carries out the commands of one client.

    Args:
        state: the client's session.
        local_file: the file that a LOAD DATA LOCAL reads.
        capabilities: what the client can do.
    """

    def __init__(self, state: SessionState, local_file: LocalFile, capabilities: Capability) -> None:
        self._state = state
        self._prepared = PreparedStatements(state)
        self._engine_statements = EngineStatements(state, self._prepared)
        self._own_statements = own_statements.OwnStatements(state, local_file)
        self._takes_several = bool(capabilities & Capability.MULTI_STATEMENTS)

    def carry_out(self, command: bytes) -> None:
        """Carry out a command and answer it.

        Raises:
            OSError: the client or the engine went away.
        """
        replies, kind = self._state.replies, command[0]
        if kind == Command.QUERY:
            self._queries(command)
        elif kind == Command.STMT_PREPARE:
            self._guarded(partial(self._prepared.prepare, Statement.read(_text(command))))
        elif kind in _OF_PREPARED:
            self._state.has_begun = True
            self._guarded(partial(self._prepared.use, command))
        elif kind == Command.STMT_CLOSE:
            self._prepared.close(command)
        elif kind == Command.STMT_SEND_LONG_DATA:
            self._state.link.send(command)  # there is no reply
        elif kind == Command.INIT_DB:
            self._guarded(partial(self._begin_in, command))
        elif kind == Command.SET_OPTION:
            self._set_option(int.from_bytes(command[1:3], "little"))
        elif kind in {Command.PING, Command.STATISTICS}:
            replies.forward(command[:1])
        elif kind == Command.FIELD_LIST:
            replies.forward(command)
        elif kind == Command.CHANGE_USER:
            replies.refuse(SqlError(1047, "the local server does not change users on an open connection", "08S01"))
        else:
            replies.refuse(internal_error(f"unsupported command. {kind:#x}"))

    def _begin_in(self, command: bytes) -> bool:
        """Go to the database that a command names."""
        allowlist.check_name(_text(command))
        return self._state.replies.forward(command)

    def _set_option(self, option: int) -> None:
        """Take several statements at once from now on (0), or one alone (1)."""
        self._takes_several = not option
        self._state.replies.ok()

    def _queries(self, command: bytes) -> None:
        """Carry out the statements of a command, up to the first that fails."""
        known = known_query(command)
        sql = _text(command) if known is None else known.sql
        known = known or read_plain_query(command, sql)
        if known is not None and self._is_of_the_engine(sql):
            self._pass_query(known)
            return
        if self._pass_through(sql):
            return
        text = Statement.read(sql)
        if self._is_of_the_engine(text.sql) and (query := read_query(command, text, self._state.rewriter.variable)):
            self._pass_query(query)
            return
        *others, last = statements.split_statements(text)
        if others and not self._takes_several:
            read = Reader(text.sql, text.tokens)
            read.at = next(at for at, token in enumerate(text.tokens) if token.said == ";") + 1
            self._state.replies.refuse(read.error())
            return
        for statement in others:
            with self._state.replies.more():
                if not self._query(statement):
                    return
        self._query(last)

    def _pass_through(self, sql: str) -> bool:
        """Carry out a change of rows that need not be read whole, as a long INSERT; False if it is another."""
        if not is_plain_change(sql) or not self._is_of_the_engine(sql):
            return False
        if self._state.link.caches.views.may_mention(sql):  # whose rows must not be changed
            return False
        self._state.has_begun = True
        self._guarded(partial(self._engine_statements.change_rows, sql))
        return True

    def _pass_query(self, query: EngineQuery) -> None:
        """Carry out a query of the engine's tables whose text alone tells what the engine is asked."""
        self._state.has_begun = True
        self._state.replies.forward_known(query)

    def _is_of_the_engine(self, sql: str) -> bool:
        """Whether none of the tables that a statement may name is anything but a table of the engine."""
        state, server = self._state, self._state.server
        odd = (
            server.external.may_mention(sql)
            or server.table_versions.may_mention(sql)
            or state.temporary.may_mention(sql)
        )
        return not (odd or state.definitions)

    def _query(self, statement: Statement) -> bool:
        """Carry out one statement; False if it was refused."""
        return self._guarded(partial(self._run, statement))

    def _run(self, statement: Statement) -> bool:
        """Carry out one statement; False if the engine refused it."""
        state = self._state
        if not statement.tokens:
            state.replies.ok()
            return True
        if allowlist.is_watched(statement.sql):
            allowlist.check_names(statement.tokens)
        if state.server.table_versions.may_mention(statement.sql):
            state.server.table_versions.wait_for_lock(statement.tokens, state.client)
        with ExitStack() as cleanup:
            own = own_statements.parse(statement.sql, statement.tokens)
            if own is None:
                state.begin_or_end(statement.tokens)
                return self._engine_statements.run(statement, cleanup)
            self._own_statements.run(own)
        return True

    def _guarded(self, carry_out: Callable[[], bool]) -> bool:
        """Carry something out, and send what it is refused with; False if it was refused."""
        try:
            return carry_out()
        except SqlError as refused:
            self._state.replies.refuse(refused)
        except EngineError as error:
            refusal = as_matrixone(error.code, error.state, error.message)
            if refusal.code in ENDS_TRANSACTION:
                self._state.definitions.abort(self._state.client)
            self._state.replies.refuse(refusal)
        except (ConnectionError, TimeoutError):  # the client, or the engine
            raise
        except OSError as error:  # a file of this machine
            self._state.replies.refuse(internal_error(f"{error.strerror}"))
        except pymysql.MySQLError as error:  # a statement of the relay's own
            self._state.replies.refuse(of_own_statement(error))
        except Exception as error:  # noqa: BLE001  # a mistake of ours is to cost the client this statement alone
            traceback.print_exc()
            self._state.replies.refuse(SqlError(1105, f"the local server failed: {error!r}"))
        return False


def _text(command: bytes) -> str:
    """What a command says."""
    return command[1:].decode("utf-8", "surrogateescape")
