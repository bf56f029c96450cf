"""Snapshot statements (server-facts 34-36)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from matrixone_core.errors import ServerError, SnapshotExists
from matrixone_core.fragments import Part, Value, quote_name
from matrixone_core.steps import Command, Reply, Statement


class SnapshotLevel(StrEnum):
    """What a snapshot holds."""

    CLUSTER = "cluster"
    ACCOUNT = "account"
    DATABASE = "database"
    TABLE = "table"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a table, a database, an account or the cluster.

    Args:
        name: name of the snapshot, in lower case.
        level: what the snapshot holds.
        created_time: the moment of the snapshot, with a time zone; None if a session takes it after its commit.
        database: name of the database, or of the table's database; None for other levels.
        table: name of the table; None for other levels.
    """

    name: str
    level: SnapshotLevel
    created_time: datetime | None = None
    database: str | None = None
    table: str | None = None


@dataclass(frozen=True)
class CreateSnapshot(Command):
    """CREATE SNAPSHOT."""

    duplicate: ClassVar[type[ServerError]] = SnapshotExists
    stays: ClassVar[bool] = True

    name: str
    level: SnapshotLevel
    database: str | None = None
    table: str | None = None

    def parts(self) -> Iterator[Part]:
        yield f"CREATE SNAPSHOT {quote_name(self.name)} FOR {self.level.upper()}"
        for name in (self.database, self.table):
            if name is not None:
                yield f" {quote_name(name)}"


@dataclass(frozen=True)
class DropSnapshot(Command):
    """DROP SNAPSHOT."""

    stays: ClassVar[bool] = True

    name: str
    if_exists: bool = False

    def parts(self) -> Iterator[Part]:
        yield f"DROP SNAPSHOT {'IF EXISTS ' if self.if_exists else ''}{quote_name(self.name)}"


@dataclass(frozen=True)
class ShowSnapshots(Statement[tuple[Snapshot, ...]]):
    """The snapshots, outside a transaction; the server gives their times in UTC."""

    def parts(self) -> Iterator[Part]:
        yield "SHOW SNAPSHOTS"

    def parse(self, reply: Reply, /) -> tuple[Snapshot, ...]:
        found = (
            Snapshot(
                row["SNAPSHOT_NAME"],
                SnapshotLevel(str(row["SNAPSHOT_LEVEL"]).lower()),
                _parse_moment(row["TIMESTAMP"]),
                row["DATABASE_NAME"] or None,
                row["TABLE_NAME"] or None,
            )
            for row in reply.rows
        )
        return tuple(sorted(found, key=lambda snapshot: snapshot.name))


@dataclass(frozen=True)
class ServerClock(Statement[datetime]):
    """The server's time."""

    def parts(self) -> Iterator[Part]:
        yield "SELECT unix_timestamp() AS now"

    def parse(self, reply: Reply, /) -> datetime:
        return datetime.fromtimestamp(int(reply.rows[0]["now"]), UTC)


@dataclass(frozen=True)
class SelectSnapshotAccount(Statement[str | None]):
    """The account that a snapshot holds; empty if it holds another thing, None if there is no such snapshot."""

    name: str

    def parts(self) -> Iterator[Part]:
        yield "SHOW SNAPSHOTS WHERE snapshot_name = "
        yield Value(self.name)

    def parse(self, reply: Reply, /) -> str | None:
        for row in reply.rows:
            return str(row["ACCOUNT_NAME"]) if str(row["SNAPSHOT_LEVEL"]).lower() == SnapshotLevel.ACCOUNT else ""
        return None


@dataclass(frozen=True)
class HasDatabase(Statement[bool]):
    """Whether there is a database of this name; inside a transaction, as the transaction sees it."""

    name: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT schema_name FROM information_schema.schemata WHERE schema_name="
        yield Value(self.name.lower())  # the server keeps names in lower case (server-facts 37)

    def parse(self, reply: Reply, /) -> bool:
        return len(reply.rows) > 0


def _parse_moment(value: Any) -> datetime:
    """A time in UTC, given as text with up to nine digits after the seconds, or as a datetime."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    whole, _, fraction = str(value).partition(".")
    return datetime.fromisoformat(whole).replace(microsecond=int(f"{fraction:0<6}"[:6]), tzinfo=UTC)
