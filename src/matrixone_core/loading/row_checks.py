"""What is asked of staged rows beside the INSERT: values that it would change silently, and rows that it may refuse.

The server judges rows (server-facts 51). The few texts that it takes and stores as something else are refused here; the
patterns of plainly good values only narrow down where a refused row may be, and never decide about one.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy.dialects import mysql

from matrixone_core.fragments import Value
from matrixone_core.loading.certain_values import DAY, DIGITS
from matrixone_core.loading.formats.csv import no_end
from matrixone_core.loading.mapping import MOMENT, WHOLE, ColumnMapping, StagedField
from matrixone_core.loading.table import Column, Kind
from matrixone_core.messages import show
from matrixone_core.sql.staging import Expression, join_parts, matches, staged, violates

UTF8_IN_HEX = (
    "^([0-7][0-9A-F]|(C[2-9A-F]|D[0-9A-F])[89AB][0-9A-F]|E[0-9A-F]([89AB][0-9A-F]){2}|F[0-4]([89AB][0-9A-F]){3})*$"
)
_MAX_FLOAT = 3.4028235677973366e38  # from which on a FLOAT is stored as its greatest value
_NUMBER = r"[ \t]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[ \t]*"
_NO_NUMBER = r"[ \t]*[-+]?([nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)[ \t]*"
_ZERO = r"^[ \t]*[-+]?0+([xXbB]0+)?[ \t]*$"
_YEAR = r"^(190[1-9]|19[1-9][0-9]|20[0-9][0-9]|21[0-4][0-9]|215[0-5]|[0-9]|[0-9][0-9])$"
# numbers of at least 3e38 and 1e308, and few others: by their exponent, by their digits, by both
_LARGE = r"^[ \t]*[-+]?0*([1-9][0-9]{%s}|[1-9][0-9]+([.][0-9]*)?[eE][+]?0*%s|[0-9.]+[eE][+]?0*(%s))"
_LARGE_SINGLE = _LARGE % (29, "[1-9][0-9]", "3[89]|[4-9][0-9]|[1-9][0-9][0-9]")
_LARGE_DOUBLE = _LARGE % (208, "[1-9][0-9][0-9]", "30[89]|3[1-9][0-9]|[4-9][0-9][0-9]|[1-9][0-9][0-9][0-9]")
_DATE_BEGINS = r"^[ \t]*[0-9][0-9][0-9][0-9]"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
_CONTROLS = "\x01-\x1f\x7f"  # as they are: servers do not share an escape for them
_HOST = "([A-Za-z0-9._-]|[^\x01-\x7f])"
_PATH = rf"(/([^{_CONTROLS}%?#]|%[0-9a-fA-F][0-9a-fA-F])*)?"
_PART = "(offset|size)=[0-9]{1,18}"
# a URL that INSERT … VALUES takes for a DATALINK (server-facts 76), but for a few odd ones
_LINK = (
    f"(([fF][iI][lL][eE]|[hH][dD][fF][sS])://{_HOST}*|[sS][tT][aA][gG][eE]://{_HOST}+){_PATH}([?]{_PART}(&{_PART})?)?"
)
_IS_WORD = re.compile("[A-Za-z0-9_]+")


@dataclass(frozen=True)
class SilentChange:
    """A value that the server would take and store as something else.

    Args:
        field: where it is.
        condition: finds rows that may have one, on the server.
        exact: as `condition`, but finds no others; it may take longer.
        reason: judges one value: why it is refused, or None.
    """

    field: StagedField
    condition: Expression
    exact: Expression
    reason: Callable[[bytes | None], str | None]


def silent_changes(mapping: ColumnMapping) -> tuple[SilentChange, ...]:
    """What has to be looked for in the staged rows of a file."""
    columns = [(field, field.column) for field in mapping.fields if field.column is not None]
    return (
        *(_except_nulls(mapping, change) for field, column in columns for change in _of_column(mapping, field, column)),
        *(_null_key(mapping, field, column) for field, column in columns if _is_replaced_key(mapping, column)),
        *((_surplus(mapping.end, mapping.fields[-1]),) if mapping.end is not None else ()),
    )


def _surplus(delimiter: str, field: StagedField) -> SilentChange:
    """What follows the delimiter that ends a line, which no column would get."""
    surplus: Expression = (f"length({staged(field.staged)}) > 0",)
    return SilentChange(field, surplus, surplus, partial(_why_surplus, delimiter))


def _why_surplus(delimiter: str, value: bytes | None) -> str | None:
    return no_end(delimiter) if value else None


def _except_nulls(mapping: ColumnMapping, change: SilentChange) -> SilentChange:
    """The change where the text does not mean NULL."""
    if not mapping.nulls:
        return change
    texts = join_parts(((Value(text),) for text in mapping.nulls), ", ")
    others: Expression = (f"{staged(change.field.staged)} NOT IN (", *texts, ") AND (")
    return replace(
        change,
        condition=(*others, *change.condition, ")"),
        exact=(*others, *change.exact, ")"),
        reason=partial(_unless_null, mapping.nulls, change.reason),
    )


def _unless_null(nulls: Sequence[str], reason: Callable[[bytes | None], str | None], value: bytes | None) -> str | None:
    return None if (value or b"").decode("utf-8", "replace") in nulls else reason(value)


def _is_replaced_key(mapping: ColumnMapping, column: Column) -> bool:
    keys = {name for key in mapping.keys for name in key.columns} if mapping.replaces else set[str]()
    return column.name in keys and not column.nullable and not column.auto_increment


def _null_key(mapping: ColumnMapping, field: StagedField, column: Column) -> SilentChange:
    """A key that is NULL, for which REPLACE stores no row and says nothing (server-facts 44)."""
    value = next(each.value for each in mapping.assignments if each.column == column.name)
    null: Expression = ("(", *value, ") IS NULL")
    return SilentChange(field, null, null, partial(_why_null, column, mapping.nulls))


def _why_null(column: Column, nulls: Sequence[str], value: bytes | None) -> str | None:
    is_empty = value == b"" and column.kind not in {Kind.TEXT, Kind.BYTES}
    is_null = value is None or is_empty or value.decode("utf-8", "replace") in nulls
    return f"Column {show(column.name)} cannot be null" if is_null else None


def _of_column(mapping: ColumnMapping, field: StagedField, column: Column) -> Iterator[SilentChange]:
    name = field.staged
    if column.lossless is not None:
        lossless = _unless_empty(name, f"^({column.lossless})$")
        yield SilentChange(field, lossless, lossless, partial(_why_lossy, column))
    if column.kind is Kind.DATALINK:
        link = _unless_empty(name, f"^({_LINK})$")
        yield SilentChange(field, link, link, _why_no_link)
    match column.kind:
        case Kind.TEXT | Kind.JSON | Kind.ENUM | Kind.DATALINK if not mapping.is_utf8:
            value = staged(name)
            broken: Expression = (f"length(lower({value})) <> length({value})",)  # replaces what is no UTF-8
            exact = (*broken, " AND ", *violates_hex(name))
            yield SilentChange(field, broken, exact, _why_not_utf8)
        case Kind.FLOAT:
            number = _unless_empty(name, f"^({_NUMBER}|{_NO_NUMBER})$")
            yield SilentChange(field, number, number, _why_no_number)
            single = isinstance(column.type, mysql.FLOAT)
            large = matches(name, _LARGE_SINGLE if single else _LARGE_DOUBLE)
            yield SilentChange(field, large, large, partial(_why_too_large, _MAX_FLOAT if single else math.inf))
        case Kind.INTEGER if column.auto_increment:
            zero = matches(name, _ZERO)
            yield SilentChange(field, zero, zero, _why_zero)
        case Kind.YEAR:
            year = _unless_empty(name, _YEAR)
            yield SilentChange(field, year, year, _why_no_year)
        case Kind.DATE | Kind.DATETIME | Kind.TIMESTAMP if field.sql_type != MOMENT:
            date = _unless_empty(name, _DATE_BEGINS)
            yield SilentChange(field, date, date, _why_no_date)
        case _:
            pass


def violates_hex(name: str) -> Expression:
    """Whether a staged column has bytes that are no UTF-8."""
    return (f"NOT (hex({staged(name)}) REGEXP ", Value(UTF8_IN_HEX), ")")


def _unless_empty(name: str, pattern: str) -> Expression:
    return (f"{staged(name)} <> '' AND ", *violates(name, pattern))


def _why_lossy(column: Column, value: bytes | None) -> str | None:
    text = (value or b"").decode("utf-8", "replace")
    if not text or re.fullmatch(column.lossless or "", text):
        return None
    return (
        f"the first rows suggested {column.sql_type}, which would not keep this as it is;"
        f" dtype={{{show(column.name)}: 'TEXT'}} does"
    )


def _why_not_utf8(value: bytes | None) -> str | None:
    try:
        (value or b"").decode()
    except UnicodeDecodeError as error:
        return f"byte 0x{error.object[error.start]:02x} is not UTF-8"
    return None


def _why_no_link(value: bytes | None) -> str | None:
    text = (value or b"").decode("utf-8", "replace")
    if not text or re.fullmatch(_LINK, text):
        return None
    return "a DATALINK must be a URL such as file:///folder/file or stage://name/file, with ?offset= and &size= at most"


def _why_no_number(value: bytes | None) -> str | None:
    text = (value or b"").decode("ascii", "replace")
    if not text or re.fullmatch(_NUMBER, text) or re.fullmatch(_NO_NUMBER, text):
        return None
    return "this is no number, and the server would store it as one"


def _why_too_large(limit: float, value: bytes | None) -> str | None:
    text = (value or b"").decode("ascii", "replace").lower()
    if "inf" in text or not re.fullmatch(_NUMBER, text) or abs(float(text)) < limit:
        return None
    return "this is beyond what the column can store, and the server would store its greatest value"


def _why_zero(value: bytes | None) -> str | None:
    if not re.match(_ZERO, (value or b"").decode("ascii", "replace")):
        return None
    return "the server would number this row: zero in an AUTO_INCREMENT column means the next number"


def _why_no_year(value: bytes | None) -> str | None:
    text = (value or b"").decode("ascii", "replace")
    known = not text or (text.isdigit() and (len(text) <= 2 or (len(text) == 4 and 1901 <= int(text) <= 2155)))
    return None if known else "this is no year from 1901 to 2155, and the server would store NULL"


def _why_no_date(value: bytes | None) -> str | None:
    if not value or re.match(_DATE_BEGINS.encode(), value):
        return None
    return "a date must begin with a year of four digits, such as 2024-12-31"


def doubtful_rows(mapping: ColumnMapping) -> tuple[Expression, ...]:
    """Conditions that find rows which the server may refuse, or change; columns that cannot be judged are left out."""
    conditions: list[Expression] = []
    for field in mapping.fields:
        if field.column is None or field.sql_type == MOMENT:
            continue
        if field.sql_type == WHOLE:
            conditions += _whole_conditions(field, field.column)
            continue
        good = plain_value(field.column)
        if good is not None:
            conditions.append(_unless_empty(field.staged, f"^({good})$"))
        conditions += _length_conditions(field, field.column)
        if not field.column.nullable and not field.column.auto_increment:
            empty = "" if field.column.kind in {Kind.TEXT, Kind.BYTES} else f" OR {staged(field.staged)} = ''"
            conditions.append((f"({staged(field.staged)} IS NULL{empty})",))
    return tuple(conditions) + tuple(change.condition for change in silent_changes(mapping))


def _whole_conditions(field: StagedField, column: Column) -> Iterator[Expression]:
    greatest = 10 ** DIGITS.get(type(column.type), 9) - 1
    least = 0 if getattr(column.type, "unsigned", False) else -greatest
    yield (f"NOT ({staged(field.staged)} BETWEEN {least} AND {greatest})",)
    if not column.nullable:
        yield (f"{staged(field.staged)} IS NULL",)


def _length_conditions(field: StagedField, column: Column) -> Iterator[Expression]:
    length: int | None = getattr(column.type, "length", None)
    if column.kind is Kind.TEXT and length is not None:
        yield (f"char_length({staged(field.staged)}) > {length}",)
    elif column.kind is Kind.BYTES and length is not None:
        yield (f"length({staged(field.staged)}) > {length}",)


def plain_value(column: Column) -> str | None:
    """A pattern of values that the server certainly stores as they are, in a syntax that Python and servers share."""
    if column.lossless is not None and column.kind in {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT}:
        return column.lossless
    match column.kind:
        case Kind.INTEGER:
            digits = DIGITS.get(type(column.type), 9)
            sign = "" if getattr(column.type, "unsigned", False) else "-?"
            # zero in an AUTO_INCREMENT column is no plain value: the server would number the row
            return f"{sign}[1-9][0-9]{{0,{digits - 1}}}" if column.auto_increment else f"{sign}[0-9]{{1,{digits}}}"
        case Kind.DECIMAL:
            precision = getattr(column.type, "precision", None) or 10
            scale = getattr(column.type, "scale", None) or 0
            fraction = f"([.][0-9]{{1,{scale}}})?" if scale else ""
            return f"-?[0-9]{{1,{precision - scale}}}{fraction}" if precision > scale else f"-?0?[.][0-9]{{1,{scale}}}"
        case Kind.FLOAT:
            return "-?[0-9]{1,30}([.][0-9]+)?"
        case Kind.BOOLEAN:
            return "0|1|true|false"
        case Kind.DATE:
            return DAY
        case Kind.DATETIME:
            return f"{DAY}([ T]{_CLOCK})?"
        case Kind.TIMESTAMP:
            return f"(19[789][1-9]|20[012][0-9])-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[ T]{_CLOCK}"
        case Kind.TIME:
            return "[0-9][0-9]:[0-5][0-9]:[0-5][0-9]"
        case Kind.YEAR:
            return _YEAR.strip("^$")
        case Kind.UUID:
            return "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        case Kind.ENUM:
            items: list[str] = getattr(column.type, "enums", [])
            return "|".join(items) if items and all(map(_IS_WORD.fullmatch, items)) else None
        case Kind.VECTOR:
            number = "-?[0-9]{1,6}([.][0-9]{1,9})?"
            return f"\\[{number}(, ?{number}){{{column.type.dimensions - 1}}}\\]"  # type: ignore[attr-defined]  # a Vector
        case _:
            return None
