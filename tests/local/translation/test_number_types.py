"""Expressions whose types are asked of the engine: which statements have any."""

from matrixone_local.sql.tokens import Statement
from matrixone_local.translation.number_types import put_types


def no_columns(query):
    raise AssertionError(f"nothing should be described: {query}")


def test_a_listing_of_many_files_has_no_quotient():
    """Each file of a listing is a query with a path; finding the innermost query of each token took minutes."""
    rows = " UNION ALL ".join(f"SELECT '/data/{number}.csv' AS file" for number in range(4000))
    statement = Statement(f"SELECT count(*) AS n FROM ({rows}) f WHERE file = '/data/1.csv'")
    assert put_types(statement, no_columns) is statement


def test_a_quotient_beside_many_queries_is_asked_for_once():
    rows = " UNION ALL ".join(f"SELECT {number} AS a" for number in range(2000))
    asked = []
    put_types(Statement(f"SELECT a / 2 FROM ({rows}) f"), asked.append)
    assert [query[:15] for query in asked] == ["SELECT a, 2 FRO", "SELECT a FROM (", "SELECT 2 FROM ("]
