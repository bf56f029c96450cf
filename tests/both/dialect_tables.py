"""A table with columns of the usual types."""

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Numeric, String, Table, Text

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
