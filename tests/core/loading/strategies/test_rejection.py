"""Bad rows that are left out: found by halving, judged by the server alone, first and last of those that share a key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_values import server
from script import Driver

from matrixone_core.errors import DuplicateKey, LoadFailed, TableNotFound
from matrixone_core.loading.strategies import rejection, silent
from matrixone_core.operations import stage_loads
from matrixone_core.sql.load import LoadData
from matrixone_core.sql.staged_inserts import DuplicatePolicy, InsertStaged
from matrixone_core.sql.staging import DeleteStaged, RowRange, SelectStaged
from matrixone_core.steps import Reply

LINES = ("`id` int NOT NULL", "`name` varchar(10) DEFAULT NULL", "PRIMARY KEY (`id`)")
CODE = 20301


class Staging:
    """A server's staging table: it inserts rows, refuses some, and finds those that may be refused.

    Args:
        rows: the number of rows.
        bad: the numbers of the rows that it refuses.
        doubtful: those that its questions find.
        changed: those that it would change silently.
        code: the number of its refusals.
        keys: the key of each row; by default its number.
    """

    def __init__(self, rows, bad=(), doubtful=(), changed=(), code=CODE, keys=None):
        self.rows, self.bad, self.doubtful, self.changed = rows, {*bad}, {*doubtful}, {*changed}
        self.keys, self.table = keys or {number: number for number in range(1, rows + 1)}, {}
        self.code, self.left, self.inserted, self.tried = code, set(range(1, rows + 1)), [], 0
        self.others = server({})

    def __call__(self, statement):
        match statement:
            case LoadData():
                return self.rows
            case SelectStaged():
                return self._select(statement)
            case DeleteStaged():
                self.left -= set(statement.numbers)
                return None
            case InsertStaged():
                return self._insert(statement)
        if str(statement).startswith("SELECT hex(load_file"):
            return b"".join(b"%d,n\n" % number for number in range(1, self.rows + 1))
        if str(statement).startswith(("SELECT sum", "SELECT count")):
            return self._count(str(statement))
        return self.others(statement)

    def _select(self, statement):
        found = self.changed if "REGEXP" not in str(statement) else self.doubtful | self.changed
        if statement.limit == 1:
            found = {
                int(
                    "".join(
                        filter(str.isdigit, str(statement).partition("WHERE")[2].partition("IN")[2].partition(")")[0])
                    )
                )
            }
        numbers = sorted(number for number in found & self.left if number > statement.above)[: statement.limit]
        bad = {number: b"bad\xff" if number in self.changed else b"much longer %d" % number for number in numbers}
        return statement.parse(Reply([{"n": n, "v0": (b"%d" % n).hex(), "v1": bad[n].hex()} for n in numbers]))

    def _insert(self, statement):
        self.tried += 1
        rows = statement.rows
        match rows:
            case None:
                numbers = set(self.left)
            case RowRange():
                numbers = set(range(rows.first, rows.last + 1)) - set(rows.without)
            case _:
                numbers = set(rows.numbers)
        numbers &= self.left
        refused = sorted(numbers & self.bad)
        if refused:
            raise LoadFailed(
                f"internal error: the value 'much longer {refused[0]}' of column 'name' is invalid", code=self.code
            )
        sharing: dict[object, list[int]] = {}  # the numbers of rows of each key
        for number in self.left:
            sharing.setdefault(self.keys[number], []).append(number)
        taken = {number for number in numbers if self._is_taken(statement, number, sharing[self.keys[number]])}
        self.inserted += sorted(taken)
        self.table |= {self.keys[number]: number for number in sorted(taken)}
        return len(taken)

    def _is_taken(self, statement, number, same):
        """Whether a row is the first or last of its key among those that are left, and its key not in the table."""
        chosen = {DuplicatePolicy.FIRST: min(same), DuplicatePolicy.LAST: max(same)}.get(statement.policy, number)
        return chosen == number and not (statement.conflict == "skip" and self.keys[number] in self.table)

    def _count(self, sql):
        """The rows beyond the first of each key; for other questions a number that nothing depends on."""
        return len(self.left) - len({self.keys[number] for number in self.left}) if "sum" in sql else 0


def load(staging, **options):
    driver = Driver(staging)
    op = stage_loads.read_csv_stage("s", "a.csv", "t", on_error="skip", **options)
    return driver.run(op), driver


@given(st.integers(1, 60), st.data())
@settings(max_examples=60)
def test_all_rows_but_the_bad_ones_are_inserted_whatever_was_suspected(count, data):
    numbers = st.sets(st.integers(1, count))
    staging = Staging(count, data.draw(numbers), data.draw(numbers), data.draw(numbers))
    out = staging.bad | staging.changed
    report, _ = load(staging, on_conflict=data.draw(st.sampled_from([None, "skip", "replace", "update"])))
    assert sorted(staging.inserted) == [number for number in range(1, count + 1) if number not in out]
    assert [row.line for row in report.rejects] == sorted(out)
    assert (report.read, report.rejected) == (count, len(out))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30), st.data())
@settings(max_examples=100, deadline=None)  # the machine may be busy
@pytest.mark.parametrize("conflict", ["skip", "replace"])
def test_of_rows_that_share_a_key_the_first_or_last_good_one_is_stored(conflict, keys, data):
    numbers = st.sets(st.integers(1, len(keys)))
    staging = Staging(
        len(keys), data.draw(numbers), data.draw(numbers), data.draw(numbers), keys=dict(enumerate(keys, 1))
    )
    try:
        load(staging, on_conflict=conflict)
    except LoadFailed as error:
        assert "it cannot be said which of them to take" in str(error)  # noqa: PT017  # only some data has it
        assert staging.bad - staging.doubtful - staging.changed
        return
    good = [number for number in range(1, len(keys) + 1) if number not in staging.bad | staging.changed]
    ordered = good if conflict == "replace" else reversed(good)
    assert staging.table == {keys[number - 1]: number for number in ordered}


def test_suspected_rows_are_tried_first_and_the_others_together():
    staging = Staging(10_000, bad={7, 9000}, doubtful={7, 8, 9000})
    report, _ = load(staging)
    assert (report.rows, report.rejected, staging.tried) == (9998, 2, 4)
    assert staging.inserted[0] == 8


def test_rows_that_nobody_suspected_are_found_by_halving():
    staging = Staging(1024, bad={500})
    report, _ = load(staging)
    assert (report.rows, staging.tried) == (1023, 21)
    [row] = report.rejects
    assert (row.line, row.column, row.value, row.reason) == (
        500,
        "name",
        "much longer 500",
        "the value 'much longer 500' of column 'name' is invalid",
    )
    assert row.raw == "500,much longer 500"


@pytest.mark.parametrize(("conflict", "order"), [("skip", [1, 2, 3]), ("replace", [3, 2, 1]), ("update", [3, 2, 1])])
def test_rows_that_share_a_key_are_tried_from_the_one_that_is_taken(conflict, order):
    staging = Staging(3, doubtful={1, 2, 3})
    load(staging, on_conflict=conflict)
    assert staging.inserted == order


def test_what_no_row_is_to_blame_for_fails_the_load():
    with pytest.raises(LoadFailed, match="is invalid"):
        load(Staging(10, bad={3}, code=9999))


def test_a_key_that_is_there_is_no_bad_row():
    staging = Staging(3)
    duplicate = DuplicateKey("Duplicate entry '1'", code=1062)
    with pytest.raises(DuplicateKey):
        Driver(lambda statement: duplicate if isinstance(statement, InsertStaged) else staging(statement)).run(
            stage_loads.read_csv_stage("s", "a.csv", "t", on_error="skip")
        )


def test_the_search_ends_where_nearly_all_rows_are_bad(monkeypatch):
    monkeypatch.setattr(rejection, "MAX_SEARCHED", 5)
    with pytest.raises(LoadFailed, match="is invalid"):
        load(Staging(20, bad=range(1, 21)))


def test_a_row_that_was_refused_late_leaves_open_which_of_its_key_to_take():
    staging = Staging(4, bad={4})
    with pytest.raises(LoadFailed, match="it cannot be said which of them to take"):
        Driver(lambda statement: 1 if str(statement).startswith("SELECT sum") else staging(statement)).run(
            stage_loads.read_csv_stage("s", "a.csv", "t", on_error="skip", on_conflict="skip")
        )


# -- pages of questions ------------------------------------------------------------------------------------------------


def test_questions_are_repeated_until_all_rows_are_found():
    staging = Staging(4000, bad=range(1, 2502), doubtful=range(1, 2502), changed=range(3000, 4001))
    report, driver = load(staging)
    assert report.rejected == 2501 + 1001
    asked = [
        text.partition(" AND (")[0].rpartition("> ")[2] for text in driver.log if text.startswith("SELECT s.`matr")
    ]
    assert asked[1:4] == ["1000", "2000", "3498"]


def test_no_more_than_some_rows_are_tried_by_themselves(monkeypatch):
    monkeypatch.setattr(silent, "MAX_DOUBTFUL", 1000)
    staging = Staging(2500, bad={2400}, doubtful=range(1, 2501))
    assert load(staging)[0].rows == 2499


def test_rows_that_are_not_numbered_are_asked_for_once_more_and_exactly():
    """A table without a key: rows need no numbers, and the second question finds no more than it must."""
    rows = [{"n": None, "v0": (b"%d" % n).hex(), "v1": b"good".hex()} for n in range(silent.MAX_CHECKED)]
    bad = [{"n": None, "v0": "31", "v1": "ff"}]
    answers = server(
        {
            "INSERT INTO `t`": 2,
            "hex(s.`f1`) REGEXP": bad,
            "length(lower": rows,
            "LOAD DATA": 3,
            "hex(load_file": [{"piece0": b"1,\xff\n".hex()}],
        }
    )
    with pytest.raises(LoadFailed, match=r"line 1, column 'name', value '\\\\xff': byte 0xff is not UTF-8"):
        Driver(answers).run(stage_loads.read_csv_stage("s", "a.csv", "t"))
    exact = server({"INSERT INTO `t`": (2, 1), "length(lower": rows, "LOAD DATA": 3})
    driver = Driver(exact)
    assert driver.run(stage_loads.read_csv_stage("s", "a.csv", "t")).rows == 3
    left_out, followed = [text.partition(" WHERE ")[2] for text in driver.log if text.startswith("INSERT")]
    assert left_out == f"NOT {followed}"


# -- how many, and where they go ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("staging", [Staging(9, bad={1, 2, 3}, doubtful={1, 2, 3}), Staging(9, changed={1, 2, 3})])
def test_more_bad_rows_than_may_be_fail_the_load(staging):
    with pytest.raises(
        LoadFailed, match="more than 2 rows were refused; no row was loaded; the first: stage://s/a.csv, line 1"
    ):
        load(staging, max_errors=2)


def test_a_share_of_bad_rows():
    assert load(Staging(10, bad={1}), max_errors=0.1)[0].rejected == 1
    with pytest.raises(LoadFailed, match=r"2 of 10 rows were refused, and max_errors is 0\.1"):
        load(Staging(10, bad={1, 2}), max_errors=0.1)


def test_bad_rows_are_put_into_a_table_in_the_transaction_of_the_good_ones():
    _, driver = load(Staging(500, bad=range(1, 251), doubtful=range(1, 251)), rejects="bad.rows")
    inserts = [text for text in driver.log if text.startswith("INSERT INTO `bad`.`rows`")]
    assert len(inserts) == 2
    assert "('stage://s/a.csv', 1, 'name', 'much longer 1'" in inserts[0]
    assert driver.log.index(inserts[1]) < driver.log.index("commit")


def test_a_table_for_bad_rows_is_made_where_there_is_none():
    staging, missing = Staging(3, bad={1}), [TableNotFound("none")]
    driver = Driver(lambda statement: missing.pop() if "INTO `r`" in str(statement) and missing else staging(statement))
    driver.run(stage_loads.read_csv_stage("s", "a.csv", "t", on_error="skip", rejects="r"))
    made = [text for text in driver.log if "`r`" in text]
    assert made[1].startswith("aside: CREATE TABLE IF NOT EXISTS `r`")
    assert made[0] == made[2]


def test_validation_finds_bad_rows_and_loads_none():
    staging = Staging(5, bad={2}, changed={4})
    driver = Driver(staging)
    report = driver.run(stage_loads.read_csv_stage("s", "a.csv", "t", validate=True))
    assert (report.rows, report.read, report.rejected) == (0, 5, 2)
    assert "commit" not in driver.log
    assert "rollback" in driver.log


def test_rows_are_read_here_where_the_server_refuses_their_shape():
    """A row of too few fields fails the server's LOAD DATA as a whole."""
    data = b"1,a\n2\n3,c\n"
    state = {"LOAD DATA INFILE": LoadFailed("the input data does not match the columns", code=CODE), "hex(load_file": [{"piece0": data.hex()}],
             "LOAD DATA LOCAL": 2, "INSERT INTO `t`": 2}  # fmt: skip
    driver = Driver(server(state))
    report = driver.run(stage_loads.read_csv_stage("s", "a.csv", "t", on_error="skip"))
    assert driver.sent == [b'"1","a"\n"3","c"\n']
    assert (report.rows, report.read, report.rejected) == (2, 3, 1)
    assert str(report.rejects[0]) == "stage://s/a.csv, line 2: too few fields: 1, and 2 columns"
