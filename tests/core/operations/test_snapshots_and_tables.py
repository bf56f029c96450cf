"""Operations on snapshots and tables, driven by scripted answers."""

from datetime import UTC, datetime

import pytest
from script import play, rows, texts
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect

from matrixone_core.errors import InvalidArgument, SnapshotNotFound, TableExists, TableNotFound
from matrixone_core.operations import snapshots, tables
from matrixone_core.sql.snapshot import CreateSnapshot, DropSnapshot, ShowSnapshots, Snapshot, SnapshotLevel
from matrixone_core.sql.table import ColumnNames
from matrixone_core.steps import Atomic, Reply, RunSync

ROW = {
    "SNAPSHOT_NAME": "n", "TIMESTAMP": "2026-01-02 03:04:05.678901234", "SNAPSHOT_LEVEL": "database",
    "ACCOUNT_NAME": "sys", "DATABASE_NAME": "d", "TABLE_NAME": "",
}  # fmt: skip
TAKEN = Snapshot("n", SnapshotLevel.DATABASE, datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), "d")


def test_create():
    steps, result = play(
        snapshots.create("N", SnapshotLevel.DATABASE, "d"), Reply(), rows(ROW | {"SNAPSHOT_NAME": "m"}, ROW)
    )
    assert steps == [CreateSnapshot("n", SnapshotLevel.DATABASE, "d"), ShowSnapshots()]
    assert result == TAKEN
    with pytest.raises(SnapshotNotFound):
        play(snapshots.create("n", "account"), Reply(), rows())


@pytest.mark.parametrize(
    ("arguments", "sql"),
    [(("n", "cluster"), "CREATE SNAPSHOT `n` FOR CLUSTER"), (("n", "Account"), "CREATE SNAPSHOT `n` FOR ACCOUNT"),
     (("n", "database", "d`"), "CREATE SNAPSHOT `n` FOR DATABASE `d```"),
     (("n", SnapshotLevel.TABLE, "d", "t"), "CREATE SNAPSHOT `n` FOR TABLE `d` `t`")],
)  # fmt: skip
def test_levels(arguments, sql):
    assert texts(play(snapshots.create(*arguments), Reply(), rows(ROW))[0])[0] == sql


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("n", "galaxy"), "cluster, account, database, table"), (("n", 5), "SnapshotLevel"),
     (("n", "database"), "needs database="), (("n", "table", "d"), "needs table="), (("n", "account", "d"), "no database="),
     (("n", "database", "d", "t"), "no table="), (("a b", "account"), "snapshot name")],
)  # fmt: skip
def test_what_cannot_be(arguments, says):
    with pytest.raises(InvalidArgument, match=says) as caught:
        play(snapshots.create(*arguments))
    assert caught.value.steps == []


def test_list_and_drop():
    moment = datetime(2026, 1, 2, 3, 4, 5)  # as a driver gives it
    steps, found = play(
        snapshots.list_(), rows(ROW, ROW | {"SNAPSHOT_NAME": "a", "TIMESTAMP": moment, "TABLE_NAME": "t"})
    )
    assert steps == [ShowSnapshots()]
    assert found == (Snapshot("a", SnapshotLevel.DATABASE, moment.replace(tzinfo=UTC), "d", "t"), TAKEN)
    assert play(snapshots.drop("N"), Reply())[0] == [DropSnapshot("n")]
    assert texts(play(snapshots.drop("n", if_exists=True), Reply())[0]) == ["DROP SNAPSHOT IF EXISTS `n`"]
    assert texts([ShowSnapshots()]) == ["SHOW SNAPSHOTS"]


METADATA = MetaData()
TABLE = Table("t", METADATA, Column("id", Integer))


def carried_out(op, *answers):
    """Play an operation whose last step is a call on a connection, on a real one; the names of the tables then."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        TABLE.create(connection) if op.__name__.startswith("drop") else None
        steps, _ = play(op, *answers, None)
        assert isinstance(steps[-1], Atomic)
        (call,), _ = play(steps[-1].op, None)
        assert isinstance(call, RunSync)
        call.call(connection)
        found = inspect(connection).get_table_names()
    engine.dispose()
    return found


def test_tables_are_made_and_dropped():
    assert carried_out(tables.create_table(TABLE)) == ["t"]
    assert carried_out(tables.create_table(TABLE, if_not_exists=False), rows()) == ["t"]
    assert carried_out(tables.create_all(METADATA)) == ["t"]
    assert carried_out(tables.drop_table(TABLE)) == []
    assert carried_out(tables.drop_table(TABLE, if_exists=False), rows({"name": "id"})) == []
    assert carried_out(tables.drop_all(METADATA)) == []


def test_tables_that_are_there_or_not():
    schema = Table("t", MetaData(), Column("id", Integer), schema="d")
    with pytest.raises(TableExists, match=r"d\.t") as caught:
        play(tables.create_table(schema, if_not_exists=False), rows({"name": "id"}))
    assert caught.value.steps == [ColumnNames(("d", "t"))]
    with pytest.raises(TableNotFound, match="'t'"):
        play(tables.drop_table(TABLE, if_exists=False), rows())


@pytest.mark.parametrize("op", [tables.create_table, tables.drop_table, tables.create_all, tables.drop_all])
def test_what_is_no_table(op):
    with pytest.raises(InvalidArgument):
        play(op(3))


COLUMNS = {"id": "int", "n`": "VARCHAR( 20 ) NOT NULL default 'x y'", "v": "vecf32(384)", "e": "enum('a', 'b c') null",
           "d": "decimal(10,2) unsigned default -1.5"}  # fmt: skip


def test_tables_of_columns_as_sql_writes_them():
    steps, _ = play(tables.create_table("D.t", COLUMNS, primary_key="id"), Reply())
    assert texts(steps) == [
        "CREATE TABLE IF NOT EXISTS `D`.`t` (\n  `id` int,\n  `n``` VARCHAR( 20 ) NOT NULL default 'x y',\n"
        "  `v` vecf32(384),\n  `e` enum('a', 'b c') null,\n  `d` decimal(10,2) unsigned default -1.5,\n"
        "  PRIMARY KEY (`id`)\n)"
    ]
    steps, _ = play(
        tables.create_table("t", {"a": "int", "b": "int"}, primary_key=["a", "b"], if_not_exists=False), Reply()
    )
    assert texts(steps) == ["CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  PRIMARY KEY (`a`, `b`)\n)"]
    assert texts(play(tables.create_table("t", {"a": "int"}), Reply())[0]) == [
        "CREATE TABLE IF NOT EXISTS `t` (\n  `a` int\n)"
    ]
    assert texts(play(tables.drop_table("d.t"), Reply())[0]) == ["DROP TABLE IF EXISTS `d`.`t`"]
    with pytest.raises(TableNotFound, match=r"'d\.t'"):
        play(tables.drop_table("d.t", if_exists=False), rows())


@pytest.mark.parametrize(
    ("table", "columns", "key", "says"),
    [
        ("t", None, None, "needs columns="), ("t", {}, None, "needs columns="), ("t", ["id"], None, "needs columns="),
        ("t", {"id": "int); DROP TABLE t"}, None, r"columns\['id'\]='int\); DROP TABLE t' must be an SQL type"),
        ("t", {"id": "int default 'it''s'"}, None, "must be an SQL type"), ("t", {"id": 3}, None, "=3 must be"),
        ("t", {"id": "int"}, "x", "primary_key='x' must name columns: id"), ("a.b.c", {"id": "int"}, None, "'a.b.c'"),
        (TABLE, {"id": "int"}, None, "need the table's name"), (TABLE, None, "id", "need the table's name"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be(table, columns, key, says):
    with pytest.raises(InvalidArgument, match=says):
        play(tables.create_table(table, columns, primary_key=key))
