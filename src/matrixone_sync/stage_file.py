"""Open files of stages: read in ranges, written when they are closed; Python's `io` classes buffer and decode."""

import io
import warnings
from types import TracebackType
from typing import Any, BinaryIO, TextIO, TypeAlias

from matrixone_core.operations import stage_path_files as files
from matrixone_core.operations.stage_path_files import BUFFER, OpenMode, check_codec
from matrixone_core.stage_files import RANGE
from matrixone_core.stage_paths import PureStagePath

BinaryFile: TypeAlias = BinaryIO
TextFile: TypeAlias = TextIO


class _Ranges(io.RawIOBase):
    """A file that is read by ranges."""

    def __init__(self, path: PureStagePath) -> None:
        self._path = path
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        wanted = min(len(buffer), RANGE)
        data: bytes = self._path.perform(files.read_at(self._path, self._place, wanted))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        size = self._path.perform(files.stat(self._path)).size if whence == io.SEEK_END else 0
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: size}[whence]
        if place < 0:
            raise ValueError(f"negative seek position {place}")
        self._place = place
        return place

    def tell(self) -> int:
        return self._place


class _Content(io.BytesIO):
    """What is sent when the file is closed."""

    def __init__(self, path: PureStagePath, mode: OpenMode) -> None:
        super().__init__()
        self._path = path
        self._mode = mode
        self.is_given_up = False

    def readable(self) -> bool:
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        raise io.UnsupportedOperation("not readable: the file was opened to write")

    read1 = readline = readinto = read  # type: ignore[assignment]  # none of them does anything

    def write(self, data: Any, /) -> int:
        files.check_size(self._path, self.tell() + memoryview(data).nbytes)
        return super().write(data)

    def close(self) -> None:
        if self.closed:
            return
        content = self.getvalue()
        super().close()
        if not self.is_given_up:
            self._path.perform(files.write_bytes(self._path, content, overwrite=self._mode.overwrites))

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.is_given_up = exc_val is not None
        super().__exit__(exc_type, exc_val, exc_tb)

    def __del__(self) -> None:
        if not self.closed:
            self.is_given_up = True
            self.close()
            warnings.warn(f"{self._path} was not closed, and nothing was written", ResourceWarning, stacklevel=2)


class WrittenText(io.TextIOWrapper):
    """Text that is sent when the file is closed."""

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        buffer: Any = self.buffer
        buffer.is_given_up = exc_val is not None
        super().__exit__(exc_type, exc_val, exc_tb)


def file_of(path: PureStagePath, mode: str, encoding: str, errors: str, newline: str | None) -> Any:
    """The file that `open` opens."""
    wanted = OpenMode.parse(mode)
    if not wanted.binary:
        check_codec(encoding, errors, newline)
    path.perform(files.check_open(path, wanted))
    if not wanted.reads:
        content = _Content(path, wanted)
        return content if wanted.binary else WrittenText(content, encoding, errors, newline)
    buffered = io.BufferedReader(_Ranges(path), BUFFER)
    return buffered if wanted.binary else io.TextIOWrapper(buffered, encoding, errors, newline)
