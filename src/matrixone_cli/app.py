"""The commands."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import DBAPIError

from matrixone import Client, LoadReport, Stage, TableNotFound, __version__
from matrixone_cli.connection import ConnectionOptions, check_url, connection_options
from matrixone_cli.exits import Cli, ExitCode, fail
from matrixone_cli.exports import export
from matrixone_cli.files import files, stage_and_file
from matrixone_cli.output import Format, output_option, print_json, print_rows
from matrixone_cli.shell import run_shell
from matrixone_cli.snapshots import clone, pitr, restore, snapshot
from matrixone_core.server_errors import from_driver

PASSWORD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json",
            ".parquet": "parquet"}  # fmt: skip
MANIFEST = ".manifest.json"
PACKED = {".gz", ".bz2", ".xz", ".zst"}


@click.group(cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
@click.option("--url", callback=check_url, help="mysql://user@host:port/database, without a password.")
@click.option("--database", "-d", help="The database to begin in.")
@click.option(
    "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds the password."
)
@click.option("--ask-password", is_flag=True, help="Ask for the password.")
@click.pass_context
def cli(
    context: click.Context, url: str | None, database: str | None, password_file: Path | None, ask_password: bool
) -> None:
    """Work with a MatrixOne server.

    The server is the one of --url, or of MATRIXONE_URL, MATRIXONE_HOST, MATRIXONE_PORT, MATRIXONE_USER,
    MATRIXONE_PASSWORD and MATRIXONE_DATABASE, or one on this machine at port 6001.

    Exit codes: 0 done, 1 refused by the server or because of the data, 2 wrong arguments, 3 no connection,
    130 interrupted.
    """
    context.obj = ConnectionOptions(url, database, password_file, ask_password)


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: Sequence[str]) -> None:
    """Run the local server until Ctrl-C (options: --host --port --path --allow-path)."""
    try:
        from matrixone_local.__main__ import main
    except ModuleNotFoundError:
        fail("the local server needs more packages: pip install 'matrixone[local]'", ExitCode.USAGE)
        return
    if any(argument.split("=")[0] == "--password" for argument in arguments):
        raise click.UsageError("a password in an argument can be seen by other users of this machine; leave it out")
    sys.exit(main(["serve", *arguments]))


@cli.command()
@click.argument("statement", required=False)
@output_option
@connection_options
def sql(options: ConnectionOptions, statement: str | None, output: Format) -> None:
    """Run an SQL statement; without one, read statements from the terminal or from standard input."""
    with options.connect() as client:
        if statement is not None:
            _print_result(client, statement, output)
        else:
            run_shell(lambda text: _print_result(client, text, output))


def _print_result(client: Client, statement: str, output: Format) -> None:
    try:
        result = client.execute(text(statement.replace(":", r"\:")))  # a colon begins no parameter here
    except DBAPIError as error:  # SQLAlchemy's own, as `execute` is
        raise from_driver(error) from None
    if isinstance(result, CursorResult) and not result.returns_rows:
        click.echo(f"OK, {result.rowcount} row{'' if result.rowcount == 1 else 's'}", err=True)
    else:
        print_rows(tuple(result.keys()), result.all(), output)


@cli.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--into", "table", required=True, help="The table, as TABLE or DATABASE.TABLE.")
@click.option("--format", "file_format", type=click.Choice(["csv", "json", "parquet"]), help="Default: by the suffix.")
@click.option(
    "--on-conflict",
    type=click.Choice(["error", "skip", "replace", "update", "unchecked"]),
    default="error",
    show_default=True,
    help="What becomes of rows whose key is in the table.",
)
@click.option("--on-error", type=click.Choice(["abort", "skip"]), help="What becomes of rows that do not fit.")
@click.option("--header/--no-header", default=None, help="Whether the first line names the columns (CSV).")
@click.option("--delimiter", help="What separates fields (CSV).")
@click.option("--columns", help="The columns of the fields, separated by commas.")
@click.option("--once", is_flag=True, help="Leave out files that were loaded before.")
@click.option("--create", is_flag=True, help="Create the table from the data.")
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
    """Load files of this machine, or stage://STAGE/PATH, into a table."""
    arguments = _load_arguments(given)
    if sys.stderr.isatty():
        arguments["progress"] = True
    with options.connect() as client:
        for file in files:
            try:
                report = _load(client, file, file_format or _format_of(file), table, arguments)
            except TableNotFound as error:
                hint = "" if "create" in arguments else "; --create makes the table of the data"
                fail(f"{error}{hint}", ExitCode.DATA)
            _print_report(report, output)


def _load_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a load that were given, as `read_csv` has them."""
    arguments = {name: value for name, value in given.items() if value not in (None, False) or name == "header"}
    if arguments.get("header") is None:
        arguments.pop("header", None)
    if "columns" in arguments:
        arguments["columns"] = [name.strip() for name in str(arguments["columns"]).split(",")]
    if "delimiter" in arguments:
        arguments["delimiter"] = str(arguments["delimiter"]).replace(r"\t", "\t")
    return arguments


def _format_of(file: str) -> str:
    path = Path(file)
    suffix = Path(path.stem).suffix if path.suffix.lower() in PACKED else path.suffix
    found = SUFFIXES.get(suffix.lower())
    if found is None:
        raise click.UsageError(f"{file}: the suffix says no format; give --format csv, json or parquet")
    return found


def _load(client: Client, file: str, file_format: str, table: str, arguments: dict[str, Any]) -> LoadReport:
    if file.startswith("stage://") and file.endswith(MANIFEST):
        return client.load_data.read_manifest_stage(*stage_and_file(file), table, **arguments)
    data: Any = file if file.startswith("stage://") else Path(file)
    if file_format == "json":
        return client.load_data.read_json(data, table, **arguments)
    if file_format == "parquet":
        return client.load_data.read_parquet(data, table, **arguments)
    if file.lower().endswith((".tsv", ".tsv.gz")):
        arguments = {"delimiter": "\t", **arguments}
    return client.load_data.read_csv(data, table, **arguments)


def _print_report(report: LoadReport, output: Format) -> None:
    if output == "table":
        click.echo(str(report))
        for row in report.rejects:
            click.echo(f"  {row}")
    elif output == "json":
        print_json(report.to_dict())
    else:
        files = [asdict(file) for file in report.files]
        print_rows(tuple(files[0]) if files else (), [tuple(file.values()) for file in files], output)


@cli.command()
@click.argument("stage")
@click.argument("file")
@click.option("--into", "table", required=True, help="The table, as TABLE or DATABASE.TABLE.")
@connection_options
def plan(options: ConnectionOptions, stage: str, file: str, table: str) -> None:
    """Show how a load of a stage's file would be done, and load nothing."""
    with options.connect() as client:
        click.echo(str(client.load_data.plan(stage, file, table)))


@cli.group()
def stage() -> None:
    """Work with stages."""


@stage.command("ls")
@click.argument("like", required=False)
@output_option
@connection_options
def list_stages(options: ConnectionOptions, like: str | None, output: Format) -> None:
    """List stages, or those whose names are LIKE a pattern."""
    with options.connect() as client:
        print_rows(("name", "url", "enabled", "comment"), _stage_rows(client.stage.list(like)), output)


def _stage_rows(stages: Iterable[Stage]) -> list[tuple[Any, ...]]:
    return [(found.name, found.url, found.enabled, found.comment) for found in stages]


@stage.command("create-local")
@click.argument("name")
@click.argument("path")
@click.option("--comment", default="", help="What to note about it.")
@connection_options
def create_local(options: ConnectionOptions, name: str, path: str, comment: str) -> None:
    """Create a stage of a folder on the server's machine."""
    with options.connect() as client:
        click.echo(client.stage.create_local(name, path, comment=comment).url)


@stage.command("create-s3")
@click.argument("name")
@click.argument("bucket")
@click.argument("path", default="")
@click.option("--endpoint", help="The service's URL, where it is not Amazon's.")
@click.option("--region", help="The bucket's region.")
@click.option("--comment", default="", help="What to note about it.")
@connection_options
def create_s3(options: ConnectionOptions, /, name: str, bucket: str, path: str, **given: Any) -> None:
    """Create a stage of a bucket, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment."""
    arguments = {key: value for key, value in given.items() if value}
    with options.connect() as client:
        click.echo(client.stage.create_s3(name, bucket, path, **arguments).url)


@stage.command("alter")
@click.argument("name")
@click.option("--path", "url", help="Its new URL.")
@click.option("--enable/--disable", default=None, help="Whether it may be used.")
@click.option("--comment", help="What to note about it.")
@connection_options
def alter_stage(options: ConnectionOptions, /, name: str, **changes: Any) -> None:
    """Change a stage."""
    with options.connect() as client:
        client.stage.alter(name, **changes)


@stage.command("drop")
@click.argument("name")
@click.option("--if-exists", is_flag=True, help="Do nothing where there is none.")
@connection_options
def drop_stage(options: ConnectionOptions, name: str, if_exists: bool) -> None:
    """Drop a stage; its files stay."""
    with options.connect() as client:
        client.stage.drop(name, if_exists=if_exists)


@stage.command("check")
@click.argument("name")
@connection_options
def check_stage(options: ConnectionOptions, name: str) -> None:
    """Check that the server reaches a stage's files."""
    with options.connect() as client:
        check = client.stage.check(name)
    click.echo(str(check))
    if not check.usable:
        sys.exit(ExitCode.DATA)


for command in (export, files, snapshot, restore, clone, pitr):
    cli.add_command(command)
