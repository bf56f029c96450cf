"""The commands that work with stages."""

import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from matrixone import Stage
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import ExitCode, Group
from matrixone_cli.options import CommandT, add_options, if_exists_option, if_not_exists_option
from matrixone_cli.output import Format, output_option, print_rows
from matrixone_core.operations.stages import PROVIDERS

CREDENTIALS = {"AWS_KEY_ID": "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY": "AWS_SECRET_ACCESS_KEY"}


def _creation_options(command: CommandT) -> CommandT:
    """Give a command the options that all kinds of stages are created with."""
    comment = click.option("--comment", help="What to note about it.")
    return add_options(command, (comment, if_not_exists_option))


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


@stage.command("create")
@click.argument("name")
@click.argument("url")
@_creation_options
@connection_options
def create_stage(options: ConnectionOptions, /, name: str, url: str, **given: Any) -> None:
    """Create a stage of a URL. It is stage://STAGE/FOLDER, a folder of another stage, or file:///FOLDER."""
    if url.lower().startswith("s3:"):
        raise click.UsageError(f"{url}: `matrixone stage create-s3 NAME BUCKET PATH` creates a stage of a bucket")
    with options.connect() as client:
        click.echo(client.stage.create(name, url, **given).url)


@stage.command("create-local")
@click.argument("name")
@click.argument("path")
@_creation_options
@connection_options
def create_local(options: ConnectionOptions, /, name: str, path: str, **given: Any) -> None:
    """Create a stage of a folder on the server's machine."""
    with options.connect() as client:
        click.echo(client.stage.create_local(name, path, **given).url)


@stage.command("create-s3")
@click.argument("name")
@click.argument("bucket")
@click.argument("path", default="")
@click.option("--endpoint", help="The service's URL, where it is not Amazon's.")
@click.option("--region", help="The bucket's region.")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Whose service it is; minio: by path, as most are.")
@_creation_options
@connection_options
def create_s3(options: ConnectionOptions, /, name: str, bucket: str, path: str, **given: Any) -> None:
    """Create a stage of a bucket. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment are its keys."""
    with options.connect() as client:
        click.echo(client.stage.create_s3(name, bucket, path, **given).url)


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
@if_exists_option
@connection_options
def drop_stage(options: ConnectionOptions, name: str, if_exists: bool) -> None:
    """Drop a stage; its files stay."""
    with options.connect() as client:
        client.stage.drop(name, if_exists=if_exists)


@stage.command("check")
@click.argument("name")
@click.option(
    "--timeout", type=float, default=15, show_default=True, metavar="SECONDS", help="When to give up; 5 or more."
)
@connection_options
def check_stage(options: ConnectionOptions, name: str, timeout: float) -> None:
    """Check that the server reaches a stage's files."""
    with options.connect() as client:
        check = client.stage.check(name, timeout=timeout)
    click.echo(str(check))
    if not check.usable:
        sys.exit(ExitCode.DATA)
