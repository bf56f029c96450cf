"""Secrets show nowhere: not in reprs, messages, logs, tracebacks with their locals, or SQLAlchemy's echo."""

import asyncio
import io
import logging
import re
import traceback

import pytest
from sqlalchemy import create_engine, exc, select, table
from sqlalchemy.ext.asyncio import create_async_engine

from matrixone import AsyncClient, Client, Credentials, Settings, errors

SECRET = "OpenSesame42"
KEY = "KEYIDENT77"


def everything(error):
    """All that a thorough logger could print of an exception: its words, and the locals of our frames and the drivers'."""
    shown = []
    while error is not None:
        shown += [repr(error), str(error), repr(vars(error)), repr(error.args)]
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if re.search(r"[/\\](matrixone_\w+|sqlalchemy|pymysql|aiomysql)[/\\]", frame.f_code.co_filename):
                shown += [f"{frame.f_code.co_name}: {name}={value!r}" for name, value in frame.f_locals.items()]
        error = error.__cause__ or error.__context__
    assert len(shown) > 4, "no frame was seen"
    return "\n".join(shown)


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(name) for name in ("sqlalchemy", "aiomysql", "matrixone", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def raised(call, *arguments, **options):
    with pytest.raises(errors.MatrixOneError) as caught:
        call(*arguments, **options)
    return everything(caught.value)


def test_keys_of_a_stage(new_client, matrixone_url, unique, log):
    client = new_client(url=matrixone_url)
    client.connect()
    client.engine.echo = "debug"
    name = unique()
    keys = {"aws_key_id": KEY, "aws_secret_key": SECRET}
    stage = client.stage.create_s3(name, "bucket", "p/", **keys, endpoint="http://127.0.0.1:1")
    shown = [repr(stage), str(stage), repr(client.stage.list()), f"{stage.credentials}"]
    shown.append(raised(client.stage.create_s3, name, "bucket", "p/", **keys))
    shown.append(raised(client.stage.create_s3, name, "buc/ket", "p/", **keys))
    shown.append(raised(client.stage.create, name, "s3://b/", credentials={"AWS_SECRET_KEY": SECRET}))
    shown.append(raised(client.stage.create, name, "s3://b/", credentials={"AWS_SECRET_KEY": SECRET + ","}))
    shown.append(raised(client.stage.alter, name, credentials={"AWS_SECRET_KEY": SECRET, "ENDPOINT": "nowhere"}))
    shown.append(raised(client.stage.alter, name + "x", credentials={"AWS_SECRET_KEY": SECRET}))
    client.stage.alter(name, credentials={"AWS_SECRET_KEY": SECRET[::-1]})
    client.execute("CREATE DATABASE IF NOT EXISTS " + name)
    client.execute(f"CREATE TABLE {name}.t (i INT)")
    shown.append(raised(client.load_data.read_csv_stage, name, "a.csv", f"{name}.t"))
    client.execute("DROP DATABASE " + name)
    client.engine.echo = False
    shown.append(log.getvalue())
    assert "CREATE STAGE" in log.getvalue()
    assert "AWS_SECRET_KEY" in log.getvalue()
    for text in shown:
        for secret in (SECRET, KEY, SECRET[::-1]):
            assert secret not in text, [line for line in text.splitlines() if secret in line]


def test_keys_of_a_stage_that_a_session_keeps(new_client, matrixone_url, database, unique, log):
    client = new_client(url=matrixone_url, database=database)
    client.connect()
    client.engine.echo = "debug"
    pending, changed = unique(), unique()
    client.stage.create_s3(changed, "bucket", "p/", "key", "other", endpoint="http://127.0.0.1:1")
    client.execute("CREATE TABLE t (i INT)")
    keys = {"aws_key_id": KEY, "aws_secret_key": SECRET, "endpoint": "http://127.0.0.1:1"}
    shown = []

    def session(fails):
        with client.session() as session:
            shown.append(repr(session.stage.create_s3(pending, "bucket", "p/", **keys)))
            shown.append(repr(session.stage.alter(changed, credentials={"AWS_SECRET_KEY": SECRET[::-1]})))
            shown.append(raised(session.load_data.read_csv_stage, pending, "a.csv", "t"))
            shown.append(raised(session.load_data.read_csv_stage, changed, "a.csv", "t"))
            fails(session)

    def name_is_taken(session):
        client.stage.create(pending, "file:///")

    def stage_is_missing(session):
        client.stage.drop(changed)

    shown.append(raised(session, name_is_taken))
    client.stage.drop(pending)
    with pytest.raises(errors.CommitIncomplete) as caught:
        session(stage_is_missing)
    shown += [everything(caught.value), repr(caught.value.pending), str(caught.value.committed), log.getvalue()]
    for text in shown:
        for secret in (SECRET, KEY, SECRET[::-1]):
            assert secret not in text, [line for line in text.splitlines() if secret in line]


def test_what_is_wrongly_called_shows_no_key_either(new_client, matrixone_url):
    client = new_client(url=matrixone_url)
    client.connect()
    with pytest.raises(TypeError) as caught:
        client.stage.create_s3("s", "b", aws_secret_key=SECRET, nonsense=1)
    assert SECRET not in everything(caught.value)


def test_what_a_program_writes_into_its_own_statements(new_client, matrixone_url, unique):
    """SQLAlchemy's error has the statement and its parameters in its text, and the server's words may quote both."""
    client = new_client(url=matrixone_url)
    client.connect()
    written = f"CREATE STAGE {unique()} URL='s3://b/' CREDENTIALS={{'AWS_KEY_ID'='{KEY}','AWS_SECRET_KEY'='{SECRET}'}}"
    bound = "CREATE STAGE s URL='s3://b/' CREDENTIALS={'AWS_SECRET_KEY'=:key} nonsense"
    shown = []
    for sql, values in (
        (f"{written} nonsense", {}),
        (written.replace("CREDENTIALS=", "nonsense "), {}),
        (bound, {"key": SECRET}),
        (f"CREATE STAGE s URL='s3://{KEY}:{SECRET}@bucket/' nonsense", {}),
        (f"CREATE STAGE s URL='s3://b/' CREDENTIALS={{AWS_KEY_ID={KEY},AWS_SECRET_KEY={SECRET}}}", {}),
    ):
        with pytest.raises(exc.DBAPIError, match="(?s)CREATE STAGE .*=[?]") as caught:
            client.execute(sql, values)
        shown += [
            str(caught.value),
            *map(repr, (caught.value, vars(caught.value), caught.value.orig, caught.value.__cause__)),
        ]
    with (
        pytest.raises(errors.InvalidArgument, match="has several statements") as refused,
        client.stream(f"{written};{written}"),
    ):
        pass
    shown.append(str(refused.value))
    with pytest.raises(exc.DBAPIError, match="FROM no_such_table"), client.session() as session:
        session.execute(select(table("no_such_table")))
    for words in shown:
        assert SECRET not in words
        assert KEY not in words


def test_passwords(new_client, matrixone_url, log):
    client = new_client(url=matrixone_url, password=SECRET)
    shown = [raised(client.connect), repr(client)]
    shown.append(raised(client.connect, host="127.0.0.1", port=1, password=SECRET))
    shown.append(raised(client.connect, url=f"mysql://root:{SECRET}@127.0.0.1:1/x"))
    shown.append(raised(client.connect, url=f"mysql://sys:root:{SECRET}@127.0.0.1:1/x"))
    shown.append(raised(client.connect, url=f"postgres://root:{SECRET}@127.0.0.1:1/x"))
    shown.append(raised(client.connect, password=SECRET, port="x"))
    shown.append(raised(client.connect, password=SECRET, ssl_ca="/no/such/file"))
    shown.append(log.getvalue())
    for text in shown:
        assert SECRET not in text


def test_the_engine_shows_no_password(new_client, matrixone_url):
    client = new_client(url=matrixone_url)
    client.connect()
    assert ":111@" not in f"{client.engine!r}{client.engine.url}{client!r}"


GIVEN = {
    "bytes": {"password": SECRET.encode()},
    "a list": {"password": [SECRET]},
    "a surrogate": {"password": f"{SECRET}\ud800"},
    "a URL in bytes": {"url": f"mysql://root:{SECRET}@127.0.0.1/".encode()},
    "a slash": {"url": f"mysql://root:a/{SECRET}@127.0.0.1:1/"},
    "a slash after a number": {"url": f"mysql://root:1/{SECRET}@127.0.0.1:1/"},
    "a question mark": {"url": f"mysql://root:1?{SECRET}@127.0.0.1:1/"},
    "a hash": {"url": f"mysql://root:1#{SECRET}@127.0.0.1:1/"},
    "a bracket": {"url": f"mysql://root:[{SECRET}@127.0.0.1:1/"},
    "no scheme": {"url": f"root:{SECRET}@127.0.0.1:1/"},
    "an at": {"url": f"mysql://root:a@{SECRET}/b@127.0.0.1:1/"},
    "another name": {"passwort": SECRET},
}


@pytest.mark.parametrize("what", GIVEN)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_secret_that_is_wrongly_given(kind, what):
    with pytest.raises(errors.InvalidArgument) as caught:
        kind(**GIVEN[what])
    frames = {frame.f_code.co_name: frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)}
    shown = f"{everything(caught.value)}{frames['__init__'].f_locals['self']!r}"
    assert "not connected" in shown  # the repr of what could not be made
    assert SECRET not in shown, [line for line in shown.splitlines() if SECRET in line]


@pytest.mark.parametrize("what", GIVEN)
def test_a_secret_that_is_wrongly_given_to_connect(new_client, what):
    shown = raised(new_client().connect, **GIVEN[what])
    assert SECRET not in shown, [line for line in shown.splitlines() if SECRET in line]


@pytest.mark.parametrize("variables", [
    {"MATRIXONE_PASSWORD": SECRET, "MATRIXONE_PORT": "x"},
    {"MATRIXONE_URL": f"mysql://root:a/{SECRET}@h"},
    {"MATRIXONE_URL": f"mysql://root:{SECRET}@h:1", "MATRIXONE_SSL_MODE": "maybe"},
    {"MATRIXONE_URL": f"mysql://root:{SECRET}@127.0.0.1:1"},
])  # fmt: skip
def test_secrets_of_the_environment(new_client, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = raised(new_client().connect)
    assert SECRET not in shown, [line for line in shown.splitlines() if SECRET in line]


WRONG_STAGES = (
    ("create", ("s", "s3://b/"), {"credentials": f"AWS_SECRET_KEY={SECRET}"}),
    ("create", ("s", "s3://b/"), {"credentials": f"AWS_SECRET_KEY={SECRET}".encode()}),
    ("create", ("s", "s3://b/"), {"credentials": {"AWS_SECRET_KEY": SECRET.encode()}}),
    ("create", ("s", "s3://b/"), {"credentials": [("AWS_SECRET_KEY", SECRET, 1)]}),
    ("create", ("s", "s3://b/"), {"credentials": {SECRET}}),
    ("create", ("s", "s3://b/"), {"credentials": {"ENDPOINT": f"http://user:{SECRET}@h"}}),
    ("create", ("s", f"s3://key:{SECRET}@bucket/"), {}),
    ("create", ("s", f"s3://key:a/{SECRET}@bucket/"), {}),
    ("create", ("s", f"http://key:{SECRET}@bucket/"), {}),
    ("create", ("s", f"s3://key:{SECRET}@bucket/".encode()), {}),
    ("create", ("a b", "s3://b/"), {"credentials": {"AWS_SECRET_KEY": SECRET}}),
    ("create_s3", ("s", "b", "", KEY.encode(), SECRET.encode()), {}),
    ("create_s3", ("s", "b", "", KEY, SECRET), {"endpoint": f"http://user:{SECRET}@h"}),
    ("create_s3", ("s", "b", "", KEY, SECRET), {"endpoint": f"http://user:a/{SECRET}@h"}),
    ("create_s3", ("s", "b", "", KEY, SECRET), {"endpoint": f"http://user:{SECRET}@h".encode()}),
    ("create_s3", ("s", f"{KEY}:{SECRET}@b"), {}),
    ("create_s3", ("s", "b", b"", KEY, SECRET), {}),
    ("alter", ("s",), {"credentials": f"AWS_SECRET_KEY={SECRET}"}),
    ("alter", ("s",), {"credentials": {"AWS_SECRET_KEY": SECRET.encode()}}),
    ("alter", ("s",), {"url": f"s3://key:{SECRET}@bucket/"}),
    ("alter", ("s",), {"url": "x", "credentials": {"AWS_SECRET_KEY": SECRET}}),
)  # fmt: skip


@pytest.mark.parametrize("call", WRONG_STAGES)
def test_a_stages_secret_that_is_wrongly_given(client, call):
    method, arguments, options = call
    shown = raised(getattr(client.stage, method), *arguments, **options)
    with client.session() as session:
        shown += raised(getattr(session.stage, method), *arguments, **options)
    for secret in (SECRET, KEY):
        assert secret not in shown, [line for line in shown.splitlines() if secret in line]


def test_an_endpoint_of_the_environment(client, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@h")
    assert SECRET not in raised(client.stage.create_s3, "s", "b", "", KEY, SECRET)


def test_secrets_of_what_is_made_by_hand():
    for make in (lambda: Settings(password=SECRET.encode()), lambda: Settings().with_({"password": SECRET.encode()})):
        assert SECRET not in raised(make)
    assert SECRET not in repr(Settings(password=SECRET))
    with pytest.raises(TypeError) as caught:
        Credentials(f"AWS_SECRET_KEY={SECRET}")
    assert SECRET not in everything(caught.value)
    assert SECRET not in repr(Credentials({"ENDPOINT": f"http://user:{SECRET}@h"}))


def test_an_engine_that_cannot_connect_shows_no_password(new_client, matrixone_url):
    """Not in SQLAlchemy's frames either, nor in those of the pool."""
    client = new_client(url=matrixone_url)
    client.connect()
    engine = getattr(client, "wrapped", client).engine
    url = engine.url.set(password=SECRET)
    for one in (url, url.set(port=1)):
        if "aiomysql" in one.drivername:
            shown = asyncio.run(fails_to_connect(one))
        else:
            with pytest.raises(exc.DBAPIError) as caught:
                create_engine(one).connect()
            shown = everything(caught.value)
        assert SECRET not in shown, [line for line in shown.splitlines() if SECRET in line]


async def fails_to_connect(url):
    with pytest.raises(exc.DBAPIError) as caught:
        async with create_async_engine(url).connect():
            pass
    return everything(caught.value)
