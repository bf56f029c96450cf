"""What a load did."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from matrixone_core.html import render_table
from matrixone_core.messages import show


@dataclass(frozen=True)
class BadRow:
    """A row that does not fit.

    Args:
        file: the file's path.
        line: the line that it begins in, from 1, or its number; None where it is not known.
        column: the column that its value does not fit; None where the whole row is broken.
        value: that value.
        reason: why it does not fit.
        raw: the row as it is in the file; as CSV, if that is no text.
        unit: what `line` counts: `line`s, or `row`s of Parquet and Arrow data.
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
        """Where it is, in words: the file, the line or the row, the column."""
        where = self.file if self.line is None else f"{self.file}, {self.unit} {self.line:,}"
        return where if self.column is None else f"{where}, column {show(self.column)}"


@dataclass(frozen=True)
class LoadedFile:
    """What became of one file.

    Args:
        path: its URL, or the name of the client's data.
        rows: how many of its rows were loaded.
        read: how many rows were read.
        skipped: how many were left out since their key was there already.
        duplicates: how many were left out for another of the file with the same key.
        rejected: how many were bad.
        replaced: how many rows of the table they replaced; None where it was not counted.
        updated: how many rows of the table they changed; None where it was not counted.
        bytes: the file's length; None where it was not asked for, as that reads the file once more.
        seconds: how long it took.
        already_loaded: whether it was left out since it had been loaded before (`once`).
        error: why it was not loaded, or None.
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
    """What a load did. Its text is a table of the files.

    The rows that were read are those that were loaded, skipped, left out as duplicates, or rejected; else a load fails.

    Args:
        table: the table, as `table` or `database.table`.
        files: what became of each file.
        seconds: how long it took.
        strategy: how it was done, a `LoadStrategy`: `load_data`, `staging_table` or `count_duplicates`.
        lock: what it locks: `rows` or `table`.
        sql: the statements that loaded, secrets masked.
        rejects: the rows that were bad: the first 1,000 of each file, all of them with `rejects` or `validate`.
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
        """How many rows were loaded."""
        return sum(file.rows for file in self.files)

    @property
    def read(self) -> int:
        """How many rows were read."""
        return sum(file.read for file in self.files)

    @property
    def skipped(self) -> int:
        """How many rows were left out since their key was there already."""
        return sum(file.skipped for file in self.files)

    @property
    def duplicates_in_file(self) -> int:
        """How many rows were left out for another of the same file with the same key."""
        return sum(file.duplicates for file in self.files)

    @property
    def rejected(self) -> int:
        """How many rows were bad."""
        return sum(file.rejected for file in self.files)

    @property
    def replaced(self) -> int | None:
        """How many rows of the table new ones replaced; None where it was not counted."""
        return _sum([file.replaced for file in self.files])

    @property
    def updated(self) -> int | None:
        """How many rows of the table were changed; None where it was not counted."""
        return _sum([file.updated for file in self.files])

    @property
    def bytes(self) -> int | None:
        """How many bytes the files have; None where it was not asked for, as that reads them once more."""
        return _sum([file.bytes for file in self.files])

    @property
    def rows_per_second(self) -> float:
        """How many rows were loaded in a second."""
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
        """The report as a notebook shows it."""
        rows = [(f.path, f"{f.rows:,}", f"{f.read:,}", f"{f.seconds:.2f}", _outcome(f)) for f in self.files]
        return render_table(f"{self.table}: {self._summary()}", ("file", "rows", "read", "seconds", "outcome"), rows)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, as JSON can have them."""
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
    """What else a report says of a file."""
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
