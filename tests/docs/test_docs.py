"""The examples of the README and the docs, word for word but for names and paths, in the order of each page."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])

OF_THEIR_OWN = {"testing.md", "services.md"}  # run as what they are about runs them

FILES = {
    "users.csv": "id,name,email,age\n1,Ada,ada@x,36\n2,Grace,grace@x,45\n3,Alan,alan@x,29\n",
    "more.csv": "11,Barbara,b@x,50\n",
    "even_more.csv": "12,Edsger,e@x,60\n",
    "people.txt": "7|Kurt|unused|-\n8|-|unused|41\n",
}


def examples(page):
    found = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if examples(page) and page.name not in OF_THEIR_OWN], ids=lambda p: p.name
)
def test_page(page, matrixone_url, database, files, unique, monkeypatch):
    for name, content in FILES.items():
        files.put(name, content)
    monkeypatch.setenv("MATRIXONE_URL", matrixone_url)
    mark = unique("docs")
    known = {"__name__": "docs"}
    for block in examples(page):
        placed = re.sub(r"docs_(\w+)", rf"{mark}_\1", block)
        placed = placed.replace("/data/imports/", files.folder).replace('database="test"', f'database="{database}"')
        placed = placed.replace('host="127.0.0.1", port=6001, user="root", password="111", ', "")
        exec(compile(placed, page.name, "exec"), known)
    assert known.keys() > {"__name__"}


@pytest.fixture(autouse=True)
def _leftovers(session_admin, request):
    yield
    for stage in session_admin.stage.list(like="docs\\_%"):
        if re.fullmatch(r"docs_[0-9a-f]{12}_\w+", stage.name):
            session_admin.stage.drop(stage.name, if_exists=True)
    for snapshot in session_admin.snapshots.list():
        if re.fullmatch(r"docs_[0-9a-f]{12}_\w+", snapshot.name):
            session_admin.snapshots.drop(snapshot.name, if_exists=True)


def test_the_page_on_testing(pytester, matrixone_url):
    pytester.makepyfile(test_orders=examples(ROOT / "docs" / "testing.md")[0])
    pytester.runpytest_subprocess("--matrixone-url", matrixone_url, "-q").assert_outcomes(passed=1)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)
