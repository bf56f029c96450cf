"""Statements on point-in-time recoveries (server-facts 75)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from matrixone_core.fragments import Part, Value, quote_name
from matrixone_core.sql.snapshot import SnapshotLevel
from matrixone_core.steps import Command, Reply, Statement


@dataclass(frozen=True)
class Pitr:
    """A point-in-time recovery: the server retains the past of a table, a database or the account for a time.

    Args:
        name: name of the recovery, in lower case.
        level: what it covers: an account, a database or a table.
        length: number of units that it reaches back.
        unit: `h`, `d`, `mo` or `y`.
        database: name of the database, or of the table's database; None for an account.
        table: name of the table; None for other levels.
        created_time: time of creation, with a time zone.
        modified_time: time of the last change of its range, with a time zone.
    """

    name: str
    level: SnapshotLevel
    length: int
    unit: str
    database: str | None = None
    table: str | None = None
    created_time: datetime | None = None
    modified_time: datetime | None = None


@dataclass(frozen=True)
class CreatePitr(Command):
    """CREATE PITR."""

    stays: ClassVar[bool] = True

    name: str
    length: int
    unit: str
    database: str | None = None
    table: str | None = None
    if_not_exists: bool = False

    def parts(self) -> Iterator[Part]:
        names = [quote_name(name) for name in (self.database, self.table) if name is not None]
        level = ("ACCOUNT", "DATABASE", "TABLE")[len(names)]
        yield f"CREATE PITR {'IF NOT EXISTS ' if self.if_not_exists else ''}{quote_name(self.name)} FOR "
        yield " ".join([level, *names])
        yield f" RANGE {self.length} "
        yield Value(self.unit)


@dataclass(frozen=True)
class AlterPitr(Command):
    """ALTER PITR."""

    stays: ClassVar[bool] = True

    name: str
    length: int
    unit: str

    def parts(self) -> Iterator[Part]:
        yield f"ALTER PITR {quote_name(self.name)} RANGE {self.length} "
        yield Value(self.unit)


@dataclass(frozen=True)
class DropPitr(Command):
    """DROP PITR."""

    stays: ClassVar[bool] = True

    name: str
    if_exists: bool = False

    def parts(self) -> Iterator[Part]:
        yield f"DROP PITR {'IF EXISTS ' if self.if_exists else ''}{quote_name(self.name)}"


@dataclass(frozen=True)
class ShowPitr(Statement[tuple[Pitr, ...]]):
    """The point-in-time recoveries of the account; the server shows their times in the session's zone."""

    before: ClassVar[str] = "SET @matrixone_time_zone = @@time_zone, time_zone = '+00:00'"
    after: ClassVar[str] = "SET time_zone = @matrixone_time_zone"

    def parts(self) -> Iterator[Part]:
        yield "SHOW PITR"

    def parse(self, reply: Reply, /) -> tuple[Pitr, ...]:
        found = (
            Pitr(
                row["PITR_NAME"],
                SnapshotLevel(str(row["PITR_LEVEL"]).lower()),
                int(row["PITR_LENGTH"]),
                row["PITR_UNIT"],
                _name(row["DATABASE_NAME"]),
                _name(row["TABLE_NAME"]),
                _utc(row["CREATED_TIME"]),
                _utc(row["MODIFIED_TIME"]),
            )
            for row in reply.rows
        )
        return tuple(sorted(found, key=lambda pitr: pitr.name))


def _name(value: str) -> str | None:
    return None if value in {"", "*"} else value


def _utc(moment: Any) -> datetime:
    return datetime.fromisoformat(str(moment)).replace(tzinfo=UTC)
