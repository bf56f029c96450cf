"""The promise of loads: what a load stores is what INSERT of the same texts stores, or the load refuses and says so."""

import io
import json
import re

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
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
IS_TEXT = ("VARCHAR", "TEXT", "VARBINARY")
SILENT = "store|number this row|four digits|not UTF-8"  # what is refused though INSERT takes it


def is_null(kind, value):
    """Fields that mean NULL in CSV: as documented."""
    return value is None or value == "\\N" or (value == "" and not kind.startswith(IS_TEXT))


def pads(client):
    """Whether the server takes blanks for an empty text, as the local one's engine does."""
    return client.execute("SELECT NULLIF(' ', '') IS NULL").scalar()


def csv_of(rows):
    out = io.StringIO()
    for number, value in rows:
        field = "\\N" if value is None else '"' + value.replace('"', '""') + '"'
        out.write(f"{number},{field}\n")
    return out.getvalue().encode()


def stored(client):
    return [tuple(row) for row in client.execute("SELECT id, v FROM p ORDER BY id").all()]


def inserted(client, kind, rows):
    """What INSERT stores, or None where it refuses."""
    client.execute("DELETE FROM p")
    try:
        with client.session() as session:
            for number, value in rows:
                bound = None if is_null(kind, value) else value
                session.execute(text("INSERT INTO p (id, v) VALUES (:id, :v)"), {"id": str(number), "v": bound})
        return stored(client)
    except (DBAPIError, errors.MatrixOneError):
        return None
    finally:
        client.execute("DELETE FROM p")


def loaded(client, load):
    """What a load stores, or the error with which it refuses."""
    try:
        load()
        return stored(client)
    except errors.LoadFailed as error:
        assert stored(client) == []
        return error
    finally:
        client.execute("DELETE FROM p")


@pytest.fixture(params=TYPES)
def kind(request, client):
    client.execute(f"CREATE TABLE p (id INT PRIMARY KEY, v {request.param})")
    return request.param


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(texts, min_size=1, max_size=4), conflict=st.sampled_from(["error", "skip", "replace", "update"]))
def test_a_load_stores_what_insert_stores(client, kind, files, unique, values, conflict):
    assume(not (any(value and not value.strip() for value in values) and pads(client)))
    rows = list(enumerate(values, 1))
    expected = inserted(client, kind, rows)
    data = csv_of(rows)
    loads = {"client": lambda: client.load_data.read_csv(data, "p", on_conflict=conflict)}
    files.put("p.csv", data)
    stage = client.stage.create_local(unique(), files.folder, if_not_exists=True).name
    loads["stage"] = lambda: client.load_data.read_csv_stage(stage, "p.csv", "p", on_conflict=conflict)
    if not any(value is not None and is_null(kind, value) for value in values):  # JSON has its own NULL
        lines = "".join(json.dumps({"id": number, "v": value}) + "\n" for number, value in rows)
        loads["json"] = lambda: client.load_data.read_json(lines.encode(), "p", on_conflict=conflict)
    for source, load in loads.items():
        found = loaded(client, load)
        note(f"{source}: {found!r}; INSERT: {expected!r}")
        if isinstance(found, errors.LoadFailed):
            assert expected is None or re.search(SILENT, str(found))
        else:
            assert found == expected
