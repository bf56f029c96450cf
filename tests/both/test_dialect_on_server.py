"""SQLAlchemy and Alembic on the server, by the dialect alone."""

import datetime
import decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    create_engine,
    insert,
    inspect,
    select,
)
from sqlalchemy.dialects.mysql import insert as upsert
from sqlalchemy.ext.asyncio import create_async_engine

METADATA = MetaData()
THINGS = Table(
    "things",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False),
    Column("price", Numeric(10, 2)),
    Column("data", LargeBinary),
    Column("info", JSON),
    Column("at", DateTime),
    Column("note", Text),
    Column("good", Boolean),
)
ROW = {
    "id": 1, "name": "it's \"ünïcödé\" 😀 \\ %s :x", "price": decimal.Decimal("12345678.90"), "data": bytes(range(256)),
    "info": {"a": [1, None, "é"]}, "at": datetime.datetime(2026, 1, 2, 3, 4, 5), "note": "", "good": True,
}  # fmt: skip


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def engine(matrixone_url, database):
    engine = create_engine(matrixone_url.replace("mysql://", "matrixone+pymysql://") + f"/{database}")
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


def test_values_of_all_kinds_come_back(engine):
    with engine.begin() as connection:
        connection.execute(insert(THINGS), [ROW, ROW | {"id": 2}])
    with engine.connect() as connection:
        assert dict(connection.execute(select(THINGS).where(THINGS.c.id == 1)).mappings().one()) == ROW


def test_upserts(engine):
    statement = upsert(THINGS).values(id=1, name="first")
    statement = statement.on_duplicate_key_update(name=statement.inserted.name)
    with engine.begin() as connection:
        connection.execute(statement)
        connection.execute(statement, {"id": 1, "name": "second"})
        assert connection.execute(select(THINGS.c.name)).scalars().all() == ["second"]


def test_reflection(engine):
    found = inspect(engine)
    assert found.get_table_names() == ["things"]
    assert [column["name"] for column in found.get_columns("things")] == [column.name for column in THINGS.columns]
    assert found.get_pk_constraint("things")["constrained_columns"] == ["id"]
    again = Table("things", MetaData(), autoload_with=engine)
    assert again.c.name.type.length == 100
    assert isinstance(again.c.price.type, Numeric)


def test_alembic_finds_nothing_to_change_and_makes_what_is_missing(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.impl.__dialect__ == "matrixone"
        assert compare_metadata(context, METADATA) == []
        Operations(context).create_table("more", Column("id", Integer, primary_key=True))
        connection.commit()
        assert set(inspect(connection).get_table_names()) == {"things", "more"}
        assert [change[0] for change in compare_metadata(context, METADATA)] == ["remove_table"]


@pytest.mark.anyio
async def test_the_asynchronous_engine(matrixone_url, database):
    engine = create_async_engine(
        matrixone_url.replace("mysql://", "matrixone+aiomysql://") + f"/{database}?time_zone=%2B08:00"
    )
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.execute(insert(THINGS).values(ROW))
        assert (await connection.execute(select(THINGS.c.info))).scalar() == ROW["info"]
    await engine.dispose()
