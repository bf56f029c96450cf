"""What the clients' managers bind: one operation for each of their methods.

Only these may live here; what loads and sessions need as well is in `catalog`, `stage_files` and `patterns`. Each is
imported when it is used first, as a program that only sends statements needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from matrixone_core.messages import show

if TYPE_CHECKING:
    from matrixone_core.operations import clone as clone
    from matrixone_core.operations import exports as exports
    from matrixone_core.operations import inserts as inserts
    from matrixone_core.operations import loads as loads
    from matrixone_core.operations import pitr as pitr
    from matrixone_core.operations import queries as queries
    from matrixone_core.operations import restore as restore
    from matrixone_core.operations import snapshots as snapshots
    from matrixone_core.operations import stage_check as stage_check
    from matrixone_core.operations import stage_loads as stage_loads
    from matrixone_core.operations import stage_path_files as stage_path_files
    from matrixone_core.operations import stage_transfers as stage_transfers
    from matrixone_core.operations import stages as stages
    from matrixone_core.operations import tables as tables
    from matrixone_core.operations import watching as watching

MODULES = (
    *("clone", "exports", "inserts", "loads", "pitr", "queries", "restore", "snapshots", "stage_check"),
    *("stage_loads", "stage_path_files", "stage_transfers", "stages", "tables", "watching"),
)


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"matrixone_core.operations has no attribute {show(name)}")
    return import_module(f"{__name__}.{name}")


def import_all() -> None:
    """Import all of them, for which an event loop must not wait."""
    for name in MODULES:
        import_module(f"{__name__}.{name}")
