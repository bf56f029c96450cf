"""The protocol itself: statements as values, the purity of the core, the weight of the import."""

import copy
import pickle
import subprocess
import sys
import textwrap

import pytest
from script import play
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from matrixone_core import cancellation, connect, execution, local_infile
from matrixone_core.errors import ConnectionFailed, InvalidArgument
from matrixone_core.secrets import Credentials
from matrixone_core.sql.snapshot import CreateSnapshot, SnapshotLevel
from matrixone_core.sql.stage import AlterStage, CreateStage, SelectStages
from matrixone_core.steps import Call, Reply, Statement

STATEMENTS = [
    CreateStage("s", "s3://b/", Credentials({"AWS_SECRET_KEY": "x"}), "c"),
    AlterStage("s", comment="c"),
    CreateSnapshot("n", SnapshotLevel.TABLE, "d", "t"),
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements_are_values(statement):
    for twin in (copy.deepcopy(statement), pickle.loads(pickle.dumps(statement))):
        assert twin == statement
        assert hash(twin) == hash(statement)
        assert str(twin) == str(statement)
    with pytest.raises(AttributeError):
        statement.name = "x"


class Two(Statement[int]):
    def parts(self):
        yield "SELECT 1 + 1 AS n"

    def parse(self, reply):
        return reply.rows[0]["n"]


@pytest.fixture
def engine():
    engine = create_engine("sqlite://")
    yield engine
    engine.dispose()


def test_a_statement_runs_on_sqlalchemy_by_itself_more_than_once(engine):
    with engine.connect() as connection:
        assert connection.execute(Two()).scalar() == 2
        assert connection.execute(Two()).scalar() == 2
    with Session(engine) as session:
        assert session.execute(Two()).scalar() == 2
    assert play(iter(Two()), Reply([{"n": 2}])) == ([Two()], 2)


def test_columns_with_credentials_come_back_masked(engine):
    with engine.connect() as connection:
        clause = SelectStages().__clause_element__()
        assert "stage_credentials" in str(clause)
        connection.execute(text("ATTACH ':memory:' AS mo_catalog"))
        connection.connection.create_function("unix_timestamp", 1, lambda _: 0)
        connection.execute(
            text(
                "CREATE TABLE mo_catalog.mo_stages (stage_name, url, stage_credentials, stage_status, created_time, comment)"
            )
        )
        connection.execute(text("INSERT INTO mo_catalog.mo_stages VALUES ('s', 'u', 'K=sesame', 'in_use', 0, '')"))
        row = connection.execute(SelectStages("s")).one()
        assert "sesame" not in repr(row)
        assert SelectStages("s").parse(Reply([row._mapping]))[0].credentials == {"K": "sesame"}  # noqa: SLF001  # SQLAlchemy's documented attribute


def test_the_base_class_writes_nothing():
    with pytest.raises(NotImplementedError):
        list(Statement().parts())
    with pytest.raises(NotImplementedError):
        Statement().parse(Reply())


def test_reaching_a_server():
    assert play(connect.reach(None), Reply()) == ([connect.Ping()], None)
    down, wrong = ConnectionFailed("down"), ConnectionFailed("wrong")
    down.retryable = True
    with pytest.raises(ConnectionFailed, match="down"):
        play(connect.reach(None), down)
    with pytest.raises(ConnectionFailed, match="wrong"):
        play(connect.reach(10), wrong)
    steps, _ = play(connect.reach(10), down, None, down, None, Reply())
    assert [type(step) for step in steps] == [connect.Ping, Call, connect.Ping, Call, connect.Ping]
    assert [step.call.args for step in steps if isinstance(step, Call)] == [(0.2,), (0.2,)]
    with pytest.raises(ConnectionFailed, match="down"):
        play(connect.reach(2), down, None, down)  # a second passes with each question


def test_what_can_be_executed():
    assert execution.as_statement(Two(), None) == (Two(), None)
    for params in ({"x": 1}, [{"x": 1}, {"x": 2}], []):
        assert execution.as_statement(Two(), params) == (Two(), params)
    for params in ((1,), "x", [{"x": 1}, 2]):
        with pytest.raises(InvalidArgument, match="tuples are for SQL text"):
            execution.as_statement(Two(), params)
    with pytest.raises(InvalidArgument, match="no SQL text"):
        execution.as_statement(3, None)
    assert execution.streaming(5, {"timeout": 2}) == {"yield_per": 5, "timeout": 2}
    for seconds in (0, -1, "soon"):
        with pytest.raises(InvalidArgument, match="timeout"):
            execution.timeout_options(seconds)
    assert local_infile.fails_export("SELECT 1 into\noutfile 'x'")
    assert not local_infile.fails_export(b"SELECT 'outfile' \xff")
    assert cancellation.kill(7) == "KILL QUERY 7"
    assert "connection 7" in cancellation.may_run_on(7, ValueError("gone"))
    for batch in (0, "1"):
        with pytest.raises(InvalidArgument, match="batch="):
            execution.streaming(batch, None)


def run(code):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)


def test_the_core_imports_with_every_driver_blocked():
    done = run("""
        import importlib, pkgutil, sys
        blocked = {"pymysql", "aiomysql", "anyio", "asyncmy", "MySQLdb", "obstore", "pyarrow", "pylibseekdb", "alembic"}
        class Block:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in blocked: raise ImportError(f"blocked: {name}")
        sys.meta_path.insert(0, Block())
        import matrixone_core
        for module in pkgutil.walk_packages(matrixone_core.__path__, "matrixone_core."):
            if module.name != "matrixone_core.dialect.alembic":
                importlib.import_module(module.name)
        loaded = blocked & {name.split(".")[0] for name in sys.modules}
        assert not loaded, loaded
    """)
    assert done.returncode == 0, done.stderr


def test_the_import_is_as_light_as_sqlalchemy_and_the_drivers():
    done = run("""
        import sys, matrixone
        heavy = {"pyarrow", "obstore", "pylibseekdb", "matrixone_local", "alembic", "numpy", "pandas", "boto3", "rich"}
        assert not heavy & {name.split(".")[0] for name in sys.modules}
    """)
    assert done.returncode == 0, done.stderr
