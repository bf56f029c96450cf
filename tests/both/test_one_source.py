"""What the blocking and the asyncio side have in common is written once."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "generate_sync.py"
SHARED_LINES = 6  # that are no longer chance


def run_script(script, *arguments):
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    """A copy of the script and of what it reads, to write to."""
    for folder in (
        "tools",
        "src/matrixone_core",
        "src/matrixone_platform",
        "src/matrixone_async",
        "src/matrixone_sync",
    ):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def test_generated_modules_are_as_the_script_writes_them():
    checked = run_script(SCRIPT, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("side", ["async", "sync"])
def test_check_finds_a_module_that_was_edited_on_one_side(copy, side):
    script, edited = copy / "tools" / "generate_sync.py", copy / "src" / f"matrixone_{side}" / "managers.py"
    edited.write_text(edited.read_text().replace("The stages of an account.", "All stages of an account."))
    checked = run_script(script, "--check")
    assert checked.returncode == 1
    assert str(copy / "src" / "matrixone_sync" / "managers.py") in checked.stderr
    assert "load_watch.py" not in checked.stderr
    assert run_script(script).returncode == 0
    assert run_script(script, "--check").returncode == 0
    text = (copy / "src" / "matrixone_sync" / "managers.py").read_text()
    assert ("All stages" in text) is (side == "async")


def written_modules(side):
    """The modules of a side that are written by hand, and of each the lines of code and docstrings, numbered."""
    paths = sorted((ROOT / "src" / f"matrixone_{side}").glob("*.py"))
    texts = {path.name: path.read_text() for path in paths}
    return {name: code_lines(text) for name, text in texts.items() if not text.startswith("# Generated from ")}


def code_lines(text):
    """Lines without indentation; no imports, comments, empty lines or punctuation alone."""
    imports = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, node.end_lineno + 1)
    }
    lines = [(number, line.partition("  #")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [
        (number, line)
        for number, line in lines
        if number not in imports and not line.startswith("#") and any(map(str.isalnum, line))
    ]


def shared_runs(ours, theirs):
    """Where as many lines follow each other in both: the numbers of their first lines."""
    lines = [line for _, line in theirs]
    starts = {}
    for at in range(len(lines) - SHARED_LINES + 1):
        starts.setdefault(tuple(lines[at : at + SHARED_LINES]), theirs[at][0])
    runs = ([line for _, line in ours[at : at + SHARED_LINES]] for at in range(len(ours)))
    return [(ours[at][0], starts[tuple(run)]) for at, run in enumerate(runs) if tuple(run) in starts]


def test_no_six_lines_are_written_for_both_sides():
    sync, asynchronous = written_modules("sync"), written_modules("async")
    found = {
        (ours, theirs): runs
        for ours, lines in sync.items()
        for theirs, others in asynchronous.items()
        if (runs := shared_runs(lines, others))
    }
    assert {"concurrency.py", "connection.py"} <= sync.keys() & asynchronous.keys()
    assert found == {}


def test_the_search_finds_six_shared_lines():
    text = "import os\n\n\nclass Shared:\n" + "".join(f"    name_{number} = {number}\n\n" for number in range(6))
    assert shared_runs(code_lines(text), code_lines(f"x = 1\n{text}")) == [(4, 5), (5, 6)]
    assert shared_runs(code_lines(text), code_lines(text.replace("name_3", "other"))) == []
