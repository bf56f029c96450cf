"""Snapshots, restores, clones and point-in-time recoveries."""

import json

from matrixone_cli.exits import ExitCode


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
    taken = run("clone", "database", copy, database)
    assert taken.stderr == f"matrixone: database {copy} already exists; --if-not-exists leaves it as it is\n"
    taken = run("sql", f"CREATE DATABASE {copy}")
    assert taken.stderr.endswith(
        "; take another name; CREATE DATABASE IF NOT EXISTS leaves an existing one unchanged\n"
    )
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
    taken = run("clone", "database", copy, database)
    assert taken.stderr == f"matrixone: database {copy} already exists; --if-not-exists leaves it as it is\n"
    taken = run("sql", f"CREATE DATABASE {copy}")
    assert taken.stderr.endswith(
        "; take another name; CREATE DATABASE IF NOT EXISTS leaves an existing one unchanged\n"
    )
    assert run("sql", f"DROP DATABASE {copy}").exit_code == 0


def test_point_in_time_recoveries(run, table, database, unique, other_client):
    name = unique("pitr")
    try:
        assert run("pitr", "create", name, "--range", "2h", "--database", database).stdout == f"{name}\n"
        assert run("pitr", "create", name, "--range", "2h", "--database", database, "--if-not-exists").exit_code == 0
        assert run("pitr", "alter", name, "--range", "3d").exit_code == 0
        found = {row["name"]: row for row in json.loads(run("pitr", "ls", "-o", "json").stdout)}
        assert (found[name]["range"], found[name]["level"], found[name]["database"]) == ("3d", "database", database)
        for arguments, count in ((("--database", database), 1), (("--level", "account"), 0), (("--table", "t"), 0)):
            assert len(json.loads(run("pitr", "ls", name, *arguments, "-o", "json").stdout)) == count
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
