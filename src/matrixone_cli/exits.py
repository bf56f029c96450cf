"""Exit codes, and the one line that an error prints."""

import sys
from enum import IntEnum
from typing import Any, NoReturn

import click

from matrixone import ConnectionFailure, InvalidArgument, MatrixOneError


class ExitCode(IntEnum):
    """What a command's exit code means."""

    OK = 0
    DATA = 1  # the server or the data refuse it
    USAGE = 2  # an argument is wrong; nothing was sent
    CONNECTION = 3  # no server, or the connection was lost
    INTERRUPTED = 130  # Ctrl-C, as shells number it


class Cli(click.Group):
    """A group of commands that ends with the exit code of an error, and one line that says what is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("interrupted", ExitCode.INTERRUPTED)
        except ConnectionFailure as error:
            fail(str(error), ExitCode.CONNECTION)
        except InvalidArgument as error:
            fail(str(error), ExitCode.USAGE)
        except MatrixOneError as error:
            fail(str(error), ExitCode.DATA)
        except BrokenPipeError:  # a reader such as `head` has enough: click ends without a word
            raise
        except OSError as error:
            fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error), ExitCode.DATA)


def fail(message: str, code: ExitCode) -> NoReturn:
    """Print a message to standard error and end the process."""
    click.echo(f"matrixone: {message}", err=True)
    sys.exit(code)
