"""Nested values as JSON text, and durations as the server writes a TIME."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, cast
from uuid import UUID

from matrixone_core.loading.formats.arrow_types import LISTS, is_any


def json_writer(kind: Any, types: Any) -> Callable[[Any], str]:
    """What writes the values of a nested type as JSON: a map gives pairs, which only its type tells from a list."""
    if types.is_map(kind):
        key, item = json_writer(kind.key_type, types), json_writer(kind.item_type, types)
        return lambda pairs: _json_object((key(name), _or_null(item, value)) for name, value in pairs)
    if is_any(kind, types, *LISTS, "is_list_view", "is_large_list_view"):
        each = json_writer(kind.value_type, types)
        return lambda values: f"[{','.join(_or_null(each, value) for value in values)}]"
    if types.is_struct(kind):
        writers = {field.name: json_writer(field.type, types) for field in kind}
        return lambda values: _json_object((name, _or_null(write, values[name])) for name, write in writers.items())
    return to_json


def _or_null(write: Callable[[Any], str], value: Any) -> str:
    return "null" if value is None else write(value)


def _json_object(pairs: Iterable[tuple[str, str]]) -> str:
    """Join names and values; a name that is a text is quoted twice at most."""
    return f"{{{','.join(f'{_json_key(name)}:{value}' for name, value in pairs)}}}"


def _json_key(text: str) -> str:
    return text if text.startswith('"') else encode_basestring(text)


def to_json(value: Any) -> str:
    """Write a Python value as JSON text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value).replace("nan", "NaN")  # which is no JSON, and so refused
        case Decimal():
            return format(value, "f")
        case str():
            return encode_basestring(value)
        case Mapping():
            pairs = cast("Any", value)
            return _json_object((to_json(key), to_json(each)) for key, each in pairs.items())
        case list() | tuple():
            return f"[{','.join(map(to_json, cast('Sequence[Any]', value)))}]"
        case datetime():
            moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
            return f'"{moment.isoformat(" ")}"'
        case date() | time() | UUID():
            return f'"{value}"'
        case timedelta():
            return f'"{time_of(value // timedelta(microseconds=1))}"'
        case _ if hasattr(value, "tolist"):
            return to_json(value.tolist())  # of numpy
        case _:
            raise TypeError(f"JSON has no form for {type(value).__name__}")


def time_of(microseconds: int) -> str:
    """A TIME of the server's, which may have any number of hours."""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    sign = "-" if microseconds < 0 else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


def time_of_interval(interval: Any) -> str:
    """A TIME of an interval of months, days and nanoseconds.

    Raises:
        ValueError: it has months.
    """
    if interval.months:
        raise ValueError("months have no number of hours, and so are no TIME")
    return time_of(interval.days * 86_400_000_000 + interval.nanoseconds // 1000)
