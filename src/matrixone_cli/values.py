"""How values are written on the command line."""

import click


def pair(written: str) -> tuple[str, str]:
    """The name and the value of `NAME=VALUE`.

    Raises:
        UsageError: it is written otherwise.
    """
    name, equals, value = written.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{written}: must be NAME=VALUE")
    return name, value
