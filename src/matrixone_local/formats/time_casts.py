"""Dates and times that texts mean to a MatrixOne server."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.formats.number_casts import SPACES

DAY = (
    r"[1-9][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
LATE = r"(?=19[89]|2)"  # a year that is no doubt within TIMESTAMP's
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


def day(text: str) -> str:
    """A date; a time of day behind it is cut off.

    Raises:
        SqlError: there is no such day.
    """
    trimmed = text.strip(SPACES)
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
    trimmed = text.strip(SPACES)
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
    trimmed = text.strip(SPACES)
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
    trimmed = text.strip(SPACES)
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
