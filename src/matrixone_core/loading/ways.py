"""The ways a load can go: which one is taken, and where its rows are looked at (server-facts 17, 18).

`plain`      LOAD DATA, where no key is to be checked
`empty`      LOAD DATA into a table that has no rows, then a look for keys that more than one row has
`staging`    LOAD DATA into tables without keys, several at once, then INSERT … SELECT: locks only the rows
`external`   INSERT … SELECT from the files themselves: locks the target's whole key range
`compared`   LOAD DATA, and doubled keys counted before and after, for who may not make tables
"""

from collections.abc import Sequence
from dataclasses import replace

from matrixone_core.errors import InvalidArgument, PermissionDenied
from matrixone_core.loading import direct, looking
from matrixone_core.loading.job import Input, Job, Look, Way, conflict_of, layout
from matrixone_core.loading.report import LoadedFile
from matrixone_core.loading.staged import staged
from matrixone_core.loading.target import Table
from matrixone_core.operation import Atomic, Op, in_order
from matrixone_core.sql.load import ClientData, Csv, JsonLines, Parquet
from matrixone_core.sql.staging import Conflict


def _is_direct(job: Job, inputs: Sequence[Input]) -> bool:
    """Whether LOAD DATA can put the fields of all files where they belong."""
    if job.assigned or len(job.nulls) > 1 or (job.options.skip_errors and not job.state.revocable):
        return False
    return not any(_form_needs_staging(one) for one in inputs)


def _form_needs_staging(one: Input) -> bool:
    """Whether a file of a format in which columns are not listed shall fill only some columns."""
    return bool(one.columns) and not isinstance(one.format, Csv)


def chosen(job: Job, table: Table, inputs: Sequence[Input], *, may_stage: bool) -> Way:
    """The way to take.

    Raises:
        InvalidArgument: what is asked for does not go together.
        PermissionDenied: it would need a right that the user does not have.
    """
    keys = [key for one in inputs for key in layout(job, table, one).keys]
    conflict, is_direct, lock = conflict_of(job, keys), _is_direct(job, inputs), job.options.lock
    if conflict is Conflict.UNCHECKED or not keys:
        shown = len(inputs) == 1 and (conflict is Conflict.UNCHECKED or not _shows_staged_only(job, inputs[0]))
        if is_direct and (keys or not may_stage or shown):
            return Way.PLAIN
        if keys:
            raise InvalidArgument(
                "on_conflict='unchecked' loads the fields as they are; set=, several null_values and columns= of JSON"
                " lines or Parquet go through INSERT, which checks keys"
            )
        return _by_staging(job, conflict, may_stage=may_stage)
    if not may_stage and is_direct and conflict is Conflict.ERROR:
        return Way.COMPARED
    if lock == "table" and may_stage and is_direct and _can_be_external(job, conflict, inputs):
        return Way.EXTERNAL
    alone = len(inputs) == 1 and job.state.revocable and not job.state.in_use
    if alone and is_direct and conflict is Conflict.ERROR and lock != "rows" and not _needs_staging(job, inputs[0]):
        return Way.EMPTY
    return _by_staging(job, conflict, may_stage=may_stage)


def _by_staging(job: Job, conflict: Conflict, *, may_stage: bool) -> Way:
    if may_stage:
        return Way.STAGING
    raise PermissionDenied(
        f"this load of {'.'.join(job.names)!r} needs a table of its own (on_conflict={str(conflict)!r}, set=, columns="
        " or several null_values), and the user may not create and drop tables in its database; on_conflict='error' and"
        " 'unchecked' of files that fit the table as they are need none"
    )


def _needs_staging(job: Job, one: Input) -> bool:
    """Whether only a staging table shows what is to be seen, or costs little; of Parquet it shows no more."""
    small = not job.state.reached and not isinstance(one.format, Parquet)
    return small or _shows_staged_only(job, one)


def _shows_staged_only(job: Job, one: Input) -> bool:
    """Whether rows cannot be looked at but in a staging table: many JSON lines, data of the client's in a session."""
    many = bool(job.state.reached) and isinstance(one.format, JsonLines)
    sent = isinstance(one.source, ClientData) and one.look is not Look.SENT
    return one.sieve is None and (many or sent)


def _can_be_external(job: Job, conflict: Conflict, inputs: Sequence[Input]) -> bool:
    """Whether INSERT … SELECT from the files does the same; the order of rows is nobody's promise there."""
    files = all(isinstance(one.format, Csv) and not isinstance(one.source, ClientData) for one in inputs)
    return files and not job.nulls and conflict in {Conflict.ERROR, Conflict.SKIP}


def with_looks(job: Job, inputs: Sequence[Input], way: Way, *, may_stage: bool) -> tuple[Input, ...]:
    """Files that know where their rows are looked at."""
    return tuple(replace(one, look=_look_of(job, one, way, may_stage=may_stage)) for one in inputs)


def _look_of(job: Job, one: Input, way: Way, *, may_stage: bool) -> Look:
    unchecked = way is Way.PLAIN and job.options.conflict is Conflict.UNCHECKED
    if one.look is Look.SENT or unchecked or one.sieve is not None or isinstance(one.format, Parquet):
        return one.look
    if way is Way.EXTERNAL:
        return Look.SERVER
    large = bool(job.state.reached) and isinstance(one.format, Csv) and not isinstance(one.source, ClientData)
    if large and may_stage and (job.state.revocable or way is not Way.STAGING):
        return Look.SERVER
    if way is Way.STAGING and len(job.nulls) <= 1:
        return Look.STAGING
    return Look.HERE if one.lines.again else Look.NONE


def carried_out(
    job: Job, table: Table | None, inputs: Sequence[Input], way: Way
) -> Op[tuple[Way, tuple[LoadedFile, ...]]]:
    """Load files the way that was chosen; the table may be unknown where nothing is looked at.

    Returns:
        The way that was gone, and what became of the files: those with lines that are not regular are staged.

    Raises:
        LoadFailed: a row does not fit, or the server would change something in it.
    """
    if table is None:
        return way, (yield from _gone(job, table, inputs, way))
    inputs = yield from in_order(looking.here(job, table, one) for one in inputs)
    try:
        return way, (yield from _gone(job, table, inputs, way))
    except looking.Unproven as unproven:
        failure = unproven
    yield from looking.suspect(job, table, failure)
    shown = Look.STAGING if len(job.nulls) <= 1 else Look.HERE
    inputs = yield from in_order(looking.here(job, table, replace(one, look=shown)) for one in inputs)
    return Way.STAGING, (yield from staged(job, table, inputs))


def _gone(job: Job, table: Table | None, inputs: Sequence[Input], way: Way) -> Op[tuple[LoadedFile, ...]]:
    one = inputs[0]
    looked_beside = any(each.look is Look.SERVER for each in inputs)
    if way is Way.PLAIN and len(inputs) == 1 and job.ledger is None and one.sieve is None and not looked_beside:
        return ((yield from direct.loaded(job, table, one)),)  # one statement, committed by itself
    if table is None:
        return (yield from Atomic(direct.one_after_another(job, table, inputs)))
    if way is Way.STAGING:
        return (yield from staged(job, table, inputs))
    if way is Way.EMPTY:
        op = direct.into_empty(job, table, one)
    elif way is Way.COMPARED:
        op = direct.compared(job, table, inputs)
    elif way is Way.EXTERNAL:
        op = direct.from_files(job, table, inputs)
    else:
        op = direct.one_after_another(job, table, inputs)
    return (yield from Atomic(looking.beside(job, table, inputs, op)))
