"""No file of src, tests or docs gets more of the words that CONTRIBUTING.md bans than words_baseline.txt grants it.

`python tests/docs/test_words.py` writes the baseline anew, after words were removed or a file was renamed. It refuses if
the words became more.
"""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("words_baseline.txt")

INSTEAD = {
    "told": "given, specified, reported",
    "heard": "received, observed",
    "gone": "removed, closed, absent",
    "kept": "stored, pending, retained",
    "aside": "rejected, renamed, in a temporary table",
    "twins": "duplicates",
    "sieve": "filter",
    "crew": "workers",
    "crowd": "concurrent pool",
    "way": "strategy, method",
    "look": "check, query",
    "stands": "is",
    "lies": "is",
    "shall": "must, will",
    "whatever becomes of": "whether … succeeds or fails",
    "so many": "the number",
    "who may not": "users without the privilege",
    "carried out": "run, executed",
    "is to be": "must be",
}
BANNED = re.compile(
    r"(?<![a-z])(?:" + "|".join(phrase.replace(" ", r"[\s#]+") for phrase in INSTEAD) + r")(?![a-z])", re.IGNORECASE
)


def banned_words(text):
    return [" ".join(re.split(r"[\s#]+", word.lower())) for word in BANNED.findall(text)]


def banned_words_by_file():
    files = (path for name in ("src", "tests", "docs") for path in (ROOT / name).rglob("*"))
    texts = (path for path in files if path.suffix in {".py", ".pyi", ".md"} and path != Path(__file__))
    words = {path.relative_to(ROOT).as_posix(): banned_words(path.read_text(encoding="utf-8")) for path in texts}
    return {name: found for name, found in sorted(words.items()) if found}


def baseline():
    lines = BASELINE.read_text(encoding="utf-8").splitlines()
    return {name: int(count) for count, name in (line.split(" ", 1) for line in lines)}


def test_no_file_gets_more_banned_words():
    granted = baseline()
    grown = {
        name: f"{len(found)} instead of {granted.get(name, 0)}; use: "
        + "; ".join(f"{word} → {INSTEAD[word]}" for word in sorted(set(found)))
        for name, found in banned_words_by_file().items()
        if len(found) > granted.get(name, 0)
    }
    assert grown == {}, __doc__


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It was told.", ["told"]),
        ("is_kept = LOOK_SECONDS", ["kept", "look"]),
        ("it is\n    # to be here", ["is to be"]),
        ("anyway, replies of a lookup in a shallow gateway", []),
    ],
)
def test_banned_words(text, words):
    assert banned_words(text) == words


def write_baseline():
    counts = {name: len(found) for name, found in banned_words_by_file().items()}
    if BASELINE.exists() and sum(counts.values()) > sum(baseline().values()):
        sys.exit("the banned words became more: replace them")
    BASELINE.write_text("".join(f"{count} {name}\n" for name, count in counts.items()), encoding="utf-8")


if __name__ == "__main__":
    write_baseline()
