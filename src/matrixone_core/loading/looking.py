"""Looking through files for what the server would change without a word: by the server, beside the load, or here."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar, cast

from matrixone_core.errors import LoadFailed, ServerError, StageFileNotFound, StageNotFound, TransactionAborted
from matrixone_core.loading import regular
from matrixone_core.loading.client_data import bad_row
from matrixone_core.loading.csv_rows import CsvRows, Row
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.job import Input, Job, Look, fitting_of, own_name
from matrixone_core.loading.reading import UNREADABLE, bad_row_of
from matrixone_core.loading.report import BadRow
from matrixone_core.loading.target import Table
from matrixone_core.operation import Atomic, Op, Together
from matrixone_core.sql.external import CreateExternal, IrregularLines
from matrixone_core.sql.load import Csv, JsonLines
from matrixone_core.sql.staging import DropTable, Names

T = TypeVar("T")
MOST_LINES = 1000  # that are not regular and are looked at one by one


class Unproven(Exception):
    """A file has lines of which the server cannot tell whether something would be changed in them.

    Attributes:
        one: the file.
        suspected: whether one of its lines looks as if.
    """

    def __init__(self, one: Input, *, suspected: bool = False) -> None:
        super().__init__(one.path)
        self.one = one
        self.suspected = suspected


def beside(job: Job, table: Table, inputs: Sequence[Input], op: Op[T]) -> Op[T]:
    """Carry a load out while the server looks through the files that it is to look through.

    In a session it looks first, as no load can be taken back there.

    Args:
        job: what is to be loaded.
        table: the table.
        inputs: the files.
        op: the load, in a transaction that is rolled back if it fails.

    Raises:
        Unproven: there is a line that is not regular.
    """
    looks = tuple(_by_the_server(job, table, one) for one in inputs if one.look is Look.SERVER)
    if not looks:
        return (yield from op)
    if not job.state.revocable:
        yield from Together(looks, job.options.concurrency)
        return (yield from op)
    result: T = (yield from Together((op, *looks), 1 + job.options.concurrency, here=True))[0]
    return result


def _by_the_server(job: Job, table: Table, one: Input) -> Op[None]:
    form, fitting = cast("Csv", one.format), fitting_of(job, table, one)
    pattern = regular.on_the_server(form, fitting.kinds, job.nulls)
    try:
        lines = yield from Atomic(_irregular(own_name(job.names, job.state.now), one, form, pattern))
    except StageFileNotFound as error:
        raise error.about(one.path) from error.__cause__
    except (StageNotFound, TransactionAborted):
        raise
    except ServerError as error:  # a server that does not understand the question
        raise Unproven(one) from error
    if len(lines) > MOST_LINES:
        raise Unproven(one)
    for line in lines:
        _check(one, form, fitting, line)


def _irregular(name: Names, one: Input, form: Csv, pattern: str) -> Op[tuple[bytes, ...]]:
    yield from CreateExternal(name, one.source, Csv(form.ignore_lines, "\x01", "\x02", compression=form.compression))
    lines = yield from IrregularLines(name, pattern, MOST_LINES + 1)
    yield from DropTable(name)
    return lines


def _check(one: Input, form: Csv, fitting: Fitting, line: bytes) -> None:
    """See whether a line is a row by itself, and one that the server takes as it is.

    Raises:
        Unproven: it is not.
    """
    reader = CsvRows(replace(form, ignore_lines=0))
    rows = [*reader.feed(line + b"\n"), *reader.finish()]
    flawed = any(fitting.unheard(row) is not None for row in rows)
    if flawed or len(rows) != 1 or rows[0].broken is not None or len(rows[0].fields) != len(fitting.names):
        raise Unproven(one, suspected=flawed)


def suspect(job: Job, table: Table, unproven: Unproven) -> Op[None]:
    """Name the row of which the server would have changed something, if there is one.

    Raises:
        LoadFailed: there is.
    """
    one = unproven.one
    if unproven.suspected:
        passed_over = regular.here(cast("Csv", one.format), fitting_of(job, table, one).kinds, job.nulls)
        row = yield from bad_row_of(job, table, one, Fitting.unheard, passed_over)
        if row is not None:
            raise bad_row(row)


def here(job: Job, table: Table, one: Input) -> Op[Input]:
    """Look through a file before it is loaded, and return it; of JSON lines the rows are counted as well.

    Raises:
        LoadFailed: the server would change something in one of its rows, or lose one.
    """
    if one.look is not Look.HERE:
        return one
    fitting, is_json, count = fitting_of(job, table, one), isinstance(one.format, JsonLines), 0

    def flaw(row: Row) -> BadRow | None:
        nonlocal count
        count += 1
        return fitting.flaw(row) if is_json and row.broken is not None else fitting.unheard(row)

    passed_over = regular.here(one.format, fitting.kinds, job.nulls) if isinstance(one.format, Csv) else None
    try:
        row = yield from one.lines.first(fitting.names, flaw, passed_over)
    except UNREADABLE:  # the server will say so
        return one
    except (LoadFailed, StageNotFound, StageFileNotFound, TransactionAborted):
        raise
    except ServerError:  # some stages load, and cannot be read (server-facts 9)
        return one
    if row is not None:
        raise bad_row(row)
    return replace(one, count=lambda: _told(count)) if is_json else one


def _told(count: int) -> Op[int]:
    yield from ()
    return count
