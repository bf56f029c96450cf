"""Sessions in the transaction of a connection or a session that the program has, by both clients."""

from contextlib import suppress

import pytest
from models import User
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from matrixone import InvalidArgument, NotSupported, TransactionAborted


@pytest.fixture
def engine(new_engine):
    return new_engine()


@pytest.fixture
def client(new_engine, from_engine, engine):
    client = from_engine(engine)
    client.create_table(User)
    return client


@pytest.fixture
def stage(client, unique, files):
    files.put("users.csv", "1,Ada,ada@x,36\n2,Grace,grace@x,45\n")
    return client.stage.create_local(unique(), files.folder).name


@pytest.fixture
def own_session(engine, side, portal):
    """A session of the program's, without this package."""
    session = Session(engine) if side == "sync" else type(engine)(portal, AsyncSession(engine.wrapped))
    yield session
    session.close()


def raw(thing):
    return getattr(thing, "wrapped", thing)


def names(client):
    return client.execute(select(User.name).order_by(User.id)).scalars().all()


def test_in_the_transaction_of_a_connection(client, engine, stage, other):
    with engine.connect() as connection:
        connection.execute(insert(User), [{"id": 7, "name": "before"}])
        with client.session(bind=raw(connection)) as session:
            assert session.load_data.read_csv_stage(stage, "users.csv", User).rows == 2
            session.add(User(id=8, name="added"))
            assert session.insert(User, {"id": 9, "name": "inserted"}) == 1
            assert session.execute(select(User.id).order_by(User.id)).scalars().all() == [1, 2, 7, 8, 9]
        assert names(other) == []  # the program has not committed yet
        connection.execute(text("DELETE FROM users WHERE id = 7"))
        connection.commit()
    assert names(client) == ["Ada", "Grace", "added", "inserted"]


def test_an_exception_leaves_the_transaction_to_the_program(client, engine, stage):
    with engine.connect() as connection:
        connection.execute(insert(User), [{"id": 7, "name": "before"}])
        with pytest.raises(KeyError), client.session(bind=raw(connection)) as session:
            session.insert(User, {"id": 8})
            raise KeyError
        connection.rollback()
        connection.execute(insert(User), [{"id": 9, "name": "after"}])
        connection.commit()
    assert names(client) == ["after"]


def test_a_rollback_is_that_of_the_program_s_transaction(client, engine):
    with engine.connect() as connection:
        connection.execute(insert(User), [{"id": 7, "name": "before"}])
        with client.session(bind=raw(connection)) as session:
            session.insert(User, {"id": 8})
            session.rollback()
        assert not raw(connection).in_transaction()
    assert names(client) == []


def test_in_the_transaction_of_a_session(client, own_session, stage, other):
    own_session.add(User(id=7, name="pending"))
    with client.session(bind=raw(own_session)) as session:
        assert session.load_data.read_csv_stage(stage, "users.csv", User).rows == 2
        own_session.add(User(id=8, name="later"))
        assert session.execute(select(User.id).order_by(User.id)).scalars().all() == [1, 2, 7, 8]
    assert names(other) == []
    own_session.commit()
    assert names(other) == ["Ada", "Grace", "pending", "later"]


def test_what_comes_after_a_commit_is_refused(client, engine, own_session, stage, unique, database):
    def calls(session):
        yield lambda: session.stage.create_local(unique(), "/data/")
        yield lambda: session.stage.drop(stage)
        yield lambda: session.snapshots.create(unique(), database=database)
        yield lambda: session.clone.table("copy", "users")

    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        for bind in (raw(connection), raw(own_session)):
            with client.session(bind=bind) as session:
                for call in calls(session):
                    with pytest.raises(NotSupported, match="transaction is your own"):
                        call()
                assert session.stage.exists(stage)
        connection.rollback()


def test_a_connection_without_a_transaction(client, engine, stage, unique, files, other):
    name = unique()
    with engine.connect() as connection:
        with client.session(bind=raw(connection)) as session:
            session.stage.create_local(name, files.folder)
            session.insert(User, {"id": 1, "name": "Ada"})
        assert names(other) == ["Ada"]
        assert other.stage.exists(name)
        assert not raw(connection).in_transaction()
        with client.session(bind=raw(connection)) as session:
            session.stage.drop(name)
            session.insert(User, {"id": 2, "name": "Grace"})
        assert not other.stage.exists(name)
        connection.execute(insert(User), [{"id": 3, "name": "Alan"}])
        connection.commit()
    assert names(other) == ["Ada", "Grace", "Alan"]


def test_a_transaction_that_the_server_ends(client, engine, other, new_engine):
    client.insert(User, [{"id": 1}, {"id": 2}])
    with engine.connect() as connection:
        connection.execute(text("SET lock_wait_timeout = 1"))
        connection.rollback()
        connection.execute(text("UPDATE users SET age = 1 WHERE id = 1"))
        with other.session() as holder:
            holder.execute(text("UPDATE users SET age = 2 WHERE id = 2"))
            with pytest.raises(TransactionAborted), client.session(bind=raw(connection)) as session:
                with suppress(Exception):  # the session remembers it
                    session.execute(text("UPDATE users SET age = 3 WHERE id = 2"))
                session.insert(User, {"id": 3})
        connection.rollback()
        connection.execute(text("UPDATE users SET age = 4 WHERE id = 1"))
        connection.commit()
    assert client.execute(select(User.age).where(User.id == 1)).scalar() == 4


def test_the_program_may_commit_while_the_session_is_open(client, engine, other):
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with client.session(bind=raw(connection)) as session:
            session.insert(User, {"id": 1, "name": "first"})
            connection.commit()
            assert names(other) == ["first"]
    assert names(client) == ["first"]


def test_a_session_within_a_session_of_the_same_connection(client, engine, other):
    """As where a function that is called has a session of its own: the outer one hears of its transaction afterwards."""
    client.insert(User, [{"id": 1}, {"id": 2}])
    with engine.connect() as connection:
        connection.execute(text("SET lock_wait_timeout = 1"))
        connection.rollback()
        with other.session() as holder, pytest.raises(TransactionAborted, match="LockTimeout"):
            holder.execute(text("UPDATE users SET age = 2 WHERE id = 2"))
            with client.session(bind=raw(connection)) as session:
                session.insert(User, {"id": 3})
                with client.session(bind=raw(connection)) as inner:
                    inner.insert(User, {"id": 4})
                with suppress(Exception):  # the outer session remembers it
                    session.execute(text("UPDATE users SET age = 3 WHERE id = 2"))
                session.insert(User, {"id": 5})
    assert other.execute(select(User.id).order_by(User.id)).scalars().all() == [1, 2]


@pytest.mark.parametrize("bind", ["engine", "text"])
def test_what_has_no_transaction(client, engine, bind):
    with pytest.raises(InvalidArgument, match="bind="):
        client.session(bind=raw(engine) if bind == "engine" else bind)


def test_a_connection_of_another_dialect(client, new_engine, side):
    if side == "sync":
        import sqlalchemy

        with (
            sqlalchemy.create_engine("sqlite://").connect() as connection,
            pytest.raises(InvalidArgument, match="sqlite"),
        ):
            client.session(bind=connection).execute(text("SELECT 1"))
    else:  # a connection that is not open yet
        with pytest.raises(InvalidArgument, match="open AsyncConnection"):
            client.session(bind=new_engine().wrapped.connect())


def test_a_connection_that_the_program_closes_first(client, engine):
    with engine.connect() as connection:
        session = client.session(bind=raw(connection))
        session.insert(User, {"id": 1})
        connection.close()
        session.close()
    assert names(client) == []
