"""SQLAlchemy's plugin for pytest, which Alembic's tests use too, on databases of a server of its own or of the one that MATRIXONE_URL names.

It takes pytest over, and so cannot be loaded beside the other tests.
"""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import alembic  # noqa: F401  # before the first engine is made
import pytest
from sqlalchemy import create_engine, make_url

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing import provision  # noqa: E402  # after its assertions are rewritten
from sqlalchemy.testing.plugin import plugin_base, pytestplugin  # noqa: E402  # as above
from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403  # its hooks and fixtures are this file's

from matrixone_local import LocalServer  # noqa: E402  # as above

DRIVERS = ("pymysql", "aiomysql")
SECOND = "{}_second"  # the other database, where the suite looks for names with a schema


@provision.configure_follower.for_db("matrixone")
def _names(config, ident):
    config.test_schema = SECOND.format(ident)


@provision.create_db.for_db("matrixone")
def _create_databases(config, engine, ident):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in (ident, SECOND.format(ident)):
            connection.exec_driver_sql(f"CREATE DATABASE {name}")


@provision.drop_db.for_db("matrixone")
def _drop_databases(config, engine, ident):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in (ident, SECOND.format(ident)):
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")


@provision.temp_table_keyword_args.for_db("matrixone")
def _temporary(config, engine):
    return {"prefixes": ["TEMPORARY"]}


@provision.delete_from_all_tables.for_db("matrixone")
def _deleted_from(connection, config, metadata):
    connection.exec_driver_sql("SET foreign_key_checks = 0")
    try:
        provision.delete_from_all_tables.call_original(connection, config, metadata)
    finally:
        connection.exec_driver_sql("SET foreign_key_checks = 1")


@contextmanager
def databases(ident: str) -> Iterator[str]:
    """A server's URL, with two databases there."""
    given = os.environ.get("MATRIXONE_URL")
    with nullcontext() if given else LocalServer() as server:
        url = make_url(given or server.url).set(drivername="matrixone+pymysql")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        names = ident, SECOND.format(ident)
        try:
            with engine.connect() as connection:
                for name in names:
                    connection.exec_driver_sql(f"CREATE DATABASE {name}")
            yield url.render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                for name in names:
                    connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
            engine.dispose()


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    if given is None:
        ident = f"dialect_{uuid.uuid4().hex[:8]}"
        opened = databases(ident)
        url = opened.__enter__()
        config.option.dburi = [url.replace("+pymysql", f"+{driver}") for driver in DRIVERS]
        config.add_cleanup(lambda: opened.__exit__(None, None, None))
        plugin_base.configure_follower(ident)
    else:  # a worker of xdist, for which the suite makes databases on the same server
        config.option.dburi = given["urls"]
    pytestplugin.pytest_configure(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["urls"] = node.config.option.dburi


# A MatrixOne server stores names of keys and constraints in lower case (server-facts 97).
NAMES_IN_CAPITALS = re.compile(
    r"test_casing_convention_changed_so_put_drops_first"
    r"|.*[-\[](?:MyInline|MyCkConst|FK_users_id|mixedCaseName|IX_test_data|mixedCaseIndex|UQ_email|mixedCaseUQ)\]"
)


@pytest.fixture(autouse=True)
def _no_names_in_capitals(request: pytest.FixtureRequest) -> None:
    """Leave out the tests of names of keys and constraints that have capitals."""
    if NAMES_IN_CAPITALS.fullmatch(request.node.name):
        pytest.skip("a MatrixOne server stores names of keys and constraints in lower case (server-facts 97)")
