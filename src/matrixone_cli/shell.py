"""Statements from a terminal, with a history, or from a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from matrixone import ConnectionFailure, MatrixOneError
from matrixone_cli.exits import text_of
from matrixone_cli.statements import StatementReader, read_statements
from matrixone_core.secrets import mentions_secrets

HISTORY = Path("~/.matrixone_history")
PROMPT, CONTINUED = "matrixone> ", "        -> "


def run_shell(execute: Callable[[str], None]) -> None:
    """Run statements, each ended by `;`, until the input ends or `exit`.

    On a terminal an error is printed, and the next statement is read. In a pipe the first error ends it. Ctrl-C on a
    terminal drops what was typed of a statement, or stops the one that runs.

    Args:
        execute: runs a statement and prints its result.

    Raises:
        MatrixOneError: the server refuses a statement of a pipe; the connection was lost.
    """
    if not sys.stdin.isatty():
        piped: Any = sys.stdin
        piped.reconfigure(newline="\n")  # a carriage return in a value stays
        for statement in read_statements(piped, StatementReader()):
            execute(statement)
        return
    history = _History(HISTORY.expanduser())
    try:
        while not _is_ended(execute, history):
            click.echo("interrupted", err=True)
    finally:
        history.write()


def _is_ended(execute: Callable[[str], None], history: "_History") -> bool:
    """Run what is typed; whether that has ended, and was not interrupted."""
    reader = StatementReader()
    try:
        for statement in read_statements(_typed_lines(reader), reader):
            history.add(statement)
            try:
                execute(statement)
            except ConnectionFailure:
                raise
            except (MatrixOneError, click.ClickException) as error:
                click.echo(f"error: {text_of(error) if isinstance(error, MatrixOneError) else error}", err=True)
    except KeyboardInterrupt:
        return False
    return True


def _typed_lines(reader: StatementReader) -> Iterator[str]:
    with suppress(EOFError):
        while True:
            line = input(PROMPT if reader.is_between else CONTINUED)
            yield f"{line}\n"


class _History:
    """The statements that were typed, now and before, where Python has readline; those with a secret are left out.

    Args:
        path: the file that keeps them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._readline: Any = None
        with suppress(ImportError):
            self._readline = import_module("readline")
            self._readline.set_auto_history(False)
            with suppress(OSError):
                self._readline.read_history_file(path)

    def add(self, statement: str) -> None:
        """Keep the lines of a statement."""
        if self._readline is not None and not mentions_secrets(statement):
            for line in f"{statement};".splitlines():
                self._readline.add_history(line)

    def write(self) -> None:
        """Write the file, which only its owner can read."""
        if self._readline is not None:
            with suppress(OSError):
                self._path.touch(mode=0o600)
                self._readline.write_history_file(self._path)
