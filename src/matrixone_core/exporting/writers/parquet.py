"""Rows as Parquet, made of record batches; pyarrow is imported when it is needed."""

from collections.abc import Generator
from typing import Any

from matrixone_core import result_columns as codes
from matrixone_core.columnar.decoding import Decoder
from matrixone_core.libraries import library, load
from matrixone_core.row_packets import Block, RowPackets

GROUP_ROWS, GROUP_BYTES = 65_536, 8 << 20  # of a row group, which is in memory until it is written
_TEXTS = frozenset({codes.TIME})  # Parquet has no durations


class Drain:
    """The file that pyarrow writes to: what it wrote is taken out now and then."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0
        self.closed: bool = False

    def write(self, data: Any) -> int:
        """Take bytes in."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._length += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How many bytes there were."""
        return self._length

    def flush(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing: what was written is taken out afterwards."""
        self.closed = True

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


class ParquetWriter:
    """Writes Parquet.

    Attributes:
        packets: cuts the reply into the blocks that are written.

    Raises:
        NotSupported: pyarrow or numpy is not installed.
    """

    def __init__(self) -> None:
        load("numpy", "pyarrow", "pyarrow.compute", "pyarrow.parquet")
        self.packets: RowPackets = RowPackets(GROUP_ROWS, GROUP_BYTES, streams=True)
        self._drain = Drain()
        self._decoder: Any = None
        self._writer: Any = None

    def begin(self, _columns: object) -> bytes:
        """What precedes the rows."""
        self._decoder = Decoder(self.packets, _TEXTS)
        self._writer = library("pyarrow.parquet").ParquetWriter(self._drain, self._decoder.schema)
        return self._drain.take()

    def decode(self, block: Block) -> Generator[None, None, Any]:
        """Make a record batch of rows, little by little."""
        batch: Generator[None, None, Any] = self._decoder.batch(block)
        return batch

    def write(self, batch: Any) -> bytes:
        """A record batch, which becomes a row group."""
        self._writer.write_batch(batch)
        return self._drain.take()

    def finish(self) -> bytes:
        """What follows the rows."""
        self._writer.close()
        return self._drain.take()
