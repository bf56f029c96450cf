"""A MatrixOne server for one machine: for trying things out, for development and for tests.

`LocalServer` is all that is public. It needs the extra `local` (`pip install 'matrixone[local]'`).
"""

from matrixone_local.engine.seekdb import EngineUnavailable
from matrixone_local.server import LocalServer

__all__ = ["EngineUnavailable", "LocalServer"]
