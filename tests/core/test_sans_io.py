"""The core reaches nothing of the machine by itself: not when it is imported, and not when it is driven."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import matrixone_core

CORE = Path(matrixone_core.__file__).parent
PURE = {  # what the core may use of modules that reach the machine as well
    "os": {"PathLike", "SEEK_END", "fsdecode", "fsencode", "fspath", "strerror"},
    "sys": {"maxsize", "modules"},
}
IO_CALLS = {"open", "input", "print", "breakpoint"}


def reaches(tree):
    """The uses of the machine in a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name(module), name) if module in PURE and name not in PURE[module]:
                yield f"{module}.{name}"
            case ast.ImportFrom(str(module)) if module.partition(".")[0] in PURE:
                yield f"from {module}"
            case ast.ImportFrom("pathlib", names):
                yield from (f"pathlib.{each.name}" for each in names if not each.name.startswith("Pure"))
            case ast.Call(ast.Name(name)) if name in IO_CALLS:
                yield f"{name}()"


def test_a_core_that_can_reach_nothing_creates_a_stage_plans_a_load_and_loads():
    """And reads a file and sends one, which the machine that the driver lends has in memory."""
    program = Path(__file__).with_name("without_io.py")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout.splitlines()) == (
        0,
        "",
        [
            "s",
            "CREATE STAGE `s` URL='s3://b/' CREDENTIALS={'AWS_KEY_ID'='***', 'AWS_SECRET_KEY'='***', "
            "'AWS_REGION'='eu-west-1', 'ENDPOINT'='https://s3.eu-west-1.amazonaws.com', 'PROVIDER'='amazon'}",
            "stage://s/a.csv",
            "[3, 3, 3]",
            "12",
        ],
    )


@pytest.mark.parametrize("module", sorted(CORE.rglob("*.py")), ids=lambda path: path.relative_to(CORE).as_posix())
def test_no_module_of_the_core_names_a_part_of_the_machine(module):
    assert list(reaches(ast.parse(module.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import os\nos.environ['A']", ["os.environ"]),
        ("from os import environ", ["from os"]),
        ("import sys\nsys.stderr.write('')", ["sys.stderr"]),
        ("open('x')", ["open()"]),
        ("from pathlib import Path, PurePath", ["pathlib.Path"]),
        ("import os\nos.fspath('x')\nmachine.open('x')", []),
    ],
)
def test_what_reaches_the_machine(code, found):
    assert list(reaches(ast.parse(code))) == found
