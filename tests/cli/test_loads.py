"""Loads and plans."""

import json

from matrixone_cli.app import cli
from matrixone_cli.exits import ExitCode
from matrixone_core.loading.options import ALIASES, HINTS, LoadOptions, PlanOptions


def test_loads(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n2,b\n")
    (tmp_path / "b.jsonl").write_text('{"id": 3, "name": "c"}\n')
    (tmp_path / "c.tsv").write_text("4\td\n")
    (tmp_path / "d.txt").write_text('{"id": 5, "name": "e"}\n')
    done = run("load", str(tmp_path / "a.csv"), "--into", "t", "--header", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, 2)
    assert "-> t: 1 row" in run("load", str(tmp_path / "b.jsonl"), "--into", "t").stdout
    assert "-> t: 1 row" in run("load", str(tmp_path / "d.txt"), "--into", "t", "--format", "jsonline").stdout
    assert (
        run("load", str(tmp_path / "c.tsv"), "--into", "t", "-o", "csv").stdout.splitlines()[0].startswith("path,rows")
    )
    assert run("sql", "SELECT count(*) AS n FROM t", "-o", "csv").stdout == "n\n5\n"


def test_a_load_into_a_table_that_is_not_there_names_the_option_that_makes_it(run, table, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n")
    failed = run("load", str(tmp_path / "a.csv"), "--into", "not_there", "--header")
    assert failed.exit_code == ExitCode.DATA
    assert "not_there" in failed.stderr
    assert "--create" in failed.stderr
    assert run("load", str(tmp_path / "a.csv"), "--into", "not_there", "--header", "--create").exit_code == 0


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
