"""One client's connection: command by command to the engine, or to what only MatrixOne knows.

What is not recognised here goes to the engine byte for byte, and its answer comes back the same way.
"""

from __future__ import annotations

import re
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from typing import IO, Any, Protocol

import pymysql

from . import catalogue, external, outfile, snapshots, stagefiles, stages, statements
from .column_types import in_the_engine
from .definitions import Definition, Definitions, End, Journal, defines, ends_transaction, transactional
from .engine import EngineError, Link
from .errors import ENDS_TRANSACTION, IN_TRANSACTION, NO_PRIVILEGE, Refused, as_matrixone, bad_cast, internal
from .loads import LoadData, Loader, parse_load
from .login import Login, log_in
from .rewording import query_in_the_engine, reworded
from .titles import with_titles, with_variables
from .tokens import Reader, Token, tokenize
from .users import Account, UserStatement, parse_user_statement
from .values import literal
from .vectors import VectorColumns
from .wire import (
    EOF,
    ERR,
    LONGEST,
    OK,
    Capability,
    Command,
    Gone,
    Packets,
    Results,
    Status,
    ends,
    error_packet,
    ok_packet,
    read_error,
    read_prepared,
    result_packets,
    with_decimals_as_text,
    with_flags,
)

LOCAL_INFILE = 0xFB
HELD_BYTES = 1 << 20  # of a reply that may turn out to be an error
SPOOLED = 1 << 20
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

    @property
    def loader(self) -> Loader:
        """What carries LOAD DATA out."""
        ...

    @property
    def external(self) -> external.ExternalTables:
        """The external tables."""
        ...

    @property
    def exports(self) -> outfile.Exports:
        """What carries INTO OUTFILE out."""
        ...

    @property
    def journal(self) -> Journal:
        """Where what open transactions make is noted."""
        ...

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How to encrypt, where the server can."""
        ...


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
            services.journal, self._aside, lambda gone: services.external.forget(*gone.name)
        )
        self._variables: set[str] = set()  # the user variables that have a value
        self._sequence = 1  # of the next packet to the client
        self._parameters: dict[int, int] = {}  # how many each prepared statement has
        self._local: IO[bytes] | None = None  # what the client sent for the statement that is carried out
        self._more = Status(0)  # MORE_RESULTS while further statements of the same command follow

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
        self._sequence = login.sequence
        try:
            self.link.log_in(login.account.user, login.capabilities, login.database)
        except EngineError as error:
            self._refuse(as_matrixone(error.code, error.state, error.message))
            return
        try:
            self._answer_ok()
            self._commands()
        finally:
            if self._definitions:  # dropping what was made waits for the transaction that fills it
                self._lose_transaction()

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
            link.log_in(self._login.account.user, self._login.capabilities, self.link.database or None)
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
            self._sequence = 1
            if command[0] == Command.QUERY:
                self._queries(command[1:].decode("utf-8", "surrogateescape"))
            elif command[0] == Command.STMT_PREPARE:
                self._prepare(command[1:].decode("utf-8", "surrogateescape"))
            elif command[0] == Command.CHANGE_USER:
                self._refuse(Refused(1047, "the local server does not change users on an open connection", "08S01"))
            elif command[0] == Command.STMT_EXECUTE:
                parameters = self._parameters.get(int.from_bytes(command[1:5], "little"), 0)
                self._forward(with_decimals_as_text(command, parameters))
            elif command[0] in {Command.STMT_CLOSE, Command.STMT_SEND_LONG_DATA}:
                if command[0] == Command.STMT_CLOSE:
                    self._parameters.pop(int.from_bytes(command[1:5], "little"), None)
                self.link.send(command)  # commands without a reply
            else:
                self._forward(command)

    def _queries(self, sql: str) -> None:
        """Carry out the statements of a text, up to the first that fails."""
        if statements.is_plain(sql) and not self._definitions and not self._services.external.mentioned(sql):
            self._forward_query(sql, statements.PLAINLY)  # a long INSERT is not worth reading
            return
        query = query_in_the_engine(sql)
        if query is not None and not self._definitions and not self._services.external.mentioned(sql):
            self._forward_query(query, statements.AS_QUERY)
            return
        tokens = tokenize(sql)
        texts = statements.parts(sql, tokens)
        if len(texts) > 1 and not self._login.capabilities & Capability.MULTI_STATEMENTS:
            self._forward_query(sql, statements.manner(tokens))  # the engine says what is wrong with it
            return
        for text in texts[:-1]:
            self._more = Status.MORE_RESULTS
            try:
                if not self._query(text, tokenize(text)):
                    return
            finally:
                self._more = Status(0)
        self._query(texts[-1], tokenize(texts[-1]) if len(texts) > 1 else tokens)

    def _query(self, sql: str, tokens: list[Token]) -> bool:
        """Carry out one statement; False if it was refused."""
        try:
            with ExitStack() as until:
                statement = self._recognised(sql, tokens)
                if statement is None:
                    return self._ordinary(sql, tokens, until)
                self._own(statement)
        except Refused as refused:
            self._refuse(refused)
        except EngineError as error:
            told = as_matrixone(error.code, error.state, error.message)
            if told.code in ENDS_TRANSACTION:
                self._lose_transaction()
            self._refuse(told)
        except (ConnectionError, TimeoutError):  # the client, or the engine
            raise
        except OSError as error:  # a file of this machine
            self._refuse(internal(f"{error.strerror}"))
        except pymysql.MySQLError as error:  # a statement of the relay's own on the catalogue
            self._refuse(Refused(1105, str(error)))
        else:
            return True
        return False

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
            return snapshots.parse_restore(read)
        return None

    def _own(self, statement: object) -> None:
        """Carry out what only MatrixOne has."""
        if isinstance(statement, LoadData):
            self._load(statement)
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
        elif isinstance(statement, stages.ShowStages):
            titles = ("STAGE_NAME", "URL", "STATUS", "COMMENT")
            self._answer(catalogue.Answer(titles, self._services.stages.show(statement)))
        elif isinstance(statement, snapshots.ShowSnapshots):
            self._forward_query(statement.sql, statements.AS_QUERY)

    def _load(self, statement: LoadData) -> None:
        self._services.external.check_load(statement.table, self.link)
        try:
            count = self._services.loader.load(statement, self)
        finally:
            if self._local is not None:
                self._local.close()
                self._local = None
        self._answer_ok(count)

    def _changes(self) -> Mapping[type, Callable[[Any], None]]:
        """What carries out the statements that only administrators may send."""
        services = self._services
        return {
            stages.CreateStage: services.stages.create,
            stages.AlterStage: services.stages.alter,
            stages.DropStage: services.stages.drop,
            snapshots.CreateSnapshot: services.snapshots.create,
            snapshots.DropSnapshot: services.snapshots.drop,
            snapshots.Restore: services.snapshots.restore,
            UserStatement: services.manage,
        }

    def _ordinary(self, sql: str, tokens: list[Token], until: ExitStack) -> bool:
        """Carry out what the engine has as well, in its own way or in ours."""
        self._check(tokens)
        if defines(tokens):
            return self._define(sql, tokens, until)
        if killed := statements.kills(tokens):
            self._kill(*killed)
            return True
        if told := catalogue.answer(tokens, self.link):
            self._answer(told)
            return True
        at = outfile.find(tokens)
        if at is not None:
            written = outfile.parse(sql, tokens, at)
            query = tokenize(written.query)
            self._services.exports.write(written.over(self._rewritten(written.query, query, until)), self)
            self._answer_ok()
            return True
        count = self._services.external.insert(sql, tokens, self)
        if count is not None:
            self._answer_ok(count)
            return True
        self._variables |= statements.set_variables(tokens)
        end = ends_transaction(tokens) if self._definitions else None
        if end in {End.COMMIT, End.AUTOCOMMIT}:
            self._definitions.commits(self.link)
        rewritten = self._rewritten(sql, tokens, until)
        if end in {End.COMMIT, End.ROLLBACK}:  # what the statement drops is gone when the client hears of it
            self.link.query(rewritten)
            self._settle(end)
            self._answer_ok()
            return True
        done = self._forward_query(rewritten, statements.manner(tokens))
        if done and end is not None:
            self._settle(end)
        return done

    def _settle(self, end: End) -> None:
        """Settle the transaction's definitions: a statement has ended it."""
        if end is End.ROLLBACK:
            self._definitions.rolled_back()
        elif end is End.COMMIT or not self.link.in_transaction:
            self._definitions.committed()

    def _check(self, tokens: list[Token]) -> None:
        """Refuse what a MatrixOne server refuses and the engine would not."""
        if not tokens:
            return
        if any(catalogue.is_hidden(token) for token in tokens):
            raise internal("names that begin with __mo_local are the local server's own")
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
        self._answer_ok()
        self._services.cancel(connection_id, end=ends)

    # -- rewriting ----------------------------------------------------------------------------------------------

    def _rewritten(self, sql: str, tokens: list[Token], until: ExitStack) -> str:
        """The statement in the engine's words."""
        if stagefiles.mentions(tokens):
            sql = self._services.files.written_in(sql, tokens, self._value)
            tokens = tokenize(sql)
        sql = self._with_past(sql, tokens)
        if self._services.external.mentioned(sql):
            sql = self._services.external.read_in(sql, tokenize(sql), self.link, self, until)
        return self._reworded(sql)

    def _reworded(self, sql: str) -> str:
        """The statement with what needs no looking up put in the engine's words."""
        tokens = tokenize(sql)
        if not tokens:
            return sql
        if tokens[0].says("SET"):
            return statements.settled(sql, tokens)
        if tokens[0].says("SELECT"):
            sql = with_titles(sql)  # by the names as they were written
            sql = with_variables(sql, tokenize(sql), self._variable)
        return reworded(sql)

    def _variable(self, name: str) -> str | None:
        """What a variable or a function without arguments comes to on a MatrixOne server, as SQL."""
        if name in statements.OF_THE_SERVER:
            return None
        if name in {"current_user()", "user()", "session_user()"}:
            return literal(f"{self._login.account.user}@localhost")
        if name == "current_role()":
            return literal(self._login.account.role)
        if re.fullmatch(r"@@(session\.|global\.)?sql_mode", name):
            return literal(",".join(sorted((self._value(name) or "").split(","))))
        return f"CAST({name} AS CHAR)" if name.startswith("@@") else None

    def _value(self, expression: str) -> str | None:
        """What an SQL expression comes to."""
        return self.link.query(f"SELECT {expression}").rows[0][0]

    def _with_past(self, sql: str, tokens: list[Token]) -> str:
        """The statement with the past read where it says `{snapshot='name'}` or `{timestamp='…'}`."""
        places = [(at, name, True) for at, name in snapshots.reads_past(tokens)]
        places += [(at, moment, False) for at, moment in snapshots.read_then(tokens)]
        for at, told, is_snapshot in sorted(places, reverse=True):
            table, first = tokens[at - 1], at - 1
            database = None
            if at > 2 and tokens[at - 2].text == ".":
                database, first = tokens[at - 3].value, at - 3
            if is_snapshot:
                then = self._services.snapshots.database_then(told, database or self.link.database)
                past = f"`{then}`.`{table.value}` AS `{table.value}`"
            else:
                moment = self._value(f"CAST(UNIX_TIMESTAMP({literal(told)}) * 1000000 AS UNSIGNED)")
                if not moment or moment == "0":
                    raise internal(f"invalid timestamp {told}")
                past = f"{sql[tokens[first].start : table.end]} AS OF SNAPSHOT {moment}000"
            sql = sql[: tokens[first].start] + past + sql[tokens[at + 4].end :]
        return sql

    def _prepare(self, sql: str) -> None:
        """Prepare a statement in the engine; what only MatrixOne has goes as text."""
        tokens = tokenize(sql)
        kind = tuple(token.text.upper() for token in tokens[:2])
        if kind in OWN_STATEMENTS or stagefiles.mentions(tokens) or self._services.external.mentioned(sql):
            words = "the local server does not prepare this statement; send it as text"
            self._refuse(Refused(1295, words))
            return
        self._forward(bytes([Command.STMT_PREPARE]) + self._reworded(sql).encode("utf-8", "surrogateescape"))

    # -- definitions and transactions ---------------------------------------------------------------------------

    @property
    def _in_transaction(self) -> bool:
        return self.link.in_transaction or bool(self._definitions)

    def _define(self, sql: str, tokens: list[Token], until: ExitStack) -> bool:
        """Carry out a CREATE, DROP, ALTER, TRUNCATE or RENAME."""
        self._services.external.check(tokens, self.link)
        definition = transactional(tokens)
        joins = self._in_transaction or not self.link.autocommit
        carry_out = self._carry_out(sql, tokens, until)
        if joins and definition:
            again = not (tokens[1].says("EXTERNAL") or self._services.external.mentioned(sql))
            self._define_within(definition.within(self.link.database), carry_out, again=again)
        elif self._in_transaction and tokens[0].says("TRUNCATE"):
            table = tokens[2 if tokens[1].says("TABLE") else 1]
            self.link.query(f"DELETE FROM {sql[table.start :]}")  # noqa: S608  # the client's own name
            self._answer_ok()
        elif self._in_transaction:
            raise internal(
                f"the local server cannot take {tokens[0].text} {tokens[1].text} back with this transaction, and would "
                "commit it; COMMIT first"
            )
        else:
            affected = carry_out(self.link)
            if definition and (definition.verb == "DROP" or not tokens[1].says("EXTERNAL")):
                self._services.external.forget(*definition.within(self.link.database).name)
            self._answer_ok(affected)
        return True

    def _define_within(self, definition: Definition, carry_out: Callable[[Link], int], *, again: bool) -> None:
        """Carry a definition out as a part of the transaction; *again* as `Definitions.make` has it."""
        if definition.verb == "DROP":
            self._definitions.drop(definition)
            self._answer_ok()
            return
        self._answer_ok(self._definitions.make(definition, carry_out, again=again))

    def _carry_out(self, sql: str, tokens: list[Token], until: ExitStack) -> Callable[[Link], int]:
        """What carries a definition out over a session, and gives the number of rows it affects."""
        services = self._services
        if tokens[0].says("CREATE") and any(token.says("CLONE") for token in tokens[:8]):
            read = Reader(sql, tokens)
            read.at = 1
            clone, database = snapshots.parse_clone(read), self.link.database
            if not self._login.account.is_admin:  # the copy is made with the server's rights
                raise internal(NO_PRIVILEGE)

            def made(_link: Link) -> int:
                services.snapshots.clone(clone, database)
                return 0

            return made
        if tokens[0].says("CREATE") and tokens[1].says("EXTERNAL"):
            read = Reader(sql, tokens)
            read.at = 3
            table = external.parse_create(read)

            def create(link: Link) -> int:
                link.query(table.definition)
                services.external.add(table.table[0] if len(table.table) == 2 else link.database, table)
                return 0

            return create
        dropped = statements.drops_database(tokens)
        if dropped is not None:

            def drop(link: Link) -> int:
                tables = catalogue.tables_within(dropped, link)
                link.query(sql)
                return tables

            return drop
        reworded = in_the_engine(sql) if tokens[0].says("CREATE", "ALTER") else sql
        reworded = self._rewritten(reworded, tokenize(reworded), until)
        return lambda link: link.query(reworded).affected

    def _lose_transaction(self) -> None:
        """A deadlock or a lock timeout rolls the whole transaction back (server-facts 15)."""
        self.link.query("ROLLBACK")
        self._definitions.rolled_back()

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
        try:
            self._receive(path, file)
        except BaseException:
            file.close()
            raise
        return file

    def _receive(self, path: str, file: IO[bytes]) -> None:
        self._client.write(self._sequence, bytes([LOCAL_INFILE]) + path.encode("utf-8", "surrogateescape"))
        failed: OSError | None = None
        while True:
            sequence, data = self._client.read()
            self._sequence = (sequence + 1) & 0xFF
            if not data:
                break
            try:
                file.write(data if failed is None else b"")
            except OSError as error:  # the client sends the rest before it hears of it
                failed = error
        if failed is not None:
            file.close()
            raise failed

    # -- replies ------------------------------------------------------------------------------------------------

    @property
    def _status(self) -> int:
        return self.link.status | (Status.IN_TRANSACTION if self._definitions else 0) | self._more

    def _send(self, *payloads: bytes) -> None:
        self._client.write(self._sequence, *payloads)
        self._sequence = (self._sequence + len(payloads)) & 0xFF

    def _answer_ok(self, affected: int = 0) -> None:
        self._send(ok_packet(affected, 0, self._status))

    def _answer(self, told: catalogue.Answer) -> None:
        self._send(*result_packets(told.titles, told.rows, self._status))

    def _refuse(self, refused: Refused) -> None:
        self._send(_refusal(refused))

    def _forward_query(self, sql: str, manner: statements.Manner) -> bool:
        """Send a statement to the engine and its reply to the client; False if it was refused.

        What needs no change is passed on as it comes, many packets at once.
        """
        command = bytes([Command.QUERY]) + sql.encode("utf-8", "surrogateescape")
        if manner.claims or manner.casts or self._more or self._sequence != 1:
            return self._forward(command, manner)
        self.link.send(command)
        results = Results()
        while not results.is_over:
            passed = self.link.packets.pass_over(results)
            if passed:
                self._client.sock.sendall(passed)
            if results.is_odd:
                rest = self._adapted(self.link.rest(results.part), manner, results)
                return self._pass_on(rest)
        self.link.status = results.status
        return True

    def _forward(self, command: bytes, manner: statements.Manner = statements.PLAINLY) -> bool:
        """Send a command to the engine and its reply to the client, a buffer at a time; False if it was refused."""
        self.link.send(command)
        reply = self.link.reply(command[0])
        if command[0] == Command.STMT_PREPARE:
            reply = self._noted(reply)
        is_query = command[0] == Command.QUERY
        reply = self._adapted(reply, manner) if is_query else self._in_our_words(reply)
        return self._pass_on(reply, holds=manner.casts)

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
            if not lost and not holds and (len(out) > 1 << 16 or not self.link.packets.buffered()):
                self._client.sock.sendall(out)
                out.clear()
        if lost:  # before the client hears of it
            self._lose_transaction()
        if holds and not refused and (bad := self._bad_cast(out)):
            self._sequence = sequence  # nothing of it was sent
            raise bad
        if out:
            self._client.sock.sendall(out)
        return not refused

    def _bad_cast(self, reply: bytearray) -> Refused | None:
        """What a MatrixOne server refuses a query with that the engine has cast with a warning."""
        if reply[-5] != EOF or not int.from_bytes(reply[-4:-2], "little"):
            return None
        for _level, _code, words, *_ in self.link.query("SHOW WARNINGS").rows:
            if refused := bad_cast(words or ""):
                return refused
        return None

    def _noted(self, packets: Iterator[bytes]) -> Iterator[bytes]:
        """The reply to a PREPARE; how many parameters the statement has is noted."""
        for number, packet in enumerate(packets):
            if number == 0 and packet[4] == OK:
                statement, parameters = read_prepared(packet[4:])
                self._parameters[statement] = parameters
            yield packet

    def _in_our_words(self, packets: Iterator[bytes]) -> Iterator[bytes]:
        """The engine's packets, its errors in MatrixOne's words."""
        continued = False
        for packet in packets:
            if packet[4] == ERR and not continued:
                payload = _refusal(as_matrixone(*read_error(packet[4:])))
                yield len(payload).to_bytes(3, "little") + packet[3:4] + payload
            else:
                yield packet
            continued = len(packet) - 4 == LONGEST

    def _adapted(
        self, packets: Iterator[bytes], manner: statements.Manner, begun: Results | None = None
    ) -> Iterator[bytes]:
        """The engine's packets as a MatrixOne server would send them.

        Errors have its words, vectors its spaces, and a SET leaves the flag that it leaves (server-facts 41).
        """
        flags = self._more | (Status.AUTOCOMMIT if manner.claims else 0)
        renumbers = self._sequence != 1
        begun = begun or Results()
        vectors = VectorColumns(begun.columns)
        continued = False
        part = begun.part
        for sent in packets:
            packet = sent
            if continued:
                pass
            elif packet[4] == ERR:
                payload = _refusal(as_matrixone(*read_error(packet[4:]), reads=manner.reads))
                packet = len(payload).to_bytes(3, "little") + packet[3:4] + payload
            elif part and ends(packet):
                part = 2 if part == 1 else 0
                packet = with_flags(packet, flags) if flags else packet
            elif part == 2:
                packet = vectors.spaced(packet) if vectors else packet
            elif part == 1:
                vectors.learn(packet)
            elif packet[4] == OK:
                packet = with_flags(packet, flags) if flags else packet
            else:
                part = 1
            continued = len(sent) - 4 == LONGEST
            if renumbers or self._more:
                packet = packet[:3] + bytes([self._sequence]) + packet[4:]
                self._sequence = (self._sequence + 1) & 0xFF
            yield packet


def _refusal(refused: Refused) -> bytes:
    return error_packet(refused.code, refused.state, refused.message)
