"""The commands that load files, and show how a load would be done."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from matrixone import Client, LoadReport, TableNotFound
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import Command, ExitCode, fail
from matrixone_cli.files import stage_and_file
from matrixone_cli.options import CommandT, add_options, given_options
from matrixone_cli.output import Format, output_option, print_json, print_rows
from matrixone_cli.values import FORMATS, pair, read_control_characters

SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json",
            ".parquet": "parquet"}  # fmt: skip
MANIFEST = ".manifest.json"
PACKED = {".gz", ".bz2", ".xz", ".zst"}
CONFLICTS = ("error", "skip", "replace", "update", "unchecked")


def _number_or_share(_context: click.Context, _parameter: click.Parameter, written: str | None) -> int | float | None:
    try:
        return written if written is None else float(written) if "." in written else int(written)
    except ValueError:
        raise click.BadParameter(f"{written!r} is neither a number of rows nor a share such as 0.01") from None


def _names(_context: click.Context, _parameter: click.Parameter, written: str | None) -> list[str | None] | None:
    return None if written is None else [name.strip() or None for name in written.split(",")]


def _pairs(_context: click.Context, _parameter: click.Parameter, written: Sequence[str]) -> dict[str, str] | None:
    return dict(map(pair, written)) or None


_OPTIONS = (
    click.option("--into", "table", required=True, help="The table, as TABLE or DATABASE.TABLE."),
    click.option("--format", "file_format", type=click.Choice(FORMATS), help="Default: by suffix."),
    click.option("--header/--no-header", default=None, help="Whether a line names the columns (CSV)."),
    click.option("--ignore-lines", type=click.IntRange(min=0), help="Lines before that are no rows (CSV)."),
    click.option("--delimiter", callback=read_control_characters, help=r"What separates fields, such as \t (CSV)."),
    click.option("--quote", help="The character around fields (CSV)."),
    click.option("--escape", help="The character that takes the meaning from the next one (CSV)."),
    click.option("--line-terminator", callback=read_control_characters, help=r"\n, \r\n or \r (CSV)."),
    click.option("--trailing-delimiter", is_flag=True, help="A delimiter ends each line as well (CSV)."),
    click.option("--null-values", multiple=True, metavar="TEXT", help="A text that means NULL, too (CSV); repeatable."),
    click.option("--shape", type=click.Choice(["object", "array"]), help="What a line has (JSON)."),
    click.option("--missing-keys", type=click.Choice(["null", "error"]), help="What a missing key is (JSON)."),
    click.option("--extra-keys", type=click.Choice(["ignore", "error"]), help="What becomes of other keys (JSON)."),
    click.option("--base64", callback=_names, metavar="NAMES", help="Columns with bytes in base64 (JSON)."),
    click.option("--compression", type=click.Choice(["none", "gzip", "bz2"]), help="Default: by suffix."),
    click.option(
        "--columns", callback=_names, metavar="NAMES", help="The fields' columns; an empty name skips a field (CSV)."
    ),
    click.option("--set", multiple=True, callback=_pairs, metavar="NAME=SQL", help="What a column gets; repeatable."),
    click.option("--extra-columns", type=click.Choice(["error", "ignore", "add"]), help="Columns that it lacks."),
    click.option("--file-column", metavar="NAME", help="The column that gets the file's path."),
    click.option("--row-column", metavar="NAME", help="The column that gets the row's number in its file."),
    click.option("--mode", type=click.Choice(["append", "replace", "fail"]), help="What becomes of rows in the table."),
    click.option("--create", is_flag=True, help="Create the table from the data."),
    click.option("--dtype", multiple=True, callback=_pairs, metavar="NAME=TYPE", help="With --create; repeatable."),
    click.option(
        "--on-conflict", type=click.Choice(CONFLICTS), help="Rows whose key is in the table [default: error]."
    ),
    click.option("--update", callback=_names, metavar="NAMES", help="As --on-conflict update, of these columns."),
    click.option("--lock", type=click.Choice(["auto", "rows", "table"]), help="What is locked."),
    click.option("--on-error", type=click.Choice(["abort", "skip"]), help="What becomes of rows that do not fit."),
    click.option("--max-errors", callback=_number_or_share, metavar="N", help="How many may be, or which share."),
    click.option("--rejects", metavar="TABLE", help="The table that gets them."),
    click.option("--atomic/--no-atomic", default=None, help="Whether all files of a pattern are loaded or none."),
    click.option("--concurrency", type=click.IntRange(1, 64), help="Files that are read at once."),
    click.option("--allow-empty", is_flag=True, help="A pattern may match nothing."),
    click.option("--once", is_flag=True, help="Leave out files that were loaded before."),
    click.option("--once-key", metavar="TEXT", help="As --once, and the data is known by this text."),
    click.option("--force", is_flag=True, help="With --once: load again."),
    click.option("--hash-whole-file", is_flag=True, help="With --once: know a file by all of its bytes."),
    click.option("--ledger-database", metavar="NAME", help="With --once: where the ledger is."),
    click.option("--purge", is_flag=True, help="Remove a stage's files once their rows are committed."),
    click.option("--max-unpacked-bytes", type=click.IntRange(min=1), help="How large a Parquet file may become."),
    click.option("--timeout", type=float, metavar="SECONDS", help="How long each statement may take."),
)


def _load_options(command: CommandT) -> CommandT:
    """Give a command the options of a load, called as `client.load_data` calls them."""
    return add_options(command, _OPTIONS)


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True)
@_load_options
@click.option("--encoding", help="What files of this machine are written in [default: utf-8].")
@click.option("--validate", is_flag=True, help="Load nothing; report every row that does not fit.")
@output_option
@connection_options
def load(
    options: ConnectionOptions,
    /,
    files: Sequence[str],
    table: str,
    file_format: str | None,
    output: Format,
    **given: Any,
) -> None:
    """Load files into a table. FILE is a file of this machine, or stage://STAGE/PATH.

    Each FILE is a load by itself, a pattern of a stage's files is one: all of it is loaded, or nothing.
    """
    arguments = _arguments(given)
    if sys.stderr.isatty():
        arguments["progress"] = True
    for file in files:
        if file.startswith("stage:"):
            stage_and_file(file)  # which refuses another form than stage://STAGE/PATH
    formats = [_format_of(file, file_format) for file in files]
    with options.connect() as client:
        reports = [
            _load_file(client, file, form, table, arguments, output) for file, form in zip(files, formats, strict=True)
        ]
    if arguments.get("validate") and any(report.rejected for report in reports):
        sys.exit(ExitCode.DATA)


@click.command(cls=Command)
@click.argument("file")
@_load_options
@connection_options
def plan(options: ConnectionOptions, /, file: str, table: str, file_format: str | None, **given: Any) -> None:
    """Show how a load would be done, and load nothing. FILE is stage://STAGE/PATH."""
    if not file.startswith("stage://"):
        raise click.UsageError(
            f"{file}: give stage://STAGE/PATH; of a file of this machine, load --validate tells more"
        )
    form: Any = _format_of(file, file_format)
    arguments = {**_written_by_suffix(file), **_arguments(given)}
    with options.connect() as client:
        found = client.load_data.plan(
            *stage_and_file(file), table, format="jsonline" if form == "json" else form, **arguments
        )
        click.echo(str(found))


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as `client.load_data` has them."""
    arguments = given_options(given, {"header", "atomic"})
    for option, name in (("update", "on_conflict"), ("once_key", "once")):
        if option in arguments:
            if name in arguments:
                raise click.UsageError(f"--{option.replace('_', '-')} and --{name.replace('_', '-')}: give one of them")
            arguments[name] = arguments.pop(option)
    return arguments


def _format_of(file: str, given: str | None) -> str:
    if given is not None:
        return "json" if given == "jsonline" else given
    path = Path(file)
    suffix = Path(path.stem).suffix if path.suffix.lower() in PACKED else path.suffix
    found = SUFFIXES.get(suffix.lower())
    if found is None:
        raise click.UsageError(f"{file}: the suffix says no format; give --format csv, json or parquet")
    return found


def _written_by_suffix(file: str) -> dict[str, Any]:
    """How files with this suffix are written."""
    return {"delimiter": "\t"} if file.lower().endswith((".tsv", ".tsv.gz", ".tsv.bz2")) else {}


def _load_file(
    client: Client, file: str, form: str, table: str, arguments: Mapping[str, Any], output: Format
) -> LoadReport:
    try:
        report = _load(client, file, form, table, arguments)
    except TableNotFound as error:
        hint = "" if "create" in arguments else "; --create makes the table of the data"
        fail(f"{error.message}{hint}", ExitCode.DATA)
    if arguments.get("validate") and output == "table":
        click.echo(f"{file}: {report.read:,} rows read, {report.rejected:,} do not fit; nothing was loaded")
        _print_rejects(report)
    else:
        _print_report(report, output)
    return report


def _load(client: Client, file: str, form: str, table: str, arguments: Mapping[str, Any]) -> LoadReport:
    if file.startswith("stage://") and file.endswith(MANIFEST):
        return client.load_data.read_manifest_stage(*stage_and_file(file), table, **arguments)
    data: Any = file if file.startswith("stage://") else Path(file)
    if form == "json":
        return client.load_data.read_json(data, table, **arguments)
    if form == "parquet":
        return client.load_data.read_parquet(data, table, **arguments)
    return client.load_data.read_csv(data, table, **{**_written_by_suffix(file), **arguments})


def _print_report(report: LoadReport, output: Format) -> None:
    if output == "table":
        click.echo(str(report))
        _print_rejects(report)
    elif output == "json":
        print_json(report.to_dict())
    else:
        files = [asdict(file) for file in report.files]
        print_rows(tuple(files[0]) if files else (), [tuple(file.values()) for file in files], output)


def _print_rejects(report: LoadReport) -> None:
    for row in report.rejects:
        click.echo(f"  {row}")
