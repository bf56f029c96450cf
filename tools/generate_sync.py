"""Make the modules of `matrixone_sync` that differ from those of `matrixone_async` by `async` and `await` only.

`python tools/generate_sync.py` writes them; `--check` fails and names those that are not as it would write them. What
really differs between threads and an event loop is in modules that both sides have under one name, written by hand.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "matrixone_async"
TARGET = SOURCE.with_name("matrixone_sync")
MODULES = (
    "client",
    "driver",
    "load_watch",
    "managers",
    "methods",
    "pool",
    "protocol",
    "queries",
    "session",
    "stage_path",
)

HEADER = "# Generated from matrixone_async/{name} by tools/generate_sync.py; do not edit.\n"
BRACKETS = r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]"  # and what is in them, which may have brackets of its own

RULES = [  # applied one after another to code, comments and docstrings alike
    (r"(\n *if error is None:)?\n *await checkpoint\(\)(?=\n)", ""),  # threads are not cancelled
    (r"\n *WrongEventLoop: [^\n]*", ""),  # an error that threads do not know, in a docstring
    (r"\b([Aa])n (`?)async(?:hronous)? ", r"\1 \2"),
    (r"\basynchronous ", ""),
    (r"\bThe asyncio(?= )", "The blocking"),
    (r"\bfor asyncio\b", "that blocks"),
    (r"\basync (?=def\b|with\b|for\b)", ""),
    (r"\bawait ", ""),
    (r"\bmatrixone_async\b", "matrixone_sync"),
    (r"\bCoroutine\[Any, Any, (\w+)\]", r"\1"),
    (r"\bsqlalchemy\.ext\.asyncio\b", "sqlalchemy"),
    (r"\bAwaitable" + BRACKETS, r"\1"),
    (r"\bAbstractAsyncContextManager\b", "AbstractContextManager"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\b(_*)Async(?=[A-Z])", r"\1"),
    (r"\b__a(enter|exit|iter|next)__", r"__\1__"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\banext\(", "next("),
    (r"\baclose\b", "close"),
    (r"\benter_async_context\b", "enter_context"),
    (r"\bTask(?=s?\b)", "Thread"),
    (r"\btask(?=s?\b)", "thread"),
]


def translate(source: str) -> str:
    """Rewrite asynchronous source as blocking source."""
    for pattern, replacement in RULES:
        source = re.sub(pattern, replacement, source)
    return source


def tidy(source: str, path: Path) -> str:
    """Sort names, remove imports that nothing uses any more, simplify what became simpler, and format."""
    fix = ["check", "-q", "--select", "I,F401,RUF022,SIM117,UP028", "--fix", "--unsafe-fixes"]
    for arguments in (fix, ["format", "-q"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(path), "-"]
        source = subprocess.run(command, cwd=ROOT, input=source, stdout=subprocess.PIPE, check=True, text=True).stdout
    return source


def generate(name: str) -> str:
    """Return the text of a generated module."""
    source = (SOURCE / name).read_text(encoding="utf-8")
    return tidy(HEADER.format(name=name) + translate(source), TARGET / name)


def main() -> None:
    """Write the generated modules, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a module differs")
    is_check: bool = parser.parse_args().check
    stale: list[str] = []
    for name in (f"{module}.py" for module in MODULES):
        text, path = generate(name), TARGET / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path))
        if not is_check:
            path.write_text(text, encoding="utf-8")
    if is_check and stale:
        sys.exit(f"not as tools/generate_sync.py writes them; run it, and commit: {', '.join(stale)}")


if __name__ == "__main__":
    main()
