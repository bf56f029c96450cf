"""Statements from a terminal, with a history, or from a pipe."""

import atexit
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click

from matrixone import ConnectionFailure, MatrixOneError

HISTORY = Path("~/.matrixone_history")
PROMPT, CONTINUED = "matrixone> ", "        -> "


def run_shell(execute: Callable[[str], None]) -> None:
    """Run statements, each ended by `;`, until the input ends or `exit`.

    On a terminal an error is printed, and the next statement is read. In a pipe the first error ends it.

    Args:
        execute: runs a statement and prints its result.

    Raises:
        MatrixOneError: the server refuses a statement of a pipe; the connection was lost.
    """
    if not sys.stdin.isatty():
        for statement in read_statements(line.rstrip("\n") for line in sys.stdin):
            execute(statement)
        return
    _use_history()
    for statement in read_statements(_typed_lines()):
        try:
            execute(statement)
        except ConnectionFailure:
            raise
        except MatrixOneError as error:
            click.echo(f"error: {error}", err=True)


def read_statements(lines: Iterator[str]) -> Iterator[str]:
    """Statements among lines: each ends with a line that ends with `;`, the last with the input."""
    parts: list[str] = []
    for line in lines:
        if not parts and line.strip().lower().rstrip(";") in {"exit", "quit"}:
            return
        parts.append(line)
        if line.rstrip().endswith(";"):
            yield from _whole(parts)
            parts = []
    yield from _whole(parts)


def _whole(parts: list[str]) -> Iterator[str]:
    statement = "\n".join(parts).strip().rstrip(";").strip()
    if statement:
        yield statement


def _typed_lines() -> Iterator[str]:
    is_continued = False
    with suppress(EOFError):
        while True:
            line = input(CONTINUED if is_continued else PROMPT)
            is_continued = bool(line.strip()) and not line.rstrip().endswith(";")
            yield line


def _use_history() -> None:
    """Keep what is typed for the next time, where Python has readline."""
    with suppress(ImportError):
        import readline

        path = HISTORY.expanduser()
        with suppress(OSError):
            readline.read_history_file(path)
        atexit.register(_write_history, path)


def _write_history(path: Path) -> None:
    import readline

    with suppress(OSError):
        path.touch(mode=0o600)
        readline.write_history_file(path)
