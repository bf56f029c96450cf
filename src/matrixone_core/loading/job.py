"""A load as the ways see it: the files, what is wanted of them, and where their fields go."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import types

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.ledger import Ledger
from matrixone_core.loading.options import Options
from matrixone_core.loading.report import LoadedFile
from matrixone_core.loading.sifting import Lines, Sieve
from matrixone_core.loading.target import Table
from matrixone_core.operation import Op
from matrixone_core.sql.ledger import Entry
from matrixone_core.sql.load import Format, JsonLines, LoadData, Source
from matrixone_core.sql.staging import Assignment, Conflict, Names
from matrixone_core.sql.table import LoadState

STAGING = "matrixone_load_"  # followed by the server's time and random digits
NUMBER_TYPE = "DECIMAL(38,9)"  # has every whole number, and shows a fraction


class Way(StrEnum):
    """How a load goes."""

    PLAIN = "plain"
    EMPTY = "empty"
    STAGING = "staging"
    EXTERNAL = "external"
    COMPARED = "compared"

    def lock(self) -> str:
        """What it locks until its transaction ends."""
        return "table" if self is Way.EXTERNAL else "rows"


class Look(StrEnum):
    """Where rows are looked at for what the server would change, or never give back, without a word.

    `none`      nowhere: what was asked for is the server's own LOAD DATA, or the format leaves nothing to see
    `sent`      as they are sent: data of the client's
    `staging`   in the staging table
    `server`    the server looks through the file's raw lines, beside the load
    `here`      the file is read before it is loaded
    """

    NONE = "none"
    SENT = "sent"
    STAGING = "staging"
    SERVER = "server"
    HERE = "here"


@dataclass(frozen=True)
class Input:
    """A file, or data of the client's.

    Args:
        path: what it is called in reports.
        source: what the statement reads.
        format: how it is written.
        columns: the columns in the file's order, None for a field to skip; empty for the table's own.
        carry: carries its LOAD DATA out.
        lines: how its rows can be told apart here.
        sieve: keeps its bad rows, if the others are to be loaded.
        parallel: whether the server may read pieces of it at once.
        count: counts its rows, and fails where one is malformed, if the server would lose it without a word.
        entry: what the ledger knows it by, if it is to be loaded once.
        total: the length of the client's data, or None.
        look: where its rows are looked at for what the server would change without a word.
    """

    path: str
    source: Source
    format: Format
    columns: tuple[str | None, ...]
    carry: Callable[[LoadData], Op[int]]
    lines: Lines
    sieve: Sieve | None = None
    parallel: bool = False
    count: Callable[[], Op[int]] | None = None
    entry: Entry | None = None
    total: int | None = None
    look: Look = Look.NONE


@dataclass(frozen=True)
class Job:
    """What is to be loaded, and how.

    Args:
        names: the table, one or two names.
        nulls: the texts that mean NULL.
        assigned: columns and the expressions that they get.
        options: the caller's.
        state: what the server told before.
        ledger: where loads are entered, if each file is loaded once.
        heard: is told of files as they are done.
    """

    names: Names
    nulls: Names
    assigned: tuple[tuple[str, str], ...]
    options: Options
    state: LoadState
    ledger: Ledger | None
    heard: Callable[[LoadedFile], Op[None]]


@dataclass(frozen=True)
class Layout:
    """Where the fields of a file go.

    Args:
        fields: the staged columns in the file's order.
        typed: those that have the type of the target's column.
        own: those that are staged as another type, and that: text, where an expression reads them or more than one
            text means NULL; a number with a fraction, where it is to be seen that there is none.
        whole: those that are to be whole numbers.
        texts: those with the table's type that are to be UTF-8.
        inserted: what the target is given.
        keys: the target's keys that the file decides on.
    """

    fields: tuple[str | None, ...]
    typed: Names
    own: tuple[tuple[str, str], ...]
    whole: Names
    texts: Names
    inserted: tuple[Assignment, ...]
    keys: tuple[Names, ...]


def fields_of(table: Table, columns: Sequence[str | None]) -> tuple[str | None, ...]:
    """The columns in a file's order: as told, or all that can be given a value."""
    return tuple(columns) or tuple(column.name for column in table.columns if not column.computed)


def layout(job: Job, table: Table, one: Input) -> Layout:
    """Where the fields of a file go.

    Raises:
        InvalidArgument: the table does not have a column, or one that cannot be given a value.
    """
    fields = fields_of(table, one.columns)
    assigned = {name.lower() for name, _ in job.assigned}
    for name, _ in job.assigned:
        _settable(table, name)
    loaded = [name for name in fields if name is not None]
    unknown = [name for name in loaded if table.column(name) is None]
    if unknown and not job.assigned:
        has = ", ".join(column.name for column in table.columns)
        raise InvalidArgument(f"the table {'.'.join(table.names)!r} has no column {unknown[0]!r}; it has {has}")
    kept = [name for name in loaded if name not in unknown and name.lower() not in assigned]
    for name in kept:
        _settable(table, name)
    as_text = [name for name in loaded if name not in kept or len(job.nulls) > 1]
    shows = one.look is Look.STAGING
    whole = [name for name in kept if shows and name not in as_text and _is_whole(table, name)]
    own = dict.fromkeys(as_text, "TEXT") | dict.fromkeys(whole, NUMBER_TYPE)
    if isinstance(one.format, JsonLines) and one.format.shape == "array":  # its values have places, not names
        own = {name: own.get(name) or _written(table, name) for name in loaded} if own else own
    inserted = (
        *(Assignment(name, nulls=job.nulls if name in as_text else ()) for name in kept),
        *(Assignment(name, expression) for name, expression in job.assigned),
    )
    given = {assignment.column.lower() for assignment in inserted}
    typed = tuple(name for name in loaded if name not in own)
    texts = tuple(name for name in typed if shows and _is_text(table, name))
    return Layout(
        fields,
        typed,
        tuple((n, own[n]) for n in loaded if n in own),
        tuple(whole),
        texts,
        inserted,
        _decided(table, given),
    )


def _is_whole(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and isinstance(column.type, types.Integer)


def _is_text(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and isinstance(column.type, types.String) and not isinstance(column.type, types.Enum)


def _written(table: Table, name: str) -> str:
    column = table.column(name)
    return "TEXT" if column is None else column.written


def _settable(table: Table, name: str) -> None:
    column = table.column(name)
    if column is None:
        raise InvalidArgument(f"the table {'.'.join(table.names)!r} has no column {name!r}")
    if column.computed:
        raise InvalidArgument(f"the column {name!r} is computed by the server; leave it out of the file's columns")


def _decided(table: Table, given: set[str]) -> tuple[Names, ...]:
    """The keys that can be had twice: not those with a number that the server counts, nor a NULL by default."""

    def free(name: str) -> bool:
        column = table.column(name)
        return name.lower() not in given and column is not None and (
            column.automatic or (column.nullable and not column.default)
        )  # fmt: skip

    return tuple(key for key in table.keys if not any(free(name) for name in key))


def conflict_of(job: Job, keys: Sequence[Names]) -> Conflict:
    """What becomes of rows whose key is there already.

    Raises:
        InvalidArgument: what was asked for needs a key, and there is none.
    """
    asked = job.options.conflict
    if keys or asked in {None, Conflict.ERROR, Conflict.UNCHECKED}:
        return asked or Conflict.ERROR
    raise InvalidArgument(
        f"on_conflict={str(asked)!r} needs a primary or unique key that the loaded columns decide on, and"
        f" {'.'.join(job.names)!r} has none"
    )


def fitting_of(job: Job, table: Table, one: Input) -> Fitting:
    """Tells which rows of a file fit."""
    return fitting(one.path, table, one.columns, job.assigned, job.nulls)


def fitting(
    path: str,
    table: Table,
    columns: Sequence[str | None],
    assigned: Sequence[tuple[str, str]],
    nulls: Names,
) -> Fitting:
    """Tells which rows of a file fit.

    Args:
        path: what the file is called.
        table: where it goes.
        columns: the columns in the file's order, None for a field to skip; empty for the table's own.
        assigned: columns that get expressions instead.
        nulls: the texts that mean NULL.
    """
    names = fields_of(table, columns)
    gone = {name.lower() for name, _ in assigned}
    return Fitting(path, [None if n is None or n.lower() in gone else table.column(n) for n in names], names, nulls)


def own_name(table: Names, now: int) -> Names:
    """A name beside a table that nobody else has, and that tells when it was made."""
    return (*table[:-1], f"{STAGING}{now}_{secrets.token_hex(6)}")
