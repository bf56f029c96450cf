"""Alembic on the server: what it finds to change, and migrations."""

import pytest
import sqlalchemy.dialects.mysql
from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from dialect_tables import METADATA
from sqlalchemy import (
    BINARY,
    CHAR,
    JSON,
    REAL,
    VARBINARY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    DefaultClause,
    Double,
    Enum,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    func,
    inspect,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError

import matrixone.orm
from matrixone.orm import UUID, VECF32, VECF64, FullTextIndex, VectorIndex


def test_alembic_finds_nothing_to_change_and_makes_what_is_missing(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.impl.__dialect__ == "matrixone"
        assert compare_metadata(context, METADATA) == []
        Operations(context).create_table("more", Column("id", Integer, primary_key=True))
        connection.commit()
        assert set(inspect(connection).get_table_names()) == {"things", "more"}
        assert [change[0] for change in compare_metadata(context, METADATA)] == ["remove_table"]


def test_defaults_of_booleans_are_the_same_however_they_are_written(engine):
    metadata = MetaData()
    written = {"a": text("true"), "b": "1", "c": text("1"), "d": text("false"), "e": "0", "f": None}
    columns = [Column(name, Boolean, server_default=default) for name, default in written.items()]
    Table("flags", metadata, Column("id", Integer, primary_key=True), *columns)
    metadata.create_all(engine)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            [only] = compare_metadata(context, metadata)
            assert (only[0], only[1].name) == ("remove_table", "things")
            metadata.tables["flags"].c.d.server_default = None
            metadata.tables["flags"].c.f.server_default = DefaultClause("1")
            changes = [change for [change] in compare_metadata(context, metadata)[1:]]
            assert sorted(change[3] for change in changes) == ["d", "f"]
    finally:
        metadata.drop_all(engine)


TEXTS = ["", "it's", "a\\b", "NULL", " x ", "50%", 'say "y"', "a:b", "é😀", "two\nlines", "5"]
NUMBERS = [
    (Integer, "5"),
    (Integer, text("-1")),
    (Integer, text("(2 * (3+1))")),
    (Numeric(10, 2), "1.50"),
    (Double, "1e10"),
]
EVERY_TYPE = [
    mysql.TINYINT(), mysql.MEDIUMINT(), mysql.MEDIUMINT(unsigned=True), mysql.BIGINT(unsigned=True), Float(), Float(24),
    Float(53), REAL(), mysql.DOUBLE(10, 2), Numeric(), Numeric(38, 10), String(), String(5), CHAR(5), Text(500),
    mysql.TINYTEXT(), mysql.MEDIUMTEXT(), mysql.LONGTEXT(), LargeBinary(9), mysql.TINYBLOB(), mysql.LONGBLOB(), BINARY(9),
    VARBINARY(9), VARBINARY(), DateTime(timezone=True), mysql.DATETIME(fsp=6), mysql.TIMESTAMP(fsp=3), mysql.TIME(fsp=6),
    mysql.YEAR(), Interval(), JSON(), Enum("x y", "it's", "a\\b", '"', name="items"), mysql.SET("x", "y"), mysql.BIT(8),
    Uuid(), UUID(), VECF32(3), VECF64(3), Boolean(),
]  # fmt: skip


def make_everything():
    """Models with every type, default, comment and key."""
    metadata = MetaData()
    Table(
        "everything",
        metadata,
        Column("Id", BigInteger, primary_key=True, autoincrement=False),
        *(Column(f"type {n}", kind, comment=f"it's\n`{n}`, \\ %") for n, kind in enumerate(EVERY_TYPE)),
        *(Column(f"text{n}", String(20), server_default=value) for n, value in enumerate(TEXTS)),
        *(Column(f"number{n}", kind, server_default=value) for n, (kind, value) in enumerate(NUMBERS)),
        Column("none", Integer, server_default=text("NULL")),
        Column("day", Date, server_default="2020-01-02"),
        Column("moment", DateTime, server_default="2020-01-02 03:04:05"),
        Column("hour", Time, server_default="01:02:03"),
        Column("bytes", VARBINARY(10), server_default="abc"),
        Column("now", DateTime, server_default=func.now()),
        Column("touched", DateTime, server_default=text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")),
        Column("called", String(40), server_default=text("(concat('a','b'))")),
        Column("today", Date, server_default=text("(current_date)")),
        Column("counted", Integer, Identity()),
        Column("made", Integer, Computed("`number0` * 2", persisted=True)),
        Column("owner", Integer, ForeignKey("owners.Id", name="FK_Owner", ondelete="SET NULL")),
        CheckConstraint("`number0` > 0", name="CK_Number"),
        UniqueConstraint("number0", "text0", name="UQ_Two"),
        Index("IX_Case", "text0"),
        Index("falling", text("number0 DESC"), "text1"),
        comment='two\nlines, it\'s \\ "so"',
    )
    Table("owners", metadata, Column("Id", Integer, primary_key=True, autoincrement=False))
    return metadata


def test_alembic_finds_nothing_after_every_type_default_comment_and_key(engine):
    METADATA.drop_all(engine)
    metadata = make_everything()
    everything = metadata.tables["everything"]

    def changes():
        with engine.connect() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    metadata.create_all(engine)
    try:
        assert changes() == []
        with engine.begin() as connection:  # the names of indexes are found in any case
            next(index for index in everything.indexes if index.name == "IX_Case").create(connection, checkfirst=True)
        again = MetaData()
        again.reflect(engine)
        metadata.drop_all(engine)
        again.create_all(engine)
        assert changes() == []
        everything.c.text0.server_default = DefaultClause("other")
        everything.c.number0.server_default = DefaultClause("6")
        everything.c.now.server_default = None
        everything.c["type 7"].type = Float()
        assert sorted((change[0], change[3]) for [change] in changes()) == [
            ("modify_default", "now"), ("modify_default", "number0"), ("modify_default", "text0"),
            ("modify_type", "type 7"),
        ]  # fmt: skip
    finally:
        metadata.drop_all(engine)


SEARCHED = MetaData()
DOCUMENTS = Table(
    "searched",
    SEARCHED,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String),
    Column("body", Text),
    Column("plain", String(20), index=True),
    Column("small", VECF32(3)),
    Column("large", VECF64(2)),
    VectorIndex("by_small", "small", lists=2, op_type="vector_l2_ops"),
    VectorIndex("by_large", "large", using="hnsw", m=16, ef_construction=64, ef_search=32, op_type="vector_cosine_ops"),
    FullTextIndex("title", "title", parser="ngram"),
    FullTextIndex("by_text", "title", "body"),
)
OPTIONS = {
    "by_small": {"matrixone_using": "ivfflat", "matrixone_lists": 2, "matrixone_op_type": "vector_l2_ops"},
    "by_large": {
        "matrixone_using": "hnsw", "matrixone_m": 16, "matrixone_ef_construction": 64, "matrixone_ef_search": 32,
        "matrixone_op_type": "vector_cosine_ops",
    },
    "title": {"matrixone_prefix": "FULLTEXT", "matrixone_with_parser": "ngram"},
    "by_text": {"matrixone_prefix": "FULLTEXT"},
    "ix_searched_plain": {},
}  # fmt: skip


@pytest.fixture
def searched(engine):
    METADATA.drop_all(engine)
    SEARCHED.create_all(engine)
    yield engine
    SEARCHED.drop_all(engine)


def changes(engine, metadata):
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), metadata)


def test_indexes_of_vectors_and_for_full_text_come_back_as_they_were(searched):
    found = inspect(searched).get_indexes("searched")
    assert {index["name"]: index.get("dialect_options", {}) for index in found} == OPTIONS
    assert changes(searched, SEARCHED) == []
    copied = MetaData()
    again = Table("searched", copied, autoload_with=searched)
    SEARCHED.drop_all(searched)
    again.create(searched)
    assert changes(searched, SEARCHED) == []


def test_a_migration_makes_those_indexes(searched):
    with searched.connect() as connection:
        context = MigrationContext.configure(connection)
        SEARCHED.drop_all(connection)
        made = produce_migrations(context, SEARCHED)
        written = render_python_code(made.upgrade_ops, migration_context=context)
        named = {
            "op": Operations(context),
            "sa": sqlalchemy,
            "mysql": sqlalchemy.dialects.mysql,
            "matrixone": matrixone,
        }
        exec(f"if True:\n{written}", named)
        connection.commit()
    assert changes(searched, SEARCHED) == []


def test_alembic_sees_another_kind_or_parameter(searched):
    others = [
        ("by_small", VectorIndex("by_small", "small", lists=3)),
        ("by_small", FullTextIndex("by_small", "title")),
        ("by_large", VectorIndex("by_large", "large", using="hnsw", op_type="vector_l2_ops")),
        ("title", FullTextIndex("title", "title", parser="json")),
        ("by_text", FullTextIndex("by_text", "body")),
        ("ix_searched_plain", FullTextIndex("ix_searched_plain", "plain")),
    ]
    for name, other in others:
        wanted = DOCUMENTS.to_metadata(MetaData())
        wanted.indexes.discard(next(index for index in wanted.indexes if index.name == name))
        other._set_parent(wanted)
        reported = [(change[0], change[1].name) for change in changes(searched, wanted.metadata)]
        assert reported == [("remove_index", name), ("add_index", name)], other


def test_an_index_without_a_name_is_left_alone(searched):
    with searched.begin() as connection:
        connection.execute(text("CREATE TABLE unnamed (id INT PRIMARY KEY, body TEXT, FULLTEXT (body))"))
    again = MetaData()
    Table("unnamed", again, Column("id", Integer, primary_key=True, autoincrement=False), Column("body", Text))
    try:
        named = {index["name"] for index in inspect(searched).get_indexes("unnamed")}
        reported = [change[1] for change in changes(searched, again) if change[0] == "remove_index"]
        assert {index.name for index in reported if index.table.name == "unnamed"} <= named
    finally:
        with searched.begin() as connection:
            connection.execute(text("DROP TABLE unnamed"))


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
        reported = {key["constrained_columns"][0]: (key["referred_table"], key["options"]) for key in found}
        assert reported == {"thing": ("owners", {"ondelete": "CASCADE"}), "other": ("owners", {})}
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
