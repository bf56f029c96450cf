"""What our connections do instead of the driver: log in, send a statement's data, judge replies that are broken."""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from typing import Any

from pymysql.charset import charset_by_name
from pymysql.constants import CR
from pymysql.err import InterfaceError, MySQLError, OperationalError, raise_mysql_exception

from matrixone_core.row_packets import Block, RowPackets
from matrixone_core.secrets import password_bytes
from matrixone_core.server_errors import reply_ended
from matrixone_core.wire import (
    MORE_RESULTS,
    Encrypt,
    Greeting,
    Listen,
    Login,
    Say,
    Talk,
    log_in,
    read_greeting,
    unreadable,
)


class ProtocolMixin:
    """The part of a connection that runs the core's side of the protocol; each side has what is not implemented here.

    Attributes:
        time_limit: seconds that a statement may take; None means no limit.
        commits_each: whether the server commits each statement by itself, by the statements that were sent; a new
            connection does.
        packets: where the rows of the next reply go as packets; None to make rows of them.
    """

    time_limit: float | None = None
    commits_each = True
    packets: RowPackets | None = None
    _unread: RowPackets | None = None  # rows that are still to be read from the server
    _untouched = False  # nothing was sent since a COMMIT or ROLLBACK
    _querying = False
    _of_the_parent = False
    _data: AsyncIterator[bytes] | None = None  # what a statement may ask for
    _source_failure: BaseException | None = None  # the error that ended it
    _greeting: Greeting | None = None

    @property
    def _stock(self) -> Any:
        """This connection, with the attributes that the driver's stubs leave out."""
        return self

    async def _encrypt(self) -> None:
        """Go on over TLS."""
        raise NotImplementedError

    def close_at_once(self) -> None:
        """Close the connection without a word to the server."""
        raise NotImplementedError

    def _credentials(self) -> tuple[bytes, bool]:
        """Return the password, and whether TLS is wanted."""
        raise NotImplementedError

    def _new_result(self, plain: Any, of_packets: Any) -> Any:
        """Make the result that the statement wants: with rows that are read, or that stay packets."""
        packets, self.packets = self.packets, None
        result: Any = plain(self) if packets is None else of_packets(self)
        result.packets = packets
        return result

    @contextmanager
    def sending(self, data: AsyncIterator[bytes]) -> Generator[None]:
        """A block in which a statement that asks for the client's data gets these."""
        self._data = data
        try:
            yield
        finally:
            self._data = None

    async def _noting_failure(self, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The data; a failure to read them is the caller's, and no malformed reply."""
        try:
            async for chunk in data:
                yield chunk
        except Exception as error:
            self._source_failure = error
            raise

    @property
    def has_work(self) -> bool:
        """Whether anything was sent that a ROLLBACK could take back."""
        return bool(self._stock.open) and not self._untouched

    async def rollback(self) -> None:
        """Send ROLLBACK, if there is anything to roll back; the server rolls back when a connection closes."""
        if self.has_work:
            stock: Any = super()
            try:
                await stock.rollback()
            except OperationalError:
                if self._stock.open:
                    raise
            self._untouched = True

    @contextmanager
    def intact(self) -> Generator[None]:
        """A block that reads a reply.

        Raises:
            OperationalError: the reply cannot be read; the connection is closed.
        """
        try:
            yield
        except Exception as error:
            self.judge(error)
            raise

    def judge(self, error: Exception) -> None:
        """Close the connection after an error in reading a reply, unless the error is the server's whole answer.

        Raises:
            OperationalError: the reply cannot be read.
        """
        if error is self._source_failure:
            return  # query() closes the connection
        fault = unreadable(error, MySQLError)
        if fault is not None or not reply_ended(error):
            self.close_at_once()
        if fault is not None:
            raise OperationalError(*fault) from None

    async def _read_some(self) -> bytes:
        """Read as much as has come, and at least something."""
        raise NotImplementedError

    async def next_block(self, packets: RowPackets) -> Block | None:
        """The next rows of a reply, or None at its end.

        Raises:
            MySQLError: the server broke off, or the reply is malformed.
        """
        with self.intact():
            while not packets.blocks and not packets.ended:
                await self._read_rows(packets)
        return packets.blocks.popleft() if packets.blocks else None

    async def read_rows(self, packets: RowPackets) -> None:
        """Read rows that have begun to come: all of them, or with the reply none if they are read one by one."""
        self._unread = packets
        while not packets.streams and not packets.ended:
            await self._read_rows(packets)

    async def _read_rows(self, packets: RowPackets) -> None:
        """Read some of the rows.

        Raises:
            MySQLError: the server broke off.
            ValueError: what came are no rows.
        """
        packets.feed(await self._read_some())
        if packets.ended:
            self._unread = None
        if packets.error is not None:
            raise_mysql_exception(packets.error)
        if packets.has_more_results:
            raise InterfaceError(CR.CR_COMMANDS_OUT_OF_SYNC, MORE_RESULTS)

    async def _skip_rows(self) -> None:
        """Read the rows that another statement comes before, for nobody."""
        packets = self._unread
        if packets is not None:
            packets.is_interrupted = True
            with self.intact():
                while not packets.ended:
                    await self._read_rows(packets)
                    packets.blocks.clear()

    async def _get_server_information(self) -> None:
        with self.intact():
            self._greeting = greeting = read_greeting(await self._packet())
        stock = self._stock
        stock.protocol_version = 10
        stock.server_version = greeting.version
        stock.server_thread_id = (greeting.connection_id,)
        stock.salt = greeting.salt
        stock.server_capabilities = greeting.capabilities
        stock.server_language = greeting.collation
        stock.server_status = greeting.status

    async def _request_authentication(self) -> None:
        if self._greeting is not None:
            with self.intact():
                await self._log_in(log_in(self._greeting, self._login()))

    def _login(self) -> Login:
        stock, (password, encrypt) = self._stock, self._credentials()
        charset: Any = charset_by_name(stock.charset)
        return Login(
            user=self._as_bytes(stock.user) or b"",
            password=password_bytes(password),
            database=self._as_bytes(stock.db),
            flags=stock.client_flag,
            collation=charset.id,
            attributes=stock._connect_attrs,
            encrypt=encrypt,
            local=stock.unix_socket is not None,
        )

    def _as_bytes(self, text: str | bytes | None) -> bytes | None:
        return text.encode(self._stock.encoding) if isinstance(text, str) else text

    async def _log_in(self, talk: Talk) -> None:
        with suppress(StopIteration):
            step = next(talk)
            while True:
                step = talk.send(await self._answer(step))

    async def _answer(self, step: Say | Encrypt | Listen) -> bytes:
        match step:
            case Say():
                self._stock.write_packet(step.payload)
            case Encrypt():
                self._stock.write_packet(step.payload)
                await self._encrypt()
                return b""
            case Listen():
                pass
        return await self._packet()

    async def _packet(self) -> bytes:
        packet = await self._stock._read_packet()
        data: bytes = packet.get_all_data()
        return data

    async def _read_ok_packet(self) -> Any:
        stock: Any = super()
        with self.intact():
            return await stock._read_ok_packet()


class ResultMixin:
    """The part of a result that sends no file that the server names, only the statement's data (server-facts 43)."""

    connection: Any
    field_count: Any

    async def _read_load_local_packet(self, first_packet: Any) -> None:
        stock: Any = self
        await self.connection.send_data()
        stock._read_ok_packet(await self.connection._read_packet())

    async def _read_rowdata_packet_unbuffered(self) -> Any:
        connection: Any = self.connection
        stock: Any = super()
        if connection is None:
            return None
        try:  # a row costs less so than in a with block
            row = await stock._read_rowdata_packet_unbuffered()
            if row is not None and len(row) != self.field_count:
                raise ValueError("a row is cut short")
        except Exception as error:
            connection.judge(error)
            raise
        return row

    async def _finish_unbuffered_query(self) -> None:
        connection: Any = self.connection
        stock: Any = super()
        if connection is not None:
            with connection.intact():
                await stock._finish_unbuffered_query()


class PacketMixin:
    """The part of a result whose rows stay packets.

    Attributes:
        packets: where they go.
    """

    connection: Any
    rows: Any
    packets: RowPackets

    async def _read_rowdata_packet(self) -> None:
        stock: Any = self
        self.packets.begin(stock.fields, self.connection._next_seq_id)
        self.rows = ()
        await self.connection.read_rows(self.packets)
