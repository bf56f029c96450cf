"""One client's connection: command by command to the engine, or to what only MatrixOne knows.

What is not recognised here goes to the engine byte for byte, and its answer comes back the same way.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import IO, Any

import pymysql

from . import catalogue, outfile, pitr, snapshots, stagefiles, stages, statements
from .assigning import Assigning
from .ddl import End, defines, ends_transaction
from .defining import Defining
from .definitions import Definitions
from .engine import EngineError, Link
from .errors import (
    ENDS_TRANSACTION,
    IN_TRANSACTION,
    NO_PRIVILEGE,
    USERS_IN_TRANSACTION,
    Refused,
    as_matrixone,
    internal,
)
from .hidden import DATABASE
from .loads import LoadData, parse_load
from .login import Login, log_in
from .replies import Replies
from .rewording import query_in_the_engine
from .rewriting import Rewriting
from .services import Services
from .temporary import TemporaryTables
from .tokens import Reader, Statement, Token
from .users import UserStatement, parse_user_statement
from .values import quoted
from .wire import Capability, Command, Gone, Packets, with_decimals_as_text

SPOOLED = 1 << 20
OWN_STATEMENTS: Mapping[tuple[str, str], Callable[[Reader], object]] = {
    ("CREATE", "STAGE"): stages.parse_create,
    ("ALTER", "STAGE"): stages.parse_alter,
    ("DROP", "STAGE"): stages.parse_drop,
    ("SHOW", "STAGES"): stages.parse_show,
    ("CREATE", "SNAPSHOT"): snapshots.parse_create,
    ("DROP", "SNAPSHOT"): snapshots.parse_drop,
    ("SHOW", "SNAPSHOTS"): snapshots.parse_show,
    ("CREATE", "PITR"): pitr.parse_create,
    ("ALTER", "PITR"): pitr.parse_alter,
    ("DROP", "PITR"): pitr.parse_drop,
    ("SHOW", "PITR"): pitr.parse_show,
    ("SHOW", "RECOVERY_WINDOW"): pitr.parse_windows,
    ("LOAD", "DATA"): parse_load,
    ("REMOVE", "FILES"): stagefiles.parse_remove,
    ("CREATE", "USER"): parse_user_statement,
    ("ALTER", "USER"): parse_user_statement,
    ("DROP", "USER"): parse_user_statement,
    ("CREATE", "ROLE"): parse_user_statement,
    ("DROP", "ROLE"): parse_user_statement,
}


class Session:
    """The relay's side of one client's connection.

    Attributes:
        link: the engine's side of it.
    """

    link: Link

    def __init__(self, sock: socket.socket, services: Services) -> None:
        self._client = Packets(sock)
        self._services = services
        self._cancelled = threading.Event()
        self._definitions = Definitions(
            services.journal, services.kept, self._aside, lambda gone: services.external.forget(*gone.name)
        )
        self._temporary = TemporaryTables(services.hidden, self._aside)
        self._variables: set[str] = set()  # the user variables that have a value
        self._parameters: dict[int, int] = {}  # how many each prepared statement has
        self._has_begun = False  # a statement was sent since the last transaction ended
        self._misdirected = False  # an INTO OUTFILE has failed: files would go to a wrong path (server-facts 33)
        self._local: IO[bytes] | None = None  # what the client sent for the statement that is carried out

    def serve(self, opened: Callable[[int], None]) -> None:
        """Talk with the client until it goes.

        Args:
            opened: told the connection's id, which is the engine's, so that KILL needs no translation.
        """
        try:
            with closing(self._services.link()) as self.link:
                opened(self.link.id)
                login = log_in(self._client, self.link.id, self._services.tls, self._services.account)
                if login is None:
                    return
                self._begin(login)
        except (Gone, OSError):
            return  # the client or the engine went away; an open transaction goes with the engine's session
        finally:
            self._client.sock.close()  # under TLS it is not the one that was accepted

    def _begin(self, login: Login) -> None:
        self._login = login
        self._client = login.packets
        self._client.reads_ahead = True
        self._client.sock.settimeout(None)
        self._replies = Replies(
            login.packets, login.sequence, self.link, lambda: bool(self._definitions), self._lose_transaction
        )
        self._rewriting = Rewriting(self._services, self.link, login.account, self, self._definitions)
        self._assigning = Assigning(self.link)
        self._defining = Defining(
            self._services, login.account, self._definitions, self._temporary, self._rewriting, self
        )
        try:
            self.link.log_in(login.account.user, login.capabilities, login.database)
        except EngineError as error:
            self._replies.refuse(as_matrixone(error.code, error.state, error.message))
            return
        try:
            self._replies.ok()
            self._commands()
        finally:
            if self._definitions:  # dropping what was made waits for the transaction that fills it
                self._lose_transaction()
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

    def _aside(self) -> Link:
        """A session beside the client's, with its rights and its database."""
        link = self._services.link()
        try:
            link.log_in(self._login.account.user, self._login.capabilities, None)
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
            _, command = self._client.read()
            if not command or command[0] == Command.QUIT:
                return
            if self._cancelled.is_set():
                self._cancelled.clear()
            self._replies.begin()
            if command[0] == Command.QUERY:
                self._queries(command[1:].decode("utf-8", "surrogateescape"))
            elif command[0] == Command.STMT_PREPARE:
                self._prepare(command[1:].decode("utf-8", "surrogateescape"))
            elif command[0] == Command.CHANGE_USER:
                self._replies.refuse(
                    Refused(1047, "the local server does not change users on an open connection", "08S01")
                )
            elif command[0] == Command.STMT_EXECUTE:
                self._has_begun = True
                parameters = self._parameters.get(int.from_bytes(command[1:5], "little"), 0)
                self._replies.forward(with_decimals_as_text(command, parameters))
            elif command[0] in {Command.STMT_CLOSE, Command.STMT_SEND_LONG_DATA}:
                if command[0] == Command.STMT_CLOSE:
                    self._parameters.pop(int.from_bytes(command[1:5], "little"), None)
                self.link.send(command)  # commands without a reply
            else:
                self._replies.forward(command)

    def _queries(self, sql: str) -> None:
        """Carry out the statements of a text, up to the first that fails."""
        text = Statement(sql)
        if self._is_of_the_engine(sql):
            if statements.is_plain(sql):  # a long INSERT is not worth reading whole
                self._has_begun = True
                self._guarded(lambda: self._changes_rows(sql))
                return
            query = query_in_the_engine(text)
            if query is not None:
                self._has_begun = True
                self._replies.forward_query(query, statements.AS_QUERY)
                return
        *others, last = statements.parts(text)
        if others and not self._login.capabilities & Capability.MULTI_STATEMENTS:
            self._replies.forward_query(sql, statements.manner(text.tokens))  # the engine says what is wrong with it
            return
        for statement in others:
            with self._replies.more():
                if not self._query(statement):
                    return
        self._query(last)

    def _is_of_the_engine(self, sql: str) -> bool:
        """Whether none of the tables that a statement may name is anything but a table of the engine."""
        services = self._services
        odd = services.external.mentioned(sql) or services.kept.mentioned(sql) or self._temporary.mentioned(sql)
        return not (odd or self._definitions)

    def _query(self, statement: Statement) -> bool:
        """Carry out one statement; False if it was refused."""

        def carry_out() -> bool:
            if self._services.kept.mentioned(statement.sql):
                self._services.kept.wait_to_change(statement.tokens, self)
            with ExitStack() as until:
                recognised = self._recognised(statement.sql, statement.tokens)
                if recognised is None:
                    self._begin_or_end(statement.tokens)
                    return self._ordinary(statement, until)
                self._own(recognised)
            return True

        return self._guarded(carry_out)

    def _guarded(self, carry_out: Callable[[], bool]) -> bool:
        """Carry something out, and send what it is refused with; False if it was refused."""
        try:
            return carry_out()
        except Refused as refused:
            self._replies.refuse(refused)
        except EngineError as error:
            told = as_matrixone(error.code, error.state, error.message)
            if told.code in ENDS_TRANSACTION:
                self._lose_transaction()
            self._replies.refuse(told)
        except (ConnectionError, TimeoutError):  # the client, or the engine
            raise
        except OSError as error:  # a file of this machine
            self._replies.refuse(internal(f"{error.strerror}"))
        except pymysql.MySQLError as error:  # a statement of the relay's own on the catalogue
            self._replies.refuse(Refused(1105, str(error)))
        except Exception as error:  # noqa: BLE001  # a mistake of ours is to cost the client this statement alone
            traceback.print_exc()
            self._replies.refuse(Refused(1105, f"the local server failed: {error!r}"))
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
            return self._replies.forward_query(assigned, statements.PLAINLY)
        self._replies.ok(assigned.carry_out(self.link))
        return True

    def _recognised(self, sql: str, tokens: list[Token]) -> object | None:
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
            return pitr.parse_restore(read) or snapshots.parse_restore(read)
        return None

    def _own(self, statement: object) -> None:
        """Carry out what only MatrixOne has."""
        if isinstance(statement, LoadData):
            self._load(statement)
            return
        changes = self._changes().get(type(statement))
        if changes is not None and not self._login.account.is_admin:
            raise internal(NO_PRIVILEGE)
        if self._is_open():  # server-facts 12, 67
            raise internal(USERS_IN_TRANSACTION if isinstance(statement, UserStatement) else IN_TRANSACTION)
        if changes is not None:
            changes(statement)
            self._replies.ok()
        elif isinstance(statement, stagefiles.RemoveFiles):
            self._services.files.remove(statement)
            self._replies.ok()
        elif isinstance(statement, stages.ShowStages):
            titles = ("STAGE_NAME", "URL", "STATUS", "COMMENT")
            self._replies.rows(catalogue.Answer(titles, self._services.stages.show(statement)))
        elif isinstance(statement, pitr.ShowWindows):
            self._replies.rows(self._services.pitrs.windows(statement))
        elif isinstance(statement, snapshots.ShowSnapshots | pitr.ShowPitr):
            self._replies.forward_query(statement.sql, statements.AS_QUERY)

    def _load(self, told: LoadData) -> None:
        statement = replace(told, table=self._temporary.hidden(told.table, self.link.database))
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
            pitr.CreatePitr: services.pitrs.create,
            pitr.AlterPitr: services.pitrs.alter,
            pitr.DropPitr: services.pitrs.drop,
            pitr.RestorePitr: services.pitrs.restore,
            UserStatement: services.manage,
        }

    def _ordinary(self, statement: Statement, until: ExitStack) -> bool:
        """Carry out what the engine has as well, in its own way or in ours."""
        self._check(statement)
        if self._services.kept.mentioned(statement.sql):
            statement = self._services.kept.read_in(statement, self.link)
        if defines(statement.tokens):
            self._replies.ok(self._defining.define(statement, until))
            return True
        if self._temporary.mentioned(statement.sql):
            statement = self._temporary.named_in(statement, self.link.database)
        sql, tokens = statement.sql, statement.tokens
        if killed := statements.kills(tokens):
            self._kill(*killed)
            return True
        if told := catalogue.answer(tokens, self.link, self._definitions.dropped, self._services.snapshots):
            self._replies.rows(self._temporary.told(told))
            return True
        at = outfile.find(tokens)
        if self._misdirected and (at is not None or stagefiles.saves(tokens)):
            raise internal("after a failed INTO OUTFILE a server writes to a wrong path; open a new connection")
        if at is not None:
            self._export(statement, at, until)
            return True
        count = self._services.external.insert(sql, tokens, self)
        if count is not None:
            self._replies.ok(count)
            return True
        self._variables |= statements.set_variables(tokens)
        end = ends_transaction(tokens) if self._definitions else None
        if end in {End.COMMIT, End.AUTOCOMMIT}:
            self._definitions.commits(self.link)
        rewritten = self._rewriting.rewritten(statement, until)
        if end in {End.COMMIT, End.ROLLBACK}:  # what the statement drops is gone when the client hears of it
            self.link.query(rewritten)
            self._settle(end)
            self._replies.ok()
            return True
        if tokens and tokens[0].says("INSERT", "REPLACE", "UPDATE"):
            return self._changes_rows(rewritten)
        done = self._replies.forward_query(rewritten, statements.manner(tokens))
        if done and end is not None:
            self._settle(end)
        return done

    def _export(self, statement: Statement, at: int, until: ExitStack) -> None:
        """Carry out SELECT … INTO OUTFILE."""
        written = outfile.parse(statement.sql, statement.tokens, at)
        self._misdirected = True
        rewritten = self._rewriting.rewritten(Statement(written.query), until)
        self._services.exports.write(written.over(rewritten), self)
        self._misdirected = False
        self._replies.ok()

    def _settle(self, end: End) -> None:
        """Settle the transaction's definitions: a statement has ended it."""
        if end is End.ROLLBACK:
            self._definitions.rolled_back(self)
        elif end is End.COMMIT or not self.link.in_transaction:
            self._definitions.committed(self)

    def _check(self, statement: Statement) -> None:
        """Refuse what a MatrixOne server refuses and the engine would not."""
        tokens = statement.tokens
        if not tokens:
            return
        if DATABASE in statement.sql.lower() and any(catalogue.is_hidden(token) for token in tokens):
            raise internal("names that begin with __mo_local are the local server's own")
        if tokens[0].says("SET") and tokens[1:2] and tokens[1].says("PASSWORD"):
            raise internal("the local server changes passwords by ALTER USER … IDENTIFIED BY alone")
        if tokens[0].says("ROLLBACK") and any(token.says("TO") for token in tokens[1:3]):
            raise internal("savepoint has not been implemented yet. please rollback the transaction.")
        if not self._login.account.is_admin and statements.names_catalogue(tokens):
            raise internal(NO_PRIVILEGE)  # server-facts 11
        if statements.reads(tokens):
            known = self._variables | statements.set_variables(tokens)
            for name in sorted(statements.user_variables(tokens) - known):
                raise internal(f"the user variable {name[1:]} does not exist")
        if not defines(tokens):
            self._definitions.check(tokens, lambda: self.link.database)

    def _kill(self, connection_id: int, ends: bool) -> None:
        """Stop what a connection is doing, in the engine and here; its end takes the engine's session along."""
        self.link.query(f"KILL QUERY {connection_id}")
        self._replies.ok()
        self._services.cancel(connection_id, end=ends)

    def _prepare(self, sql: str) -> None:
        """Prepare a statement in the engine; what only MatrixOne has goes as text."""
        statement = Statement(sql)
        tokens = statement.tokens
        kind = tuple(token.text.upper() for token in tokens[:2])
        if self._temporary.mentioned(sql):
            statement = self._temporary.named_in(statement, self.link.database)
        if kind in OWN_STATEMENTS or stagefiles.mentions(tokens) or self._services.external.mentioned(sql):
            words = "the local server does not prepare this statement; send it as text"
            self._replies.refuse(Refused(1295, words))
            return
        prepared = self._replies.prepare(self._rewriting.reworded(statement))
        if prepared is not None:
            self._parameters[prepared[0]] = prepared[1]

    # -- definitions and transactions ---------------------------------------------------------------------------

    def settle(self, table: Sequence[str]) -> None:
        """See to it that the transaction has no uncommitted rows in a table, which the engine would not change."""
        database = table[0] if len(table) == 2 else self.link.database
        self._definitions.settle([(database.lower(), table[-1].lower())], self)

    def _lose_transaction(self) -> None:
        """A deadlock or a lock timeout rolls the whole transaction back (server-facts 15)."""
        self.link.query("ROLLBACK")
        self._definitions.rolled_back(self)

    # -- the client's own files ---------------------------------------------------------------------------------

    def fetch(self, path: str) -> Iterator[bytes]:
        """Ask the client for the file that its LOAD DATA LOCAL names; it is kept on the disk while it is read.

        Raises:
            Refused: the client gives no files.
        """
        if not self._login.capabilities & Capability.LOCAL_FILES:
            raise Refused(
                3948,
                "Loading local data is disabled; this must be enabled on both the client and server sides",
                "42000",
            )
        if self._local is None:
            self._local = self._received(path)
        file = self._local
        file.seek(0)
        while data := file.read(SPOOLED):
            yield data

    def _received(self, path: str) -> IO[bytes]:
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
