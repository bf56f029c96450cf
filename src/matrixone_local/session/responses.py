"""What a client is sent: answers of the relay's own, and the engine's, in numbered packets.

What needs no change goes on byte for byte as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import chain

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import ENDS_TRANSACTION, SqlError, as_matrixone, bad_cast
from matrixone_local.protocol.constants import EOF, ERR, MAX_PACKET_PAYLOAD, OK, Command, Status
from matrixone_local.protocol.packets import Packets, one_packet
from matrixone_local.protocol.payloads import (
    ends,
    error_packet,
    ok_packet,
    read_error,
    read_prepared,
    result_packets,
    with_flags,
    with_found_rows,
)
from matrixone_local.protocol.result_scanner import ReplyPart, ResultScanner
from matrixone_local.protocol.vectors import VectorColumns
from matrixone_local.sql.quoting import literal
from matrixone_local.translation.show import Answer
from matrixone_local.translation.statements import AS_QUERY, PASS_THROUGH, ForwardingRules, judges_warnings
from matrixone_local.translation.translate import EngineQuery

LOCAL_INFILE = 0xFB
HELD_BYTES = 1 << 20  # of a reply that may turn out to be an error


class ResponseWriter:
    """Sends replies to one client.

    Args:
        client: its packets.
        sequence: the number of the next one.
        link: the engine's side of the connection.
        is_open: tells whether a transaction is open that the engine does not know of.
        lose: called when a reply says that the transaction is rolled back, before the client hears of it.
    """

    def __init__(
        self,
        client: Packets,
        sequence: int,
        link: EngineConnection,
        is_open: Callable[[], bool],
        lose: Callable[[], None],
    ) -> None:
        self._client = client
        self._sequence = sequence
        self._link = link
        self._is_open = is_open
        self._lose = lose
        self._more = Status(0)  # MORE_RESULTS while further statements of the same command follow

    def begin(self, sequence: int) -> None:
        """A new command has come: its replies are numbered from the one after its last packet's number."""
        self._sequence = (sequence + 1) & 0xFF

    @contextmanager
    def more(self) -> Generator[None]:
        """A block in which replies say that there are others of the same command."""
        self._more = Status.MORE_RESULTS
        try:
            yield
        finally:
            self._more = Status(0)

    @property
    def _status(self) -> int:
        return self._link.status | (Status.IN_TRANSACTION if self._is_open() else 0) | self._more

    def _send(self, *payloads: bytes) -> None:
        self._client.write(self._sequence, *payloads)
        self._sequence = (self._sequence + len(payloads)) & 0xFF

    def ok(self, affected: int = 0, insert_id: int = 0) -> None:
        """Report that a statement has run, how many rows it affected, and what number a row has got."""
        self._send(ok_packet(affected, insert_id, self._status))

    def rows(self, answer: Answer) -> None:
        """Send rows."""
        self._send(*result_packets(answer.titles, answer.rows, self._status))

    def refuse(self, refused: SqlError) -> None:
        """Send an error."""
        self._send(_refusal(refused))

    def ask_for(self, path: str) -> Iterator[bytes]:
        """Ask the client for a file, and give it piece by piece, to its end."""
        self._client.write(self._sequence, bytes([LOCAL_INFILE]) + path.encode("utf-8", "surrogateescape"))
        while True:
            sequence, data = self._client.read()
            self._sequence = (sequence + 1) & 0xFF
            if not data:
                return
            yield data

    def forward_query(self, sql: str, rules: ForwardingRules) -> bool:
        """Send a statement to the engine and its reply to the client; False if it was refused.

        What needs no change is passed on as it comes, many packets at once.
        """
        exact = self._link.exact_reply(sql) if rules.is_query else None
        if exact is not None:
            return self._pass_on(self._adapted(exact, rules, first=1), holds=rules.refuses_bad_casts)
        command = bytes([Command.QUERY]) + sql.encode("utf-8", "surrogateescape")
        adapts = rules.claims_autocommit or rules.refuses_bad_casts or rules.counts_found
        if adapts or self._more or self._sequence != _first_number(command):
            return self.forward(command, rules)
        self._link.send(command)
        return self._pass_over(rules, sql)

    def forward_known(self, query: EngineQuery) -> bool:
        """As `forward_query`, for a SELECT whose text alone tells what the engine is asked."""
        if self._sequence != 1 or self._link.may_round(query.engine_sql):
            return self.forward_query(query.engine_sql, AS_QUERY)
        self._link.send_select(query.packet)
        return self._pass_over(AS_QUERY, query.engine_sql)

    def _pass_over(self, rules: ForwardingRules, sql: str) -> bool:
        """Send the engine's reply to the client, many packets at once; False if it is an error."""
        scanner = ResultScanner()
        while scanner.part is not ReplyPart.NOTHING:
            passed, needs_inspection = self._link.pass_over(scanner)
            if passed:
                self._client.sock.sendall(passed)
            if needs_inspection:
                rest = self._adapted(self._link.rest(scanner.part), rules, scanner, first=self._sequence)
                return self._pass_on(self._judged(rest) if judges_warnings(rules, sql) else rest)
        self._link.status = scanner.status
        return True

    def forward(self, command: bytes, rules: ForwardingRules = PASS_THROUGH) -> bool:
        """Send a command to the engine and its reply to the client, a buffer at a time; False if it was refused."""
        self._link.send(command)
        reply = self._link.reply(command[0])
        is_query = command[0] == Command.QUERY
        reply = self._adapted(reply, rules, first=_first_number(command)) if is_query else self._in_our_words(reply)
        return self._pass_on(reply, holds=rules.refuses_bad_casts)

    def _pass_on(self, reply: Iterator[bytes], *, holds: bool = False) -> bool:
        """Send packets to the client, a buffer at a time; False if one of them is an error.

        Args:
            reply: the packets.
            holds: whether to wait for the end, as a warning there makes an error of it all.
        """
        out = bytearray()
        sequence = self._sequence
        lost = refused = False
        for packet in reply:
            if packet[4] == ERR:
                refused = True
                lost = lost or int.from_bytes(packet[5:7], "little") in ENDS_TRANSACTION
            out += packet
            holds = holds and len(out) < HELD_BYTES
            if not lost and not holds and (len(out) > 1 << 16 or not self._link.packets.buffered()):
                self._client.sock.sendall(out)
                out.clear()
        if lost:  # before the client hears of it
            self._lose()
        if holds and not refused and (bad := self._bad_cast(out)):
            self._sequence = sequence  # nothing of it was sent
            raise bad
        if out:
            self._client.sock.sendall(out)
        return not refused

    def _judged(self, reply: Iterator[bytes]) -> Iterator[bytes]:
        """A reply that ends with an error where a MatrixOne server refuses what the engine warns of."""
        for packet in reply:
            bad = self._bad_cast(packet) if ends(packet) else None
            yield packet if bad is None else one_packet(packet[3], _refusal(bad))

    def _bad_cast(self, reply: bytes | bytearray) -> SqlError | None:
        """What a MatrixOne server refuses a query with that the engine has cast with a warning."""
        if reply[-5] != EOF or not int.from_bytes(reply[-4:-2], "little"):
            return None
        for _level, _code, words, *_ in self._link.query("SHOW WARNINGS").rows:
            if refused := bad_cast(words or ""):
                return refused
        return None

    def prepare(self, sql: str) -> tuple[int, int] | None:
        """Have the engine prepare a statement: the statement's number, and that of its parameters; None if refused."""
        self._link.send(bytes([Command.STMT_PREPARE]) + sql.encode("utf-8", "surrogateescape"))
        packets = self._in_our_words(self._link.reply(Command.STMT_PREPARE))
        head = next(packets)
        prepared = read_prepared(head[4:]) if head[4] == OK else None
        self._pass_on(chain([head], packets))
        return prepared

    def _in_our_words(self, packets: Iterator[bytes]) -> Iterator[bytes]:
        """The engine's packets, its errors in MatrixOne's words."""
        continued, is_first = False, True
        for sent in packets:
            packet, is_first = _counted(sent) if is_first else sent, False
            if packet[4] == ERR and not continued:
                payload = _refusal(as_matrixone(*read_error(packet[4:])))
                yield len(payload).to_bytes(3, "little") + packet[3:4] + payload
            else:
                yield packet
            continued = len(packet) - 4 == MAX_PACKET_PAYLOAD

    def _worded(self, error: bytes, rules: ForwardingRules) -> SqlError:
        """An error of the engine's in MatrixOne's words, which for a query tell a missing database from a table."""
        code, state, message = read_error(error)
        missing = re.fullmatch(r"Table '(.*?)\..*' doesn't exist", message) if rules.is_query and code == 1146 else None
        if missing:
            known = f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {literal(missing[1])}"  # noqa: S608  # quoted
            if not self._link.query(known).rows:
                return SqlError(1049, f"Unknown database {missing[1]}", "42000")
        return as_matrixone(code, state, message, reads=rules.is_query)

    def _adapted(
        self, packets: Iterator[bytes], rules: ForwardingRules, begun: ResultScanner | None = None, *, first: int
    ) -> Iterator[bytes]:
        """The engine's packets as a MatrixOne server would send them.

        Errors have its words, vectors its spaces, and a SET leaves the flag that it leaves (server-facts 41).

        Args:
            packets: the engine's.
            rules: how they are forwarded.
            begun: how far the reply has been passed on already.
            first: the number of the first packet.
        """
        flags = self._more | (Status.AUTOCOMMIT if rules.claims_autocommit else 0)
        renumbers = self._sequence != first
        begun = begun or ResultScanner()
        vectors = VectorColumns(begun.columns)
        continued = False
        part = begun.part
        for sent in packets:
            packet = sent
            if continued:
                pass
            elif packet[4] == ERR:
                payload = _refusal(self._worded(packet[4:], rules))
                packet = len(payload).to_bytes(3, "little") + packet[3:4] + payload
            elif part is not ReplyPart.HEAD and ends(packet):
                part = ReplyPart.ROWS if part is ReplyPart.COLUMNS else ReplyPart.HEAD
                packet = with_flags(packet, flags) if flags else packet
            elif part is ReplyPart.ROWS:
                packet = vectors.as_served(packet) if vectors else packet
            elif part is ReplyPart.COLUMNS:
                vectors.learn(packet)
            elif packet[4] == OK:
                packet = _counted(with_flags(packet, flags) if flags else packet)
            else:
                part = ReplyPart.COLUMNS
            continued = len(sent) - 4 == MAX_PACKET_PAYLOAD
            if renumbers or self._more:
                packet = packet[:3] + bytes([self._sequence]) + packet[4:]
                self._sequence = (self._sequence + 1) & 0xFF
            yield packet


def _first_number(command: bytes) -> int:
    """The number of the engine's first packet of a reply, which follows those that a command takes."""
    return (len(command) // MAX_PACKET_PAYLOAD + 1) & 0xFF


def _counted(packet: bytes) -> bytes:
    """A packet that counts the rows which an UPDATE has found; another as it is."""
    if packet[4] != OK:
        return packet
    return one_packet(packet[3], with_found_rows(packet[4:]))


def _refusal(refused: SqlError) -> bytes:
    return error_packet(refused.code, refused.state, refused.message)
