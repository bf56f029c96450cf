"""Every call that the page on moving here names exists."""

import re
from pathlib import Path

import pytest

from matrixone import AsyncClient, Client
from matrixone_async.session import AsyncSession
from matrixone_sync.session import Session

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith(("| `", "| b"))]
CALLS = sorted({call for row in ROWS for call in re.findall(r"\b((?:client|session)(?:\.\w+)+)", row[1])})


def test_the_page_has_calls():
    assert len(ROWS) > 50
    assert len(CALLS) > 30


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    owner, *names = call.split(".")
    for found in (Client(), AsyncClient()) if owner == "client" else (Session, AsyncSession):
        for name in names:
            if owner == "client" and name == "engine":
                assert hasattr(type(found), name)
                break
            found = getattr(found, name)  # noqa: PLW2901  # one step down
