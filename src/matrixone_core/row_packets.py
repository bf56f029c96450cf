"""Rows of a text result as they come over the wire, uncut: found packet by packet, never cell by cell.

A reply's rows are gathered in blocks, from which `columnar` makes columns. No socket, no driver: bytes are fed in.
"""

import struct
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matrixone_core.result_columns import ResultColumn

READ_AT_ONCE = 1 << 16  # bytes to ask a socket for: finding the rows of more would hold an event loop for too long
HEAD = 4  # bytes before each packet: three of its length, one of its number
_LONGEST = (1 << 24) - 1  # a packet of this length goes on in the next one
_EOF, _ERROR = 0xFE, b"\xff"
_EOF_LENGTH = 5
_MORE_RESULTS = 8
_SHORTEST, _WIDTHS = 250, {0xFC: 2, 0xFD: 3, 0xFE: 8}  # a greater first byte of a value, and the bytes of its length
_word = struct.Struct("<I").unpack_from


@dataclass(frozen=True)
class Block:
    """Rows that lie one after another in memory.

    Args:
        data: the packets.
        starts: where each row begins, behind its packet's head, counted from the beginning of the reply's rows.
        base: where `data` begins, counted so.
    """

    data: bytes
    starts: "array[int]"
    base: int

    def __len__(self) -> int:
        return len(self.starts)

    def split(self, size: int) -> "Iterator[Block]":
        """Yield blocks of about this size, of the same rows."""
        parts = min(max(len(self.data) // size, 1), len(self.starts))
        bounds = [len(self.starts) * part // parts for part in range(parts + 1)]
        places = [*(self.starts[row] - HEAD for row in bounds[:-1]), self.base + len(self.data)]
        for (row, end), (begin, stop) in zip(pairwise(bounds), pairwise(places), strict=True):
            yield Block(self.data[begin - self.base : stop - self.base], self.starts[row:end], begin)

    def texts(self) -> Iterator[str]:
        """Yield the first value of each row, a text; bytes that are not UTF-8 become what `os.fsencode` takes."""
        data = self.data
        for start in self.starts:
            at = start - self.base
            length = data[at]
            if length > _SHORTEST:  # then this is how many bytes the length has
                width = _WIDTHS[length]
                length = int.from_bytes(data[at + 1 : at + 1 + width], "little")
                at += width
            yield data[at + 1 : at + 1 + length].decode("utf-8", "surrogateescape")


class RowPackets:
    """The packets of a result's rows, cut into blocks.

    Args:
        block_rows: how many rows a block has at most.
        block_bytes: how many bytes a block has before it is cut, whatever its rows are.
        streams: whether blocks are read one by one; otherwise all of them with the reply.

    Attributes:
        blocks: the blocks that are whole and were not taken yet.
        fields: the columns; empty until the reply comes, and where it has no rows.
        types: names of columns, and the types that the statement says they have.
        is_ordered: whether these are all columns in their order.
        sql: the statement as it was sent.
        ended: whether all rows have come.
        error: the server's error packet that came among the rows, or None.
        has_more_results: whether the server goes on with another result.
        is_interrupted: whether the connection was used for something else before all rows were read.
    """

    def __init__(self, block_rows: int, block_bytes: int, *, streams: bool) -> None:
        self.block_rows = block_rows
        self.block_bytes = block_bytes
        self.streams = streams
        self.blocks: deque[Block] = deque()
        self.fields: tuple[ResultColumn, ...] = ()
        self.types: Sequence[tuple[str, Any]] = ()
        self.is_ordered = False
        self.sql = ""
        self.ended = False
        self.error: bytes | None = None
        self.has_more_results = False
        self.is_interrupted = False
        self._buffer = bytearray()
        self._base = 0  # where the buffer begins, counted from the beginning of the rows
        self._at = 0  # where the next packet begins in the buffer
        self._starts: array[int] = array("q")
        self._number = 0  # of the next packet

    def begin(self, fields: Iterable[Any], number: int) -> None:
        """The columns are known, and rows follow.

        Args:
            fields: the columns, as the drivers describe them.
            number: the next packet's.
        """
        self.fields = tuple(map(ResultColumn.of_field, fields))
        self._number = number

    def feed(self, data: bytes) -> None:
        """Take what has come.

        Raises:
            ValueError: it is no row of a result.
        """
        self._buffer += data
        self._find_rows()
        self._cut()

    def _find_rows(self) -> None:
        buffer, at, number, base = self._buffer, self._at, self._number, self._base
        end, append = len(buffer), self._starts.append
        while end - at > HEAD:
            word = _word(buffer, at)[0]
            following = at + HEAD + (word & _LONGEST)
            if following > end:
                break
            if word >> 24 != number:
                raise ValueError("a packet is out of order")
            if word & _LONGEST == _LONGEST:
                joined = self._join(at, number)
                if joined is None:
                    break
                following, number = joined
                end = len(buffer)
            elif buffer[at + HEAD] >= _EOF and self._is_end(at, following):
                return
            append(base + at + HEAD)
            at = following
            number = (number + 1) & 0xFF
        self._at, self._number = at, number

    def _join(self, at: int, number: int) -> tuple[int, int] | None:
        """Make one packet of those that a long row comes in: where it ends, and the last one's number.

        None if not all of it has come.
        """
        buffer = self._buffer
        heads: list[int] = []
        following = at
        while True:
            if len(buffer) < following + HEAD:
                return None
            word = _word(buffer, following)[0]
            if word >> 24 != (number + len(heads)) & 0xFF:
                raise ValueError("a packet is out of order")
            heads.append(following)
            following += HEAD + (word & _LONGEST)
            if following > len(buffer):
                return None
            if word & _LONGEST != _LONGEST:
                break
        for head in reversed(heads[1:]):
            del buffer[head : head + HEAD]
        return following - HEAD * (len(heads) - 1), (number + len(heads) - 1) & 0xFF

    def _is_end(self, at: int, following: int) -> bool:
        """Whether a packet is not a row but ends them, whose first value may be as long as that byte says."""
        packet = bytes(self._buffer[at + HEAD : following])
        if packet[:1] == _ERROR:
            self.error = packet
        elif len(packet) == _EOF_LENGTH:
            self.has_more_results = bool(packet[3] & _MORE_RESULTS)
            if following != len(self._buffer) and not self.has_more_results:
                raise ValueError("something follows the last row")
        else:
            return False
        self._at = at
        self.ended = True
        return True

    def _cut(self) -> None:
        """Make blocks of the rows that are whole."""
        while len(self._starts) >= self.block_rows:
            self._take(self.block_rows)
        if self._starts and (self.ended or self._at >= self.block_bytes):
            self._take(len(self._starts))

    def _take(self, rows: int) -> None:
        starts = self._starts
        length = starts[rows] - HEAD - self._base if rows < len(starts) else self._at
        with memoryview(self._buffer) as whole:
            self.blocks.append(Block(bytes(whole[:length]), starts[:rows], self._base))
        del self._buffer[:length], starts[:rows]
        self._base += length
        self._at -= length
