"""The commands that serve and that execute SQL, and the group of all commands."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import DBAPIError

from matrixone import Client, __version__
from matrixone_cli.connection import ConnectionOptions, check_url, connection_options, refuse_password
from matrixone_cli.exits import ExitCode, Group, fail
from matrixone_cli.exports import export
from matrixone_cli.files import files
from matrixone_cli.loads import load, plan
from matrixone_cli.output import Format, output_option, print_rows
from matrixone_cli.shell import run_shell
from matrixone_cli.snapshots import clone, pitr, restore, snapshot
from matrixone_cli.stages import stage
from matrixone_cli.statements import split_text
from matrixone_core.server_errors import from_driver


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
@click.option("--url", callback=check_url, help="mysql://user@host:port/database, without a password.")
@click.option("--database", "-d", help="The database to begin in.")
@click.option(
    "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds the password."
)
@click.option("--ask-password", is_flag=True, help="Ask for the password.")
@click.option("--password", hidden=True, expose_value=False, callback=refuse_password)
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


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=6001, show_default=True, help="0: any free one.")
@click.option("--path", metavar="DIR", help="Keep the data in DIR [default: a temporary folder].")
@click.option(
    "--allow-path",
    "allowed",
    multiple=True,
    metavar="DIR",
    help="A folder whose files stages may read; repeatable [default: the current and the temporary folder].",
)
@click.option("--password", hidden=True, expose_value=False, callback=refuse_password)
@connection_options
def serve(options: ConnectionOptions, host: str, port: int, path: str | None, allowed: Sequence[str]) -> None:
    """Run the local server until Ctrl-C.

    The password of root is that of --password-file, --ask-password or MATRIXONE_PASSWORD, or 111.
    """
    try:
        from matrixone_local.__main__ import main
    except ModuleNotFoundError:
        fail("the local server needs more packages: pip install 'matrixone[local]'", ExitCode.USAGE)
    password = options.password() or os.environ.get("MATRIXONE_PASSWORD")
    arguments = [f"--host={host}", f"--port={port}", *(f"--allow-path={folder}" for folder in allowed)]
    arguments += [f"--path={path}"] if path else []
    arguments += [f"--password={password}"] if password else []
    sys.exit(main(["serve", *arguments]))


@cli.command()
@click.argument("statement", required=False)
@output_option
@connection_options
def sql(options: ConnectionOptions, statement: str | None, output: Format) -> None:
    """Run SQL statements. They are separated by `;`; without one they are read from the terminal or a pipe."""
    statements = None if statement is None else split_text(statement)
    if statements == []:
        raise click.UsageError("there is no statement in it; leave it out to type statements")
    with options.connect() as client:
        if statements is None:
            run_shell(lambda text: _print_result(client, text, output))
        for one in statements or ():
            _print_result(client, one, output)


def _print_result(client: Client, statement: str, output: Format) -> None:
    try:
        result = client.execute(text(statement.replace(":", r"\:")))  # a colon begins no parameter here
    except DBAPIError as error:  # SQLAlchemy's own, as `execute` is
        raise from_driver(error) from None
    if isinstance(result, CursorResult) and not result.returns_rows:
        click.echo(f"OK, {result.rowcount} row{'' if result.rowcount == 1 else 's'}", err=True)
    else:
        print_rows(tuple(result.keys()), result.all(), output)


for command in (load, plan, stage, export, files, snapshot, restore, clone, pitr):
    cli.add_command(command)
