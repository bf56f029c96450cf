"""The commands that work with stages."""

import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from matrixone import Stage
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import ExitCode, Group
from matrixone_cli.output import Format, output_option, print_rows

CREDENTIALS = {"AWS_KEY_ID": "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY": "AWS_SECRET_ACCESS_KEY"}


@click.group(cls=Group)
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
@click.option("--url", "--path", "url", help="Its new URL.")
@click.option(
    "--credentials", is_flag=True, help="Take AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment."
)
@click.option("--enable/--disable", default=None, help="Whether it may be used.")
@click.option("--comment", help="What to note about it.")
@connection_options
def alter_stage(options: ConnectionOptions, /, name: str, credentials: bool, **changes: Any) -> None:
    """Change a stage."""
    if credentials:
        changes["credentials"] = _credentials_of_environment()
    with options.connect() as client:
        client.stage.alter(name, **changes)


def _credentials_of_environment() -> dict[str, str]:
    found = {name: os.environ[variable] for name, variable in CREDENTIALS.items() if os.environ.get(variable)}
    if not found:
        raise click.UsageError(f"--credentials: neither {' nor '.join(CREDENTIALS.values())} is set")
    return found


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
