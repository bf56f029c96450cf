"""What dlt's destination for SQLAlchemy has to know of the dialect; the dialect imports it where dlt runs."""

from importlib import import_module
from typing import Any

_dialects: Any = import_module("dlt.destinations.impl.sqlalchemy.dialect")
_dialects.register_dialect_capabilities(
    "matrixone",
    # identifiers, types and datetimes as MySQL's; `pipeline.dataset()` writes its queries by sqlglot
    type("MatrixOneCapabilities", (_dialects.MysqlDialectCapabilities,), {"sqlglot_dialect": "mysql"}),
)
