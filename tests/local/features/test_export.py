"""SELECT … INTO OUTFILE on the local server, beside the recorded cases."""

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from pymysql.err import OperationalError

ROWS = [
    (
        1,
        "a,b",
        Decimal("1.50"),
        0.25,
        datetime.date(2024, 1, 2),
        datetime.datetime(2024, 1, 2, 3, 4, 5),
        b"\x00\xff",
        '{"x": [1]}',
    ),
    (2, None, None, None, None, None, None, None),
    (3, 'say "hi" <&> it\'s\nüñ', Decimal("-0.01"), 1e300, datetime.date(1999, 12, 31), None, b"", "[]"),
]


@pytest.fixture
def typed(sql):
    sql(
        "CREATE TABLE typed (a INT PRIMARY KEY, b VARCHAR(100), c DECIMAL(10,2), d DOUBLE, e DATE, f DATETIME, g BLOB, h JSON)"
    )
    for row in ROWS:
        sql("INSERT INTO typed VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", *row)
    return sql


def test_parquet_comes_back_the_same(typed, files):
    path = f"{files.folder}typed.parquet"
    typed(f"SELECT * FROM typed ORDER BY a INTO OUTFILE '{path}' FORMAT 'parquet'")
    found = pyarrow.parquet.read_table(path).to_pylist()
    assert [[row[name] for name in "abdgh"] for row in found] == [[row[at] for at in (0, 1, 3, 6, 7)] for row in ROWS]
    assert [found[0][name] for name in "cef"] == ["1.50", "2024-01-02", "2024-01-02 03:04:05"]  # server-facts 70
    typed("CREATE TABLE again LIKE typed")
    assert typed(f"LOAD DATA INFILE {{'filepath'='{path}','format'='parquet'}} INTO TABLE again") == 3
    assert typed("SELECT * FROM again ORDER BY a") == ROWS


def test_csv_comes_back_the_same(typed, files):
    path = f"{files.folder}typed.csv"
    typed(f"SELECT * FROM typed ORDER BY a INTO OUTFILE '{path}'")
    typed("CREATE TABLE again LIKE typed")
    assert typed(f"LOAD DATA INFILE '{path}' INTO TABLE again IGNORE 1 LINES") == 3
    assert typed("SELECT * FROM again ORDER BY a") == ROWS


def test_backslashes_are_doubled_and_come_back(sql, files):
    path = Path(files.folder, "back.csv")
    sql("CREATE TABLE t (a VARCHAR(20), b JSON)")
    sql("INSERT INTO t VALUES (%s, %s)", 'C:\\new "x"\n', '{"a": "\\\\"}')
    sql(f"SELECT * FROM t INTO OUTFILE '{path}' HEADER 'FALSE'")
    assert path.read_text() == '"C:\\\\new ""x""\n","{""a"": ""\\\\\\\\""}"\n'
    sql("CREATE TABLE again LIKE t")
    assert sql(f"LOAD DATA INFILE '{path}' INTO TABLE again") == 1
    assert sql("SELECT * FROM again") == sql("SELECT * FROM t")


def test_a_text_that_is_no_number_is_refused(sql, files):
    """The engine casts it to 0, with a warning."""
    sql("CREATE TABLE t (a VARCHAR(20))")
    sql("INSERT INTO t VALUES ('1'), ('x')")
    path = Path(files.folder, "cast.csv")
    with pytest.raises(OperationalError, match="cast to int, bad value x"):
        sql(f"SELECT CAST(a AS INT) AS a FROM t INTO OUTFILE '{path}'")
    assert not path.exists()


def test_json_lines(typed, files):
    path = Path(files.folder, "typed.jsonl")
    typed(f"SELECT a, b, c, d, h FROM typed ORDER BY a INTO OUTFILE '{path}' FORMAT 'jsonline'")
    lines = path.read_text().splitlines()
    assert [json.loads(line)["b"] for line in lines] == [row[1] for row in ROWS]
    assert lines[0] == '{"a":1,"b":"a,b","c":"1.50","d":0.25,"h":{"x":[1]}}'
    typed(f"SELECT a, e, f, g FROM typed ORDER BY a INTO OUTFILE '{path}2' FORMAT 'jsonline'")
    first = Path(f"{path}2").read_text().splitlines()[0]
    assert first == '{"a":1,"e":"2024-01-02","f":"2024-01-02 03:04:05","g":"AP8="}'
    assert "\\u003c\\u0026\\u003e" in lines[2]


def test_titles_quotes_and_line_ends(typed, files):
    path = Path(files.folder, "some.csv")
    options = "FIELDS TERMINATED BY ';' ENCLOSED BY '|' LINES TERMINATED BY '\\r\\n' FORCE_QUOTE (a)"
    typed(f"SELECT a, upper(b) AS B, c+1 FROM typed WHERE a < 3 ORDER BY a INTO OUTFILE '{path}' {options}")
    assert path.read_bytes() == b"a;B;c + 1\r\n|1|;|A,B|;2.50\r\n|2|;\\N;\\N\r\n"


@pytest.mark.parametrize(
    ("name", "option", "parts"),
    [
        ("part_%03d.csv", "SPLITSIZE '800K'", ["part_000.csv", "part_001.csv", "part_002.csv"]),
        ("part.csv", "MAX_FILE_SIZE 800", ["part.csv", "part.csv.1", "part.csv.2"]),
        ("part.csv", "SPLITSIZE '1K'", ["part.csv", "part.csv.1", "part.csv.2", "part.csv.3"]),
    ],
)
def test_large_exports_are_split_between_batches(sql, files, name, option, parts):
    """A file ends only between batches of 8,192 rows; the first one has the titles alone where a batch is too large."""
    sql("CREATE TABLE t (a INT, b CHAR(90))")
    sql("INSERT INTO t VALUES " + ",".join(f"({number}, '{'x' * 90}')" for number in range(20_000)))
    sql(f"SELECT * FROM t ORDER BY a INTO OUTFILE '{files.folder}{name}' {option}")
    found = sorted(path.name for path in Path(files.folder).iterdir())
    assert found == parts
    texts = [Path(files.folder, part).read_text().splitlines() for part in parts]
    assert all(text[0] == "a,b" for text in texts)
    assert [line.partition(",")[0] for text in texts for line in text[1:]] == [str(number) for number in range(20_000)]
    assert [len(text) - 1 for text in texts if len(text) > 1] == [8_192, 8_192, 3_616]


def test_parquet_is_never_split_and_may_be_missing(sql, files):
    sql("CREATE TABLE t (a INT, b CHAR(90))")
    sql("INSERT INTO t VALUES " + ",".join(f"({number}, '{number * 7919}')" for number in range(20_000)))
    sql(f"SELECT * FROM t ORDER BY a INTO OUTFILE '{files.folder}t.parquet' SPLITSIZE '1K'")
    assert [path.name for path in Path(files.folder).iterdir()] == ["t.parquet"]
    assert pyarrow.parquet.read_table(f"{files.folder}t.parquet")["a"].to_pylist() == list(range(20_000))
    sql(f"SELECT * FROM t WHERE a < 0 INTO OUTFILE '{files.folder}none.parquet'")
    assert not Path(files.folder, "none.parquet").exists()


@pytest.mark.parametrize(
    "options",
    ["HEADER 'FALSE' FORMAT 'csv'", "MAX_FILE_SIZE 8 SPLITSIZE '1K'", "FIELDS", "FIELDS ENCLOSED BY '|' TERMINATED BY ';'",
     "FORCE_QUOTE (a) HEADER 'TRUE'", "FIELDS OPTIONALLY ENCLOSED BY '|'"],
)  # fmt: skip
def test_options_have_one_order(sql, files, options):
    assert "syntax" in sql.refused(f"SELECT 1 AS a INTO OUTFILE '{files.folder}a.csv' {options}")[1]


def test_the_suffix_says_the_format(sql, files, connect):
    sql(f"SELECT 1 AS a INTO OUTFILE '{files.folder}a.ndjson'")
    assert Path(files.folder, "a.ndjson").read_text() == '{"a":1}\n'
    refusal = sql.refused(f"SELECT 1 INTO OUTFILE '{files.folder}a.parquet' FORMAT 'csv'")
    assert "format 'csv' does not match file suffix '.parquet'" in refusal[1]
    refusal = connect().refused(f"SELECT CAST(2024 AS YEAR) AS y INTO OUTFILE '{files.folder}y.jsonl'")
    assert "unsupported type" in refusal[1]


def test_bits_are_bytes_in_csv_and_numbers_elsewhere(sql, files):
    sql("CREATE TABLE t (b BIT(16))")
    sql("INSERT INTO t VALUES (b'0100000101000010')")
    for suffix in ("csv", "jsonl", "parquet"):
        sql(f"SELECT b FROM t INTO OUTFILE '{files.folder}b.{suffix}'")
    assert Path(files.folder, "b.csv").read_text() == "b\nAB\n"
    assert Path(files.folder, "b.jsonl").read_text() == '{"b":16706}\n'
    assert pyarrow.parquet.read_table(f"{files.folder}b.parquet")["b"].to_pylist() == [16706]


def test_an_export_sees_its_transaction_and_outlives_it(typed, files):
    path = Path(files.folder, "seen.csv")
    typed("BEGIN")
    typed("UPDATE typed SET b = 'new'")
    typed(f"SELECT DISTINCT b FROM typed INTO OUTFILE '{path}'")
    typed("ROLLBACK")
    assert path.read_text() == 'b\n"new"\n'


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("SELECT 1 INTO OUTFILE '{folder}once.csv'", "file once.csv already exists"),
        ("SELECT 1 INTO OUTFILE '/etc/none_such.csv'", "--allow-path"),
        ("SELECT nope FROM typed INTO OUTFILE '{folder}x.csv'", "Unknown column"),
    ],
)
def test_what_goes_wrong(typed, files, connect, unique, statement, refusal):
    """Whatever is written over the connection afterwards would go to a wrong path (server-facts 33, 70)."""
    stage = unique()
    typed(f"CREATE STAGE {stage} URL='file://{files.folder}'")
    assert "syntax" in typed.refused(f"SELECT 1 INTO OUTFILE '{files.folder}x.csv' FIELDS ESCAPED BY '#'")[1]
    typed(f"SELECT 1 INTO OUTFILE '{files.folder}once.csv'")
    assert refusal in typed.refused(statement.format(folder=files.folder))[1]
    save = f"SELECT save_file(CAST('stage://{stage}/y.txt' AS DATALINK), 'y')"
    for again in (f"SELECT 1 INTO OUTFILE '{files.folder}x.csv'", save):
        assert "wrong path" in typed.refused(again)[1]
    assert not Path(files.folder, "x.csv").exists()
    assert typed("SELECT 1") == [(1,)]
    assert connect()(save) == [(1,)]


def test_an_export_to_s3(typed, unique, bucket, s3, moto_url):
    stage = unique()
    keys = f"{{'AWS_KEY_ID'='k','AWS_SECRET_KEY'='s','AWS_REGION'='r','PROVIDER'='minio','ENDPOINT'='{moto_url}'}}"
    typed(f"CREATE STAGE {stage} URL='s3://{bucket}/out/' CREDENTIALS={keys}")
    typed(f"SELECT a FROM typed ORDER BY a INTO OUTFILE 'stage://{stage}/a.csv'")
    assert s3.get_object(Bucket=bucket, Key="out/a.csv")["Body"].read() == b"a\n1\n2\n3\n"
