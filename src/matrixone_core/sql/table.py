"""Queries about the target table of a load."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from matrixone_core.fragments import Part, Value, quote_names
from matrixone_core.secrets import SecretText
from matrixone_core.sql.files import reaches
from matrixone_core.sql.stage import STAGE_COLUMNS, Stage, stage_of
from matrixone_core.steps import Command, Reply, Statement

INTERNAL = "__mo_"  # names of the server's own tables and columns begin with this
PROBE_TABLE = "matrixone_python_asks_for_the_right"  # a name that nobody uses


@dataclass(frozen=True)
class ColumnNames(Statement[tuple[str, ...]]):
    """The names of a table's columns, in order; none if there is no such table."""

    table: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield "SELECT column_name AS name FROM information_schema.columns WHERE "
        yield from _of(self.table)
        yield " ORDER BY ordinal_position"

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        # the server lists a column of its own for a key of several columns, and for none
        return tuple(row["name"] for row in reply.rows if not row["name"].startswith(INTERNAL))


@dataclass(frozen=True)
class ShowCreateTable(Statement[str]):
    """SHOW CREATE TABLE; the answer is the text that would create the table."""

    table: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield f"SHOW CREATE TABLE {quote_names(self.table)}"

    def parse(self, reply: Reply, /) -> str:
        try:
            return str(reply.rows[0]["Create Table"])
        except KeyError:  # a view
            return ""


@dataclass(frozen=True)
class LoadState:
    """The answer of the query before each load.

    Args:
        stage: the stage; None if there is none of the name, or none was asked for.
        in_use: whether the table has rows.
        reached: how many of the offsets asked about lie within the file.
        now: the server's time, in seconds since 1970.
        database: the current one.
        owns_transaction: whether a rollback would undo the load and nothing else; not so in a session.
        is_located: whether a session names the stage's files by their location, as the server does not know the stage.
    """

    stage: Stage | None = None
    in_use: bool = True
    reached: int = 0
    now: int = 0
    database: str | None = None
    owns_transaction: bool = True
    is_located: bool = False


@dataclass(frozen=True)
class SelectLoadState(Statement[LoadState]):
    """The query before each load.

    Args:
        table: the table to load into; None if nothing has to be known of it.
        stage: the name of the stage to load from, or None.
        file: the `stage://` URL of a file of it.
        offsets: how many of these lie within the file is asked, too; on S3 one past its end is an error.
    """

    table: tuple[str, ...] | None
    stage: str | None = None
    file: str = ""
    offsets: tuple[int, ...] = ()

    returns: ClassVar[Mapping[str, type[TypeEngine[Any]]]] = {"stage_credentials": SecretText}

    def parts(self) -> Iterator[Part]:
        yield "SELECT a.*, s.* FROM (SELECT unix_timestamp() AS now, DATABASE() AS current_database, "
        if self.table is None:
            yield "1 AS in_use"
        else:
            yield f"(SELECT count(*) FROM (SELECT 1 AS one FROM {quote_names(self.table)} LIMIT 1) r) AS in_use"
        yield ") a LEFT JOIN (SELECT "
        if self.stage is None:
            yield "NULL AS stage_name, 0 AS reached) s ON 1=1"
            return
        yield "0"
        for offset in self.offsets:
            yield from reaches(self.file, offset)
        yield f" AS reached, {STAGE_COLUMNS} FROM mo_catalog.mo_stages WHERE stage_name="
        yield Value(self.stage)
        yield ") s ON 1=1"

    def parse(self, reply: Reply, /) -> LoadState:
        row = reply.rows[0]
        stage = None if row["stage_name"] is None else stage_of(row)
        return LoadState(
            stage,
            bool(row["in_use"]),
            int(row["reached"] or 0),  # NULL where there is no stage (server-facts 61)
            int(row["now"]),
            row["current_database"] or None,  # a server says "" where there is none (server-facts 73)
        )


@dataclass(frozen=True)
class ProbeDropTable(Command):
    """Changes nothing; the server refuses it to users without the privilege to drop tables (server-facts 11)."""

    database: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield f"DROP TABLE IF EXISTS {quote_names((*self.database, PROBE_TABLE))}"


@dataclass(frozen=True)
class TablesLike(Statement[tuple[str, ...]]):
    """The names of the tables of a database that begin so."""

    database: tuple[str, ...]
    prefix: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT table_name AS name FROM information_schema.tables WHERE table_schema="
        yield from _schema(self.database)
        yield " AND table_name LIKE "
        yield Value(self.prefix.replace("_", "\\_") + "%")

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        return tuple(row["name"] for row in reply.rows)


def _of(table: tuple[str, ...]) -> Iterator[Part]:
    yield "table_schema="
    yield from _schema(table[:-1])
    yield " AND table_name="
    yield Value(table[-1].lower())


def _schema(database: tuple[str, ...]) -> Iterator[Part]:
    # the server keeps names in lower case (server-facts 37)
    yield Value(database[0].lower()) if database else "DATABASE()"
