"""How files are known again: by their place behind all stages, their length, and what is in them; the ledger's records."""

from datetime import UTC, datetime

import pytest
from script import Driver, Server

from matrixone_core.errors import InvalidArgument, TableNotFound
from matrixone_core.loading.ledger import SAMPLE, entry_for_bytes, entry_for_key, entry_for_stage_file
from matrixone_core.operations import loads
from matrixone_core.sql.ledger import LoadRecord
from matrixone_core.sql.stage import Stage

ROW = {"url": "", "stage_credentials": "", "stage_status": "enabled", "created": None, "comment": ""}


def entry_of(size=4, whole=False, url="file:///a", digest="d", rules=None):
    asked = Driver(Server({
        "length(load_file": [{"length": size}],
        "md5(": lambda statement: [{f"piece{at}": digest for at in range(len(statement.offsets))}], **(rules or {}),
    }))  # fmt: skip
    return asked.run(entry_for_stage_file("d.t", Stage("s", url), "stage://s/x/a.csv", whole=whole)), asked.log


def test_a_file_is_known_by_its_place_its_length_and_its_content():
    entry, _ = entry_of()
    assert (entry.table, entry.source, entry.size) == ("d.t", "file:///a/x/a.csv", 4)
    assert entry == entry_of()[0]
    others = [entry_of(5)[0], entry_of(digest="e")[0], entry_of(url="file:///b")[0]]
    assert len({entry.id, *(other.id for other in others)}) == 4


def test_of_a_large_file_both_ends_count_or_all_of_it():
    size = 10 * SAMPLE
    ends, log = entry_of(size)
    assert f"offset={5 * SAMPLE}&" not in "".join(log)
    whole, _ = entry_of(size, whole=True)
    assert ends.id == entry_of(size)[0].id
    assert ends.mark != whole.mark


def test_stages_in_stages_have_one_place():
    inner = {**ROW, "stage_name": "inner", "url": "s3://bucket/p"}
    entry, _ = entry_of(url="stage://inner/y", rules={"mo_stages": [inner]})
    assert entry.source == "s3://bucket/p/y/x/a.csv"
    with pytest.raises(InvalidArgument, match="the stage 's' is inside itself; alter its URL"):
        entry_of(url="stage://inner/y", rules={"mo_stages": [{**inner, "url": "stage://inner"}]})


def test_data_of_the_clients_and_keys():
    assert entry_for_bytes("d.t", "/a", 3, b"x").id != entry_for_bytes("d.t", "/a", 3, b"y").id
    assert (entry_for_key("d.t", "monday").size, entry_for_key("d.t", "monday").mark) == (-1, "")


RECORD = {"table_name": "d.t", "source": "file:///a", "size": 4, "mark": "m", "loaded_rows": "3", "loaded_at": 0}


@pytest.mark.parametrize(
    ("options", "sql"),
    [
        ({}, "FROM `matrixone_loads` ORDER BY"),
        ({"table": "T"}, "FROM `matrixone_loads` WHERE table_name=concat(DATABASE(), '.', 't') ORDER BY"),
        ({"table": "D.T"}, "FROM `D`.`matrixone_loads` WHERE table_name=concat('d', '.', 't') ORDER BY"),
        ({"table": "d.t", "database": "books"}, "FROM `books`.`matrixone_loads` WHERE table_name=concat('d', '.', 't') ORDER BY"),
    ],
)  # fmt: skip
def test_the_loads_of_a_ledger(options, sql):
    driver = Driver(Server({"SELECT": [RECORD, {**RECORD, "size": -1}]}))
    records = driver.run(loads.history(**options))
    assert records[0] == LoadRecord("d.t", "file:///a", 4, "m", 3, datetime(1970, 1, 1, tzinfo=UTC))
    assert records[1].size is None
    assert sql in driver.log[0]


def test_where_there_is_no_ledger_there_are_no_loads():
    assert Driver(Server({"SELECT": TableNotFound("none")})).run(loads.history()) == ()
