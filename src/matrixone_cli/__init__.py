"""The command `matrixone`: what a shell can do with a server. Commands call `matrixone.Client`.

Only commands, their output and their exit codes may live here.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from matrixone_cli.app import cli
    except ModuleNotFoundError as error:
        sys.exit(f"matrixone: the command line needs {error.name}: pip install 'matrixone[cli]'")
    except KeyboardInterrupt:  # while the modules are imported, which takes a while
        sys.stderr.write("matrixone: interrupted\n")
        sys.exit(130)
    cli()
