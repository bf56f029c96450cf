"""What `import matrixone` does not import, and that each public name is imported from where type checkers find it."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import matrixone
from matrixone import _lazy_names
from matrixone_core import operations

OPTIONAL = {
    *(
        "click",
        "duckdb",
        "fsspec",
        "numpy",
        "obstore",
        "opentelemetry",
        "pandas",
        "polars",
        "prompt_toolkit",
        "pyarrow",
    ),
    *("pylibseekdb", "pytest", "rich", "trio", "anyio._backends._trio"),
}
DRIVERS = {"aiomysql", "anyio", "greenlet", "pymysql", "sqlalchemy.ext.asyncio", "sqlalchemy.orm"}


def imported_by(statement):
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def brought_by(statement):
    """What it imports beside SQLAlchemy, whose 2.0 imports greenlet where it is installed."""
    return imported_by(statement) - imported_by("import sqlalchemy")


def test_the_package_alone_imports_sqlalchemy_and_nothing_else():
    imported = brought_by("import matrixone")
    assert imported & (OPTIONAL | DRIVERS) == set()
    assert not any(name.startswith(("matrixone_core", "matrixone_sync", "matrixone_async")) for name in imported)


MADE = {"Client": "matrixone_sync", "AsyncClient": "matrixone_async"}
LATER = ("alembic", "pymysql", "aiomysql", "sqlalchemy.dialects.mysql")  # when it connects
ROOMS = ("operations", "loading", "exporting", "columnar", "session", "dialect", "monitoring", "sql", "steps")
STATEMENTS = {"matrixone_core.sql", "matrixone_core.sql.moment", "matrixone_core.sql.placeholders"}  # of `execute`


@pytest.mark.parametrize("client", MADE)
def test_a_client_that_is_not_connected_has_imported_no_driver_and_no_operation(client):
    imported = imported_by(f"from matrixone import {client}; {client}()")
    assert imported & OPTIONAL == set()
    assert not imported.intersection(LATER)
    of_the_core = {name for name in imported if name.startswith("matrixone_core.")}
    rooms = {name for name in of_the_core if name.split(".")[1] in ROOMS} - STATEMENTS
    assert rooms == {"matrixone_core.operations"}
    assert not any(name.startswith(f"{side}.") for name in imported for side in set(MADE.values()) - {MADE[client]})


def test_a_method_imports_its_own_operation_only():
    imported = imported_by("from matrixone import Client; Client().stage.get")
    assert {name for name in imported if name.startswith("matrixone_core.operations.")} == {
        "matrixone_core.operations.stages"
    }


def test_modules_of_operations_are_attributes():
    folder = Path(str(operations.__file__)).parent
    assert sorted(operations.MODULES) == sorted(path.stem for path in folder.glob("[!_]*.py"))
    for name in operations.MODULES:
        assert getattr(operations, name).__name__ == f"matrixone_core.operations.{name}"
    with pytest.raises(AttributeError, match="has no attribute 'load'"):
        operations.load  # to read it is the test


def test_type_checkers_and_programs_find_the_same_names():
    tree = ast.parse(Path(str(matrixone.__file__)).read_text(encoding="utf-8"))
    [checked] = [node for node in tree.body if isinstance(node, ast.If)]
    homes = {name.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert homes == _lazy_names.HOMES
    assert sorted(homes) == sorted(matrixone.__all__)
    for name in matrixone.__all__:
        assert getattr(matrixone, name) is not None


def test_modules_are_attributes_too():
    for name in _lazy_names.SUBMODULES:
        assert imported_by(f"import matrixone; matrixone.{name}") >= {f"matrixone.{name}"}
    assert {"Client", "AsyncClient", "StageNotFound"} <= set(dir(matrixone))
    with pytest.raises(AttributeError, match="module 'matrixone' has no attribute 'Klient'"):
        matrixone.Klient  # to read it is the test


def test_the_dialects_are_there_without_entry_points():
    code = """
import importlib.metadata
importlib.metadata.entry_points = lambda *args, **kwargs: importlib.metadata.EntryPoints()
import sqlalchemy, matrixone
for driver in ("", "+pymysql", "+aiomysql"):
    print(sqlalchemy.make_url(f"matrixone{driver}://host").get_dialect().__module__)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["matrixone_sync.dialect", "matrixone_sync.dialect", "matrixone_async.dialect"]


def test_the_package_says_its_version():
    assert matrixone.__version__ == importlib.metadata.version("matrixone")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The module that knows the version, in a tree that no package manager knows."""

    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(_lazy_names, "version", unknown)
    (tmp_path / "src" / "matrixone").mkdir(parents=True)
    monkeypatch.setattr(_lazy_names, "__file__", str(tmp_path / "src" / "matrixone" / "_lazy_names.py"))
    return tmp_path


def test_a_source_tree_has_the_version_of_its_project(copied):
    (copied / "pyproject.toml").write_text('[project]\nname = "matrixone"\nversion = "1.2.3"\n')
    assert _lazy_names.load("__version__") == "1.2.3+source"


def test_a_copy_without_a_project_says_that_its_version_is_unknown(copied):
    assert _lazy_names.load("__version__") == "0+unknown"
