"""What a load reports while it runs: events, and who is given them."""

from script import Driver, MemoryMachine, Server

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.monitoring import events
from matrixone_core.loading.monitoring.observer import STALLED_SECONDS, LoadObserver, find_receiver
from matrixone_core.results import BadRow, LoadedFile, LoadReport


class Terminal(MemoryMachine):
    """A machine whose bar is `print`."""

    def progress_bar(self):
        return print


def found(progress, machine):
    return Driver(Server({}), machine).run(find_receiver(progress))


def test_who_is_given_the_events():
    assert found(repr, Terminal()) is repr
    assert found(False, Terminal()) is None
    assert found(True, Terminal()) is print
    assert found(True, MemoryMachine()) is None


def test_bytes_are_reported_as_they_pass_and_silence_after_a_while():
    passed = iter([5, 5, 5, 5, 5, 9])
    watched = LoadObserver("t", ("a",), 10, lambda: next(passed), print)
    sent = watched.poll(1.0)
    assert (type(sent), sent.bytes, sent.total) == (events.BytesSent, 5, 10)
    assert watched.poll(STALLED_SECONDS) is None
    stalled = watched.poll(1 + STALLED_SECONDS)
    assert (type(stalled), stalled.seconds) == (events.LoadStalled, STALLED_SECONDS)
    assert watched.poll(2 + STALLED_SECONDS) is None
    assert watched.poll(1 + 2 * STALLED_SECONDS).seconds == 2 * STALLED_SECONDS
    assert watched.poll(2 + 2 * STALLED_SECONDS).bytes == 9


def test_the_record_of_a_load_that_failed(caplog):
    row = BadRow("a", 3, "x", "secret", "no number: secret")
    refused = LoadFailed("a, line 3, column 'x', value 'secret'", code=20203)
    refused.row = row
    files = tuple(f"f{number}" for number in range(12))
    with caplog.at_level("INFO", "matrixone.load"):
        for error in (refused, LoadFailed("secret"), ValueError("secret")):
            Driver(Server({}), MemoryMachine()).run(
                LoadObserver("t", files, None, int, None).finished(None, error, 0.5)
            )
    start = "f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 2 more -> t: failed after 0.50 s: "
    assert [record.getMessage() for record in caplog.records] == [
        f"{start}LoadFailed 20203 at a, line 3, column 'x'", f"{start}LoadFailed", f"{start}ValueError",
    ]  # fmt: skip


# -- reports -----------------------------------------------------------------------------------------------------------


def test_a_report_in_words():
    one = LoadReport("t", (LoadedFile("a", 3, 5, skipped=2),), 0.5)
    assert str(one) == "a -> t: 3 rows in 0.50 s, 2 skipped"
    files = (
        LoadedFile("stage://s/a", 1, 1, replaced=1), LoadedFile("b", error="LoadFailed: no"),
        LoadedFile("c", already_loaded=True),
    )  # fmt: skip
    several = LoadReport("d.t", files, 0.5, rejects=(BadRow("b", 3, "x", "v" * 200, "no number"),))
    assert str(several).splitlines() == [
        "3 files -> d.t: 1 row in 0.50 s, 1 file failed", "file         rows", "stage://s/a     1  1 replaced",
        "b               0  LoadFailed: no", "c               0  loaded before",
    ]  # fmt: skip
    assert several.failed == (files[1],)
    assert (several.rows, several.read, several.rows_per_second) == (1, 1, 2.0)
    assert (several.replaced, several.bytes) == (None, None)
    assert LoadReport("t", (), 0.0).rows_per_second == 0.0


def test_a_report_in_a_notebook_and_as_plain_values():
    report = LoadReport(
        "<t>", (LoadedFile("a", error="LoadFailed: <no>"),), 0.5, rejects=(BadRow("b", 3, None, None, "bad"),)
    )
    shown = report._repr_html_()
    assert shown.startswith("<table><caption>&lt;t&gt;: 0 rows")
    assert "<td>LoadFailed: &lt;no&gt;</td>" in shown
    plain = report.to_dict()
    assert (plain["rows"], plain["files"][0]["already_loaded"], plain["rejects"][0]["line"]) == (0, False, 3)


def test_a_bad_row_in_words():
    assert str(BadRow("b", None, None, None, "why")) == "b: why"
    shown = str(BadRow("b", 1234, "x", "v" * 200, "no number", unit="row"))
    assert shown.startswith("b, row 1,234, column 'x', value 'vvv")
    assert shown.endswith("vvv…: no number")
    assert (
        shown.count("v") == 1 + 198
    )  # of "value", and of the value, which has 200 characters with its quote and its end
