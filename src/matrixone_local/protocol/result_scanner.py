"""How far a reply to a query has come, read from the bytes of many packets at once."""

from __future__ import annotations

from enum import Enum, auto
from struct import Struct

from matrixone_local.protocol.constants import EOF, ERR, MAX_PACKET_PAYLOAD, OK, VECTOR_MARK, Status
from matrixone_local.protocol.payloads import read_ok


class ReplyPart(Enum):
    """What comes next in a reply to a query."""

    HEAD = auto()
    COLUMNS = auto()
    ROWS = auto()
    NOTHING = auto()


# Looking these up in their classes takes time, and is in every reply.
_HEAD, _COLUMNS, _ROWS, _NOTHING = ReplyPart
_MORE_RESULTS = int(Status.MORE_RESULTS)
_read_head = Struct("<IB").unpack_from  # a packet's length and number, and the first byte of its payload


class ResultScanner:
    """Steps over the packets of a reply that can be passed on as they are.

    Attributes:
        part: what comes next.
        columns: how many of the result's columns have come.
        status: the flags of the last OK or EOF.
    """

    def __init__(self) -> None:
        self.part = _HEAD
        self.columns = 0
        self.status = 0

    def skip(self, data: bytes, at: int) -> tuple[int, bool]:
        """Step over whole packets.

        Args:
            data: bytes of packets.
            at: where the next packet begins.

        Returns:
            Where the first packet begins that is not stepped over, and whether it has to be inspected: an error, part
            of a longer payload, a vector's column, an end with warnings. Otherwise it has not come whole.
        """
        end = len(data)
        part = self.part
        while end - at >= 5 and part is not _NOTHING:
            head, kind = _read_head(data, at)
            length = head & MAX_PACKET_PAYLOAD
            following = at + 4 + length
            if following > end:
                break
            if kind == ERR or not length or length == MAX_PACKET_PAYLOAD:
                return at, True
            if part is _ROWS:
                if kind == EOF and length < 9:
                    if data[at + 5] or data[at + 6]:
                        return at, True
                    part = self._end(data[at + 7] | data[at + 8] << 8)
            elif part is _COLUMNS:
                if kind == EOF and length < 9:
                    part = self.part = _ROWS
                elif data.find(VECTOR_MARK, following - 10, following) >= 0:
                    return at, True
                else:
                    self.columns += 1
            elif kind == OK:
                part = self._end(read_ok(data[at + 4 : following])[2])
            else:
                part = self.part = _COLUMNS
                self.columns = 0
            at = following
        return at, False

    def _end(self, status: int) -> ReplyPart:
        """A result has ended, and with it the reply if its flags name no other."""
        self.status = status
        self.part = _HEAD if status & _MORE_RESULTS else _NOTHING
        return self.part
