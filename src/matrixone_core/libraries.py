"""Optional libraries, imported at their first use."""

from importlib import import_module
from typing import Any

from matrixone_core.errors import NotSupported

_EXTRAS = {"numpy": "arrow", "pyarrow": "arrow", "pandas": "pandas", "polars": "polars"}


def library(name: str) -> Any:
    """Return an optional library.

    Raises:
        NotSupported: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise NotSupported(f"this needs {name}: pip install 'matrixone[{_EXTRAS[name.partition('.')[0]]}]'") from None


def load(*names: str) -> None:
    """Import libraries, which may take a second the first time.

    Raises:
        NotSupported: one is not installed.
    """
    for name in names:
        _ = library(name)
