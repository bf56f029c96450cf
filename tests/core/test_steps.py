"""The kinds of steps are few, and the page about the architecture names them all."""

from pathlib import Path

from matrixone_core import steps

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_kinds_of_steps():
    kinds = {kind.__name__ for kind in steps.Step.__subclasses__() if kind.__module__ == steps.__name__}
    page = PAGE.read_text(encoding="utf-8")
    assert len(kinds) == 10
    assert {kind for kind in kinds if f"`{kind}`" not in page} == set()
