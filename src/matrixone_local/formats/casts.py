"""What a text comes to in a column of a type, as INSERT stores it: judged as a MatrixOne server judges.

The engine rounds `1.7` for an integer, reads `1/2/24` as a day of 2001 and refuses an enum's item in capitals, all of
which a server does otherwise (server-facts 51, 76). Texts that both read alike fit the pattern of the type and go to
the engine as they are; every other text is judged here.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cached_property

from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.formats.number_casts import (
    BITS,
    GREATEST,
    LEADING_FLOAT,
    SPACES,
    boolean,
    decimal,
    prefixed_number,
    whole,
    whole_pattern,
    whole_range,
)
from matrixone_local.formats.time_casts import CLOCK, DAY, LATE, day, moment, time, timestamp, year

_LARGEST_FLOAT = 3.4028234663852886e38
# Vectors all of whose numbers single precision holds: none of 38 digits, and exponents below zero alone.
_SMALL_NUMBERS = r"(?!.*(?:[0-9]{38}|[eE](?!-[0-9]{1,2}(?![0-9]))))\[[-+0-9.eE, ]+\]"
Cast = Callable[[str], str | None]  # a text to what the engine stores for it; None is NULL


@dataclass(frozen=True)
class Type:
    """A column's type as MatrixOne tells it, in small letters: `varchar(10)`, `int unsigned`."""

    text: str

    @cached_property
    def base(self) -> str:
        """The type without its arguments."""
        return re.split(r"[( ]", self.text, maxsplit=1)[0]

    @cached_property
    def arguments(self) -> Sequence[int]:
        """The numbers in its brackets."""
        found = re.search(r"\(([\d, ]+)\)", self.text)
        return [int(number) for number in found[1].split(",")] if found else ()

    @cached_property
    def items(self) -> Sequence[str]:
        """The items of an enum; the engine tells them without doubling the quotes in them."""
        first, last = self.text.find("'") + 1, self.text.rfind("'")
        return [one.replace("''", "'") for one in re.split(r"',\s*'", self.text[first:last])]

    @property
    def unsigned(self) -> bool:
        """Whether it has no negative numbers."""
        return "unsigned" in self.text

    @property
    def scale(self) -> int:
        """Digits behind the point: of a number with two arguments, of a time with one."""
        return self.arguments[-1] if len(self.arguments) == (2 if self.base in {"decimal", "numeric"} else 1) else 0

    @cached_property
    def plain(self) -> str | None:
        """A pattern, for Python and the engine, of texts that the engine stores as a server does; None: all texts."""
        if self.base in BITS:
            return whole_pattern(BITS[self.base], unsigned=self.unsigned)
        patterns: Mapping[str, Callable[[], str]] = {
            "decimal": self._decimal_pattern,
            "numeric": self._decimal_pattern,
            "float": lambda: r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE](?:-[0-9]{1,2}|[0-9]))?",
            "double": lambda: r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,2})?",
            "bool": lambda: "[01]",
            "date": lambda: DAY,
            "datetime": lambda: f"{DAY}(?:[ T]{CLOCK})?",
            "timestamp": lambda: f"{LATE}{DAY}(?:[ T]{CLOCK})?",
            "time": lambda: r"-?[0-9]{2}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?",
            "year": lambda: "19[1-9][0-9]|20[0-9]{2}",
            "uuid": lambda: "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "enum": lambda: "|".join(re.escape(item) for item in self.items),
            "vecf32": lambda: _SMALL_NUMBERS,
            "vecf64": lambda: _SMALL_NUMBERS,
            "binary": lambda: rf"[\x00-\x7f]{{0,{self._length}}}",
            "varbinary": lambda: rf"[\x00-\x7f]{{0,{self._length}}}",
            "datalink": lambda: "(?:file|stage)://[A-Za-z0-9_./-]*",
        }
        found = patterns.get(self.base)
        return found() if found else None

    @property
    def _length(self) -> int:
        return self.arguments[0] if self.arguments else 1

    def _decimal_pattern(self) -> str:
        whole = (self.arguments[0] if self.arguments else 38) - self.scale
        fraction = rf"(?:\.[0-9]{{1,{self.scale}}})?" if self.scale else ""
        return rf"-?0*[0-9]{{1,{whole}}}{fraction}" if whole else rf"-?0+{fraction}"

    def cast(self, *, selects: bool) -> Cast:
        """What judges a text that does not fit the pattern.

        Args:
            selects: whether the text comes from INSERT … SELECT; otherwise it is part of the statement.

        Returns:
            It raises Refused for a text that a server refuses.
        """
        casts: Mapping[str, Callable[[], Cast]] = {
            "decimal": lambda: self._decimal(selects=selects),
            "numeric": lambda: self._decimal(selects=selects),
            "float": lambda: self._floating,
            "double": lambda: self._floating,
            "bool": lambda: boolean,
            "date": lambda: _or_null(day),
            "datetime": lambda: _or_null(lambda text: moment(text, self.scale)),
            "timestamp": lambda: _or_null(lambda text: timestamp(text, self.scale)),
            "time": lambda: _or_null(lambda text: time(text, self.scale)),
            "year": lambda: year,
            "uuid": lambda: identifier,
            "enum": lambda: self._item,
            "vecf32": lambda: self._vector(selects=selects),
            "vecf64": lambda: self._vector(selects=selects),
            "binary": lambda: self._bytes if selects else self._few_bytes,
            "varbinary": lambda: self._bytes,
            "datalink": lambda: _any_text if selects else link,
        }
        if self.base in BITS:
            return self._whole
        found = casts.get(self.base)
        return found() if found else _any_text

    def _whole(self, text: str) -> str:
        bits = BITS[self.base]
        trimmed, kind = text.strip(SPACES), f"uint{bits}" if self.unsigned else "int"
        try:
            number = whole(trimmed)
        except ValueError:
            digits = re.match(r"[+-]?([0-9]+)", trimmed)  # too many of them are found before what is none
            if digits and int(digits[1]) >= 1 << bits and len(trimmed.split()) == 1:
                raise self._beyond(trimmed) from None
            raise SqlError(20203, f"invalid argument cast to {kind}, bad value {trimmed}") from None
        low, high = whole_range(bits, unsigned=self.unsigned)
        if self.unsigned and number < 0:
            raise SqlError(20203, f"invalid argument cast to {kind}, bad value {trimmed}")
        if not low <= number < high:
            raise self._beyond(trimmed)
        return str(number)

    def _beyond(self, trimmed: str) -> SqlError:
        kind = f"{'u' * self.unsigned}int{BITS[self.base]}"
        return SqlError(1690, f"data out of range: data type {kind}, value '{trimmed}'", "22003")

    def _floating(self, text: str) -> str:
        greatest = GREATEST[self.base]
        found = LEADING_FLOAT.match(text)  # what follows a number is passed over, and no number is 0
        if re.fullmatch(r"[+-]?(?:nan|inf|infinity)", text.strip(SPACES), re.IGNORECASE):
            raise internal_error(f"the local server stores no {text.strip(SPACES)} in columns of numbers")
        whole = prefixed_number(text)
        number = float(whole) if whole is not None else float(found[1]) if found else 0.0
        return repr(math.copysign(min(abs(number), greatest), number))

    def _decimal(self, *, selects: bool) -> Cast:
        precision, scale = [*(self.arguments or [38]), 0][:2]
        kind = f"Decimal{64 if precision <= 18 else 128}({precision},{scale})"

        def convert(text: str) -> str:
            trimmed = text.strip(SPACES) if selects else text.replace(" ", "")
            try:
                number = decimal(trimmed, prefixed=selects, signed=selects or precision > 18).quantize(
                    Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=400)
                )
            except InvalidOperation:
                raise bad_input(f"{text} beyond the range, can't be converted to {kind}.") from None
            if abs(number) >= Decimal(10) ** (precision - scale):
                raise bad_input(f"{text} beyond the range, can't be converted to {kind}.")
            return format(number, "f")

        return convert

    def _item(self, text: str) -> str:
        folded = text.casefold()
        for item in self.items:
            if item.casefold() == folded:
                return item
        try:
            number = int(text, 0) if re.fullmatch(r"[0-9]\w*", text, re.ASCII) else None
        except ValueError:
            number = None
        if number is None:
            listed = " ".join(self.items)
            raise internal_error(f"convert to MySQL enum failed: item {text} is not in enum [{listed}]")
        if not 0 < number <= len(self.items):
            limits = f"[1, {len(self.items)}]"
            raise internal_error(f"convert to MySQL enum failed: number {number} overflow enum boundary {limits}")
        return self.items[number - 1]

    def _vector(self, *, selects: bool) -> Cast:
        def convert(text: str) -> str | None:
            if text == "" and selects:
                return None
            trimmed = text.replace(" ", "")
            if not re.fullmatch(r"\[.+\]", trimmed, re.DOTALL):
                raise internal_error(f"malformed vector input: {text}")
            numbers = trimmed[1:-1].split(",")
            for number in numbers:
                if not re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", number):
                    raise internal_error(f"error while casting {number} to {self.base[3:]} type")
                self._check_range(number)
            if self.arguments and len(numbers) != self.arguments[0]:
                raise bad_input(f"expected vector dimension {self.arguments[0]} != actual dimension {len(numbers)}.")
            return trimmed

        return convert

    def _check_range(self, number: str) -> None:
        """Refuse a vector's number that single precision does not hold: the engine would store 0."""
        value = abs(float(number))
        if value <= _LARGEST_FLOAT:
            return
        if self.base == "vecf64" and math.isfinite(value):
            raise internal_error(f"the local server keeps vectors in single precision, which does not hold {number}")
        raise internal_error(f"error while casting {number} to {'FLOAT' if self.base == 'vecf32' else 'DOUBLE'}")

    def _bytes(self, text: str) -> str:
        if len(text) > self._length:
            kind = self.base.upper()
            length = len(text.encode("utf-8", "surrogateescape"))
            raise internal_error(
                f"Can't cast '{text}' from VARCHAR type to {kind} type. "
                f"Src length {length} is larger than Dest length {self._length}"
            )
        return text

    def _few_bytes(self, text: str) -> str:
        if len(text.encode("utf-8", "surrogateescape")) > self._length:
            raise internal_error(
                f"the local server stores no more than {self._length} bytes in a column of {self.text}"
            )
        return text


def _any_text(text: str) -> str:
    return text


def _or_null(convert: Callable[[str], str]) -> Cast:
    return lambda text: convert(text) if text else None


def identifier(text: str) -> str:
    """A UUID in small letters; with or without its hyphens, in braces, or behind `urn:uuid:`.

    Raises:
        SqlError: it is none.
    """
    trimmed = text[9:] if text.lower().startswith("urn:uuid:") else text
    trimmed = trimmed[1:-1] if len(trimmed) == 38 else trimmed
    if re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", trimmed, re.IGNORECASE):
        return str(uuid.UUID(trimmed))
    length = len(text.encode("utf-8", "surrogateescape"))
    raise SqlError(1105, "invalid UUID format" if length in {32, 36, 38, 45} else f"invalid UUID length: {length}")


def link(text: str) -> str:
    """A DATALINK.

    Raises:
        SqlError: it is no URL of a file, of HDFS or of a stage, or its `offset` or `size` is no whole number.
    """
    if re.search(r"[\x00-\x1f\x7f]", text) or re.match(r"(?![A-Za-z][A-Za-z0-9+.-]*:)[^/?#]*:", text):
        raise SqlError(1105, f'parse "{text}": it is no URL')
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    scheme = "" if found is None else found[1].lower()
    if scheme not in {"file", "hdfs", "stage"}:
        raise SqlError(20102, f"unsupported url scheme {scheme} is not yet implemented")
    for name, value in re.findall(r"[?&](offset|size)=([^&#]*)", text):
        if not re.fullmatch(r"[-+]?[0-9]+", value):
            raise SqlError(1105, f'strconv.ParseInt: parsing "{value}": invalid syntax')
        if name == "offset" and value.startswith("-"):
            raise SqlError(20101, "internal error: offset cannot be negative")
    return text
