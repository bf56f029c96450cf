"""The bar at a terminal."""

import io
import sys

import pytest

from matrixone_core.errors import LoadFailed, NotSupported
from matrixone_core.loading.monitoring import events
from matrixone_core.results import LoadedFile, LoadReport
from matrixone_platform import machine, progress_bar
from matrixone_platform.machine import LocalMachine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_for_people_at_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert LocalMachine().progress_bar() is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert LocalMachine().progress_bar() is progress_bar.show


def test_a_bar_needs_rich(monkeypatch):
    def missing(_name):
        raise ImportError

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(machine, "import_module", missing)
    with pytest.raises(NotSupported, match=r"pip install matrixone\[progress\]"):
        LocalMachine().progress_bar()


def test_the_bar_shows_each_event(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    report = LoadReport("t", (LoadedFile("a", 1_000, 1_000),), 1.0)
    for event in (
        events.LoadStarted(1, "one", ("stage://s/of [red]/a[1].csv",), 10), events.LoadStarted(2, "many", ("a", "b"), None),
        events.BytesSent(1, "one", 5_000_000, 10), events.FileLoaded(1, "one", report.files[0], 1, 1),
        events.FileLoaded(2, "many", report.files[0], 1, 2), events.LoadStalled(2, "many", 12.0),
        events.LoadFinished(1, "one", report, None), events.LoadFinished(2, "many", None, LoadFailed("no")),
    ):  # fmt: skip
        progress_bar.show(event)
    assert "a[1].csv -> one" in shown.getvalue()
    assert "2 files -> many" in shown.getvalue()
    assert "failed" in shown.getvalue()
