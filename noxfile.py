"""The project's tasks; `nox -l` lists them, `nox -s demo` runs one."""

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "typecheck"]
nox.options.default_venv_backend = "uv|virtualenv"  # uv, where it is installed, makes environments in seconds
PROJECT = nox.project.load_toml("pyproject.toml")
GOOD, BAD = ["tests/typing/good_sync.py", "tests/typing/good_async.py"], Path("tests/typing/bad.py")

# Else each of the many processes that tests start compiles all that it imports: uv installs no bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

AT_ONCE = [] if "MATRIXONE_URL" in os.environ else ["-n", "3"]  # three local servers: tests wait more than they compute


ON_BOTH = [  # what depends on the versions of SQLAlchemy and of the drivers
    "tests/core",
    *(
        f"tests/both/test_{name}.py"
        for name in (
            "alembic_on_server",
            "client",
            "connections",
            "dialect_on_server",
            "loads",
            "observability",
            "processes",
            "property",
            "secrets",
            "session_commits",
            "session_errors",
            "session_retries",
            "sessions",
            "stages",
        )
    ),
]


def group(name: str) -> list[str]:
    """What a dependency group of pyproject.toml installs."""
    return nox.project.dependency_groups(PROJECT, name)


@nox.session
def demo(session: nox.Session) -> None:
    """Start a local server, load CSV files by both clients, show what was loaded."""
    session.install("-q", ".[local]", *group("demo"))
    session.run("python", "examples/demo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, against a local server or the one that MATRIXONE_URL names."""
    session.install("-q", "-e", ".[local]", *group("test"))
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "--cov", "--cov-report=", *AT_ONCE)
    session.run("coverage", "report", "--fail-under=98")
    session.run("coverage", "report", "--include=*/matrixone_core/*", "--fail-under=100")


@nox.session(name="tests-sqlalchemy-2.0")
def tests_sqlalchemy_20(session: nox.Session) -> None:
    """Run on SQLAlchemy 2.0 and PyMySQL 1.1 the tests of what is made of them: dialect, drivers, sessions, clients."""
    session.install("-q", "-e", ".[local]", *group("test"), "sqlalchemy[asyncio]<2.1", "pymysql<1.2")
    session.run("pytest", "-q", *(session.posargs or [*ON_BOTH, *AT_ONCE]))


@nox.session
def dialect(session: nox.Session) -> None:
    """Run SQLAlchemy's and Alembic's own tests of a dialect, on both drivers."""
    session.install("-q", "-e", ".[local]", *group("dialect"))
    session.run("pytest", "-c", "tests/dialect/setup.cfg", "tests/dialect", *(session.posargs or AT_ONCE))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and the direction of imports."""
    session.install("-q", "-e", ".", *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("python", "tools/generate_sync.py", "--check")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types, of the package and as a consumer sees them."""
    session.install("-q", ".[local]", *group("typecheck"))
    python = str(Path(session.virtualenv.location, "bin", "python"))
    session.run("mypy")
    session.run("pyright", "--pythonpath", python)
    session.run("pyright", "--pythonpath", python, "--ignoreexternal", "--verifytypes", "matrixone")
    session.run("mypy", "--strict", *GOOD)
    wanted = [number for number, line in enumerate(BAD.read_text().splitlines(), 1) if "must fail" in line]
    for checker in (["mypy", "--strict", str(BAD)], ["pyright", "--pythonpath", python, "-p", str(BAD.parent)]):
        told = session.run(*checker, success_codes=[1], silent=True)
        missed = [number for number in wanted if f"bad.py:{number}:" not in str(told)]
        if missed:
            session.error(f"{checker[0]} lets pass lines {missed} of {BAD}:\n{told}")


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run notebooks in a real kernel: tables, progress bars, %sql."""
    session.install("-q", "-e", ".[local,progress]", *group("notebooks"))
    session.run("pytest", "-q", "tests/notebooks", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure: `nox -s bench -- NAME …`, a file of bench/; bench/README.md has the figures."""
    session.install("-q", ".[local]", *group("bench"))
    what, *options = session.posargs or ["overhead"]
    session.run("python", f"bench/{what}.py", *options)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
@nox.parametrize("resolution", ["lowest", "newest"])
def versions(session: nox.Session, resolution: str) -> None:
    """Run the tests of the core and of both clients on one Python, with the lowest or the newest drivers."""
    lowest = ["sqlalchemy[asyncio]==2.0.36", "pymysql==1.1.1", "aiomysql==0.3.2", "anyio==4.5"]
    session.install("-q", "-e", ".[local]", *group("test"), *(lowest if resolution == "lowest" else []))
    session.run("pytest", "-q", *(session.posargs or [*ON_BOTH, *AT_ONCE]))


def find_python(session: nox.Session, version: str) -> str | None:
    """The interpreter of a version, on PATH or among those of pyenv, whose commands answer for chosen versions only."""
    of_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for found in filter(None, [shutil.which(f"python{version}"), *map(str, of_pyenv)]):
        answer = session.run(found, "--version", external=True, silent=True, success_codes=[0, 127])
        if str(answer).startswith(f"Python {version}."):
            return found
    return None


@nox.session
def release(session: nox.Session) -> None:
    """Build the wheel and the source archive, check them, and load a file from the wheel on each Python here."""
    session.install("-q", "build", "twine")
    folder = session.create_tmp()
    session.run("python", "-m", "build", "-o", folder, silent=True)
    built = sorted(Path(folder).glob("matrixone-*"), key=lambda path: path.stat().st_mtime)[-2:]
    session.run("twine", "check", "--strict", *map(str, built))
    wheel = next(path for path in built if path.suffix == ".whl")
    for version in ("3.11", "3.12", "3.13", "3.14"):
        found = find_python(session, version)
        if found is None:
            session.warn(f"Python {version} is not here: the wheel was not tried on it")
            continue
        session.run(found, "-m", "venv", "--clear", f"{folder}/{version}", external=True)
        python = f"{folder}/{version}/bin/python"
        session.run(python, "-m", "pip", "install", "-q", f"{wheel}[all]", external=True)
        session.run(python, "examples/demo.py", external=True, env={"PYTHONPATH": ""})
        session.run(python, "-m", "matrixone_cli", "--help", external=True, silent=True, env={"PYTHONPATH": ""})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs, with all links checked, and search it in Chromium."""
    session.install("-q", "-e", ".[local]", *group("docs"))
    session.run("mkdocs", "build", "--strict", "-d", "build/docs", env={"NO_MKDOCS_2_WARNING": "1"})
    if shutil.which(
        "npm"
    ):  # pictures are drawn without another server, and a search is not lost where that is not reached
        folder = session.create_tmp()
        pack = ("npm", "pack", "--silent", "--pack-destination", folder, "mermaid@11")
        session.run(*pack, external=True, silent=True, success_codes=range(256))
        for archive in Path(folder).glob("mermaid-11*.tgz"):  # none where npm does not reach its registry
            session.run("tar", "-xzf", str(archive), "-C", folder, external=True)
            shutil.copy(f"{folder}/package/dist/mermaid.min.js", "build/docs/assets/mermaid.min.js")
    session.run("pytest", "-q", "-p", "no:cacheprovider", "tests/site", env={"BUILT_SITE": "build/docs"})
