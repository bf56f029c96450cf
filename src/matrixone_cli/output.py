"""How rows are printed: as a table for people, as JSON or CSV for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Literal

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from matrixone_core.exporting.writers.csv import CsvStyle, CsvWriter
from matrixone_core.exporting.writers.texts import written
from matrixone_core.result_columns import ResultColumn

VARIABLE_TEXT = 253  # the type that columns of printed texts have

Format = Literal["table", "json", "csv"]
output_option = click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How the result is printed.",
)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], output: Format) -> None:
    """Print rows.

    Args:
        columns: the names of the columns.
        rows: their values.
        output: `table`, `json` (an array of objects) or `csv` (with a header, NULL empty, an empty text in quotes).

    Raises:
        ClickException: two columns have one name, which an object of JSON cannot have.
    """
    if output == "json":
        if twice := sorted({name for name in columns if columns.count(name) > 1}):
            raise click.ClickException(f"two columns are called {twice[0]!r}, which JSON cannot have; name one by AS")
        print_json([dict(zip(columns, map(_as_json, row), strict=True)) for row in rows])
    elif output == "csv":
        writer = CsvWriter(CsvStyle())  # as exports are written: an empty text has quotes, NULL has none
        texts = [[None if value is None else _as_text(value) for value in row] for row in rows]
        click.echo(
            writer.begin([ResultColumn(name, VARIABLE_TEXT) for name in columns]) + writer.write(texts), nl=False
        )
    else:
        table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
        for name in columns:
            table.add_column(Text(name))
        for row in rows:
            table.add_row(*(Text("NULL", style="dim") if value is None else Text(_as_text(value)) for value in row))
        _console().print(table)


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON does not have is a text."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_as_text))  # noqa: T201  # what the command is for


def _console() -> Console:
    """Standard output; wide where it is no terminal, so that no value is cut."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000, highlight=False)


def _as_text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else written(value)


def _as_json(value: Any) -> Any:
    """A value as JSON can have it, which has no number that is none or infinite."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value
