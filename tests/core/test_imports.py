"""What `import matrixone` does not import, and that each public name is imported from where type checkers find it."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import matrixone
from matrixone import _lazy_names

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


def test_the_package_alone_imports_sqlalchemy_and_nothing_else():
    imported = imported_by("import matrixone")
    assert imported & (OPTIONAL | DRIVERS) == set()
    assert not any(name.startswith(("matrixone_core", "matrixone_sync", "matrixone_async")) for name in imported)


def test_the_blocking_client_imports_nothing_of_the_other():
    imported = imported_by("from matrixone import Client")
    assert imported & (OPTIONAL | DRIVERS) == {"pymysql", "sqlalchemy.orm"}
    assert "matrixone_async" not in imported


def test_both_clients_import_nothing_optional():
    imported = imported_by("from matrixone import AsyncClient, Client")
    assert imported & OPTIONAL == set()
    assert imported >= DRIVERS


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
