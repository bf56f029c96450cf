"""What killed servers leave behind goes with the next start, and nothing else does."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVE = """
import sys
from matrixone_local import LocalServer
with LocalServer() as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


class Started:
    """A server in a process of its own, whose temporary folder is this one."""

    def __init__(self, parent):
        before = set(parent.iterdir())
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=os.environ | {"TMPDIR": str(parent)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert int(self.process.stdout.readline())
        [self.folder] = (one for one in set(parent.iterdir()) - before if one.name.startswith("matrixone-"))

    def kill(self):
        """End it as nobody can hinder, and wait until its engine has ended as well."""
        engine = int((self.folder / "engine/run/seekdb.pid").read_text())
        self.process.kill()
        self.process.communicate()
        while is_running(engine):
            pass

    def stop(self):
        self.process.communicate()
        return self.process.returncode


def is_running(pid):
    found = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() not in {"", "Z"}


@pytest.fixture
def parent(tmp_path_factory):
    return tmp_path_factory.mktemp("t")  # short: the engine's socket is within


def test_the_folder_of_a_killed_server_goes_with_the_next_start(parent):
    foreign = parent / "matrixone-of-others"  # nothing in it says that it was made by a server
    foreign.mkdir()
    killed, runs = Started(parent), Started(parent)
    try:
        killed.kill()
        assert killed.folder.exists()
        following = Started(parent)
        assert not killed.folder.exists()
        assert runs.folder.exists()
        assert following.stop() == 0
    finally:
        assert runs.stop() == 0
    assert [one.name for one in parent.iterdir() if "matrixone" in one.name] == [foreign.name]


def test_what_is_no_folder_of_ours_stays(parent, monkeypatch):
    from matrixone_local.engine import data_folder

    monkeypatch.setattr(data_folder.tempfile, "gettempdir", lambda: str(parent))
    target = parent / "target"
    target.mkdir()
    (target / "server.lock").touch()
    (parent / "matrixone-link").symlink_to(target)  # to a folder that looks like one
    linked = parent / "matrixone-linked-lock"
    linked.mkdir()
    (linked / "server.lock").symlink_to(target / "server.lock")
    (parent / "matrixone-file").touch()
    abandoned = parent / "matrixone-abandoned"
    abandoned.mkdir()
    (abandoned / "server.lock").touch()
    used = parent / "matrixone-used"
    used.mkdir()
    with (used / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = data_folder.TemporaryFolder()
    names = {one.name for one in parent.iterdir()}
    assert names == {
        "target",
        "matrixone-link",
        "matrixone-linked-lock",
        "matrixone-file",
        "matrixone-used",
        made.path.name,
    }
    assert Path(made.path, "server.lock").exists()
    monkeypatch.setattr(data_folder.os, "getuid", lambda: os.geteuid() + 1)
    data_folder.TemporaryFolder().remove()  # another user's start
    assert used.exists()
    made.remove()
    assert not made.path.exists()
