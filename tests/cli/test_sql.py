"""Statements: of an argument, of a pipe, of a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import uuid

import pytest

from matrixone_cli import main
from matrixone_cli.exits import ExitCode
from matrixone_cli.output import print_rows
from matrixone_cli.statements import split_text


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


def test_statements_of_an_argument(run):
    done = run("sql", "SELECT 1 AS a; SELECT ';' AS b;", "-o", "csv")
    assert (done.exit_code, done.stdout) == (0, "a\n1\nb\n;\n")
    assert run("sql", "SELECT 1 AS a; SELECT nothing; SELECT 2", "-o", "csv").stdout == "a\n1\n"
    for nothing in ("", " ;", "/* a note */"):
        assert "no statement" in run("sql", nothing).stderr


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1\n, 2;\n\n;\nSELECT 3", ["SELECT 1\n, 2", "SELECT 3"]),
        ("SELECT 1;\nexit\nSELECT 2;", ["SELECT 1"]),
        ("SELECT 'a;\nexit\n\\';', \"b;\", `c;`;d", ["SELECT 'a;\nexit\n\\';', \"b;\", `c;`", "d"]),
        ("-- a;\n# b;\n/* c;\nd; */;", []),
        ("SELECT 1 -- a;\n+ 1 /* ; */; /*! SELECT 2 */", ["SELECT 1 -- a;\n+ 1 /* ; */", "/*! SELECT 2 */"]),
        ("SELECT 5--3; $$ ; $$", ["SELECT 5--3", "$$ ; $$"]),
        ("SELECT 'a", ["SELECT 'a"]),
    ],
)  # fmt: skip
def test_where_statements_end(text, statements):
    assert split_text(text) == statements


def test_a_value_of_a_pipe_keeps_its_carriage_return(run, matrixone_url):
    done = subprocess.run(
        [sys.executable, "-m", "matrixone_cli", "sql", "-o", "json"], input=b"SELECT 'a\r\n;' AS a;\r\n",
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"a": "a\r\n;"}]


def test_null_and_an_empty_text_differ(run):
    assert run("sql", "SELECT '' AS a, NULL AS b, 'NULL' AS c", "-o", "csv").stdout == 'a,b,c\n"",,"NULL"\n'


def test_json_with_two_columns_of_one_name(run):
    done = run("sql", "SELECT 1 AS a, 2 AS a", "-o", "json")
    assert (done.exit_code, done.stdout) == (ExitCode.DATA, "")
    assert "'a'" in done.stderr


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
    running = "SELECT 1 FROM information_schema.processlist WHERE info LIKE :mark AND info NOT LIKE '%processlist%'"
    return client.execute(running, {"mark": f"%{mark}%"}).first() is not None


def test_values_are_written_as_the_server_writes_them(run):
    sql = "SELECT CAST('-12:00:00.5' AS TIME(1)) AS t, CAST('100:00:00' AS TIME) AS u, CAST(0 AS DECIMAL(20, 8)) AS d"
    wanted = {"t": "-12:00:00.500000", "u": "100:00:00", "d": "0.00000000"}
    assert json.loads(run("sql", sql, "-o", "json").stdout) == [wanted]
    assert run("sql", sql, "-o", "csv").stdout.splitlines() == [",".join(wanted), ",".join(wanted.values())]
    assert run("sql", sql).stdout.splitlines()[2].split() == list(wanted.values())


def test_json_has_no_number_that_is_none(capsys):
    print_rows(["a", "b", "c"], [(float("nan"), float("-inf"), 1.5)], "json")
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == [{"a": "nan", "b": "-inf", "c": 1.5}]


def test_ctrl_c_while_the_command_starts(monkeypatch, capsys):
    def interrupted(*_arguments, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    monkeypatch.undo()
    assert (ended.value.code, capsys.readouterr().err) == (ExitCode.INTERRUPTED, "matrixone: interrupted\n")
