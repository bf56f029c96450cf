"""Statements that read tables as they were, by snapshot and by moment."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import declarative_base, joinedload, relationship, selectinload

from matrixone import errors

Then = declarative_base()


class Person(Then):
    __tablename__ = "persons"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    orders = relationship("Order", lazy="joined")


class Order(Then):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    person_id = Column(Integer, ForeignKey("persons.id"))
    what = Column(String(20))


@pytest.fixture
def past(client, database, unique):
    """The name of a snapshot of one person with two orders; there is another one now, and one order."""
    client.create_all(Then)
    client.execute(insert(Person), [{"id": 1, "name": "Ada"}])
    client.execute(insert(Order), [{"id": 1, "person_id": 1, "what": "tea"}, {"id": 2, "person_id": 1, "what": "milk"}])
    name = unique("snap")
    client.execute(f"CREATE SNAPSHOT {name} FOR DATABASE {database}")
    client.execute(insert(Person), [{"id": 2, "name": "Alan"}])
    client.execute("UPDATE persons SET name = 'Grace' WHERE id = 1")
    client.execute("DELETE FROM orders WHERE id = 1")
    return name


U, ORDERS = Person.__table__.alias("u"), Order.__table__
THEN = {
    "a table": (select(Person.__table__.c.name), [("Ada",)]),
    "an alias": (select(U.c.name).where(U.c.id > 0), [("Ada",)]),
    "a join": (select(U.c.name, ORDERS.c.what).join_from(U, ORDERS, U.c.id == ORDERS.c.person_id).order_by(ORDERS.c.id), [("Ada", "tea"), ("Ada", "milk")]),
    "a subquery": (select(select(func.count()).select_from(ORDERS).subquery()), [(2,)]),
    "a scalar subquery": (select(U.c.name, select(func.count()).select_from(ORDERS).scalar_subquery()), [("Ada", 2)]),
    "EXISTS": (select(U.c.id).where(select(ORDERS.c.id).where(ORDERS.c.what == "tea", ORDERS.c.person_id == U.c.id).exists()), [(1,)]),
    "a CTE": (select(select(U.c.name).cte("c")), [("Ada",)]),
    "UNION": (select(U.c.name).union_all(select(ORDERS.c.what).where(ORDERS.c.id == 1)), [("Ada",), ("tea",)]),
    "nothing": (select(func.abs(-1)), [(1,)]),
}  # fmt: skip


@pytest.mark.parametrize("what", THEN)
def test_every_table_of_a_statement_is_read_as_it_was(client, past, what):
    statement, wanted = THEN[what]
    present = client.execute(statement).all()
    for _ in range(2):  # SQLAlchemy's cache has the statement of the present
        assert sorted(client.execute(statement, snapshot=past).all()) == sorted(wanted)
    assert client.execute(statement).all() == present
    assert what == "nothing" or present != wanted
    assert client.query_arrow(statement, snapshot=past).num_rows == len(wanted)
    with client.stream(statement, snapshot=past) as rows:
        assert sorted(rows) == sorted(wanted)


def test_models_of_the_past(client, past):
    for loading in (joinedload, selectinload):  # in the statement, and by one of its own
        loaded = select(Person).options(loading(Person.orders))
        [person] = client.execute(loaded, snapshot=past).unique().scalars().all()
        assert (person.name, sorted(order.what for order in person.orders)) == ("Ada", ["milk", "tea"])
    assert client.query_arrow(select(Person)).column_names == ["id", "name"]
    names = select(Person.name).where(Person.id == 1)
    assert client.execute(names, snapshot=past.upper()).scalar() == "Ada"
    assert client.execute(names).scalar() == "Grace"
    assert client.query_df(names, snapshot=past)["name"].tolist() == ["Ada"]
    assert client.query_polars(names, snapshot=past)["name"].to_list() == ["Ada"]
    assert [batch.num_rows for batch in client.stream_arrow(select(Order), snapshot=past)] == [2]
    with client.session() as session:
        assert session.query_arrow(names, snapshot=past).to_pylist() == [{"name": "Ada"}]
        assert session.execute(names, execution_options={"snapshot": past}).scalar() == "Ada"
        assert session.execute(names).scalar() == "Grace"
        assert session.execute(names.execution_options(snapshot=past)).scalar() == "Ada"


def test_what_cannot_read_the_past(client, past):
    for statement in ("SELECT name FROM persons", text("SELECT 1"), text("SELECT 1 AS a").columns(a=Integer)):
        for call in (client.execute, client.query_arrow, client.stream, client.stream_arrow):
            with pytest.raises(errors.InvalidArgument, match=r"FROM t \{snapshot = 'name'\} AS a"):
                call(statement, snapshot=past)
    for call in (client.execute, client.query_arrow):
        with pytest.raises(errors.InvalidArgument, match="past cannot be written|gives no rows"):
            call(insert(Person).values(id=9), snapshot=past)
    with pytest.raises(errors.InvalidArgument, match="not both"):
        client.execute(select(Person), snapshot=past, timestamp=datetime.now().astimezone())
    with pytest.raises(errors.InvalidArgument, match="must be a datetime with a time zone"):
        client.execute(select(Person), timestamp=datetime(2024, 1, 1))
    with pytest.raises(errors.InvalidArgument, match="snapshot"):
        client.execute(select(Person), snapshot="no such name/")
    with pytest.raises(DBAPIError, match="find 0 snapshot records"):
        client.execute(select(Person), snapshot="none_such")
    assert client.execute(f"SELECT name FROM persons {{snapshot = '{past}'}} AS u").all() == [("Ada",)]


def server_time(client):
    return datetime.fromisoformat(f"{client.execute('SELECT UTC_TIMESTAMP(6)').scalar()}+00:00")


def wait_until_past(client, moment):
    """Ask the server for its time until a moment is surely past there."""
    while server_time(client) < moment + timedelta(milliseconds=200):
        pass


def test_a_moment_of_the_past(client, past):
    wait_until_past(client, server_time(client))  # so that the writes are before the moment
    moment = server_time(client).astimezone()
    wait_until_past(client, moment)
    client.execute("DELETE FROM persons WHERE id = 2")
    assert client.execute(select(Person.id).order_by(Person.id), timestamp=moment).all() == [(1,), (2,)]
    assert client.query_arrow(select(func.count()).select_from(Person), timestamp=moment).num_rows == 1
    with client.session() as session:
        session.execute(text("SET time_zone = '+08:00'"))
        assert session.query_arrow(select(Person.id), timestamp=moment).num_rows == 2
        session.execute(text("SET time_zone = '+00:00'"))


def test_a_table_that_was_not_there_yet(client, past):
    before = datetime.now().astimezone() - timedelta(minutes=2)
    with pytest.raises(DBAPIError, match=r"perhaps the table was not there yet"):
        client.execute(select(Person), timestamp=before)
