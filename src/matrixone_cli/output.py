"""How rows are printed: as a table for people, as JSON or CSV for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Format = Literal["table", "json", "csv"]


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], output: Format) -> None:
    """Print rows.

    Args:
        columns: the names of the columns.
        rows: their values.
        output: `table`, `json` (an array of objects) or `csv` (with a header).
    """
    if output == "json":
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        print(_as_json(objects))  # noqa: T201  # what the command is for
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value is None else _as_text(value) for value in row] for row in rows])
    else:
        table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
        for name in columns:
            table.add_column(Text(name))
        for row in rows:
            table.add_row(*(Text("NULL", style="dim") if value is None else Text(_as_text(value)) for value in row))
        _console().print(table)


def print_object(values: dict[str, Any], output: Format) -> None:
    """Print one thing: as a row, or as a JSON object."""
    if output == "json":
        print(_as_json(values))  # noqa: T201  # what the command is for
    else:
        print_rows(tuple(values), [tuple(values.values())], output)


def _console() -> Console:
    """Standard output; wide where it is no terminal, so that no value is cut."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000, highlight=False)


def _as_text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=_as_text)
