"""What a caller wants loaded, put together from what a load can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from matrixone_core import literals
from matrixone_core.errors import InvalidArgument
from matrixone_core.loading import options
from matrixone_core.loading.options import Columns, LoadOptions, Options, PlanOptions
from matrixone_core.sql.load import Csv, Format, Parquet
from matrixone_core.sql.staging import Conflict, Names
from matrixone_core.sql.table import LoadState
from matrixone_core.tables import Target, table_names, table_of

_CSV_DEFAULTS: dict[str, Any] = {
    "ignore_lines": 0, "delimiter": ",", "quote": '"', "escape": None, "line_terminator": None, "compression": None,
}  # fmt: skip
_OPTIONS = {
    "csv": {*_CSV_DEFAULTS, "header", "columns", "null_values", "set"},
    "jsonline": {"shape", "columns", "set", "compression"},
    "parquet": {"columns", "set"},
}
_ANY_FORMATS = frozenset[str]().union(*_OPTIONS.values())


@dataclass(frozen=True)
class Order:
    """What a caller wants loaded.

    Args:
        names: the table, one or two names.
        format: how the data is written.
        columns: the columns in the data's order, None for a field to skip; empty for the table's own.
        header: whether the first line that is not ignored names them.
        nulls: the texts that mean NULL.
        assigned: columns and the expressions that they get.
        options: the rest.
    """

    names: Names
    format: Format
    columns: tuple[str | None, ...]
    header: bool
    nulls: Names
    assigned: tuple[tuple[str, str], ...]
    options: Options

    def full_name(self, state: LoadState) -> str:
        """The table as `database.table`, which names it wherever it is asked for."""
        return ".".join((*((state.database or "",) if len(self.names) == 1 else ()), *self.names)).lower()

    @property
    def is_plain(self) -> bool:
        """Whether nothing has to be known of the table."""
        unchecked = self.options.conflict is Conflict.UNCHECKED
        unchecked = unchecked and not self.options.skip_errors  # rows are told apart by the table's columns
        return unchecked and not self.assigned and (not self.nulls or bool(self.columns)) and len(self.nulls) <= 1


def names_of(table: Target) -> tuple[str, ...]:
    """The one or two names of a table."""
    return literals.table_name(table) if isinstance(table, str) else table_names(table_of(table))


def order_of(
    table: Target,
    form: Format,
    columns: Columns | None,
    told: LoadOptions,
    *,
    header: str | None = None,
    nulls: str | Sequence[str] | None = None,
    assigned: Mapping[str, str] | None = None,
) -> Order:
    """What is wanted, checked.

    Args:
        table: the table.
        form: how the data is written.
        columns: the columns in the data's order.
        told: the options that every load has.
        header: `match` if the columns are named in the first line.
        nulls: the texts that mean NULL.
        assigned: columns and the expressions that they get.

    Raises:
        InvalidArgument: something of it cannot be.
    """
    names = names_of(table)
    wanted = options.columns(columns)
    if header not in {None, "match"}:
        raise InvalidArgument(f"header={header!r} is to be 'match' or None; ignore_lines=1 skips a header")
    if header and wanted:
        raise InvalidArgument("header='match' takes the columns from the file; leave columns out")
    checked = options.checked(told)
    if not isinstance(form, Csv) and None in wanted:
        raise InvalidArgument(f"columns={list(wanted)!r} skips a field by None, which only CSV has; name those wanted")
    return Order(
        names, form, wanted, header == "match", options.nulls(nulls), options.assignments(assigned), checked
    )  # fmt: skip


def order_as(table: Target, form: str, told: PlanOptions) -> Order:
    """What is wanted, of a format that is told by its name.

    Raises:
        InvalidArgument: the format does not have one of the options.
    """
    known = options.one_of(form, tuple(_OPTIONS), "format")
    given: dict[str, Any] = dict(told)
    own = {name: given.pop(name) for name in _ANY_FORMATS & given.keys()}
    refused = sorted(own.keys() - _OPTIONS[known])
    if refused:
        raise InvalidArgument(f"{refused[0]}={own[refused[0]]!r} cannot be said of {known} files")
    columns, assigned = own.pop("columns", None), own.pop("set", None)
    header, nulls = own.pop("header", None), own.pop("null_values", None)
    made = _CSV_DEFAULTS | own if known == "csv" else own
    written: Format = Parquet()
    if known == "csv":
        written = options.csv(**made)
    elif known == "jsonline":
        written = options.json_lines(own.get("shape", "object"), own.get("compression"))
    return order_of(table, written, columns, cast("LoadOptions", given), header=header, nulls=nulls, assigned=assigned)
