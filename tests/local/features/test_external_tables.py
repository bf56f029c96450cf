"""External tables on the local server, beside the recorded cases."""

import gzip
import json

import pytest


@pytest.fixture
def folder(files):
    for number in range(3):
        files.put(f"{number}/part.csv", f"{number},x\n{number + 10},y\n")
    return files.folder


@pytest.fixture
def ext(sql, folder):
    sql(f"CREATE EXTERNAL TABLE ext (a INT, b VARCHAR(10)) INFILE '{folder}*/part.csv' FIELDS TERMINATED BY ','")
    return sql


def test_it_takes_part_in_queries_like_a_table(ext):
    ext("CREATE TABLE t (a INT PRIMARY KEY, c VARCHAR(10))")
    ext("INSERT INTO t VALUES (1, 'one'), (11, 'eleven')")
    joined = "SELECT e.a, t.c, ext2.b FROM ext AS e JOIN t ON e.a = t.a, ext ext2 WHERE ext2.a = e.a ORDER BY e.a"
    assert ext(joined) == [(1, "one", "x"), (11, "eleven", "y")]
    assert ext("SELECT ext.b FROM ext WHERE ext.a = 2") == [("x",)]
    assert ext("SELECT count(*) FROM (SELECT a FROM ext UNION ALL SELECT a FROM t) u") == [(8,)]
    assert ext("WITH w AS (SELECT a FROM ext) SELECT max(a) FROM w") == [(12,)]
    assert ext("SELECT a FROM t WHERE a IN (SELECT a FROM ext WHERE b = 'y')") == [(11,)]
    assert ext("UPDATE t SET c = (SELECT b FROM ext WHERE ext.a = t.a)") == 2
    assert ext("DELETE FROM t WHERE a IN (SELECT a FROM ext)") == 2


def test_tables_are_made_of_it(ext):
    ext("CREATE TABLE made AS SELECT b, count(*) AS n FROM ext GROUP BY b")
    assert ext("SELECT * FROM made ORDER BY b") == [("x", 3), ("y", 3)]
    assert ext.refused("CREATE VIEW seen AS SELECT a FROM ext")[0] == 20101


def test_the_files_are_read_when_it_is(ext, files):
    assert ext("SELECT count(*) FROM ext") == [(6,)]
    files.put("7/part.csv", "7,z\n")
    assert ext("SELECT count(*) FROM ext") == [(7,)]
    files.put("7/part.csv", "seven,z\n")
    assert ext.refused("SELECT count(*) FROM ext")[0] == 20101


def test_the_path_of_a_rows_file(ext, folder):
    found = ext("SELECT a, __mo_filepath FROM ext WHERE a < 3 ORDER BY a")
    assert found == [(number, f"{folder}{number}/part.csv") for number in range(3)]
    assert ext("SELECT count(DISTINCT __mo_filepath) FROM ext") == [(3,)]
    assert [row[0] for row in ext("DESC ext")] == ["a", "b"]


def test_json_lines_and_columns_that_the_table_does_not_have(sql, files):
    rows = [{"a": 1, "b": "it's", "more": [1, 2]}, {"b": None, "a": -5}, {"a": 3, "b": {"x": "ü"}}]
    data = gzip.compress("\n".join(map(json.dumps, rows)).encode())
    files.put("rows.jsonl.gz", data)
    source = f"{{'filepath'='{files.folder}rows.jsonl.gz','format'='jsonline','jsondata'='object'}}"
    sql(f"CREATE EXTERNAL TABLE lines (a BIGINT, b VARCHAR(30)) INFILE {source}")
    assert sql("SELECT * FROM lines ORDER BY a") == [(-5, None), (1, "it's"), (3, "map[x:ü]")]


def test_a_broken_json_line_takes_the_one_before_it_along(sql, files):
    """Server-facts 23."""
    lines = [json.dumps({"a": number}) for number in range(20)]
    lines[10] = "{broken"
    files.put("broken.jsonl", "\n".join(lines))
    source = f"{{'filepath'='{files.folder}broken.jsonl','format'='jsonline','jsondata'='object'}}"
    sql(f"CREATE EXTERNAL TABLE lines (a INT) INFILE {source}")
    assert sql("SELECT count(*) FROM lines") == [(9,)]


def test_raw_lines(sql, files):
    """Server-facts 21."""
    files.put("raw.csv", 'a,"b\nc",d\n\n{"x": 1}\n')
    sql(
        f"CREATE EXTERNAL TABLE raw (line VARCHAR(1000)) INFILE '{files.folder}raw.csv'"
        " FIELDS TERMINATED BY 0x01 ENCLOSED BY 0x02"
    )
    assert sql("SELECT line FROM raw WHERE json_valid(line)") == [('{"x": 1}',)]
    assert {row[0] for row in sql("SELECT line FROM raw")} == {'a,"b', 'c",d', '{"x": 1}'}


def test_it_is_part_of_a_transaction(sql, folder):
    sql("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10))")
    sql("BEGIN")
    sql(f"CREATE EXTERNAL TABLE ext (a INT, b VARCHAR(10)) INFILE '{folder}*/part.csv'")
    assert sql("INSERT INTO t SELECT * FROM ext") == 6
    sql("ROLLBACK")
    assert sql.refused("SELECT * FROM ext")[0] == 1064
    sql("CREATE TABLE ext (a INT)")
    sql("INSERT INTO ext VALUES (1)")
    assert sql("SELECT * FROM ext") == [(1,)]
    assert sql("SELECT * FROM t") == []


def test_after_a_drop_the_name_is_free(ext):
    ext("DROP TABLE EXT")
    ext("CREATE TABLE ext (a INT)")
    assert ext("INSERT INTO ext VALUES (1)") == 1


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO ext VALUES (1, 'x')",
        "UPDATE ext SET a = 1",
        "DELETE FROM ext",
        "REPLACE INTO ext VALUES (1, 'x')",
        "LOAD DATA INLINE FORMAT='csv', DATA='1,x' INTO TABLE ext",
    ],
)
def test_its_rows_are_not_changed(ext, change):
    assert ext.refused(change) == (20301, "invalid input: cannot insert/update/delete from external table")


@pytest.mark.parametrize("change", ["ALTER TABLE ext ADD c INT", "TRUNCATE TABLE ext", "RENAME TABLE ext TO other"])
def test_it_is_not_altered(ext, change):
    assert ext.refused(change)[0] == 20101


def test_a_missing_file_and_a_forbidden_folder(sql, files):
    sql(f"CREATE EXTERNAL TABLE missing_file (a INT) INFILE '{files.folder}none.csv'")
    assert sql("SELECT * FROM missing_file") == []  # as on a server (conformance/prepared)
    sql("CREATE EXTERNAL TABLE secret (a TEXT) INFILE '/etc/hostname'")
    assert "--allow-path" in sql.refused("SELECT * FROM secret")[1]
    sql("CREATE EXTERNAL TABLE secrets (a TEXT) INFILE '/etc/host*'")
    assert "--allow-path" in sql.refused("SELECT * FROM secrets")[1]


@pytest.fixture
def target(ext):
    ext("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10), c INT DEFAULT 7)")
    ext("INSERT INTO t VALUES (2, 'old', 0)")
    return ext


STRAIGHT = "INTO t (b, a) SELECT b, a FROM ext"


def test_an_insert_of_its_columns_checks_keys(target):
    assert target.refused(f"INSERT {STRAIGHT}")[0] == 1062
    assert target("SELECT * FROM t") == [(2, "old", 0)]
    assert target(f"INSERT IGNORE {STRAIGHT}") == 5
    assert target("SELECT * FROM t WHERE a IN (1, 2) ORDER BY a") == [(1, "x", 7), (2, "old", 0)]


def test_an_insert_of_its_columns_is_whole_and_part_of_the_transaction(
    target, files, connect, matrixone_database_local
):
    target("DELETE FROM t")
    target("BEGIN")
    target("INSERT INTO t VALUES (100, 'mine', 1)")
    assert target(f"INSERT {STRAIGHT}") == 6
    assert connect(database=matrixone_database_local)("SELECT count(*) FROM t") == [(0,)]
    files.put("9/part.csv", "".join(f"{number},z\n" for number in range(200, 2000)) + "300,z\n")
    target("DELETE FROM t WHERE a < 100")
    assert target.refused(f"INSERT {STRAIGHT}")[0] == 1062
    files.put("9/part.csv", "".join(f"{number},z\n" for number in range(200, 2000)) + "x,z\n")
    assert "not int32" in target.refused(f"INSERT {STRAIGHT}")[1]
    assert target("SELECT * FROM t") == [(100, "mine", 1)]
    target("COMMIT")
    assert connect(database=matrixone_database_local)("SELECT * FROM t") == [(100, "mine", 1)]


@pytest.mark.parametrize(
    ("columns", "select", "expected"),
    [("a", "a", (1, None)), ("a, b", "a, upper(b)", (1, "X")), ("a, b", "a, a", (1, "1")), ("b, a", "b, a", (1, "x"))],
)  # fmt: skip
def test_inserts_of_other_things_come_to_the_same(ext, columns, select, expected):
    ext("CREATE TABLE u (a BIGINT, b TEXT)")
    assert ext(f"INSERT INTO u ({columns}) SELECT {select} FROM ext") == 6
    assert ext("SELECT * FROM u WHERE a = 1") == [expected]


def test_a_null_that_may_not_be(ext, files):
    files.put("4/part.csv", "4,\\N\n")
    ext("CREATE TABLE n (a INT, b VARCHAR(10) NOT NULL)")
    assert ext.refused("INSERT INTO n (a, b) SELECT a, b FROM ext")[0] == 3819
    assert ext("SELECT count(*) FROM n") == [(0,)]


RAW = [b"a,1", b"b,2.5", b"\xc3\xa9,3\r", b"", b" \t", b"c\\,4", b"d,5,6", b"e,-7"]

WHITE = {b"\n": set(), b"": set(), b"\n  \n\n": {""}, b"\n  ": {"  "}}  # server-facts 78


@pytest.mark.parametrize("ending", WHITE)
@pytest.mark.parametrize("ignored", [0, 2])
@pytest.mark.parametrize("mark", [b"", b"x\x02y\nz\x02,8\n", b"p\x01q\n"])
@pytest.mark.parametrize("escape", [" ESCAPED BY ''", ""])
def test_raw_lines_that_a_pattern_tells(sql, files, ending, ignored, mark, escape):
    """Lines that are not wanted are left out as the file is read, with the same result."""
    lines = [f"{name},{number}".encode() for number in range(500) for name in ("n", "m")]
    files.put("raw.csv", b"\n".join([*RAW, *lines]) + b"\n" + mark + b"end,9.5" + ending)
    sql(
        f"CREATE EXTERNAL TABLE raw (line TEXT) INFILE '{files.folder}raw.csv'"
        f" FIELDS TERMINATED BY 0x01 ENCLOSED BY 0x02{escape} IGNORE {ignored} LINES"
    )
    pattern = r"^[a-z]*,-?[0-9]*\r?$"
    for where in (f"line REGEXP '{pattern}'", f"NOT (line REGEXP '{pattern}')", f"not(LINE regexp '{pattern}')"):
        expected = [line for (line,) in sql(f"SELECT line FROM raw WHERE 1 = 1 AND {where}")]
        assert sorted(line for (line,) in sql(f"SELECT line FROM raw WHERE {where}")) == sorted(expected)
        assert len(sql(f"SELECT line FROM raw WHERE {where} LIMIT 1")) == min(1, len(expected))
    irregular = {line for (line,) in sql(f"SELECT line FROM raw WHERE NOT (line REGEXP '{pattern}')")}
    assert {"d,5,6", "end,9.5"} <= irregular
    assert ("c\\,4" in irregular) == bool(escape)  # server-facts 55
    assert not {"n,3", "e,-7"} & irregular
    assert {line for line in irregular if not line.strip()} == WHITE[ending]
