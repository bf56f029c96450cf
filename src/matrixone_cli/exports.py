"""The command that exports rows."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from matrixone import ExportProgress, ExportReport
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import Command
from matrixone_cli.files import stage_and_file
from matrixone_cli.options import given_options
from matrixone_cli.output import Format, output_option, print_json, print_rows
from matrixone_cli.values import FORMATS, pair, read_control_characters

ONLY_STAGES = frozenset({"split_size", "overwrite", "manifest", "count"})
ONLY_FILES = frozenset({"escape", "null_value"})


@click.command(cls=Command)
@click.argument("source")
@click.argument("target")
@click.option("--format", "file_format", type=click.Choice(FORMATS), help="Default: by suffix.")
@click.option("--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A value for :NAME in the query.")
@click.option("--header/--no-header", default=True, help="Whether the first line names the columns (CSV).")
@click.option("--delimiter", callback=read_control_characters, help=r"What separates fields, such as \t (CSV).")
@click.option("--quote", help="The character around texts (CSV).")
@click.option("--escape", help="A backslash, to double backslashes as the server does (CSV; not for stages).")
@click.option("--null-value", metavar="TEXT", help="What NULL is (CSV; not for stages).")
@click.option("--line-terminator", callback=read_control_characters, help=r"\n, \r\n or \r (CSV).")
@click.option("--quote-all", is_flag=True, help="Put quotes around all values (CSV).")
@click.option("--split-size", help="Begin another file at this size, such as 64MB (stages).")
@click.option("--overwrite", is_flag=True, help="Replace files that are there (stages; others always are).")
@click.option("--manifest", is_flag=True, help="Write a manifest, which load reads (stages).")
@click.option("--count/--no-count", default=None, help="Count the rows of files of any size, or of none (stages).")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long a statement may take.")
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
    """Export a table or the rows of a SELECT. TARGET is a file of this machine, stage://STAGE/PATH, or - (stdout)."""
    to_stage = target.startswith("stage://")
    arguments = _arguments(given, to_stage=to_stage)
    values = dict(map(pair, params)) or None
    if file_format == "json":
        file_format = "jsonline"
    if sys.stderr.isatty():
        arguments["progress"] = _show_progress
    with options.connect() as client:
        if to_stage:
            stage_name, file = stage_and_file(target)
            report = client.export.to_stage(source, stage_name, file, values, format=file_format, **arguments)
        else:
            place: Any = sys.stdout.buffer if target == "-" else Path(target)
            report = client.export.to_file(source, place, values, format=file_format, **arguments)
    _print_export(report, output, to_standard_output=target == "-")


def _arguments(given: Mapping[str, Any], *, to_stage: bool) -> dict[str, Any]:
    """The options that were given, as `client.export` has them."""
    arguments = given_options(given, {"header", "count"})
    if wrong := sorted(arguments.keys() & (ONLY_FILES if to_stage else ONLY_STAGES)):
        option = f"--{wrong[0].replace('_', '-')}"
        raise click.UsageError(f"{option} is for files of {'this machine' if to_stage else 'stages'}")
    return arguments


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
