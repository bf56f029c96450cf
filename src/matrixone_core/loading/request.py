"""The request of a load: a call's arguments after their check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading import format_options, options
from matrixone_core.loading.options import Header, Options
from matrixone_core.messages import show
from matrixone_core.names import table_name
from matrixone_core.sql.load import Csv, Format, Parquet
from matrixone_core.sql.staged_inserts import Conflict
from matrixone_core.sql.staging import Names
from matrixone_core.targets import Target, table_names, table_of

_COLUMNS: dict[str, Any] = {"columns": None, "set": None}
_CSV: dict[str, Any] = {
    "ignore_lines": 0, "delimiter": ",", "quote": '"', "escape": None, "line_terminator": None, "compression": None,
    "trailing_delimiter": False,
}  # fmt: skip
_JSON: dict[str, Any] = {"shape": "object", "compression": None, "base64": ()}
DEFAULTS: dict[str, dict[str, Any]] = {
    "csv": {**_CSV, "header": None, "null_values": None, **_COLUMNS},
    "jsonline": {**_JSON, "missing_keys": "null", "extra_keys": "ignore", **_COLUMNS},
    "parquet": _COLUMNS,
}


@dataclass(frozen=True)
class LoadRequest:
    """The checked arguments of a load.

    Args:
        names: name of the table, after its database if that is given.
        format: format of the data.
        columns: names of the columns in the order of the fields, None for a field to skip; empty means the table's own.
        header: whether the first line after the ignored ones has the columns' names.
        nulls: texts that mean NULL.
        assignments: columns and their SQL expressions.
        missing_keys: `null` or `error`, for an object that lacks a column's key.
        extra_keys: `ignore` or `error`, for a key that is not a column.
        options: the other options.
    """

    names: Names
    format: Format
    columns: tuple[str | None, ...] = ()
    header: bool = False
    nulls: Names = ()
    assignments: tuple[tuple[str, str], ...] = ()
    missing_keys: str = "null"
    extra_keys: str = "ignore"
    options: Options = field(default_factory=Options)

    @property
    def table_name(self) -> str:
        """The table's name as the caller gave it."""
        return ".".join(self.names)

    @property
    def file_column(self) -> str | None:
        """The column that stores the file's path."""
        return self.options.file_column

    @property
    def row_column(self) -> str | None:
        """The column that stores the row's number."""
        return self.options.row_column

    @property
    def is_unchecked(self) -> bool:
        """Whether the caller wants the server's own LOAD DATA, without checks."""
        return self.options.conflict is Conflict.UNCHECKED


def names_of(table: Target) -> Names:
    """Return a table's name, after its database if that is given."""
    return table_name(table) if isinstance(table, str) else table_names(table_of(table))


def build_request(table: Target, form: str, explicit: Mapping[str, Any], others: Mapping[str, Any]) -> LoadRequest:
    """Check the arguments of a load.

    Args:
        table: the table.
        form: `csv`, `jsonline` or `parquet`.
        explicit: the options of the format, by name.
        others: all other options, including aliases.

    Raises:
        InvalidArgument: an argument is not valid, or contradicts another.
    """
    defaults = DEFAULTS[form]
    given, rest = options.with_aliases({**defaults, **explicit}, defaults, others)
    options.check_known(rest, (*options.LoadOptions.__annotations__, *defaults))
    names, columns = names_of(table), format_options.columns(given["columns"])
    header, skipped = _header(given.get("header"))
    if header and columns:
        raise InvalidArgument("header='match' takes the columns from the file; leave columns out")
    if form != "csv" and None in columns:
        raise InvalidArgument(
            f"columns={show(list(columns))} skips a field with None, which only CSV allows; name the columns to load"
        )
    others_known = options.check_options(rest)
    if form == "csv" and others_known.extra_columns != "error" and not (header or columns):
        raise InvalidArgument(
            f"extra_columns={show(others_known.extra_columns)} needs the names of the file's columns;"
            " give header='match' or columns"
        )
    request = LoadRequest(
        names,
        _format(form, given, skipped),
        columns,
        header,
        format_options.nulls(given.get("null_values")),
        format_options.assignments(given["set"]),
        options.check_choice(given.get("missing_keys", "null"), ("null", "error"), "missing_keys"),
        options.check_choice(given.get("extra_keys", "ignore"), ("ignore", "error"), "extra_keys"),
        others_known,
    )
    if request.is_unchecked and (request.assignments or len(request.nulls) > 1 or (form != "csv" and columns)):
        raise InvalidArgument(
            "on_conflict='unchecked' loads the fields as they are; set=, several null_values and columns= of JSON lines"
            " or Parquet go through INSERT, which checks keys"
        )
    return request


def build_named_request(table: Target, form: str, given: Mapping[str, Any]) -> LoadRequest:
    """Check the arguments of a load whose format the caller names, as `build_request` does.

    Raises:
        InvalidArgument: the format does not have one of the options.
    """
    known = options.check_choice(form, tuple(DEFAULTS), "format")
    any_format = frozenset[str]().union(*DEFAULTS.values())
    explicit = {name: value for name, value in given.items() if name in any_format}
    refused = sorted(explicit.keys() - DEFAULTS[known].keys())
    if refused:
        raise InvalidArgument(f"{refused[0]}={show(explicit[refused[0]])} has no meaning for {known} files")
    return build_request(table, known, explicit, {name: value for name, value in given.items() if name not in explicit})


def _format(form: str, given: Mapping[str, Any], skipped: int) -> Format:
    if form == "csv":
        written: dict[str, Any] = {name: given[name] for name in _CSV}
        written["ignore_lines"] = format_options.check_line_count(given["ignore_lines"]) + skipped
        return format_options.csv(**written)
    return (
        format_options.json_lines(given["shape"], given["compression"], given["base64"])
        if form == "jsonline"
        else Parquet()
    )


def _header(given: Header) -> tuple[bool, int]:
    """Return whether a line has the columns' names, and the number of lines before it."""
    match given:
        case None | False:
            return False, 0
        case True | "match" | "infer":
            return True, 0
        case int() if given >= 0:  # pandas' number of the line
            return True, given
        case _:
            raise InvalidArgument(
                f"header={show(given)} must be 'match', a line number from 0, or None; ignore_lines=1 skips a header"
            )


def fields_of(form: Format, names: Sequence[str | None]) -> tuple[str | None, ...]:
    """Return the fields of a line, with one more if a delimiter ends each line."""
    trailing = isinstance(form, Csv) and form.trailing_delimiter
    return (*names, None) if trailing else tuple(names)
