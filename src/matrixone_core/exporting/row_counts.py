"""How many rows the files of an export have, by the files themselves: the server does not say (server-facts 33).

Another session may write between a statement that exports and one that counts, and a query may give other rows when it
is sent again.
"""

from collections.abc import Mapping
from functools import partial

from matrixone_core.errors import StageFileNotFound
from matrixone_core.parquet_footer import read_footer, row_count
from matrixone_core.sql.export import CsvOutput, Output, ParquetOutput
from matrixone_core.stage_files import IN_FLIGHT, RANGE, read_range
from matrixone_core.stage_paths import PureStagePath
from matrixone_core.steps import Concurrently, Op, in_order, run_in_thread

AGAIN = "export again"
_SLICE = 256 * 1024  # bytes that are searched at once: no other thread runs meanwhile


def count_rows(output: Output, files: Mapping[PureStagePath, int]) -> Op[int]:
    """The number of rows in files.

    Args:
        output: their format, as the server wrote them.
        files: the files, with their lengths in bytes.

    Raises:
        StageFileNotFound: one was removed or replaced meanwhile.
        ServerError: one cannot be read.
    """
    rows = 0
    for path, size in files.items():
        if isinstance(output, ParquetOutput):
            rows += yield from _count_of_footer(path.url, size)
        else:
            lines = (
                LineCounter(output.line_terminator, output.quote) if isinstance(output, CsvOutput) else LineCounter()
            )
            yield from _read_through(path.url, size, lines)
            rows += lines.count - (isinstance(output, CsvOutput) and output.header)
    return rows


class LineCounter:
    """Counts the lines of a text that comes in pieces; line ends in quotes are parts of values.

    Args:
        line_terminator: what ends a line.
        quote: the character around values, which is doubled in them; None if line ends are in no value.

    Attributes:
        count: how many lines have ended.
    """

    def __init__(self, line_terminator: str = "\n", quote: str | None = None) -> None:
        self._end = line_terminator.encode()
        self._quote = None if quote is None else quote.encode()
        self._is_quoted = False
        self._rest = b""  # the beginning of a line end, or of a quote of several bytes
        self.count: int = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece in."""
        for at in range(0, len(data), _SLICE):
            self._feed(self._rest + data[at : at + _SLICE])

    def _feed(self, data: bytes) -> None:
        data, self._rest = _cut(data, (self._end, self._quote or b""))
        if self._quote is None:
            self.count += data.count(self._end)
            return
        pieces = data.split(self._quote)  # inside and outside of quotes by turns
        self.count += sum([piece.count(self._end) for piece in pieces[self._is_quoted :: 2]])
        self._is_quoted ^= len(pieces) % 2 == 0


def _cut(data: bytes, tokens: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """Cut off what may be the beginning of one of some tokens."""
    for token in tokens:
        for length in range(len(token) - 1, 0, -1):
            if data.endswith(token[:length]):
                return data[:-length], data[-length:]
    return data, b""


def _read_through(url: str, size: int, lines: LineCounter) -> Op[None]:
    offsets = range(0, size, RANGE)
    for first in range(0, len(offsets), IN_FLIGHT):
        ops = tuple(_read_exactly(url, at, min(RANGE, size - at)) for at in offsets[first : first + IN_FLIGHT])
        for piece in (yield from _run_together(ops)):
            yield from run_in_thread(partial(lines.feed, piece))


def _run_together(ops: tuple[Op[bytes], ...]) -> Op[tuple[bytes, ...]]:
    if len(ops) == 1:
        return (yield from in_order(ops))
    results: tuple[bytes, ...] = yield from Concurrently(ops, IN_FLIGHT)
    return results


def _count_of_footer(url: str, size: int) -> Op[int]:
    footer = yield from read_footer(url, size)
    rows = None if footer is None else row_count(footer)
    if rows is None:
        raise StageFileNotFound(f"{url} is no Parquet file: it was replaced while its rows were counted", remedy=AGAIN)
    return rows


def _read_exactly(url: str, offset: int, size: int) -> Op[bytes]:
    data = yield from read_range(url, offset, size)
    if len(data) != size:
        raise StageFileNotFound(f"{url} was replaced by a shorter file while its rows were counted", remedy=AGAIN)
    return data
