"""Open files of stages: read in ranges, written when they are closed."""

import codecs
import io
from collections.abc import Generator
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar

from matrixone_core.errors import InvalidArgument
from matrixone_core.operations import stage_path_files as files
from matrixone_core.operations.stage_path_files import BUFFER, OpenMode, check_codec
from matrixone_core.stage_files import RANGE
from matrixone_core.stage_paths import PureStagePath

T = TypeVar("T", str, bytes)


class AsyncStageFile(Generic[T]):
    """A file of a stage: `async with path.open('rb') as file`, or `file = await path.open('rb')`.

    Args:
        path: path of the file.
        mode: the mode of `open`.
        codec: decodes and encodes text; None for a binary file.

    Attributes:
        closed: whether the file is closed.
    """

    def __init__(self, path: PureStagePath, mode: OpenMode, codec: "Codec | None") -> None:
        self._path = path
        self._mode = mode
        self._codec = codec
        self._offset = 0  # of what is fetched next
        self._ended = False
        self._fetched: Any = b"" if codec is None else ""
        self._written = io.BytesIO()
        self.closed: bool = False

    async def read(self, size: int = -1) -> T:
        """Return the next bytes or characters; fewer at the end of the file, and nothing after it.

        Args:
            size: number of bytes or characters; a negative number reads the rest of the file.
        """
        self._check(reads=True)
        pieces, length = [self._fetched], len(self._fetched)
        while size < 0 or length < size:
            piece = await self._fetch(size - length)
            if not piece and self._ended:
                break
            pieces.append(piece)
            length += len(piece)
        data = self._fetched[:0].join(pieces)
        end = len(data) if size < 0 else size
        self._fetched = data[end:]
        found: T = data[:end]
        return found

    async def readline(self) -> T:
        """Return the next line with its line end; empty at the end of the file."""
        self._check(reads=True)
        end: Any = b"\n" if self._codec is None else "\n"
        searched = 0
        while (at := self._fetched.find(end, searched)) < 0 and not self._ended:
            searched = len(self._fetched)
            self._fetched += await self._fetch(0)
        length = len(self._fetched) if at < 0 else at + 1
        line, self._fetched = self._fetched[:length], self._fetched[length:]
        found: T = line
        return found

    async def seek(self, offset: int, whence: int = 0) -> int:
        """Change the position in the file.

        Args:
            offset: number of bytes relative to `whence`; in a text file only 0 from the beginning.
            whence: 0 for the beginning, 1 for the current position, 2 for the end.

        Returns:
            The new position in bytes.

        Raises:
            InvalidArgument: the position is before the beginning, `whence` is not valid, or the file is text.
        """
        self._check(reads=True)
        if whence not in {0, 1, 2} or (self._codec is not None and (offset, whence) != (0, 0)):
            raise InvalidArgument(f"seek({offset}, {whence}) is not possible; a text file allows seek(0) only")
        size = (await self._path.perform(files.stat(self._path))).size if whence == 2 else 0
        now = self.tell() if whence == 1 else size
        place = offset + (now if whence else 0)
        if place < 0:
            raise InvalidArgument(f"seek({offset}, {whence}) goes before the beginning of the file")
        self._offset, self._ended, self._fetched = place, False, self._fetched[:0]
        if self._codec is not None:
            self._codec.decoder.reset()
        return place

    def tell(self) -> int:
        """Return the position in the file in bytes.

        Raises:
            InvalidArgument: the file is text, which has no position in bytes.
        """
        if self._codec is not None:
            raise InvalidArgument("a text file has no position in bytes; open it with the mode 'rb'")
        return self._offset - len(self._fetched) if self._mode.reads else self._written.tell()

    async def write(self, data: T) -> int:
        """Write bytes or text. The data is sent when the file is closed.

        Returns:
            The number of bytes or characters written.

        Raises:
            InvalidArgument: the file would have more than 32,000,000 bytes.
        """
        self._check(reads=False)
        content: Any = data if self._codec is None else self._codec.encode(data)
        files.check_size(self._path, self._written.tell() + len(content))
        _ = self._written.write(content)
        return len(data)

    async def close(self) -> None:
        """Close the file; send the data of a file that was opened to write."""
        if self.closed:
            return
        self.closed = True
        if not self._mode.reads:
            content, overwrite = self._written.getvalue(), self._mode.overwrites
            await self._path.perform(files.write_bytes(self._path, content, overwrite=overwrite))

    def _check(self, *, reads: bool) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if reads != self._mode.reads:
            raise io.UnsupportedOperation(
                "not writable: the file was opened to read"
                if self._mode.reads
                else "not readable: the file was opened to write"
            )

    async def _fetch(self, wanted: int) -> Any:
        """Return the next piece of the file; an empty one may mean that a character is incomplete."""
        size = min(max(wanted, BUFFER), RANGE)
        data: bytes = await self._path.perform(files.read_at(self._path, self._offset, size))
        self._offset += len(data)
        self._ended = not data
        return data if self._codec is None else self._codec.decoder.decode(data, final=self._ended)

    async def _opened(self) -> Self:
        await self._path.perform(files.check_open(self._path, self._mode))
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._opened().__await__()

    async def __aenter__(self) -> Self:
        return await self._opened()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.closed = True
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line


BinaryFile: TypeAlias = AsyncStageFile[bytes]
TextFile: TypeAlias = AsyncStageFile[str]


class Codec:
    """Decodes and encodes text as Python's `open` does."""

    def __init__(self, encoding: str, errors: str, newline: str | None) -> None:
        check_codec(encoding, errors, newline)
        decoder = codecs.getincrementaldecoder(encoding)(errors)
        self.decoder: io.IncrementalNewlineDecoder = io.IncrementalNewlineDecoder(decoder, newline is None)
        self._encoder = codecs.getincrementalencoder(encoding)(errors)
        self._line_feed = newline or "\n"

    def encode(self, text: Any) -> bytes:
        """Encode text."""
        encoded: bytes = self._encoder.encode(text.replace("\n", self._line_feed))
        return encoded


def file_of(path: PureStagePath, mode: str, encoding: str, errors: str, newline: str | None) -> Any:
    """Return the file that `open` opens. This sends nothing to the server."""
    wanted = OpenMode.parse(mode)
    codec = None if wanted.binary else Codec(encoding, errors, newline)
    opened: AsyncStageFile[Any] = AsyncStageFile(path, wanted, codec)
    return opened
