"""Arrow tables as frames of pandas and polars."""

from collections import Counter
from collections.abc import Generator
from typing import Any, Literal, TypeAlias

from matrixone_core.errors import InvalidArgument
from matrixone_core.libraries import library
from matrixone_core.messages import show

DtypeBackend: TypeAlias = Literal["pyarrow"]
_AT_ONCE = 2048  # values made into Python's objects at a time: no other thread runs meanwhile


def check_backend(backend: object) -> None:
    """See that columns of pandas can be made of this.

    Raises:
        InvalidArgument: they cannot.
    """
    if backend not in (None, "pyarrow"):  # a list cannot be hashed
        raise InvalidArgument(f"dtype_backend={show(backend)} must be 'pyarrow', or left out for numpy's types")


def as_pandas(table: Any, backend: DtypeBackend | None) -> Generator[None, None, Any]:
    """Make a frame of pandas.

    Args:
        table: the Arrow table.
        backend: None for columns of numpy's types, as pandas has them by default; `"pyarrow"` for Arrow's.

    Yields:
        Nothing, where another thread may run.

    Returns:
        The frame.
    """
    pandas = library("pandas")
    if backend is not None:
        return table.to_pandas(types_mapper=pandas.ArrowDtype)
    columns: dict[int, Any] = {}
    for at, column in enumerate(table.columns):
        columns[at] = yield from _series(column)
    # copies of all columns in one array would be made at once, and no other thread runs meanwhile
    frame = pandas.DataFrame(columns, index=pandas.RangeIndex(table.num_rows), copy=False)
    frame.columns = table.column_names  # two may have one name
    return frame


def _series(column: Any) -> Generator[None, None, Any]:
    yield
    if column.slice(0, 0).to_pandas().dtype != object:
        return column.to_pandas().copy()  # what shares Arrow's memory cannot be changed
    values = library("numpy").empty(len(column), object)
    for at in range(0, len(column), _AT_ONCE):
        values[at : at + _AT_ONCE] = column.slice(at, _AT_ONCE).to_pandas().to_numpy()
        yield
    return library("pandas").Series(values, dtype=object, copy=False)


def as_polars(table: Any) -> Any:
    """A frame of polars.

    Raises:
        InvalidArgument: two columns have one name, or a number has more digits than polars takes.
    """
    names: list[str] = table.column_names
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidArgument(
            f"a frame of polars cannot have two columns {show(twice[0])}; name them apart by AS or label()"
        )
    for at, field in enumerate(table.schema):
        if library("pyarrow").types.is_decimal256(field.type):  # polars would panic, which is no Exception
            table = table.set_column(at, field.name, _narrow(table.column(at), field))
    return library("polars").from_arrow(table)


def _narrow(column: Any, field: Any) -> Any:
    """A column of decimals as polars takes it, which has 38 digits at most."""
    arrow = library("pyarrow")
    try:
        return column.cast(arrow.decimal128(38, min(field.type.scale, 38)))
    except arrow.ArrowInvalid:
        raise InvalidArgument(
            f"column {show(field.name)} has numbers of more than 38 digits, which polars does not take; CAST it to "
            "CHAR or DOUBLE in the statement, or use query_arrow() or query_df()"
        ) from None
