"""Values as the server writes them as texts."""

import datetime as dt
from decimal import Decimal
from typing import Any


def written(value: Any) -> str:
    """A value that is neither NULL nor bytes, as the server writes it.

    Args:
        value: as the drivers give it.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.timedelta):
        return _time(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)  # numbers and dates


def _time(value: dt.timedelta) -> str:
    """A TIME, which may be negative or more than a day."""
    microseconds = value // dt.timedelta(microseconds=1)
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    minutes, hours = seconds // 60, seconds // 3600
    text = f"{'-' if microseconds < 0 else ''}{hours:02}:{minutes % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}" if fraction else text


def number_of_bits(value: bytes) -> int:
    """A BIT as a number."""
    return int.from_bytes(value, "big")
