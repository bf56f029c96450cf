"""The two sides have the same methods, from the same operations."""

import inspect
import pydoc

import pytest

from matrixone import AsyncClient, Client
from matrixone_async.load_watch import AsyncLoadWatch
from matrixone_async.managers import AsyncLoadManager, AsyncSnapshotManager, AsyncStageManager
from matrixone_async.queries import AsyncQueries
from matrixone_async.session import AsyncSession
from matrixone_async.stage_path import AsyncStagePath
from matrixone_sync.load_watch import LoadWatch
from matrixone_sync.managers import LoadManager, SnapshotManager, StageManager
from matrixone_sync.queries import Queries
from matrixone_sync.session import Session
from matrixone_sync.stage_path import StagePath


def public(owner):
    return {name: getattr(owner, name) for name in vars(owner) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [(StageManager, AsyncStageManager), (LoadManager, AsyncLoadManager), (SnapshotManager, AsyncSnapshotManager)],
)
def test_managers(blocking, asynchronous):
    ours, theirs = public(blocking), public(asynchronous)
    assert ours.keys() == theirs.keys()
    for name, method in ours.items():
        twin = theirs[name]
        if not hasattr(method, "__wrapped__"):  # it asks nobody: what it returns does
            assert inspect.signature(method).parameters == inspect.signature(twin).parameters
            assert method.__doc__ == twin.__doc__
            continue
        assert method.__wrapped__ is twin.__wrapped__
        assert method.__doc__ == twin.__doc__
        assert inspect.signature(method) == inspect.signature(twin)
        assert inspect.iscoroutinefunction(twin)
        assert not inspect.iscoroutinefunction(method)
        assert method.__qualname__ == f"{blocking.__name__}.{name}"


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [
        (Client, AsyncClient),
        (Session, AsyncSession),
        (StagePath, AsyncStagePath),
        (LoadWatch, AsyncLoadWatch),
        (Queries, AsyncQueries),
    ],
)
def test_clients_and_sessions(blocking, asynchronous):
    assert public(blocking).keys() == public(asynchronous).keys()
    for name, method in public(blocking).items():
        if inspect.isfunction(method):
            assert (
                inspect.signature(method).parameters.keys()
                == inspect.signature(public(asynchronous)[name]).parameters.keys()
            )


def test_help_shows_methods_as_if_written_by_hand():
    page = " ".join(pydoc.plain(pydoc.render_doc(StageManager)).replace("|", " ").split())  # newer Pythons break lines
    assert "create_s3( self, /, name: str, bucket: str, path: str = ''" in page.replace(
        "create_s3(self", "create_s3( self"
    )
    assert "Raises:" in page
    assert "async get(self, /, name: str) -> matrixone_core.sql.stage.Stage" in pydoc.plain(
        pydoc.render_doc(AsyncStageManager)
    )
