"""Statements of exports, and what their replies mean."""

from script import rows
from sqlalchemy import text
from sqlalchemy.dialects import mysql

from matrixone_core.sql.export import (
    CountQueryRows,
    CsvOutput,
    JsonLinesOutput,
    Outfile,
    ParquetOutput,
    Query,
    SelectNothing,
    SelectRows,
    SelectTimeZone,
)


def compiled(statement):
    """What SQLAlchemy sends: the text, and the values."""
    found = statement.__clause_element__().compile(dialect=mysql.dialect())
    return str(found), found.params


def test_statements():
    query = Query(text("SELECT :p0 AS a -- x").bindparams(p0="v"), "SELECT :p0 AS a -- x")
    statement = Outfile(query, "stage://s/a.csv", CsvOutput(False, "|", "'", "\r\n", ("a`b",)), 1000)
    sql, values = compiled(statement)
    assert sql.startswith("SELECT %s AS a -- x\nINTO OUTFILE %s FORMAT 'csv' SPLITSIZE '1000' FIELDS TERMINATED BY %s")
    assert sql.endswith("ENCLOSED BY %s LINES TERMINATED BY %s HEADER 'FALSE' FORCE_QUOTE (`a``b`)")
    assert sorted(values.values()) == ["\r\n", "'", "stage://s/a.csv", "v", "|"]
    assert "'v'" not in str(statement)
    assert str(statement).startswith("SELECT :p0 AS a -- x\nINTO OUTFILE 'stage://s/a.csv' FORMAT 'csv'")
    for output in (JsonLinesOutput(), ParquetOutput()):
        assert str(Outfile(query, "stage://s/a", output)).endswith(f"INTO OUTFILE 'stage://s/a' FORMAT '{output.name}'")
    assert compiled(CountQueryRows(query))[0] == "SELECT count(*) AS n FROM (SELECT %s AS a -- x\n) q"
    assert str(CountQueryRows(query)) == "SELECT count(*) AS n FROM (SELECT :p0 AS a -- x\n) q"
    assert compiled(SelectNothing(query))[0] == "SELECT * FROM (SELECT %s AS a -- x\n) q WHERE FALSE"
    assert str(SelectNothing(query)) == "SELECT * FROM (SELECT :p0 AS a -- x\n) q WHERE FALSE"
    assert compiled(SelectRows(query))[0] == "SELECT %s AS a -- x\n"
    assert str(SelectRows(query)) == "SELECT :p0 AS a -- x"


def test_answers():
    assert str(SelectTimeZone()) == "SELECT @@time_zone AS zone"
    assert SelectTimeZone().parse(rows({"zone": "SYSTEM"})) == "SYSTEM"
    query = Query(text("SELECT 1"), "SELECT 1")
    assert CountQueryRows(query).parse(rows({"n": 7})) == 7
