"""Whether the server can be trusted with all lines of a stage's file, as an external table over it shows them."""

from collections.abc import Sequence
from dataclasses import replace

from matrixone_core.errors import ServerError, StageFileNotFound, TransactionAborted
from matrixone_core.fragments import Part
from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.inputs.files import InputFile
from matrixone_core.loading.table import Kind, Table
from matrixone_core.sql.ddl import DropTable
from matrixone_core.sql.external import LINE, CountLines, CreateExternal, ends_with, unlike
from matrixone_core.sql.files import MayContain
from matrixone_core.sql.load import RAW_LINES, Csv
from matrixone_core.sql.staging import Names
from matrixone_core.steps import Op


def all_lines_match(name: Names, file: InputFile, pattern: str) -> Op[bool]:
    """Whether all raw lines of a file match a regular expression.

    Args:
        name: what the external table over the file is called meanwhile.
        file: the file.
        pattern: the expression.
    """
    return (yield from _has_no_line(name, file, "TEXT", unlike(pattern)))


def may_end_with_return(form: Csv, names: Sequence[str | None], target: Table | None) -> bool:
    """Whether the last value of a line may be a text that ends with a carriage return, which the server loses."""
    if form.line_terminator == "\r" or form.trailing_delimiter:
        return False
    name = next(reversed(names), "")
    column = target.column(name) if name and target is not None else None
    return name is not None and (column is None or column.kind in {Kind.TEXT, Kind.BYTES})


def no_line_ends_with_return(name: Names, file: InputFile, form: Csv, *, asks_first: bool) -> Op[bool]:
    """Whether no line ends with a carriage return and a quote (server-facts 84).

    Args:
        name: what an external table over the file may be called.
        file: the file.
        form: how it is written.
        asks_first: whether it may be so small that one function sees all of it.
    """
    end = f"\r{form.quote}"
    if asks_first and compression_of(form.compression, file.path) == "none":
        try:
            may_contain = yield from MayContain(file.path, end)
        except TransactionAborted:
            raise
        except ServerError:  # of a file that the server only loads from
            may_contain = True
        if not may_contain:
            return True
    return (yield from _has_no_line(name, file, "BLOB", ends_with(end)))


def _has_no_line(name: Names, file: InputFile, sql_type: str, condition: tuple[Part, ...]) -> Op[bool]:
    """Whether a file certainly has no raw line of which a condition is true."""
    ignored = file.format.ignore_lines if isinstance(file.format, Csv) else 0
    form = replace(RAW_LINES, ignore_lines=ignored, compression=file.format.compression)
    count = None
    try:
        yield from CreateExternal(name, file.path, form, ((LINE, sql_type),))
        count = yield from CountLines(name, condition)
    except (StageFileNotFound, TransactionAborted):
        raise
    except ServerError:  # it cannot say: a line begins as none should, or it does not know the condition
        pass
    yield from DropTable(name)
    return count == 0
