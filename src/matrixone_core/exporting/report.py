"""The report of an export, and its progress."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from matrixone_core.html import render_table


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written.

    Args:
        path: `stage://` URL of the file, its path on this machine, or the name of a stream.
        bytes: size of the file in bytes; before compression if a stream compresses.
    """

    path: str
    bytes: int


@dataclass(frozen=True)
class ExportProgress:
    """The progress of an export.

    Args:
        path: path or URL of the file.
        rows: number of rows written so far; None if the server writes them, as it reports nothing before the end.
        bytes: number of bytes written so far; None if the server writes them.
        seconds: seconds since the export began.
    """

    path: str
    rows: int | None
    bytes: int | None
    seconds: float


@dataclass(frozen=True)
class ExportReport:
    """The result of an export. `str()` gives a table of the files.

    Args:
        files: the files, in the order of their rows. The server writes no Parquet file if there is no row.
        rows: number of rows in the files; None if they were not counted (`count` of `export.to_stage`).
        seconds: duration in seconds.
        format: `csv`, `jsonline` or `parquet`.
        columns: names of the columns.
        sql: the SQL statement, with the names of parameters instead of their values.
        manifest: `stage://` URL of the manifest, or None.
        load_options: options for `client.load_data` with which the files load as the same values.
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
        """Size of all files in bytes."""
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
        """Return the report as HTML for notebooks."""
        rows = [(file.path, f"{file.bytes:,}") for file in self.files]
        return render_table(f"{self.format}: {self._summary()}", ("file", "bytes"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dict of values that JSON can represent."""
        totals = {name: getattr(self, name) for name in ("rows", "bytes", "seconds", "format", "sql", "manifest")}
        return {
            **totals,
            "columns": list(self.columns),
            "files": [asdict(file) for file in self.files],
            "load_options": dict(self.load_options),
        }
