"""SQLAlchemy and Alembic on the server, by the dialect alone."""

import datetime
import decimal

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
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
    text,
)
from sqlalchemy.dialects.mysql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from matrixone.orm import UUID, VECF32

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


OWN_TYPES = MetaData()
Table(
    "documents",
    OWN_TYPES,
    Column("id", Integer, primary_key=True),
    Column("thing", Integer, ForeignKey("owners.id", ondelete="CASCADE")),
    Column("other", Integer, ForeignKey("owners.id")),
    Column("vector", VECF32(3)),
    Column("key", UUID()),
)
Table("owners", OWN_TYPES, Column("id", Integer, primary_key=True, autoincrement=False))


def test_foreign_keys_and_types_of_its_own_come_back_as_they_were(engine):
    METADATA.drop_all(engine)
    OWN_TYPES.create_all(engine)
    try:
        found = inspect(engine).get_foreign_keys("documents")
        told = {key["constrained_columns"][0]: (key["referred_table"], key["options"]) for key in found}
        assert told == {"thing": ("owners", {"ondelete": "CASCADE"}), "other": ("owners", {})}
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, OWN_TYPES) == []
            made = produce_migrations(context, OWN_TYPES)
            assert made.upgrade_ops.is_empty()
            OWN_TYPES.drop_all(connection)
            connection.commit()
            made = produce_migrations(MigrationContext.configure(connection), OWN_TYPES)
            written = render_python_code(made.upgrade_ops, migration_context=context)
            needed = AutogenContext(context, OWN_TYPES)
            context.impl.render_type(VECF32(3), needed)
        assert "matrixone.orm.VECF32(3)" in written
        assert "matrixone.orm.UUID()" in written
        assert needed.imports == {"import matrixone.orm"}
    finally:
        OWN_TYPES.drop_all(engine)


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


ENVIRONMENT = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
REVISIONS = {
    "a1": """
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))
    op.create_index("ix_name", "users", ["name"])
    op.bulk_insert(USERS, [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}])
---
    op.drop_table("users")
""",
    "a2": """
    op.add_column("users", sa.Column("age", sa.Integer))
    op.execute("UPDATE users SET age = id + 40")
    op.alter_column("users", "age", existing_type=sa.Integer, type_=sa.BigInteger, nullable=False)
    op.alter_column("users", "name", new_column_name="full_name", existing_type=sa.String(50))
    op.create_unique_constraint("uq_age", "users", ["age"])
---
    op.drop_constraint("uq_age", "users", type_="unique")
    op.alter_column("users", "full_name", new_column_name="name", existing_type=sa.String(50))
    op.drop_column("users", "age")
""",
    "broken": """
    op.add_column("users", sa.Column("city", sa.String(9)))
    op.execute("UPDATE users SET city = 'Rome'")
    op.execute("UPDATE users SET nowhere = 1")
---
    pass
""",
}


@pytest.fixture
def migrations(engine, tmp_path):
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT)
    before = None
    for revision, steps in REVISIONS.items():
        up, down = steps.split("---")
        (tmp_path / "versions" / f"{revision}.py").write_text(
            "from alembic import op\nimport sqlalchemy as sa\n"
            f"revision, down_revision = {revision!r}, {before!r}\n"
            "USERS = sa.table('users', sa.column('id', sa.Integer), sa.column('name', sa.String))\n"
            f"def upgrade():{up}\ndef downgrade():{down}"
        )
        before = revision
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("sqlalchemy.url", engine.url.render_as_string(hide_password=False).replace("%", "%%"))
    return config


def test_alembic_migrates_up_and_down(engine, migrations):
    command.upgrade(migrations, "a2")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM users ORDER BY id")).all() == [(1, "Ann", 41), (2, "Bob", 42)]
        assert [one["nullable"] for one in inspect(connection).get_columns("users")] == [False, True, False]
    with pytest.raises(DBAPIError, match="nowhere"):
        command.upgrade(migrations, "broken")
    with engine.connect() as connection:  # a migration that fails leaves nothing behind
        assert [one["name"] for one in inspect(connection).get_columns("users")] == ["id", "full_name", "age"]
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["a2"]
    command.downgrade(migrations, "a1")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM users ORDER BY id")).all() == [(1, "Ann"), (2, "Bob")]
    command.downgrade(migrations, "base")
    command.upgrade(migrations, "a1")


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
