"""What programs that used another client bring along, by both clients."""

import pytest
from models import User
from sqlalchemy import select

from matrixone import DuplicateKey, InvalidArgument, ServerError, TableExists, TableNotFound


@pytest.fixture
def table(client):
    client.execute("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), v VECF32(3), j JSON)")
    return "t"


# -- placeholders -------------------------------------------------------------------------------------------------


def test_placeholders(client, table):
    assert client.execute("INSERT INTO t (id, name) VALUES (?, ?)", [(1, "a ? :b %s"), (2, None)]).rowcount == 2
    assert client.execute("INSERT INTO t (id, name) VALUES (%s, '%%s')", (3,)).rowcount == 1
    assert client.execute("INSERT INTO t (id, name) VALUES (:id, ':id')", {"id": 4}).rowcount == 1
    assert client.execute("SELECT name FROM t WHERE id < ? AND '?' = '?' ORDER BY id -- ?", (9,)).scalars().all() == [
        "a ? :b %s", None, "%s", ":id",
    ]  # fmt: skip
    with client.stream("SELECT id FROM t WHERE id IN (?, ?) ORDER BY id", (1, 3)) as rows:
        assert [row.id for row in rows] == [1, 3]
    for call in (client.execute, client.stream):
        with pytest.raises(InvalidArgument, match="placeholder"):
            call("SELECT ?", (1, 2))


# -- tables and rows ----------------------------------------------------------------------------------------------


def test_tables_of_columns_as_sql_writes_them(client):
    columns = {"id": "int", "name": "varchar(20) not null default 'x'", "price": "decimal(10,2)", "v": "vecf32(2)"}
    client.create_table("made", columns, primary_key="id")
    client.create_table("made", columns)
    with pytest.raises(TableExists):
        client.create_table("made", columns, if_not_exists=False)
    client.insert("made", {"id": 1, "v": [0.5, 1]})
    assert client.execute("SELECT id, name, price, v FROM made").one() == (1, "x", None, "[0.5, 1]")
    with pytest.raises(DuplicateKey):
        client.insert("made", {"id": 1})
    client.drop_table("made")
    client.drop_table("made")
    with pytest.raises(TableNotFound, match="'made'"):
        client.drop_table("made", if_exists=False)


def test_rows_are_inserted(client, table):
    assert client.insert("t", [{"id": 1, "name": "it's", "v": [1, 2, 3], "j": {"a": [1]}}, {"id": 2}]) == 2
    assert client.batch_insert("t", [(number, None, None, None) for number in range(3, 1503)]) == 1500
    assert client.execute("SELECT count(*), max(id) FROM t").one() == (1502, 1502)
    assert client.execute("SELECT name, v, json_extract(j, '$.a[0]') FROM t WHERE id = 1").one() == (
        "it's", "[1, 2, 3]", "1",
    )  # fmt: skip
    with pytest.raises(DuplicateKey):
        client.insert("t", [(2000 - number, None, None, None) for number in range(600)])
    assert client.execute("SELECT count(*) FROM t").scalar() == 1502
    with pytest.raises(ServerError, match="(?i)nobody"):
        client.insert("t", {"nobody": 1})
    with pytest.raises(TableNotFound, match="no_such_table"):
        client.insert("no_such_table", (1,))


def test_models_are_inserted(client):
    client.create_table(User)
    assert client.insert(User, User(name="Ada", email="a@x")) == 1
    assert (
        client.batch_insert(User, [{"name": "Grace", "age": 45}, User(id=7, name="Alan"), (8, "Emmy", None, 53)]) == 3
    )
    assert client.execute(select(User.name, User.age).order_by(User.id)).all() == [
        ("Ada", None), ("Grace", 45), ("Alan", None), ("Emmy", 53),
    ]  # fmt: skip


def test_rows_and_tables_of_a_session(client):
    client.create_table(User)
    with client.session() as session:
        session.add(User(id=1, name="Ada"))
        assert session.insert(User, {"id": 2, "name": "Grace"}) == 1
        session.create_table("made", {"id": "int"})
        assert session.batch_insert("made", [(1,), (2,)]) == 2
        assert session.scalars(select(User.id).order_by(User.id)).all() == [1, 2]
        session.rollback()
    assert client.execute(select(User)).all() == []
    assert client.execute("SHOW TABLES LIKE 'made'").all() == []
    with client.session() as session:
        session.insert(User, (3, "Alan", None, None))
        session.drop_table("users_never_made")
    assert client.execute(select(User.name)).scalars().all() == ["Alan"]
