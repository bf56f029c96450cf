"""What only happens at the edges of loads: files that end early, servers that do not answer."""

import pytest
from loading_values import file, request, server, table
from script import Driver

from matrixone_core.errors import LoadFailed, ServerError
from matrixone_core.loading.inputs.transforms import raise_bad_row
from matrixone_core.loading.mapping import map_columns
from matrixone_core.loading.row_checks import silent_changes
from matrixone_core.loading.strategies.location import find_refused_field
from matrixone_core.operations import stage_loads
from matrixone_core.results import BadRow
from matrixone_core.sql.staging import StagedRow


def test_only_zeros_are_numbered(mapping):
    change = silent_changes(mapping("`id` int NOT NULL AUTO_INCREMENT", "PRIMARY KEY (`id`)"))[0]
    assert [change.reason(value) is None for value in (b"5", b"0", b" 00", b"0x0", None)] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_json_that_is_refused_is_distinguished_from_json_that_is_not(mapping):
    columns = mapping("`a` json DEFAULT NULL", "`b` json DEFAULT NULL")
    row = StagedRow(1, (b'{"x": 1}', b"{x"))
    assert find_refused_field(columns, row, LoadFailed("invalid input: json text {x")).name == "b"


@pytest.fixture
def mapping():
    def of(*lines):
        target = table(*lines)
        return map_columns(request(), target, file(target.settable))

    return of


def test_a_compressed_file_that_cannot_be_read_may_still_be_loaded():
    driver = Driver(server({"load_file": ServerError("PROVIDER not found"), "LOAD DATA": 3, "INSERT INTO `t`": 3}))
    assert driver.run(stage_loads.read_csv_stage("s", "a.csv.gz", "t")).rows == 3


def test_keys_of_a_plan_that_the_server_cannot_compare():
    rules = {
        "hex(load_file": [{"piece0": b"x,a\n".hex()}],
        "SELECT count(*)": ServerError("no number"),
        "SELECT CAST": ServerError("no number"),
    }
    plan = Driver(server(rules)).run(stage_loads.plan("s", "a.csv", "t"))
    assert (plan.conflicts, len(plan.bad)) == (0, 1)


def test_a_header_that_was_read_as_a_row():
    with pytest.raises(LoadFailed, match="if line 1 names the columns, give header='match'"):
        raise_bad_row(BadRow("a.csv", 1, "id", " ID ", "no number"))
