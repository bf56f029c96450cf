"""Options that several commands share, and those of them that were given."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
if_exists_option = click.option("--if-exists", is_flag=True, help="Do nothing where there is none.")
if_not_exists_option = click.option("--if-not-exists", is_flag=True, help="Do nothing where there is one of this name.")


def add_options(command: CommandT, options: Iterable[Callable[[CommandT], CommandT]]) -> CommandT:
    """Give a command some options and arguments; `--help` lists them in their order."""
    for option in reversed(tuple(options)):
        command = option(command)
    return command


def given_options(given: Mapping[str, Any], either: Collection[str]) -> dict[str, Any]:
    """The options that were given.

    Args:
        given: the values of all options, by their names.
        either: the names of those that can be set to False; others are False where they are not given.
    """
    return {
        name: value
        for name, value in given.items()
        if value not in (None, ()) and (value is not False or name in either)
    }
