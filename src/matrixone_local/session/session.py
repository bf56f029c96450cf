"""One client's connection: command by command to the engine, or to what only MatrixOne knows.

What is not recognised here goes to the engine byte for byte, and its answer comes back unchanged.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from typing import IO, Any

import pymysql

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.errors import (
    ENDS_TRANSACTION,
    IN_TRANSACTION,
    NO_PRIVILEGE,
    USERS_IN_TRANSACTION,
    SqlError,
    as_matrixone,
    bad_input,
    internal_error,
)
from matrixone_local.features import export, file_functions, point_in_time, snapshots
from matrixone_local.features.accounts import UserStatement, parse_user_statement
from matrixone_local.features.assignment_casts import Assigning
from matrixone_local.features.load_data import LoadData, parse_load
from matrixone_local.features.temporary_tables import TemporaryTables
from matrixone_local.files import stages
from matrixone_local.protocol.packets import Capability, Command, ConnectionClosed, Packets, with_decimals_as_text
from matrixone_local.session.context import ServerContext
from matrixone_local.session.ddl_executor import DdlExecutor
from matrixone_local.session.handshake import Login, log_in
from matrixone_local.session.responses import ResponseWriter
from matrixone_local.session.rewriter import Rewriter
from matrixone_local.sql.ddl import End, defines, ends_transaction
from matrixone_local.sql.file_calls import calls_file_function
from matrixone_local.sql.quoting import literal, quoted
from matrixone_local.sql.tokens import Kind, Reader, Statement, Token
from matrixone_local.transactions.ddl_transaction import TransactionalDdl
from matrixone_local.translation import allowlist, set_variables, show, statements
from matrixone_local.translation.translate import query_to_engine_sql

SPOOLED = 1 << 20
OWN_STATEMENTS: Mapping[tuple[str, str], Callable[[Reader], object]] = {
    ("CREATE", "STAGE"): stages.parse_create,
    ("ALTER", "STAGE"): stages.parse_alter,
    ("DROP", "STAGE"): stages.parse_drop,
    ("SHOW", "STAGES"): stages.parse_show,
    ("CREATE", "SNAPSHOT"): snapshots.parse_create,
    ("DROP", "SNAPSHOT"): snapshots.parse_drop,
    ("SHOW", "SNAPSHOTS"): snapshots.parse_show,
    ("CREATE", "PITR"): point_in_time.parse_create,
    ("ALTER", "PITR"): point_in_time.parse_alter,
    ("DROP", "PITR"): point_in_time.parse_drop,
    ("SHOW", "PITR"): point_in_time.parse_show,
    ("SHOW", "RECOVERY_WINDOW"): point_in_time.parse_windows,
    ("LOAD", "DATA"): parse_load,
    ("REMOVE", "FILES"): file_functions.parse_remove,
    ("CREATE", "USER"): parse_user_statement,
    ("ALTER", "USER"): parse_user_statement,
    ("DROP", "USER"): parse_user_statement,
    ("CREATE", "ROLE"): parse_user_statement,
    ("DROP", "ROLE"): parse_user_statement,
}
_OURS = frozenset({("KILL",), ("GRANT",), ("REVOKE",), ("RESTORE",), ("PREPARE",)})
_OF_PREPARED = frozenset({Command.STMT_EXECUTE, Command.STMT_FETCH, Command.STMT_RESET})


class Session:
    """The relay's side of one client's connection.

    Attributes:
        link: the engine's side of it.
        user: who is logged in; None before.
    """

    link: EngineConnection
    user: str | None = None

    def __init__(self, sock: socket.socket, services: ServerContext) -> None:
        self._client = Packets(sock)
        self._services = services
        self._cancelled = threading.Event()
        self._definitions = TransactionalDdl(
            services.undo_log,
            services.table_versions,
            self._side_connection,
            lambda dropped: services.external.forget(*dropped.name),
        )
        self._temporary = TemporaryTables(services.hidden, self._side_connection)
        self._variables: set[str] = set()  # the user variables that have a value
        self._parameters: dict[int, int] = {}  # how many each prepared statement has
        self._has_begun = False  # a statement was sent since the last transaction ended
        self._misdirected = False  # an INTO OUTFILE has failed: files would go to a wrong path (server-facts 33)
        self._local: IO[bytes] | None = None  # what the client sent for the statement that is running

    def serve(self, opened: Callable[[int], None]) -> None:
        """Talk with the client until it goes.

        Args:
            opened: receives the connection's id, which is the engine's, so that KILL needs no translation.
        """
        try:
            with closing(self._services.link()) as self.link:
                opened(self.link.id)
                login = log_in(self._client, self.link.id, self._services.tls, self._services.account)
                if login is None:
                    return
                self._begin(login)
        except (ConnectionClosed, OSError):
            return  # the client or the engine went away; an open transaction goes with the engine's session
        finally:
            self._client.sock.close()  # under TLS it is not the one that was accepted

    def _begin(self, login: Login) -> None:
        self._login = login
        self.user = login.account.user
        self._client = login.packets
        self._client.reads_ahead = True
        self._client.sock.settimeout(None)
        self._replies = ResponseWriter(
            login.packets, login.sequence, self.link, lambda: bool(self._definitions), self._rollback_aborted
        )
        self._several = bool(login.capabilities & Capability.MULTI_STATEMENTS)
        self._rewriting = Rewriter(self._services, self.link, login.account, self, self._definitions)
        self._assigning = Assigning(self.link)
        self._defining = DdlExecutor(
            self._services, login.account, self._definitions, self._temporary, self._rewriting, self
        )
        try:
            allowlist.check_name(login.database or "")
            self.link.log_in(login.account.engine_user, login.capabilities, login.database)
        except EngineError as error:
            self._replies.refuse(as_matrixone(error.code, error.state, error.message))
            return
        except SqlError as refused:
            self._replies.refuse(refused)
            return
        try:
            self._replies.ok()
            self._commands()
        finally:
            if self._definitions:  # dropping what was made waits for the transaction that fills it
                self._rollback_aborted()
            self._temporary.close()

    def cancel(self) -> None:
        """Stop what is done for the client here."""
        self._cancelled.set()

    def is_cancelled(self) -> bool:
        """Whether KILL QUERY was sent for what is done now."""
        return self._cancelled.is_set()

    def end(self) -> None:
        """Hang up, as a killed connection is hung up on."""
        with suppress(OSError):  # the client was faster
            self._client.sock.shutdown(socket.SHUT_RDWR)

    def _side_connection(self) -> EngineConnection:
        """A session beside the client's, with its rights and its database."""
        link = self._services.link()
        try:
            link.log_in(self._login.account.engine_user, self._login.capabilities, None)
            if database := self.link.database:
                with suppress(EngineError):  # it was dropped meanwhile
                    link.query(f"USE {quoted(database)}")
        except BaseException:
            link.close()
            raise
        return link

    # -- commands -----------------------------------------------------------------------------------------------

    def _commands(self) -> None:
        while True:
            sequence, command = self._client.read()
            if not command or command[0] == Command.QUIT:
                return
            if self._cancelled.is_set():
                self._cancelled.clear()
            self._replies.begin(sequence)
            if command[0] == Command.QUERY:
                self._queries(_text(command))
            elif command[0] == Command.STMT_PREPARE:
                self._guarded(partial(self._prepare, Statement.read(_text(command))))
            elif command[0] == Command.CHANGE_USER:
                self._replies.refuse(
                    SqlError(1047, "the local server does not change users on an open connection", "08S01")
                )
            elif command[0] in _OF_PREPARED:
                self._has_begun = True
                self._guarded(partial(self._use_prepared, command))
            elif command[0] in {Command.STMT_CLOSE, Command.STMT_SEND_LONG_DATA}:
                if command[0] == Command.STMT_CLOSE:
                    self._parameters.pop(int.from_bytes(command[1:5], "little"), None)
                self.link.send(command)  # commands without a reply
            elif command[0] == Command.INIT_DB:
                self._guarded(partial(self._begin_in, command))
            elif command[0] == Command.SET_OPTION:
                self._set_option(int.from_bytes(command[1:3], "little"))
            elif command[0] in {Command.PING, Command.STATISTICS}:
                self._replies.forward(command[:1])
            elif command[0] == Command.FIELD_LIST:
                self._replies.forward(command)
            else:
                self._replies.refuse(internal_error(f"unsupported command. {command[0]:#x}"))

    def _use_prepared(self, command: bytes) -> bool:
        """Execute a prepared statement, fetch from it, or reset it."""
        number = int.from_bytes(command[1:5], "little")
        if number not in self._parameters:
            raise SqlError(1243, f"Unknown prepared statement handler ({number}) given to the server")
        if command[0] == Command.STMT_EXECUTE:
            command = with_decimals_as_text(command, self._parameters[number])
        return self._replies.forward(command)

    def _begin_in(self, command: bytes) -> bool:
        """Go to the database that a command names."""
        allowlist.check_name(_text(command))
        return self._replies.forward(command)

    def _set_option(self, option: int) -> None:
        """Take several statements at once from now on (0), or one alone (1)."""
        self._several = not option
        self._replies.ok()

    def _queries(self, sql: str) -> None:
        """Carry out the statements of a text, up to the first that fails."""
        is_of_the_engine = self._is_of_the_engine(sql)
        if is_of_the_engine and statements.is_plain(sql):  # a long INSERT is not worth reading whole
            self._has_begun = True
            self._guarded(partial(self._changes_rows, sql))
            return
        text = Statement.read(sql)
        if is_of_the_engine:
            query = query_to_engine_sql(text)
            if query is not None:
                self._has_begun = True
                self._replies.forward_query(query, statements.AS_QUERY)
                return
        *others, last = statements.split_statements(text)
        if others and not self._several:
            read = Reader(text.sql, text.tokens)
            read.at = next(at for at, token in enumerate(text.tokens) if token.said == ";") + 1
            self._replies.refuse(read.error())
            return
        for statement in others:
            with self._replies.more():
                if not self._query(statement):
                    return
        self._query(last)

    def _is_of_the_engine(self, sql: str) -> bool:
        """Whether none of the tables that a statement may name is anything but a table of the engine."""
        services = self._services
        odd = (
            services.external.may_mention(sql)
            or services.table_versions.may_mention(sql)
            or self._temporary.may_mention(sql)
        )
        return not (odd or self._definitions)

    def _query(self, statement: Statement) -> bool:
        """Carry out one statement; False if it was refused."""
        return self._guarded(partial(self._carry_out, statement))

    def _carry_out(self, statement: Statement) -> bool:
        """Carry out one statement; False if the engine refused it."""
        if not statement.tokens:
            self._replies.ok()
            return True
        if allowlist.is_watched(statement.sql):
            allowlist.check_names(statement.tokens)
        if self._services.table_versions.may_mention(statement.sql):
            self._services.table_versions.wait_for_lock(statement.tokens, self)
        with ExitStack() as cleanup:
            recognised = self._parse_matrixone_statement(statement.sql, statement.tokens)
            if recognised is None:
                self._begin_or_end(statement.tokens)
                return self._run_engine_statement(statement, cleanup)
            self._run_matrixone_statement(recognised)
        return True

    def _guarded(self, carry_out: Callable[[], bool]) -> bool:
        """Carry something out, and send what it is refused with; False if it was refused."""
        try:
            return carry_out()
        except SqlError as refused:
            self._replies.refuse(refused)
        except EngineError as error:
            refusal = as_matrixone(error.code, error.state, error.message)
            if refusal.code in ENDS_TRANSACTION:
                self._rollback_aborted()
            self._replies.refuse(refusal)
        except (ConnectionError, TimeoutError):  # the client, or the engine
            raise
        except OSError as error:  # a file of this machine
            self._replies.refuse(internal_error(f"{error.strerror}"))
        except pymysql.MySQLError as error:  # a statement of the relay's own on the catalogue
            self._replies.refuse(SqlError(1105, str(error)))
        except Exception as error:  # noqa: BLE001  # a mistake of ours is to cost the client this statement alone
            traceback.print_exc()
            self._replies.refuse(SqlError(1105, f"the local server failed: {error!r}"))
        return False

    def _begin_or_end(self, tokens: Sequence[Token]) -> None:
        """Note whether a statement begins or ends a transaction: each but SET begins one (server-facts 12, 67)."""
        if not tokens or ends_transaction(tokens) is not None:
            self._has_begun = False
        elif not tokens[0].says("SET"):
            self._has_begun = True

    def _is_open(self) -> bool:
        """Whether a transaction is open, in which some statements are refused."""
        return self._definitions.are_open(self.link) or (self._has_begun and not self.link.autocommit)

    def _changes_rows(self, sql: str) -> bool:
        """Carry out a statement that may change rows; False if the engine refused it."""
        assigned = self._assigning.assigned(sql)
        if isinstance(assigned, str):
            return self._replies.forward_query(assigned, statements.PASS_THROUGH)
        self._replies.ok(assigned.carry_out(self.link))
        return True

    def _parse_matrixone_statement(self, sql: str, tokens: list[Token]) -> object | None:
        """The statement as an object if it is one of MatrixOne's own."""
        kind = tuple(token.text.upper() for token in tokens[:2])
        parse = OWN_STATEMENTS.get(kind) if len(kind) == 2 else None
        read = Reader(sql, tokens)
        if kind[:1] in {("GRANT",), ("REVOKE",)} or parse is parse_user_statement:
            return parse_user_statement(read)
        read.at = 2
        if parse is not None:
            return parse(read)
        if kind[:1] == ("RESTORE",):
            read.at = 1
            return point_in_time.parse_restore(read) or snapshots.parse_restore(read)
        return None

    def _run_matrixone_statement(self, statement: object) -> None:
        """Carry out what only MatrixOne has."""
        if isinstance(statement, LoadData):
            self._load(statement)
            return
        changes = self._changes().get(type(statement))
        if changes is not None and not self._login.account.is_admin:
            raise internal_error(NO_PRIVILEGE)
        if self._is_open():  # server-facts 12, 67
            raise internal_error(USERS_IN_TRANSACTION if isinstance(statement, UserStatement) else IN_TRANSACTION)
        if changes is not None:
            changes(statement)
            self._replies.ok()
        elif isinstance(statement, file_functions.RemoveFiles):
            self._services.files.remove(statement)
            self._replies.ok()
        elif isinstance(statement, stages.ShowStages):
            titles = ("STAGE_NAME", "URL", "STATUS", "COMMENT")
            self._replies.rows(show.Answer(titles, self._services.stages.show(statement)))
        elif isinstance(statement, point_in_time.ShowWindows):
            self._replies.rows(self._services.pitrs.windows(statement))
        elif isinstance(statement, snapshots.ShowSnapshots | point_in_time.ShowPitr):
            self._replies.forward_query(statement.sql, statements.AS_QUERY)

    def _load(self, load: LoadData) -> None:
        statement = replace(load, table=self._temporary.hidden(load.table, self.link.database))
        self._services.external.check_load(statement.table, self.link)
        try:
            count = self._services.loader.load(statement, self)
        finally:
            if self._local is not None:
                self._local.close()
                self._local = None
        self._replies.ok(count)

    def _changes(self) -> Mapping[type, Callable[[Any], None]]:
        """What carries out the statements that only administrators may send."""
        services = self._services
        return {
            stages.CreateStage: lambda statement: services.stages.create(statement, self.link),
            stages.AlterStage: services.stages.alter,
            stages.DropStage: services.stages.drop,
            snapshots.CreateSnapshot: services.snapshots.create,
            snapshots.DropSnapshot: services.snapshots.drop,
            snapshots.Restore: services.snapshots.restore,
            point_in_time.CreatePitr: services.pitrs.create,
            point_in_time.AlterPitr: services.pitrs.alter,
            point_in_time.DropPitr: services.pitrs.drop,
            point_in_time.RestorePitr: services.pitrs.restore,
            UserStatement: services.manage,
        }

    def _run_engine_statement(self, statement: Statement, cleanup: ExitStack) -> bool:
        """Run what the engine has as well, by itself or here."""
        self._check(statement)
        if not statements.reads(statement.tokens) or export.find(statement.tokens) is None:
            allowlist.check(statement)
        if self._services.table_versions.may_mention(statement.sql):
            statement = self._services.table_versions.substitute_tables(statement, self.link)
        if defines(statement.tokens):
            self._replies.ok(self._defining.define(statement, cleanup))
            return True
        if self._temporary.may_mention(statement.sql):
            statement = self._temporary.named_in(statement, self.link.database)
        at = export.find(statement.tokens)
        if self._misdirected and (at is not None or file_functions.saves(statement.tokens)):
            raise internal_error("after a failed INTO OUTFILE a server writes to a wrong path; open a new connection")
        if at is not None:
            self._export(statement, at, cleanup)
            return True
        if statement.tokens[0].says("SET"):
            if self._set_for_all(statement):
                return True
            statement = set_variables.with_plain_modes(statement, self._rewriting.value)
        if statement.tokens[0].says("PREPARE"):
            statement = self._prepared_text(statement)
        sql, tokens = statement.sql, statement.tokens
        if killed := allowlist.kills(tokens):
            self._kill(*killed)
            return True
        if answer := show.answer(tokens, self.link, self._definitions.dropped, self._services.snapshots):
            self._replies.rows(self._temporary.restore_names(answer))
            return True
        count = self._services.external.insert(sql, tokens, self)
        if count is not None:
            self._replies.ok(count)
            return True
        self._variables |= statements.set_variables(tokens)
        end = ends_transaction(tokens) if self._definitions else None
        if end in {End.COMMIT, End.AUTOCOMMIT}:
            self._definitions.commits(self.link)
        rewritten = self._rewriting.rewritten(statement, cleanup)
        if end in {End.COMMIT, End.ROLLBACK}:  # what the statement drops is removed before the client is answered
            self.link.query(rewritten)
            self._settle(end)
            self._replies.ok()
            return True
        if tokens and tokens[0].says("INSERT", "REPLACE", "UPDATE"):
            return self._changes_rows(rewritten)
        done = self._replies.forward_query(rewritten, statements.reply_options(tokens))
        if done and end is not None:
            self._settle(end)
        return done

    def _export(self, statement: Statement, at: int, cleanup: ExitStack) -> None:
        """Carry out a SELECT whose INTO OUTFILE begins at a position."""
        written = export.parse(statement.sql, statement.tokens, at)
        query = Statement(written.query)
        allowlist.check(query)
        self._misdirected = True
        self._services.exports.write(written.over(self._rewriting.rewritten(query, cleanup)), self)
        self._misdirected = False
        self._replies.ok()

    def _set_for_all(self, statement: Statement) -> bool:
        """Carry out a SET of variables of all connections; False if it is another."""
        if statements.is_of_matrixone(statement.sql):
            return False
        changes = set_variables.for_all(
            set_variables.with_plain_modes(statement, self._rewriting.value), self._rewriting.value
        )
        if changes and not self._login.account.is_admin:
            raise internal_error(NO_PRIVILEGE)
        for change in changes:
            self._services.administer(change)
        if changes:
            self._replies.ok()
        return bool(changes)

    def _settle(self, end: End) -> None:
        """Settle the transaction's definitions: a statement has ended it."""
        if end is End.ROLLBACK:
            self._definitions.rolled_back(self)
        elif end is End.COMMIT or not self.link.in_transaction:
            self._definitions.committed(self)

    def _check(self, statement: Statement) -> None:
        """Refuse what a MatrixOne server refuses and the engine would not."""
        tokens = statement.tokens
        if tokens[0].says("SET") and tokens[1:2] and tokens[1].says("PASSWORD"):
            raise internal_error("the local server changes passwords by ALTER USER … IDENTIFIED BY alone")
        if tokens[0].says("ROLLBACK") and any(token.says("TO") for token in tokens[1:3]):
            raise internal_error("savepoint has not been implemented yet. please rollback the transaction.")
        if not self._login.account.is_admin and statements.names_catalogue(tokens):
            raise internal_error(NO_PRIVILEGE)  # server-facts 11
        if statements.reads(tokens):
            known = self._variables | statements.set_variables(tokens)
            for name in sorted(statements.user_variables(tokens) - known):
                raise internal_error(f"the user variable {name[1:]} does not exist")
        if not defines(tokens):
            self._definitions.check(tokens, lambda: self.link.database)

    def _kill(self, connection_id: int, ends: bool) -> None:
        """Stop what a connection is doing, in the engine and here; its end takes the engine's session along."""
        kill = f"KILL QUERY {connection_id}"
        if self._login.account.is_admin:
            self._services.administer(kill)
        elif self._services.is_of(connection_id, self._login.account.user):
            self.link.query(kill)
        else:
            raise internal_error(NO_PRIVILEGE)
        self._replies.ok()
        self._services.cancel(connection_id, end=ends)

    def _prepare(self, statement: Statement) -> bool:
        """Prepare a statement in the engine; False if it refused."""
        prepared = self._replies.prepare(self._preparable(statement))
        if prepared is None:
            return False
        self._parameters[prepared[0]] = prepared[1]
        return True

    def _prepared_text(self, statement: Statement) -> Statement:
        """A PREPARE name FROM 'text' | @variable with the text in the engine's words."""
        read = Reader(statement.sql, statement.tokens)
        read.expect("PREPARE")
        name = quoted(read.name())
        read.expect("FROM")
        token = read.next(Kind.STRING, Kind.WORD)
        read.end()
        if token.kind is Kind.WORD and not token.text.startswith("@"):
            raise read.error()
        text = token.value if token.kind is Kind.STRING else self._rewriting.value(token.text) or ""
        return Statement(f"PREPARE {name} FROM {literal(self._preparable(Statement.read(text)))}")

    def _preparable(self, statement: Statement) -> str:
        """What the engine is to prepare; what only MatrixOne has goes as text."""
        statement, *others = statements.split_statements(statement)
        if others:
            raise bad_input("prepared statement must contain exactly one statement")
        tokens = statement.tokens
        kind = tuple(token.text.upper() for token in tokens[:2])
        allowlist.check_names(tokens)
        is_ours = kind in OWN_STATEMENTS or kind == ("CREATE", "EXTERNAL") or kind[:1] in _OURS
        if is_ours or calls_file_function(tokens) or self._services.external.may_mention(statement.sql):
            raise SqlError(1295, "the local server does not prepare this statement; send it as text")
        if tokens:
            self._check(statement)
        allowlist.check(statement)
        if self._temporary.may_mention(statement.sql):
            statement = self._temporary.named_in(statement, self.link.database)
        if tokens and tokens[0].says("SET"):
            statement = set_variables.with_plain_modes(statement, self._rewriting.value)
        return self._rewriting.translate(statement)

    # -- definitions and transactions ---------------------------------------------------------------------------

    def settle(self, table: Sequence[str]) -> None:
        """See to it that the transaction has no uncommitted rows in a table, which the engine would not change."""
        database = table[0] if len(table) == 2 else self.link.database
        self._definitions.settle([(database.lower(), table[-1].lower())], self)

    def _rollback_aborted(self) -> None:
        """A deadlock or a lock timeout rolls the whole transaction back (server-facts 15)."""
        self.link.query("ROLLBACK")
        self._definitions.rolled_back(self)

    # -- the client's own files ---------------------------------------------------------------------------------

    def fetch(self, path: str) -> Iterator[bytes]:
        """Ask the client for the file that its LOAD DATA LOCAL names; it is stored on the disk while it is read.

        Raises:
            SqlError: the client gives no files.
        """
        if not self._login.capabilities & Capability.LOCAL_FILES:
            raise SqlError(
                3948,
                "Loading local data is disabled; this must be enabled on both the client and server sides",
                "42000",
            )
        if self._local is None:
            self._local = self._spool_local_file(path)
        file = self._local
        file.seek(0)
        while data := file.read(SPOOLED):
            yield data

    def _spool_local_file(self, path: str) -> IO[bytes]:
        """The client's file, whole; nothing but the file that its own statement names is asked for."""
        file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115  # closed with the statement
        failed: OSError | None = None
        try:
            for data in self._replies.ask_for(path):
                try:
                    file.write(data if failed is None else b"")
                except OSError as error:  # the client sends the rest before it hears of it
                    failed = error
            if failed is not None:
                raise failed
        except BaseException:
            file.close()
            raise
        return file


def _text(command: bytes) -> str:
    """What a command says."""
    return command[1:].decode("utf-8", "surrogateescape")
