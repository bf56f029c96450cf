"""A result that has a FLOAT or a vector comes with all its digits, and otherwise as any other result."""

import random
import struct

import pymysql
import pytest
from pymysql.constants import CLIENT

from matrixone_local import LocalServer
from matrixone_local.protocol.floats import shortest, without_exponent

THIRD = 0.33333334  # of single precision; six digits would be 0.333333
COLUMNS = {
    "ti": "TINYINT", "tu": "TINYINT UNSIGNED", "si": "SMALLINT", "su": "SMALLINT UNSIGNED", "i": "INT",
    "iu": "INT UNSIGNED", "bi": "BIGINT", "bu": "BIGINT UNSIGNED", "b": "BOOL", "de": "DECIMAL(20,6)", "dn": "DECIMAL(5,0)",
    "d": "DATE", "t": "TIME", "t3": "TIME(3)", "dt": "DATETIME", "dt6": "DATETIME(6)", "ts": "TIMESTAMP(3)", "y": "YEAR",
    "vc": "VARCHAR(20)", "ch": "CHAR(5)", "tx": "TEXT", "bl": "BLOB", "vb": "VARBINARY(9)", "j": "JSON",
    "e": "ENUM('a','b')", "bt": "BIT(20)", "v": "VECF32(2)", "u": "UUID",
}  # fmt: skip
ROWS = [
    (
        "-128, 255, -32768, 65535, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615, true,"
        "-12345678901234.5, 99999, '0001-01-01', '-800:10:20', '12:34:56.7', '9999-12-31 23:59:59',"
        "'2024-01-02 03:04:05.000001', '2024-01-02 03:04:05.12', 1999, 'tëxt', 'ab', '', x'00FF', x'', '{\"a\": [1, null]}',"
        "'b', 777, '[1,2.5]', '00000000-0000-0000-0000-000000000001'"
    ),
    (
        "0, 0, 0, 0, 0, 0, 0, 0, false, 0, 0, '2024-02-29', '00:00:00', '-00:00:01.5', '2024-01-02 00:00:00',"
        "'2024-01-02 00:00:00', '2024-01-02 00:00:00', 2155, '', '', REPEAT('x', 300), '', 'q', 'null', 'a', 0, '[0,0]',"
        "'00000000-0000-0000-0000-000000000002'"
    ),
    ", ".join("NULL" for _ in COLUMNS),
]


@pytest.fixture
def floats(sql):
    """A table `f` with a number that six digits do not tell."""
    sql("CREATE TABLE f (id INT PRIMARY KEY, x FLOAT, s VARCHAR(20))")
    sql("INSERT INTO f VALUES (1, 0.333333333, '7'), (2, NULL, 'q'), (3, 1e10, NULL)")
    return sql


def test_other_columns_are_as_they_are_without_a_float(sql):
    defined = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    sql(f"CREATE TABLE every (x FLOAT, n INT, {defined})")
    for number, row in enumerate(ROWS):
        sql(f"INSERT INTO every VALUES (1.2345678, {number}, {row})")
    names = ", ".join(COLUMNS)
    without = sql(f"SELECT {names} FROM every ORDER BY n")
    assert sql(f"SELECT x, {names} FROM every ORDER BY n") == [(1.2345678, *row) for row in without]


def test_descriptions_of_columns_are_as_they_are_without_a_float(floats):
    with floats.raw.cursor() as cursor:
        cursor.execute("SELECT id, s FROM f")
        without = cursor.description
        cursor.execute("SELECT x, id, s FROM f")
        assert cursor.description[1:] == without


@pytest.mark.parametrize("length", [250, 70_000, 16_777_215 - 6, 17_000_000])
def test_long_texts_beside_a_float(floats, length):
    """A row that takes several packets, and one whose length changes from one packet to two."""
    [(number, text)] = floats(f"SELECT x, REPEAT('y', {length}) FROM f WHERE id = 1")
    assert (number, text) == (THIRD, "y" * length)


def test_rows_come_before_the_result_has_ended(floats):
    floats("INSERT INTO f SELECT result + 10, result / 7, '' FROM generate_series(1, 50000) g")
    with floats.raw.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute("SELECT x FROM f ORDER BY id")
        assert cursor.fetchone() == (THIRD,)
        assert sum(1 for _ in cursor) == 50_002


def test_several_statements_at_once(connect, floats, matrixone_database_local):
    several = connect(database=matrixone_database_local, client_flag=CLIENT.MULTI_STATEMENTS)
    with several.raw.cursor() as cursor:
        cursor.execute("SELECT x FROM f WHERE id = 1; SELECT 1; SELECT x, id FROM f WHERE id = 3; SELECT x FROM nosuch")
        answers = [cursor.fetchall()]
        while len(answers) < 3:
            assert cursor.nextset()
            answers.append(cursor.fetchall())
        with pytest.raises(pymysql.ProgrammingError, match="nosuch"):
            cursor.nextset()
    assert answers == [((THIRD,),), ((1,),), ((1e10, 3),)]


def test_errors_and_warnings_are_those_of_other_queries(floats):
    assert floats.refused("SELECT x, CAST(s AS INT) FROM f WHERE id < 3")[0] == 20203
    assert floats.refused("SELECT x FROM f WHERE nosuch = 1")[0] == 20301
    assert floats("SELECT x, CAST(s AS INT) FROM f WHERE id = 1") == [(THIRD, 7)]
    assert floats("SELECT x, s + 1 FROM f WHERE id = 2") == [(None, 1.0)]
    assert len(floats("SHOW WARNINGS")) == 1


def test_what_is_made_of_a_table_has_its_floats(floats):
    floats("CREATE VIEW seen AS SELECT x AS y FROM f")
    floats("CREATE TABLE copied AS SELECT x FROM f WHERE id = 1")
    floats("CREATE TABLE alike LIKE f")
    floats("INSERT INTO alike SELECT * FROM f WHERE id = 1")
    floats("CREATE TABLE cloned CLONE f")
    floats("CREATE TEMPORARY TABLE passing (x FLOAT)")
    floats("INSERT INTO passing SELECT x FROM f WHERE id = 1")
    assert floats("SELECT y FROM seen WHERE y < 1") == [(THIRD,)]
    for table in ("copied", "alike", "passing"):
        assert floats(f"SELECT x FROM {table}") == [(THIRD,)]
    assert floats("SELECT x FROM cloned WHERE id = 1") == [(THIRD,)]
    floats("ALTER TABLE copied RENAME TO renamed")
    assert floats("SELECT x FROM renamed") == [(THIRD,)]


def test_a_column_that_becomes_a_float(sql, connect, matrixone_database_local):
    """Another connection asks for it, which has asked for it before."""
    other = connect(database=matrixone_database_local)
    sql("CREATE TABLE seen (x FLOAT)")
    sql("CREATE TABLE later (a INT)")
    sql("INSERT INTO later VALUES (1)")
    assert other("SELECT * FROM later") == [(1,)]
    sql("ALTER TABLE later ADD COLUMN x FLOAT")
    sql("UPDATE later SET x = 1.2345678")
    assert other("SELECT x FROM later") == [(1.2345678,)]


def test_floats_of_statements_that_were_prepared_as_definitions(floats):
    floats("PREPARE p FROM 'CREATE TABLE prepared (x FLOAT)'")
    assert floats("SELECT x FROM f WHERE id = 1") == [(THIRD,)]
    floats("EXECUTE p")
    floats("INSERT INTO prepared VALUES (1.2345678)")
    assert floats("SELECT x FROM prepared") == [(1.2345678,)]


def test_floats_within_a_transaction(floats):
    floats("BEGIN")
    floats("UPDATE f SET x = 9.8765432 WHERE id = 1")
    assert floats("SELECT x FROM f WHERE id = 1") == [(9.876543,)]
    floats("ROLLBACK")
    assert floats("SELECT x FROM f WHERE id = 1") == [(THIRD,)]


def test_floats_of_an_earlier_run(tmp_path, connection_to):
    with LocalServer(path=tmp_path) as server:
        first = connection_to(server)
        first("CREATE DATABASE d")
        first("CREATE TABLE d.f (x FLOAT)")
        first("INSERT INTO d.f VALUES (1.2345678)")
        first.raw.close()
    with LocalServer(path=tmp_path) as server:
        again = connection_to(server)
        assert again("SELECT x FROM d.f") == [(1.2345678,)]
        again.raw.close()


@pytest.fixture
def vectors(sql):
    """A table `v` with vectors that six digits do not tell."""
    sql("CREATE TABLE v (id INT PRIMARY KEY, v VECF32(2), x FLOAT)")
    sql("INSERT INTO v VALUES (1, '[0.1726299, 1e10]', 0.333333333), (2, NULL, NULL)")
    return sql


def test_vectors_beside_a_float(vectors):
    assert vectors("SELECT * FROM v ORDER BY id") == [(1, "[0.1726299, 10000000000]", THIRD), (2, None, None)]


def test_each_number_of_a_vector_comes_back(sql):
    """As many digits as single precision needs, and no more."""
    numbers = [
        struct.unpack("<f", struct.pack("<I", bits))[0] for bits in random.Random(7).choices(range(0x7F800000), k=1_500)
    ]
    sql("CREATE TABLE wide (v VECF32(1500))")
    sql(f"INSERT INTO wide VALUES ('{numbers}')")
    [(text,)] = sql("SELECT v FROM wide")
    found = text[1:-1].split(", ")
    assert [struct.pack("<f", float(one)) for one in found] == [struct.pack("<f", number) for number in numbers]
    assert found == [without_exponent(shortest(number, is_single=True)) for number in numbers]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT v FROM v WHERE id = 1 UNION ALL SELECT v FROM v WHERE id = 1",
        "(SELECT v FROM v WHERE id = 1)",
        "SELECT a.v FROM v a WHERE a.id = 1 UNION ALL SELECT v FROM v WHERE id = 1",
    ],
)
def test_vectors_of_several_results_have_all_digits(vectors, query):
    assert set(vectors(query)) == {("[0.1726299, 10000000000]",)}


def test_items_without_vectors_stay_as_they_are(vectors):
    [row] = vectors("SELECT id + 1 one, v.*, v, 'AS', (SELECT MAX(id) FROM v) AS `a``b`, v w FROM v WHERE id = 1")
    text = "[0.1726299, 10000000000]"
    assert row == (2, 1, text, THIRD, text, "AS", 2, text)


@pytest.mark.parametrize(
    "items", ["a.*, b.*", "1, a.*, b.*, b.v", "a.*, a.v, b.*", "b.*, b.*", "*, b.*", "*, a.id", "a.v, 2, a.*"]
)
def test_columns_are_those_of_their_items(vectors, items):
    """The columns of a table, beside other items, are the same ones in the query that is asked."""
    vectors("CREATE TABLE b (id INT PRIMARY KEY, v VECF32(2), y INT)")
    vectors("INSERT INTO b VALUES (7, '[1, 2]', 8)")
    wanted = {"a": [1, "[0.1726299, 10000000000]", THIRD], "b": [7, "[1, 2]", 8]}
    parts = {
        "a.*": wanted["a"],
        "b.*": wanted["b"],
        "*": wanted["a"] + wanted["b"],
        "a.id": [1],
        "a.v": wanted["a"][1:2],
    }
    parts |= {"b.v": ["[1, 2]"], "1": [1], "2": [2]}
    [row] = vectors(f"SELECT {items} FROM v a JOIN b WHERE a.id = 1")
    found = ["[0.1726299, 10000000000]" if value == "[0.17263, 10000000000]" else value for value in row]
    assert found == [value for item in items.split(", ") for value in parts[item]]


def test_descriptions_of_columns_are_as_they_are_without_all_digits(vectors):
    with vectors.raw.cursor() as cursor:
        cursor.execute("SELECT id, v, v + v FROM v")
        exact = cursor.description
        cursor.execute("SELECT id, v, v + v FROM v UNION ALL SELECT id, v, v + v FROM v")
        assert [(name, code) for name, code, *_ in cursor.description] == [(name, code) for name, code, *_ in exact]


def test_vectors_in_files(vectors, tmp_path):
    vectors(f"SELECT v, id FROM v INTO OUTFILE '{tmp_path}/v.csv' HEADER 'FALSE'")
    vectors(f"SELECT v, id FROM v INTO OUTFILE '{tmp_path}/v.jsonl' FORMAT 'jsonline'")
    assert (tmp_path / "v.csv").read_text() == '"[0.1726299, 10000000000]",1\n\\N,2\n'
    assert (tmp_path / "v.jsonl").read_text() == '{"id":1,"v":[0.1726299,10000000000]}\n{"id":2,"v":null}\n'
