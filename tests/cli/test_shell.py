"""The interactive shell, on a terminal."""

import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time

import pytest
from proxy import Proxy

from matrixone_cli.exits import ExitCode
from matrixone_cli.shell import CONTINUED, PROMPT

UP, END = b"\x10", b"\x04"  # Ctrl-P: the line before; Ctrl-D
SECONDS = 60  # until a test gives up waiting


class Terminal:
    """A terminal with the shell on it."""

    def __init__(self, home):
        self.shown = ""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "matrixone_cli", "sql", "-o", "csv"], stdin=theirs, stdout=theirs, stderr=theirs,
            env=os.environ | {"HOME": str(home), "TERM": "dumb", "INPUTRC": os.devnull}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def wait_for(self, text):
        """Read until a text has been shown; returns what came before it."""
        ends = time.monotonic() + SECONDS
        while text not in self.shown:
            assert time.monotonic() < ends, self.shown
            self._read(1)
        before, _, self.shown = self.shown.partition(text)
        return before

    def interrupt(self):
        """Send Ctrl-C until the shell says so: Python does not see one that comes right before it waits for a key."""
        ends = time.monotonic() + SECONDS
        while "interrupted" not in self.shown:
            assert time.monotonic() < ends, self.shown
            self.process.send_signal(signal.SIGINT)
            self._read(0.5)

    def _read(self, seconds):
        if select.select([self._ours], [], [], seconds)[0]:
            self.shown += os.read(self._ours, 65536).decode().replace("\r", "")

    def type(self, line, prompt=PROMPT):
        """Type a line once the shell asks for one; returns what it has shown until then."""
        before = self.wait_for(prompt)
        os.write(self._ours, line if isinstance(line, bytes) else f"{line}\n".encode())
        return before

    def end(self):
        """Return the shell's exit code."""
        code = self.process.wait(SECONDS)
        os.close(self._ours)
        return code


@pytest.fixture
def open_shell(matrixone_url, database, monkeypatch, tmp_path):
    monkeypatch.setenv("MATRIXONE_URL", matrixone_url)
    monkeypatch.setenv("MATRIXONE_DATABASE", database)
    opened = []

    def open_shell():
        opened.append(Terminal(tmp_path))
        return opened[-1]

    yield open_shell
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()


def test_what_is_no_statement_is_an_error_and_the_next_one_is_read(open_shell):
    shell = open_shell()
    shell.type("help;")
    assert "error: " in shell.type("SELECT")
    shell.type("6 * 7 AS answer;", CONTINUED)
    assert "answer\n42\n" in shell.type("quit;")
    assert shell.end() == ExitCode.OK


def test_statements_are_stored_for_the_next_time(open_shell, tmp_path):
    shell = open_shell()
    shell.type("SELECT 40 + 2 AS answer;")
    shell.type("CREATE USER IF NOT EXISTS u_of_nobody IDENTIFIED BY 'hush123' WITH nonsense;")
    shell.type(END)
    assert shell.end() == ExitCode.OK
    history = tmp_path / ".matrixone_history"
    assert history.read_text().splitlines() == ["SELECT 40 + 2 AS answer;"]  # no statement with a secret
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    shell = open_shell()
    shell.type(UP + b"\n")
    assert "answer\n42\n" in shell.type("exit")
    assert shell.end() == ExitCode.OK
    assert history.read_text().splitlines() == ["SELECT 40 + 2 AS answer;"] * 2


def test_a_history_that_cannot_be_stored(open_shell, tmp_path):
    (tmp_path / ".matrixone_history").mkdir()
    shell = open_shell()
    shell.type("SELECT 42 AS answer;")
    assert "answer\n42\n" in shell.type("exit")
    assert shell.end() == ExitCode.OK


def test_ctrl_c_drops_what_was_typed(open_shell):
    shell = open_shell()
    shell.type("SELECT 1 +")
    shell.wait_for(CONTINUED)
    shell.interrupt()
    shell.type("SELECT 42 AS answer;")
    assert "answer\n42\n" in shell.type("exit")
    assert shell.end() == ExitCode.OK


def test_ctrl_c_stops_the_statement_that_runs(open_shell, database, session_admin):
    shell = open_shell()
    shell.type(f"SELECT sleep(100), '{database}_sleeps';")
    _wait_for_statement(session_admin, f"{database}_sleeps")
    shell.process.send_signal(signal.SIGINT)
    assert "interrupted" in shell.type("SELECT 42 AS answer;")
    assert not _statements(session_admin, f"{database}_sleeps")
    assert "answer\n42\n" in shell.type("exit")
    assert shell.end() == ExitCode.OK


def test_a_connection_that_is_lost_ends_the_shell(open_shell, matrixone_url, monkeypatch):
    proxy = Proxy(matrixone_url)
    proxy.rule = lambda statement, before: "send and cut" if "cut" in statement else "pass"
    monkeypatch.setenv("MATRIXONE_URL", proxy.url)
    shell = open_shell()
    shell.type("SELECT 'cut';")
    shell.wait_for("matrixone: ")
    assert shell.end() == ExitCode.CONNECTION
    proxy.close()


def _wait_for_statement(client, mark):
    ends = time.monotonic() + SECONDS
    while not (found := _statements(client, mark)):
        assert time.monotonic() < ends
    return found


def _statements(client, mark):
    """The ids of the connections that run a statement with this mark."""
    running = (
        "SELECT conn_id FROM information_schema.processlist WHERE info LIKE :mark AND info NOT LIKE '%processlist%'"
    )
    return client.execute(running, {"mark": f"%{mark}%"}).scalars().all()
