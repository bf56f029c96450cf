"""Find a stage by its name; loads, sessions and managers use it."""

from matrixone_core.errors import InvalidArgument, PermissionDenied, StageNotFound
from matrixone_core.messages import show
from matrixone_core.names import stage_name
from matrixone_core.sql.stage import DEEPEST, STAGE_URL, SelectStages, ShowStages, Stage, split_url
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


def resolve_url(stage: Stage, url: str) -> Op[str]:
    """Name a file of a stage by the location that the stage leads to, as `file:///…` or `s3://…`.

    Args:
        stage: the stage.
        url: the file's `stage://` URL.

    Raises:
        InvalidArgument: the stage is inside itself.
        StageNotFound: a stage that it is in is missing.
    """
    place = stage.below(split_url(url)[1])
    for _ in range(DEEPEST):
        if not place.startswith(STAGE_URL):
            return place
        name, path = split_url(place)
        place = (yield from get(name)).below(path)
    raise InvalidArgument(f"the stage {show(stage.name)} is inside itself; alter its URL")
