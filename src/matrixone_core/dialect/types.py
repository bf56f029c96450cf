"""Column types of MatrixOne that MySQL lacks (server-facts 40)."""

import math
import uuid
from array import array
from collections.abc import Sequence
from importlib import import_module
from struct import unpack
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import ClauseElement, Dialect, Double, Function, literal, type_coerce
from sqlalchemy.types import NullType, UserDefinedType

from matrixone_core import fragments
from matrixone_core.errors import InvalidArgument

_INTEGERS = frozenset("bBhHiIlLqQnN")
_NUMBERS = frozenset("efd?")  # others of a buffer
_INTEGER_OF_SIZE = {1: "b", 2: "h", 4: "i", 8: "q"}
Distance: TypeAlias = Function[float]


class Vector(UserDefinedType[Sequence[float]]):
    """The base class of vectors of both precisions.

    A value is a list, a tuple, or an object with the buffer or the array interface, such as a numpy array,
    `array.array` or a tensor. It is read as a list of float.
    """

    sql_name: ClassVar[str]

    class Comparator(UserDefinedType.Comparator[Sequence[float]]):
        """The distance functions of a vector column; *other* is a vector, or a vector column."""

        def l2_distance(self, other: Any) -> Distance:
            """Return the Euclidean distance."""
            return self._function("l2_distance", other)

        def l2_distance_sq(self, other: Any) -> Distance:
            """Return the square of the Euclidean distance, which has the same order and costs less."""
            return self._function("l2_distance_sq", other)

        def cosine_distance(self, other: Any) -> Distance:
            """Return 1 minus the cosine of the angle: 0 for vectors of the same direction."""
            return self._function("cosine_distance", other)

        def cosine_similarity(self, other: Any) -> Distance:
            """Return the cosine of the angle: 1 for vectors of the same direction."""
            return self._function("cosine_similarity", other)

        def inner_product(self, other: Any) -> Distance:
            """Return the negative inner product, so that the nearest vector sorts first (server-facts 74)."""
            return self._function("inner_product", other)

        def _function(self, name: str, other: Any) -> Distance:
            is_sql = hasattr(other, "__clause_element__") or isinstance(other, ClauseElement)
            vector: Any = other if is_sql else literal(other, self.type)
            if getattr(vector, "__visit_name__", None) == "bindparam" and isinstance(vector.type, NullType):
                vector = type_coerce(vector, self.type)  # `bindparam("p")` says nothing of its type
            return Function(name, self.expr, vector, type_=Double())

    comparator_factory: Any = Comparator

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:
        """The type in SQL."""
        return f"{self.sql_name}({self.dimensions})"

    def bind_processor(self, dialect: Dialect) -> Any:
        """How a value is sent."""
        return self._written

    def literal_processor(self, dialect: Dialect) -> Any:
        """How a value is written into a statement."""

        def quoted(value: Any) -> str:
            return fragments.literal(self._written(value) or "")

        return quoted

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """How a value is read."""

        def read(value: str | None) -> list[float] | None:
            return None if value is None else [float(part) for part in value.strip("[]").split(",")]

        return read

    def _written(self, value: Any) -> str | None:
        """A vector as the server reads it."""
        if value is None:
            return None
        try:
            items = _numbers(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgument(
                f"a value of {self.get_col_spec()} is a sequence of numbers, or has the buffer or the array interface,"
                f" not {type(value).__name__} ({error})"
            ) from None
        if not all(map(math.isfinite, items)):
            raise InvalidArgument(f"a value of {self.get_col_spec()} has finite numbers only: no index can hold others")
        return f"[{','.join(map(repr, items))}]"


def _numbers(value: Any) -> list[float]:
    """The items of a vector.

    Raises:
        TypeError: it is none, or its items are no numbers.
    """
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError("text and bytes are no numbers; memoryview(…).cast('f') makes bytes numbers")
    if getattr(getattr(value, "dtype", None), "kind", "") in {"M", "m"}:
        raise TypeError("its items are moments or durations")
    if hasattr(value, "__array__"):  # tolist() knows which items are missing; the array may not
        value = value.tolist() if hasattr(value, "tolist") else value.__array__().tolist()
    elif hasattr(value, "__array_interface__"):  # who has no more than this needs numpy to read it
        value = import_module("numpy").asarray(value).tolist()
    elif type(value) is memoryview or not issubclass(type(value), Sequence):
        value = _of_buffer(memoryview(value))
    return array("d", value).tolist()


def _of_buffer(view: memoryview) -> list[Any]:
    """The items of a buffer, of either order of bytes; the size of an item counts, as ctypes has longs of its own."""
    if view.ndim != 1:
        raise TypeError(f"it has {view.ndim} dimensions")
    order, kind = (view.format[0], view.format[1:]) if view.format[0] in "<>=!@" else ("=", view.format)
    if kind in _INTEGERS:
        same_size = _INTEGER_OF_SIZE[view.itemsize]
        kind = same_size.upper() if kind.isupper() else same_size
    elif kind not in _NUMBERS:
        raise TypeError(f"its items have the format {view.format}")
    return list(unpack(f"{order.replace('@', '=')}{len(view)}{kind}", view.tobytes()))


class VECF32(Vector):
    """A vector of 32-bit floats; values are read as lists of float.

    Args:
        dimensions: number of dimensions.
    """

    cache_ok: bool | None = True
    sql_name: ClassVar[str] = "VECF32"


class VECF64(Vector):
    """A vector of 64-bit floats; values are read as lists of float.

    Args:
        dimensions: number of dimensions.
    """

    cache_ok: bool | None = True
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
