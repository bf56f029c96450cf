"""Types of Arrow, and the SQL types that hold their values."""

from collections.abc import Iterator
from typing import Any

from matrixone_core.libraries import library

SQL_TYPE = b"matrixone:type"  # a field's metadata, for texts that were made of something else
PRECISION = 38  # digits of the server's DECIMAL
TEXT = ("is_string", "is_large_string", "is_string_view")
BYTES = ("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary")
LISTS = ("is_list", "is_large_list", "is_fixed_size_list")


def is_any(kind: Any, types: Any, *names: str) -> bool:
    """Whether one of the functions of `pyarrow.types` that have these names is true of a type."""
    return any(getattr(types, name)(kind) for name in names)


_SQL_TYPES = (
    (("is_boolean",), "BOOL"),
    (("is_uint64",), "BIGINT UNSIGNED"),
    (("is_integer",), "BIGINT"),
    (("is_floating",), "DOUBLE"),
    (("is_date",), "DATE"),
    (("is_timestamp",), "DATETIME(6)"),
    (("is_time", "is_duration", "is_interval"), "TIME(6)"),
    ((*TEXT, "is_null"), "TEXT"),
    (BYTES, "BLOB"),
)


def sql_columns(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield the columns of a schema: their names, and the SQL types that hold all of their values."""
    types = library("pyarrow").types
    for field in schema:
        metadata: dict[bytes, bytes] = field.metadata or {}
        yield field.name, metadata[SQL_TYPE].decode() if SQL_TYPE in metadata else _sql_type(field.type, types)


def _sql_type(kind: Any, types: Any) -> str:
    if library("pyarrow").BaseExtensionType in type(kind).__mro__:
        named = {"arrow.uuid": "UUID", "arrow.json": "JSON"}.get(kind.extension_name)
        return named or _sql_type(kind.storage_type, types)
    if is_any(kind, types, "is_dictionary", "is_run_end_encoded"):
        return _sql_type(kind.value_type, types)
    if types.is_decimal(kind):
        digits, scale = kind.precision + max(-kind.scale, 0), max(kind.scale, 0)
        return f"DECIMAL({digits},{scale})" if digits <= PRECISION else "TEXT"
    if types.is_fixed_size_list(kind) and is_any(kind.value_type, types, "is_float32", "is_float64"):
        return f"VECF{kind.value_type.bit_width}({kind.list_size})"
    return next((name for tests, name in _SQL_TYPES if is_any(kind, types, *tests)), "JSON")
