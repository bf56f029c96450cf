"""What Alembic takes for a change."""

import pytest
from alembic.ddl.impl import DefaultImpl
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    DefaultClause,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    text,
)

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.dialect.alembic import MatrixOneImpl

DIALECT = MatrixOneDialect_pymysql()


@pytest.fixture
def impl() -> DefaultImpl:
    return MatrixOneImpl(DIALECT, None, as_sql=True, transactional_ddl=True, output_buffer=None, context_opts={})


@pytest.mark.parametrize(
    ("kind", "wanted", "found", "is_other"),
    [
        (String, "", "''", False),
        (String, "NULL", "'NULL'", False),
        (String, "NULL", "NULL", True),
        (String, None, "NULL", False),
        (String, "a\\b", r"'a\\b'", False),
        (String, "a\\b", r"'a\b'", False),
        (String, "it's", "'it''s'", False),
        (String, "x", "'y'", True),
        (String, "x", None, True),
        (Integer, "5", "5", False),
        (Integer, text("5"), "'5'", False),
        (Integer, text("-1"), "(-1)", False),
        (Integer, "five", "5", True),
        (Integer, text("true"), "1", False),
        (Numeric, "1.50", "1.5", False),
        (Float, "1e10", "10000000000", False),
        (Boolean, text("true"), "'1'", False),
        (Boolean, "0", "true", True),
        (Integer, text("(2*(3+1))"), "((2 * (3 + 1)))", False),
        (Integer, text("(1) + (2)"), "(1)+(2)", False),
        (String, text("(concat('A', 'b c'))"), "(CONCAT('A','b c'))", False),
        (String, text("(concat('A'))"), "(concat('a'))", True),
        (DateTime, text("CURRENT_TIMESTAMP"), "now()", False),
        (
            DateTime,
            text("now() ON UPDATE now()"),
            "current_timestamp() ON UPDATE current_timestamp()",
            False,
        ),
        (DateTime, text("now()"), "current_timestamp() ON UPDATE current_timestamp()", True),
    ],
)
def test_defaults(impl, kind, wanted, found, is_other):
    column = Column("a", kind, server_default=None if wanted is None else DefaultClause(wanted))
    rendered = wanted if wanted is None or isinstance(wanted, str) else wanted.text
    assert impl.compare_server_default(Column("a", kind), column, rendered, found) is is_other


def test_identity_is_nothing(impl):
    assert impl._compare_identity_default(Identity(), None) == (set(), set(), False)  # noqa: SLF001  # Alembic's hook


def table(*more):
    return Table("t", MetaData(), Column("a", Integer), Column("b", Integer), *more)


def test_the_order_of_an_index_is_nothing_and_its_columns_are_something(impl):
    found = Index("i", "a", "b")
    table(found)
    for columns, is_equal in [
        ((text("a DESC"), "b"), True), ((text("`a` asc"), text("b")), True), (("b", "a"), False), (("a",), False),
    ]:  # fmt: skip
        wanted = Index("i", *columns)
        table(wanted)
        assert impl.compare_indexes(wanted, found).is_equal is is_equal
    unique = Index("i", "a", "b", unique=True)
    table(unique)
    assert impl.compare_indexes(unique, found).is_different


def test_names_that_differ_in_case_alone_are_the_same(impl):
    wanted = (
        Index("By_A", "a"),
        UniqueConstraint("b", name="UQ"),
        UniqueConstraint("a"),
        UniqueConstraint("b", name="uq2"),
    )
    found = Index("by_a", "a"), Index("uq", "b", unique=True), UniqueConstraint("b", name="uq2"), Index("other", "b")
    table(*wanted)
    table(*found)
    uniques, indexes = {found[2]}, {found[0], found[1], found[3]}
    impl.correct_for_autogen_constraints(uniques, indexes, set(wanted[1:]), {wanted[0]})
    assert {index.name for index in indexes} == {"By_A", "other"}
    assert {unique.name for unique in uniques} == {"UQ", "uq2"}
