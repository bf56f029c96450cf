"""Secrets show nowhere: not in reprs, messages, logs, tracebacks with their locals, or SQLAlchemy's echo."""

import io
import logging
import re
import traceback

import pytest

from matrixone import errors

SECRET = "OpenSesame42"
KEY = "KEYIDENT77"


def everything(error):
    """All that a thorough logger could print of an exception: its words, and the locals of our frames and the drivers'."""
    told = []
    while error is not None:
        told += [repr(error), str(error), repr(vars(error)), repr(error.args)]
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if re.search(r"[/\\](matrixone_\w+|sqlalchemy|pymysql|aiomysql)[/\\]", frame.f_code.co_filename):
                told += [f"{frame.f_code.co_name}: {name}={value!r}" for name, value in frame.f_locals.items()]
        error = error.__cause__ or error.__context__
    assert len(told) > 4, "no frame was looked at"
    return "\n".join(told)


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
    told = [repr(stage), str(stage), repr(client.stage.list()), f"{stage.credentials}"]
    told.append(raised(client.stage.create_s3, name, "bucket", "p/", **keys))
    told.append(raised(client.stage.create_s3, name, "buc/ket", "p/", **keys))
    told.append(raised(client.stage.create, name, "s3://b/", credentials={"AWS_SECRET_KEY": SECRET}))
    told.append(raised(client.stage.create, name, "s3://b/", credentials={"AWS_SECRET_KEY": SECRET + ","}))
    told.append(raised(client.stage.alter, name, credentials={"AWS_SECRET_KEY": SECRET, "ENDPOINT": "nowhere"}))
    told.append(raised(client.stage.alter, name + "x", credentials={"AWS_SECRET_KEY": SECRET}))
    client.stage.alter(name, credentials={"AWS_SECRET_KEY": SECRET[::-1]})
    client.execute("CREATE DATABASE IF NOT EXISTS " + name)
    client.execute(f"CREATE TABLE {name}.t (i INT)")
    told.append(raised(client.load_data.read_csv_stage, name, "a.csv", f"{name}.t"))
    client.execute("DROP DATABASE " + name)
    client.engine.echo = False
    told.append(log.getvalue())
    assert "CREATE STAGE" in log.getvalue()
    assert "AWS_SECRET_KEY" in log.getvalue()
    for text in told:
        for secret in (SECRET, KEY, SECRET[::-1]):
            assert secret not in text, [line for line in text.splitlines() if secret in line]


def test_keys_of_a_stage_that_a_session_keeps(new_client, matrixone_url, database, unique, log):
    client = new_client(url=matrixone_url, database=database)
    client.connect()
    client.engine.echo = "debug"
    kept, changed = unique(), unique()
    client.stage.create_s3(changed, "bucket", "p/", "key", "other", endpoint="http://127.0.0.1:1")
    client.execute("CREATE TABLE t (i INT)")
    keys = {"aws_key_id": KEY, "aws_secret_key": SECRET, "endpoint": "http://127.0.0.1:1"}
    told = []

    def session(fails):
        with client.session() as session:
            told.append(repr(session.stage.create_s3(kept, "bucket", "p/", **keys)))
            told.append(repr(session.stage.alter(changed, credentials={"AWS_SECRET_KEY": SECRET[::-1]})))
            told.append(raised(session.load_data.read_csv_stage, kept, "a.csv", "t"))
            told.append(raised(session.load_data.read_csv_stage, changed, "a.csv", "t"))
            fails(session)

    def name_is_taken(session):
        client.stage.create(kept, "file:///")

    def stage_is_gone(session):
        client.stage.drop(changed)

    told.append(raised(session, name_is_taken))
    client.stage.drop(kept)
    with pytest.raises(errors.CommitIncomplete) as caught:
        session(stage_is_gone)
    told += [everything(caught.value), repr(caught.value.pending), str(caught.value.committed), log.getvalue()]
    for text in told:
        for secret in (SECRET, KEY, SECRET[::-1]):
            assert secret not in text, [line for line in text.splitlines() if secret in line]


def test_what_is_wrongly_called_shows_no_key_either(new_client, matrixone_url):
    client = new_client(url=matrixone_url)
    client.connect()
    with pytest.raises(TypeError) as caught:
        client.stage.create_s3("s", "b", aws_secret_key=SECRET, nonsense=1)
    assert SECRET not in everything(caught.value)


def test_passwords(new_client, matrixone_url, log):
    client = new_client(url=matrixone_url, password=SECRET)
    told = [raised(client.connect), repr(client)]
    told.append(raised(client.connect, host="127.0.0.1", port=1, password=SECRET))
    told.append(raised(client.connect, url=f"mysql://root:{SECRET}@127.0.0.1:1/x"))
    told.append(raised(client.connect, url=f"mysql://sys:root:{SECRET}@127.0.0.1:1/x"))
    told.append(raised(client.connect, url=f"postgres://root:{SECRET}@127.0.0.1:1/x"))
    told.append(raised(client.connect, password=SECRET, port="x"))
    told.append(raised(client.connect, password=SECRET, ssl_ca="/no/such/file"))
    told.append(log.getvalue())
    for text in told:
        assert SECRET not in text


def test_the_engine_shows_no_password(new_client, matrixone_url):
    client = new_client(url=matrixone_url)
    client.connect()
    assert ":111@" not in f"{client.engine!r}{client.engine.url}{client!r}"
