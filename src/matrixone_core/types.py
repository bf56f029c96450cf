"""Column types that MatrixOne has and MySQL has not (server-facts 40)."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType


class Vector(UserDefinedType[Sequence[float]]):
    """What vectors of both precisions share."""

    cache_ok: bool | None = True
    sql_name: ClassVar[str]

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:
        """The type in SQL."""
        return f"{self.sql_name}({self.dimensions})"

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


class VECF32(Vector):
    """A vector of 32-bit floats; values are sequences of float.

    Args:
        dimensions: how many.
    """

    sql_name: ClassVar[str] = "VECF32"


class VECF64(Vector):
    """A vector of 64-bit floats; values are sequences of float.

    Args:
        dimensions: how many.
    """

    sql_name: ClassVar[str] = "VECF64"


class DATALINK(UserDefinedType[str]):
    """A link to a file, `file:///…` or `stage://…`; values are text."""

    cache_ok: bool | None = True

    def get_col_spec(self, **_: Any) -> str:
        """The type in SQL."""
        return "DATALINK"


class UUID(UserDefinedType[uuid.UUID]):
    """A UUID; values are `uuid.UUID`."""

    cache_ok: bool | None = True

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
