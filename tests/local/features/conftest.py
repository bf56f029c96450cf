"""A table that files are loaded into."""

import pytest


@pytest.fixture
def keyed(sql):
    """A connection whose database has the empty table `t`, with a primary and a unique key."""
    sql("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(10), UNIQUE KEY n (name))")
    return sql
