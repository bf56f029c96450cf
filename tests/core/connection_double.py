"""A connection for core tests, which have no server: it records what is done with it."""

from array import array
from contextlib import contextmanager
from types import SimpleNamespace

from pymysql.err import MySQLError

from matrixone_core.execution import PACKETS
from matrixone_core.on_connection import WORK
from matrixone_core.row_packets import Block


def field_of(column):
    """A driver's description of a result's column."""
    flags, charset = 32 * column.is_unsigned, 63 if column.is_binary else 45
    return SimpleNamespace(
        name=column.name, type_code=column.type_code, flags=flags, charsetnr=charset, scale=column.scale,
        length=column.length,
    )  # fmt: skip


def block_of(rows):
    """Rows of short values, each bytes or None, as a reply has them."""
    data, starts = bytearray(), array("q")
    for row in rows:
        cells = b"".join(b"\xfb" if value is None else bytes([len(value)]) + value for value in row)
        data += len(cells).to_bytes(3, "little") + b"\0"
        starts.append(len(data))
        data += cells
    return Block(bytes(data), starts, 0)


class Connection:
    """Gives rows to whatever is executed: SQLAlchemy's connection, the driver's below it, its dialect and a result.

    Args:
        columns: the columns of the rows.
        rows: the rows, where they are fetched.
        blocks: the rows, where they stay packets; an exception among them is raised.
        fails: what statements raise that have the text; by text.
        work: the unit of work, or None.

    Attributes:
        log: what was called, in order: statements as they print, and names of methods.
        options: the execution options of each statement.
    """

    loaded_dbapi = SimpleNamespace(Error=MySQLError)
    returns_rows = False
    rowcount = 3

    def __init__(self, columns=(), *, rows=(), blocks=(), fails=None, work=None):
        self.fields = list(map(field_of, columns))
        self.rows = list(rows)
        self.blocks = list(blocks)
        self.fails = fails or {}
        self.work = work
        self.log = []
        self.options = []
        self.open = True
        self.invalidated = False
        self.connection = self.driver_connection = self.dbapi_connection = self.dialect = self._result = self

    # -- SQLAlchemy's connection

    def execute(self, clause, params=None, execution_options=None):
        packets = (execution_options or {}).get(PACKETS)
        if packets is not None:
            packets.begin(self.fields, 4)
            packets.blocks.extend(() if packets.streams else self.blocks)
        return self.exec_driver_sql(str(clause), execution_options)

    def exec_driver_sql(self, sql, execution_options=None):
        self.log.append(sql)
        self.options.append(execution_options or {})
        for text, error in self.fails.items():
            if text in sql:
                raise error
        return self

    def get_execution_options(self):
        return {WORK: self.work}

    def invalidate(self):
        self.log.append("invalidate")
        self.invalidated = True

    def commit(self):
        self.exec_driver_sql("COMMIT")

    # -- the dialect, and the driver's connection

    def next_block(self, connection, packets):
        self.log.append("next_block")
        block = self.blocks.pop(0) if self.blocks else None
        if isinstance(block, BaseException):
            raise block
        packets.ended = block is None
        return block

    @contextmanager
    def sending(self, data):
        self.log.append(f"sends {b''.join(data)!r}")
        yield

    def close_at_once(self):
        self.log.append("close_at_once")
        self.open = False

    # -- a result

    def fetchmany(self, size):
        self.log.append("fetchmany")
        rows, self.rows = self.rows[:size], self.rows[size:]
        for row in rows:
            if isinstance(row, BaseException):
                raise row
        return rows

    def close(self):
        self.log.append("close")
