"""What every load does: ask, say what cannot be, load all files or each, purge, report."""

import pytest
from loading_values import brief, server
from script import Driver

from matrixone_core.errors import (
    InvalidArgument,
    LoadFailed,
    NotSupported,
    PermissionDenied,
    ServerError,
    StageDisabled,
    StageFileNotFound,
    StageNotFound,
    TableNotFound,
)
from matrixone_core.loading.monitoring.events import LoadFinished, LoadStarted
from matrixone_core.loading.plan import PROBED_BYTES
from matrixone_core.operations import stage_loads
from matrixone_core.secrets import Secret
from matrixone_core.session.unit_of_work import UnitOfWork

STAGE = {"stage_name": "s", "url": "file:///a/", "stage_credentials": "", "stage_status": "enabled", "created": None, "comment": ""}  # fmt: skip
QUESTION = "AS current_database"
KNOWN = {"now": 1, "current_database": "d", "in_use": 1, "reached": None, "stage_name": None}


def load(rules=None, files="a.csv", state=None, session=False, **options):
    answers = server({**(rules or {}), "LOAD DATA": 3, "INSERT INTO `t`": 3}, state=state)
    for text in {QUESTION} & {*(rules or {})}:
        answers.rules[text] = list(rules[text])
    driver = Driver(answers)
    op = stage_loads.read_csv_stage("s", files, "t", **options)
    return driver.run(UnitOfWork().within(op) if session else op), driver


# -- what is asked beforehand ------------------------------------------------------------------------------------------


def test_one_question_tells_of_the_stage_the_table_and_how_long_the_file_is():
    _, driver = load()
    assert [f"offset={offset}&" in driver.log[0] for offset in PROBED_BYTES] == [True] * len(PROBED_BYTES)
    _, driver = load({"hex(load_file": [{"piece0": "1f"}]}, compression="gzip")
    assert [f"offset={offset}&" in driver.log[0] for offset in PROBED_BYTES] == [True, False, False]
    _, driver = load(files=["a.csv", "b.csv"])
    assert "offset=" not in driver.log[0]


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ({"stage_status": "disabled"}, StageDisabled, "the stage 's' is disabled; client.stage.alter.name, enable=True. enables it"),
        ({"stage_name": None}, StageNotFound, "there is no stage 's'"),
    ],
)  # fmt: skip
def test_a_stage_that_cannot_be_read(state, kind, says):
    with pytest.raises(kind, match=says):
        load(state=state)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(StageFileNotFound, match=r"^stage://s/a\.csv: none"):
        load({QUESTION: (StageFileNotFound("none"),)})
    with pytest.raises(StageFileNotFound, match=r"^stage://s/a\.csv: none"):
        Driver(server({"LOAD DATA": StageFileNotFound("none")})).run(stage_loads.read_csv_stage("s", "a.csv", "t"))


def test_who_may_not_read_the_catalogue_is_shown_the_stage():
    """The stage is then asked for by itself, and how long the file is stays open."""
    shown = {"STAGE_NAME": "s", "URL": "file:///a/", "STATUS": "enabled", "COMMENT": ""}
    rules = {
        QUESTION: (PermissionDenied("no"), [KNOWN]),
        "FROM mo_catalog.mo_stages": PermissionDenied("no"),
        "SHOW STAGES": [shown],
    }
    report, driver = load(rules)
    assert report.rows == 3
    assert driver.log[1].startswith("SELECT a.*, s.* FROM (SELECT unix_timestamp() AS now")


READABLE = ([KNOWN | STAGE],)


@pytest.mark.parametrize(
    ("pieces", "asked"),
    [(([{"piece0": "31"}], [{"piece0": ""}]), 2), (ServerError("range is not satisfiable"), 1), (ServerError("PROVIDER not found"), 1)],
)  # fmt: skip
def test_a_file_whose_length_cannot_be_asked_with_the_rest(pieces, asked):
    """On S3 a range past its end ends the question (server-facts 60); some stages load, and cannot be read (9)."""
    rules = {QUESTION: (ServerError("range is not satisfiable"), *READABLE), "hex(load_file": pieces}
    report, driver = load(rules)
    assert report.rows == 3
    assert sum("hex(load_file" in text for text in driver.log) == asked


def test_what_ends_the_question_for_another_reason():
    rules = {QUESTION: (ServerError("range is not satisfiable"), *READABLE), "hex(load_file": StageFileNotFound("none")}
    with pytest.raises(StageFileNotFound, match="none"):
        load(rules)
    with pytest.raises(ServerError, match="broken"):
        load({QUESTION: (ServerError("broken"),)}, files=["a.csv", "b.csv"])


def test_a_table_that_is_not_there():
    with pytest.raises(TableNotFound):
        load({QUESTION: (TableNotFound("none"),)})


# -- all files or each -------------------------------------------------------------------------------------------------


def test_each_file_by_itself():
    rules = {"b.csv' INTO": LoadFailed("bad", code=20300)}
    with pytest.raises(
        LoadFailed, match=r"1 of 3 files could not be loaded, the others are; stage://s/b\.csv: LoadFailed: "
    ) as caught:
        load(rules, files=["a.csv", "b.csv", "c.csv"], atomic=False)
    assert [(file.rows, file.error is None) for file in caught.value.report.files] == [(3, True), (0, False), (3, True)]


@pytest.mark.parametrize("session", [True, False])
def test_what_is_done_to_the_table_comes_once_before_files_by_themselves(session):
    names = [{"name": "id"}]
    rules = {"hex(load_file": [{"piece0": b"id,name,more\n1,a,7\n".hex()}], "information_schema": names}
    _, driver = load(
        rules, files=["a.csv", "b.csv"], atomic=False, extra_columns="add", header="match", session=session
    )
    assert [text for text in driver.log if text.startswith("ALTER")] == ["ALTER TABLE `t` ADD COLUMN `more` BIGINT"]


def test_a_list_of_no_files():
    with pytest.raises(InvalidArgument, match="the list of files is empty"):
        load(files=[])


def test_a_pattern_that_matches_nothing():
    report, driver = load(files="*.csv", allow_empty=True)
    assert (report.files, report.rows) == ((), 0)
    assert "begin" not in driver.log
    with pytest.raises(StageFileNotFound, match=r"no file matches 'stage://s/\*\.csv'"):
        load(files="*.csv")
    report, _ = load({"stage_list": [{"file": "/a/x.csv"}]}, files=["*.csv", "x.csv"])
    assert [file.path for file in report.files] == ["stage://s/x.csv"]


# -- afterwards --------------------------------------------------------------------------------------------------------


def test_files_are_removed_once_their_rows_are_committed():
    _, driver = load(purge=True)
    assert driver.log[-1] == "aside: REMOVE FILES FROM STAGE IF EXISTS 'stage://s/a.csv'"
    assert "commit" in driver.log
    rules = {"b.csv' INTO": LoadFailed("bad", code=20300)}
    driver = Driver(server({**rules, "LOAD DATA": 3, "INSERT INTO `t`": 3}))
    with pytest.raises(LoadFailed):
        driver.run(stage_loads.read_csv_stage("s", ["a.csv", "b.csv"], "t", atomic=False, purge=True))
    assert [text for text in driver.log if "REMOVE" in text] == [
        "aside: REMOVE FILES FROM STAGE IF EXISTS 'stage://s/a.csv'"
    ]


def test_events_of_a_load():
    events = []
    report, _ = load(progress=events.append)
    assert isinstance(events[0], LoadStarted)
    finished = next(event for event in events if isinstance(event, LoadFinished))
    assert (finished.report, finished.error) == (report, None)
    events.clear()
    with pytest.raises(TableNotFound):
        load({"LOAD DATA INFILE": TableNotFound("none")}, progress=events.append)
    assert isinstance(next(event for event in events if isinstance(event, LoadFinished)).error, TableNotFound)


def test_a_limit_is_one_of_each_statement():
    _, driver = load(timeout=2)
    statements = [line for line in driver.log if line not in {"begin", "commit"}]
    assert driver.limits == [2.0] * len(statements)
    assert load()[1].limits == []


def test_secrets_are_in_no_report():
    stage = KNOWN | STAGE | {"stage_credentials": Secret("AWS_SECRET_KEY=hush")}
    report, _ = load({QUESTION: ([stage],)})
    assert "hush" not in str(report.to_dict())


def test_a_load_with_validation_in_a_session():
    with pytest.raises(NotSupported):
        load(validate=True, session=True)


def test_a_table_that_is_to_be_created_and_its_own_question():
    """Of a table that is not there nothing can be asked; the question is asked again without it."""
    data = {"hex(load_file": [{"piece0": b"1,a\n".hex()}]}
    report, driver = load({QUESTION: (TableNotFound("none"), [KNOWN | STAGE]), **data}, create=True)
    assert "CREATE TABLE" in brief(driver.log)
    assert report.rows == 3
