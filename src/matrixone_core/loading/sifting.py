"""Rows that do not fit: found, so that an error can name them, or sifted out, so that the others can be loaded."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.client_data import Reader, written
from matrixone_core.loading.csv_rows import CsvRows, Row, Unit
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.json_rows import JsonRows
from matrixone_core.loading.options import Options
from matrixone_core.loading.report import BadRow
from matrixone_core.operation import Op, Sending
from matrixone_core.sql.load import ClientData, Csv, JsonLines, LoadData
from matrixone_core.sql.rejects import InsertRejects

T = TypeVar("T")
MOST_KEPT = 1000  # bad rows that a report keeps
SENT = 4 * 1024 * 1024  # bytes of good rows that are sent at a time
AT_ONCE = 200  # bad rows that one statement puts into their table


class Pieces(Protocol):
    """A file that is read here, piece by piece."""

    def next(self) -> Op[bytes | None]:
        """The next piece, or None at the end."""
        ...


@dataclass(frozen=True)
class Lines:
    """How the rows of a file can be told apart here.

    Args:
        format: how it is written, or what it is rewritten as here.
        open: begins to read it, told how its fields are called.
        again: whether it can be read after it was loaded.
        unit: what its rows are counted by.
    """

    format: Csv | JsonLines
    open: Callable[[Sequence[str | None]], Pieces]
    again: bool = True
    unit: Unit = "line"

    def reader(self, names: Sequence[str | None], passed_over: re.Pattern[str] | None = None) -> Reader:
        """What tells the rows apart.

        Args:
            names: how the fields are called, None for one that is skipped.
            passed_over: matches whole rows of CSV that need not be told apart.
        """
        if isinstance(self.format, JsonLines):
            return JsonRows(self.format, tuple(name for name in names if name is not None))
        return CsvRows(self.format, passed_over, self.unit)

    def first(
        self, names: Sequence[str | None], find: Callable[[Row], T | None], passed_over: re.Pattern[str] | None = None
    ) -> Op[T | None]:
        """What *find* first finds in a row of the file, or None; arguments as of `reader`."""
        pieces, reader = self.open(names), self.reader(names, passed_over)
        while (piece := (yield from pieces.next())) is not None:
            for row in reader.feed(piece):
                if (found := find(row)) is not None:
                    return found
        return next((found for found in map(find, reader.finish()) if found is not None), None)


def explained(error: LoadFailed, row: BadRow) -> LoadFailed:
    """An error of the server's with the row that it is about."""
    said = "" if error.code is None else f" (the server: {error})"
    known = LoadFailed(
        f"{row}; no row was loaded{said}",
        code=error.code,
        sqlstate=error.sqlstate,
        statement=error.statement,
    )
    known.row = row
    return known


@dataclass
class Sieve:
    """Loads the good rows of a file, and keeps the bad ones.

    Args:
        path: the file's, for messages.
        options: how many bad ones there may be, and where they go.
        rejected: how many there were.
        kept: the first of them.
    """

    path: str
    options: Options
    rejected: int = 0
    kept: list[BadRow] = field(default_factory=list[BadRow])

    def load(self, statement: LoadData, lines: Lines, fitting: Fitting) -> Op[int]:
        """Load the good rows.

        Args:
            statement: says where they go; it is sent with data of the client's, as often as need be.
            lines: the file.
            fitting: tells which are good.

        Raises:
            LoadFailed: there are more bad rows than may be.
        """
        self.rejected, self.kept = 0, []
        sent = replace(statement, source=ClientData("rows.csv"), format=Csv(compression="none"))
        pieces, reader = lines.open(fitting.names), lines.reader(fitting.names)
        loaded, waiting = 0, bytearray()
        while (piece := (yield from pieces.next())) is not None:
            waiting += yield from self._good(reader.feed(piece), fitting)
            if len(waiting) > SENT:
                loaded += yield from _sent(sent, waiting)
                waiting = bytearray()
        waiting += yield from self._good(reader.finish(), fitting)
        if waiting:
            loaded += yield from _sent(sent, waiting)
        self._check_share(loaded + self.rejected)
        return loaded

    def _good(self, rows: Iterator[Row], fitting: Fitting) -> Op[bytes]:
        good: list[Row] = []
        bad: list[BadRow] = []
        for row in rows:
            flaw = fitting.flaw(row)
            if flaw is None:
                good.append(row)
            else:
                bad.append(flaw)
                self._note(flaw)
        if self.options.rejects is not None:
            for at in range(0, len(bad), AT_ONCE):
                yield from InsertRejects(self.options.rejects, tuple(bad[at : at + AT_ONCE]))
        return written(good)

    def _note(self, flaw: BadRow) -> None:
        self.rejected += 1
        if len(self.kept) < MOST_KEPT:
            self.kept.append(flaw)
        most = self.options.max_errors
        if isinstance(most, int) and self.rejected > most:
            self._too_many(f"more than {most:,} rows do not fit")

    def _check_share(self, read: int) -> None:
        most = self.options.max_errors
        if isinstance(most, float) and self.rejected > most * read:
            self._too_many(f"{self.rejected:,} of {read:,} rows do not fit, and max_errors is {most:g}")

    def _too_many(self, why: str) -> None:
        error = LoadFailed(f"{self.path}: {why}; no row was loaded; the first: {self.kept[0]}")
        error.row = self.kept[0]
        raise error


def _sent(statement: LoadData, rows: bytearray) -> Op[int]:
    return (yield from Sending(statement, iter([bytes(rows)]), lambda piece: piece or b""))
