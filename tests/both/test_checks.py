"""stage.check on a server: what is wrong, each by its own name."""

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from matrixone import StageProblem, errors

IS_REAL = "MATRIXONE_URL" in os.environ
KEYS = {"aws_key_id": "key", "aws_secret_key": "secret"}


@pytest.fixture
def checked(client, unique):
    """Creates a stage by the method, and checks it."""

    def create(method, *arguments, **options):
        name = unique()
        getattr(client.stage, method)(name, *arguments, **options)
        found = client.stage.check(name)
        assert client.engine.pool.checkedout() == 0
        assert client.execute("SELECT 1").scalar() == 1
        return found

    return create


def test_a_folder(checked, files, client, unique):
    found = checked("create_local", f"{files.folder}none/deep/")
    assert (found.problem, "none on the server" in found.reason) == (StageProblem.NO_FOLDER, True)
    assert checked("create_local", f"{files.folder}none/").problem is StageProblem.NO_FOLDER
    files.put("below/a.csv", "1\n")
    files.put("below/b.csv", "1\n")
    assert checked("create_local", files.folder).files == 2
    files.put("a.csv", "1\n")
    found = checked("create_local", files.folder)
    assert (found.problem, found.files) == (None, 1)
    assert checked("create_local", f"{files.folder}below/a.csv").problem is StageProblem.NO_FOLDER
    outer = unique()
    client.stage.create_local(outer, "/")
    found = checked("create", f"stage://{outer}{files.folder}none/")
    assert (found.problem, f"{files.folder}none on the server" in found.reason) == (StageProblem.NO_FOLDER, True)
    name = unique()
    client.stage.create_local(name, files.folder)
    client.stage.alter(name, enable=False)
    assert client.stage.check(name).problem is StageProblem.DISABLED
    with pytest.raises(errors.StageNotFound):
        client.stage.check("none_such")


@pytest.mark.usefixtures("s3")  # the server is on this machine
def test_an_empty_folder(checked, files):
    Path(files.folder, "empty").mkdir()
    assert checked("create_local", f"{files.folder}empty/").problem is StageProblem.EMPTY
    assert checked("create_local", files.folder).problem is StageProblem.EMPTY


@pytest.mark.usefixtures("s3")
def test_a_folder_that_is_missing_is_not_made(checked, files, client, unique):
    """A server makes the folders above what it lists (server-facts 59)."""
    parent = unique()
    client.stage.create_local(parent, files.folder)
    for problem in (
        checked("create_local", f"{files.folder}no/such/folder/").problem,
        checked("create", f"stage://{parent}/no/such/folder/").problem,
    ):
        assert problem is StageProblem.NO_FOLDER
    assert not list(Path(files.folder).iterdir())


def test_a_stage_in_a_stage(checked, unique, files, client):
    files.put("below/a.csv", "1\n")
    parent = unique()
    client.stage.create_local(parent, files.folder)
    assert checked("create", f"stage://{parent}/below/")
    assert checked("create", "stage://none_such/below/").problem is StageProblem.NO_PARENT


def test_a_bucket(checked, bucket, moto_url):
    assert checked("create_s3", bucket, "data/", **KEYS, endpoint=moto_url)
    assert checked("create_s3", bucket, "none/", **KEYS, endpoint=moto_url).problem is StageProblem.EMPTY
    assert checked("create_s3", "no-such-bucket", **KEYS, endpoint=moto_url).problem is StageProblem.NO_BUCKET
    some = {"AWS_KEY_ID": "k", "AWS_SECRET_KEY": "s", "ENDPOINT": moto_url, "PROVIDER": "minio"}
    found = checked("create", f"s3://{bucket}/", credentials=some)
    assert (found.problem, "AWS_REGION" in found.reason) == (StageProblem.NO_CREDENTIAL, True)


def test_an_endpoint_that_refuses(checked):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = checked("create_s3", "bucket", **KEYS, endpoint=f"http://127.0.0.1:{port}")
    assert found.problem is StageProblem.CONNECTION_REFUSED


def test_an_endpoint_that_nobody_knows(checked):
    found = checked("create_s3", "bucket", **KEYS, endpoint="http://none-such.invalid")
    # where its resolver gives no answer, a real server asks on for longer than the check waits
    patient = {StageProblem.TIMEOUT} if IS_REAL else set()
    assert found.problem in {StageProblem.UNREACHABLE} | patient


class Denying(BaseHTTPRequestHandler):
    """A service that lets nobody in."""

    def do_GET(self):
        self.send_response(403)
        self.end_headers()
        self.wfile.write(b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")

    def log_message(self, *_):
        pass


@pytest.mark.usefixtures("s3")  # the server is on this machine
def test_keys_that_are_not_let_in(checked):
    with ThreadingHTTPServer(("127.0.0.1", 0), Denying) as service:
        threading.Thread(target=service.serve_forever).start()
        found = checked("create_s3", "bucket", **KEYS, endpoint=f"http://127.0.0.1:{service.server_port}")
        service.shutdown()
    assert found.problem is StageProblem.NO_PERMISSION
    assert "secret" not in str(found)


@pytest.mark.usefixtures("s3")
def test_an_endpoint_that_hangs(client, unique, side, monkeypatch):
    monkeypatch.setattr(f"matrixone_{side}.connection.STOP_SECONDS", 0.3)
    monkeypatch.setattr("matrixone_core.operations.stage_check.STOP_SECONDS", 4.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        name = unique()
        client.stage.create_s3(name, "bucket", **KEYS, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert client.stage.check(name, timeout=5).problem is StageProblem.TIMEOUT
        client.execute("CREATE TABLE t (id INT)")
        with client.session() as session:
            assert session.stage.check(name, timeout=5).problem is StageProblem.TIMEOUT
            session.execute(text("SELECT 1"))  # the transaction is not ended by it
        with pytest.raises(errors.StatementTimeout):
            client.load_data.read_csv_stage(name, "a.csv", "t", timeout=0.3)
        with pytest.raises(errors.TransactionAborted), client.session() as session:
            session.execute(text("INSERT INTO t VALUES (1)"))
            with pytest.raises(errors.StatementTimeout):
                session.load_data.read_csv_stage(name, "a.csv", "t", timeout=0.3)
        assert client.engine.pool.checkedout() == 0
    assert client.execute("SELECT count(*) FROM t").scalar() == 0


def test_in_a_session(client, files, unique):
    files.put("a.csv", "1\n")
    committed, pending = unique(), unique()
    client.stage.create_local(committed, files.folder)
    with client.session() as session:
        assert session.stage.check(committed)
        session.stage.create_local(pending, files.folder)
        with pytest.raises(errors.NotSupported, match="once it commits"):
            session.stage.check(pending)
