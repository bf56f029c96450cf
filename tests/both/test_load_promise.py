"""The promise of loads: what a load stores is what INSERT of the same texts stores, or the load refuses and says so."""

import io
import json
import re
from dataclasses import dataclass

import pyarrow
import pytest
from hypothesis import HealthCheck, assume, example, given, note, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from matrixone import errors

TYPES = [
    "TINYINT", "INT UNSIGNED", "BIGINT", "DECIMAL(5,2)", "DECIMAL(38,10)", "FLOAT", "DOUBLE", "BOOL", "DATE",
    "DATETIME(6)", "TIMESTAMP(3)", "TIME", "YEAR", "VARCHAR(5)", "TEXT", "VARBINARY(4)", "JSON", "ENUM('a','b')",
    "VECF32(2)", "UUID",
]  # fmt: skip
TEXTS = [
    "", " ", "0", "1", "-1", "+5", " 4", "127", "128", "255", "256", "4294967295", "4294967296", "9223372036854775807",
    "9223372036854775808", "1.5", "1.005", "999.99", "1000", "1e2", "1e39", "1e400", "0x1F", "NaN", "inf", "12345678901234567890.5",
    "true", "false", "t", "yes", "2024-02-29", "2023-02-29", "24-1-2", "1/2/24", "20240102", "2024-01-02 03:04:05.123456",
    "2024-01-02T03:04:05", "1969-12-31", "10:20:30", "25:00:00", "10:70:00", "1900", "1901", "2155", "2156", "70", "x", "a", "A", "c",
    "abcde", "abcdef", "äöüßé", "日本語", "😀", 'say "hi"', "back\\slash", "C:\\new\\table", "\\", "\\\\N", "line\nbreak", "cr\r\nlf", "tab\t",
    "null", "NULLs", "'; --", ",", "a,b", '"', '""', "[1, 2.5]", "[1,2,3]", "[x]", '{"a": [1, null]}', "{bad", "[]", '"text"',
    "6d2bd0a0-1111-4222-8333-444455556666", "\u0130stanbul", "%s", ":name", "ｆｕｌｌ", "e\u0301",
]  # fmt: skip
texts = st.one_of(st.none(), st.sampled_from(TEXTS), st.integers(-(2**65), 2**65).map(str), st.decimals(allow_nan=False, allow_infinity=False).map(str),
                  st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))  # fmt: skip
CONFLICTS = ("error", "skip", "replace", "update")
IS_TEXT = ("VARCHAR", "TEXT", "VARBINARY")
SILENT = "store|number this row|four digits|not UTF-8"  # what is refused though INSERT takes it


def pads(client):
    """Whether the server takes blanks for an empty text, as the local one's engine does."""
    return client.execute("SELECT NULLIF(' ', '') IS NULL").scalar()


def means_null(source, kind, value):
    """Whether a text means NULL, as documented."""
    return value is None or (value == "\\N" and source == "CSV") or (value == "" and not kind.startswith(IS_TEXT))


def csv_of(rows):
    out = io.StringIO()
    for number, value in rows:
        field = "\\N" if value is None else '"' + value.replace('"', '""') + '"'
        out.write(f"{number},{field}\n")
    return out.getvalue().encode()


def json_of(rows):
    return "".join(json.dumps({"id": number, "v": value}) + "\n" for number, value in rows).encode()


def arrow_of(rows):
    ids, values = zip(*rows, strict=True)
    return pyarrow.table({"id": pyarrow.array(ids, "int32"), "v": pyarrow.array(values, "string")})


def parquet_of(rows):
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(arrow_of(rows), sink)
    return sink.getvalue().to_pybytes()


class Table:
    """A table whose one column has a type, with the rows that are there before each load.

    Args:
        client: the client.
        kind: the type.
        stage: a stage.
        files: its files.
    """

    def __init__(self, client, kind, stage, files):
        self.client, self.kind, self.stage, self.files = client, kind, stage, files
        client.execute(f"CREATE TABLE keyed (id INT PRIMARY KEY, v {kind})")
        client.execute(f"CREATE TABLE keyless (id INT, v {kind})")

    def begin(self, name, taken):
        self.name, self.taken = name, taken
        self.reset()

    def reset(self):
        self.client.execute(f"DELETE FROM {self.name}")
        for number in self.taken:
            self.client.execute(f"INSERT INTO {self.name} (id) VALUES (:id)", {"id": number})

    def rows(self):
        found = self.client.execute(f"SELECT id, v FROM {self.name}").all()
        return sorted((tuple(row) for row in found), key=repr)

    def insert(self, rows, conflict):
        """What INSERT stores, or None where it refuses."""
        chosen = [row for row in rows if conflict != "skip" or row[0] not in self.taken]
        try:
            with self.client.session() as session:
                for number, value in chosen:
                    if conflict in {"replace", "update"}:
                        session.execute(text(f"DELETE FROM {self.name} WHERE id = :id"), {"id": number})
                    session.execute(text(f"INSERT INTO {self.name} VALUES (:id, :v)"), {"id": str(number), "v": value})
            return self.rows()
        except (DBAPIError, errors.MatrixOneError):
            return None
        finally:
            self.reset()

    def try_load(self, load, *, in_session):
        """What a load stores, or the error with which it refuses."""
        before = self.rows()
        try:
            if in_session:
                with self.client.session() as session:
                    load(session.load_data)
            else:
                load(self.client.load_data)
            return self.rows()
        except (errors.LoadFailed, errors.DuplicateKey) as error:
            assert self.rows() == before
            return error
        finally:
            self.reset()

    def loads(self, source, rows, conflict):
        """The loads of rows in one format, of the client's data and of a stage's file."""
        suffix, write, name = FORMATS[source]
        data = write(rows)
        if source != "Arrow":
            self.files.put(f"rows.{suffix}", data)
            yield lambda load: getattr(load, f"{name}_stage")(
                self.stage, f"rows.{suffix}", self.name, on_conflict=conflict
            )
        yield lambda load: getattr(load, name)(data, self.name, on_conflict=conflict)


FORMATS = {
    "CSV": ("csv", csv_of, "read_csv"),
    "JSON lines": ("jsonl", json_of, "read_json"),
    "Arrow": ("", arrow_of, "read_arrow"),
    "Parquet": ("parquet", parquet_of, "read_parquet"),
}


@pytest.fixture(params=TYPES)
def table(request, client, unique, files):
    return Table(client, request.param, client.stage.create_local(unique(), files.folder).name, files)


@dataclass(frozen=True)
class Load:
    """How rows are loaded.

    Args:
        source: the format.
        target: the table, which has a key or not, and what is done with rows whose keys are there.
        taken: the ids that are there.
        in_session: whether a session loads.
    """

    source: str
    target: tuple[str, str]
    taken: set[int]
    in_session: bool


LOADS = st.builds(
    Load,
    source=st.sampled_from(list(FORMATS)),
    target=st.sampled_from([("keyed", conflict) for conflict in CONFLICTS] + [("keyless", "error")]),
    taken=st.sets(st.integers(1, 5), max_size=2),
    in_session=st.booleans(),
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(texts, min_size=1, max_size=4), how=LOADS)
@example(values=[""], how=Load("Parquet", ("keyed", "error"), taken=set(), in_session=False))
def test_a_load_stores_what_insert_stores(client, table, values, how):
    assume(not (any(value and not value.strip() for value in values) and pads(client)))
    rows = list(enumerate(values, 1))
    given_rows = [(number, None if means_null(how.source, table.kind, value) else value) for number, value in rows]
    name, conflict = how.target
    table.begin(name, how.taken)
    expected = table.insert(given_rows, conflict)
    for load in table.loads(how.source, rows, conflict):
        found = table.try_load(load, in_session=how.in_session)
        note(f"{how}: {found!r}; INSERT: {expected!r}")
        if isinstance(found, errors.MatrixOneError):  # a row that is skipped may be refused as well
            refuses = expected is None or table.insert(given_rows, "replace") is None
            assert refuses or re.search(SILENT, str(found))
        else:
            assert found == expected
