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
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from matrixone_local.errors import SqlError, bad_input, internal_error

Cast = Callable[[str], str | None]  # a text to what the engine stores for it; None is NULL

BITS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "integer": 32, "bigint": 64}
GREATEST = {"float": 3.4028234663852886e38, "double": 1.7976931348623157e308}
_SPACES = " \t\n\v\f\r\x85\xa0"
_DAY = (
    r"[1-9][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_LATE = r"(?=19[89]|2)"  # a year that is no doubt within TIMESTAMP's
_DELIMITER = r"[!-/:-@\[-`{-~]"
_LOOSE_DAY = re.compile(
    rf"([0-9]{{1,4}}){_DELIMITER}([0-9]{{1,2}}){_DELIMITER}([0-9]{{1,2}})"
    rf"(?:[ T] *([0-9]{{1,2}}){_DELIMITER}([0-9]{{1,2}})(?:{_DELIMITER}(?:([0-9]{{1,2}})(?:\.[0-9]+)?)?)?)?"
)
_FIXED_DAY = re.compile(r"([0-9]{3,4})([0-9]{2})([0-9]{2})")
_MOMENT = re.compile(
    r"(?P<year>[0-9]{4})([-/:])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})[ T]"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{0,2}))?(?:\.(?P<fraction>.+))?",
    re.DOTALL,
)
_RUN = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?:\.(?P<fraction>.+))?",
    re.DOTALL,
)
_TIME = re.compile(
    r"(?P<sign>-?)(?:(?P<days>[0-9]+) )?(?:(?P<hours>[0-9]+):(?P<minutes>[0-9]+)(?::(?P<seconds>[0-9]+))?"
    r"|(?P<run>[0-9]{1,14}))(?:\.(?P<fraction>.*))?",
    re.DOTALL,
)
_ZERO_DAY = re.compile(r"(?:0000-00-00(?:[ T]00:00:00)?|0{8}|0{14})(?:\.0+)?")
_LEADING_FLOAT = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


@dataclass(frozen=True)
class Type:
    """A column's type as MatrixOne tells it, in small letters: `varchar(10)`, `int unsigned`."""

    text: str

    @property
    def base(self) -> str:
        """The type without its arguments."""
        return re.split(r"[( ]", self.text, maxsplit=1)[0]

    @property
    def arguments(self) -> Sequence[int]:
        """The numbers in its brackets."""
        found = re.search(r"\(([\d, ]+)\)", self.text)
        return [int(number) for number in found[1].split(",")] if found else ()

    @property
    def items(self) -> Sequence[str]:
        """The items of an enum."""
        return [one.replace("''", "'") for one in re.findall(r"'((?:[^']|'')*)'", self.text)]

    @property
    def unsigned(self) -> bool:
        """Whether it has no negative numbers."""
        return "unsigned" in self.text

    @property
    def scale(self) -> int:
        """Digits behind the point: of a number with two arguments, of a time with one."""
        return self.arguments[-1] if len(self.arguments) == (2 if self.base in {"decimal", "numeric"} else 1) else 0

    @property
    def plain(self) -> str | None:
        """A pattern, for Python and the engine, of texts that the engine stores as a server does; None: all texts."""
        if self.base in BITS:
            return _whole_pattern(BITS[self.base], unsigned=self.unsigned)
        patterns: Mapping[str, Callable[[], str]] = {
            "decimal": self._decimal_pattern,
            "numeric": self._decimal_pattern,
            "float": lambda: r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE](?:-[0-9]{1,2}|[0-9]))?",
            "double": lambda: r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,2})?",
            "bool": lambda: "[01]",
            "date": lambda: _DAY,
            "datetime": lambda: f"{_DAY}(?:[ T]{_CLOCK})?",
            "timestamp": lambda: f"{_LATE}{_DAY}(?:[ T]{_CLOCK})?",
            "time": lambda: r"-?[0-9]{2}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?",
            "year": lambda: "19[1-9][0-9]|20[0-9]{2}",
            "uuid": lambda: "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "enum": lambda: "|".join(re.escape(item) for item in self.items),
            "vecf32": lambda: r"\[[-+0-9.eE, ]+\]",
            "vecf64": lambda: r"\[[-+0-9.eE, ]+\]",
            "binary": lambda: rf"[\x00-\x7f]{{0,{self._length}}}",
            "varbinary": lambda: rf"[\x00-\x7f]{{0,{self._length}}}",
            "datalink": lambda: "(?:file|stage)://.*",
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
        trimmed, kind = text.strip(_SPACES), f"uint{bits}" if self.unsigned else "int"
        try:
            number = _whole(trimmed)
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
        found = _LEADING_FLOAT.match(text)  # what follows a number is passed over, and no number is 0
        if re.fullmatch(r"[+-]?(?:nan|inf|infinity)", text.strip(_SPACES), re.IGNORECASE):
            raise internal_error(f"the local server stores no {text.strip(_SPACES)} in columns of numbers")
        whole = _prefixed(text)
        number = float(whole) if whole is not None else float(found[1]) if found else 0.0
        return repr(math.copysign(min(abs(number), greatest), number))

    def _decimal(self, *, selects: bool) -> Cast:
        precision, scale = [*(self.arguments or [38]), 0][:2]
        kind = f"Decimal{64 if precision <= 18 else 128}({precision},{scale})"

        def convert(text: str) -> str:
            trimmed = text.strip(_SPACES) if selects else text.replace(" ", "")
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
            if self.arguments and len(numbers) != self.arguments[0]:
                raise bad_input(f"expected vector dimension {self.arguments[0]} != actual dimension {len(numbers)}.")
            return trimmed

        return convert

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


def _whole_pattern(bits: int, *, unsigned: bool) -> str:
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


def _any_text(text: str) -> str:
    return text


def _or_null(convert: Callable[[str], str]) -> Cast:
    return lambda text: convert(text) if text else None


def _whole(trimmed: str) -> int:
    """A whole number in decimal, or behind `0x`, `0b`, `0o`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([+-]?)(?:0([xXbBoO])([0-9a-fA-F]+)|([0-9]+))", trimmed)
    if not found:
        raise ValueError(trimmed)
    number = int(found[4]) if found[4] else int(found[3], {"x": 16, "b": 2, "o": 8}[found[2].lower()])
    return -number if found[1] == "-" else number


def _prefixed(text: str) -> int | None:
    """The number of a text with `0x`, `0b` or `0o`; None for others."""
    trimmed = text.strip(_SPACES)
    return _whole(trimmed) if re.fullmatch(r"[+-]?0(?:[xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)", trimmed) else None


def decimal(trimmed: str, *, prefixed: bool, signed: bool) -> Decimal:
    """A number as DECIMAL reads it.

    Args:
        trimmed: the text, without spaces around it.
        prefixed: whether it may begin with `0b` or `0o`.
        signed: whether it may begin with `+`.

    Raises:
        InvalidOperation: it is no number.
    """
    number = _prefixed(trimmed)
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


def day(text: str) -> str:
    """A date; a time of day behind it is cut off.

    Raises:
        SqlError: there is no such day.
    """
    trimmed = text.strip(_SPACES)
    unfit = SqlError(20203, f"invalid argument parsedate, bad value {trimmed}")
    if _ZERO_DAY.fullmatch(trimmed):
        raise SqlError(1366, f"truncated type date value {trimmed} for column value, 1")
    if found := _FIXED_DAY.fullmatch(trimmed):
        return _iso_day(found[1], found[2], found[3], unfit)
    found = _LOOSE_DAY.fullmatch(trimmed)
    if not found:
        raise unfit
    clock = [int(part or 0) for part in found.groups()[3:]]
    if clock[0] > 23 or clock[1] > 59 or clock[2] > 59:
        raise unfit
    number = int(found[1])
    if len(found[1]) == 2:
        number += 2000 if number <= 69 else 1900
    return _iso_day(str(number), found[2], found[3], unfit)


def _iso_day(years: str, month: str, number: str, unfit: SqlError) -> str:
    try:
        return date(int(years), int(month), int(number)).isoformat()
    except ValueError:
        raise unfit from None


def moment(text: str, scale: int) -> str:
    """A DATETIME, rounded.

    Raises:
        SqlError: there is no such moment.
    """
    trimmed = text.strip(_SPACES)
    unfit = bad_input(f"invalid datetime value {trimmed}")
    if _ZERO_DAY.fullmatch(trimmed):
        raise SqlError(1366, f"truncated type datetime value {trimmed} for column value, 1")
    if len(trimmed) < 14:
        try:
            return day(trimmed)
        except SqlError:
            raise unfit from None
    found = _MOMENT.fullmatch(trimmed) or _RUN.fullmatch(trimmed)
    if not found:
        raise unfit
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        raise unfit
    try:
        past = timedelta(microseconds=_microseconds(found["fraction"], scale))
        whole = datetime(int(found["year"]), int(found["month"]), int(found["day"]), hour, minute, second) + past  # noqa: DTZ001  # a DATETIME has no zone
    except (ValueError, OverflowError):
        raise unfit from None
    return whole.isoformat(" ")


def _microseconds(digits: str | None, scale: int) -> int:
    """The part of a second behind the point, rounded by the first digit too many; nothing is read behind that one.

    Raises:
        ValueError: what is read is no number.
    """
    if not digits:
        return 0
    trimmed, more = digits[:scale], digits[scale : scale + 1]
    if not re.fullmatch("[0-9]*", trimmed) or (more and more not in "0123456789"):
        raise ValueError(digits)
    return int(trimmed.ljust(6, "0")) + (10 ** (6 - scale) if more and more >= "5" else 0)


def timestamp(text: str, scale: int) -> str:
    """A TIMESTAMP.

    Raises:
        SqlError: there is no such moment, or it is before 1970.
    """
    trimmed = text.strip(_SPACES)
    try:
        found = moment(trimmed, scale)
    except SqlError as refused:
        if refused.code == 1366:
            raise
        raise SqlError(20203, f"invalid argument parse timestamp, bad value {trimmed}") from None
    if found < "1970-01-01 00:00:01":
        raise SqlError(1366, f"truncated type datetime value {trimmed} for column value, 1")
    return found


def time(text: str, scale: int) -> str:
    """A TIME.

    Raises:
        SqlError: there is none, or the engine cannot store it.
    """
    trimmed = text.strip(_SPACES)
    unfit = bad_input(f"invalid time value {trimmed}")
    head = trimmed.partition(" ")
    if head[1] and not head[0].lstrip("-").isdigit():
        try:
            return moment(trimmed, scale).partition(" ")[2] or "00:00:00"
        except SqlError:
            raise unfit from None
    if not trimmed or trimmed[0] == ".":
        return "00:00:00"
    found = _TIME.fullmatch(trimmed)
    if not found:
        raise unfit
    if run := found["run"]:
        parts = run.rjust(5, "0")
        hours, minutes, seconds = int(parts[:-4]), int(parts[-4:-2]), int(parts[-2:])
    else:
        hours, minutes, seconds = int(found["hours"]), int(found["minutes"]), int(found["seconds"] or 0)
    hours += 24 * int(found["days"] or 0)
    if minutes > 59 or seconds > 59:
        raise unfit
    if hours > 838:
        raise internal_error(f"the local server stores times up to 838:59:59, and not {trimmed}")
    try:
        past = _microseconds(found["fraction"], scale)
    except ValueError:
        raise unfit from None
    whole, rest = divmod(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + past, 1_000_000)
    fraction = f".{rest:06}" if rest else ""
    return f"{found['sign']}{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{fraction}"


def year(text: str) -> str | None:
    """A YEAR; NULL for what is none (server-facts 51)."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    number, length = int(text), len(text)
    if length == 4 and text[0] != "0":
        if 1 <= number <= 99:
            return str(2000 + number if number <= 69 else 1900 + number)
        return text if 1901 <= number <= 2155 else "0000" if number == 0 else None
    if text == "0000":
        return text
    if (length <= 2 or length == 4) and 0 <= number <= 99 and (length <= 2 or number >= 1):
        return str(2000 + number if number <= 69 else 1900 + number)
    return None


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
        SqlError: it is no URL of a file or a stage.
    """
    if re.search(r"[\x00-\x1f\x7f]", text) or re.match(r"(?![A-Za-z][A-Za-z0-9+.-]*:)[^/?#]*:", text):
        raise SqlError(1105, f'parse "{text}": it is no URL')
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    scheme = "" if found is None else found[1].lower()
    if scheme not in {"file", "stage"}:
        raise SqlError(20102, f"unsupported url scheme {scheme} is not yet implemented")
    return text
