"""An optimisation: LOAD DATA straight into an empty table, where each line of the file is proven to be plain.

For a plain value LOAD DATA and INSERT store the same (server-facts 49, 51). While the server loads the file, it
compares the raw lines with a regular expression on another connection; one line that is not plain, and the load is
rolled back and goes through a staging table. Nothing else depends on this module.
"""

from matrixone_core.errors import DuplicateKey, LoadFailed
from matrixone_core.loading.certain_values import certain_value
from matrixone_core.loading.formats.line_pattern import escape_pattern
from matrixone_core.loading.inputs.files import InputFile, StageFile
from matrixone_core.loading.plan import LoadPlan, LoadStrategy, direct_load, is_medium
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.loading.strategies.direct import target_keys
from matrixone_core.loading.strategies.line_checks import all_lines_match
from matrixone_core.loading.strategies.once import with_ledger
from matrixone_core.loading.table import Column, Kind, Table
from matrixone_core.messages import show
from matrixone_core.results import LoadedFile
from matrixone_core.sql.load import Csv
from matrixone_core.sql.staged_inserts import Conflict, FirstDuplicateKey
from matrixone_core.steps import Atomic, Concurrently, Op, read_clock


class _NotPlain(Exception):
    """A line of the file is not plain, or the server cannot say so."""


def load_into_empty(context: LoadContext) -> Op[tuple[LoadedFile, ...] | None]:
    """Load the one file of a plan into its empty table; None where its lines are not proven to be plain.

    Raises:
        DuplicateKey: more than one row has a key.
    """
    plan = context.plan
    pattern = plain_lines(plan)
    if pattern is None:
        return None
    file = plan.inputs[0]
    try:
        return (yield from Atomic(with_ledger(context, file, _load_and_prove(context, file, pattern))))
    except _NotPlain:
        return None
    except DuplicateKey:
        raise
    except LoadFailed:
        return None  # the staging table tells which row it is


def _load_and_prove(context: LoadContext, file: InputFile, pattern: str) -> Op[tuple[LoadedFile, ...]]:
    plan, began = context.plan, (yield from read_clock())
    for statement in plan.preparation:
        yield from statement
    load, lines = direct_load(plan, file), (*plan.request.names[:-1], f"{plan.batches[0].staging[-1]}_lines")
    proof = iter(Atomic(_prove(lines, file, pattern)))
    rows, _ = yield from Concurrently((iter(load), proof), 2, first_in_transaction=True)
    for key in target_keys(plan):
        values = yield from FirstDuplicateKey(plan.request.names, key)
        if values is not None:
            entry = show("-".join(map(str, values)))
            raise DuplicateKey(
                f"duplicate entry {entry} for the key ({', '.join(key.columns)}): more than one row of {file.path}, or"
                " one that came meanwhile, has it; no row was loaded",
                code=1062,
            )
    context.strategies.append(LoadStrategy.LOAD_THEN_CHECK)
    return ((yield from context.finish_file(LoadedFile(file.path, rows, rows), began)),)


def _prove(lines: tuple[str, ...], file: InputFile, pattern: str) -> Op[None]:
    if not (yield from all_lines_match(lines, file, pattern)):
        raise _NotPlain


def plain_lines(plan: LoadPlan) -> str | None:
    """The regular expression of plain lines; None where the fast path is not for this load."""
    request, state = plan.request, plan.state
    if len(plan.inputs) != 1 or plan.target is None or not plan.batches or plan.batches[0].numbered:
        return None
    file = plan.inputs[0]
    if not isinstance(file, StageFile) or not isinstance(file.format, Csv) or file.through_client:
        return None
    alone = state.owns_transaction and is_medium(state) and (not state.in_use or request.options.mode == "replace")
    if not alone or plan.conflict is not Conflict.ERROR or request.assignments or request.nulls or request.file_column:
        return None
    return _line(file.format, plan.target, file.names)


def _line(form: Csv, table: Table, names: tuple[str | None, ...]) -> str | None:
    if form.escape or len(form.delimiter) > 1 or form.line_terminator not in {None, "\n"}:
        return None
    fields: list[str] = []
    for name in names:
        column = None if name is None else table.column(name)
        pattern = None if column is None else _field(form, column)
        if pattern is None:
            return None
        fields.append(pattern)
    end = escape_pattern(form.delimiter) if form.trailing_delimiter else ""
    return f"^{escape_pattern(form.delimiter).join(fields)}{end}\r?$"


def _field(form: Csv, column: Column) -> str | None:
    """A pattern of a field that LOAD DATA and INSERT read alike."""
    if column.kind is Kind.TEXT:
        # LOAD DATA from a stage refuses texts that are too long (server-facts 48)
        unwanted = (
            f"{escape_pattern(form.delimiter + form.quote)}\\r\\n\ufffd"  # what RE2 reads bytes as that are no UTF-8
        )
        quote = escape_pattern(form.quote)
        return f"([^{unwanted}]*|{quote}[^{quote}\\r\\n\ufffd]*{quote})"
    value = certain_value(column)
    if value is None or column.lossless is not None:  # the staging table tells what an inferred type would lose
        return None
    empty = "" if column.kind in {Kind.INTEGER, Kind.DECIMAL} and column.nullable else None
    nulls = ["\\\\N", *([] if empty is None else [empty])] if column.nullable else []
    return f"({'|'.join([value, *nulls])})"
