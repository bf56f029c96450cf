"""The command that exports rows."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from matrixone import ExportProgress, ExportReport
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import Command
from matrixone_cli.files import stage_and_file
from matrixone_cli.output import Format, output_option, print_json, print_rows
from matrixone_cli.values import pair


@click.command(cls=Command)
@click.argument("source")
@click.argument("target")
@click.option(
    "--format", "file_format", type=click.Choice(["csv", "jsonline", "parquet"]), help="Default: by the suffix."
)
@click.option("--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A value for :NAME in the query.")
@click.option("--header/--no-header", default=True, help="Whether the first line names the columns (CSV).")
@click.option("--delimiter", default=",", help="What separates fields (CSV).")
@click.option("--quote-all", is_flag=True, help="Put quotes around all values (CSV).")
@click.option("--split-size", help="Begin another file at this size, such as 64MB (stages).")
@click.option("--overwrite", is_flag=True, help="Replace files that are there (stages; others always are).")
@click.option("--manifest", is_flag=True, help="Write a manifest, which load reads (stages).")
@output_option
@connection_options
def export(
    options: ConnectionOptions,
    /,
    source: str,
    target: str,
    file_format: Any,
    params: Sequence[str],
    output: Format,
    **given: Any,
) -> None:
    """Export a table, or the rows of a SELECT, to a file of this machine, to stage://STAGE/PATH, or to - (stdout)."""
    given["delimiter"] = str(given["delimiter"]).replace(r"\t", "\t")
    of_stages = {name: given.pop(name) for name in ("split_size", "overwrite", "manifest")}
    values = dict(map(pair, params)) or None
    if not target.startswith("stage://") and any(of_stages.values()):
        raise click.UsageError("--split-size, --overwrite and --manifest are for files of stages")
    if sys.stderr.isatty():
        given["progress"] = _show_progress
    with options.connect() as client:
        if target.startswith("stage://"):
            stage_name, file = stage_and_file(target)
            report = client.export.to_stage(source, stage_name, file, values, format=file_format, **of_stages, **given)
        else:
            place: Any = sys.stdout.buffer if target == "-" else Path(target)
            report = client.export.to_file(source, place, values, format=file_format, **given)
    _print_export(report, output, to_standard_output=target == "-")


def _show_progress(event: ExportProgress) -> None:
    rows = "" if event.rows is None else f", {event.rows:,} rows"
    click.echo(f"\r{event.path}{rows}, {event.seconds:.0f} s", err=True, nl=False)


def _print_export(report: ExportReport, output: Format, *, to_standard_output: bool) -> None:
    if to_standard_output:
        sys.stdout.flush()
        click.echo(str(report), err=True)
    elif output == "table":
        click.echo(str(report))
    elif output == "json":
        print_json(report.to_dict())
    else:
        print_rows(("path", "bytes"), [(file.path, file.bytes) for file in report.files], output)
