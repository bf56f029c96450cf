"""Values that LOAD DATA and INSERT store alike (server-facts 49, 51), as patterns that Python and servers share."""

from sqlalchemy.dialects import mysql

from matrixone_core.loading.table import Column, Kind

DIGITS: dict[type, int] = {mysql.TINYINT: 2, mysql.SMALLINT: 4, mysql.MEDIUMINT: 6, mysql.BIGINT: 18}
DAY = "[0-9][0-9][0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"


def certain_value(column: Column) -> str | None:
    """A pattern of the values of a column, other than text, that are certain; None for a kind that has none."""
    match column.kind:
        case Kind.INTEGER:
            sign = "" if getattr(column.type, "unsigned", False) else "-?"
            return f"{sign}[1-9][0-9]{{0,{DIGITS.get(type(column.type), 9) - 1}}}" + (
                "" if column.auto_increment else "|0"
            )
        case Kind.DECIMAL:
            precision, scale = getattr(column.type, "precision", None) or 10, getattr(column.type, "scale", None) or 0
            fraction = f"([.][0-9]{{1,{scale}}})?" if scale else ""
            return f"-?[0-9]{{1,{precision - scale}}}{fraction}" if precision > scale else None
        case Kind.FLOAT if not isinstance(column.type, mysql.FLOAT):
            return "-?[0-9]{1,15}([.][0-9]{1,15})?"
        case Kind.DATE:
            return DAY
        case Kind.DATETIME:
            return f"{DAY} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
        case _:
            return None


def certain_field(column: Column | None) -> str | int | None:
    """What a certain field is, as `CsvReader` takes it; an empty text for a kind that has no certain values."""
    if column is None:
        return None
    if column.kind is Kind.TEXT:
        length: int | None = getattr(column.type, "length", None)
        return length
    value = certain_value(column)
    if value is None:
        return ""
    nulls = "|\\\\N|" if column.nullable and column.kind in {Kind.INTEGER, Kind.DECIMAL} else "|\\\\N" * column.nullable
    return f"{value}{nulls}"
