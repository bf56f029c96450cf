"""Questions about tables, and what is asked of one before each load."""

import pytest
from script import rows

from matrixone_core.sql.table import ColumnNames, SelectLoadState, TablesLike


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (TablesLike((), "a_b"), "SELECT table_name AS name FROM information_schema.tables WHERE table_schema=DATABASE() AND table_name LIKE 'a\\\\_b%'"),
        (ColumnNames(("D", "T")), "SELECT column_name AS name FROM information_schema.columns WHERE table_schema='d' AND table_name='t' ORDER BY ordinal_position"),
    ],
)  # fmt: skip
def test_statements(statement, sql):
    assert str(statement) == sql


def test_what_is_asked_before_a_load_is_one_statement():
    row = {
        "now": "7", "current_database": "d", "in_use": 0, "reached": 2, "stage_name": "s", "url": "file:///a/",
        "stage_credentials": "", "stage_status": "in_use", "created": None, "comment": "",
    }  # fmt: skip
    question = SelectLoadState(("d", "t"), "s", "stage://s/a", (10, 20))
    assert "load_file(CAST('stage://s/a?offset=20&size=1' AS datalink)) IS NULL THEN 0 ELSE 1 END AS reached" in str(
        question
    )
    state = question.parse(rows(row))
    assert (state.stage.name, state.in_use, state.reached, state.now, state.database) == ("s", False, 2, 7, "d")
    nothing = SelectLoadState(None).parse(rows({**row, "in_use": 1, "stage_name": None, "reached": None}))
    assert (nothing.stage, nothing.in_use, nothing.reached) == (None, True, 0)  # server-facts 61
