"""Exit codes, and the one line that an error prints."""

import re
import sys
from enum import IntEnum
from typing import Any, NoReturn

import click

from matrixone import (
    ConnectionFailure,
    InvalidArgument,
    MatrixOneError,
    PitrExists,
    PitrNotFound,
    SnapshotExists,
    SnapshotNotFound,
    StageDisabled,
    StageExists,
    StageFileNotFound,
    StageNotFound,
    TableExists,
    TableNotFound,
)
from matrixone_core import server_errors

SEEN = (
    "a password in an argument can be seen by other users of this machine; "
    "set MATRIXONE_PASSWORD or MATRIXONE_URL, or use --password-file or --ask-password"
)

# What helps, where a class's own remedy names methods: the commands of the same kind.
_REMEDIES: dict[type[MatrixOneError], str] = {
    PitrExists: "`matrixone pitr ls` shows it, `matrixone pitr alter` changes how far it reaches",
    PitrNotFound: "`matrixone pitr ls` shows the point-in-time recoveries",
    SnapshotExists: "take another name, or drop that one first by `matrixone snapshot drop`",
    SnapshotNotFound: "`matrixone snapshot ls` shows the snapshots",
    StageDisabled: "`matrixone stage alter NAME --enable` enables it",
    StageExists: "IF NOT EXISTS (--if-not-exists) leaves it as it is, `matrixone stage alter` changes it",
    StageFileNotFound: "`matrixone files ls` shows the stage's files",
    StageNotFound: "`matrixone stage ls` shows the stages",
    TableExists: "take another name, or drop that one first",
    TableNotFound: "a table of another database is named 'database.table'",
}
# What helps, where an error's own remedy names arguments or modules of Python: the options of the command.
_IN_COMMANDS = {
    server_errors.CHECK_LOGIN: "check the user and the password, which is that of MATRIXONE_PASSWORD, of "
    "MATRIXONE_URL, of --password-file or of --ask-password",
    server_errors.CHECK_HOST: "check the host's name in --url or MATRIXONE_URL",
    server_errors.CREATE_DATABASE: "`CREATE DATABASE` creates it, by `matrixone sql` without --database",
    server_errors.NAME_DATABASE: "name the table as 'database.table', or give --database before the command",
    server_errors.START_SERVER: "is the server running? `matrixone serve` starts a local one",
}


class ExitCode(IntEnum):
    """What a command's exit code means."""

    OK = 0
    DATA = 1  # the server or the data refuse it
    USAGE = 2  # an argument is wrong; nothing was sent
    CONNECTION = 3  # no server, or the connection was lost
    INTERRUPTED = 130  # Ctrl-C, as shells number it


class Command(click.Command):
    """A command that ends with the exit code of an error, and one line that says what is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConnectionFailure as error:
            fail(text_of(error), ExitCode.CONNECTION)
        except InvalidArgument as error:
            raise click.UsageError(self._in_options(str(error)), ctx) from None
        except MatrixOneError as error:
            fail(self._in_options(text_of(error)), ExitCode.DATA)
        except BrokenPipeError:  # a reader such as `head` has enough: click ends without a word
            raise
        except OSError as error:
            fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error), ExitCode.DATA)

    def _in_options(self, message: str) -> str:
        """Write a method's arguments that a message names as this command's: `header='match'` is `--header`."""
        for parameter in self.params:
            if isinstance(parameter, click.Option):
                name = parameter.opts[0]
                value = "" if parameter.is_flag else r" \1"
                message = re.sub(rf"\b{parameter.name}='(\w*)' or '(\w*)'", rf"{name} \1 or \2", message)
                message = re.sub(rf"\b{parameter.name}='(\w*)'", f"{name}{value}", message)
                message = re.sub(rf"\b{parameter.name}=(?:True|…)?(?!\w)", name, message)
            elif parameter.name:
                message = re.sub(rf"\b{parameter.name}=(?!\w|'|\")", parameter.name.upper(), message)
        return message


class Group(click.Group):
    """A group of such commands; Ctrl-C in one of them ends with its own code."""

    command_class = Command
    group_class = type

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command of the group."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise _explain_place(error) from None
        except KeyboardInterrupt:
            fail("interrupted", ExitCode.INTERRUPTED)


def _explain_place(error: click.NoSuchOption) -> click.UsageError:
    """The error for an option of all commands behind one of them: its place is before it. Others stay as they are."""
    context = error.ctx
    if context is None:
        return error
    for option in context.find_root().command.params:
        if error.option_name in option.opts:
            if option.name == "password":
                return click.UsageError(SEEN, context)
            words = " ".join(context.command_path.split()[1:])
            place = f"`matrixone {error.option_name} … {words} …`"
            return click.UsageError(f"{error.option_name} goes before the command: {place}", context)
    return error


def text_of(error: MatrixOneError) -> str:
    """The text of an error, whose remedy names commands in place of methods."""
    if error.remedy in _IN_COMMANDS:
        return f"{error.message}; {_IN_COMMANDS[error.remedy]}"
    remedy = _REMEDIES.get(type(error))
    if remedy is None or error.remedy != type(error).remedy:
        return str(error)
    return f"{error.message}; {remedy}"


def fail(message: str, code: ExitCode) -> NoReturn:
    """Print a message to standard error and end the process."""
    click.echo(f"matrixone: {message}", err=True)
    sys.exit(code)
