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
