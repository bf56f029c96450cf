"""The files of a load, with what is known of each before the load."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from matrixone_core.loading.formats.csv import LineIndex, Unit
from matrixone_core.loading.rejects import Rejects
from matrixone_core.sql.ledger import Entry
from matrixone_core.sql.load import Format
from matrixone_core.steps import Chunks


@dataclass(frozen=True)
class StageFile:
    """A file of a stage.

    Args:
        path: `stage://` URL of the file.
        format: format of the file.
        names: names of its fields in order; None for a field that is skipped.
        entry: the file's entry in the ledger; None without `once`.
        through_client: whether the client reads the file and sends its rows, as the server would misread it.
        pattern: regular expression that each line must match, for JSON lines that the server reads.
        whole: names, in lower case, of the columns of Parquet whose numbers are whole and fit a BIGINT; empty if the
            footer was not read.
        texts: names, in lower case, of the text columns of Parquet; empty if the footer was not read.
    """

    path: str
    format: Format
    names: tuple[str | None, ...]
    entry: Entry | None = None
    through_client: bool = False
    pattern: str | None = None
    whole: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    @property
    def unit(self) -> Unit:
        """What row numbers count: lines or rows."""
        return "row" if self.format.name == "parquet" else "line"


@dataclass(frozen=True)
class ClientFile:
    """Data of the client.

    Args:
        path: name of the data in messages and reports.
        format: CSV format in which it is sent.
        names: names of its fields in order; None for a field that is skipped.
        chunks: the data.
        transform: function that converts each chunk before it is sent.
        lines: the line in which each sent row begins.
        entry: the data's entry in the ledger; None without `once`.
        total: size of the data in bytes; None if unknown.
        is_small: whether all of it is in memory.
        reread: function that begins to read the data again, to find a bad row; None if it can be read only once.
        unit: what row numbers count: lines or rows.
        rejects: collection of malformed rows; None if the first one fails the load.
        is_utf8: whether the sent text was decoded, so that it is certainly UTF-8.
    """

    path: str
    format: Format
    names: tuple[str | None, ...]
    chunks: Chunks
    transform: Callable[[bytes | None], bytes]
    lines: LineIndex
    entry: Entry | None = None
    total: int | None = None
    is_small: bool = False
    reread: Callable[[], tuple[Chunks, Callable[[bytes | None], bytes]]] | None = None
    unit: Unit = "line"
    rejects: Rejects | None = None
    is_utf8: bool = False


InputFile: TypeAlias = StageFile | ClientFile
