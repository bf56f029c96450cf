"""The end of a compressed file in a stage: what the server decompresses, it may store in part without an error."""

from matrixone_core import stage_files
from matrixone_core.errors import LoadFailed
from matrixone_core.steps import Op

_END = 0x177245385090  # before the checksum at the end of a bz2 stream
_LONGEST_END = 11  # bytes from there on


def check_end(url: str, compression: str) -> Op[None]:
    """Check that a stage's file that the server decompresses does not end early.

    The server takes an empty file for one without rows, and stores what there is of a bz2 file that was cut off,
    without an error; a gzip file that was cut off it refuses itself, unless the cut is among the last eight bytes of a
    member, or the first nine of a further one, of which no row is stored then.

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
    if not (yield from stage_files.count_reached(url, (0,))):
        raise _make_cut_off_error(url, compression, "without any")
    if compression == "bz2":
        size = yield from stage_files.size_of(url)
        if not _ends_stream((yield from stage_files.read(url, max(size - _LONGEST_END, 0)))):
            raise _make_cut_off_error(url, compression, "in the middle of its")


def _ends_stream(data: bytes) -> bool:
    """Whether a bz2 stream ends with these bytes: the mark of its end, a checksum, and up to seven bits of nothing."""
    bits = int.from_bytes(data[-_LONGEST_END:], "big")
    return any((bits >> (32 + padding)) & (1 << 48) - 1 == _END for padding in range(8))


def _make_cut_off_error(name: str, compression: str, where: str) -> LoadFailed:
    return LoadFailed(
        f"{name} ends {where} {compression} data: it was cut off; get the whole file, or give compression='none' if it"
        " is not compressed"
    )
