"""Record batches, written as canonical CSV column by column (needs pyarrow).

Timestamps and times have no more than microseconds on the server: nanoseconds are cut off.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from matrixone_core.errors import InvalidArgument
from matrixone_core.libraries import library
from matrixone_core.loading.formats.arrow import each_batch
from matrixone_core.loading.formats.arrow_types import BYTES, LISTS, TEXT, is_any
from matrixone_core.loading.formats.csv import escape_returns
from matrixone_core.loading.formats.nested_json import json_writer, time_of, time_of_interval
from matrixone_core.messages import show

# made into text at a time, but for a row that is larger: other threads, such as an event loop's, hardly run meanwhile
TEXT_ROWS = 8192
TEXT_BYTES = 1024 * 1024


def batches_to_csv(
    reader: Any, names: Sequence[str], *, name: str = "the data", uuids: Collection[str] = ()
) -> Iterator[bytes]:
    """Write columns as canonical CSV.

    Args:
        reader: what gives the batches.
        names: the columns, as `select_columns` gives them.
        name: what the data is called in messages.
        uuids: those of the columns whose values of 16 bytes are UUIDs.

    Raises:
        InvalidArgument: a value of a column has no form as text.
        LoadFailed: the data cannot be read.
    """
    for batch in each_batch(name, reader):
        size = min(TEXT_ROWS, max(1, TEXT_BYTES * batch.num_rows // max(batch.nbytes, 1)))
        for at in range(0, batch.num_rows, size):
            yield _lines(batch.slice(at, size), names, uuids)


def _lines(batch: Any, names: Sequence[str], uuids: Collection[str]) -> bytes:
    compute, arrow = library("pyarrow.compute"), library("pyarrow")
    columns = [_Column(name, arrow, compute, uuid=name in uuids).fields(batch.column(name)) for name in names]
    comma, end, nothing = (arrow.scalar(text, arrow.large_binary()) for text in (b",", b"\n", b""))
    line = columns[0] if len(columns) == 1 else compute.binary_join_element_wise(*columns, comma)
    lines = compute.binary_join_element_wise(line, end, nothing)
    return escape_returns(bytes(lines.buffers()[2] or b""))  # all values, one after the other


class _Column:
    """Writes the values of a column as CSV has them.

    Args:
        name: its name.
        arrow: pyarrow.
        compute: pyarrow.compute.
        uuid: whether 16 bytes are a UUID.
    """

    def __init__(self, name: str, arrow: Any, compute: Any, *, uuid: bool) -> None:
        self._name = name
        self._arrow = arrow
        self._compute = compute
        self._uuid = uuid

    def fields(self, values: Any) -> Any:
        """The fields, as binary values: quoted if they are texts or bytes, NULL as it is written."""
        arrow = self._arrow
        binary = arrow.large_binary()
        try:
            plain = self._plain(values)
            texts = self._texts(plain)
        except (arrow.ArrowException, ValueError, TypeError) as error:
            raise InvalidArgument(
                f"the column {show(self._name)} ({values.type}) has no form as text: {error}"
            ) from None
        texts = texts.cast(binary)
        if is_any(plain.type, arrow.types, *TEXT, *BYTES, "is_nested"):
            texts = self._compute.replace_substring(texts, b"\\", b"\\\\")
            texts = self._compute.replace_substring(texts, b'"', b'""')
            mark, nothing = (arrow.scalar(text, binary) for text in (b'"', b""))
            texts = self._compute.binary_join_element_wise(mark, texts, mark, nothing)
        return texts.fill_null(arrow.scalar(b"\\N", binary))

    def _plain(self, values: Any) -> Any:
        """The values without dictionaries, runs and extension types."""
        arrow = self._arrow
        while True:
            if isinstance(values.type, arrow.BaseExtensionType):
                name = values.type.extension_name
                if name.startswith("pandas."):
                    raise ValueError(f"{name} means something in pandas only; give it by .astype(str)")
                self._uuid = self._uuid or name == "arrow.uuid"
                values = values.storage
            elif arrow.types.is_dictionary(values.type):
                values = self._cast_views(values.dictionary).take(values.indices)
            elif arrow.types.is_run_end_encoded(values.type):
                values = self._compute.run_end_decode(values)
            else:
                return values

    def _cast_views(self, values: Any) -> Any:
        """The values in a form that more functions of pyarrow take."""
        arrow = self._arrow
        views = {arrow.string_view(): arrow.large_string(), arrow.binary_view(): arrow.large_binary()}
        return values.cast(views.get(values.type, values.type))

    def _texts(self, values: Any) -> Any:
        arrow, kind, types = self._arrow, values.type, self._arrow.types
        if is_any(kind, types, *BYTES):
            return self._python(values, lambda value: str(UUID(bytes=value))) if self._uuid else values
        if types.is_nested(kind):
            return self._write_nested(values)
        if is_any(kind, types, "is_duration", "is_interval"):
            return self._times(values)
        if types.is_boolean(kind):
            values = values.cast(arrow.int8())
        elif types.is_timestamp(kind):
            values = values.cast(arrow.timestamp("us", kind.tz), safe=False).cast(arrow.timestamp("us"))  # in UTC
        elif types.is_time64(kind):
            values = values.cast(arrow.time64("us"), safe=False)
        elif types.is_date64(kind):
            values = values.cast(arrow.date32())
        elif types.is_floating(kind):
            return self._floats(values)
        texts = values.cast(arrow.large_string())
        return self._expand_exponents(texts) if types.is_decimal(kind) else texts

    def _python(self, values: Any, write: Callable[[Any], str]) -> Any:
        items = [None if value is None else write(value) for value in values.to_pylist()]
        return self._arrow.array(items, self._arrow.large_string())

    def _floats(self, values: Any) -> Any:
        arrow = self._arrow
        if arrow.types.is_float16(values.type):
            values = values.cast(arrow.float32())
        texts = values.cast(arrow.large_string())
        return self._compute.if_else(self._compute.is_nan(values), arrow.scalar("NaN", arrow.large_string()), texts)

    def _expand_exponents(self, texts: Any) -> Any:
        if not self._compute.any(self._compute.match_substring(texts, "E")).as_py():
            return texts
        return self._python(texts, lambda text: format(Decimal(text), "f"))

    def _times(self, values: Any) -> Any:
        arrow = self._arrow
        if arrow.types.is_interval(values.type):
            return self._python(values, time_of_interval)
        return self._python(values.cast(arrow.duration("us"), safe=False).cast(arrow.int64()), time_of)

    def _write_nested(self, values: Any) -> Any:
        arrow, compute, types = self._arrow, self._compute, self._arrow.types
        if is_any(values.type, types, *LISTS) and types.is_float16(values.type.value_type):
            values = values.cast(arrow.list_(arrow.float32()))
        if not self._is_vectors(values):
            return self._python(values, json_writer(values.type, types))
        joined = compute.binary_join(values.cast(arrow.list_(arrow.string())), ",")
        begin, end, nothing = (arrow.scalar(text) for text in ("[", "]", ""))
        return compute.binary_join_element_wise(begin, joined, end, nothing)

    def _is_vectors(self, values: Any) -> bool:
        """Whether values are lists of numbers, all there, which need not go through Python."""
        types = self._arrow.types
        if not is_any(values.type, types, *LISTS) or not is_any(
            values.type.value_type, types, "is_integer", "is_floating"
        ):
            return False
        items = values.flatten()
        return not items.null_count and not self._compute.any(self._compute.is_nan(items)).as_py()
