"""A stage's file that is read here, by statements that give pieces of it (server-facts 31)."""

from matrixone_core.sql.files import PIECE
from matrixone_core.stage_files import read
from matrixone_core.steps import Chunks, Op, next_chunk

PIECES = 16  # in one statement; one in the first, as most files that are read here are small
AT_ONCE = 32  # places that one statement looks at


class StageBytes:
    """The bytes of a stage's file, piece by piece.

    Args:
        url: its `stage://` URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._offset = 0
        self._ended = False

    def next(self) -> Op[bytes | None]:
        """The next piece, or None at the end."""
        if self._ended:
            return None
        pieces = PIECES if self._offset else 1
        found = yield from read(self._url, self._offset, pieces)
        self._ended = len(found) < pieces * PIECE
        self._offset += len(found)
        return found


class ChunkBytes:
    """The bytes of the client's data, piece by piece."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def next(self) -> Op[bytes | None]:
        """The next piece, or None at the end."""
        return (yield from next_chunk(self._chunks))
