"""Functions and operators that MatrixOne has and the engine has not."""

import math
from decimal import Decimal

import pytest


@pytest.fixture
def v(sql):
    sql("CREATE TABLE v (id INT PRIMARY KEY, e VECF32(2), name VARCHAR(20))")
    sql("INSERT INTO v VALUES (1, '[3, 4]', 'Anna'), (2, '[6, 8]', 'bob'), (3, NULL, NULL)")
    return sql


def test_vectors(v):
    assert v("SELECT l2_norm(e), l1_norm(e), summation(e) FROM v WHERE id = 1") == [(5.0, 7.0, 7.0)]
    distance = v("SELECT L2_DISTANCE_SQ(e, '[0, 0]') FROM v ORDER BY id")
    assert [row[0] and round(row[0], 9) for row in distance] == [25.0, 100.0, None]
    assert v("SELECT id FROM v WHERE l2_norm(normalize_l2(e)) BETWEEN 0.999 AND 1.001") == [(1,), (2,)]
    near = "SELECT id FROM v WHERE e IS NOT NULL ORDER BY l2_distance(e, CAST('[6, 7]' AS vecf32(2))) LIMIT 1"
    assert v(near) == [(2,)]
    assert v("UPDATE v SET e = normalize_l2(e) WHERE id = 2") == 1
    assert v("SELECT round(l2_norm(e), 5) FROM v WHERE id = 2") == [(1.0,)]


@pytest.mark.parametrize(
    ("kind", "distance"),
    [("IVFFLAT", "vector_l2_ops"), ("ivfflat", "vector_cosine_ops"), ("hnsw", "vector_l2_ops")],
)
def test_indexes_of_vectors(v, kind, distance):
    v("SET experimental_ivf_index = 1")
    v(f"CREATE INDEX near USING {kind} ON v (e) LISTS = 2 OP_TYPE '{distance}'")
    v("INSERT INTO v VALUES (9, '[9, 9]', 'c')")
    assert "near" in {row[2] for row in v("SHOW INDEX FROM v")}
    assert v("SELECT id FROM v WHERE id > 2 AND e IS NOT NULL ORDER BY l2_distance(e, '[9, 8]') LIMIT 1") == [(9,)]
    v("DROP INDEX near ON v")
    assert v.refused("CREATE INDEX far USING ivfflat ON v (e) OP_TYPE 'no_ops'")[0] == 1064


def test_a_table_in_clusters(sql):
    sql("CREATE TABLE c (a INT, b INT) COMMENT 'x' CLUSTER BY (a, b)")
    assert sql("INSERT INTO c VALUES (1, 2)") == 1


@pytest.mark.parametrize(
    ("call", "numbers"),
    [
        ("generate_series(1, 4)", [1, 2, 3, 4]),
        ("generate_series(1, 10, 4)", [1, 5, 9]),
        ("generate_series(3, 1, -1)", [3, 2, 1]),
        ("generate_series(3, 1)", []),
        ("generate_series(1 + 1, (SELECT 4)) AS g", [2, 3, 4]),
    ],
)
def test_series(sql, call, numbers):
    assert [row[0] for row in sql(f"SELECT result FROM {call} ORDER BY result {'DESC' * ('-1' in call)}")] == numbers


def test_a_long_series_in_a_join(v):
    assert v("SELECT count(*), max(g.result) FROM generate_series(1, 20000) g") == [(20_000, 20_000)]
    query = "SELECT v.id, s.result FROM v JOIN generate_series(1, 2) s ON s.result <= v.id WHERE v.id < 3 ORDER BY 1, 2"
    assert v(query) == [(1, 1), (2, 1), (2, 2)]


def test_texts(v):
    assert v("SELECT id FROM v WHERE name ILIKE 'a%'") == [(1,)]
    assert v("SELECT id FROM v WHERE concat('x', name) NOT ILIKE '%B' ORDER BY id") == [(1,)]
    assert v("SELECT id FROM v WHERE startswith(name, 'An') OR endswith(name, 'ob') ORDER BY id") == [(1,), (2,)]
    assert str(v("SELECT to_date('2026-02-03', '%Y-%m-%d')")[0][0]).startswith("2026-02-03")
    assert v("UPDATE v SET name = 'found' WHERE name ILIKE 'ANNA'") == 1


def test_casts_to_bool(sql):
    values = "CAST(2 AS BOOL), CAST('false' AS BOOLEAN), CAST('TRUE' AS bool), CAST(0 AS BOOL), CAST(NULL AS BOOL)"
    assert sql(f"SELECT {values}") == [(1, 0, 1, 0, None)]


def test_titles_are_as_they_were_written(v):
    with v.raw.cursor() as cursor:
        cursor.execute("SELECT l2_norm(e), startswith(name, 'A') FROM v WHERE id = 1")
        assert [column[0] for column in cursor.description] == ["l2_norm(e)", "startswith(name, A)"]


def test_parts_of_json(sql):
    sql("CREATE TABLE j (id INT, doc JSON)")
    sql(
        """INSERT INTO j VALUES (1, '{"brand": "Dell", "on": true, "price": 5.5}'), (2, '{"brand": "HP", "on": false}')"""
    )
    assert sql(
        "SELECT json_extract_string(doc, '$.brand'), json_extract_float64(doc, '$.price') FROM j ORDER BY id"
    ) == [
        ("Dell", 5.5),
        ("HP", None),
    ]
    assert sql("""SELECT id FROM j WHERE json_extract(doc, '$.brand') = 'Dell'""") == [(1,)]
    assert sql("SELECT id FROM j WHERE 'true' <> json_extract(doc, '$.on')") == [(2,)]
    assert sql("SELECT id FROM j WHERE json_unquote(json_extract(doc, '$.brand')) = 'HP'") == [(2,)]
    assert sql("SELECT id FROM j WHERE json_extract(doc, '$.price') > 5") == [(1,)]
    assert sql("""UPDATE j SET id = 3 WHERE json_extract(doc, '$.brand') = 'HP'""") == 1


@pytest.mark.parametrize("explain", ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE", "EXPLAIN ANALYZE VERBOSE"])
def test_plans(v, explain):
    assert v(f"{explain} SELECT name FROM v WHERE id = CAST('1' AS INT)")


@pytest.mark.parametrize("parser", ["", " WITH PARSER ngram"])
def test_a_full_text_index_is_shown_with_its_parser(sql, parser):
    sql("SET ft_relevancy_algorithm = 'TF-IDF'")
    sql(f"CREATE TABLE t (a TEXT, FULLTEXT INDEX words (a){parser})")
    assert sql("SHOW CREATE TABLE t")[0][1].endswith(f" FULLTEXT `words`(`a`){parser}\n)")


@pytest.mark.parametrize("limit", ["1, 18446744073709551615", "18446744073709551615 OFFSET 1"])
def test_a_limit_that_is_none(v, limit):
    """How SQLAlchemy has an OFFSET by itself, after MySQL's manual."""
    assert v(f"SELECT id FROM v ORDER BY id LIMIT {limit}") == [(2,), (3,)]
    assert v("SELECT 'LIMIT 1, 18446744073709551615' FROM v LIMIT 1") == [("LIMIT 1, 18446744073709551615",)]


def test_a_wrong_number_of_arguments(v):
    assert v.refused("SELECT l2_norm(e, e) FROM v")[0] == 20105
    assert math.isclose(v("SELECT l2_norm(e) FROM v WHERE id = 2")[0][0], 10)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("7/2", float), ("(1 + 2 * 3) / (4 - 2)", float), ("count(*) / 2", float), ("7/length('ab')", float),
        ("(unix_timestamp() - unix_timestamp(now())) / 3600", float), ("7 / 2 / 2", float),
        ("1.5 / 2", Decimal), ("1.5 * 2 / 2", Decimal), ("unix_timestamp('2024-01-01 00:00:00.5') / 2", Decimal),
    ],
)  # fmt: skip
def test_whole_numbers_divided_are_a_double(sql, expression, kind):
    assert type(sql(f"SELECT {expression}")[0][0]) is kind


def test_patterns_on_long_texts(sql):
    sql("CREATE TABLE t (a LONGTEXT)")
    sql("INSERT INTO t VALUES (repeat('ab', 200000))")
    assert sql("SELECT a REGEXP '^(a|b)*$', a REGEXP '^(?:[a-z]|,)*x$' FROM t") == [(1, 0)]


def test_fractions_of_units(sql):
    moment = "CAST('2020-01-01' AS DATETIME(3))"
    assert sql(f"SELECT CAST({moment} + INTERVAL 1.5 SECOND AS CHAR(21))") == [("2020-01-01 00:00:01.5",)]
    assert sql(f"SELECT CAST({moment} + INTERVAL 2.0 DAY AS CHAR(10))") == [("2020-01-03",)]
    assert "no fraction of a DAY" in sql.refused(f"SELECT {moment} + INTERVAL 1.5 DAY")[1]
