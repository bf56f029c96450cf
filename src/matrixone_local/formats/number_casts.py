"""Numbers and truth values that texts mean to a MatrixOne server."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

from matrixone_local.errors import bad_input

BITS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "integer": 32, "bigint": 64}
GREATEST = {"float": 3.4028234663852886e38, "double": 1.7976931348623157e308}
SPACES = " \t\n\v\f\r\x85\xa0"
LEADING_FLOAT = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def whole_pattern(bits: int, *, unsigned: bool) -> str:
    """Whole numbers that are certainly within the range."""
    greatest = {
        (8, False): "[0-9]{1,2}|1[01][0-9]",
        (16, False): "[0-9]{1,4}|[12][0-9]{4}",
        (32, False): "[0-9]{1,9}|1[0-9]{9}|20[0-9]{8}",
        (64, False): "[0-9]{1,18}|[1-8][0-9]{18}",
        (8, True): "[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]",
        (16, True): "[0-9]{1,4}|[1-5][0-9]{4}",
        (32, True): "[0-9]{1,9}|[1-3][0-9]{9}",
        (64, True): "[0-9]{1,19}|1[0-7][0-9]{18}",
    }[bits, unsigned]
    return greatest if unsigned else f"-?(?:{greatest})"


def whole_range(bits: int, *, unsigned: bool) -> tuple[int, int]:
    """The numbers of an integer type, the end excluded."""
    return (0, 1 << bits) if unsigned else (-1 << (bits - 1), 1 << (bits - 1))


def whole(trimmed: str) -> int:
    """A whole number in decimal, or behind `0x`, `0b`, `0o`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([+-]?)(?:0([xXbBoO])([0-9a-fA-F]+)|([0-9]+))", trimmed)
    if not found:
        raise ValueError(trimmed)
    number = int(found[4]) if found[4] else int(found[3], {"x": 16, "b": 2, "o": 8}[found[2].lower()])
    return -number if found[1] == "-" else number


def prefixed_number(text: str) -> int | None:
    """The number of a text with `0x`, `0b` or `0o`; None for others."""
    trimmed = text.strip(SPACES)
    return whole(trimmed) if re.fullmatch(r"[+-]?0(?:[xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)", trimmed) else None


def decimal(trimmed: str, *, prefixed: bool, signed: bool) -> Decimal:
    """A number as DECIMAL reads it.

    Args:
        trimmed: the text, without spaces around it.
        prefixed: whether it may begin with `0b` or `0o`.
        signed: whether it may begin with `+`.

    Raises:
        InvalidOperation: it is no number.
    """
    number = prefixed_number(trimmed)
    if number is not None and (prefixed or re.match(r"-?0x", trimmed)):
        return Decimal(number)
    sign = "[+-]?" if signed else "-?"
    if not re.fullmatch(rf"{sign}(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{{1,4}})?", trimmed):
        raise InvalidOperation(trimmed)
    return Decimal(trimmed)


def boolean(text: str) -> str:
    """A truth value: Go's spellings and every number.

    Raises:
        SqlError: it is none.
    """
    found = {"true": "1", "t": "1", "false": "0", "f": "0"}.get(text.lower())
    if found:
        return found
    digits = "[0-9]+(?:_[0-9]+)*"
    if re.fullmatch(rf"[+-]?(?:{digits}\.?(?:{digits})?|\.{digits})(?:[eE][+-]?{digits})?", text):
        if math.isfinite(number := float(text)):
            return str(int(number != 0))
    elif re.fullmatch(r"[+-]?(?:inf|infinity)|nan", text, re.IGNORECASE):
        return "1"
    raise bad_input(f"'{text}' is not a valid bool expression")
