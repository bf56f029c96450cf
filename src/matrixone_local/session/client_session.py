"""A client's session: it logs in, sends commands, is cancelled, and goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.errors import SqlError, as_matrixone
from matrixone_local.features.temporary_tables import TemporaryTables
from matrixone_local.protocol.constants import Command
from matrixone_local.protocol.packets import ConnectionClosed, Packets
from matrixone_local.session.commands import Commands
from matrixone_local.session.context import ServerContext
from matrixone_local.session.handshake import Login, log_in
from matrixone_local.session.local_file import LocalFile
from matrixone_local.session.responses import ResponseWriter
from matrixone_local.session.rewriter import Rewriter
from matrixone_local.session.session_state import SessionState
from matrixone_local.sql.quoting import quoted
from matrixone_local.transactions.ddl_transaction import TransactionalDdl
from matrixone_local.translation import allowlist


class ClientSession:
    """The relay's side of one client's connection.

    Attributes:
        link: the engine's side of it.
        user: who is logged in; None before.
    """

    link: EngineConnection
    user: str | None = None

    def __init__(self, sock: socket.socket, server: ServerContext) -> None:
        self._client = Packets(sock)
        self._server = server
        self._cancelled = threading.Event()
        self._definitions = TransactionalDdl(
            server.undo_log,
            server.table_versions,
            self._side_connection,
            lambda dropped: server.external.forget(*dropped.name),
        )

    def serve(self, opened: Callable[[int], None]) -> None:
        """Talk with the client until it goes.

        Args:
            opened: receives the connection's id, which is the engine's, so that KILL needs no translation.
        """
        try:
            with closing(self._server.link()) as self.link:
                opened(self.link.id)
                login = log_in(self._client, self.link.id, self._server.tls, self._server.account)
                if login is not None:
                    self._begin(login)
        except (ConnectionClosed, OSError):
            return  # the client or the engine went away; an open transaction goes with the engine's session
        finally:
            self._client.sock.close()  # under TLS it is not the one that was accepted

    def _begin(self, login: Login) -> None:
        """Begin the engine's session, and execute commands until the client goes."""
        self._login = login
        self.user = login.account.user
        self._client = login.packets
        self._client.reads_ahead = True
        self._client.sock.settimeout(None)
        state = self._state(login)
        try:
            allowlist.check_name(login.database or "")
            self.link.log_in(login.account.engine_user, login.capabilities, login.database)
        except EngineError as error:
            state.replies.refuse(as_matrixone(error.code, error.state, error.message))
            return
        except SqlError as refused:
            state.replies.refuse(refused)
            return
        try:
            state.replies.ok()
            self._read_commands(state, Commands(state, self._local_file, login.capabilities))
        finally:
            # the engine rolls back what a closed session leaves, whether or not this one was closed already or is
            # owed the rest of a reply; dropping what was made waits for that
            self.link.close()
            if self._definitions:
                self._definitions.rolled_back(self)
            state.temporary.close()

    def _state(self, login: Login) -> SessionState:
        replies = ResponseWriter(
            login.packets,
            login.sequence,
            self.link,
            lambda: bool(self._definitions),
            partial(self._definitions.abort, self),
        )
        self._local_file = LocalFile(replies, login.capabilities)
        temporary = TemporaryTables(self._server.hidden, self._side_connection)
        rewriter = Rewriter(self._server, self.link, login.account, self, self._definitions)
        return SessionState(
            self._server, login.account, self, self.link, replies, self._definitions, temporary, rewriter
        )

    def _read_commands(self, state: SessionState, commands: Commands) -> None:
        while True:
            sequence, command = self._client.read()
            if not command or command[0] == Command.QUIT:
                return
            if self._cancelled.is_set():
                self._cancelled.clear()
            state.replies.begin(sequence)
            commands.carry_out(command)

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

    def settle(self, table: Sequence[str]) -> None:
        """See to it that the transaction has no uncommitted rows in a table, which the engine would not change."""
        database = table[0] if len(table) == 2 else self.link.database
        self._definitions.settle([(database.lower(), table[-1].lower())], self)

    def fetch(self, path: str) -> Iterator[bytes]:
        """Ask the client for the file that its LOAD DATA LOCAL names.

        Raises:
            SqlError: the client gives no files.
        """
        return self._local_file.pieces(path)

    def _side_connection(self) -> EngineConnection:
        """A session beside the client's, with its rights and its database."""
        link = self._server.link()
        try:
            link.log_in(self._login.account.engine_user, self._login.capabilities, None)
            if database := self.link.database:
                with suppress(EngineError):  # it was dropped meanwhile
                    link.query(f"USE {quoted(database)}")
        except BaseException:
            link.close()
            raise
        return link
