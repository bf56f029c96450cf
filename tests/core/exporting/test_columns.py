"""How columns are written to files, by what the server says of them."""

import pytest
from connection_double import Connection
from script import drive, play
from sqlalchemy import Column, MetaData, Table

from matrixone_core import execution
from matrixone_core.errors import (
    InvalidArgument,
    NotSupported,
    PermissionDenied,
    ServerError,
)
from matrixone_core.exporting import columns
from matrixone_core.exporting.source import resolve_source
from matrixone_core.result_columns import BIT, LONG, LONGLONG, TIMESTAMP, ResultColumn
from matrixone_core.steps import RunSync

BLOB, VAR_STRING = 252, 253  # MySQL's numbers

DEFINITION = (
    "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `b` bit(9) DEFAULT NULL,\n  `g` blob DEFAULT NULL,\n"
    "  `y` year DEFAULT NULL,\n  `u` bigint unsigned DEFAULT NULL,\n  `d` datalink DEFAULT NULL,\n"
    "  `ts` timestamp NULL DEFAULT NULL,\n  PRIMARY KEY (`id`)\n)"
)


@pytest.mark.parametrize(
    ("form", "sql", "assignments"),
    [
        ("csv", "`id`, CAST(`b` AS UNSIGNED) AS `b`, `g`, `y`, `u`, `d`, `ts`", {"b": "CAST(`b` AS UNSIGNED)"}),
        ("jsonline", "`id`, CAST(`b` AS UNSIGNED) AS `b`, `g`, CAST(`y` AS CHAR) AS `y`, `u`, `d`, `ts`", {"b": "CAST(`b` AS UNSIGNED)"}),
        ("parquet", "`id`, CAST(CAST(`b` AS UNSIGNED) AS CHAR) AS `b`, `g`, CAST(`y` AS CHAR) AS `y`, CAST(`u` AS CHAR) AS `u`, CAST(`d` AS CHAR) AS `d`, `ts`", {"b": "CAST(`b` AS UNSIGNED)"}),
    ],
)  # fmt: skip
def test_columns_of_a_table(form, sql, assignments):
    _, found = play(columns.plan_columns(resolve_source("t", None), form), DEFINITION)
    assert found.query.sql == f"SELECT {sql} FROM `t`"
    assert (found.assignments, found.has_timestamps) == (assignments, True)
    assert found.base64 == (("g",) if form == "jsonline" else ())
    model = Table("t", MetaData(), Column("u"), Column("id"))
    _, found = play(columns.plan_columns(resolve_source(model, None), "csv"), DEFINITION)
    assert (found.columns, found.has_timestamps) == (("u", "id"), False)


def test_vectors_are_not_written_to_parquet():
    definition = "CREATE TABLE `t` (\n  `v` vecf32(3) DEFAULT NULL\n)"
    with pytest.raises(NotSupported, match="'v' has some"):
        play(columns.plan_columns(resolve_source("t", None), "parquet"), definition)


def test_vectors_of_a_table_are_declared():
    definition = "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `v` vecf32(3) DEFAULT NULL\n)"
    _, found = play(columns.declare_vectors(resolve_source("t", None)), definition)
    assert {name: str(kind.type) for name, kind in found.clause.selected_columns.items()} == {"v": "VECF32(3)"}
    for definition in (DEFINITION, PermissionDenied("no")):
        source = resolve_source("t", None)
        assert play(columns.declare_vectors(source), definition)[1] is source.query
    query = resolve_source("SELECT 1", None)
    assert play(columns.declare_vectors(query))[1] is query.query


def described(form, *found, source="SELECT 1"):
    return play(columns.plan_columns(resolve_source(source, None), form), found)[1]


def test_columns_of_a_query():
    found = described(
        "jsonline", ResultColumn("a", LONG), ResultColumn("b", BIT), ResultColumn("c", BLOB, is_binary=True)
    )
    assert found.load_options == {"set": {"b": "CAST(`b` AS UNSIGNED)"}, "base64": ["c"]}
    assert not found.has_timestamps
    assert described("csv", ResultColumn("t", TIMESTAMP), ResultColumn("c", BLOB, is_binary=True)).has_timestamps
    assert described("parquet", ResultColumn("a", LONGLONG)).columns == ("a",)
    with pytest.raises(NotSupported, match=r"select CAST\(`a` AS CHAR\) AS `a`"):
        described("parquet", ResultColumn("a", LONGLONG, is_unsigned=True))
    with pytest.raises(NotSupported, match=r"select CAST\(`b` AS UNSIGNED\) AS `b`"):
        described("csv", ResultColumn("b", BIT))
    with pytest.raises(InvalidArgument, match="called 'a'"):
        described("csv", ResultColumn("a", LONG), ResultColumn("a", LONG))


def test_a_view_is_described_as_a_query_is():
    steps, found = play(columns.plan_columns(resolve_source("v", None), "csv"), "", (ResultColumn("a", LONG),))
    assert [type(step) for step in steps][1:] == [RunSync]
    assert found.columns == ("a",)
    refused = PermissionDenied("no")
    assert play(columns.plan_columns(resolve_source("v", None), "csv"), refused, ())[1].columns == ()
    for code, kind in ((1060, InvalidArgument), (1064, ServerError)):
        with pytest.raises(kind, match="Duplicate"):
            play(
                columns.plan_columns(resolve_source("SELECT 1", None), "csv"),
                ServerError("Duplicate column", code=code),
            )


def test_the_columns_of_a_query_are_those_of_its_result():
    found = ResultColumn("a", LONG, is_unsigned=True, is_binary=True, length=11)
    connection = Connection([found])
    op = columns.plan_columns(resolve_source("SELECT 1 AS a", None), "csv")
    assert drive(op, lambda step: step.call(connection)).columns == ("a",)
    assert connection.log == ["SELECT * FROM (SELECT 1 AS a\n) q WHERE FALSE", "close"]
    assert execution.result_columns(connection) == (found,)
