"""The files of a load, as values: what is known of each before anything is loaded."""

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
        path: its `stage://` URL.
        format: how it is written.
        names: the names of its fields in their order, None for one that is skipped.
        entry: what the ledger knows it by, if it is loaded once.
        through_client: whether it is read here and sent again, as the server cannot read it as it should.
        pattern: for JSON lines that the server reads: what each line has to match.
        whole: for Parquet, as far as its footer was read: the columns of whole numbers that a BIGINT takes, in lower
            case.
        texts: for Parquet, as far as its footer was read: the columns of texts, in lower case.
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
        """What its rows are counted by."""
        return "row" if self.format.name == "parquet" else "line"


@dataclass(frozen=True)
class ClientFile:
    """Data of the client.

    Args:
        path: what it is called.
        format: how it is written when it is sent.
        names: the names of its fields in their order, None for one that is skipped.
        chunks: the data.
        transform: makes of it what is sent.
        lines: which line each row that was sent began in.
        entry: what the ledger knows it by, if it is loaded once.
        total: its length in bytes, or None.
        is_small: whether all of it is in memory.
        reread: begins to read it anew, to find a bad row; None where it comes only once.
        unit: what its rows are counted by.
        rejects: where rows that cannot be read are collected; None where the first one fails the load.
        is_utf8: whether what is sent was decoded, so that it is certainly UTF-8.
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
