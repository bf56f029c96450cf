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
from matrixone_cli.statements import split_text
from matrixone_core.loading.options import ALIASES, HINTS, LoadOptions, PlanOptions


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


def test_a_load_into_a_table_that_is_not_there_names_the_option_that_makes_it(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n")
    failed = run("load", str(tmp_path / "a.csv"), "--into", "not_there", "--header")
    assert failed.exit_code == ExitCode.DATA
    assert "not_there" in failed.stderr
    assert "--create" in failed.stderr
    assert run("load", str(tmp_path / "a.csv"), "--into", "not_there", "--header", "--create").exit_code == 0


@pytest.fixture
def stage(run, unique, files):
    name = unique()
    assert run("stage", "create-local", name, files.folder).exit_code == 0
    return f"stage://{name}"


@pytest.fixture
def rows(run, table):
    assert run("sql", "INSERT INTO t VALUES (1, 'a'), (2, NULL)").exit_code == 0


def test_exports(run, rows, stage, tmp_path):
    done = run("export", "t", f"{stage}/t.csv", "--manifest", "--quote-all")
    assert (done.exit_code, done.stdout.startswith(f"{stage}/t.csv: 2 rows, ")) == (0, True)
    assert run("export", "t", f"{stage}/t.csv").exit_code == ExitCode.DATA
    done = run("export", "t", f"{stage}/t.csv", "--manifest", "--overwrite", "--split-size", "1MB", "-o", "json")
    assert [file["path"] for file in json.loads(done.stdout)["files"]] == [f"{stage}/t.csv"]
    assert run("sql", "CREATE TABLE again LIKE t").exit_code == 0
    assert run("load", f"{stage}/t.csv.manifest.json", "--into", "again").exit_code == 0
    assert run("sql", "SELECT * FROM again ORDER BY id", "-o", "csv").stdout == "id,name\n1,a\n2,\n"
    done = run("export", "SELECT id FROM t WHERE id = :id", str(tmp_path / "t.csv"), "-p", "id=2", "-o", "csv")
    assert (done.exit_code, done.stdout) == (0, f"path,bytes\n{tmp_path}/t.csv,5\n")
    assert (tmp_path / "t.csv").read_text() == "id\n2\n"
    done = run("export", "SELECT id, name FROM t ORDER BY id", "-", "--delimiter", r"\t", "--no-header")
    assert (done.exit_code, done.stdout) == (0, "1\ta\n2\t\n")
    assert "2 rows" in done.stderr
    assert run("export", "SELECT id FROM t ORDER BY id", "-", "--format", "jsonline").stdout == '{"id":1}\n{"id":2}\n'


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "t", "t.csv", "--overwrite"), "for files of stages"),
        (("export", "SELECT :a", "-", "-p", "a"), "NAME=VALUE"),
        (("export", "DROP TABLE t", "-"), "nor a SELECT"),
        (("files", "ls", "t.csv"), "stage://STAGE/PATH"),
        (("files", "get", "stage://s/*.csv", "none"), "must be a folder"),
        (("files", "ls", "stage://s//*"), "begins with /"),
    ],
)  # fmt: skip
def test_wrong_exports(run, rows, arguments, words):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")
    assert words in done.stderr


def test_files_of_stages(run, stage, tmp_path):
    (tmp_path / "a.csv").write_text("1\n2\n3\n")
    assert run("files", "put", str(tmp_path / "a.csv"), f"{stage}/in/").stdout == f"{stage}/in/a.csv\n"
    assert run("files", "put", str(tmp_path / "a.csv"), f"{stage}/in/b.csv").exit_code == 0
    assert run("files", "put", str(tmp_path / "a.csv"), f"{stage}/in/b.csv").exit_code == ExitCode.DATA
    assert run("files", "put", str(tmp_path / "a.csv"), f"{stage}/in/b.csv", "--overwrite").exit_code == 0
    assert run("files", "ls", f"{stage}", "-o", "csv").stdout == "path\nin\n"
    listed = "path,bytes\nin/a.csv,6\nin/b.csv,6\n"
    assert run("files", "ls", f"{stage}/in/", "-l", "-o", "csv").stdout == listed
    assert run("files", "ls", f"{stage}/*/*.csv", "-l", "-o", "csv").stdout == listed
    assert run("files", "ls", f"{stage}", "-l", "-o", "csv").stdout == "path,bytes\nin,\n"
    assert run("files", "ls", f"{stage}/in/a.csv", "-o", "csv").stdout == "path\nin/a.csv\n"
    assert run("files", "cat", f"{stage}/in/a.csv").stdout == "1\n2\n3\n"
    assert run("files", "head", f"{stage}/in/a.csv", "-n", "2").stdout == "1\n2\n"
    (tmp_path / "out").mkdir()
    assert run("files", "get", f"{stage}/in/*.csv", str(tmp_path / "out")).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.csv", "b.csv"]
    assert run("files", "get", f"{stage}/in/a.csv", str(tmp_path / "c.csv")).stdout == f"{tmp_path}/c.csv\n"
    assert run("files", "rm", f"{stage}/in/a.csv", f"{stage}/in/b*").stdout == f"{stage}/in/a.csv\n{stage}/in/b.csv\n"
    assert run("files", "rm", f"{stage}/in/a.csv").exit_code == ExitCode.DATA
    assert run("files", "rm", f"{stage}/in/a.csv", "--if-exists").exit_code == 0


def test_the_page(run, database, tmp_path, monkeypatch, stage, unique):
    """The commands of the page do what it says."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = re.findall(r"^matrixone ((?:sql|load|export|files|snapshot|restore) .*?)(?: +#.*)?$", page, re.MULTILINE)
    assert len(commands) == 10
    snapshot = unique()
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("id,name\n1,a\n")
    app = f"{database}_app"
    try:
        for command in commands:
            placed = re.sub(r"\bapp\b", app, command).replace("before_import", snapshot).replace("daily_", snapshot)
            done = run(*shlex.split(placed.replace("stage://exports", stage)))
            assert done.exit_code == 0, done.output
    finally:
        run("sql", f"DROP DATABASE IF EXISTS {app}")


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
        (("--password", "secret", "stage", "ls"), "--password-file"),
        (("sql", ""), "no statement"),
        (("plan", "a.csv", "--into", "t"), "stage://STAGE/PATH"),
        (("load", "a.csv", "--into", "t", "--on-conflict", "skip", "--update", "a"), "give one of them"),
        (("load", "a.csv", "--into", "t", "--max-errors", "some"), "such as 0.01"),
        (("load", "a.csv", "--into", "t", "--force"), "--force loads a file again that --once would skip"),
        (("load", "a.csv", "--into", "t", "--set", "a"), "NAME=VALUE"),
        (("snapshot", "prune", "p"), "--keep-last, --older-than, or both"),
        (("restore", "table", "t"), "SNAPSHOT or --pitr with --at"),
        (("stage", "alter", "s", "--credentials"), "AWS_SECRET_ACCESS_KEY"),
        (("serve", "--port", "x"), "--port"),
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


def test_the_options_of_a_load_are_those_of_python():
    known = {*LoadOptions.__annotations__, *PlanOptions.__annotations__, "encoding"}
    of_python = known - {*ALIASES, *HINTS, "progress"}  # other names of the same; a bar is shown on a terminal
    of_the_command = {parameter.name for parameter in cli.commands["load"].params}
    assert of_python - of_the_command == set()
    of_the_plan = {parameter.name for parameter in cli.commands["plan"].params}
    assert of_python - of_the_plan == {"encoding", "validate"}  # a plan loads nothing, and a stage's files are UTF-8


def test_options_of_a_load(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("# people\n1|'a'|x\n2|-|y\n3|\n")
    (tmp_path / "b.json").write_text('["YQ==", 5]\n')
    assert run("sql", "CREATE TABLE b (id INT, name VARBINARY(9), file TEXT)").exit_code == 0
    as_written = [
        "--ignore-lines",
        "1",
        "--delimiter",
        "|",
        "--quote",
        "'",
        "--null-values",
        "-",
        "--encoding",
        "latin-1",
    ]
    done = run("load", str(tmp_path / "a.csv"), "--into", "t", *as_written, "--columns", "id,name,", "--on-error", "skip",
               "--max-errors", "0.5", "--rejects", "rejected", "--set", "id=id * 10")  # fmt: skip
    assert (done.exit_code, "1 rejected" in done.stdout) == (0, True), done.output
    assert run("sql", "SELECT * FROM t ORDER BY id", "-o", "csv").stdout == "id,name\n10,a\n20,\n"
    assert run("sql", "SELECT count(*) AS n FROM rejected", "-o", "csv").stdout == "n\n1\n"
    done = run("load", str(tmp_path / "b.json"), "--into", "b", "--shape", "array", "--columns", "name,id", "--base64",
               "name", "--file-column", "file", "--mode", "replace", "--once-key", "k", "--timeout", "60")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(run("sql", "SELECT id, name FROM b", "-o", "json").stdout) == [{"id": 5, "name": "61"}]
    done = run(
        "load", str(tmp_path / "b.json"), "--into", "b", "--shape", "array", "--columns", "name,id", "--once-key", "k"
    )
    assert "0 rows" in done.stdout
    (tmp_path / "c.csv").write_text("10,z\n")
    assert run("load", str(tmp_path / "c.csv"), "--into", "t", "--update", "name").exit_code == 0
    assert run("sql", "SELECT name FROM t WHERE id = 10", "-o", "csv").stdout == "name\nz\n"


def test_a_validation(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("1,a\n")
    (tmp_path / "b.csv").write_text("x,b\n")
    done = run("load", str(tmp_path / "a.csv"), "--into", "t", "--validate")
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/a.csv: 1 rows read, 0 do not fit; nothing was loaded\n")
    done = run("load", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--into", "t", "--validate")
    assert (done.exit_code, "1 do not fit" in done.stdout, "line 1, column 'id'" in done.stdout) == (1, True, True)


def test_messages_name_the_options_of_the_command(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n")
    done = run("load", str(tmp_path / "a.csv"), "--into", "t")
    assert "if line 1 names the columns, give --header;" in done.stderr


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
    done = run("plan", f"stage://{name}/a.csv", "--into", "t")
    assert done.exit_code == 0
    assert "t" in done.stdout
    files.put("b.tsv", "name\tid\na\t2\n")
    assert "of the first 1 rows 0 have" in run("plan", f"stage://{name}/b.tsv", "--into", "t", "--header").stdout
    assert run("load", f"stage://{name}/a.csv", "--into", "t").exit_code == 0


def test_snapshots(run, database, unique):
    name = unique()
    assert run("snapshot", "create", name, "--database", database).stdout == f"{name}\n"
    found = {row["name"]: row for row in json.loads(run("snapshot", "ls", "-o", "json").stdout)}
    assert (found[name]["level"], found[name]["database"]) == ("database", database)
    assert run("snapshot", "drop", name).exit_code == 0
    assert run("snapshot", "drop", name).exit_code == ExitCode.DATA


def test_snapshots_by_what_they_hold(run, table, database, unique):
    prefix = unique()
    for number in range(3):
        assert run("snapshot", "create", f"{prefix}_{number}", "--database", database, "--table", "t").exit_code == 0
    listed = run(
        "snapshot", "ls", f"{prefix}%", "--level", "table", "--database", database, "--table", "t", "-o", "csv"
    )
    assert [line.split(",")[0] for line in listed.stdout.splitlines()] == ["name", *(f"{prefix}_{n}" for n in range(3))]
    assert run("snapshot", "prune", prefix, "--older-than", "30d").stdout == ""
    assert run("snapshot", "prune", prefix, "--keep-last", "1").stdout == f"{prefix}_0\n{prefix}_1\n"
    assert run("snapshot", "prune", prefix, "--keep-last", "0").stdout == f"{prefix}_2\n"
    assert run("snapshot", "prune", prefix).exit_code == ExitCode.USAGE
    assert "no age" in run("snapshot", "prune", prefix, "--older-than", "soon").stderr


def test_restores(run, table, database, unique):
    name, copy = unique(), unique("copy")
    assert run("sql", "INSERT INTO t VALUES (1, 'a')").exit_code == 0
    assert run("snapshot", "create", name, "--database", database).exit_code == 0
    assert run("sql", "DELETE FROM t").exit_code == 0
    planned = json.loads(run("restore", "database", database, name, "--plan", "-o", "json").stdout)
    assert (planned["executed"], planned["tables"]) == (
        False, [{"name": f"{database}.t", "change": "restore", "rows_now": 0, "rows_then": 1}],
    )  # fmt: skip
    assert run("restore", "table", "t", name, "--to", "then").stdout.startswith(f"restored {database}.then as of")
    assert run("restore", "table", "t", name, "--replace-rows", "-o", "csv").stdout == (
        f"name,change,rows_now,rows_then\n{database}.t,restore,,\n"
    )
    assert run("sql", "SELECT count(*) AS n FROM t", "-o", "csv").stdout == "n\n1\n"
    assert run("restore", "database", database, name, "--to", copy).exit_code == 0
    assert run("restore", "database", database, name).exit_code == 0
    assert run("sql", "SHOW TABLES", "-o", "csv").stdout.splitlines()[1:] == ["t"]
    assert run("restore", "table", "t", "no_such").exit_code == ExitCode.DATA
    assert run("restore", "table", "t").exit_code == ExitCode.USAGE
    refused = run("restore", "account", name, "--plan")
    assert (refused.exit_code, "not one of an account" in refused.stderr) == (ExitCode.USAGE, True)
    assert run("sql", f"DROP DATABASE {copy}").exit_code == 0


def test_clones(run, table, database, unique):
    copy = unique("copy")
    assert run("sql", "INSERT INTO t VALUES (1, 'a')").exit_code == 0
    assert run("clone", "table", "t2", "t").exit_code == 0
    assert run("clone", "table", "t2", "t").exit_code == ExitCode.DATA
    assert run("clone", "table", "t2", "t", "--if-not-exists").exit_code == 0
    assert run("clone", "database", copy, database).exit_code == 0
    assert run("sql", f"SELECT count(*) AS n FROM {copy}.t2", "-o", "csv").stdout == "n\n1\n"
    assert run("clone", "database", copy, database, "--snapshot", "no_such", "--if-not-exists").exit_code == 0
    assert run("sql", f"DROP DATABASE {copy}").exit_code == 0


def test_point_in_time_recoveries(run, table, database, unique, other_client):
    name = unique("pitr")
    try:
        assert run("pitr", "create", name, "--range", "2h", "--database", database).stdout == f"{name}\n"
        assert run("pitr", "create", name, "--range", "2h", "--database", database, "--if-not-exists").exit_code == 0
        assert run("pitr", "alter", name, "--range", "3d").exit_code == 0
        found = {row["name"]: row for row in json.loads(run("pitr", "ls", "-o", "json").stdout)}
        assert (found[name]["range"], found[name]["level"], found[name]["database"]) == ("3d", "database", database)
        late = run("restore", "table", "t", "--pitr", name, "--at", "2001-01-01T00:00:00+00:00")
        assert (late.exit_code, "pitr" in late.stderr) == (ExitCode.DATA, True)
        for arguments, says in ((("--at", "soon"), "no time"), (("--at", "2001-01-01T00:00:00"), "time zone")):
            done = run("restore", "table", "t", "--pitr", name, *arguments)
            assert (done.exit_code, says in done.stderr) == (ExitCode.USAGE, True)
        assert "no range" in run("pitr", "create", "p", "--range", "2w").stderr
        assert run("pitr", "drop", name).exit_code == 0
        assert run("pitr", "drop", name).exit_code == ExitCode.DATA
        assert run("pitr", "drop", name, "--if-exists").exit_code == 0
    finally:
        other_client.pitr.drop(name, if_exists=True)


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
    for content, words in ((b"", "is empty"), (b"\xff\n", "not UTF-8")):
        wrong.write_bytes(content)
        refused = CliRunner().invoke(cli, ["--url", url, "--password-file", str(wrong), "sql", "SELECT 1"])
        assert (refused.exit_code, words in refused.stderr) == (ExitCode.USAGE, True)


def test_the_local_server_takes_its_password_from_the_environment(tmp_path):
    command = [sys.executable, "-m", "matrixone_cli", "serve", "--port", "0", "--path", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"MATRIXONE_PASSWORD": "hush7"}) as process:
        try:
            url = process.stdout.readline().decode().split()[-1]
            assert url.startswith("mysql://root@127.0.0.1:")  # without the password
            for password, code in (("hush7", ExitCode.OK), ("111", ExitCode.CONNECTION)):
                environment = {"MATRIXONE_PASSWORD": password, "MATRIXONE_URL": ""}
                assert CliRunner().invoke(cli, ["--url", url, "sql", "SELECT 1"], env=environment).exit_code == code
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


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


def test_a_reader_that_has_enough(run):
    """As of `matrixone export … - | head -1`."""
    with subprocess.Popen(
        [sys.executable, "-m", "matrixone_cli", "export", "SELECT result FROM generate_series(1, 100000) g", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"result\n"
        process.stdout.close()
        assert process.stderr.read() == b""


def _is_running(client, mark):
    found = client.execute("SHOW FULL PROCESSLIST").mappings().all()
    return any(mark in str(row["info"]) and "PROCESSLIST" not in str(row) for row in found)


@pytest.fixture
def other_client(matrixone_url, database):
    from matrixone import Client

    with Client(url=matrixone_url, database=database) as client:
        yield client
