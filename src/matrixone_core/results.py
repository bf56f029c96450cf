"""The report of a load."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from matrixone_core.html import render_table
from matrixone_core.messages import show


@dataclass(frozen=True)
class BadRow:
    """A row that does not fit the table.

    Args:
        file: path of the file.
        line: number of the line in which the row begins, or of the row (see `unit`), counted from 1; None if unknown.
        column: name of the column whose value does not fit; None if the whole row is malformed.
        value: the value that does not fit, as text; None if the whole row is malformed, or the value is NULL.
        reason: the reason, in words.
        raw: the row as it is in the file; as CSV if the file is not a text file.
        unit: what `line` counts: `line`, or `row` for Parquet and Arrow data.
    """

    file: str
    line: int | None
    column: str | None
    value: str | None
    reason: str
    raw: str = ""
    unit: Literal["line", "row"] = "line"

    def __str__(self) -> str:
        value = "" if self.column is None else f", value {show(self.value)}"
        return f"{self.place}{value}: {self.reason}"

    @property
    def place(self) -> str:
        """The position in words: file, line or row, and column."""
        where = self.file if self.line is None else f"{self.file}, {self.unit} {self.line:,}"
        return where if self.column is None else f"{where}, column {show(self.column)}"


@dataclass(frozen=True)
class LoadedFile:
    """The outcome of one file of a load.

    Args:
        path: URL of the file, or name of the client's data.
        rows: number of rows loaded.
        read: number of rows read.
        skipped: number of rows skipped because their key is already in the table.
        duplicates: number of rows left out because another row of the file has the same key.
        rejected: number of bad rows.
        replaced: number of the table's rows that were replaced; None if the load did not count them.
        updated: number of the table's rows that were changed; None if the load did not count them.
        bytes: size of the file; None if the load did not measure it, which would read the file once more.
        seconds: duration in seconds.
        already_loaded: whether `once` skipped the file because it was loaded before.
        error: message of the error that prevented the load of the file, or None.
    """

    path: str
    rows: int = 0
    read: int = 0
    skipped: int = 0
    duplicates: int = 0
    rejected: int = 0
    replaced: int | None = None
    updated: int | None = None
    bytes: int | None = None
    seconds: float = 0.0
    already_loaded: bool = False
    error: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """The result of a load. `str()` gives a table of the files.

    Each row that was read is loaded, skipped, left out as a duplicate, or rejected.

    Args:
        table: name of the table: `table` or `database.table`.
        files: the outcome of each file.
        seconds: duration in seconds.
        strategy: how the rows were loaded: `load_data`, `load_then_check`, `staging_table` or `count_duplicates`.
        lock: what the load locked until the commit: `rows` or `table`.
        sql: the SQL statements that loaded the rows, with secrets masked.
        rejects: the bad rows: the first 1,000 of each file, or all of them with the options `rejects` and `validate`.
    """

    table: str
    files: tuple[LoadedFile, ...]
    seconds: float
    strategy: str = "load_data"
    lock: str = "rows"
    sql: tuple[str, ...] = ()
    rejects: tuple[BadRow, ...] = field(default=(), repr=False)

    @property
    def rows(self) -> int:
        """Number of rows loaded."""
        return sum(file.rows for file in self.files)

    @property
    def read(self) -> int:
        """Number of rows read."""
        return sum(file.read for file in self.files)

    @property
    def skipped(self) -> int:
        """Number of rows skipped because their key is already in the table."""
        return sum(file.skipped for file in self.files)

    @property
    def duplicates_in_file(self) -> int:
        """Number of rows left out because another row of the same file has the same key."""
        return sum(file.duplicates for file in self.files)

    @property
    def rejected(self) -> int:
        """Number of bad rows."""
        return sum(file.rejected for file in self.files)

    @property
    def replaced(self) -> int | None:
        """Number of the table's rows that were replaced; None if the load did not count them."""
        return _sum([file.replaced for file in self.files])

    @property
    def updated(self) -> int | None:
        """Number of the table's rows that were changed; None if the load did not count them."""
        return _sum([file.updated for file in self.files])

    @property
    def bytes(self) -> int | None:
        """Size of all files in bytes; None if the load did not measure them, which would read them once more."""
        return _sum([file.bytes for file in self.files])

    @property
    def rows_per_second(self) -> float:
        """Number of rows loaded per second."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def failed(self) -> tuple[LoadedFile, ...]:
        """The files that could not be loaded."""
        return tuple(file for file in self.files if file.error is not None)

    def __str__(self) -> str:
        if len(self.files) == 1:
            return f"{self.files[0].path} -> {self.table}: {self._summary(self.files[0])}"
        table = [("file", "rows", ""), *((file.path, f"{file.rows:,}", _outcome(file)) for file in self.files)]
        widths = [max(len(row[at]) for row in table) for at in (0, 1)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}".rstrip() for a, b, c in table]
        return "\n".join([f"{len(self.files)} files -> {self.table}: {self._summary()}", *lines])

    def _summary(self, only: LoadedFile | None = None) -> str:
        counted = f"{self.rows:,} row{'' if self.rows == 1 else 's'} in {self.seconds:.2f} s"
        return ", ".join(filter(None, (counted, _outcome(only) if only else _outcome(self._total()))))

    def _total(self) -> LoadedFile:
        return LoadedFile(
            self.table, self.rows, self.read, self.skipped, self.duplicates_in_file, self.rejected, self.replaced,
            self.updated, error=_format_failed(len(self.failed)),
        )  # fmt: skip

    def _repr_html_(self) -> str:
        """Return the report as HTML for notebooks."""
        rows = [(f.path, f"{f.rows:,}", f"{f.read:,}", f"{f.seconds:.2f}", _outcome(f)) for f in self.files]
        return render_table(f"{self.table}: {self._summary()}", ("file", "rows", "read", "seconds", "outcome"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dict of values that JSON can represent."""
        totals = ("rows", "read", "skipped", "duplicates_in_file", "rejected", "replaced", "updated", "bytes")
        return {
            "table": self.table,
            **{name: getattr(self, name) for name in (*totals, "seconds", "rows_per_second", "strategy", "lock")},
            "files": [asdict(file) for file in self.files],
            "sql": list(self.sql),
            "rejects": [asdict(row) for row in self.rejects],
        }


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _format_failed(count: int) -> str | None:
    return f"{count} file{'' if count == 1 else 's'} failed" if count else None


def _outcome(file: LoadedFile) -> str:
    """Describe the rows of a file that were not simply loaded, and its error."""
    said = [
        f"{count:,} {what}"
        for count, what in (
            (file.skipped, "skipped"),
            (file.duplicates, "duplicates in the file"),
            (file.rejected, "rejected"),
            (file.replaced, "replaced"),
            (file.updated, "updated"),
        )
        if count
    ]
    if file.already_loaded:
        said.append("loaded before")
    return ", ".join([*said, *([file.error] if file.error else [])])
