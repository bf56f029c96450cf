"""Fixtures for tests that need a MatrixOne server; pytest finds them by itself.

`matrixone_server` is a local server for the whole run, `matrixone_url` says where it is (or, with `--matrixone-url`,
where a real one is), `matrixone_database` is an empty database for one test.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from .server import LocalServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--matrixone-url`."""
    parser.getgroup("matrixone").addoption(
        "--matrixone-url",
        metavar="URL",
        help="run on this server instead of a local one: mysql://user:password@host:port",
    )


@pytest.fixture(scope="session")
def matrixone_server() -> Iterator[LocalServer]:
    """A local server, running for the whole test run; its stages may read the current and the temporary folder."""
    with LocalServer() as server:
        yield server


@pytest.fixture(scope="session")
def matrixone_url(request: pytest.FixtureRequest) -> str:
    """Where the server is, as `matrixone.connect` takes it; the local one starts when this is first asked for."""
    told: str | None = request.config.getoption("--matrixone-url")
    if told:
        return told
    server: LocalServer = request.getfixturevalue("matrixone_server")
    return server.url


@pytest.fixture
def matrixone_database(matrixone_url: str) -> Iterator[str]:
    """The name of an empty database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    parts = urlsplit(matrixone_url)
    with pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 6001,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or "111"),
        autocommit=True,
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE DATABASE {name}")
        yield name
        connection.ping()
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
