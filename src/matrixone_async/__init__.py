"""The asyncio side: carries the core's operations out with SQLAlchemy's `AsyncEngine` and aiomysql."""

from matrixone_async.client import AsyncClient
from matrixone_async.dialect import Dialect
from matrixone_async.managers import AsyncLoadManager, AsyncSnapshotManager, AsyncStageManager
from matrixone_async.session import AsyncSession

__all__ = ["AsyncClient", "AsyncLoadManager", "AsyncSession", "AsyncSnapshotManager", "AsyncStageManager", "Dialect"]
