"""The examples of the README and the docs, word for word but for names and paths, in the order of each page.

Where a comment follows `print(…)`, it says what is printed; `; ` parts what is printed one after the other.
"""

import io
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])

LEAVE_NOTHING = {  # who reads one after the other meets none of the tables of the page before
    "README.md",
    *("loading.md", "observability.md", "querying.md", "sessions.md", "stage-files.md", "stages.md", "migrating.md"),
}
OF_THEIR_OWN = {"testing.md", "services.md", "web-service.md"}  # run as what they are about runs them

FILES = {
    "users.csv": "id,name,email,age\n1,Ada,ada@x,36\n2,Grace,grace@x,45\n3,Alan,alan@x,29\n",
    "more.csv": "11,Barbara,b@x,50\n",
    "even_more.csv": "12,Edsger,e@x,60\n",
    "people.txt": "7|Kurt|unused|-\n8|-|unused|41\n",
    "mixed.csv": "40,Ada,a@x,36\n41,Grace,g@x,many\n42,Alan,a@x,29\n",
    "notes.csv": '\ufeffid,note\r\n1,C:\\new\\table\r\n2,"say ""hi"", twice"\r\n',
    "inbox.csv": "520,Ada,,\n",
    "people.csv": "id,name,age\n1,Ada,36\n2,Grace,45\n",
    "sales.csv": "id,amount\n1,5\n2,20\n",
    "orders/monday.csv": "id,customer,amount\n1,Ada,9.50\n2,Grace,many\n",
    "orders/tuesday.csv": "id,customer,amount\n3,Alan,7.00\n4,Emmy,1.25\n",
    "2024/01/part-1.csv": "name,id\nKurt,501\n",
    "2024/02/part-1.csv": "id,name,age\n502,Emmy,53\n",
}


PEOPLE = pyarrow.table({"id": [300, 301], "name": ["Ada", None]})
SHOWN = re.compile(r" *print\(.*\)  # (.*)")


def examples(page):
    found = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def parquet_of(table):
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


def run(block, name, known):
    """Execute an example; returns where what it prints is not what its comments say."""
    printed = {}

    def show(*values, sep=" "):
        printed.setdefault(sys._getframe(1).f_lineno, []).append(sep.join(map(str, values)))

    known["print"] = show
    exec(compile(block, name, "exec"), known)
    said = {number: found[1] for number, line in enumerate(block.splitlines(), 1) if (found := SHOWN.fullmatch(line))}
    shown = {number: "; ".join(printed.get(number, [])) for number in said}
    return [(said[number], shown[number]) for number in said if timeless(said[number]) != timeless(shown[number])]


def timeless(text):
    return re.sub(r"\d+\.\d\d s", "0.00 s", text)


@pytest.fixture
def page_database(page, database, session_admin, matrixone_url, monkeypatch):
    """A database for the page's examples. The README makes its own, as a new server has none."""
    if page.name == "README.md":
        session_admin.execute(f"DROP DATABASE {database}")
    monkeypatch.setenv("MATRIXONE_URL", matrixone_url)
    return database


@pytest.mark.parametrize(
    "page", [page for page in PAGES if examples(page) and page.name not in OF_THEIR_OWN], ids=lambda p: p.name
)
def test_page(page, page_database, files, unique, session_admin):
    for name, content in FILES.items():
        files.put(name, content)
    files.put("people.parquet", parquet_of(PEOPLE))
    mark = unique("docs")
    known = {"__name__": "docs"}
    different = []
    for block in examples(page):
        placed = re.sub(r"docs_(\w+)", rf"{mark}_\1", block)
        placed = placed.replace("/tmp/imports/", files.folder).replace('database="test"', f'database="{page_database}"')
        placed = placed.replace("IF NOT EXISTS test", f"IF NOT EXISTS {page_database}")
        placed = placed.replace("IF NOT EXISTS start", f"IF NOT EXISTS {page_database}")
        placed = placed.replace('database="start"', f'database="{page_database}"')
        placed = placed.replace('host="127.0.0.1", port=6001, user="root", password="111", ', "")
        different += run(placed, page.name, known)
    assert different == []
    assert known.keys() > {"__name__"}
    if page.name in LEAVE_NOTHING:
        assert session_admin.execute(f"SHOW TABLES FROM {page_database}").all() == []


def test_the_readme_makes_the_files_that_the_pages_load(tmp_path):
    [commands] = re.findall(
        r"^```\n(mkdir .*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    subprocess.run(["sh", "-ec", commands.replace("/tmp/imports", shlex.quote(str(tmp_path)))], check=True)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert made == {name: FILES[name] for name in ("users.csv", "more.csv", "even_more.csv")}


@pytest.fixture(autouse=True)
def _leftovers(session_admin, request):
    yield
    for stage in session_admin.stage.list(like="docs\\_%"):
        if re.fullmatch(r"docs_[0-9a-f]{12}_\w+", stage.name):
            session_admin.stage.drop(stage.name, if_exists=True)
    for snapshot in session_admin.snapshots.list():
        if re.fullmatch(r"docs_[0-9a-f]{12}_\w+", snapshot.name):
            session_admin.snapshots.drop(snapshot.name, if_exists=True)


OPTIONS = ["-q", "-p", "no:cacheprovider", "-W", "error::ResourceWarning"]


@pytest.fixture
def page_on_testing(pytester):
    [example] = examples(ROOT / "docs" / "testing.md")
    pytester.makepyfile(test_orders=example)
    return pytester


@pytest.mark.parametrize(
    "options", [[], ["-n", "2"], ["-o", "asyncio_mode=auto"]], ids=["as it is", "xdist", "asyncio's auto mode"]
)
def test_the_page_on_testing(page_on_testing, options):
    page_on_testing.runpytest_subprocess(*OPTIONS, *options).assert_outcomes(passed=4)


def test_the_page_on_testing_on_a_real_server(page_on_testing, matrixone_url, session_admin, files):
    """Its stage is where the server can read; nothing of it is left."""
    before = {stage.name for stage in session_admin.stage.list()}
    options = ["--matrixone-url", matrixone_url, "--basetemp", f"{files.folder}pytest"]
    page_on_testing.runpytest_subprocess(*OPTIONS, *options).assert_outcomes(passed=4)
    assert {stage.name for stage in session_admin.stage.list()} == before


def test_the_fixtures_with_anyio(pytester, matrixone_url):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_it(matrixone_async_client, matrixone_database):
            found = await matrixone_async_client.execute("SELECT DATABASE()")
            assert found.scalar() == matrixone_database
        """
    )
    for options in ([], ["-p", "no:asyncio"]):
        pytester.runpytest_subprocess(*OPTIONS, *options, "--matrixone-url", matrixone_url).assert_outcomes(passed=1)


def test_what_a_test_leaves_is_dropped(pytester):
    pytester.makepyfile(
        """
        def test_one(matrixone_client, tmp_path):
            matrixone_client.stage.create_local("left", f"{tmp_path}/")
            matrixone_client.snapshots.create("left", "account")

        def test_two(matrixone_client):
            assert matrixone_client.stage.list() == ()
            assert matrixone_client.snapshots.list() == ()
        """
    )
    pytester.runpytest_subprocess(*OPTIONS).assert_outcomes(passed=2)
