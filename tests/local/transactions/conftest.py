"""A transaction that has changed a table."""

import pytest


@pytest.fixture
def t(sql):
    """A connection with an open transaction, which has inserted the second row of the table `t`."""
    sql("CREATE TABLE t (a INT PRIMARY KEY)")
    sql("INSERT INTO t VALUES (1)")
    sql("BEGIN")
    sql("INSERT INTO t VALUES (2)")
    return sql
