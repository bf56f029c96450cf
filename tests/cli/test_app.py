"""The command as a whole: its page, wrong arguments, passwords, the servers."""

import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from matrixone_cli.app import cli
from matrixone_cli.exits import ExitCode
from matrixone_core.operations import clone, exports, pitr, restore, snapshots, stage_check, stages


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
        (("sql", "-d", "app", "SELECT 1"), "-d goes before the command: `matrixone -d … sql …`"),
        (("stage", "ls", "--url", "mysql://h"), "--url goes before the command: `matrixone --url … stage ls …`"),
        (("stage", "--database", "app", "ls"), "--database goes before the command"),
        (("stage", "ls", "--password", "secret"), "--password-file"),
        (("stage", "ls", "--nonsense"), "No such option"),
        (("--url", "127.0.0.1:6001", "stage", "ls"), "does not begin with mysql://"),
        (("load", "stage:/s/a.csv", "--into", "t"), "give stage://STAGE/PATH"),
        (("--ask-password", "stage", "ls"), "no password in the input"),
    ],
)
def test_wrong_arguments(run, arguments, words):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (ExitCode.USAGE, "")
    assert words in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("command", "functions", "left_out"),
    [
        ("stage ls", [stages.list_], set()),
        ("stage create", [stages.create], {"credentials"}),  # secrets are in no argument
        ("stage create-local", [stages.create_local], set()),
        ("stage create-s3", [stages.create_s3], {"aws_key_id", "aws_secret_key"}),
        ("stage alter", [stages.alter], set()),
        ("stage drop", [stages.drop], set()),
        ("stage check", [stage_check.check], set()),
        ("snapshot ls", [snapshots.list_], set()),
        ("snapshot create", [snapshots.create], {"level"}),  # the other options say it
        ("snapshot drop", [snapshots.drop], set()),
        ("snapshot prune", [snapshots.prune], set()),
        ("restore database", [restore.database], set()),
        ("restore table", [restore.table], set()),
        ("restore account", [restore.account], set()),
        ("clone database", [clone.database], set()),
        ("clone table", [clone.table], set()),
        ("pitr ls", [pitr.list_], set()),
        ("pitr create", [pitr.create], set()),
        ("pitr alter", [pitr.alter], set()),
        ("pitr drop", [pitr.drop], set()),
        ("export", [exports.to_stage, exports.to_file], {"stage", "file", "progress"}),
    ],
)
def test_the_options_of_a_command_are_those_of_python(command, functions, left_out):
    found = cli
    for name in command.split():
        found = found.commands[name]
    names = {"span": "range", "file_format": "format"}
    options = {names.get(option.name, option.name) for option in found.params} - {"output"}
    assert options == set().union(*(inspect.signature(function).parameters for function in functions)) - left_out


@pytest.mark.parametrize("command", [[], *([name] for name, each in cli.commands.items() if hasattr(each, "commands"))])
def test_lists_of_commands_have_whole_sentences(command):
    shown = CliRunner().invoke(cli, [*command, "--help"]).stdout
    assert "..." not in shown.partition("Commands:")[2]


def test_no_server():
    done = CliRunner().invoke(cli, ["stage", "ls"], env={"MATRIXONE_URL": "mysql://root@127.0.0.1:1/"})
    assert done.exit_code == ExitCode.CONNECTION
    assert "127.0.0.1:1" in done.stderr
    assert done.stderr.endswith("; is the server running? `matrixone serve` starts a local one\n")


def test_a_host_without_an_address():
    done = CliRunner().invoke(cli, ["--url", "mysql://root@there.invalid:6001/", "stage", "ls"])
    assert done.exit_code == ExitCode.CONNECTION
    assert done.stderr.endswith("; check the host's name in --url or MATRIXONE_URL\n")


def test_passwords(matrixone_url, tmp_path, monkeypatch):
    login, _, address = matrixone_url.removeprefix("mysql://").partition("@")
    user, _, password = login.partition(":")
    url = f"mysql://{user}@{address}"
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("nonsense\n")
    right.write_text(f"{password}\n")
    refused = CliRunner().invoke(cli, ["--url", url, "--password-file", str(wrong), "sql", "SELECT 1"])
    assert refused.exit_code == ExitCode.CONNECTION
    assert refused.stderr.endswith(
        "which is that of MATRIXONE_PASSWORD, of MATRIXONE_URL, of --password-file or of --ask-password\n"
    )
    assert CliRunner().invoke(cli, ["--url", url, "--password-file", str(right), "sql", "SELECT 1"]).exit_code == 0
    asked = CliRunner().invoke(cli, ["--url", url, "--ask-password", "sql", "SELECT 1"], input=f"{password}\n")
    assert (asked.exit_code, password in asked.output) == (0, False)
    for content, words in ((b"", "is empty"), (b"\xff\n", "not UTF-8")):
        wrong.write_bytes(content)
        refused = CliRunner().invoke(cli, ["--url", url, "--password-file", str(wrong), "sql", "SELECT 1"])
        assert (refused.exit_code, words in refused.stderr) == (ExitCode.USAGE, True)


def test_databases_that_are_not_there_or_not_named(run, unique, monkeypatch):
    absent = run("-d", unique(), "sql", "SELECT 1")
    assert absent.exit_code == ExitCode.CONNECTION
    assert absent.stderr.endswith("; `CREATE DATABASE` creates it, by `matrixone sql` without --database\n")
    monkeypatch.delenv("MATRIXONE_DATABASE")
    unnamed = run("sql", "SELECT * FROM t")
    assert unnamed.exit_code == ExitCode.DATA
    assert unnamed.stderr.endswith("; name the table as 'database.table', or give --database before the command\n")


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
