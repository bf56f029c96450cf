"""Objects of models that a session reads from the past, beside those of the present, by both clients."""

import pickle
from typing import Any, ClassVar

import pytest
from sqlalchemy import ForeignKey, String, event, func, insert, inspect, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    deferred,
    joinedload,
    mapped_column,
    relationship,
    selectin_polymorphic,
    selectinload,
)
from test_results_of_the_past import server_time, wait_until_past

from matrixone import errors


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = deferred(mapped_column(String(20)))
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    title: Mapped[str] = mapped_column(String(20))
    author: Mapped[Author | None] = relationship(back_populates="books")


class Work(Base):
    __tablename__ = "works"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": "work"}


class Play(Work):
    __tablename__ = "plays"
    id: Mapped[int] = mapped_column(ForeignKey("works.id"), primary_key=True)
    acts: Mapped[int]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "play"}


class Poem(Work):
    __tablename__ = "poems"
    id: Mapped[int] = mapped_column(ForeignKey("works.id"), primary_key=True)
    verses: Mapped[int]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "poem", "polymorphic_load": "selectin"}


ADA = select(Author).where(Author.id == 1)


@pytest.fixture
def past(client, database, unique):
    """The name of a snapshot of an author with two books; now the author has another name, and one of them."""
    client.create_all(Base)
    client.execute(insert(Author), [{"id": 1, "name": "Ada", "note": "then"}])
    client.execute(
        insert(Book), [{"id": 1, "author_id": 1, "title": "old"}, {"id": 2, "author_id": 1, "title": "older"}]
    )
    name = unique("snap")
    client.snapshots.create(name, database=database)
    client.execute("UPDATE authors SET name = 'Grace', note = 'now' WHERE id = 1")
    client.execute("DELETE FROM books WHERE id = 1")
    client.execute("UPDATE books SET title = 'new' WHERE id = 2")
    return name


def in_session(client, call):
    """Call a function with a session of SQLAlchemy's that blocks, or seems to."""
    with client.session() as session:
        return session.run_sync(call) if hasattr(client, "portal") else call(session)


def test_a_session_has_both(client, past):
    then = {"snapshot": past}

    def read(session):
        now = session.execute(ADA).scalar_one()
        old = session.execute(ADA, execution_options=then).scalar_one()
        assert (now.name, old.name) == ("Grace", "Ada")
        assert session.execute(ADA).scalar_one() is now
        assert session.execute(ADA.execution_options(snapshot=past.upper())).scalar_one() is old
        assert session.get(Author, 1) is now
        assert session.get(Author, 1, execution_options=then) is old
        assert session.get_one(Author, 1, execution_options=then) is old
        assert session.get(Book, 1) is None
        assert session.get(Book, 1, execution_options=then).title == "old"
        assert session.scalars(select(Author.name), execution_options=then).all() == ["Ada"]
        assert session.scalar(select(func.count()).select_from(Book), execution_options=then) == 2
        return pickle.loads(pickle.dumps(old))

    assert in_session(client, read).name == "Ada"


def test_what_is_loaded_later_is_of_the_same_moment(client, past):
    def read(session):
        now = session.get(Author, 1)
        second = session.get(Book, 2)
        old = session.get(Author, 1, execution_options={"snapshot": past})
        assert [book.title for book in old.books] == ["old", "older"]
        assert [book.title for book in now.books] == ["new"]
        assert now.books == [second]
        assert (old.note, now.note) == ("then", "now")
        assert old.books[1].author is old
        session.expire(old)
        assert (old.name, [book.title for book in old.books]) == ("Ada", ["old", "older"])
        session.refresh(old)
        assert (old.name, now.name) == ("Ada", "Grace")

    in_session(client, read)

    def read_many_to_one(session):
        now = session.get(Author, 1)
        old = session.get(Book, 2, execution_options={"snapshot": past})
        assert (old.author.name, session.get(Book, 2).author) == ("Ada", now)

    in_session(client, read_many_to_one)


@pytest.mark.parametrize("loading", [joinedload, selectinload])
def test_what_is_loaded_with_it_is_of_the_same_moment(client, past, loading):
    def read(session):
        session.get(Book, 2)
        found = session.execute(ADA.options(loading(Author.books)), execution_options={"snapshot": past})
        assert [book.title for book in found.unique().scalar_one().books] == ["old", "older"]

    in_session(client, read)


@pytest.mark.parametrize("reading", ["later", "together", "by key", "of the statement"])
def test_columns_of_a_subclass_are_of_the_same_moment(client, database, unique, reading):
    """Those that SQLAlchemy loads for one object, and those that it loads for all objects with a statement of its own."""
    client.create_all(Base)
    with client.session() as session:
        session.add_all([Play(id=1, acts=5), Poem(id=2, verses=14), Work(id=3)])
    then = {"snapshot": unique("snap")}
    client.snapshots.create(then["snapshot"], database=database)
    client.execute("UPDATE plays SET acts = 1")
    client.execute("UPDATE poems SET verses = 2")
    sent = []

    def read(session):
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: sent.append(args[2]))
        works = select(Work).order_by(Work.id)
        play, poem, _ = {
            "later": lambda: session.scalars(works, execution_options=then).all(),
            "together": lambda: session.scalars(
                works.options(selectin_polymorphic(Work, [Play])), execution_options=then
            ).all(),
            "by key": lambda: [session.get(Work, number, execution_options=then) for number in (1, 2, 3)],
            "of the statement": lambda: session.scalars(
                works.options(selectin_polymorphic(Work, [Play])).execution_options(**then)
            ).all(),
        }[reading]()
        before = len(sent)
        assert (poem.verses, play.acts) == (14, 5)
        assert len(sent) == before + (reading in {"later", "by key"})  # the acts of the play
        session.expire(play, ["acts"])
        assert (play.acts, session.get(Work, 1).acts, session.get(Work, 2).verses) == (5, 1, 2)

    in_session(client, read)


def test_moments_by_time(client, past):
    wait_until_past(client, server_time(client))  # so that the writes are before the moment
    moment = server_time(client)
    wait_until_past(client, moment)
    client.execute("UPDATE authors SET name = 'Joan' WHERE id = 1")

    def read(session):
        now = session.get(Author, 1)
        old = session.get(Author, 1, execution_options={"timestamp": moment})
        oldest = session.get(Author, 1, execution_options={"snapshot": past})
        session.expire(old)
        assert [each.name for each in (now, old, oldest)] == ["Joan", "Grace", "Ada"]
        assert [book.title for book in old.books] == ["new"]

    in_session(client, read)


def test_the_past_is_not_written(client, past):
    then = {"snapshot": past}

    def rename(session):
        session.get(Author, 1, execution_options=then).name = "Ada L."

    def remove(session):
        session.delete(session.get(Book, 1, execution_options=then))

    def merge(session):
        old = session.get(Author, 1, execution_options=then)
        session.expunge(old)
        old.name = "Ada L."
        session.merge(old)

    def save_in_bulk(session):
        session.bulk_save_objects([session.get(Author, 1, execution_options=then)])

    for call in (rename, remove, merge, save_in_bulk):
        with pytest.raises(
            errors.InvalidArgument, match=rf"was read as of .*{past}.* and changed, and the past cannot be written"
        ):
            in_session(client, call)
    assert client.execute(select(Author.name)).scalars().all() == ["Grace"]
    assert client.execute(select(Book.id)).scalars().all() == [2]


def test_values_of_the_past_can_be_written_to_the_present(client, past):
    """Beside objects of the past that are not changed, or that the session does not have any more."""

    def write_back(session):
        old = session.get(Author, 1, execution_options={"snapshot": past})
        session.get(Author, 1).name = old.name
        session.add(Book(id=3, author_id=old.id, title="next"))
        dropped = session.get(Book, 1, execution_options={"snapshot": past})
        dropped.title = "changed"
        session.expunge(dropped)
        session.bulk_save_objects([Book(id=4, title="last")])
        return inspect(old).identity_token

    token = in_session(client, write_back)
    assert token.snapshot == past
    assert client.execute(select(Author.name)).scalars().all() == ["Ada"]
    assert client.execute(select(Book.title).order_by(Book.id)).scalars().all() == ["new", "next", "last"]
