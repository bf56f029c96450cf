"""What the blocking and the asyncio side have in common is written once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "generate_sync.py"


def run_script(script, *arguments):
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    """A copy of the script and of what it reads, to write to."""
    for folder in ("tools", "src/matrixone_core", "src/matrixone_async", "src/matrixone_sync"):
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
