"""The asyncio side: carries the core's operations out with SQLAlchemy's `AsyncEngine` and aiomysql."""

from matrixone_async.client import AsyncClient
from matrixone_async.dialect import Dialect
from matrixone_async.load_watch import AsyncLoadWatch
from matrixone_async.managers import (
    AsyncCloneManager,
    AsyncLoadManager,
    AsyncPitrManager,
    AsyncRestoreManager,
    AsyncSnapshotManager,
    AsyncStageManager,
)
from matrixone_async.queries import AsyncArrowStream
from matrixone_async.session import AsyncSession
from matrixone_async.stage_file import AsyncStageFile
from matrixone_async.stage_path import AsyncStagePath

__all__ = [
    "AsyncArrowStream",
    "AsyncClient",
    "AsyncCloneManager",
    "AsyncLoadManager",
    "AsyncLoadWatch",
    "AsyncPitrManager",
    "AsyncRestoreManager",
    "AsyncSession",
    "AsyncSnapshotManager",
    "AsyncStageFile",
    "AsyncStageManager",
    "AsyncStagePath",
    "Dialect",
]
