"""Stages."""

import json

from matrixone_cli.exits import ExitCode


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


def test_remedies_name_commands(run, unique, tmp_path):
    name, missing = unique(), unique()
    assert run("stage", "create-local", name, f"{tmp_path}/").exit_code == 0
    taken = run("stage", "create-local", name, f"{tmp_path}/")
    assert taken.stderr.rstrip().endswith("; `matrixone stage alter` changes it, `matrixone stage drop` drops it")
    absent = run("stage", "alter", missing, "--comment", "c")
    assert absent.stderr == f"matrixone: there is no stage '{missing}'; `matrixone stage ls` shows the stages\n"
    (tmp_path / "a.csv").write_text("1\n", encoding="utf-8")
    there = run("files", "put", str(tmp_path / "a.csv"), f"stage://{name}/a.csv")
    assert there.stderr.rstrip().endswith("; --overwrite replaces a file")
