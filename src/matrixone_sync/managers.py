"""The client's managers: tables of operations, one line each."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, Protocol, TypeVar, overload

from matrixone_core import checks, loads, snapshots, stage_path_files, stages
from matrixone_core.errors import MatrixOneError
from matrixone_core.methods import publish
from matrixone_core.operation import Op
from matrixone_sync.stage_path import StagePath

P = ParamSpec("P")
T = TypeVar("T")


class Perform(Protocol):
    """What carries operations out."""

    def __call__(self, op: Op[T], /) -> T:
        """The result of an operation."""
        ...


class Manager:
    """What has operations as its methods.

    Args:
        perform: carries them out.
    """

    def __init__(self, perform: Perform) -> None:
        self.perform = perform


class method(Generic[P, T]):
    """A manager's method that carries an operation out."""

    def __init__(self, operation: Callable[P, Op[T]]) -> None:
        self._operation = operation

    def __set_name__(self, owner: type, name: str) -> None:
        operation = self._operation

        def function(self: Manager, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                op = operation(*args, **kwargs)
            finally:
                del args, kwargs  # a secret among them is not to be seen in a traceback
            try:
                return self.perform(op)
            except (MatrixOneError, KeyboardInterrupt) as error:  # without the frames of nested operations
                raise error.with_traceback(None) from error.__cause__

        publish(function, operation, owner, name)  # a plain method takes our place

    if TYPE_CHECKING:

        @overload
        def __get__(self, of: None, owner: type) -> Callable[Concatenate[Manager, P], T]: ...
        @overload
        def __get__(self, of: Manager, owner: type) -> Callable[P, T]: ...
        def __get__(self, of: Any, owner: type) -> Any: ...


class StageManager(Manager):
    """The stages of an account."""

    def path(self, stage: str, *files: str) -> StagePath:
        """The path of a file or folder in a stage; nothing is asked yet.

        Args:
            stage: the stage's name.
            files: the path in the stage, folders separated by `/`; none for the stage itself.

        Raises:
            InvalidArgument: the path leaves the stage, or has a character that the server cannot read.
        """
        found = stage_path_files.location(stage, files)
        return StagePath(found.stage, found.parts, self.perform)

    create: Final = method(stages.create)
    create_local: Final = method(stages.create_local)
    create_s3: Final = method(stages.create_s3)
    list: Final = method(stages.list_)
    get: Final = method(stages.get)
    exists: Final = method(stages.exists)
    alter: Final = method(stages.alter)
    drop: Final = method(stages.drop)
    check: Final = method(checks.check)


class LoadManager(Manager):
    """Loading files into tables."""

    plan: Final = method(loads.plan)
    history: Final = method(loads.history)
    read_csv: Final = method(loads.read_csv)
    read_json: Final = method(loads.read_json)
    read_parquet: Final = method(loads.read_parquet)
    read_arrow: Final = method(loads.read_arrow)
    read_csv_stage: Final = method(loads.read_csv_stage)
    read_json_stage: Final = method(loads.read_json_stage)
    read_parquet_stage: Final = method(loads.read_parquet_stage)


class SnapshotManager(Manager):
    """The snapshots of an account."""

    create: Final = method(snapshots.create)
    list: Final = method(snapshots.list_)
    drop: Final = method(snapshots.drop)
