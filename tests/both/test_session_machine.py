"""Random sessions against a model: after any of them, all of it or none is there."""

import uuid
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from matrixone import errors

NAMES = st.sampled_from("abc")
COMMENTS = st.text("xy'\\%", max_size=4)


STEPS = st.tuples(
    st.sampled_from(["create", "create", "alter", "drop", "insert", "insert_what_is_there", "load", "query", "steal"]),
    NAMES,
    COMMENTS,
)
ENDS = st.sampled_from(["commit", "commit", "commit", "roll_back", "lose_the_connection"])


class Sessions(RuleBasedStateMachine):
    """What is committed, and what the open session should see."""

    def __init__(self, client, other, files):
        super().__init__()
        self.client, self.other, self.files = client, other, files
        self.mark = uuid.uuid4().hex[:10]
        self.committed, self.rows = {}, set()
        self.session, self.stages, self.mine = None, {}, set()
        self.stolen = set()
        self.last = 0
        other.execute("CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY)")
        other.execute("DELETE FROM t")

    def name(self, letter):
        return f"{letter}_{self.mark}"

    def number(self):
        self.last += 1
        return self.last

    @rule(steps=st.lists(STEPS, min_size=3, max_size=14), end=ENDS)
    def a_session(self, steps, end):
        self.session = self.client.session()
        self.stages, self.mine, self.stolen = dict(self.committed), set(self.rows), set()
        for what, letter, comment in steps:
            getattr(self, what)(letter, comment)
        getattr(self, end)()

    def create(self, letter, comment):
        if letter in self.stages:
            with pytest.raises(errors.StageExists):
                self.session.stage.create_local(self.name(letter), "/other/")
        elif letter not in self.stolen:
            self.session.stage.create_local(self.name(letter), self.files.folder, comment=comment)
            self.stages[letter] = comment

    def alter(self, letter, comment):
        if letter not in self.stages:
            with suppress(AssertionError) if letter in self.stolen else pytest.raises(errors.StageNotFound):
                assert letter not in self.stolen
                self.session.stage.alter(self.name(letter), comment=comment)
        else:
            assert self.session.stage.alter(self.name(letter), comment=comment).comment == comment
            self.stages[letter] = comment

    def drop(self, letter, _):
        if letter not in self.stolen:
            self.session.stage.drop(self.name(letter), if_exists=True)
            self.stages.pop(letter, None)

    def insert(self, *_):
        number = self.number()
        self.session.execute(text(f"INSERT INTO t VALUES ({number})"))
        self.mine.add(number)

    def insert_what_is_there(self, *_):
        if self.mine:
            with pytest.raises(DBAPIError):
                self.session.execute(text(f"INSERT INTO t VALUES ({min(self.mine)})"))

    def load(self, letter, _):
        if letter in self.stages:
            number = self.number()
            file = self.files.put(f"{self.mark}_{number}.csv", f"{number}\n")
            assert self.session.load_data.read_csv_stage(self.name(letter), file, "t").rows == 1
            self.mine.add(number)

    def query(self, *_):
        found = {stage.name: stage.comment for stage in self.session.stage.list(f"_\\_{self.mark}")}
        stolen = {self.name(letter): "stolen" for letter in self.stolen if letter not in self.stages}
        assert found == {self.name(letter): comment for letter, comment in self.stages.items()} | stolen
        assert set(self.session.scalars(text("SELECT id FROM t")).all()) == self.mine

    def steal(self, letter, _):
        """Somebody else creates a stage of a name that the session has created."""
        if letter in self.stages and letter not in self.committed and letter not in self.stolen:
            self.other.stage.create(self.name(letter), "file:///theirs/", comment="stolen")
            self.stolen.add(letter)

    def commit(self):
        if self.stolen & self.stages.keys():
            with pytest.raises(errors.StageExists):
                self.session.commit()
            self.end(committed=False)
        else:
            self.session.commit()
            self.end(committed=True)

    def roll_back(self):
        self.session.rollback()
        self.end(committed=False)

    def lose_the_connection(self):
        self.other.execute(f"KILL {self.session.execute(text('SELECT CONNECTION_ID()')).scalar()}")
        with pytest.raises((DBAPIError, errors.TransactionAborted)):
            while True:
                self.session.execute(text("SELECT 1"))
        with pytest.raises(errors.TransactionAborted):
            self.session.commit()
        self.session.rollback()
        self.end(committed=False)

    def end(self, *, committed):
        self.session.close()
        self.session = None
        if committed:
            self.committed, self.rows = self.stages, self.mine
        for letter in self.stolen:
            self.other.stage.drop(self.name(letter))
        found = {stage.name: stage.comment for stage in self.other.stage.list(f"_\\_{self.mark}")}
        assert found == {self.name(letter): comment for letter, comment in self.committed.items()}
        assert set(self.other.execute("SELECT id FROM t").scalars()) == self.rows

    def teardown(self):
        if self.session is not None:
            self.session.close()
        for letter in "abc":
            self.other.stage.drop(self.name(letter), if_exists=True)


def test_random_sessions(client, other, files):
    run_state_machine_as_test(
        lambda: Sessions(client, other, files),
        settings=settings(
            max_examples=10,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
