"""The table of rows that did not fit."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.fragments import Part, Value, quote_names
from matrixone_core.results import BadRow
from matrixone_core.steps import Command

ROWS_AT_ONCE = 200  # that one statement inserts
COLUMNS = "`file`, `line`, `column`, `value`, `reason`, `raw`"


@dataclass(frozen=True)
class CreateRejects(Command):
    """The table, if there is none yet."""

    name: tuple[str, ...]

    def parts(self) -> Iterator[Part]:
        yield (
            f"CREATE TABLE IF NOT EXISTS {quote_names(self.name)} (`file` TEXT, `line` BIGINT, `column` VARCHAR(64),"
            " `value` TEXT, `reason` TEXT, `raw` TEXT)"
        )


@dataclass(frozen=True)
class InsertRejects(Command):
    """INSERT of rows that did not fit."""

    name: tuple[str, ...]
    rows: tuple[BadRow, ...]

    def parts(self) -> Iterator[Part]:
        yield f"INSERT INTO {quote_names(self.name)} ({COLUMNS}) VALUES "
        before = "("
        for row in self.rows:
            for value in (row.file, row.line, row.column, row.value, row.reason, row.raw):
                yield before
                yield "NULL" if value is None else Value(value)
                before = ", "
            yield ")"
            before = ", ("
