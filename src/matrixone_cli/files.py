"""The commands that work with the files of stages."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from matrixone import Client, FileProgress, InvalidArgument, StagePath
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import Group
from matrixone_cli.options import if_exists_option
from matrixone_cli.output import Format, output_option, print_rows
from matrixone_core.stage_paths import stage_of_url

COPIED_AT_ONCE = 1024 * 1024  # bytes
WILDCARDS = frozenset("*?[")


def stage_and_file(url: str) -> tuple[str, str]:
    """The stage and the path that a URL names.

    Raises:
        UsageError: it is no URL of a stage.
    """
    found = stage_of_url(url)
    if found is None:
        raise click.UsageError(f"{url}: give stage://STAGE/PATH")
    return found


@click.group(cls=Group)
def files() -> None:
    """Work with the files of stages: stage://STAGE/PATH."""


@files.command("ls")
@click.argument("url")
@click.option("--long", "-l", "is_long", is_flag=True, help="Show the sizes.")
@output_option
@connection_options
def list_files(options: ConnectionOptions, url: str, is_long: bool, output: Format) -> None:
    """List files and folders. URL is a folder, or a pattern of files."""
    with options.connect() as client:
        found = list(_found(client, url))
        if not is_long:
            print_rows(("path",), [(path.file,) for path in found], output)
            return
        sizes = [path.stat().size if path.is_file() else None for path in found]
        print_rows(("path", "bytes"), [(path.file, size) for path, size in zip(found, sizes, strict=True)], output)


@files.command("cat")
@click.argument("url")
@connection_options
def print_file(options: ConnectionOptions, url: str) -> None:
    """Print a file as it is."""
    with options.connect() as client, _path(client, url).open("rb") as file:
        while piece := file.read(COPIED_AT_ONCE):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@files.command("head")
@click.argument("url")
@click.option("--lines", "-n", type=click.IntRange(min=0), default=10, show_default=True, help="How many lines.")
@connection_options
def print_head(options: ConnectionOptions, url: str, lines: int) -> None:
    """Print the first lines of a file, decompressed as its suffix says."""
    with options.connect() as client:
        click.echo(_path(client, url).head(lines), nl=False)


@files.command("get")
@click.argument("url")
@click.argument("local", type=click.Path(path_type=Path), default=".")
@connection_options
def download(options: ConnectionOptions, url: str, local: Path) -> None:
    """Write a file, or those that a pattern matches, to this machine."""
    with options.connect() as client:
        is_many = not WILDCARDS.isdisjoint(url)
        if is_many and not local.is_dir():
            raise click.UsageError(f"{local}: must be a folder for the files of a pattern")
        for path in _found(client, url) if is_many else [_path(client, url)]:
            click.echo(str(path.download(local, progress=_progress())))


@files.command("put")
@click.argument("local", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("url")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@connection_options
def upload(options: ConnectionOptions, local: Path, url: str, overwrite: bool) -> None:
    """Write a file of this machine to a stage. A URL that ends in / is a folder. The server takes 32,000,000 bytes."""
    with options.connect() as client:
        path = _path(client, url)
        path = path / local.name if url.endswith("/") else path
        path.upload(local, overwrite=overwrite, progress=_progress())
        click.echo(str(path))


@files.command("rm")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@if_exists_option
@connection_options
def remove(options: ConnectionOptions, urls: tuple[str, ...], if_exists: bool) -> None:
    """Remove files, or those that patterns match."""
    with options.connect() as client:
        for url in urls:
            is_many = not WILDCARDS.isdisjoint(url)
            for path in list(_found(client, url)) if is_many else [_path(client, url)]:
                path.unlink(missing_ok=if_exists)
                click.echo(str(path))


def _path(client: Client, url: str) -> StagePath:
    stage, file = stage_and_file(url)
    return client.stage.path(stage, *([file] if file.strip("/") else []))


def _found(client: Client, url: str) -> Iterator[StagePath]:
    """What is in a folder, or what a pattern matches."""
    stage, file = stage_and_file(url)
    if WILDCARDS.isdisjoint(file):
        path = _path(client, url)
        yield from [path] if path.parts and path.is_file() else path.iterdir()
        return
    if file.startswith("/"):
        raise InvalidArgument(f"{url}: the pattern begins with /")
    yield from client.stage.path(stage).glob(file)


def _progress() -> Callable[[FileProgress], None] | None:
    return _show if sys.stderr.isatty() else None


def _show(event: FileProgress) -> None:
    """Print how far a transfer is, on one line."""
    click.echo(f"\r{event.path}: {event.done:,} of {event.total:,} bytes", err=True, nl=event.done == event.total)
