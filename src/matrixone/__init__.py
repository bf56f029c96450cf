"""MatrixOne for Python: what users import.

`Client` blocks, `AsyncClient` is for asyncio; both have the same methods. Names only, no logic.

A name's module is imported when the name is used first, so that a program with one client does not import the other.
"""

from typing import TYPE_CHECKING, Any

from matrixone import _lazy_names
from matrixone._name_clash import warn_of_name_clash

if TYPE_CHECKING:
    from matrixone_async.client import AsyncClient
    from matrixone_async.load_watch import AsyncLoadWatch
    from matrixone_async.queries import AsyncArrowStream
    from matrixone_async.session import AsyncSession
    from matrixone_async.stage_file import AsyncStageFile
    from matrixone_async.stage_path import AsyncStagePath
    from matrixone_core.dialect.types import DATALINK, UUID, VECF32, VECF64
    from matrixone_core.errors import (
        CommitIncomplete,
        CommitUnknown,
        ConnectionFailed,
        ConnectionFailure,
        ConnectionLost,
        DatabaseExists,
        DatabaseNotFound,
        Deadlock,
        DuplicateKey,
        InvalidArgument,
        LoadFailed,
        LoadPartiallyApplied,
        LockTimeout,
        MatrixOneError,
        NotConnected,
        NotSupported,
        PermissionDenied,
        PitrExists,
        PitrNotFound,
        PoolExhausted,
        RestoreFailed,
        ServerError,
        SessionInUse,
        SnapshotExists,
        SnapshotNotFound,
        StageDisabled,
        StageExists,
        StageFileExists,
        StageFileNotFound,
        StageNotFound,
        StatementTimeout,
        TableExists,
        TableNotFound,
        TransactionAborted,
        WriteConflict,
        WrongEventLoop,
    )
    from matrixone_core.exporting.report import ExportedFile, ExportProgress, ExportReport
    from matrixone_core.loading.inputs.schema_inference import FileColumn
    from matrixone_core.loading.monitoring.events import (
        BytesSent,
        FileLoaded,
        LoadEvent,
        LoadFinished,
        LoadStalled,
        LoadStarted,
    )
    from matrixone_core.loading.options import LoadOptions
    from matrixone_core.loading.plan import LoadPlan, PlannedColumn
    from matrixone_core.loading.preview import InferredTable
    from matrixone_core.monitoring.pools import PoolStatus, PoolUse
    from matrixone_core.operations.restore import RestoredTable, RestoreReport
    from matrixone_core.operations.stage_check import StageCheck, StageProblem
    from matrixone_core.operations.stage_path_files import StageFileStat
    from matrixone_core.operations.stage_transfers import FileProgress
    from matrixone_core.results import BadRow, LoadedFile, LoadReport
    from matrixone_core.secrets import Credentials, Secret
    from matrixone_core.settings import Settings
    from matrixone_core.sql.ledger import LoadRecord
    from matrixone_core.sql.pitr import Pitr
    from matrixone_core.sql.snapshot import Snapshot, SnapshotLevel
    from matrixone_core.sql.stage import Stage
    from matrixone_sync.client import Client
    from matrixone_sync.load_watch import LoadWatch
    from matrixone_sync.queries import ArrowStream
    from matrixone_sync.session import Session
    from matrixone_sync.stage_path import StagePath

__all__ = [
    "DATALINK",
    "UUID",
    "VECF32",
    "VECF64",
    "ArrowStream",
    "AsyncArrowStream",
    "AsyncClient",
    "AsyncLoadWatch",
    "AsyncSession",
    "AsyncStageFile",
    "AsyncStagePath",
    "BadRow",
    "BytesSent",
    "Client",
    "CommitIncomplete",
    "CommitUnknown",
    "ConnectionFailed",
    "ConnectionFailure",
    "ConnectionLost",
    "Credentials",
    "DatabaseExists",
    "DatabaseNotFound",
    "Deadlock",
    "DuplicateKey",
    "ExportProgress",
    "ExportReport",
    "ExportedFile",
    "FileColumn",
    "FileLoaded",
    "FileProgress",
    "InferredTable",
    "InvalidArgument",
    "LoadEvent",
    "LoadFailed",
    "LoadFinished",
    "LoadOptions",
    "LoadPartiallyApplied",
    "LoadPlan",
    "LoadRecord",
    "LoadReport",
    "LoadStalled",
    "LoadStarted",
    "LoadWatch",
    "LoadedFile",
    "LockTimeout",
    "MatrixOneError",
    "NotConnected",
    "NotSupported",
    "PermissionDenied",
    "Pitr",
    "PitrExists",
    "PitrNotFound",
    "PlannedColumn",
    "PoolExhausted",
    "PoolStatus",
    "PoolUse",
    "RestoreFailed",
    "RestoreReport",
    "RestoredTable",
    "Secret",
    "ServerError",
    "Session",
    "SessionInUse",
    "Settings",
    "Snapshot",
    "SnapshotExists",
    "SnapshotLevel",
    "SnapshotNotFound",
    "Stage",
    "StageCheck",
    "StageDisabled",
    "StageExists",
    "StageFileExists",
    "StageFileNotFound",
    "StageFileStat",
    "StageNotFound",
    "StagePath",
    "StageProblem",
    "StatementTimeout",
    "TableExists",
    "TableNotFound",
    "TransactionAborted",
    "WriteConflict",
    "WrongEventLoop",
]


def __getattr__(name: str) -> Any:
    value = _lazy_names.load(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]


warn_of_name_clash()
