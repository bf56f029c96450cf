"""Column types that MatrixOne has and MySQL has not (server-facts 40)."""

import uuid
from collections.abc import Sequence
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

    def bind_processor(self, dialect: Dialect) -> Any:
        """How a value is sent."""

        def written(value: Sequence[float] | None) -> str | None:
            return None if value is None else f"[{','.join(map(repr, value))}]"

        return written

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """How a value is read."""

        def read(value: str | None) -> list[float] | None:
            return None if value is None else [float(part) for part in value.strip("[]").split(",")]

        return read


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

    def bind_processor(self, dialect: Dialect) -> Any:
        """How a value is sent."""

        def written(value: uuid.UUID | str | None) -> str | None:
            return None if value is None else str(value)

        return written

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """How a value is read."""

        def read(value: str | None) -> uuid.UUID | None:
            return None if value is None else uuid.UUID(value)

        return read
