"""How a command connects: options, the environment, a prompt. A password is never taken from an argument."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from matrixone import Client
from matrixone_cli.exits import SEEN, ExitCode, fail


@dataclass(frozen=True)
class ConnectionOptions:
    """What the command line says about the connection.

    Args:
        url: `mysql://user@host:port/database`, without a password.
        database: the database to begin in.
        password_file: a file whose first line is the password.
        ask_password: whether to ask for the password.
    """

    url: str | None
    database: str | None
    password_file: Path | None
    ask_password: bool

    def password(self) -> str | None:
        """The password from the file or the prompt; None leaves it to the environment."""
        if self.password_file is not None:
            return _first_line(self.password_file)
        return _ask_password() if self.ask_password else None

    @contextmanager
    def connect(self) -> Generator[Client]:
        """A connected client."""
        with Client(url=self.url, database=self.database, password=self.password()) as client:
            yield client


connection_options = click.make_pass_decorator(ConnectionOptions)


def check_url(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    """Refuse a URL with a password: other users of the machine can see the arguments of a process."""
    if url is not None and urlsplit(url).password is not None:
        raise click.BadParameter(SEEN)
    return url


def refuse_password(_context: click.Context, _parameter: click.Parameter, password: str | None) -> None:
    """Refuse a password."""
    if password is not None:
        raise click.BadParameter(SEEN)


def _ask_password() -> str:
    try:
        return str(click.prompt("Password", hide_input=True, err=True))
    except click.Abort:
        if sys.stdin.isatty():
            fail("interrupted", ExitCode.INTERRUPTED)
        raise click.UsageError("--ask-password: there is no password in the input") from None


def _first_line(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise click.UsageError(f"--password-file {file}: its text is not UTF-8") from None
    if not lines:
        raise click.UsageError(f"--password-file {file}: the file is empty; its first line is the password")
    return lines[0]
