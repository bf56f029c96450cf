"""Modules with the existing SDK's names, and the warning where it is installed beside this package."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

import matrixone
from matrixone import errors, exceptions
from matrixone.config import get_connection_kwargs, get_connection_params
from matrixone_core.errors import InvalidArgument

SRC = Path(matrixone.__file__).parents[1]


def import_beside(*folders):
    """Import the package in a new process with folders on its path; returns what it prints to standard error."""
    code = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}; import matrixone, matrixone"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SRC)
    return done.stderr


def test_the_other_distribution_is_named_once(tmp_path):
    info = tmp_path / "matrixone_python_sdk-1.0.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: matrixone-python-sdk\nVersion: 1.0.9\n")
    said = import_beside(tmp_path)
    assert said.count("UserWarning: matrixone-python-sdk 1.0.9 is installed in this environment, too") == 1
    assert "pip uninstall matrixone-python-sdk matrixone" in said
    assert said.startswith("<string>:1: ")  # the caller's line


def test_without_it_nothing_is_said(tmp_path):
    assert import_beside(tmp_path) == ""


def test_connection_parameters(monkeypatch):
    assert get_connection_params() == ("127.0.0.1", 6001, "root", "111", "test")
    monkeypatch.setenv("MATRIXONE_URL", "mysql://me:sesame@far:6002/app")
    monkeypatch.setenv("MATRIXONE_PORT", "6003")
    assert get_connection_params(host="near") == ("near", 6003, "me", "sesame", "app")
    kwargs = get_connection_kwargs()
    assert "sesame" not in f"{kwargs}{kwargs['password']}"
    assert matrixone.Settings.resolve({}, kwargs).where == "far:6003 as me"
    with pytest.raises(InvalidArgument, match="port"):
        get_connection_params(port=0)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (errors.ConnectionFailed("no"), exceptions.ConnectionError),
        (errors.InvalidArgument("no"), exceptions.ConfigurationError),
        (ProgrammingError("SELECT", None, Exception()), exceptions.QueryError),
        (OperationalError("SELECT", None, Exception()), (exceptions.ConnectionError, exceptions.QueryError)),
        (errors.DatabaseNotFound("no"), exceptions.CloneError),
        (errors.RestoreFailed("no"), exceptions.RestoreError),
        (errors.SnapshotNotFound("no"), exceptions.SnapshotError),
        (errors.PitrNotFound("no"), exceptions.PitrError),
        (errors.SessionInUse("no"), exceptions.MatrixOneError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_errors_are_caught_by_the_existing_names(raised, caught):
    with pytest.raises(caught):
        raise raised
