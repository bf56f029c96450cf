"""What loads send, in which order and transactions: staging, LOAD DATA alone, keys counted, files loaded once."""

import pytest
from loading_values import brief, server
from script import Driver

from matrixone_core.errors import (
    CommitUnknown,
    ConnectionLost,
    DuplicateKey,
    InvalidArgument,
    LoadFailed,
    LoadPartiallyApplied,
    NotSupported,
    PermissionDenied,
    ServerError,
    TableNotFound,
)
from matrixone_core.operations import stage_loads
from matrixone_core.session.unit_of_work import UnitOfWork

KEYS = ("`id` int NOT NULL", "`name` varchar(10) DEFAULT NULL", "PRIMARY KEY (`id`)")
LARGE = {"reached": 3}
WRONG = LoadFailed("internal error: the input value 'x' is invalid", code=20301)


def load(rules=None, *, files="a.csv", state=None, lines=KEYS, session=False, **options):
    """Load a stage's files; returns the report and the driver."""
    driver = Driver(server(rules, *lines, state=state))
    op = stage_loads.read_csv_stage("s", files, "t", **options)
    return driver.run(UnitOfWork().within(op) if session else op), driver


def failing(kind, rules, **options):
    """A load that fails; returns the error and what was sent."""
    driver = Driver(server(rules, *options.pop("lines", KEYS), state=options.pop("state", None)))
    session = options.pop("session", False)
    op = stage_loads.read_csv_stage("s", options.pop("files", "a.csv"), "t", **options)
    with pytest.raises(kind) as caught:
        driver.run(UnitOfWork().within(op) if session else op)
    return caught.value, driver.log


# -- staging -----------------------------------------------------------------------------------------------------------


def test_a_small_load_is_one_transaction():
    report, driver = load()
    assert brief(driver.log) == [
        "DROP TABLE", "begin", "CREATE TABLE", "LOAD DATA",
        "INSERT INTO", "DROP TABLE", "commit",
    ]  # fmt: skip
    assert (report.rows, report.read, report.strategy, report.lock) == (3, 3, "staging_table", "rows")
    assert [sql.split()[0] for sql in report.sql] == ["CREATE", "SELECT", "LOAD", "INSERT", "DROP"]


def test_a_larger_load_is_staged_beside_its_transaction():
    report, driver = load(state=LARGE)
    assert brief(driver.log) == [
        "DROP TABLE", "aside: SELECT table_name", "begin", "CREATE TABLE", "LOAD DATA",
        "CREATE EXTERNAL", "SELECT count(*)", "DROP TABLE", "commit",
        "begin", "INSERT INTO", "commit", "aside: DROP TABLE",
    ]  # fmt: skip
    assert report.lock == "rows"


def test_what_a_large_load_locks():
    many = {"LOAD DATA": 20_001, "INSERT INTO `t`": 20_001}
    assert load(many, state=LARGE)[0].lock == "table"
    report, driver = load({"LOAD DATA": 20_001, "INSERT INTO `t`": (20_000, 1)}, state=LARGE, lock="rows")
    assert (report.lock, report.rows) == ("rows", 20_001)
    assert [text.rpartition("WHERE ")[2].partition(" AND NOT ")[0] for text in driver.log if text.startswith("INSERT")] == [
        "s.`matrixone_row` BETWEEN 1 AND 18000", "s.`matrixone_row` BETWEEN 18001 AND 36000",
    ]  # fmt: skip


def test_files_are_staged_at_once_and_inserted_in_their_order():
    report, driver = load(files=["a.csv", "b.csv"], concurrency=2)
    assert brief(driver.log).count("begin") == 3
    assert report.rows == 6
    assert [file.path for file in report.files] == ["stage://s/a.csv", "stage://s/b.csv"]


def test_staging_tables_of_loads_that_died_are_dropped():
    names = [{"name": f"matrixone_load_{made}_ab_0"} for made in (1, 999_999, "x")]
    _, driver = load({"LIKE 'matrixone": names, "LOAD DATA": 3, "INSERT INTO `t`": 3}, state=LARGE)
    assert "aside: DROP TABLE IF EXISTS `matrixone_load_1_ab_0`" in driver.log
    assert not any("matrixone_load_999999" in text or "matrixone_load_x" in text for text in driver.log)


def test_a_staging_table_that_cannot_be_dropped_does_not_fail_the_load():
    rules = {"DROP TABLE IF EXISTS `matrixone_load": ConnectionLost("lost"), "LOAD DATA": 3, "INSERT INTO `t`": 3}
    numbers = ("`id` int NOT NULL", "`n` int DEFAULT NULL", "PRIMARY KEY (`id`)")
    assert load(rules, state=LARGE, lines=numbers)[0].rows == 3


def test_an_interruption_as_staging_tables_are_dropped_leaves_none():
    rules = {
        "DROP TABLE IF EXISTS `matrixone_load": (KeyboardInterrupt(), *[None] * 9),
        "LOAD DATA": 3,
        "INSERT INTO `t`": 3,
    }
    _, log = failing(KeyboardInterrupt, rules, files=["a.csv", "b.csv"], concurrency=2)
    dropped = [text for text in log if "DROP TABLE IF EXISTS `matrixone_load" in text]
    assert len(dropped) == 3
    assert dropped[0] == dropped[1] != dropped[2]


def without_answer(error):
    """As a driver raises it: an interruption has the lost COMMIT for its context."""
    error.__context__ = CommitUnknown("no answer to COMMIT")
    return error


@pytest.mark.parametrize("error", [CommitUnknown("no answer to COMMIT"), without_answer(KeyboardInterrupt())])
@pytest.mark.parametrize("again", [None, ServerError("it is there")])
def test_a_commit_of_staged_rows_without_an_answer_is_waited_for_before_the_drop(error, again):
    """A DROP before it would find no table, and leave the one that is committed then."""
    creates = "CREATE TABLE `matrixone_load"
    raised, log = failing(
        (KeyboardInterrupt, ConnectionLost), {creates: (None, again), "LOAD DATA": error}, state=LARGE
    )
    assert not isinstance(raised, CommitUnknown)
    assert [text.rpartition(": ")[2] for text in brief(log)[-6:]] == [
        "begin", "CREATE TABLE", "LOAD DATA", "rollback", "CREATE TABLE", "DROP TABLE",
    ]  # fmt: skip


@pytest.mark.parametrize("lost", ["LOAD DATA", "INSERT INTO `t`"])
def test_only_the_commit_of_the_table_s_rows_is_unknown(lost):
    """Staged rows whose COMMIT got no answer are no rows of the table: the load can be repeated."""
    unknown = CommitUnknown("no answer to COMMIT")
    unknown.__cause__ = OSError("broken pipe")
    raised, _ = failing(ConnectionLost, {"LOAD DATA": 3, lost: unknown}, state=LARGE)
    if lost == "LOAD DATA":
        assert raised.retryable
        assert str(raised) == "the connection broke before the table was changed, and no row is loaded: broken pipe"
    else:
        assert raised is unknown


def test_a_load_that_fails_otherwise_creates_no_table_again():
    _, log = failing(ConnectionLost, {"LOAD DATA": ConnectionLost("lost")}, state=LARGE)
    assert brief(log).count("CREATE TABLE") == 1


@pytest.mark.parametrize("state", [{}, LARGE])
def test_rows_that_were_staged_and_not_stored_fail_the_load(state):
    error, log = failing(LoadFailed, {"LOAD DATA": 3, "INSERT INTO `t`": (2, 0)}, state=state)
    assert str(error).startswith("3 rows were staged, and 2 of them stored")
    assert "rollback" in log
    assert any("DROP TABLE IF EXISTS `matrixone_load" in text for text in log) == bool(state)


def test_in_a_session_what_was_staged_goes_and_its_transaction_stays():
    error, log = failing(LoadFailed, {"LOAD DATA": 3, "INSERT INTO `t`": WRONG}, session=True)
    assert str(error) == f"stage://s/a.csv: {WRONG}"
    assert log[-2].startswith("DROP TABLE IF EXISTS `matrixone_load")
    rules = {"LOAD DATA": 3, "INSERT INTO `t`": WRONG, "DROP TABLE IF EXISTS `matrixone_load": ServerError("no")}
    error, log = failing(LoadFailed, rules, session=True)
    assert str(error) == f"stage://s/a.csv: {WRONG}"


def test_rows_of_a_load_that_failed_halfway_in_a_session_are_named():
    rules = {"LOAD DATA": 3, "INSERT INTO `t`": (3, WRONG)}
    error, _ = failing(LoadPartiallyApplied, rules, files=["a.csv", "b.csv"], lock="rows", session=True)
    assert str(error).endswith("what this load has changed is in the session's transaction: roll it back")
    error, _ = failing(LoadFailed, rules, files=["a.csv", "b.csv"], lock="rows")
    assert str(error) == f"stage://s/b.csv: {WRONG}"


# -- LOAD DATA alone ---------------------------------------------------------------------------------------------------


def test_an_unchecked_load_is_one_statement():
    report, driver = load(on_conflict="unchecked", files=["a.csv", "b.csv"])
    assert brief(driver.log)[-4:] == ["begin", "LOAD DATA", "LOAD DATA", "commit"]
    assert (report.rows, report.strategy) == (6, "load_data")


def test_an_unchecked_load_that_fails_halfway():
    rules = {"a.csv' INTO": 3, "b.csv' INTO": LoadFailed("bad", code=20300)}
    error, _ = failing(LoadFailed, rules, files=["a.csv", "b.csv"], on_conflict="unchecked")
    assert str(error) == "stage://s/b.csv: bad"
    failing(LoadPartiallyApplied, rules, files=["a.csv", "b.csv"], on_conflict="unchecked", session=True)


def test_the_table_is_emptied_in_the_transaction_of_the_load():
    _, driver = load(on_conflict="unchecked", mode="replace")
    assert brief(driver.log)[-4:] == ["begin", "TRUNCATE TABLE", "LOAD DATA", "commit"]
    _, driver = load(mode="replace")
    assert [text for text in brief(driver.log) if text in {"TRUNCATE TABLE", "INSERT INTO"}] == [
        "TRUNCATE TABLE", "INSERT INTO",
    ]  # fmt: skip


DENIED = {"DROP TABLE": PermissionDenied("no"), "LOAD DATA": 3}


PLAIN_FILE = {"hex(load_file": [{"piece0": b'1,a\n2,"b, c"\n3,"d ""e"""\n'.hex()}]}


def test_who_may_not_create_tables_has_keys_counted():
    report, driver = load({**DENIED, **PLAIN_FILE, "SELECT sum": [{"n": 2}]})
    assert brief(driver.log)[3:] == ["SELECT sum(d.n)", "LOAD DATA", "SELECT sum(d.n)", "commit"]
    assert (report.rows, report.strategy) == (3, "count_duplicates")


@pytest.mark.parametrize(("session", "kind"), [(False, DuplicateKey), (True, LoadPartiallyApplied)])
def test_keys_that_more_rows_have_than_before(session, kind):
    error, _ = failing(kind, {**DENIED, **PLAIN_FILE, "SELECT sum": ([{"n": None}], [{"n": 2}])}, session=session)
    assert "duplicate entry for the key (id): 2 of the rows have one that another row has" in str(error)


# -- keys that are there already ---------------------------------------------------------------------------------------


def test_rows_whose_keys_are_there_are_skipped_and_counted():
    report, _ = load({"LOAD DATA": 5, "SELECT sum": [{"n": 1}], "INSERT INTO `t`": 2}, on_conflict="skip")
    [file] = report.files
    assert (file.rows, file.read, file.skipped, file.duplicates) == (2, 5, 2, 1)
    assert "min(matrixone_number)" in "".join(report.sql)


def test_rows_that_give_way_are_counted():
    report, _ = load({"LOAD DATA": 5, "SELECT sum": [{"n": 0}], "REPLACE INTO `t`": 7}, on_conflict="replace")
    assert (report.rows, report.replaced, report.duplicates_in_file) == (5, 2, 0)


def test_rows_that_replace_stored_nothing():
    error, _ = failing(
        LoadFailed, {"LOAD DATA": 5, "SELECT sum": [{"n": 0}], "REPLACE INTO `t`": 4}, on_conflict="replace"
    )
    assert str(error).startswith("5 rows were staged, and 4 of them stored")


def test_rows_that_are_changed_are_counted():
    rules = {"LOAD DATA": 5, "SELECT sum": [{"n": 1}], "SELECT count(*)": [{"n": 2}], "INSERT INTO `t`": 9}
    report, driver = load(rules, on_conflict="update")
    assert (report.rows, report.updated, report.duplicates_in_file) == (4, 2, 1)
    assert len([text for text in driver.log if text.startswith("INSERT")]) == 1


def test_columns_that_are_not_updated_are_the_first_rows():
    rules = {"LOAD DATA": 5, "SELECT sum": [{"n": 1}], "SELECT count(*)": [{"n": 2}], "INSERT INTO `t`": 4}
    _, driver = load(rules, on_conflict=["name"])
    first, last = [text for text in driver.log if text.startswith("INSERT")]
    assert "min(matrixone_number)" in first
    assert "max(matrixone_number)" in last


def test_rows_that_share_either_of_two_keys():
    lines = (*KEYS, "UNIQUE KEY `n` (`name`)")
    rules = {
        "LOAD DATA": 5,
        "SELECT sum": ([{"n": 1}], [{"n": 2}]),
        "SELECT count(*)": [{"n": 2}],
        "INSERT INTO `t`": 2,
    }
    report, _ = load(rules, lines=lines, on_conflict="skip")
    assert (report.rows, report.skipped, report.duplicates_in_file) == (2, 0, 3)


# -- once --------------------------------------------------------------------------------------------------------------

FILE = {"length(load_file": [{"length": 4}], "md5(": [{"piece0": "d1"}]}
ENTER = "INTO `matrixone_loads`"


def test_a_file_is_entered_in_the_transaction_of_its_rows():
    report, driver = load({**FILE, "LOAD DATA": 3, "INSERT INTO `t`": 3}, once=True)
    sent = brief(driver.log)
    assert sent[sent.index("begin") :] == [
        "begin", "CREATE TABLE", "LOAD DATA", "INSERT INTO", "INSERT INTO", "UPDATE `matrixone_loads`",
        "DROP TABLE", "commit",
    ]  # fmt: skip
    assert report.files[0].bytes == 4


def test_a_file_that_was_entered_before_is_not_read():
    def entered(statement):
        return [{"id": one} for one in statement.ids]

    report, driver = load({**FILE, "SELECT id FROM": entered}, once=True)
    assert report.files[0].already_loaded
    assert "LOAD DATA" not in brief(driver.log)
    report, _ = load({**FILE, "SELECT id FROM": entered, "LOAD DATA": 3, "INTO `t`": 3}, once=True, force=True)
    assert report.rows == 3


def test_a_file_that_another_load_has_entered_meanwhile_is_left_out():
    report, _ = load({**FILE, "LOAD DATA": 3, ENTER: DuplicateKey("there")}, once=True)
    assert (report.files[0].already_loaded, report.rows) == (True, 0)


def test_the_ledger_is_created_where_there_is_none():
    rules = {**FILE, "SELECT id FROM": TableNotFound("none"), "LOAD DATA": 3, "INTO `t`": 3}
    _, driver = load(rules, once=True)
    assert any(text.startswith("aside: CREATE TABLE IF NOT EXISTS `matrixone_loads`") for text in driver.log)
    _, driver = load(
        {**rules, "CREATE TABLE IF NOT EXISTS": PermissionDenied("no")}, once=True, ledger_database="books"
    )
    assert any("`books`.`matrixone_loads`" in text for text in driver.log)


def test_in_a_session_the_entry_of_a_load_that_failed_goes():
    rules = {**FILE, "LOAD DATA": 3, "INSERT INTO `t`": WRONG}
    _, log = failing(LoadFailed, rules, once=True, session=True)
    assert any(text.startswith("DELETE FROM `matrixone_loads`") for text in log)
    _, log = failing(LoadFailed, rules, once=True)
    assert not any(text.startswith("DELETE FROM `matrixone_loads`") for text in log)


def test_a_file_is_known_by_a_key_that_the_caller_gives():
    report, driver = load({"LOAD DATA": 3, "INTO `t`": 3}, once="monday")
    assert report.files[0].bytes is None
    assert any("'monday', -1, ''" in text for text in driver.log)
    error, _ = failing(InvalidArgument, None, files=["a.csv", "b.csv"], once="monday")
    assert str(error) == "once='monday' is the key of one file, and there are 2"


# -- what a session cannot undo ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "says"), [({"purge": True}, "remove them after the commit"), ({"validate": True}, "validate outside")])  # fmt: skip
def test_what_a_session_could_not_undo(options, says):
    error, log = failing(NotSupported, None, session=True, **options)
    assert says in str(error)
    assert "LOAD DATA" not in brief(log)
