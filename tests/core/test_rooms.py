"""The rooms of the core say what may live in them, and the tests have the same rooms."""

import importlib
from pathlib import Path

import pytest

import matrixone_core

CORE, TESTS = Path(matrixone_core.__file__).parent, Path(__file__).parent
ROOMS = sorted(path.parent.relative_to(CORE).as_posix() for path in CORE.glob("*/**/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_may_live_in_it(room):
    module = importlib.import_module(f"matrixone_core.{room.replace('/', '.')}")
    paragraphs = module.__doc__.strip().split("\n\n")
    assert len(paragraphs) == 2
    assert "may live here" in " ".join(paragraphs[1].split())


def test_the_tests_have_the_rooms_of_the_core():
    folders = {test.parent.relative_to(TESTS).as_posix() for test in TESTS.glob("*/**/test_*.py")}
    assert folders <= set(ROOMS)
    assert {room for room in ROOMS if "/" not in room} <= folders
