"""What can be exported, and the query that it means."""

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, column, insert, select, text

from matrixone_core.errors import (
    InvalidArgument,
)
from matrixone_core.exporting.source import resolve_source

USERS = Table("users", MetaData(), Column("id", Integer), Column("name", Integer), schema="app")


@pytest.mark.parametrize(
    ("source", "params", "sql", "table"),
    [
        ("t", None, "SELECT * FROM `t`", ("t",)),
        ("select", None, "SELECT * FROM `select`", ("select",)),
        (" select ", None, "SELECT * FROM ` select `", (" select ",)),  # a name is what it is, as for insert and loads
        ("my table ", None, "SELECT * FROM `my table `", ("my table ",)),
        (" d.desc", None, "SELECT * FROM ` d`.`desc`", (" d", "desc")),
        ("with.values", None, "SELECT * FROM `with`.`values`", ("with", "values")),
        (USERS, {}, "SELECT `id`, `name` FROM `app`.`users`", ("app", "users")),
        ("SELECT 1;\n ; ", None, "SELECT 1", ()),
        ("(select 1) union select ':x'", None, "(select 1) union select ':x'", ()),
        (
            "-- a\n# b\n/* c\n*/ WITH x AS (SELECT 1) SELECT * FROM x",
            None,
            "-- a\n# b\n/* c\n*/ WITH x AS (SELECT 1) SELECT * FROM x",
            (),
        ),
        ("SELECT ';', \";\", `;` /* ; */ # a\n ;; ", None, "SELECT ';', \";\", `;` /* ; */ # a", ()),
        ("SELECT :x, ':y'", {"x": "it's"}, "SELECT :x, ':y'", ()),
        ("SELECT ?, '?'", (1,), "SELECT ?, '?'", ()),
        (text("SELECT :x"), {"x": 1}, "SELECT :x", ()),
        (select(column("a")).where(column("a") == bindparam("x")), {"x": 1}, "SELECT a FROM DUAL \nWHERE a = :x", ()),
    ],
)
def test_sources(source, params, sql, table):
    found = resolve_source(source, params)
    assert (found.query.sql, found.table) == (sql, table)


@pytest.mark.parametrize(
    ("source", "params", "words"),
    [
        ("DROP TABLE t", None, "neither the name of a table nor a SELECT"),
        ("/* a */ (delete\nFROM t", None, "neither the name of a table nor a SELECT"),
        (" SHOW TABLES", None, "neither the name of a table nor a SELECT"),
        ("", None, "not 'table'"),
        ("a.b.c", None, "not 'table'"),
        (insert(USERS), None, "cannot be exported"),
        (7, None, "cannot be exported"),
        ("t", {"x": 1}, "belong to a query"),
        ("SELECT 1", [1], "placeholder"),
        ("SELECT 1; DELETE FROM t", None, "several statements"),
        ("SELECT ';' -- ;\n ; /* ; */ SELECT 2 # ;", None, "several statements"),
        (text("SELECT 1; SELECT 2"), None, "several statements"),
        (text("SELECT 1 AS a; SELECT 2").columns(column("a")), None, "several statements"),
        ("SELECT ?", [(1,), (2,)], "values of one execution"),
        (text("SELECT :x"), [{"x": 1}], "values of one execution"),
        ("SELECT :x", {"y": 1}, "no value 'x'"),
        ("SELECT :x", {"x": 1, "y": 1}, "a name that is not in the query"),
        (text("SELECT :x, :y"), {"x": 1}, "have no value: y"),
        (select(column("a")).with_for_update(skip_locked=True), None, "cannot be written as SQL"),
    ],
)
def test_what_is_no_source(source, params, words):
    with pytest.raises(InvalidArgument, match=words):
        resolve_source(source, params)
