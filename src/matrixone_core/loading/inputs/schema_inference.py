"""What a file's columns are: their names, and the types that its first rows suggest."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading.formats.compression import SUFFIXES
from matrixone_core.loading.formats.csv import CsvReader, RegularLines, Row
from matrixone_core.loading.formats.json_lines import JsonReader
from matrixone_core.loading.formats.parquet import sql_columns_of_footer
from matrixone_core.loading.inputs.header import check_header, read_head
from matrixone_core.loading.inputs.parquet_footer import footer_of
from matrixone_core.loading.inputs.transforms import RowReader
from matrixone_core.messages import show
from matrixone_core.sql.load import Csv, Format, JsonLines
from matrixone_core.steps import Op

# The values that a type keeps as they are, as expressions that Python and servers share. A double has 15 digits.
_FIFTEEN = "|".join(f"[1-9][0-9]{{{n - 1}}}([.][0-9]{{1,{15 - n}}})?" for n in range(1, 15))
_DOUBLE = f"-?(0([.][0-9]{{1,15}})?|{_FIFTEEN}|[1-9][0-9]{{14}})([eE][-+]?0*([0-9]|[0-9][0-9]|[12][0-9][0-9]))?"
_DAY, _CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
_LOSSLESS = {
    "BIGINT": "-?(0|[1-9][0-9]{0,17})",
    "DECIMAL": "-?(0|[1-9][0-9]{0,27})([.][0-9]{1,10})?",
    "DOUBLE": _DOUBLE,
    "BOOL": "[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]",
    "DATE": _DAY,
    "DATETIME(6)": f"{_DAY}[ T]{_CLOCK}",
    "TIME(6)": _CLOCK,
}
_TESTS = {name: re.compile(pattern) for name, pattern in _LOSSLESS.items()}
_SHORT = 100  # characters, up to which a text is taken for one that has 255 at most
_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonline", ".ndjson": "jsonline", ".json": "jsonline",
    ".parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True)
class FileColumn:
    """A column of a file.

    Args:
        name: its name; in a CSV file without a header, and in JSON arrays, its place.
        type: the SQL type that its values suggest; None where all of them are NULL.
    """

    name: str
    type: str | None


@dataclass(frozen=True)
class Sample:
    """The beginning of a file.

    Args:
        columns: its columns.
        rows: its first rows; none of a Parquet file, of which only the footer is read.
    """

    columns: tuple[FileColumn, ...]
    rows: tuple[Row, ...]


def format_of(file: str) -> str:
    """The format that a file's suffix tells: `csv`, `jsonline` or `parquet`.

    Raises:
        InvalidArgument: it tells none.
    """
    bare = file.lower()
    for suffix in SUFFIXES:
        bare = bare.removesuffix(suffix)
    for suffix, name in _SUFFIXES.items():
        if bare.endswith(suffix):
            return name
    raise InvalidArgument(f"the suffix of {show(file)} tells no format; give format='csv', 'jsonline' or 'parquet'")


def sample_of(url: str, form: Format, *, header: bool, nulls: Sequence[str] = ()) -> Op[Sample]:
    """The columns of a stage's file, and its first rows.

    Args:
        url: its `stage://` URL.
        form: how it is written.
        header: whether the first line that is not ignored has the names.
        nulls: the texts that mean NULL.
    """
    if isinstance(form, Csv | JsonLines):
        data, is_all = yield from read_head(url, form)
        return sample_text(url, form, data, is_all=is_all, header=header, nulls=nulls)
    return Sample((yield from _of_parquet(url)), ())


def sample_text(
    path: str, form: Format, data: bytes, *, is_all: bool, header: bool, nulls: Sequence[str] = ()
) -> Sample:
    """The columns of CSV or JSON lines, and the first rows.

    Args:
        path: what the data is called.
        form: how it is written.
        data: the beginning of it.
        is_all: whether that is all.
        header: whether the first line that is not ignored has the names.
        nulls: the texts that mean NULL.
    """
    if isinstance(form, JsonLines):
        return _of_json(form, data, is_all=is_all)
    return _of_csv(path, form if isinstance(form, Csv) else Csv(), data, is_all=is_all, header=header, nulls=nulls)


def _of_csv(url: str, form: Csv, data: bytes, *, is_all: bool, header: bool, nulls: Sequence[str]) -> Sample:
    rows = [row for row in _read_rows(CsvReader(form), data, is_all=is_all) if isinstance(row, Row)]
    texts = [[field.text for field in row.fields] for row in rows]
    if header:
        names: Sequence[str] = check_header(texts, url)
        rows, texts = rows[1:], texts[1:]
    else:
        names = [f"c{at + 1}" for at in range(max(map(len, texts), default=0))]
    columns = (
        FileColumn(name, suggest_type([row[at] for row in texts if at < len(row) and row[at] not in nulls]))
        for at, name in enumerate(names)
    )
    return Sample(tuple(columns), tuple(rows))


def _of_json(form: JsonLines, data: bytes, *, is_all: bool) -> Sample:
    values: list[Any] = []
    lines = data.split(b"\n")
    for line in lines if is_all else lines[:-1]:
        try:
            values.append(json.loads(line, parse_int=str, parse_float=str))  # as the digits are
        except ValueError:
            continue  # an empty line, or one that the load will name
    found: dict[str, list[Any]] = {}
    for value in values:
        pairs = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [], 1)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportUnknownArgumentType]  # whatever JSON has
        for key, each in pairs:  # pyright: ignore[reportUnknownVariableType]  # whatever JSON has
            found.setdefault(key if isinstance(key, str) else f"c{key}", []).append(each)
    rows = [row for row in _read_rows(JsonReader(form, tuple(found)), data, is_all=is_all) if isinstance(row, Row)]
    return Sample(tuple(FileColumn(name, _of_values(each)) for name, each in found.items()), tuple(rows))


def _read_rows(reader: RowReader, data: bytes, *, is_all: bool) -> Iterator[Row | RegularLines]:
    yield from reader.feed(data)
    if is_all:
        yield from reader.finish()


def _of_values(values: Sequence[Any]) -> str | None:
    if any(isinstance(value, dict | list) for value in values):
        return "JSON"
    texts = [
        None if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in values
    ]
    return suggest_type(texts)


def suggest_type(values: Sequence[str | None]) -> str | None:
    """The SQL type that texts suggest: the narrowest that has them all."""
    texts = [value for value in values if value]
    if not texts:
        return None
    for name, pattern in _TESTS.items():
        if all(pattern.fullmatch(text) for text in texts):
            return _with_digits(texts) if name == "DECIMAL" else name
    return "VARCHAR(255)" if max(map(len, texts)) <= _SHORT else "TEXT"


def lossless_values(sql_type: str) -> str | None:
    """An expression of the values that a suggested type keeps whole; None for one that the server refuses others of."""
    if not sql_type.startswith("DECIMAL"):
        # JSON's true and false become 1 and 0
        return f"{_LOSSLESS['BOOL']}|0|1" if sql_type == "BOOL" else _LOSSLESS.get(sql_type)
    scale = int(sql_type.removeprefix("DECIMAL(38,").removesuffix(")"))
    fraction = f"([.][0-9]{{1,{scale}}})?" if scale else ""
    return f"-?(0|[1-9][0-9]{{0,{37 - scale}}}){fraction}"


def _with_digits(texts: Sequence[str]) -> str:
    scale = max(-int(Decimal(text).as_tuple().exponent) for text in texts)
    return f"DECIMAL(38,{scale})"


def _of_parquet(url: str) -> Op[tuple[FileColumn, ...]]:
    footer = yield from footer_of(url)
    return tuple(FileColumn(name, kind) for name, kind in sql_columns_of_footer(footer))
