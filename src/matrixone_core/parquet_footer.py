"""The footer of a stage's Parquet file, and the number of rows in it: an export to a stage needs no pyarrow for that.

A footer is a struct of Thrift's compact protocol; the format's `FileMetaData` numbers its fields. All else is read by
pyarrow (`loading.formats.parquet`).
"""

from collections.abc import Callable

from matrixone_core.sql.files import PIECE
from matrixone_core.stage_files import read_range
from matrixone_core.steps import Op

TAIL = 8  # bytes at a file's end: the footer's length, and a mark
_MARK = b"PAR1"
_ROWS = 3  # the field that has the number of rows
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12
_NUMBERS = {4, 5, 6}


def read_footer(url: str, size: int) -> Op[bytes | None]:
    """Read the footer, with the file's last `TAIL` bytes, which tell where it begins; None of another file.

    Args:
        url: its `stage://` URL.
        size: the file's length in bytes.

    Raises:
        StageFileNotFound: there is no such file.
        ServerError: it cannot be read.
    """
    known = min(size, PIECE)
    end = (yield from read_range(url, size - known, known)) if known else b""
    if len(end) != known or end[-len(_MARK) :] != _MARK or len(end) <= TAIL:
        return None
    length = int.from_bytes(end[-TAIL : -len(_MARK)], "little") + TAIL
    footer = end if length <= known or length > size else (yield from read_range(url, size - length, length))
    return footer[-length:] if len(footer) >= length else None


def row_count(footer: bytes) -> int | None:
    """The number of rows; None of what is no footer.

    Args:
        footer: the footer, or its beginning.
    """
    try:
        return _Reader(footer).find_rows()
    except (IndexError, KeyError):
        return None


class _Reader:
    """Reads a struct from its beginning.

    Args:
        data: the struct.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._skips: dict[int, Callable[[], object]] = {
            _BYTE: self._byte, _DOUBLE: self._skip_double, _BINARY: self._skip_binary, _LIST: self._skip_list,
            _SET: self._skip_list, _STRUCT: self._skip_struct, **dict.fromkeys(_NUMBERS, self._number),
        }  # fmt: skip

    def find_rows(self) -> int:
        field = 0
        while kind := self._begin_field():
            field = field + kind[0] if kind[0] else self._signed()
            if field == _ROWS:
                return self._signed()
            self._skip_field(kind[1])
        raise KeyError(_ROWS)

    def _begin_field(self) -> tuple[int, int] | None:
        """A field's type, after how much its number grows (0 where the number follows); None at the end."""
        head = self._byte()
        return (head >> 4, head & 15) if head != _STOP else None

    def _skip_field(self, kind: int) -> None:
        if kind not in (_TRUE, _FALSE):  # a field's type is its value
            self._skips[kind]()

    def _skip_struct(self) -> None:
        while kind := self._begin_field():
            if not kind[0]:
                self._number()
            self._skip_field(kind[1])

    def _skip_list(self) -> None:
        head = self._byte()
        count = self._number() if head >> 4 == 15 else head >> 4
        kind = head & 15
        for _ in range(count):
            self._skips[_BYTE if kind in (_TRUE, _FALSE) else kind]()

    def _skip_binary(self) -> None:
        length = self._number()  # which moves on by itself
        self._at += length

    def _skip_double(self) -> None:
        self._at += 8

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _number(self) -> int:
        """A number, seven bits in a byte."""
        number, shift = 0, 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
        return number | byte << shift

    def _signed(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)
