"""Exports, and the files of stages."""

import json
import subprocess
import sys

import pytest

from matrixone_cli.exits import ExitCode


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
    done = run("export", "t", "-", "--quote", "'", "--null-value", r"\N", "--quote-all", "--line-terminator", r"\r\n")
    assert done.stdout_bytes == b"'id','name'\r\n'1','a'\r\n'2',\\N\r\n"
    escaped = run("export", r"SELECT 'a\\b' AS a", "-", "--escape", "\\", "--no-header", "--timeout", "30")
    assert escaped.stdout == '"a\\\\b"\n'
    done = run(
        "export", "t", f"{stage}/q.csv", "--quote", "'", "--line-terminator", r"\r\n", "--no-count", "-o", "json"
    )
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, None)
    assert run("files", "cat", f"{stage}/q.csv").stdout_bytes.startswith(b"id,name\r\n1,'a'\r\n")
    assert run("export", "SELECT id FROM t ORDER BY id", "-", "--format", "json").stdout == '{"id":1}\n{"id":2}\n'
    assert run("export", "SELECT id FROM t ORDER BY id", "-", "--format", "jsonline").stdout == '{"id":1}\n{"id":2}\n'


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "t", "t.csv", "--overwrite"), "for files of stages"),
        (("export", "t", "t.csv", "--no-count"), "for files of stages"),
        (("export", "t", "stage://s/t.csv", "--null-value", "-"), "--null-value is for files of this machine"),
        (("export", "t", "-", "--escape", "x"), "--escape"),
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


def test_a_reader_that_has_enough(run):
    """As of `matrixone export … - | head -1`."""
    with subprocess.Popen(
        [sys.executable, "-m", "matrixone_cli", "export", "SELECT result FROM generate_series(1, 100000) g", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"result\n"
        process.stdout.close()
        assert process.stderr.read() == b""
