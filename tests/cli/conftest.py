"""The command, called in the test's process, and what its tests load and export."""

import pytest
from click.testing import CliRunner

from matrixone_cli.app import cli


@pytest.fixture
def run(matrixone_url, database, monkeypatch):
    monkeypatch.setenv("MATRIXONE_URL", matrixone_url)
    monkeypatch.setenv("MATRIXONE_DATABASE", database)

    def run(*arguments, **options):
        return CliRunner().invoke(cli, arguments, **options)

    return run


@pytest.fixture
def table(run):
    assert run("sql", "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))").exit_code == 0


@pytest.fixture
def stage(run, unique, files):
    name = unique()
    assert run("stage", "create-local", name, files.folder).exit_code == 0
    return f"stage://{name}"


@pytest.fixture
def rows(run, table):
    assert run("sql", "INSERT INTO t VALUES (1, 'a'), (2, NULL)").exit_code == 0


@pytest.fixture
def other_client(matrixone_url, database):
    from matrixone import Client

    with Client(url=matrixone_url, database=database) as client:
        yield client
