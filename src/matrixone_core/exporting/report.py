"""What an export did, and what it reports meanwhile."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from matrixone_core.html import render_table


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written.

    Args:
        path: its `stage://` URL, its path on this machine, or the name of the stream.
        bytes: its length; before compression, if the stream compresses.
    """

    path: str
    bytes: int


@dataclass(frozen=True)
class ExportProgress:
    """How far an export is.

    Args:
        path: the file that is written.
        rows: rows until now; None where the server writes them and says nothing until the end.
        bytes: bytes until now; None likewise.
        seconds: since the export began.
    """

    path: str
    rows: int | None
    bytes: int | None
    seconds: float


@dataclass(frozen=True)
class ExportReport:
    """What an export did. Its text is a table of the files.

    Args:
        files: the files, in the order of their rows. The server writes none for Parquet without a row.
        rows: how many rows the files have; None where they were not counted (`count` of `export.to_stage`).
        seconds: how long it took.
        format: `csv`, `jsonline` or `parquet`.
        columns: the columns' names.
        sql: the statement, with the names of parameters in place of their values.
        manifest: the manifest's `stage://` URL, or None.
        load_options: the options with which `client.load_data` loads the files again, and gets the same values.
    """

    files: tuple[ExportedFile, ...]
    rows: int | None
    seconds: float
    format: str
    columns: tuple[str, ...]
    sql: str
    manifest: str | None = None
    load_options: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)

    @property
    def bytes(self) -> int:
        """How many bytes the files have."""
        return sum(file.bytes for file in self.files)

    def __str__(self) -> str:
        if len(self.files) == 1:
            return f"{self.files[0].path}: {self._summary()}"
        sizes = [f"{file.bytes:,}" for file in self.files]
        widths = max(map(len, [file.path for file in self.files]), default=0), max(map(len, sizes), default=0)
        lines = [f"{file.path:<{widths[0]}}  {size:>{widths[1]}}" for file, size in zip(self.files, sizes, strict=True)]
        return "\n".join([f"{len(self.files)} files: {self._summary()}", *lines])

    def _summary(self) -> str:
        rows = [] if self.rows is None else [f"{self.rows:,} row{'' if self.rows == 1 else 's'}"]
        return ", ".join([*rows, f"{self.bytes:,} bytes in {self.seconds:.2f} s"])

    def _repr_html_(self) -> str:
        """The report as a notebook shows it."""
        rows = [(file.path, f"{file.bytes:,}") for file in self.files]
        return render_table(f"{self.format}: {self._summary()}", ("file", "bytes"), rows)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        totals = {name: getattr(self, name) for name in ("rows", "bytes", "seconds", "format", "sql", "manifest")}
        return {
            **totals,
            "columns": list(self.columns),
            "files": [asdict(file) for file in self.files],
            "load_options": dict(self.load_options),
        }
