"""Find a stage by its name; loads, sessions and managers use it."""

from matrixone_core.errors import PermissionDenied, StageNotFound
from matrixone_core.messages import show
from matrixone_core.names import stage_name
from matrixone_core.sql.stage import SelectStages, ShowStages, Stage
from matrixone_core.steps import Op, OutsideTransaction


def get(name: str) -> Op[Stage]:
    """Return a stage by its name.

    Args:
        name: name of the stage, in any case.

    Raises:
        StageNotFound: there is no stage of this name.
    """
    found = yield from find(name)
    if found is None:
        raise StageNotFound(f"there is no stage {show(stage_name(name))}")
    return found


def find(name: str) -> Op[Stage | None]:
    """Return the stage of this name, or None."""
    name = stage_name(name)
    try:
        found = yield from SelectStages(name=name)
    except PermissionDenied:
        found = yield from OutsideTransaction(iter(ShowStages()))
    return next((stage for stage in found if stage.name == name), None)
