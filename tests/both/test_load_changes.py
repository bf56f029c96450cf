"""Tables that somebody else changes between two loads: nothing of a table is remembered, by both clients."""

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from matrixone import errors

ROWS = b"1,1,x\n1,2,y\n"


@pytest.fixture
def load(client):
    return lambda data=ROWS, table="t", **options: client.load_data.read_csv(data, table, **options)


def count(client, table="t"):
    return client.execute(f"SELECT count(*) FROM {table}").scalar()


def test_a_primary_key_with_fewer_columns(client, load, other):
    client.execute("CREATE TABLE t (a INT, b INT, c VARCHAR(9), PRIMARY KEY (a, b, c))")
    assert load().rows == 2
    for statement in ("DROP TABLE t", "CREATE TABLE t (a INT, b INT, c VARCHAR(9), PRIMARY KEY (a, b))"):
        other.execute(statement)
    assert load().rows == 2
    for statement in ("DROP TABLE t", "CREATE TABLE t (a INT, b INT, c VARCHAR(9), PRIMARY KEY (a))"):
        other.execute(statement)
    with pytest.raises(errors.DuplicateKey):
        load()
    assert (load(on_conflict="skip").rows, count(client)) == (1, 1)


def test_a_key_that_becomes_unique(client, load, other):
    client.execute("CREATE TABLE t (a INT, b INT PRIMARY KEY, c VARCHAR(9), KEY k (a))")
    assert load().rows == 2
    for statement in ("DELETE FROM t", "ALTER TABLE t DROP INDEX k", "CREATE UNIQUE INDEX k ON t (a)"):
        other.execute(statement)
    with pytest.raises(errors.DuplicateKey):
        load()
    report = load(on_conflict="replace")
    assert (report.rows, report.duplicates_in_file, count(client)) == (1, 1, 1)


def test_a_column_of_another_type(client, load, other):
    client.execute("CREATE TABLE t (a VARCHAR(9), b INT PRIMARY KEY, c VARCHAR(9))")
    assert load(b"x,1,a\n").rows == 1
    for statement in ("DROP TABLE t", "CREATE TABLE t (a INT, b INT PRIMARY KEY, c VARCHAR(9))"):
        other.execute(statement)
    with pytest.raises(errors.LoadFailed, match="line 1, column 'a', value 'x'"):
        load(b"x,1,a\n")
    assert load(b",1,a\n").rows == 1  # an empty field of a whole number is NULL


def test_a_ledger_and_a_table_of_rejects_that_somebody_drops(client, load, other):
    client.execute("CREATE TABLE t (a INT, b INT PRIMARY KEY, c VARCHAR(9))")
    options = {"on_error": "skip", "rejects": "bad", "on_conflict": "replace"}
    for number in range(2):
        report = load(b"1,1,x\nx,2,y\n", once=f"key {number}", **options)
        assert (report.rows, report.rejected, count(client, "bad"), count(client, "matrixone_loads")) == (1, 1, 1, 1)
        other.execute("DROP TABLE bad")
        other.execute("DROP TABLE matrixone_loads")


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\b", "a`b", "a%b", "a:b"])
def test_tables_of_odd_names(client, name):
    table = Table(name, MetaData(), Column("id", Integer, primary_key=True), Column("v", String(9), unique=True))
    for _ in range(2):
        client.create_table(table)
    assert client.load_data.read_csv(b"1,a\n2,b\n", table).rows == 2
    with pytest.raises(errors.DuplicateKey):
        client.load_data.read_csv(b"3,b\n", table)
    report = client.load_data.read_csv(b"3,b\n4,c\n", table, on_conflict="skip")
    assert (report.rows, report.skipped) == (1, 1)
    client.drop_table(table)
    with pytest.raises(errors.TableNotFound):
        client.load_data.read_csv(b"1,a\n", table)
