"""One client's connection: log in, then command by command to the engine, or to what only MatrixOne knows.

What is not recognised here goes to the engine byte for byte, and its answer comes back the same way.
"""

from __future__ import annotations

import re
import secrets
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import pymysql

from . import snapshots, stagefiles, stages
from .engine import EngineError, Link
from .errors import ENDS_TRANSACTION, IN_TRANSACTION, NO_PRIVILEGE, Refused, as_matrixone, internal
from .load import LoadData, parse_load
from .snapshots import CreateSnapshot, DropSnapshot, ShowSnapshots
from .stages import AlterStage, CreateStage, DropStage, ShowStages
from .statements import VERSION, Undoable, defines, hides_databases, is_plain, is_set, kills, rewritten, undoable
from .tokens import Kind, Reader, Token, tokenize
from .users import Account, UserStatement, parse_user_statement
from .wire import (
    ERR,
    LONGEST,
    OFFERED,
    OK,
    Capability,
    Command,
    Gone,
    Packets,
    Status,
    error_packet,
    native_password_fits,
    ok_packet,
    read_error,
    result_packets,
    with_status,
)

NATIVE = b"mysql_native_password"
LOGIN_SECONDS = 10
OWN_STATEMENTS: Mapping[tuple[str, str], Callable[[Reader], object]] = {
    ("CREATE", "STAGE"): stages.parse_create,
    ("ALTER", "STAGE"): stages.parse_alter,
    ("DROP", "STAGE"): stages.parse_drop,
    ("SHOW", "STAGES"): stages.parse_show,
    ("CREATE", "SNAPSHOT"): snapshots.parse_create,
    ("DROP", "SNAPSHOT"): snapshots.parse_drop,
    ("SHOW", "SNAPSHOTS"): snapshots.parse_show,
    ("LOAD", "DATA"): parse_load,
    ("REMOVE", "FILES"): stagefiles.parse_remove,
    ("CREATE", "USER"): parse_user_statement,
    ("DROP", "USER"): parse_user_statement,
    ("CREATE", "ROLE"): parse_user_statement,
    ("DROP", "ROLE"): parse_user_statement,
}


class Services(Protocol):
    """What the connections of one server share."""

    def link(self) -> Link:
        """A connection to the engine, not logged in yet."""
        ...

    def account(self, login: str) -> Account | None:
        """Who logs in under this name, or None."""
        ...

    def manage(self, statement: UserStatement) -> None:
        """Carry out a statement about users and rights."""
        ...

    def cancel(self, connection_id: int, *, end: bool) -> None:
        """Stop what the relay itself is doing for that connection; end it as well."""
        ...

    @property
    def stages(self) -> stages.Stages:
        """The stages."""
        ...

    @property
    def snapshots(self) -> snapshots.Snapshots:
        """The snapshots."""
        ...

    @property
    def files(self) -> stagefiles.StageFiles:
        """The files of the stages."""
        ...

    def load(self, statement: LoadData, link: Link, cancelled: threading.Event) -> int:
        """Carry out LOAD DATA."""
        ...

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How to encrypt, where the server can."""
        ...


@dataclass(frozen=True)
class Login:
    """What a client said when it connected."""

    capabilities: Capability
    database: str | None
    account: Account


class Session:
    """The relay's side of one client's connection."""

    def __init__(self, sock: socket.socket, services: Services) -> None:
        self._client = Packets(sock)
        self._services = services
        self._undo: list[Undoable] = []
        self.cancelled = threading.Event()

    def serve(self, opened: Callable[[int], None]) -> None:
        """Talk with the client until it goes.

        Args:
            opened: told the connection's id, which is the engine's, so that KILL needs no translation.
        """
        try:
            with closing(self._services.link()) as self._link:
                opened(self._link.id)
                login = self._log_in()
                if login is None:
                    return
                self._login = login
                self._client.reads_ahead = True
                self._client.sock.settimeout(None)
                try:
                    self._link.log_in(login.account.user, login.capabilities, login.database)
                except EngineError as error:
                    refused = as_matrixone(error.code, error.state, error.message)
                    self._client.write(self._sequence, _refusal(refused))
                    return
                try:
                    self._client.write(self._sequence, ok_packet(status=self._link.status))
                    self._commands()
                finally:
                    self._roll_back_definitions()
        except (Gone, OSError):
            return  # the client or the engine went away; an open transaction goes with the engine's session
        finally:
            self._client.sock.close()  # under TLS it is not the one that was accepted

    def end(self) -> None:
        """Hang up, as a killed connection is hung up on."""
        with suppress(OSError):  # the client was faster
            self._client.sock.shutdown(socket.SHUT_RDWR)

    # -- logging in ---------------------------------------------------------------------------------------------

    def _log_in(self) -> Login | None:
        self._client.sock.settimeout(LOGIN_SECONDS)
        challenge = bytes(secrets.choice(range(1, 128)) for _ in range(20))
        offered = Capability(OFFERED | (Capability.SSL if self._services.tls else 0))
        greeting = b"\x0a" + VERSION.encode() + b"\0" + struct.pack("<I", self._link.id) + challenge[:8] + b"\0"
        greeting += struct.pack("<HBHHB", offered & 0xFFFF, 45, Status.AUTOCOMMIT, offered >> 16, 21)
        greeting += bytes(10) + challenge[8:] + b"\0" + NATIVE + b"\0"
        self._client.write(0, greeting)
        sequence, data = self._client.read()
        if self._services.tls and len(data) == 32 and int.from_bytes(data[:4], "little") & Capability.SSL:
            self._client = Packets(self._services.tls.wrap_socket(self._client.sock, server_side=True))
            sequence, data = self._client.read()
        if len(data) < 33 or not int.from_bytes(data[:4], "little") & Capability.PROTOCOL_41:
            self._client.write(sequence + 1, error_packet(1043, "08S01", "Bad handshake"))
            return None
        return self._check_login(sequence, data, challenge)

    def _check_login(self, sequence: int, data: bytes, challenge: bytes) -> Login | None:
        capabilities = Capability(int.from_bytes(data[:4], "little") & OFFERED)
        user, at = _until_zero(data, 32)
        length = data[at] if at < len(data) else 0
        answer, at = data[at + 1 : at + 1 + length], at + 1 + length
        database = b""
        if capabilities & Capability.CONNECT_WITH_DB:
            database, at = _until_zero(data, at)
        plugin = _until_zero(data, at)[0] if capabilities & Capability.PLUGIN_AUTH and at < len(data) else NATIVE
        if plugin != NATIVE:
            self._client.write(sequence + 1, b"\xfe" + NATIVE + b"\0" + challenge + b"\0")
            sequence, answer = self._client.read()
        self._sequence = sequence + 1
        account = self._services.account(user.decode("utf-8", "replace"))
        if account is None or not native_password_fits(account.password_hash, challenge, answer):
            self._client.write(
                self._sequence, error_packet(1045, "28000", f"Access denied for user {user.decode(errors='replace')}")
            )
            return None
        return Login(capabilities, database.decode() or None, account)

    # -- commands -----------------------------------------------------------------------------------------------

    def _commands(self) -> None:
        while True:
            _, command = self._client.read()
            if not command or command[0] == Command.QUIT:
                return
            self.cancelled.clear()
            if command[0] == Command.QUERY:
                self._query(command[1:].decode("utf-8", "surrogateescape"))
            elif command[0] == Command.CHANGE_USER:
                self._refuse(Refused(1047, "the local server does not change users on an open connection", "08S01"))
            elif command[0] in {Command.STMT_CLOSE, Command.STMT_SEND_LONG_DATA}:
                self._link.send(command)  # commands without a reply
            else:
                self._forward(command, [])

    def _query(self, sql: str) -> None:
        if is_plain(sql):  # a long INSERT is not worth reading
            self._forward_query(sql, [])
            return
        tokens = tokenize(sql)
        try:
            statement = self._recognised(sql, tokens)
            if statement is None:
                self._ordinary(sql, tokens)
            else:
                self._own(statement)
        except Refused as refused:
            self._refuse(refused)
        except EngineError as error:
            told = as_matrixone(error.code, error.state, error.message)
            if told.code in ENDS_TRANSACTION:
                self._lose_transaction()
            self._refuse(told)
        except pymysql.MySQLError as error:  # a statement of the relay's own on the catalogue
            self._refuse(Refused(1105, str(error)))

    def _recognised(self, sql: str, tokens: list[Token]) -> object | None:
        """The statement as an object if it is one of MatrixOne's own."""
        kind = tuple(token.text.upper() for token in tokens[:2])
        parse = OWN_STATEMENTS.get(kind) if len(kind) == 2 else None
        if parse is None and kind[:1] in {("GRANT",), ("REVOKE",)}:
            parse = parse_user_statement
        if parse is None:
            return None
        if any(token.says(";") for token in tokens[:-1]):
            raise internal(f"the local server takes {' '.join(kind)} alone, not among several statements")
        read = Reader(sql, tokens)
        if parse is not parse_user_statement:
            read.at = 2
        return parse(read)

    def _own(self, statement: object) -> None:
        """Carry out what only MatrixOne has."""
        if isinstance(statement, LoadData):
            self._answer_ok(self._services.load(statement, self._link, self.cancelled))
            return
        if isinstance(statement, stagefiles.RemoveFiles):
            self._services.files.remove(statement)
            self._answer_ok()
            return
        changes = self._changes().get(type(statement))
        if changes is not None and not self._login.account.is_admin:
            raise internal(NO_PRIVILEGE)
        if self._in_transaction and not isinstance(statement, UserStatement):
            raise internal(IN_TRANSACTION)  # server-facts 12
        if changes is not None:
            changes(statement)
            self._answer_ok()
        elif isinstance(statement, ShowStages):
            rows = self._services.stages.show(statement)
            self._client.write(1, *result_packets(("STAGE_NAME", "URL", "STATUS", "COMMENT"), rows, self._link.status))
        elif isinstance(statement, ShowSnapshots):
            self._forward_query(statement.sql, tokenize(statement.sql))

    def _changes(self) -> Mapping[type, Callable[[Any], None]]:
        """What carries out the statements that only administrators may send."""
        services = self._services
        return {
            CreateStage: services.stages.create,
            AlterStage: services.stages.alter,
            DropStage: services.stages.drop,
            CreateSnapshot: services.snapshots.create,
            DropSnapshot: services.snapshots.drop,
            UserStatement: services.manage,
        }

    def _ordinary(self, sql: str, tokens: list[Token]) -> None:
        if tokens and tokens[0].says("ROLLBACK") and any(token.says("TO") for token in tokens[1:3]):
            raise internal("savepoint has not been implemented yet. please rollback the transaction.")
        if not self._login.account.is_admin and _names_catalogue(tokens):
            raise internal(NO_PRIVILEGE)  # server-facts 11
        definition = undoable(tokens)
        if definition and (self._in_transaction or not self._link.autocommit):
            self._define(definition, sql)
            return
        if self._in_transaction and defines(tokens):
            raise internal(
                f"the local server cannot take {tokens[0].text} {tokens[1].text} back with this transaction, and would "
                "commit it; COMMIT first"
            )
        if killed := kills(tokens):
            self._kill(*killed)
            return
        if stagefiles.mentions(tokens):
            sql = self._services.files.written_in(sql, tokens, self._value)
            tokens = tokenize(sql)
        sql = hides_databases(tokens) or rewritten(self._with_past(sql, tokens))
        self._forward_query(sql, tokens)
        self._after(tokens)

    def _kill(self, connection_id: int, ends: bool) -> None:
        """Stop what a connection is doing, in the engine and here; its end takes the engine's session along."""
        self._link.query(f"KILL QUERY {connection_id}")
        self._answer_ok()
        self._services.cancel(connection_id, end=ends)

    def _value(self, expression: str) -> str | None:
        """What an SQL expression comes to."""
        return self._link.query(f"SELECT {expression}").rows[0][0]

    def _with_past(self, sql: str, tokens: list[Token]) -> str:
        """The statement with each `table {snapshot='name'}` turned into the table of the hidden database."""
        for at, name in reversed(snapshots.reads_past(tokens)):
            table, first = tokens[at - 1], at - 1
            database = self._link.query("SELECT DATABASE()").rows[0][0] or ""
            if at > 2 and tokens[at - 2].text == ".":
                database, first = tokens[at - 3].value, at - 3
            then = self._services.snapshots.database_then(name, database)
            past = f"`{then}`.`{table.value}` AS `{table.value}`"
            sql = sql[: tokens[first].start] + past + sql[tokens[at + 4].end :]
        return sql

    # -- transactions -------------------------------------------------------------------------------------------

    @property
    def _in_transaction(self) -> bool:
        return self._link.in_transaction or bool(self._undo)

    def _define(self, definition: Undoable, sql: str) -> None:
        """Carry a CREATE TABLE out on another session, as the engine's own would commit the transaction."""
        database = self._link.query("SELECT DATABASE()").rows[0][0]
        definition = definition.within(database)
        if definition.tolerant and self._link.query(definition.question).rows:
            self._answer_ok()
            return
        with closing(self._services.link()) as aside:
            aside.log_in(self._login.account.user, self._login.capabilities, database)
            aside.query(sql)
        self._undo.append(definition)
        self._answer_ok()

    def _roll_back_definitions(self) -> None:
        undo, self._undo = self._undo, []
        if not undo:
            return
        with closing(self._services.link()) as aside:
            aside.log_in(self._login.account.user, self._login.capabilities, None)
            for definition in reversed(undo):
                with suppress(EngineError):  # dropped by somebody else meanwhile
                    aside.query(definition.undo)

    def _lose_transaction(self) -> None:
        """A deadlock or a lock timeout rolls the whole transaction back (server-facts 15)."""
        self._link.query("ROLLBACK")
        self._roll_back_definitions()

    def _after(self, tokens: list[Token]) -> None:
        if not self._undo or not tokens:
            return
        if tokens[0].says("ROLLBACK"):
            self._roll_back_definitions()
        elif tokens[0].says("COMMIT", "BEGIN") or (tokens[0].says("START") and not self._link.in_transaction):
            self._undo.clear()

    # -- replies ------------------------------------------------------------------------------------------------

    def _answer_ok(self, affected: int = 0) -> None:
        self._client.write(1, ok_packet(affected, 0, self._status))

    def _refuse(self, refused: Refused) -> None:
        self._client.write(1, _refusal(refused))

    @property
    def _status(self) -> Status:
        return self._link.status | (Status.IN_TRANSACTION if self._undo else Status(0))

    def _forward_query(self, sql: str, tokens: list[Token]) -> None:
        self._forward(bytes([Command.QUERY]) + sql.encode("utf-8", "surrogateescape"), tokens)

    def _forward(self, command: bytes, tokens: list[Token]) -> None:
        """Send a command to the engine and its reply to the client, a buffer at a time."""
        self._link.send(command)
        out = bytearray()
        lost = False
        for packet in self._adapted(self._link.reply(command[0]), tokens):
            lost = lost or (packet[4] == ERR and int.from_bytes(packet[5:7], "little") in ENDS_TRANSACTION)
            out += packet
            if not lost and (len(out) > 1 << 16 or not self._link.packets.buffered()):
                self._client.sock.sendall(out)
                out.clear()
        if lost:  # before the client hears of it
            self._lose_transaction()
        if out:
            self._client.sock.sendall(out)

    def _adapted(self, packets: Iterator[bytes], tokens: list[Token]) -> Iterator[bytes]:
        """The engine's packets, its errors in MatrixOne's words, and the flag that a SET leaves (server-facts 41)."""
        reads = bool(tokens) and tokens[0].says("SELECT", "(", "WITH")
        claims = is_set(tokens)
        continued = False
        for packet in packets:
            if not continued and packet[4] == ERR:
                payload = _refusal(as_matrixone(*read_error(packet[4:]), reads=reads))
                yield len(payload).to_bytes(3, "little") + packet[3:4] + payload
            elif not continued and claims and packet[4] == OK:
                yield packet[:4] + with_status(packet[4:], Status.AUTOCOMMIT)
            else:
                yield packet
            continued = len(packet) - 4 == LONGEST


def _refusal(refused: Refused) -> bytes:
    return error_packet(refused.code, refused.state, refused.message)


def _until_zero(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\0", at)
    return (data[at:], len(data)) if end < 0 else (data[at:end], end + 1)


def _names_catalogue(tokens: list[Token]) -> bool:
    return any(
        token.kind in {Kind.WORD, Kind.QUOTED} and token.value.lower() == "mo_catalog" for token in tokens
    ) and bool(re.match(r"(?i)select|insert|update|delete|with|\(", tokens[0].text))
