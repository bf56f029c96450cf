"""The blocking side: carries the core's operations out with SQLAlchemy's `Engine` and PyMySQL."""

from matrixone_sync.client import Client
from matrixone_sync.dialect import Dialect
from matrixone_sync.load_watch import LoadWatch
from matrixone_sync.managers import (
    CloneManager,
    LoadManager,
    PitrManager,
    RestoreManager,
    SnapshotManager,
    StageManager,
)
from matrixone_sync.queries import ArrowStream
from matrixone_sync.session import Session
from matrixone_sync.stage_path import StagePath

__all__ = [
    "ArrowStream",
    "Client",
    "CloneManager",
    "Dialect",
    "LoadManager",
    "LoadWatch",
    "PitrManager",
    "RestoreManager",
    "Session",
    "SnapshotManager",
    "StageManager",
    "StagePath",
]
