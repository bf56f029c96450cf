"""Titles of columns, as a MatrixOne server gives them."""

import pytest


@pytest.mark.parametrize(
    ("expression", "title"),
    [
        ("CAST('838:59:59' AS TIME(6))", "cast(838:59:59 as time(6))"),
        ("1+ 1", "1 + 1"),
        ("COUNT(*)", "COUNT(*)"),
        ("-1", "-1"),
        ("2 * -1", "2 * -1"),
        ("1<>2", "1 != 2"),
        ("1 AS `my title`", "my title"),
        ("1 x", "x"),
        ("concat('a','b') 'y'", "y"),
        ("@@autocommit", "@@autocommit"),
        ("version()", "version()"),
        ("CAST('1' AS INT)", "cast(1 as int)"),
        ("UPPER( 'x' )", "UPPER(x)"),
        ("upper('x')", "upper(x)"),
        ("JSON_ARRAY(1, 'x', NULL)", "JSON_ARRAY(1, x, null)"),
    ],
)
def test_an_expression_is_written_anew(sql, expression, title):
    with sql.raw.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        assert [column[0] for column in cursor.description] == [title]


def test_a_name_that_is_a_functions_too_is_no_expression(sql):
    sql("CREATE TABLE t (summation INT)")
    with sql.raw.cursor() as cursor:
        cursor.execute("SELECT t.summation, summation FROM t")
        assert [column[0] for column in cursor.description] == ["summation", "summation"]


def test_a_text_with_a_nul_is_a_result_like_others(sql):
    assert sql("SELECT CONCAT('a\\0b', 'c')") == [("a\0bc",)]
