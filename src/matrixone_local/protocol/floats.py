"""Floating-point numbers as texts: the fewest digits that give the same number back.

The engine itself writes numbers of single precision with six digits, whatever they need.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from decimal import Context, Decimal

_SINGLE = struct.Struct("<f")
_LEAST_NORMAL = 2.0**-126
_DIGITS = 6  # which always come back from single precision: with no more of them, two texts never mean one number


def shortest(value: float, *, is_single: bool) -> str:
    """The shortest digits of a number, with an exponent where Python writes one.

    Args:
        value: a finite number.
        is_single: whether it has single precision.
    """
    if not is_single:
        return repr(value).removesuffix(".0")
    digits = next(one for one in map(str, _candidates(abs(value))) if _packed(one) == _SINGLE.pack(abs(value)))
    return f"-{digits}" if math.copysign(1, value) < 0 else digits


def _candidates(value: float) -> Iterator[str | Decimal]:
    """Texts of a positive number with more and more digits, up to those that always tell it."""
    for digits in range(_DIGITS if value >= _LEAST_NORMAL else 1, 10):
        nearest = f"{value:.{digits}g}"
        yield nearest
        if (
            math.frexp(value)[0] == 0.5
        ):  # below a power of two lie more numbers than above: what is near may not mean it
            yield Context(digits).next_plus(Decimal(nearest))


def _packed(text: str) -> bytes:
    try:
        return _SINGLE.pack(float(text))
    except OverflowError:  # rounded up beyond the greatest number
        return b""


def without_exponent(text: str) -> str:
    """A number's text with all its zeros, as a MatrixOne server writes it into results."""
    return format(Decimal(text), "f") if "e" in text.lower() else text


def as_go_writes(text: str, *, least: int, exponent_digits: int) -> str:
    """A number's text with an exponent where Go writes one: from 1e21 on, and below a number that depends on the place.

    Args:
        text: the number.
        least: the exponent of the least number that is written without one.
        exponent_digits: the digits that an exponent has at least.
    """
    number = Decimal(text).normalize()
    exponent = number.adjusted()
    if not number or least <= exponent < 21:
        return format(number, "f")
    digits = "".join(map(str, number.as_tuple().digits))
    fraction = f".{digits[1:]}" if digits[1:] else ""
    sign = "-" if exponent < 0 else "+"
    return f"{'-' * number.is_signed()}{digits[0]}{fraction}e{sign}{abs(exponent):0{exponent_digits}}"
