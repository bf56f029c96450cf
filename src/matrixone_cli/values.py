"""How values are written on the command line."""

from typing import Final

import click

FORMATS: Final = ("csv", "json", "jsonline", "parquet")  # json and jsonline are one


def read_control_characters(_context: click.Context, _parameter: click.Parameter, written: str | None) -> str | None:
    r"""A text in which `\t`, `\r` and `\n` are these characters, as shells hardly let one type them."""
    if written is None:
        return None
    return written.replace(r"\t", "\t").replace(r"\r", "\r").replace(r"\n", "\n")


def pair(written: str) -> tuple[str, str]:
    """The name and the value of `NAME=VALUE`.

    Raises:
        UsageError: it is written otherwise.
    """
    name, equals, value = written.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{written}: must be NAME=VALUE")
    return name, value
