"""The end of a compressed file in a stage: what the server decompresses, it may store in part without an error."""

from matrixone_core import stage_files
from matrixone_core.errors import LoadFailed
from matrixone_core.loading.formats.compression import make_unreadable_error
from matrixone_core.steps import Op

_BZ2_END = 0x177245385090  # before the checksum at the end of a bz2 stream
_LONGEST_END = 11  # bytes from there on
_LZ4_BEGIN = b"\x04\x22\x4d\x18"
_LZ4_HAS_CHECKSUM = 4  # a bit of the byte behind that
_BY_SERVER = frozenset({"gzip", "bz2", "lz4"})  # which it tells by the suffix


def check_end(url: str, compression: str) -> Op[None]:
    """Check that the server decompresses a stage's file, and that the file does not end early.

    The server takes an empty file for one without rows, and what is compressed otherwise for lines of text. It stores
    what there is of a bz2 or lz4 file that was cut off, without an error (server-facts 100); a gzip file that was cut
    off it refuses itself, unless the cut is among the last eight bytes of a member, or the first nine of a further one,
    of which no row is stored then.

    Args:
        url: its `stage://` URL.
        compression: as of `compression_of`.

    Raises:
        InvalidArgument: the server does not decompress such a file.
        LoadFailed: it ends early.
        StageFileNotFound: there is no such file.
        ServerError: it cannot be read.
    """
    if compression == "none":
        return
    if compression not in _BY_SERVER:
        raise make_unreadable_error(compression, url, "the server reads gzip, bz2 and lz4")
    if not (yield from stage_files.count_reached(url, (0,))):
        raise _make_cut_off_error(url, compression, "without any")
    if compression == "gzip":
        return
    size = yield from stage_files.size_of(url)
    last = yield from stage_files.read(url, max(size - _LONGEST_END, 0))
    if compression == "bz2":
        is_whole = _ends_bz2(last)
    else:
        is_whole = _ends_lz4((yield from stage_files.read_range(url, 0, _LONGEST_END)), last)
    if not is_whole:
        raise _make_cut_off_error(url, compression, "in the middle of its")


def _ends_bz2(last: bytes) -> bool:
    """Whether a bz2 stream ends with these bytes: the mark of its end, a checksum, and up to seven bits of nothing."""
    bits = int.from_bytes(last[-_LONGEST_END:], "big")
    return any((bits >> (32 + padding)) & (1 << 48) - 1 == _BZ2_END for padding in range(8))


def _ends_lz4(first: bytes, last: bytes) -> bool:
    """Whether an lz4 frame that begins so ends with these bytes: a block of no length, and a checksum if it has one."""
    if not first.startswith(_LZ4_BEGIN) or len(first) < _LONGEST_END:
        return False
    return last.endswith(b"\0\0\0\0") if not first[4] & _LZ4_HAS_CHECKSUM else last[-8:-4] == b"\0\0\0\0"


def _make_cut_off_error(name: str, compression: str, where: str) -> LoadFailed:
    return LoadFailed(
        f"{name} ends {where} {compression} data: it was cut off; get the whole file, or give compression='none' if it"
        " is not compressed"
    )
