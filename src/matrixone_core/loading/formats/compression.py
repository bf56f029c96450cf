"""Decompression of data that comes piece by piece, in bounded memory; data that is cut off is an error."""

import bz2
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from matrixone_core.errors import InvalidArgument, LoadFailed

PIECE = 1024 * 1024  # bytes that come out at a time, at most
_SUFFIXES = {
    ".gz": "gzip", ".gzip": "gzip", ".bz2": "bz2", ".bzip2": "bz2", ".zz": "zlib", ".zlib": "zlib",
    ".lz4": "lz4", ".zst": "zstd", ".zstd": "zstd", ".xz": "xz", ".lzma": "lzma", ".zip": "zip", ".7z": "7z",
    ".br": "brotli", ".snappy": "snappy", ".lz": "lzip", ".z": "compress", ".deflate": "deflate", ".flate": "deflate",
    ".tar": "tar", ".tgz": "tar", ".tbz": "tar", ".tbz2": "tar", ".txz": "tar",
}  # fmt: skip
_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "zlib": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
}
_ARCHIVES = frozenset({"tar", "zip", "7z"})  # which have files, not lines
SUFFIXES = tuple(_SUFFIXES)  # which follow a format's own suffix


def compression_of(compression: str | None, path: str) -> str:
    """Name the compression of a file.

    Args:
        compression: what the caller said, or None.
        path: the file's path or name, whose suffix decides where the caller said nothing.

    Returns:
        `gzip`, `bz2`, `zlib`, `none`, or the name of a compression that `Decompressor` refuses.
    """
    if compression is not None:
        return compression
    stem, dot, suffix = path.lower().rpartition(".")
    found = _SUFFIXES.get(dot + suffix, "none")
    return "tar" if stem.endswith(".tar") and found != "none" else found


def make_unreadable_error(
    compression: str, name: str, known: str = "gzip, bz2 and zlib can be read here"
) -> InvalidArgument:
    """Make the error for a file whose compression cannot be read.

    Args:
        compression: what `compression_of` says.
        name: what the file is called.
        known: what can be read.
    """
    kind = "an archive" if compression in _ARCHIVES else f"compressed with {compression}"
    return InvalidArgument(
        f"{name} is {kind}; {known}: decompress it first, or give compression='none' if it is not compressed"
    )


class Decompressor:
    """Decompresses a file piece by piece, with all its members (as `cat a.gz b.gz` writes them).

    Args:
        compression: `gzip`, `bz2`, `zlib` or `none`.
        name: what the file is called in messages.

    Raises:
        InvalidArgument: the compression cannot be read here.
    """

    def __init__(self, compression: str, name: str) -> None:
        if compression != "none" and compression not in _STREAMS:
            raise make_unreadable_error(compression, name)
        self._compression = compression
        self._name = name
        self._stream: Any = None  # the member that is read; None before the first and between two
        self._members = 0  # that are complete
        self._has_more = False  # whether the stream holds output that was not asked for yet
        self._read = 0  # bytes of the file

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompress a piece of the file.

        Args:
            data: the piece.

        Yields:
            What is in it, in pieces of at most 1 MiB.

        Raises:
            LoadFailed: the data is not compressed as it should be.
        """
        if self._compression == "none":
            if data:
                yield data
            return
        self._read += len(data)
        while data or self._has_more:
            data = self._next_member(data)
            if self._stream is None:
                return
            piece, data = self._decompress(data)
            if piece:
                yield piece

    def finish(self) -> None:
        """Say that the file ends here.

        Raises:
            LoadFailed: its compressed data does not.
        """
        if self._compression != "none" and (self._stream is not None or not self._members):
            raise LoadFailed(
                f"{self._name} ends early: its {self._compression} data is cut off after {self._read:,} bytes;"
                " copy the file again"
            )

    def _next_member(self, data: bytes) -> bytes:
        """Begin a member if none is being read, and return what is left of the data."""
        if self._stream is None:
            if self._members and self._compression == "gzip":
                data = data.lstrip(b"\0")  # gzip files may be padded with zeros
            if data:
                self._stream = _STREAMS[self._compression]()
        return data

    def _decompress(self, data: bytes) -> tuple[bytes, bytes]:
        """The next of what is in a piece, and what is left of the piece."""
        stream = self._stream
        try:
            piece: bytes = stream.decompress(data, PIECE)
        except (zlib.error, OSError) as error:
            raise self._not_compressed(error) from None
        self._has_more = len(piece) == PIECE and not stream.eof
        if stream.eof:
            self._stream = None
            self._members += 1
            return piece, stream.unused_data
        return piece, getattr(stream, "unconsumed_tail", b"")

    def _not_compressed(self, error: Exception) -> LoadFailed:
        if self._members:
            return LoadFailed(
                f"what follows member {self._members} of {self._name} is no {self._compression} data: {error}"
            )
        return LoadFailed(
            f"{self._name} is no {self._compression} data: {error}; if it is not compressed, give compression='none'"
        )
