"""The reference has every public name, and the page on errors every error with its cause and its remedy."""

import re
from pathlib import Path

import pytest

import matrixone
import matrixone_async.managers
import matrixone_sync.managers
from matrixone import errors

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("reference/*.md")))
SHOWN = re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE)


def test_every_public_name_is_shown_once():
    assert sorted(name for name in SHOWN if re.fullmatch(r"matrixone\.\w+", name)) == sorted(
        f"matrixone.{name}" for name in matrixone.__all__
    )


@pytest.mark.parametrize("side", [matrixone_sync.managers, matrixone_async.managers], ids=["blocking", "asyncio"])
def test_every_manager_is_shown(side):
    managers = {name for name in vars(side) if re.fullmatch(r"(Async)?\w+Manager", name) and name != "AsyncManager"}
    assert {name.rpartition(".")[2] for name in SHOWN if name.startswith(f"{side.__name__}.")} == managers


def error_classes():
    return [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.MatrixOneError)
    ]


def test_every_error_has_its_cause_and_its_remedy():
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    assert sorted(parts) == sorted(error_classes())
    for name, part in parts.items():
        assert re.search(r"\*\*Cause\*\*: .+\n\n\*\*Remedy\*\*: .", part, re.DOTALL), name
