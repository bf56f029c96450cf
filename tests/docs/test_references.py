"""Every `server-facts N` of the repository names a fact of docs/server.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "server.md"
TEXT_SUFFIXES = {".py", ".pyi", ".md", ".sql", ".txt", ".toml", ".yml"}

BETWEEN_LINES = r"[\s#]+"  # a comment may continue on its next line
NUMBERS = rf"\d+(?:(?:[-–]|,?{BETWEEN_LINES}and{BETWEEN_LINES}|,{BETWEEN_LINES})\d+)*"
REFERENCE = re.compile(rf"server-facts(?! N\b)(?:{BETWEEN_LINES}({NUMBERS}))?", re.IGNORECASE)


def text_files():
    folders = (ROOT / name for name in ("src", "tests", "docs", "bench", "examples", "typings"))
    files = (path for folder in folders for path in folder.rglob("*") if path.suffix in TEXT_SUFFIXES)
    return sorted({*files, *ROOT.glob("*.md"), *ROOT.glob("*.py"), *ROOT.glob("*.toml")} - {Path(__file__)})


def expand(numbers):
    """'1-3, 7 and 9' as 1, 2, 3, 7, 9."""
    for first, last in re.findall(r"(\d+)(?:[-–](\d+))?", numbers):
        yield from range(int(first), int(last or first) + 1)


def references(text):
    """The facts that each reference names; none for a reference without a number."""
    return [(match[0], list(expand(match[1] or ""))) for match in REFERENCE.finditer(text)]


def anchors():
    return re.findall(r'^<a id="fact-(\d+)"></a>\*\*(\d+)\. ', PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_each_fact_has_one_number_and_its_anchor():
    assert all(anchor == number for anchor, number in anchors())
    assert sorted(int(number) for _, number in anchors()) == list(range(1, len(anchors()) + 1))


def test_every_reference_names_a_fact():
    known = {int(number) for _, number in anchors()}
    found = [
        (path.relative_to(ROOT), words, facts)
        for path in text_files()
        for words, facts in references(path.read_text(encoding="utf-8"))
    ]
    assert len(found) > 100
    assert [one for one in found if not one[2] or not known.issuperset(one[2])] == []


def test_links_to_facts():
    known = {number for number, _ in anchors()}
    linked = [
        (path.name, *link)
        for path in text_files()
        if path.suffix == ".md"
        for link in re.findall(r"\[([^\]]*)\]\([\w./]*#fact-(\w+)\)", path.read_text(encoding="utf-8"))
    ]
    assert {name for name, _, _ in linked} >= {"server.md", "SECURITY.md"}
    assert [link for link in linked if link[2] not in known or link[2] not in link[1]] == []


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("(server-facts 15)", [15]),
        ("Server-facts 15: it", [15]),
        ("server-facts 15, 40).", [15, 40]),
        ("server-facts 34-36", [34, 35, 36]),
        ("server-facts 17, 18–20 and 64", [17, 18, 19, 20, 64]),
        ("# server-facts 15,\n    # 40", [15, 40]),
        ("# server-facts\n    # 999", [999]),
        ("server-facts 74, conformance/searching", [74]),
        ("the server-facts of old", []),
    ],
)
def test_forms_of_references(text, facts):
    assert references(text) == [(references(text)[0][0], facts)]
