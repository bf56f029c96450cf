"""In which module each public name is: imported when the name is used first."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import registry

MODULES = {
    "matrixone_async.client": ("AsyncClient",),
    "matrixone_async.load_watch": ("AsyncLoadWatch",),
    "matrixone_async.queries": ("AsyncArrowStream",),
    "matrixone_async.session": ("AsyncSession",),
    "matrixone_async.stage_file": ("AsyncStageFile",),
    "matrixone_async.stage_path": ("AsyncStagePath",),
    "matrixone_core.dialect.types": (
        "DATALINK",
        "UUID",
        "VECF32",
        "VECF64",
    ),
    "matrixone_core.errors": (
        "CommitIncomplete",
        "CommitUnknown",
        "ConnectionFailed",
        "ConnectionFailure",
        "ConnectionLost",
        "DatabaseExists",
        "DatabaseNotFound",
        "Deadlock",
        "DuplicateKey",
        "InvalidArgument",
        "LoadFailed",
        "LoadPartiallyApplied",
        "LockTimeout",
        "MatrixOneError",
        "NotConnected",
        "NotSupported",
        "PermissionDenied",
        "PitrExists",
        "PitrNotFound",
        "PoolExhausted",
        "RestoreFailed",
        "ServerError",
        "SessionInUse",
        "SnapshotExists",
        "SnapshotNotFound",
        "StageDisabled",
        "StageExists",
        "StageFileExists",
        "StageFileNotFound",
        "StageNotFound",
        "StatementTimeout",
        "TableExists",
        "TableNotFound",
        "TransactionAborted",
        "WriteConflict",
        "WrongEventLoop",
    ),
    "matrixone_core.exporting.report": (
        "ExportProgress",
        "ExportReport",
        "ExportedFile",
    ),
    "matrixone_core.loading.inputs.schema_inference": ("FileColumn",),
    "matrixone_core.loading.monitoring.events": (
        "BytesSent",
        "FileLoaded",
        "LoadEvent",
        "LoadFinished",
        "LoadStalled",
        "LoadStarted",
    ),
    "matrixone_core.loading.options": ("LoadOptions",),
    "matrixone_core.loading.plan": (
        "LoadPlan",
        "PlannedColumn",
    ),
    "matrixone_core.loading.preview": ("InferredTable",),
    "matrixone_core.monitoring.pools": (
        "PoolStatus",
        "PoolUse",
    ),
    "matrixone_core.operations.restore": (
        "RestoreReport",
        "RestoredTable",
    ),
    "matrixone_core.operations.stage_check": (
        "StageCheck",
        "StageProblem",
    ),
    "matrixone_core.operations.stage_path_files": ("StageFileStat",),
    "matrixone_core.operations.stage_transfers": ("FileProgress",),
    "matrixone_core.results": (
        "BadRow",
        "LoadReport",
        "LoadedFile",
    ),
    "matrixone_core.secrets": (
        "Credentials",
        "Secret",
    ),
    "matrixone_core.settings": ("Settings",),
    "matrixone_core.sql.ledger": ("LoadRecord",),
    "matrixone_core.sql.pitr": ("Pitr",),
    "matrixone_core.sql.snapshot": (
        "Snapshot",
        "SnapshotLevel",
    ),
    "matrixone_core.sql.stage": ("Stage",),
    "matrixone_sync.client": ("Client",),
    "matrixone_sync.load_watch": ("LoadWatch",),
    "matrixone_sync.queries": ("ArrowStream",),
    "matrixone_sync.session": ("Session",),
    "matrixone_sync.stage_path": ("StagePath",),
}
SUBMODULES = ("config", "errors", "exceptions", "orm")
HOMES = {name: module for module, names in MODULES.items() for name in names}

for _driver, _module in (("", "matrixone_sync"), (".pymysql", "matrixone_sync"), (".aiomysql", "matrixone_async")):
    registry.register(
        f"matrixone{_driver}", f"{_module}.dialect", "Dialect"
    )  # a program in one file has no entry points


def load(name: str) -> Any:
    """Import what a name of the package `matrixone` means.

    Args:
        name: the name.

    Raises:
        AttributeError: the package has no such name.
    """
    if name == "__version__":
        return _version()
    if name in SUBMODULES:
        return import_module(f"matrixone.{name}")
    if name not in HOMES:
        raise AttributeError(f"module 'matrixone' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def _version() -> str:
    """The version that is installed; that of the source tree where the package is imported without being installed."""
    try:
        return version("matrixone")
    except PackageNotFoundError:
        project = Path(__file__).parents[2] / "pyproject.toml"
        if not project.is_file():
            return "0+unknown"  # copied from somewhere
        import tomllib  # noqa: PLC0415  # an installed package never needs it

        return f"{tomllib.loads(project.read_text(encoding='utf-8'))['project']['version']}+source"
