"""The statements of point-in-time recovery, and how they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrixone_local.errors import internal_error
from matrixone_local.features.snapshots import Restore
from matrixone_local.sql.tokens import Kind, Reader

UNIT_SECONDS = {"h": 3600, "d": 86_400, "mo": 31 * 86_400, "y": 366 * 86_400}
_LONGEST = 100
_OF_LEVELS = {"account": 0, "database": 1, "table": 2}  # how many names follow


@dataclass(frozen=True)
class CreatePitr:
    """CREATE PITR [IF NOT EXISTS] name FOR ACCOUNT | DATABASE d | TABLE d t RANGE n 'unit'."""

    name: str
    level: str
    names: tuple[str, ...]
    length: int
    unit: str
    if_not_exists: bool = False


@dataclass(frozen=True)
class AlterPitr:
    """ALTER PITR [IF EXISTS] name RANGE n 'unit'."""

    name: str
    length: int
    unit: str
    if_exists: bool = False


@dataclass(frozen=True)
class DropPitr:
    """DROP PITR [IF EXISTS] name."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True)
class ShowPitr:
    """SHOW PITR [WHERE …]; the condition is the client's own SQL."""

    where: str = ""

    @property
    def sql(self) -> str:
        """The same as a question to the engine."""
        rows = (
            "SELECT pitr_name AS PITR_NAME, FROM_UNIXTIME(create_time DIV 1000000000) AS CREATED_TIME,"
            " FROM_UNIXTIME(modified_time DIV 1000000000) AS MODIFIED_TIME, level AS PITR_LEVEL,"
            " account_name AS ACCOUNT_NAME, IF(database_name = '', '*', database_name) AS DATABASE_NAME,"
            " IF(table_name = '', '*', table_name) AS TABLE_NAME, pitr_length AS PITR_LENGTH, pitr_unit AS PITR_UNIT,"
            " create_time AS at FROM mo_catalog.mo_pitr"
        )
        shown = ", ".join(re.findall(r"AS ([A-Z_]+)", rows))
        where = f" WHERE {self.where}" if self.where else ""
        return f"SELECT {shown} FROM ({rows}) p{where} ORDER BY at DESC"  # noqa: S608  # the client's own SQL


@dataclass(frozen=True)
class RestorePitr:
    """RESTORE [DATABASE d [TABLE t]] FROM PITR name 'moment'."""

    names: tuple[str, ...]
    pitr: str
    moment: str


@dataclass(frozen=True)
class ShowWindows:
    """SHOW RECOVERY_WINDOW FOR ACCOUNT | DATABASE d | TABLE d t."""

    level: str
    names: tuple[str, ...]


def parse_create(read: Reader) -> CreatePitr:
    """What follows CREATE PITR."""
    if_not_exists = read.take("IF", "NOT", "EXISTS")
    name = read.name()
    read.expect("FOR")
    level, names = _level(read)
    return CreatePitr(name, level, names, *_range(read), if_not_exists)


def parse_alter(read: Reader) -> AlterPitr:
    """What follows ALTER PITR."""
    if_exists = read.take("IF", "EXISTS")
    return AlterPitr(read.name(), *_range(read), if_exists)


def parse_drop(read: Reader) -> DropPitr:
    """What follows DROP PITR."""
    if_exists = read.take("IF", "EXISTS")
    name = read.name()
    read.end()
    return DropPitr(name, if_exists)


def parse_show(read: Reader) -> ShowPitr:
    """What follows SHOW PITR."""
    where = read.take("WHERE")
    first = read.current
    if not where:
        read.end()
    return ShowPitr(read.sql[first.start :].rstrip("; \n") if where and first else "")


def parse_windows(read: Reader) -> ShowWindows:
    """What follows SHOW RECOVERY_WINDOW."""
    read.expect("FOR")
    level, names = _level(read)
    read.end()
    return ShowWindows(level, names)


def parse_restore(read: Reader) -> RestorePitr | Restore | None:
    """What follows RESTORE, if it goes by a PITR; None, with nothing read, if it does not."""
    begin = read.at
    if read.take("ACCOUNT"):
        read.at = begin
        return None
    names: tuple[str, ...] = ()
    if read.take("DATABASE"):
        names = (read.name(),)
        if read.take("TABLE"):
            names = (*names, read.name())
    if not read.take("FROM", "PITR"):
        read.at = begin
        return None
    found = RestorePitr(names, read.name(), read.string())
    read.end()
    return found


def _level(read: Reader) -> tuple[str, tuple[str, ...]]:
    level = read.next(Kind.WORD).text.lower()
    if level == "cluster":
        raise internal_error("the local server has PITR of the account, of databases and of tables alone")
    if level not in _OF_LEVELS:
        raise read.error()
    return level, tuple(read.name() for _ in range(_OF_LEVELS[level]))


def _range(read: Reader) -> tuple[int, str]:
    read.expect("RANGE")
    length, unit = int(read.next(Kind.NUMBER).text), read.string().lower()
    read.end()
    if not 0 < length <= _LONGEST:
        raise internal_error(f"invalid pitr value {length}")
    if unit not in UNIT_SECONDS:
        raise internal_error(f"invalid pitr unit {unit}")
    return length, unit
