"""What ORM models are made of: SQLAlchemy's names, and MatrixOne's own column types and indexes.

`Base` is a base class ready for use; `declarative_base()` makes another. Names only, no logic.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import match
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, mapped_column, relationship

from matrixone_core.dialect import FullTextIndex, VectorIndex
from matrixone_core.dialect.types import DATALINK, UUID, VECF32, VECF64


class Base(DeclarativeBase):
    """A base class for models; a program with several sets of models makes one for each."""


__all__ = [
    "DATALINK",
    "JSON",
    "UUID",
    "VECF32",
    "VECF64",
    "Base",
    "BigInteger",
    "Boolean",
    "Column",
    "Date",
    "DateTime",
    "DeclarativeBase",
    "Enum",
    "Float",
    "ForeignKey",
    "FullTextIndex",
    "Index",
    "Integer",
    "LargeBinary",
    "Mapped",
    "MetaData",
    "Numeric",
    "PrimaryKeyConstraint",
    "SmallInteger",
    "String",
    "Table",
    "Text",
    "Time",
    "UniqueConstraint",
    "VectorIndex",
    "declarative_base",
    "mapped_column",
    "match",
    "relationship",
]
