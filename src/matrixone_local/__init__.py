"""A MatrixOne server for one machine: for trying things out, for development and for tests.

`LocalServer` is all that is public. It needs the extra `local` (`pip install 'matrixone[local]'`).
"""

from .engine import EngineUnavailable
from .server import LocalServer

__all__ = ["EngineUnavailable", "LocalServer"]
