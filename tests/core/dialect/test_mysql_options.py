"""What models and statements that were written for MySQL mean to the dialect."""

import warnings

import pytest
from sqlalchemy import (
    CHAR,
    NCHAR,
    NVARCHAR,
    REAL,
    VARBINARY,
    VARCHAR,
    Column,
    DateTime,
    Enum,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    Unicode,
    UniqueConstraint,
    delete,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import CompileError, SAWarning
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from matrixone_core.dialect import MatrixOneDialect_aiomysql, MatrixOneDialect_pymysql


@pytest.fixture(params=[MatrixOneDialect_pymysql, MatrixOneDialect_aiomysql])
def dialect(request):
    return request.param()


def table(*more, **options):
    return Table("t", MetaData(), Column("a", Integer), Column("b", String(20)), Column("c", String), *more, **options)


def written(dialect, element):
    return " ".join(str(element.compile(dialect=dialect)).split())


@pytest.mark.parametrize("prefix", ["mysql", "matrixone"])
def test_options_of_tables_that_mean_something(dialect, prefix):
    options = {"auto_increment": 100, "comment": "it's", "partition_by": "HASH (a)", "partitions": 4}
    made = table(**{f"{prefix}_{name}": value for name, value in options.items()})
    sql = written(dialect, CreateTable(made))
    assert sql.endswith("AUTO_INCREMENT=100 COMMENT='it''s' PARTITION BY HASH (a) PARTITIONS 4")


def test_the_comment_of_a_table_and_an_option_that_goes_before_mysqls(dialect):
    made = table(comment="own", mysql_partitions="2", matrixone_partitions="3", matrixone_partition_by="KEY(a)")
    assert written(dialect, CreateTable(made)).endswith("COMMENT='own' PARTITION BY KEY(a) PARTITIONS 3")


def test_others_are_named_in_one_warning(dialect):
    usual = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_row_format": "DYNAMIC"}
    with pytest.warns(SAWarning, match="mysql_charset, mysql_engine, mysql_row_format") as warned:
        assert written(dialect, CreateTable(table(**usual))).endswith("c VARCHAR )")
    assert len(warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CreateTable(table(**usual)).compile(dialect=dialect)
    with pytest.warns(SAWarning, match="like mysql_using: "):
        sql = written(dialect, CreateTable(table(PrimaryKeyConstraint("a", name="pk", mysql_using="hash"))))
    assert "PRIMARY KEY (a) )" in sql


@pytest.mark.parametrize(
    ("options", "sql"),
    [
        ({"mysql_prefix": "FULLTEXT"}, "CREATE FULLTEXT INDEX i ON t (b, c)"),
        (
            {"mysql_prefix": "FULLTEXT", "mysql_with_parser": "ngram"},
            "CREATE FULLTEXT INDEX i ON t (b, c) WITH PARSER ngram",
        ),
        ({"mysql_using": "btree"}, "CREATE INDEX i USING btree ON t (b, c)"),
        ({"mysql_length": 10}, "CREATE INDEX i ON t (b(10), c(10))"),
        ({"mysql_length": {"c": 10}, "unique": True}, "CREATE UNIQUE INDEX i ON t (b, c(10))"),
        ({"matrixone_length": {"b": 5}}, "CREATE INDEX i ON t (b(5), c)"),
    ],
)
def test_options_of_indexes(dialect, options, sql):
    index = Index("i", "b", "c", **options)
    table(index)
    assert written(dialect, CreateIndex(index)) == sql


def test_an_index_of_hashes_is_a_plain_one(dialect):
    index = Index("i", "b", mysql_using="hash")
    table(index)
    with pytest.warns(SAWarning, match="mysql_using"):
        assert written(dialect, CreateIndex(index)) == "CREATE INDEX i ON t (b)"


def test_an_index_cannot_be_made_if_there_is_none(dialect):
    index = Index("i", "b")
    table(index)
    with pytest.raises(CompileError, match="checkfirst"):
        CreateIndex(index, if_not_exists=True).compile(dialect=dialect)


def test_the_limit_of_a_change_is_kept(dialect):
    made = table()
    for name in ("mysql_limit", "matrixone_limit"):
        changed = update(made).values(a=1).with_dialect_options(**{name: 3})
        assert written(dialect, changed).endswith("LIMIT 3")
        assert written(dialect, delete(made).with_dialect_options(**{name: 3})) == "DELETE FROM t LIMIT 3"
        compiler = changed.compile(dialect=dialect)
        assert compiler.update_limit_clause(changed) == "LIMIT 3"  # SQLAlchemy 2.0 asks so
    assert "LIMIT" not in written(dialect, update(made).values(a=1))
    assert written(dialect, delete(made)) == "DELETE FROM t"


def test_prefixes_for_mysql_are_written(dialect):
    made = table()
    assert written(dialect, insert(made).prefix_with("IGNORE", dialect="mysql").values(a=1)).startswith(
        "INSERT IGNORE "
    )
    assert "IGNORE" not in written(dialect, insert(made).prefix_with("IGNORE", dialect="sqlite").values(a=1))
    assert written(dialect, select(made.c.a).prefix_with("DISTINCT")).startswith("SELECT DISTINCT ")


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (String(), "VARCHAR"),
        (VARCHAR(5), "VARCHAR(5)"),
        (Unicode(5), "VARCHAR(5)"),
        (NVARCHAR(5), "VARCHAR(5)"),
        (NVARCHAR(), "VARCHAR"),
        (NCHAR(2), "CHAR(2)"),
        (CHAR(), "CHAR"),
        (VARBINARY(), "VARBINARY"),
        (VARBINARY(3), "VARBINARY(3)"),
        (Text(500), "TEXT"),
        (mysql.TINYTEXT(), "TEXT"),
        (mysql.MEDIUMTEXT(), "TEXT"),
        (mysql.LONGTEXT(charset="latin1"), "TEXT"),
        (LargeBinary(9), "BLOB"),
        (mysql.TINYBLOB(), "BLOB"),
        (mysql.MEDIUMBLOB(), "BLOB"),
        (mysql.LONGBLOB(), "BLOB"),
        (mysql.MEDIUMINT(unsigned=True), "INTEGER UNSIGNED"),
        (REAL(), "DOUBLE"),
        (mysql.REAL(10, 2), "DOUBLE(10, 2)"),
        (Float(23), "FLOAT(23)"),
        (Float(24), "DOUBLE"),
        (mysql.FLOAT(30, 2), "FLOAT(30, 2)"),
        (Enum("it's", "a\\b", "100%"), "ENUM('it''s','a\\\\b','100%%')"),
    ],
    ids=repr,
)
def test_types_are_those_that_the_server_makes(dialect, kind, sql):
    assert kind.compile(dialect=dialect) == sql


@pytest.mark.parametrize("kind", [Enum("a", "b,c"), mysql.ENUM("a", "b,c")], ids=repr)
def test_an_item_with_a_comma_is_refused(dialect, kind):
    with pytest.raises(CompileError, match=r"comma .* item of ENUM, got 'b,c'"):
        kind.compile(dialect=dialect)


class Upper(TypeDecorator):
    impl, cache_ok = String, True

    def process_bind_param(self, value, dialect):
        return value.upper()


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql"), "DATETIME(6)"),
        (
            DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql").with_variant(mysql.DATETIME(fsp=3), "matrixone"),
            "DATETIME(3)",
        ),
        (DateTime().with_variant(mysql.DATETIME(fsp=6), "sqlite"), "DATETIME"),
        (Upper(5).with_variant(mysql.CHAR(7), "mysql"), "CHAR(7)"),
    ],
    ids=["mysql", "matrixone", "sqlite", "decorated"],
)
def test_the_variant_of_a_type_for_mysql(dialect, kind, sql):
    assert kind.compile(dialect=dialect) == sql
    assert kind.dialect_impl(dialect).compile(dialect=dialect) == sql
    assert sql in written(dialect, CreateTable(Table("x", MetaData(), Column("a", kind))))


def test_a_window_is_not_sorted_by_nothing(dialect):
    made = table()
    nothing = select(null()).scalar_subquery()
    sql = written(dialect, select(func.row_number().over(partition_by=made.c.a, order_by=nothing.asc())))
    assert "(PARTITION BY t.a)" in sql
    kept = written(dialect, select(func.row_number().over(partition_by=made.c.a, order_by=made.c.b)))
    assert "OVER (PARTITION BY t.a ORDER BY t.b)" in kept


def test_tables_of_one_name_in_two_databases_are_told_apart(dialect):
    here, there, other = (Table("t", MetaData(), Column("id", Integer), schema=schema) for schema in (None, "d", "e"))
    alone = Table("u", MetaData(), Column("id", Integer), schema="d")
    inner = select(there.c.id).where(there.c.id == other.c.id).correlate(other)
    assert written(dialect, select(other.c.id).where(inner.exists())) == (
        "SELECT e__t.id FROM e.t AS e__t WHERE EXISTS (SELECT d__t.id FROM d.t AS d__t WHERE d__t.id = e__t.id)"
    )
    assert written(dialect, delete(other).where(inner.exists())) == (
        "DELETE FROM e.t WHERE EXISTS (SELECT d__t.id FROM d.t AS d__t WHERE d__t.id = e.t.id)"
    )
    joined = select(here.c.id, there.c.id).join(there, there.c.id == here.c.id)
    assert "FROM t AS t_1 INNER JOIN d.t AS d__t ON d__t.id = t_1.id" in written(dialect, joined)
    named = there.alias("n")
    assert "d.t AS n" in written(dialect, select(here.c.id).join(named, named.c.id == here.c.id))
    assert written(dialect, select(alone.c.id, there.c.id)) == "SELECT d.u.id, d.t.id AS id_1 FROM d.u, d.t"
    moved = insert(there).from_select(["id"], select(other.c.id))
    assert written(dialect, moved) == "INSERT INTO d.t (id) SELECT e__t.id FROM e.t AS e__t"


def test_unique_keys_have_names(dialect):
    made = table(UniqueConstraint("b", "c", name="u_bc"), UniqueConstraint("a"), UniqueConstraint())
    sql = written(dialect, CreateTable(made))
    assert "UNIQUE KEY u_bc (b, c)" in sql
    assert "UNIQUE KEY (a)" in sql
    [constraint] = [one for one in made.constraints if one.name == "u_bc"]
    assert written(dialect, AddConstraint(constraint)) == "ALTER TABLE t ADD UNIQUE KEY u_bc (b, c)"
