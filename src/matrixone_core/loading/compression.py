"""Decompresses data that comes piece by piece; data that ends early is an error."""

import bz2
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from matrixone_core import stage_files
from matrixone_core.errors import LoadFailed
from matrixone_core.operation import Op
from matrixone_core.sql.load import Format

SUFFIXES: Mapping[str, str] = MappingProxyType({".gz": "gzip", ".gzip": "gzip", ".bz2": "bz2", ".bzip2": "bz2"})


_END = 0x177245385090  # before the checksum at the end of a bz2 stream
_LONGEST_END = 11  # bytes from there on


class _Member(Protocol):
    """What decompresses one member of a gzip file, or one stream of a bz2 file."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_MEMBERS: Mapping[str, Callable[[], _Member]] = MappingProxyType(
    {"gzip": lambda: zlib.decompressobj(31), "bz2": bz2.BZ2Decompressor}
)


def compression_of(form: Format, path: str) -> str:
    """How a file is compressed: as its format has it, or else as its suffix says."""
    if form.compression is not None:
        return form.compression
    return next((name for suffix, name in SUFFIXES.items() if path.lower().endswith(suffix)), "none")


class Decompressor:
    """Decompresses one file, which may have several gzip members or bz2 streams.

    Args:
        compression: `none`, `gzip` or `bz2`.
        name: what the file is called in errors.
    """

    def __init__(self, compression: str, name: str) -> None:
        self._compression = compression
        self._name = name
        self._new = _MEMBERS.get(compression)
        self._member = None if self._new is None else self._new()
        self._begun = False  # whether the first member has begun

    def feed(self, piece: bytes) -> bytes:
        """What a piece comes to.

        Raises:
            LoadFailed: the file is not compressed so.
        """
        if self._new is None or self._member is None:
            return piece
        parts: list[bytes] = []
        while piece:
            if self._member.eof:
                piece = piece.lstrip(b"\0")  # tapes and disks fill their last block
                if not piece:
                    break
                self._member = self._new()
            self._begun = True
            try:
                parts.append(self._member.decompress(piece))
            except (zlib.error, OSError) as error:
                raise LoadFailed(f"{self._name} is not {self._compression}-compressed: {error}") from None
            piece = self._member.unused_data if self._member.eof else b""
        return b"".join(parts)

    def finish(self) -> bytes:
        """What is left at the file's end, which is nothing.

        Raises:
            LoadFailed: the file ends before its compressed data does.
        """
        if self._member is not None and not self._member.eof:
            raise _cut_off(self._name, self._compression, "in the middle of its" if self._begun else "without any")
        return b""


def check_end(url: str, compression: str) -> Op[None]:
    """See that a stage's file that the server decompresses does not end early.

    The server takes an empty file for one without rows, and stores what there is of a bz2 file that was cut off,
    without an error; a gzip file that was cut off it refuses itself.

    Args:
        url: its `stage://` URL.
        compression: `none`, `gzip` or `bz2`.

    Raises:
        LoadFailed: it does.
        StageFileNotFound: there is no such file.
        ServerError: it cannot be read.
    """
    if compression == "none":
        return
    if not (yield from stage_files.reached(url, (0,))):
        raise _cut_off(url, compression, "without any")
    if compression == "bz2":
        size = yield from stage_files.size_of(url)
        if not _ends_stream((yield from stage_files.read(url, max(size - _LONGEST_END, 0)))):
            raise _cut_off(url, compression, "in the middle of its")


def _ends_stream(data: bytes) -> bool:
    """Whether a bz2 stream ends with these bytes: the mark of its end, a checksum, and up to seven bits of nothing."""
    bits = int.from_bytes(data[-_LONGEST_END:], "big")
    return any((bits >> (32 + padding)) & (1 << 48) - 1 == _END for padding in range(8))


def _cut_off(name: str, compression: str, where: str) -> LoadFailed:
    return LoadFailed(
        f"{name} ends {where} {compression} data: it was cut off; get the whole file, or give compression='none' if it"
        " is not compressed"
    )
