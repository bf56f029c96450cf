"""What a consumer of the asyncio client writes; must type-check unchanged."""

from datetime import UTC, datetime
from typing import assert_type

from sqlalchemy import Result, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from matrixone import AsyncArrowStream, AsyncClient, AsyncSession, LoadReport, Snapshot, SnapshotLevel, Stage


class Base(DeclarativeBase):
    """The models' base."""


class User(Base):
    """A model."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def use(client: AsyncClient) -> None:
    """Use every method."""
    await client.connect(host="localhost", port=6001, user="root", password="111", wait=3, ssl_mode="required")
    assert_type(await client.stage.create("s", "file:///a/", credentials={"a": "b"}), Stage)
    assert_type(await client.stage.create_local("s", "/a/", comment="c", if_not_exists=True), Stage)
    assert_type(await client.stage.create_s3("s", "b", "p/", "k", "s", provider="minio"), Stage)
    assert_type(await client.stage.list(), tuple[Stage, ...])
    assert_type(await client.stage.list(like="s%"), tuple[Stage, ...])
    assert_type(await client.stage.get("s"), Stage)
    assert_type(await client.stage.exists("s"), bool)
    assert_type(await client.stage.alter("s", enable=False), Stage)
    await client.stage.drop("s", if_exists=True)
    assert_type(await client.load_data.read_csv_stage("s", "f.csv", table=User, ignore_lines=1), LoadReport)
    assert_type(await client.load_data.read_csv_stage("s", "f.csv", "t", columns=["a", None]), LoadReport)
    assert_type(await client.snapshots.create("n", SnapshotLevel.DATABASE, database="d"), Snapshot)
    assert_type(await client.snapshots.list(), tuple[Snapshot, ...])
    await client.snapshots.drop("n")
    await client.create_table(User)
    await client.drop_table(User)
    await client.create_all(Base)
    await client.drop_all(Base)
    assert_type(await client.execute(select(User)), Result[User])
    assert_type(await client.execute(select(User.id, User.name)), Result[int, str])
    for user in (await client.execute(select(User))).scalars():
        assert_type(user, User)
    (await client.execute("SELECT 1", {"a": 1})).all()
    await client.execute(select(User), snapshot="s", timeout=1)
    await client.query_df(select(User), {"a": 1}, dtype_backend="pyarrow", timestamp=datetime.now(UTC))
    assert_type(client.stream_arrow("SELECT 1", batch_rows=5), AsyncArrowStream)
    async with client.stream(select(User.id), batch=10) as rows:
        async for row in rows:
            assert_type(row[0], int)
    async with client.session() as session:
        assert_type(session, AsyncSession)
        assert_type(await session.load_data.read_csv_stage("s", "f.csv", User), LoadReport)
        session.add(User(id=1, name="a"))
    async with AsyncClient(url="mysql://") as other:
        assert_type(other, AsyncClient)
    await client.disconnect()
