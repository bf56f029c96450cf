"""LOAD DATA on the local server: values judged strictly, with a MatrixOne server's recorded words (conformance/errors)."""

import bz2
import datetime
import gzip
import json
import random
import zlib
from decimal import Decimal, InvalidOperation

import pyarrow
import pyarrow.parquet
import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql.constants import CLIENT

from matrixone_local.errors import SqlError
from matrixone_local.formats.columns import Column
from matrixone_local.formats.csv import CsvLines, _PlainLines
from matrixone_local.sql.tokens import Kind, tokenize

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
    read = [[text for text, _ in record] for record in CsvLines().records(pieces)]
    assert read == records


def test_bytes_that_are_no_utf8_are_stored():
    data = b"a\xff\xc3,\xe9\n"
    random.seed(1)
    for _ in range(20):
        cut = random.randrange(len(data) + 1)
        [[(first, _), (second, _)]] = CsvLines().records([data[:cut], data[cut:]])
        assert (first + second).encode("utf-8", "surrogateescape") == b"a\xff\xc3\xe9"


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"a\n  \nb\n", ["a", "b"]),
        (b"  \n\t\na", ["a"]),
        (b"\n", []),
        (b"a\n\n\n", ["a"]),
        (b"a\n  ", ["a", "  "]),
        (b"a\n \n  ", ["a", "  "]),
        (b"a\n  \n", ["a", ""]),
        (b"a\n \n\n  \r\n\n", ["a", ""]),
        (b"  \n", [""]),
        (b'a\n""\n', ["a", ""]),
    ],
)
def test_lines_of_white_space(data, texts):
    """Server-facts 78: those at the file's end are one record."""
    for cut in range(len(data) + 1):
        assert [text for [(text, _)] in CsvLines().records([data[:cut], data[cut:]])] == texts


def test_a_last_line_without_an_end_counts():
    assert [[text for text, _ in record] for record in CsvLines().records([b"1,a\n2,b"])] == [["1", "a"], ["2", "b"]]
    assert [[text for text, _ in record] for record in CsvLines().records([b"1,a\n\n\n2,"])] == [["1", "a"], ["2", ""]]
    assert [[text for text, _ in record] for record in CsvLines().records([b'1,"a"'])] == [["1", "a"]]


def test_lines_with_other_ends(keyed, files):
    files.put("odd.txt", "1,'a\n'|-|2,b-|c|-|3,'d|-|'")
    clauses = "FIELDS TERMINATED BY ',' ENCLOSED BY '\\'' LINES TERMINATED BY '|-|'"
    assert keyed(f"LOAD DATA INFILE '{files.folder}/odd.txt' INTO TABLE t {clauses}") == 3
    assert keyed("SELECT * FROM t ORDER BY id") == [(1, "a\n"), (2, "b-|c"), (3, "d|-|")]


COLUMNS = {
    "int": Column("a", "int(11)"),
    "bigint": Column("a", "bigint(20) unsigned"),
    "varchar": Column("b", "varchar(5)"),
    "text": Column("c", "text"),
    "decimal": Column("d", "decimal(5,2)"),
    "double": Column("e", "double"),
    "date": Column("f", "date"),
}
CELL = (
    st.integers(-(10**12), 10**12).map(str)
    | st.decimals(-1000, 1000, places=2).map(str)
    | st.text(st.sampled_from("ab'\"\\ü,;\n-1. N"), max_size=6)
    | st.sampled_from(["\\N", "NULL", "", '""', '"x"', '"a,b"', '"q""q"', "2024-01-02", "it's", "007", "+5"])
)


def literals(batches):
    """Rows of SQL literals as values, however they are written."""
    values, count = [], 0
    for text, size in batches:
        count += size
        sign = ""
        for token in tokenize(text):
            if token.kind is not Kind.SYMBOL:
                values.append(None if token.text == "NULL" else sign + token.value)
            sign = token.text if token.text in {"-", "+"} else ""
    return values, count


def numeric(text):
    """A number whatever its spelling; any other text as it is."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text  # NaN is not even itself


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3),
    st.lists(st.lists(CELL, min_size=1, max_size=3), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 50),
)
def test_plain_lines_are_read_as_all_others(kinds, records, line_end, size):
    """Lines that are recognised many at a time give what reading them field by field gives."""
    columns = [COLUMNS[kind] for kind in kinds]
    data = "".join(",".join(record[: len(columns)]) + line_end for record in records).encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]

    def outcome(lines):
        try:
            found, count = literals(lines.batches(iter(pieces), columns))
        except SqlError as refused:
            return refused.code, refused.message
        return [value and numeric(value) for value in found], count

    slowly = CsvLines(starting="")
    object.__setattr__(slowly, "_plain_lines", lambda _columns: _PlainLines(None, on=False))
    assert outcome(CsvLines()) == outcome(slowly)


@pytest.fixture
def local(connect, matrixone_database_local):
    return connect(database=matrixone_database_local, local_infile=True, client_flag=CLIENT.MULTI_STATEMENTS)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("rows.csv", bytes),
        ("rows.csv.gz", gzip.compress),
        ("rows.csv.bz2", bz2.compress),
        ("rows.csv.lz4", lambda data: pyarrow.compress(data, "lz4", asbytes=True)),
    ],
)
def test_a_file_of_the_client(keyed, local, tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack("".join(f"{number},n{number}\n" for number in range(20_000)).encode()))
    assert local(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE t FIELDS TERMINATED BY ','") == 20_000
    assert local(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE t FIELDS TERMINATED BY ','") == 20_000
    assert keyed("SELECT count(*), count(DISTINCT id) FROM t") == [(40_000, 20_000)]


@pytest.mark.parametrize(
    ("compression", "pack"),
    [
        ("zlib", zlib.compress),
        ("flate", lambda data: zlib.compress(data, wbits=-15)),
        ("lz4", lambda data: pyarrow.compress(data, "lz4", asbytes=True)),
        ("GZIP", gzip.compress),
    ],
)
def test_compressions(keyed, files, compression, pack):
    """Server-facts 73; a file that ends early is refused whole, but for lz4 (server-facts 100)."""
    packed = pack("".join(f"{number},n{number}\n" for number in range(20_000)).encode())
    files.put("packed", packed)
    files.put("cut", packed[:-9])
    load = (
        f"LOAD DATA INFILE {{'filepath'='{files.folder}%s','compression'='{compression}','format'='csv'}} INTO TABLE t"
    )
    assert keyed(load % "packed") == 20_000
    keyed("DELETE FROM t")
    if compression == "lz4":
        assert keyed(f"SELECT {keyed(load % 'cut')} = count(*) FROM t") == [(1,)]
    else:
        assert keyed.refused(load % "cut")[0] == 1105
        assert keyed("SELECT count(*) FROM t") == [(0,)]


def test_what_there_is_of_a_bz2_file_is_loaded_without_an_error(keyed, files):
    """As of an empty file of any kind; seen on v4.2.0."""
    files.put("cut.csv.bz2", bz2.compress(b"1,a\n2,b\n")[:-12])
    files.put("empty.csv.gz", b"")
    for name in ("cut.csv.bz2", "empty.csv.gz"):
        assert keyed(f"LOAD DATA INFILE '{files.folder}{name}' INTO TABLE t") == 0


def test_a_refused_file_of_the_client_leaves_the_connection_usable(keyed, local, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("1,a\nx,b\n" * 1000)
    assert local.refused(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE t FIELDS TERMINATED BY ','")[0] == 20101
    assert local.refused(f"LOAD DATA LOCAL INFILE '{tmp_path}/none' INTO TABLE t")[0] in {1017, 2}
    assert local("SELECT count(*) FROM t") == [(0,)]


def test_no_file_is_asked_for_that_was_not_named(local, monkeypatch):
    """Also not by a text that looks like a statement, nor by the engine."""
    asked = []
    monkeypatch.setattr(
        pymysql.connections.MySQLResult, "_read_load_local_packet", lambda self, packet: asked.append(packet)
    )
    local("CREATE TABLE a (a VARCHAR(100))")
    local("INSERT INTO a VALUES ('LOAD DATA LOCAL INFILE ''/etc/hostname'' INTO TABLE a')")
    local("SELECT 1 /* LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE a */")
    assert local.refused("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE none_such")[0] == 1146
    local("PREPARE s FROM 'SELECT 1'")
    assert asked == []


def test_a_file_of_the_client_among_other_statements(keyed, local, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("1,a\n2,b\n")
    with local.raw.cursor() as cursor:
        cursor.execute(
            f"SELECT 'é'; LOAD DATA LOCAL INFILE '{path}' INTO TABLE t FIELDS TERMINATED BY ','; SHOW STAGES LIKE 'no';"
            "SELECT count(*) FROM t"
        )
        results = [cursor.fetchall()]
        while cursor.nextset():
            results.append(cursor.fetchall() if cursor.description else cursor.rowcount)
    assert results == [(("é",),), 2, (), ((2,),)]


def test_json_lines(sql):
    sql("CREATE TABLE t (a INT, b VARCHAR(20), c DECIMAL(30,10), d JSON, e BOOL)")
    lines = '{"e": true, "a": 1, "c": 12345678901234567890.0123456789, "b": "ü", "d": {"x": [1, 2.5]}, "z": 0}\\n\\n'
    lines += '{"a": null, "b": "", "c": 1, "d": [], "e": false}\\n'
    assert sql(f"LOAD DATA INLINE FORMAT='jsonline', DATA='{lines}', JSONTYPE='object' INTO TABLE t") == 2
    first, second = sql("SELECT * FROM t ORDER BY a DESC")
    assert first == (1, "ü", Decimal("12345678901234567890.0123456789"), '{"x": [1, 2.5]}', 1)
    assert second == (None, "", Decimal(1), "[]", 0)
    refused = sql.refused("LOAD DATA INLINE FORMAT='jsonline', DATA='[1]', JSONTYPE='array' INTO TABLE t")
    assert refused == (20101, "internal error: the table column is larger than input data column")
    refused = sql.refused("LOAD DATA INLINE FORMAT='jsonline', DATA='{\"A\": 1}', JSONTYPE='object' INTO TABLE t (a)")
    assert refused[0] == 20101  # server-facts 68
    refused = sql.refused(
        "LOAD DATA INLINE FORMAT='jsonline', DATA='{\"a\": \"x\"}', JSONTYPE='object' INTO TABLE t (a)"
    )
    assert refused[0] == 20101


def test_parquet_of_many_types(sql, files):
    table = pyarrow.table(
        {
            "Extra": pyarrow.array(range(3)),
            "id": pyarrow.array([1, 2, 3], pyarrow.int64()),
            "text": pyarrow.array(['it\'s \\ "ü"\0', None, ""]),
            "number": pyarrow.array([1.5, None, -2.0]),
            "exact": pyarrow.array([Decimal("1.25"), None, Decimal("-3.00")]),
            "day": pyarrow.array([datetime.date(2024, 1, 2), None, datetime.date(1999, 12, 31)]),
            "moment": pyarrow.array([datetime.datetime(2024, 1, 2, 3, 4, 5), None, None]),
            "flag": pyarrow.array([True, None, False]),
            "bytes": pyarrow.array([b"\x00\xff", None, b""]),
            "nested": pyarrow.array([[1, 2], None, []]),
        }
    )
    pyarrow.parquet.write_table(table, f"{files.folder}many.parquet")
    sql(
        "CREATE TABLE t (id INT PRIMARY KEY, text VARCHAR(20), number DOUBLE, exact DECIMAL(10,2), day DATE,"
        " moment DATETIME, flag BOOL, bytes BLOB, nested JSON)"
    )
    statement = f"LOAD DATA INFILE {{'filepath'='{files.folder}many.parquet','format'='parquet'}} INTO TABLE t"
    assert sql(statement) == 3
    found = sql("SELECT * FROM t ORDER BY id")
    wanted = [tuple(row.values())[1:] for row in table.to_pylist()]
    assert found == [(*row[:-1], None if row[-1] is None else json.dumps(row[-1])) for row in wanted]
    assert sql(statement) == 3
    sql("CREATE TABLE small (id TINYINT NOT NULL, text VARCHAR(2))")
    refused = sql.refused(statement.replace("TABLE t", "TABLE small"))
    assert refused == (20101, "internal error: Data too long for column 'text' at row 1")
    sql("CREATE TABLE strict (id INT, text VARCHAR(50) NOT NULL)")
    assert sql.refused(statement.replace("TABLE t", "TABLE strict"))[0] == 3819
    pyarrow.parquet.write_table(pyarrow.table({"id": [300], "text": ["x"]}), f"{files.folder}large.parquet")
    refused = sql.refused(statement.replace("TABLE t", "TABLE small").replace("many", "large"))
    assert refused == (20101, "internal error: the input value '300' is not int8 type for column 0")


@pytest.mark.parametrize("expression", ["'y'", "5", "UPPER(CONCAT(b, 'x'))", "NULL", "a + 1"])
def test_what_set_says_but_for_nullif_is_passed_over(sql, expression):
    """As a MatrixOne server does (server-facts 68)."""
    sql("CREATE TABLE t (a INT, b VARCHAR(9), c INT)")
    load = "LOAD DATA INLINE FORMAT='csv', DATA='1,x,q\n' INTO TABLE t FIELDS TERMINATED BY ','"
    assert sql(f"{load} SET b = {expression}, c = NULLIF(c, 'q')") == 1
    assert sql("SELECT * FROM t") == [(1, "x", None)]
    assert sql.refused(f"{load} SET b = ")[0] == 1064
