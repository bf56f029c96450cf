"""What a consumer of the blocking client writes; must type-check unchanged."""

from datetime import UTC, datetime
from typing import assert_type

from sqlalchemy import Result, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from matrixone import ArrowStream, Client, LoadReport, Session, Snapshot, SnapshotLevel, Stage


class Base(DeclarativeBase):
    """The models' base."""


class User(Base):
    """A model."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def use(client: Client) -> None:
    """Use every method."""
    client.connect(host="localhost", port=6001, user="root", password="111", wait=3, ssl_mode="required")
    assert_type(client.stage.create("s", "file:///a/", credentials={"a": "b"}), Stage)
    assert_type(client.stage.create_local("s", "/a/", comment="c", if_not_exists=True), Stage)
    assert_type(client.stage.create_s3("s", "b", "p/", "k", "s", provider="minio"), Stage)
    assert_type(client.stage.list(), tuple[Stage, ...])
    assert_type(client.stage.list(like="s%"), tuple[Stage, ...])
    assert_type(client.stage.get("s"), Stage)
    assert_type(client.stage.exists("s"), bool)
    assert_type(client.stage.alter("s", enable=False), Stage)
    client.stage.drop("s", if_exists=True)
    assert_type(client.load_data.read_csv_stage("s", "f.csv", table=User, ignore_lines=1), LoadReport)
    assert_type(client.load_data.read_csv_stage("s", "f.csv", "t", columns=["a", None]), LoadReport)
    assert_type(client.snapshots.create("n", SnapshotLevel.DATABASE, database="d"), Snapshot)
    assert_type(client.snapshots.list(), tuple[Snapshot, ...])
    client.snapshots.drop("n")
    client.create_table(User)
    client.drop_table(User)
    client.create_all(Base)
    client.drop_all(Base)
    assert_type(client.execute(select(User)), Result[User])
    assert_type(client.execute(select(User.id, User.name)), Result[int, str])
    for user in client.execute(select(User)).scalars():
        assert_type(user, User)
    client.execute("SELECT 1", {"a": 1}).all()
    client.execute(select(User), snapshot="s", timeout=1)
    client.query_df(select(User), {"a": 1}, dtype_backend="pyarrow", timestamp=datetime.now(UTC))
    assert_type(client.stream_arrow("SELECT 1", batch_rows=5), ArrowStream)
    with client.stream(select(User.id), batch=10) as rows:
        for row in rows:
            assert_type(row[0], int)
    with client.session() as session:
        assert_type(session, Session)
        assert_type(session.load_data.read_csv_stage("s", "f.csv", User), LoadReport)
        session.add(User(id=1, name="a"))
    with Client(url="mysql://") as other:
        assert_type(other, Client)
    client.disconnect()
