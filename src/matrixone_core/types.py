"""Column types that MatrixOne has and MySQL has not (server-facts 40)."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType


class _Vector(UserDefinedType[Sequence[float]]):
    cache_ok = True
    name: str

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:
        """The type in SQL."""
        return f"{self.name}({self.dimensions})"

    def bind_processor(self, dialect: Dialect) -> Callable[[Sequence[float] | None], str | None]:
        """How a value is sent."""
        return lambda value: None if value is None else f"[{','.join(map(repr, value))}]"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], list[float] | None]:
        """How a value is read."""
        return lambda value: None if value is None else [float(part) for part in _inner(value).split(",")]


def _inner(value: str | bytes) -> str:
    text = value.decode() if isinstance(value, bytes) else value
    return text.strip("[] ")


class VECF32(_Vector):
    """A vector of 32-bit floats; values are sequences of float.

    Args:
        dimensions: how many.
    """

    name = "VECF32"


class VECF64(_Vector):
    """A vector of 64-bit floats; values are sequences of float.

    Args:
        dimensions: how many.
    """

    name = "VECF64"


class DATALINK(UserDefinedType[str]):
    """A link to a file, `file:///…` or `stage://…`; values are text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type in SQL."""
        return "DATALINK"


class UUID(UserDefinedType[uuid.UUID]):
    """A UUID; values are `uuid.UUID`."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type in SQL."""
        return "UUID"

    def bind_processor(self, dialect: Dialect) -> Callable[[uuid.UUID | str | None], str | None]:
        """How a value is sent."""
        return lambda value: None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], uuid.UUID | None]:
        """How a value is read."""
        return lambda value: None if value is None else uuid.UUID(value)
