"""Columns of results as the protocol describes them, and MySQL's numbers for their types (server-facts 83)."""

from dataclasses import dataclass
from typing import Any, Final, Self

TINY: Final = 1
SHORT: Final = 2
LONG: Final = 3
FLOAT: Final = 4
DOUBLE: Final = 5
NULL: Final = 6
TIMESTAMP: Final = 7
LONGLONG: Final = 8
INT24: Final = 9
DATE: Final = 10
TIME: Final = 11
DATETIME: Final = 12
YEAR: Final = 13
BIT: Final = 16
JSON: Final = 245

DECIMALS: Final = frozenset({0, 246})
MOMENTS: Final = frozenset({TIMESTAMP, DATETIME})
STRINGS: Final = frozenset({15, *range(249, 255)})  # VARCHAR, BLOB of any length, VAR_STRING, STRING

_UNSIGNED_FLAG = 32
_BINARY_COLLATION = 63


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result, as the protocol describes it.

    Args:
        name: its title.
        type_code: MySQL's number of the type.
        is_unsigned: whether its numbers have no sign.
        is_binary: whether the server calls its values bytes: it does so of numbers, moments and JSON, too.
        scale: digits behind the point, or of a second's fraction.
        length: the most bytes or digits that a value is shown with.
    """

    name: str
    type_code: int
    is_unsigned: bool = False
    is_binary: bool = False
    scale: int = 0
    length: int = 0

    @classmethod
    def of_field(cls, field: Any) -> Self:
        """The column that a driver's description is of; both drivers describe one alike."""
        return cls(
            field.name,
            field.type_code,
            bool(field.flags & _UNSIGNED_FLAG),
            field.charsetnr == _BINARY_COLLATION,
            field.scale,
            field.length,
        )

    @property
    def has_bytes(self) -> bool:
        """Whether its values are bytes."""
        return self.is_binary and self.type_code in STRINGS
