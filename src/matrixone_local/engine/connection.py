"""A connection to the engine: one session, its transaction, and the replies to its statements."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from matrixone_local.engine.definition_caches import NOTHING_STALE, DefinitionCaches, Stale, forget
from matrixone_local.engine.lookup_cache import TableLookup
from matrixone_local.engine.vector_digits import with_all_digits
from matrixone_local.engine.vector_keys import REFUSED, with_keys
from matrixone_local.protocol.binary_rows import rows_as_text
from matrixone_local.protocol.constants import EOF, ERR, MAX_PACKET_PAYLOAD, OK, Capability, ColumnType, Command, Status
from matrixone_local.protocol.packets import Packets, join_packets
from matrixone_local.protocol.passwords import native_answer
from matrixone_local.protocol.payloads import (
    ResultColumn,
    ends,
    read_column,
    read_error,
    read_length,
    read_ok,
    read_prepared,
    text_row,
    with_found_rows,
)
from matrixone_local.protocol.result_scanner import ReplyPart, ResultScanner

BINARY_COLLATION = 46  # utf8mb4_bin: MatrixOne compares text byte for byte
_STAYS = re.compile(rb"\s*(?:SELECT|INSERT|REPLACE|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK|SHOW|SET)\b", re.IGNORECASE)
_WITH_SQL = frozenset({Command.QUERY, Command.STMT_PREPARE})
_NO_CURSOR, _ONCE = b"\0", b"\1\0\0\0"
V = TypeVar("V")


class EngineError(Exception):
    """The engine refused a statement."""

    def __init__(self, code: int, state: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.state = state
        self.message = message


@dataclass(frozen=True)
class Rows:
    """What a statement of the relay's own was answered: rows of text, or a count and the number of an inserted row."""

    rows: Sequence[Sequence[str | None]]
    affected: int
    insert_id: int


@dataclass(frozen=True)
class Prepared:
    """A statement of the relay's own that the engine has prepared.

    Args:
        number: the engine's number of it.
        columns: what its result has.
    """

    number: int
    columns: Sequence[ResultColumn]


class BulkThrottle(Protocol):
    """Slows the engine's writers down while connections bring many rows."""

    @property
    def disk_is_full(self) -> bool:
        """Whether the engine's data was found to have no room to grow."""
        ...

    def bulk_writer(self, connection_id: int) -> AbstractContextManager[None]:
        """A block in which a connection brings many rows."""
        ...


class EngineConnection:
    """The engine's side of one client's connection: its session, its transaction.

    Attributes:
        id: the connection's number, the same for client and engine, so that KILL needs no translation.
        status: the status flags of the last reply.
        throttle: to be entered by who brings many rows, with the connection's number.
        caches: what is remembered of definitions.
    """

    def __init__(self, sock: socket.socket, throttle: BulkThrottle, caches: DefinitionCaches) -> None:
        self._sock = sock
        self.throttle = throttle
        self.caches = caches
        self._stale = NOTHING_STALE  # by the last command
        self._prepared_stale = NOTHING_STALE  # by what is prepared, when it is executed
        self._database: str | None = None  # the current one, if it is known
        self.packets = Packets(sock)
        self.packets.reads_ahead = True
        self.status = 0
        _, greeting = self.packets.read()
        at = greeting.index(0, 1) + 1
        self.id = int.from_bytes(greeting[at : at + 4], "little")
        self._challenge = greeting[at + 4 : at + 12] + greeting[at + 31 : at + 43]

    def log_in(self, user: str, capabilities: Capability, database: str | None) -> None:
        """Begin the session.

        Args:
            user: the engine's user, who needs no password on its socket.
            capabilities: what the client asked for; the engine answers in that form.
            database: the database to begin in, or None.

        Raises:
            EngineError: the engine refuses, as when there is no such database.
        """
        capabilities &= ~(Capability.CONNECT_ATTRS | Capability.CONNECT_WITH_DB | Capability.PLUGIN_AUTH_LENENC)
        # The engine asks no client for a file, and is given one statement at a time, which was read.
        capabilities &= ~(Capability.LOCAL_FILES | Capability.MULTI_STATEMENTS)
        # A MatrixOne server counts the rows that an UPDATE finds, and those that an INSERT changes, whoever asks.
        capabilities &= ~Capability.FOUND_ROWS
        if database:
            capabilities |= Capability.CONNECT_WITH_DB
        answer = native_answer("", self._challenge)
        login = struct.pack("<IIB23x", capabilities, 1 << 30, BINARY_COLLATION) + user.encode() + b"\0"
        login += bytes([len(answer)]) + answer
        if database:
            login += database.encode() + b"\0"
        if capabilities & Capability.PLUGIN_AUTH:
            login += b"mysql_native_password\0"
        self.packets.write(1, login)
        _, reply = self.packets.read()
        if reply[0] == ERR:
            raise EngineError(*read_error(reply))
        self.status = read_ok(reply)[2]

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open that has begun or changed something."""
        return bool(self.status & Status.IN_TRANSACTION)

    @property
    def autocommit(self) -> bool:
        """Whether each statement commits by itself."""
        return bool(self.status & Status.AUTOCOMMIT)

    def send(self, command: bytes) -> None:
        """Send a command as the client gave it."""
        forget(self._stale)
        if command[0] == Command.QUERY and _STAYS.match(command, 1):
            self._stale = NOTHING_STALE
        else:
            self._database = None
            self._stale = self._made_stale_by(command)
            forget(self._stale)
        self.packets.write(0, command)

    def send_select(self, packet: bytes) -> None:
        """Send a SELECT as the packet that says so: what is looked at for other commands it cannot change."""
        forget(self._stale)
        self._stale = NOTHING_STALE
        self.packets.sock.sendall(packet)

    def _made_stale_by(self, command: bytes) -> Stale:
        """The caches that a command makes stale."""
        if command[0] == Command.STMT_EXECUTE:
            return self._prepared_stale
        stale = self.caches.made_stale_by(command[1:]) if command[0] in _WITH_SQL else NOTHING_STALE
        if command[0] == Command.STMT_PREPARE:  # it does so when it is executed
            self._prepared_stale |= stale
            return NOTHING_STALE
        return stale

    def pass_over(self, scanner: ResultScanner) -> tuple[bytes, bool]:
        """The next packets of a reply that can be passed on as they are, as of `Packets.pass_over`."""
        passed = self.packets.pass_over(scanner)
        forget(self._stale)
        return passed

    def reply(self, command: int = Command.QUERY) -> Iterator[bytes]:
        """The packets of the engine's reply to a command of this kind, as they come, to the last one."""
        if command == Command.STMT_PREPARE:
            yield from self._prepared()
        elif command in {Command.FIELD_LIST, Command.STMT_FETCH}:
            yield from self._until_eof()
        elif command == Command.STATISTICS:
            yield self.packets.read_raw()
        else:
            yield from self.rest(ReplyPart.HEAD)

    def rest(self, part: ReplyPart) -> Iterator[bytes]:
        """The packets of a reply to a query from the part on that comes next."""
        while part is not ReplyPart.NOTHING:
            if part is ReplyPart.HEAD:
                packet = self.packets.read_raw()
                forget(self._stale)
                yield packet
                part = self._after_head(packet)
            elif part is ReplyPart.COLUMNS:
                yield from self._until_eof()
                part = self._after_result() if self.status & Status.CURSOR_EXISTS else ReplyPart.ROWS
            else:
                yield from self._until_eof()
                part = self._after_result()

    def _after_head(self, packet: bytes) -> ReplyPart:
        if packet[4] not in {ERR, OK}:
            return ReplyPart.COLUMNS
        if packet[4] == ERR:
            self.status &= ~Status.MORE_RESULTS
        else:
            self.status = read_ok(packet[4:])[2]
        return self._after_result()

    def _after_result(self) -> ReplyPart:
        return ReplyPart.HEAD if self.status & Status.MORE_RESULTS else ReplyPart.NOTHING

    def _until_eof(self) -> Iterator[bytes]:
        continued = False
        while True:
            packet = self.packets.read_raw()
            if not continued and ends(packet):
                break
            continued = len(packet) - 4 == MAX_PACKET_PAYLOAD
            yield packet
        if packet[4] == EOF:
            self.status = int.from_bytes(packet[7:9], "little")
        else:
            self.status &= ~Status.MORE_RESULTS
        yield packet

    def _prepared(self) -> Iterator[bytes]:
        head = self.packets.read_raw()
        yield head
        if head[4] == OK:
            for count in (int.from_bytes(head[11:13], "little"), int.from_bytes(head[9:11], "little")):
                if count:
                    yield from self._until_eof()

    @property
    def database(self) -> str:
        """The database that names without one are looked for in; empty if there is none."""
        if self._database is None:
            self._database = self.query("SELECT DATABASE()").rows[0][0] or ""
        return self._database

    def columns(self, query: str) -> Sequence[ResultColumn]:
        """The columns of a query's result; it is not run.

        Raises:
            EngineError: the engine refused it.
        """
        prepared = self._prepare(query)
        self._close_prepared(prepared)
        return prepared.columns

    def described(self, query: str) -> Sequence[ResultColumn] | None:
        """As `columns`, remembered; None if the engine refuses the query."""
        try:
            return self.caches.queries.get((self.database.lower(), query), partial(self.columns, query))
        except EngineError:
            return None

    def fetch_definition(self, lookup: TableLookup[V], table: str) -> V | None:
        """What is remembered of a table that a statement names; None where the engine says what is wrong with it."""
        with suppress(EngineError):
            return lookup.of(table, self.database, lambda sql: self.query(sql).rows)
        return None

    def _prepare(self, query: str) -> Prepared:
        self.send(bytes([Command.STMT_PREPARE]) + query.encode("utf-8", "surrogateescape"))
        packets = join_packets(self.reply(Command.STMT_PREPARE))
        head = next(packets)[4:]
        if head[0] == ERR:
            raise EngineError(*read_error(head))
        number, parameters = read_prepared(head)
        described = [packet[4:] for packet in packets if not ends(packet)]
        return Prepared(number, [read_column(payload) for payload in described[parameters:]])

    def _close_prepared(self, prepared: Prepared) -> None:
        self.send(bytes([Command.STMT_CLOSE]) + prepared.number.to_bytes(4, "little"))

    def may_round(self, query: str) -> bool:
        """Whether a query's result may have a FLOAT or a vector, so that `exact_reply` has to be asked."""
        return self.caches.rounded.may_give(query)

    def exact_reply(self, query: str) -> Iterator[bytes] | None:
        """The packets of a query's reply with all digits of its FLOAT values and vectors.

        The engine's rows of text have six of them. Those of a prepared statement have the bits of a FLOAT; vectors are
        asked for otherwise, where that can be done.

        Returns:
            The packets of a text result; None if it has neither, or the engine refuses it: nothing has run then.
        """
        if not self.may_round(query):
            return None
        given = query
        query, prepared = self._prepared_with_keys(given)
        if prepared is None:
            return None
        if (asked := with_all_digits(query, prepared.columns)) is not None:
            with suppress(EngineError):
                exact = self._prepare(asked)
                self._close_prepared(prepared)
                return self._executed(exact)
        if query != given or any(column.type is ColumnType.FLOAT for column in prepared.columns):
            return self._executed(prepared)
        self._close_prepared(prepared)
        return None

    def _prepared_with_keys(self, query: str) -> tuple[str, Prepared | None]:
        """A query with keys for vectors if it groups or compares them, prepared; None if the engine refuses it."""
        prepared = None
        try:
            prepared = self._prepare(query)
        except EngineError as error:
            if error.code not in REFUSED:
                return query, None
        keyed = with_keys(query, self.described)
        if keyed is None:
            return query, prepared
        try:
            with_texts = self._prepare(keyed)
        except EngineError:
            return query, prepared
        if prepared is not None:
            self._close_prepared(prepared)
        return keyed, with_texts

    def _executed(self, prepared: Prepared) -> Iterator[bytes]:
        number = prepared.number.to_bytes(4, "little")
        self.send(bytes([Command.STMT_EXECUTE]) + number + _NO_CURSOR + _ONCE)
        yield from rows_as_text(self.reply(Command.STMT_EXECUTE))
        self._close_prepared(prepared)

    def query(self, sql: str) -> Rows:
        """Run a statement of the relay's own in this session.

        Raises:
            EngineError: the engine refused it.
        """
        self.send_query(sql)
        return self.read_result()

    def send_query(self, sql: str) -> None:
        """Send a statement of the relay's own; `answer` has to follow."""
        self.send(bytes([Command.QUERY]) + sql.encode("utf-8", "surrogateescape"))

    def read_result(self) -> Rows:
        """What `send_query` led to.

        Raises:
            EngineError: the engine refused it.
        """
        refused: EngineError | None = None
        rows: list[list[str | None]] = []
        columns = affected = insert_id = parts = 0
        for packet in self.reply():
            payload = packet[4:]
            if payload[0] == ERR:
                refused = EngineError(*read_error(payload))
            elif not columns:
                if payload[0] == OK:
                    affected, insert_id, _ = read_ok(with_found_rows(payload))
                else:
                    columns = read_length(payload, 0)[0]
            elif payload[0] == EOF and len(payload) < 9:
                parts += 1
            elif parts:
                rows.append(text_row(payload, columns))
        if refused:
            raise refused
        return Rows(rows, affected, insert_id)

    def stream(self, sql: str) -> Generator[Any]:
        """A query's columns, a list of `ResultColumn`, and then its rows one by one, as lists of texts.

        Raises:
            EngineError: the engine refused it.
        """
        reply = self.exact_reply(sql)
        if reply is None:
            self.send_query(sql)
            reply = self.reply()
        columns: list[ResultColumn] = []
        parts = 0
        try:
            for packet in join_packets(reply):
                if packet[4] == ERR:
                    raise EngineError(*read_error(packet[4:]))
                if ends(packet):
                    parts += 1
                    if parts == 1:
                        yield columns
                elif parts:
                    yield text_row(packet[4:], len(columns))
                elif len(packet) > 13:
                    columns.append(read_column(packet[4:]))
        finally:
            for _ in reply:  # the session is no use before its reply is read
                pass

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        with suppress(OSError):  # the engine has stopped, and its session with it
            self.send(bytes([Command.QUIT]))
        self._sock.close()
