"""`python -m matrixone_local serve`: the local server as a command."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from matrixone_local.engine.seekdb import EngineUnavailable
from matrixone_local.server import DEFAULT_PASSWORD, LocalServer


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m matrixone_local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run a server until Ctrl-C or SIGTERM")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=6001, help="the port, 0 for any free one (default: %(default)s)")
    serve.add_argument("--path", metavar="DIR", help="keep the data in DIR (default: a temporary folder)")
    serve.add_argument(
        "--allow-path",
        metavar="DIR",
        action="append",
        default=[],
        help="a folder whose files stages may read; may be given several times "
        "(default: the current and the temporary folder)",
    )
    serve.add_argument("--password", default=DEFAULT_PASSWORD, help="the password of root (default: %(default)s)")
    return parser


def _shown_url(server: LocalServer) -> str:
    """Where the server is; a password that somebody chose is not printed."""
    return server.url if server.password == DEFAULT_PASSWORD else f"mysql://{server.user}@{server.host}:{server.port}"


def _of_file(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = _arguments().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        server = LocalServer(
            host=given.host, port=given.port, password=given.password, path=given.path, allow_path=given.allow_path
        ).start()
    except OSError as error:
        remedy = "; give another port (--port), or 0 for any free one" if error.errno == errno.EADDRINUSE else ""
        print(f"matrixone_local: {error.strerror or error}{_of_file(error)}{remedy}", file=sys.stderr)
        return 1
    except (EngineUnavailable, ValueError) as error:
        print(f"matrixone_local: {error}", file=sys.stderr)
        return 1
    for folder in given.allow_path:
        if not Path(folder).is_dir():
            print(f"matrixone_local: --allow-path {folder}: there is no such folder yet", file=sys.stderr)
    try:
        print(f"MatrixOne local server ready at {_shown_url(server)}", flush=True)
        stop.wait()
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
