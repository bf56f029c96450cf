"""Rows of Python values: what is sent for them, and what is refused before."""

import uuid

import numpy
import pytest
from script import Driver, Server, play, rows
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, create_engine, func, select
from sqlalchemy.orm import Session, column_property, declarative_base

from matrixone.orm import VECF32
from matrixone_core.errors import InvalidArgument, NotSupported, TableNotFound
from matrixone_core.operations import inserts
from matrixone_core.steps import Atomic, RunSync

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column("full_name", String(20), default="nobody")
    shout = column_property(func.upper(name))


class Admin(User):
    __tablename__ = "admins"
    id = Column(Integer, ForeignKey("users.id"), primary_key=True)
    level = Column(Integer)


class Recorded:
    """A connection that keeps what is executed on it."""

    def __init__(self):
        self.sent = []

    def execute(self, statement, batch):
        self.sent.append((str(statement), batch))


def inserted(op, *answers):
    """The statements and batches of an insert, and what it returns."""
    connection = Recorded()
    server = Server({"information_schema": list(answers)})

    class Database(Driver):
        def perform(self, step):
            return step.call(connection) if isinstance(step, RunSync) else super().perform(step)

    driver = Database(server)
    count = driver.run(op)
    assert not connection.sent or driver.log[-2:] == ["begin", "commit"]
    return connection.sent, count


def batches(op, *answers):
    return [batch for _, batch in inserted(op, *answers)[0]]


def named(*columns):
    return [{"name": column} for column in columns]


@pytest.mark.parametrize(
    "given",
    [
        {"id": 1, "full_name": "Ada"}, {"id": 1, "name": "Ada"}, (1, "Ada"), [(1, "Ada")], ((1, "Ada"),), [[1, "Ada"]],
        User(id=1, name="Ada"), (User(id=1, name="Ada"),), iter([{"name": "Ada", "id": 1}]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_row_of_a_model(given):
    assert inserted(inserts.insert(User, given)) == (
        [("INSERT INTO users (id, full_name) VALUES (:id, :full_name)", [{"id": 1, "full_name": "Ada"}])], 1
    )  # fmt: skip


def test_rows_of_a_table_and_of_a_name():
    table = Table("t", MetaData(), Column("id", Integer), Column("v", VECF32(2)), schema="d")
    vector = numpy.array([1.0, 2.5], "f")
    [(sql, batch)], count = inserted(inserts.insert(table, [(1, vector)]))
    assert (sql, count, batch[0]["v"] is vector) == ("INSERT INTO d.t (id, v) VALUES (:id, :v)", 1, True)
    assert inserted(inserts.insert("d.t", {"id": 1, "v": vector})) == (
        [("INSERT INTO d.t (id, v) VALUES (:id, :v)", [{"id": 1, "v": "[1.0, 2.5]"}])], 1
    )  # fmt: skip
    assert batches(inserts.batch_insert("t", [(1, [1, 2]), [2, None]]), *named("id", "v")) == [
        [{"id": 1, "v": "[1, 2]"}, {"id": 2, "v": None}]
    ]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"a": ["é", 1]}, '{"a": ["é", 1]}'), ((1, 2), "[1, 2]"), (numpy.float32(0.5), 0.5), (b"\0", b"\0"), ("[", "["),
        (memoryview(b"x"), memoryview(b"x")), (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"), (None, None),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_values_where_no_type_is_known(value, sent):
    assert batches(inserts.insert("t", {"c": value})) == [[{"c": sent}]]


def test_rows_are_sent_in_batches(monkeypatch):
    monkeypatch.setattr(inserts, "BATCH_ROWS", 2)
    monkeypatch.setattr(inserts, "BATCH_BYTES", 100)
    data = [
        {"id": 1},
        {"id": 2},
        {"id": 3},
        {"id": 4, "name": "x"},
        {"id": 5, "name": "y" * 99},
        {"id": 6, "name": "z"},
    ]
    sent, count = inserted(inserts.insert(User, data))
    assert [[row["id"] for row in batch] for _, batch in sent] == [[1, 2], [3], [4], [5], [6]]
    assert count == 6


@pytest.mark.parametrize("nothing", [[], (), iter([])])
def test_no_rows_send_nothing(nothing):
    assert play(inserts.insert("t", nothing)) == ([], 0)


@pytest.mark.parametrize(
    ("table", "given", "says"),
    [
        (User, {"nam": 1}, "has no column 'nam'; did you mean 'name'"), (User, {"x": 1}, "its columns are id, full_name"),
        (User, (1,), r"1 value\(s\), and the table users 2 column\(s\): id, full_name"), (User, [1], "the row 1 must be"),
        (User, ["ab"], "an instance of User"), (User, "ab", "rows='ab' must be"), (User, 3, "rows=3 must be"),
        (User, [Admin(id=1)], "an instance of User"), (User.__table__, [User(id=1)], "must be a dict, a tuple$"),
        ("t", [{"a": 1}, (1,)], "both dicts and tuples"), ("t", {"a": float("nan"), "b": [float("nan")]}, "as JSON"),
        ("t", {"a": {"b": object()}}, "as JSON"), ("t", {1: 2}, "has no column 1"), (3, {"a": 1}, "no ORM model"),
        ("a.b.c", {"a": 1}, "table name"), ("t", [{"a": "x" * (64 * 1024 * 1024 + 1)}], "67,108,865 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_rows_that_cannot_be(table, given, says):
    with pytest.raises(InvalidArgument, match=says):
        inserted(inserts.insert(table, given))


def test_frames_are_loads():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidArgument, match=r"'DataFrame'.*read_arrow"):
        play(inserts.insert(User, pandas.DataFrame({"id": [1]})))


def test_tuples_for_a_table_that_is_not_there():
    with pytest.raises(TableNotFound, match="'t'"):
        play(inserts.insert("t", [(1,)]), rows())


def test_a_model_of_several_tables():
    with pytest.raises(NotSupported, match="Admin has columns in several tables"):
        play(inserts.insert(Admin, {"id": 1}))


def on_sqlite(op):
    """Run an insert on SQLite; the rows that are there then."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        Base.metadata.create_all(connection)
        [atomic], _ = play(op, 0)
        assert isinstance(atomic, Atomic)
        for step in atomic.op:
            step.call(connection)
        found = connection.execute(select(User.__table__)).all()
    engine.dispose()
    return found


def test_defaults_of_the_model():
    assert on_sqlite(inserts.insert(User, [{"id": 1}, User(id=2), {"id": 3, "name": "Ada"}])) == [
        (1, "nobody"), (2, "nobody"), (3, "Ada"),
    ]  # fmt: skip


def test_an_expired_instance():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        user = User(id=1)
        session.add(user)
        session.commit()
        with pytest.raises(InvalidArgument, match="expired"):
            inserted(inserts.insert(User, user))
    engine.dispose()


def test_a_value_that_its_type_refuses():
    table = Table("t", MetaData(), Column("v", VECF32(2)))
    [atomic], _ = play(inserts.insert(table, {"v": "text"}), 0)
    engine = create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(InvalidArgument, match="VECF32"):
        next(atomic.op).call(connection)
    engine.dispose()


@pytest.mark.parametrize("given", [[None], [None, {"id": 1}], [{"id": 1}, None]])
def test_none_is_no_row(given):
    with pytest.raises(InvalidArgument, match="the row None must be a dict, a tuple"):
        inserted(inserts.insert(User, given))


def test_an_attribute_and_its_column_are_one():
    with pytest.raises(InvalidArgument, match="two values for the column 'full_name': name and full_name"):
        inserted(inserts.insert(User, {"id": 1, "name": "Ada", "full_name": "Grace"}))
