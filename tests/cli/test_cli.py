"""The command line, on the server under test."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

from matrixone_cli.app import cli
from matrixone_cli.exits import ExitCode
from matrixone_cli.shell import read_statements


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


def test_a_statement(run, table):
    done = run("sql", "INSERT INTO t VALUES (1, 'a:b'), (2, NULL)")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "OK, 2 rows\n")
    rows = run("sql", "SELECT id, name FROM t ORDER BY id", "-o", "json")
    assert json.loads(rows.stdout) == [{"id": 1, "name": "a:b"}, {"id": 2, "name": None}]
    assert run("sql", "SELECT id, name FROM t ORDER BY id", "-o", "csv").stdout == "id,name\n1,a:b\n2,\n"
    shown = run("sql", "SELECT id, name FROM t ORDER BY id").stdout.split("\n")
    assert [line.split() for line in (shown[0], shown[2], shown[3])] == [["id", "name"], ["1", "a:b"], ["2", "NULL"]]


@pytest.mark.parametrize("text", [r"\:x", "::x", "a:x", "%s %", ":x"])
def test_a_statement_is_sent_as_it_is(run, text):
    escaped = text.replace("\\", "\\\\")
    assert json.loads(run("sql", f"SELECT '{escaped}' AS a", "-o", "json").stdout) == [{"a": text}]


def test_statements_of_a_pipe(run):
    done = run("sql", "-o", "csv", input="SELECT 1 AS a;\nSELECT\n2 AS b;\n")
    assert (done.exit_code, done.stdout) == (0, "a\n1\nb\n2\n")
    done = run("sql", input="SELECT nothing;\nSELECT 1;\n")
    assert (done.exit_code, done.stdout) == (ExitCode.DATA, "")
    assert done.stderr.startswith("matrixone: ")


def test_statements_of_lines():
    assert list(read_statements(iter(["SELECT 1", ", 2;", "", ";", "SELECT 3"]))) == ["SELECT 1\n, 2", "SELECT 3"]
    assert list(read_statements(iter(["SELECT 1;", "exit", "SELECT 2;"]))) == ["SELECT 1"]


def test_a_terminal(run, matrixone_url):
    """On a terminal an error is printed, and the next statement is read."""
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    process = subprocess.Popen(
        [sys.executable, "-m", "matrixone_cli", "sql", "-o", "csv"], stdin=theirs, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | {"HOME": "/nonexistent", "TERM": "dumb"},
    )  # fmt: skip
    os.write(ours, b"SELECT nothing;\nSELECT 42 AS answer;\nexit\n")
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert "answer\n42\n" in out.decode().replace("\r", "")
    assert "error: " in err.decode()


def test_loads(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n2,b\n")
    (tmp_path / "b.jsonl").write_text('{"id": 3, "name": "c"}\n')
    (tmp_path / "c.tsv").write_text("4\td\n")
    done = run("load", str(tmp_path / "a.csv"), "--into", "t", "--header", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, 2)
    assert "-> t: 1 row" in run("load", str(tmp_path / "b.jsonl"), "--into", "t").stdout
    assert (
        run("load", str(tmp_path / "c.tsv"), "--into", "t", "-o", "csv").stdout.splitlines()[0].startswith("path,rows")
    )
    assert run("sql", "SELECT count(*) AS n FROM t", "-o", "csv").stdout == "n\n4\n"


def test_the_page(run, database, tmp_path, monkeypatch):
    """The commands of the page do what it says."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = re.findall(r"^matrixone (sql .*|load .*)$", page, re.MULTILINE)
    assert len(commands) == 2
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("id,name\n1,a\n")
    assert run("sql", "CREATE TABLE users (id INT, name VARCHAR(9))").exit_code == 0
    for command in commands:
        done = run(*shlex.split(command.replace("app.", f"{database}.")))
        assert done.exit_code == 0, done.output


def test_a_load_that_does_not_fit(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("1,a\nx,b\n")
    done = run("load", str(tmp_path / "a.csv"), "--into", "t")
    assert done.exit_code == ExitCode.DATA
    assert done.stdout == ""
    assert done.stderr.startswith("matrixone: ")
    assert "line 2, column 'id', value 'x'" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("load", str(tmp_path / "a.csv"), "--into", "t", "--on-error", "skip")
    assert (done.exit_code, "line 2" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("load", "a.xyz", "--into", "t"), "give --format"),
        (("load", "a.csv"), "Missing option '--into'"),
        (("--url", "mysql://root:secret@h/d", "stage", "ls"), "MATRIXONE_PASSWORD"),
        (("serve", "--password", "secret"), "other users"),
        (("serve", "--password=secret"), "other users"),
        (("stage", "drop", ""), "name"),
        (("nonsense",), "No such command"),
    ],
)
def test_wrong_arguments(run, arguments, words):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")
    assert words in done.stderr
    assert "secret" not in done.stderr


def test_a_missing_file(run, table, tmp_path):
    done = run("load", str(tmp_path / "none.csv"), "--into", "t")
    assert done.exit_code == ExitCode.DATA
    assert "No such file or directory" in done.stderr


def test_stages(run, unique, tmp_path):
    name = unique()
    assert run("stage", "create-local", name, f"{tmp_path}/", "--comment", "c").exit_code == 0
    found = json.loads(run("stage", "ls", name, "-o", "json").stdout)
    assert found == [{"name": name, "url": f"file://{tmp_path}/", "enabled": True, "comment": "c"}]
    assert run("stage", "alter", name, "--comment", "d", "--disable").exit_code == 0
    found = json.loads(run("stage", "ls", name, "-o", "json").stdout)
    assert (found[0]["comment"], found[0]["enabled"]) == ("d", False)
    assert run("stage", "check", name).exit_code == ExitCode.DATA
    assert run("stage", "drop", name).exit_code == 0
    assert run("stage", "drop", name).exit_code == ExitCode.DATA
    assert run("stage", "drop", name, "--if-exists").exit_code == 0


def test_a_plan(run, table, files, unique, other_client):
    name = unique()
    other_client.stage.create_local(name, files.folder)
    files.put("a.csv", "1,a\n")
    done = run("plan", name, "a.csv", "--into", "t")
    assert done.exit_code == 0
    assert "t" in done.stdout
    assert run("load", f"stage://{name}/a.csv", "--into", "t").exit_code == 0


def test_snapshots(run, database, unique):
    name = unique()
    assert run("snapshot", "create", name, "--database", database).stdout == f"{name}\n"
    found = {row["name"]: row for row in json.loads(run("snapshot", "ls", "-o", "json").stdout)}
    assert (found[name]["level"], found[name]["database"]) == ("database", database)
    assert run("snapshot", "drop", name).exit_code == 0
    assert run("snapshot", "drop", name).exit_code == ExitCode.DATA


def test_no_server():
    done = CliRunner().invoke(cli, ["stage", "ls"], env={"MATRIXONE_URL": "mysql://root@127.0.0.1:1/"})
    assert done.exit_code == ExitCode.CONNECTION
    assert "127.0.0.1:1" in done.stderr


def test_passwords(matrixone_url, tmp_path, monkeypatch):
    login, _, address = matrixone_url.removeprefix("mysql://").partition("@")
    user, _, password = login.partition(":")
    url = f"mysql://{user}@{address}"
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("nonsense\n")
    right.write_text(f"{password}\n")
    assert CliRunner().invoke(cli, ["--url", url, "--password-file", str(wrong), "sql", "SELECT 1"]).exit_code == 3
    assert CliRunner().invoke(cli, ["--url", url, "--password-file", str(right), "sql", "SELECT 1"]).exit_code == 0
    asked = CliRunner().invoke(cli, ["--url", url, "--ask-password", "sql", "SELECT 1"], input=f"{password}\n")
    assert (asked.exit_code, password in asked.output) == (0, False)


def test_ctrl_c(run, matrixone_url, other_client):
    """The statement is stopped on the server."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-m", "matrixone_cli", "sql", f"SELECT sleep(100), '{mark}'"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not _is_running(other_client, mark):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (ExitCode.INTERRUPTED, b"", b"matrixone: interrupted\n")
    assert not _is_running(other_client, mark)


def _is_running(client, mark):
    found = client.execute("SHOW FULL PROCESSLIST").mappings().all()
    return any(mark in str(row["info"]) and "PROCESSLIST" not in str(row) for row in found)


@pytest.fixture
def other_client(matrixone_url, database):
    from matrixone import Client

    with Client(url=matrixone_url, database=database) as client:
        yield client
