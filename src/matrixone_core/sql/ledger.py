"""The ledger of loads: which file went into which table, in the transaction of its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from matrixone_core.fragments import Part, Value, quote_names
from matrixone_core.steps import Command, Reply, Statement

LEDGER = "matrixone_loads"


@dataclass(frozen=True)
class Entry:
    """The ledger's entry of a file.

    Args:
        id: digest of the other fields, the ledger's primary key.
        table: name of the table that the file is loaded into.
        source: resolved URL of the file, or the caller's key.
        size: size of the file in bytes; -1 for a caller's key.
        mark: digest of the file's content.
    """

    id: str
    table: str
    source: str
    size: int
    mark: str


@dataclass(frozen=True)
class LoadRecord:
    """A file that was loaded with `once`, as the ledger recorded it.

    Args:
        table: name of the table.
        source: resolved URL of the file, or the caller's key.
        size: size of the file in bytes; None for a caller's key.
        mark: digest of the file's content.
        rows: number of rows loaded.
        loaded_at: time of the load, with a time zone.
    """

    table: str
    source: str
    size: int | None
    mark: str
    rows: int
    loaded_at: datetime


@dataclass(frozen=True)
class CreateLedger(Command):
    """Create the ledger if it does not exist. Its primary key prevents two loads of one file at once."""

    name: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield (
            f"CREATE TABLE IF NOT EXISTS {quote_names(self.name)} (id VARCHAR(64) PRIMARY KEY, table_name VARCHAR(200),"
            " source VARCHAR(4096), size BIGINT, mark VARCHAR(64), loaded_rows BIGINT, loaded_at BIGINT)"
        )


@dataclass(frozen=True)
class InsertEntry(Command):
    """Record a file; a duplicate key means that it was loaded before.

    Args:
        name: the ledger.
        entry: the file.
        again: whether it may be there already.
    """

    name: tuple[str, ...]
    entry: Entry
    again: bool = False

    def parts(self) -> Iterator[Part]:
        verb = "REPLACE" if self.again else "INSERT"
        yield f"{verb} INTO {quote_names(self.name)}"
        yield " (id, table_name, source, size, mark, loaded_rows, loaded_at) VALUES ("
        entry = self.entry
        for value in (entry.id, entry.table, entry.source, entry.size, entry.mark):
            yield Value(value)
            yield ", "
        yield "0, unix_timestamp())"


@dataclass(frozen=True)
class UpdateLoadedRows(Command):
    """Say how many rows came of a file."""

    name: tuple[str, ...]
    id: str
    rows: int

    def parts(self) -> Iterator[Part]:
        yield f"UPDATE {quote_names(self.name)} SET loaded_rows="
        yield Value(self.rows)
        yield " WHERE id="
        yield Value(self.id)


@dataclass(frozen=True)
class DeleteEntry(Command):
    """Take a file out again."""

    name: tuple[str, ...]
    id: str

    def parts(self) -> Iterator[Part]:
        yield f"DELETE FROM {quote_names(self.name)} WHERE id="
        yield Value(self.id)


@dataclass(frozen=True)
class SelectEntryIds(Statement[frozenset[str]]):
    """Which of some files the ledger has."""

    name: tuple[str, ...]
    ids: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield f"SELECT id FROM {quote_names(self.name)} WHERE id IN ("
        before = ""
        for one in self.ids:
            yield before
            yield Value(one)
            before = ", "
        yield ")"

    def parse(self, reply: Reply, /) -> frozenset[str]:
        return frozenset(row["id"] for row in reply.rows)


@dataclass(frozen=True)
class SelectRecords(Statement[tuple[LoadRecord, ...]]):
    """The loads of a ledger, the latest first; of one table, if it is named, in the current database by default."""

    name: tuple[str, ...]
    table: tuple[str, ...] = ()

    def parts(self) -> Iterator[Part]:
        yield f"SELECT table_name, source, size, mark, loaded_rows, loaded_at FROM {quote_names(self.name)}"
        if self.table:
            yield " WHERE table_name=concat("
            yield Value(self.table[0].lower()) if len(self.table) == 2 else "DATABASE()"
            yield ", '.', "
            yield Value(self.table[-1].lower())
            yield ")"
        yield " ORDER BY loaded_at DESC, source"

    def parse(self, reply: Reply, /) -> tuple[LoadRecord, ...]:
        return tuple(
            LoadRecord(
                row["table_name"],
                row["source"],
                None if row["size"] < 0 else int(row["size"]),
                row["mark"],
                int(row["loaded_rows"]),
                datetime.fromtimestamp(int(row["loaded_at"]), UTC),
            )
            for row in reply.rows
        )
