"""Where the fields of a file go: through which columns of a staging table, by which expressions, into which columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import Value
from matrixone_core.loading.inputs.files import InputFile, StageFile
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.table import Column, Kind, Table
from matrixone_core.messages import show
from matrixone_core.sql.load import Csv, Parquet
from matrixone_core.sql.staged_inserts import Assignment, Conflict, Key
from matrixone_core.sql.staging import ROW_NUMBER, Expression, Names, staged

_CAST_KEYS = {
    Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP, Kind.TIME,
    Kind.YEAR, Kind.UUID,
}  # fmt: skip
END = "matrixone_end"  # the staged column of what follows a line's last delimiter, where a delimiter ends each line
WHOLE = "BIGINT"  # the type of a staged column whose values are known to be whole numbers: half the time of texts
MOMENT = "DATETIME(6)"  # of Parquet's timestamps, which lose fractions as texts (server-facts 57)
_MOMENTS = {Kind.DATETIME, Kind.TIMESTAMP}


@dataclass(frozen=True)
class StagedField:
    """A field of the file that is staged.

    Args:
        name: what the file, or the caller, calls it.
        staged: its column of the staging table.
        sql_type: that column's type.
        column: the target's column that it goes to as it is; None where only expressions read it.
    """

    name: str
    staged: str
    sql_type: str
    column: Column | None


@dataclass(frozen=True)
class ColumnMapping:
    """Where the fields of a file go.

    Args:
        order: for each field of a line its column of the staging table, None for one that is skipped.
        fields: the fields that are staged.
        assignments: what the target's columns get.
        keys: the target's keys that the file decides.
        nulls: the texts that mean NULL.
        replaces: whether the rows are stored by REPLACE.
        is_utf8: whether the texts were decoded before they are staged.
        end: the delimiter that ends each line; what follows it is staged as the last of the fields, and must be empty.
    """

    order: tuple[str | None, ...]
    fields: tuple[StagedField, ...]
    assignments: tuple[Assignment, ...]
    keys: tuple[Key, ...]
    nulls: Names = ()
    replaces: bool = False
    is_utf8: bool = False
    end: str | None = None

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The staging table's columns: names and types."""
        return tuple((field.staged, field.sql_type) for field in self.fields)

    @property
    def staged(self) -> Names:
        """The names of the staging table's columns."""
        return tuple(field.staged for field in self.fields)


def map_columns(request: LoadRequest, table: Table, file: InputFile) -> ColumnMapping:
    """Say where the fields of a file go.

    Args:
        request: what the caller wants.
        table: the target.
        file: the file.

    Raises:
        InvalidArgument: the target does not have a column, or has one that cannot be given a value.
    """
    set_columns = {name.lower() for name, _ in request.assignments}
    for own in (*(name for name, _ in request.assignments), *filter(None, (request.file_column, request.row_column))):
        _check_settable(table, own)
    form = file.format
    read_by_server = isinstance(file, StageFile) and not file.through_client
    by_name = (read_by_server and not isinstance(form, Csv)) or bool(request.assignments)
    fields: list[StagedField] = []
    order: list[str | None] = []
    for at, name in enumerate(file.names):
        if name is None:
            order.append(None)
            continue
        column = _target_column(request, table, file, name, set_columns)
        fields.append(
            StagedField(
                name,
                name if by_name else f"f{at}",
                _choose_staged_type(request, table.column(name), name, file),
                column,
            )
        )
        order.append(fields[-1].staged)
    assignments = _assignments(request, table, file, fields)
    end = form.delimiter if read_by_server and isinstance(form, Csv) and form.trailing_delimiter else None
    if end is not None:
        fields.append(StagedField("", END, "LONGTEXT", None))
    return ColumnMapping(
        tuple(order),
        tuple(fields),
        assignments,
        _keys(table, assignments),
        request.nulls,
        request.options.conflict is Conflict.REPLACE,
        # where bad rows are collected, each is judged by itself
        not request.options.collects_rejects and (file.through_client if isinstance(file, StageFile) else file.is_utf8),
        end,
    )


def _assignments(
    request: LoadRequest, table: Table, file: InputFile, fields: Sequence[StagedField]
) -> tuple[Assignment, ...]:
    """What each column gets: a field, an expression, the file's path or the row's number."""
    return (
        *(
            Assignment(field.column.name, _value(field, field.column, request.nulls))
            for field in fields
            if field.column is not None
        ),
        *(Assignment(_name_of(table, name), (f"({expression})",)) for name, expression in request.assignments),
        *((Assignment(_name_of(table, request.file_column), (Value(file.path),)),) if request.file_column else ()),
        *((Assignment(_name_of(table, request.row_column), (staged(ROW_NUMBER),)),) if request.row_column else ()),
    )


def default_names(request: LoadRequest, table: Table) -> Names:
    """The columns that data has which names none: all that can be given a value, but for those that the load fills."""
    filled = {name.lower() for name in (request.file_column, request.row_column) if name}
    return tuple(name for name in table.settable if name.lower() not in filled)


def _target_column(
    request: LoadRequest, table: Table, file: InputFile, name: str, set_columns: set[str]
) -> Column | None:
    column = table.column(name)
    if name.lower() in set_columns:
        return None
    if column is None:
        if request.assignments:
            return None  # an expression may read it
        raise no_such_column(table, name, file.path)
    _check_settable(table, name)
    return column


def no_such_column(table: Table, name: str, path: str) -> InvalidArgument:
    """The error for a column of the data that the table does not have."""
    has = ", ".join(column.name for column in table.columns)
    return InvalidArgument(
        f"{path}: the table {show('.'.join(table.names))} has no column {show(name)}; it has {has};"
        " extra_columns='ignore' or 'add' takes such files"
    )


def _choose_staged_type(request: LoadRequest, column: Column | None, name: str, file: InputFile) -> str:
    if column is not None and column.kind is Kind.BYTES:
        return "LONGBLOB"
    if column is not None and isinstance(file.format, Parquet):
        if _stays_whole(request, column, name, file):
            return WHOLE
        if column.kind in _MOMENTS and not (isinstance(file, StageFile) and name.lower() in file.texts):
            return MOMENT
    return "LONGTEXT"


def _stays_whole(request: LoadRequest, column: Column, name: str, file: InputFile) -> bool:
    """Whether whole numbers of Parquet need not become texts: nothing that is asked for compares or judges texts."""
    as_texts = request.assignments or request.options.collects_rejects or column.auto_increment
    is_whole = isinstance(file, StageFile) and name.lower() in file.whole
    return is_whole and column.kind is Kind.INTEGER and not as_texts


def _value(field: StagedField, column: Column, nulls: Names) -> Expression:
    """The field's text as INSERT gets it; an empty one is NULL for all but text (server-facts 20)."""
    value: Expression = (staged(field.staged),)
    if field.sql_type in {WHOLE, MOMENT}:
        return value
    empty = () if column.kind in {Kind.TEXT, Kind.BYTES} else ("",)
    for text in (*empty, *nulls):
        value = ("NULLIF(", *value, ", ", Value(text), ")")
    return value


def _name_of(table: Table, name: str) -> str:
    column = table.column(name)
    return name if column is None else column.name


def _check_settable(table: Table, name: str) -> None:
    column = table.column(name)
    if column is None:
        raise InvalidArgument(f"the table {show('.'.join(table.names))} has no column {show(name)}")
    if column.generated:
        raise InvalidArgument(f"the server computes the column {show(name)}; leave it out of the file's columns")


def _keys(table: Table, assignments: Sequence[Assignment]) -> tuple[Key, ...]:
    """The keys that rows can share: not those with a number that the server counts, nor a NULL by default."""
    values = {assignment.column.lower(): assignment.value for assignment in assignments}
    keys: list[Key] = []
    for names in table.keys:
        columns = [column for name in names if (column := table.column(name)) is not None]
        if any(column.name.lower() not in values and _is_left_free(column) for column in columns):
            continue
        given = [(column, values[column.name.lower()]) for column in columns if column.name.lower() in values]
        if len(given) == len(columns):
            keys.append(Key(tuple(c.name for c, _ in given), tuple(_key_value(c, value) for c, value in given)))
    return tuple(keys)


def _is_left_free(column: Column) -> bool:
    return column.auto_increment or (column.nullable and not column.has_default)


def _key_value(column: Column, value: Expression) -> Expression:
    return ("CAST(", *value, f" AS {column.sql_type})") if column.kind in _CAST_KEYS else value
