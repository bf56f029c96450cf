"""Compressed files, unpacked piece by piece (server-facts 22, 73)."""

from __future__ import annotations

import bz2
import gzip
import importlib
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from matrixone_local.errors import SqlError, internal_error

CHUNK = 1 << 20
_SUFFIXES = {".gz": "gzip", ".gzip": "gzip", ".bz2": "bz2", ".bzip2": "bz2", ".lz4": "lz4"}
_OTHER_NAMES = {"gz": "gzip", "bzip2": "bz2"}
_BITS: Mapping[str, int] = {"zlib": zlib.MAX_WBITS, "flate": -zlib.MAX_WBITS}
_KNOWN = ("gzip", "bz2", "lz4", *_BITS)


def unpacked(raw: Iterator[bytes], compression: str | None, name: str) -> Iterator[bytes]:
    """A file's bytes, unpacked.

    Args:
        raw: its bytes as they are stored.
        compression: `none`, `gzip`, `bz2`, `lz4`, `zlib`, `flate`; None, `auto` or nothing to tell by the suffix.
        name: its name.

    Raises:
        SqlError: it is not compressed so, or it ends early (but for bz2 and lz4).
    """
    if not compression or compression == "auto":
        compression = _SUFFIXES.get(Path(name).suffix.lower(), "none")
    compression = compression.lower()
    compression = _OTHER_NAMES.get(compression, compression)
    if compression == "none":
        yield from raw
        return
    if compression not in _KNOWN:
        raise internal_error(f"the compress type '{compression}' is not support now; {', '.join(_KNOWN)} are")
    try:
        if compression in _BITS:
            yield from _inflated(raw, _BITS[compression])
            return
        with tempfile.SpooledTemporaryFile(max_size=CHUNK) as packed:
            for piece in raw:
                packed.write(piece)
            if not packed.tell():
                return  # no rows, as on a server
            packed.seek(0)
            with closing(_opened(compression, packed)) as file:
                while data := file.read(CHUNK):
                    yield data
    except EOFError as error:
        if compression == "bz2":
            return  # a server stores what there is, and raises no error
        raise SqlError(1105, "unexpected EOF") from error
    except (OSError, zlib.error) as error:
        if compression == "lz4" and "Truncated" in str(error):
            return  # as for bz2
        raise SqlError(1105, f"{compression}: {error}") from None


def _inflated(raw: Iterator[bytes], bits: int) -> Iterator[bytes]:
    inflate = zlib.decompressobj(bits)
    for piece in raw:
        rest = piece
        while rest and not inflate.eof:
            yield inflate.decompress(rest, CHUNK)
            rest = inflate.unconsumed_tail
    yield inflate.flush()
    if not inflate.eof:
        raise EOFError("the file ends early")


def _opened(compression: str, packed: IO[bytes]) -> Any:
    if compression == "lz4":
        arrow: Any = importlib.import_module("pyarrow")
        return arrow.CompressedInputStream(arrow.PythonFile(packed, mode="r"), "lz4")
    return gzip.open(packed, "rb") if compression == "gzip" else bz2.open(packed, "rb")
