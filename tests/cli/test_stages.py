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


def test_stages_that_are_there(run, unique, tmp_path):
    name = unique()
    created = run("stage", "create-local", name, f"{tmp_path}/", "--if-not-exists", "--comment", "c")
    assert (created.exit_code, created.stdout) == (0, f"file://{tmp_path}/\n")
    present = run("stage", "create-local", name, f"{tmp_path}/other/", "--if-not-exists", "--comment", "d")
    assert (present.exit_code, present.stdout) == (0, f"file://{tmp_path}/\n")
    inner = unique()
    for _ in range(2):
        created = run("stage", "create", inner, f"stage://{name}/in/", "--if-not-exists")
        assert (created.exit_code, created.stdout) == (0, f"stage://{name}/in/\n")
    taken = run("stage", "create", inner, f"stage://{name}/in/")
    assert (taken.exit_code, taken.stdout) == (ExitCode.DATA, "")
    assert "(--if-not-exists) leaves it" in taken.stderr
    bucket = run("stage", "create", unique(), "s3://bucket/path/")
    assert (bucket.exit_code, "create-s3 NAME BUCKET PATH" in bucket.stderr) == (ExitCode.USAGE, True)


def test_stages_of_buckets(run, unique, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    name = unique()
    command = ["stage", "create-s3", name, "bucket", "in/", "--endpoint", "http://127.0.0.1:1", "--provider", "cos"]
    for _ in range(2):
        created = run(*command, "--if-not-exists")
        assert (created.exit_code, created.stdout) == (0, "s3://bucket/in/\n")
    assert run("stage", "check", name, "--timeout", "1").exit_code == ExitCode.USAGE
    assert run("stage", "drop", name).exit_code == 0


def test_remedies_name_commands(run, unique, tmp_path):
    name, missing = unique(), unique()
    assert run("stage", "create-local", name, f"{tmp_path}/").exit_code == 0
    taken = run("stage", "create-local", name, f"{tmp_path}/")
    assert taken.stderr.rstrip().endswith(
        "; IF NOT EXISTS (--if-not-exists) leaves it as it is, `matrixone stage alter` changes it"
    )
    absent = run("stage", "alter", missing, "--comment", "c")
    assert absent.stderr == f"matrixone: there is no stage '{missing}'; `matrixone stage ls` shows the stages\n"
    (tmp_path / "a.csv").write_text("1\n", encoding="utf-8")
    there = run("files", "put", str(tmp_path / "a.csv"), f"stage://{name}/a.csv")
    assert there.stderr.rstrip().endswith("; --overwrite replaces a file")
