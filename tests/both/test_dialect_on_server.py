"""SQLAlchemy on the server, by the dialect alone."""

import datetime
import decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from dialect_tables import METADATA, THINGS
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.mysql import insert as upsert
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.ext.asyncio import create_async_engine

ROW = {
    "id": 1, "name": "it's \"ünïcödé\" 😀 \\ %s :x", "price": decimal.Decimal("12345678.90"), "data": bytes(range(256)),
    "info": {"a": [1, None, "é"]}, "at": datetime.datetime(2026, 1, 2, 3, 4, 5), "note": "", "good": True,
}  # fmt: skip


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


def test_upserts_of_many_rows(client):
    """Values and percent signs behind ON DUPLICATE KEY UPDATE, where the drivers put none or leave both signs."""
    client.create_table(THINGS)
    rows = [{"id": 1, "name": "a%"}, {"id": 2, "name": "%s"}]
    client.execute(insert(THINGS), rows)
    statement = upsert(THINGS)
    for name, more, wanted in (
        ("70%", [{}, {}], ["70%", "70%"]),
        (literal_column("'50%'"), [{}, {}], ["50%", "50%"]),
        (bindparam("new"), [{"new": "1%"}, {"new": "%s"}], ["1%", "%s"]),
        (func.concat(statement.inserted.name, "!"), [{}, {}], ["a%!", "%s!"]),
    ):
        changed = [row | other for row, other in zip(rows, more, strict=True)]
        client.execute(statement.on_duplicate_key_update(name=name), changed)
        assert client.execute(select(THINGS.c.name).order_by(THINGS.c.id)).scalars().all() == wanted
    sql = "INSERT INTO things (id, name) VALUES (?, ?) ON DUPLICATE KEY UPDATE name = '9%'"
    assert client.execute(sql, [(1, "a"), (3, "b")]).rowcount >= 2  # what is changed may count twice
    assert client.execute(select(THINGS.c.name).order_by(THINGS.c.id)).scalars().all() == ["9%", "%s!", "b"]


def test_reflection(engine):
    found = inspect(engine)
    assert found.get_table_names() == ["things"]
    assert [column["name"] for column in found.get_columns("things")] == [column.name for column in THINGS.columns]
    assert found.get_pk_constraint("things")["constrained_columns"] == ["id"]
    again = Table("things", MetaData(), autoload_with=engine)
    assert again.c.name.type.length == 100
    assert isinstance(again.c.price.type, Numeric)


ODD = ["t'x", 't"y', "t\\z", "t`w"]


@pytest.mark.parametrize("name", ODD)
def test_names_with_quotes_and_backslashes(engine, name):
    metadata = MetaData()
    column, other = (
        Column(f"c{name}", Integer, comment="it's \\ here"),
        Column("d", String(20), server_default="it's \\ so"),
    )
    keyed = [other] if "'" in name else [column, other]  # the server makes no index of a column named so
    Table(
        name, metadata, Column("id", Integer, primary_key=True, autoincrement=False), column, other,
        UniqueConstraint(*keyed, name="uk"), comment="it's \\ there",
    )  # fmt: skip
    metadata.create_all(engine)
    metadata.create_all(engine)  # it is found to be there
    try:
        found = inspect(engine)
        assert found.has_table(name)
        assert not found.has_table(f"{name}2")
        again = Table(name, MetaData(), autoload_with=engine)
        assert [one.name for one in again.columns] == ["id", f"c{name}", "d"]
        assert again.c[1].comment == "it's \\ here"
        assert again.comment == "it's \\ there"
        [unique] = found.get_unique_constraints(name)
        assert (unique["name"], unique["column_names"]) == ("uk", [one.name for one in keyed])
        with engine.begin() as connection:
            connection.execute(insert(again), {"id": 1})
            assert connection.execute(select(again.c.d)).scalar() == "it's \\ so"
            context = MigrationContext.configure(connection, opts={"compare_server_default": '"' not in name})
            [only] = compare_metadata(context, metadata)
            assert (only[0], only[1].name) == ("remove_table", "things")
    finally:
        metadata.drop_all(engine)


def test_keys_of_several_columns(engine):
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE keyed (a INT, b INT, c INT, d INT, PRIMARY KEY (b, a), KEY kc (c), UNIQUE KEY ud (d, c))"
            )
        )
    try:
        found = inspect(engine)
        assert [column["name"] for column in found.get_columns("keyed")] == ["a", "b", "c", "d"]
        assert found.get_pk_constraint("keyed")["constrained_columns"] == ["b", "a"]
        assert [key["column_names"] for key in found.get_unique_constraints("keyed")] == [["d", "c"]]
        assert {index["name"]: index["unique"] for index in found.get_indexes("keyed")} == {"kc": False, "ud": True}
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE keyed"))


def test_reflection_leaves_the_connection_as_it_is(engine):
    with engine.connect() as connection:
        before = connection.get_execution_options()
        found = inspect(connection)
        assert found.has_table("things")
        assert not found.has_table("none")
        assert not found.has_table("things", schema="no_such_database")
        Table("things", MetaData(), autoload_with=connection)
        with pytest.raises(NoSuchTableError):
            found.get_columns("none")
        with pytest.raises(DBAPIError, match="no_such_database"):
            found.get_columns("things", schema="no_such_database")
        with pytest.raises(NoSuchTableError):
            found.get_view_definition("things")
        assert connection.get_execution_options() == before


def test_temporary_tables(engine):
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE passing (a INT PRIMARY KEY, b INT)"))
        found = inspect(connection)
        assert found.has_table("passing")
        assert [column["name"] for column in found.get_columns("passing")] == ["a", "b"]
        connection.execute(text("DROP TABLE passing"))


def test_partitions_and_counting_come_back_as_they_were(engine):
    metadata = MetaData()
    made = Table(
        "parts", metadata, Column("id", Integer, primary_key=True), Column("name", String),
        mysql_auto_increment=100, mysql_partition_by="HASH (id)", mysql_partitions=2,
    )  # fmt: skip
    metadata.create_all(engine)
    try:
        again = Table("parts", MetaData(), autoload_with=engine)
        assert "hash" in again.kwargs["matrixone_partition_by"]
        with engine.begin() as connection:
            assert connection.execute(insert(made).values(name="x" * 300)).inserted_primary_key == (100,)
            connection.execute(text("DROP TABLE parts"))
            again.create(connection)
            assert inspect(connection).get_table_options("parts") == again.kwargs
    finally:
        metadata.drop_all(engine)


def test_views_are_reflected(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE VIEW names AS SELECT name FROM things"))
    try:
        found = inspect(engine)
        assert found.get_view_names() == ["names"]
        assert "things" in found.get_view_definition("names")
        assert [column["name"] for column in found.get_columns("names")] == ["name"]
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP VIEW names"))


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
