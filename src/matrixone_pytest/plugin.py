"""The fixtures: a server for the run, a clean database for each test, clients for it.

The clients and the server are imported when a test first asks for them, as pytest reads this file in every run.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from matrixone import AsyncClient, Client
    from matrixone_local import LocalServer

Fixture = Callable[..., Any]


def _asynchronous(function: Fixture) -> Fixture:
    """Make a fixture that pytest-asyncio accepts in strict mode, if it is installed; anyio accepts any fixture."""
    try:
        from pytest_asyncio import fixture  # noqa: PLC0415  # optional
    except ImportError:
        return pytest.fixture(function)
    return fixture(function)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--matrixone-url`."""
    parser.getgroup("matrixone").addoption(
        "--matrixone-url",
        metavar="URL",
        help="run on this server instead of a local one: mysql://user:password@host:port",
    )


@pytest.fixture(scope="session")
def matrixone_server() -> Iterator[LocalServer]:
    """Run a local server for the whole test run. Its stages may read the current and the temporary folder."""
    from matrixone_local import LocalServer  # noqa: PLC0415  # only where a test asks for it

    with LocalServer() as server:
        yield server


@pytest.fixture(scope="session")
def matrixone_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of the server for `Client(url=…)`; start a local server unless `--matrixone-url` is given."""
    url: str | None = request.config.getoption("--matrixone-url")
    if url:
        return url
    server: LocalServer = request.getfixturevalue("matrixone_server")
    return server.url


@pytest.fixture(scope="session")
def _matrixone_admin(matrixone_url: str) -> Iterator[Client]:
    """Return the client that creates the databases and cleans up."""
    from matrixone import Client  # noqa: PLC0415  # only where a test asks for it

    with Client(url=matrixone_url) as client:
        yield client


@pytest.fixture
def matrixone_database(_matrixone_admin: Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """Create an empty database, and return its name; drop it after the test, with the test's stages and snapshots.

    A server of `--matrixone-url` may have other users; there the fixture drops only stages and snapshots whose names
    begin with the database's.
    """
    admin, name = _matrixone_admin, f"test_{uuid.uuid4().hex[:16]}"
    is_ours = request.config.getoption("--matrixone-url") is None
    before = _account(admin)
    admin.execute(f"CREATE DATABASE {name}")
    yield name
    for kind, one in sorted(_account(admin) - before):
        if is_ours or one.startswith(name):
            manager: Any = admin.stage if kind == "stage" else admin.snapshots
            manager.drop(one, if_exists=True)
    admin.execute(f"DROP DATABASE IF EXISTS {name}")


def _account(client: Client) -> set[tuple[str, str]]:
    """Return the stages and snapshots of the account."""
    stages = {("stage", stage.name) for stage in client.stage.list()}
    return stages | {("snapshot", snapshot.name) for snapshot in client.snapshots.list()}


@pytest.fixture
def matrixone_client(matrixone_url: str, matrixone_database: str) -> Iterator[Client]:
    """Return a client that is connected to the test's database."""
    from matrixone import Client  # noqa: PLC0415  # only where a test asks for it

    with Client(url=matrixone_url, database=matrixone_database) as client:
        yield client


@_asynchronous
async def matrixone_async_client(matrixone_url: str, matrixone_database: str) -> AsyncIterator[AsyncClient]:
    """Return an asyncio client that is connected to the test's database; needs pytest-asyncio or anyio."""
    from matrixone import AsyncClient  # noqa: PLC0415  # only where a test asks for it

    async with AsyncClient(url=matrixone_url, database=matrixone_database) as client:
        yield client
