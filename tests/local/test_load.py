"""LOAD DATA on the local server: values judged strictly, with a MatrixOne server's recorded words (conformance/errors)."""

import datetime
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixone_local.csvfile import CsvForm

TABLE = (
    "CREATE TABLE dd (a INT PRIMARY KEY, b VARCHAR(3), c DATE, d DECIMAL(5,2), e JSON, f BOOL, g DATETIME, h TINYINT UNSIGNED,"
    " i DOUBLE, j TIME, k BLOB, l BIGINT, m TEXT)"
)
GOOD = [
    "1",
    "abc",
    "2020-12-01",
    "1.567",
    "{}",
    "true",
    "2020-01-01 00:00:00",
    "255",
    "1.5",
    "10:11:12",
    "xyz",
    "-5",
    "text",
]


def load(row, table="dd"):
    return f"LOAD DATA INLINE FORMAT='csv', DATA='{row}\\n' INTO TABLE {table} FIELDS TERMINATED BY ','"


@pytest.fixture
def dd(sql):
    sql(TABLE)
    return sql


def test_values_of_all_types(dd):
    assert dd(load(",".join(GOOD))) == 1
    [row] = dd("SELECT * FROM dd")
    assert row[:4] == (1, "abc", datetime.date(2020, 12, 1), Decimal("1.57"))
    assert row[5:9] == (1, datetime.datetime(2020, 1, 1), 255, 1.5)
    assert row[9:] == (datetime.timedelta(hours=10, minutes=11, seconds=12), b"xyz", -5, "text")


@pytest.mark.parametrize(
    ("column", "value", "code", "words"),
    [
        (0, "99999999999", 20101, "internal error: the input value '99999999999' is not int32 type for column 0"),
        (0, "x", 20101, "internal error: the input value 'x' is not int32 type for column 0"),
        (0, "", 3819, "constraint violation: Column 'a' cannot be null"),
        (1, "abcdef", 20101, "internal error: Data too long for column 'b' at row 1"),
        (2, "2020-13-01", 20101, "internal error: the input value '2020-13-01' is not Date type for column 2"),
        (3, "1234.567", 20101, "internal error: the input value '1234.567' is invalid Decimal64 type for column 3"),
        (3, "x", 20101, "internal error: the input value 'x' is invalid Decimal64 type for column 3"),
        (4, "{bad", 20101, "internal error: the input value '{bad' is not json type for column 4"),
        (5, "yes", 20301, "invalid input: 'yes' is not a valid bool expression"),
        (6, "soon", 20101, "internal error: the input value 'soon' is not DateTime type for column 6"),
        (7, "256", 20101, "internal error: the input value '256' is not uint8 type for column 7"),
        (7, "-1", 20101, "internal error: the input value '-1' is not uint8 type for column 7"),
        (8, "x", 20101, "internal error: the input value 'x' is not float64 type for column 8"),
        (9, "x", 20101, "internal error: the input value 'x' is not Time type for column 9"),
    ],
)
def test_values_that_do_not_fit(dd, column, value, code, words):
    row = [*GOOD[:column], value, *GOOD[column + 1 :]]
    assert dd.refused(load(",".join(row))) == (code, words)
    assert dd("SELECT count(*) FROM dd") == [(0,)]


def test_a_fraction_is_cut_off_in_an_integer_column(dd):
    dd("CREATE TABLE t (a INT)")
    dd(load("1.7", "t"))
    assert dd("SELECT a FROM t") == [(1,)]


def test_null_in_its_forms(dd):
    dd("CREATE TABLE t (a INT, b VARCHAR(10))")
    for row in (r"\\N,\\N", ",", 'NULL,""'):
        dd(f"LOAD DATA INLINE FORMAT='csv', DATA='{row}\\n' INTO TABLE t FIELDS TERMINATED BY ',' ENCLOSED BY '\"'")
    assert dd("SELECT a, b FROM t") == [(None, None), (None, ""), (None, "")]


FIELD = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\r\0\x1a"), max_size=12)


def written(records):
    def field(text):
        if text is None:
            return "\\N"
        return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'

    return "".join(",".join(map(field, record)) + "\n" for record in records)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(FIELD, min_size=2, max_size=4), max_size=6), st.integers(1, 7))
def test_what_was_written_is_read_however_it_comes_in(records, size):
    data = written(records).encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    read = [[text for text, _ in record] for record in CsvForm().records(pieces)]
    assert read == records


def test_bytes_that_are_no_utf8_are_kept():
    data = b"a\xff\xc3,\xe9\n"
    random.seed(1)
    for _ in range(20):
        cut = random.randrange(len(data) + 1)
        [[(first, _), (second, _)]] = CsvForm().records([data[:cut], data[cut:]])
        assert (first + second).encode("utf-8", "surrogateescape") == b"a\xff\xc3\xe9"


def test_a_last_line_without_an_end_counts():
    assert [[text for text, _ in record] for record in CsvForm().records([b"1,a\n2,b"])] == [["1", "a"], ["2", "b"]]
    assert [[text for text, _ in record] for record in CsvForm().records([b"1,a\n\n\n2,"])] == [["1", "a"], ["2", ""]]
    assert [[text for text, _ in record] for record in CsvForm().records([b'1,"a"'])] == [["1", "a"]]
