"""Where statements name tables."""

import pytest

from matrixone_local.sql.references import table_references
from matrixone_local.sql.tokens import tokenize


@pytest.mark.parametrize(
    ("sql", "read", "other"),
    [
        ("SELECT a, t FROM t", "t", ""),
        ("SELECT f(a, b) FROM d.t x, u AS y, `v``w` z", "d.t u v`w", ""),
        ("SELECT 1 FROM t JOIN u ON t.a = u.a AND f(t.b, u.b), v USE INDEX (i)", "t u v", ""),
        ("SELECT 1 FROM t LEFT JOIN u USING (a, b) WHERE a IN (SELECT t.b, c FROM w)", "t u w", ""),
        ("SELECT a FROM (SELECT a, b FROM t) x, (u, v)", "t u v", ""),
        ("SELECT a FROM t GROUP BY a, b ORDER BY c, d LIMIT 1, 2 FOR UPDATE", "t", ""),
        ("SELECT extract(day FROM a), b FROM t", "a t", ""),
        ("WITH w AS (SELECT 1 FROM t) SELECT 2 FROM w UNION SELECT 3 FROM u", "t w u", ""),
        ("INSERT INTO t (a, b) SELECT a, b FROM u ON DUPLICATE KEY UPDATE a = 1, b = 2", "u", "t"),
        ("INSERT IGNORE INTO t VALUES (1, 2)", "", "t"),
        ("REPLACE INTO t SELECT * FROM u", "u", "t"),
        ("UPDATE t SET a = (SELECT b FROM u)", "u", "t"),
        ("DELETE FROM t WHERE a IN (SELECT a FROM u)", "u", "t"),
        ("DROP TABLE IF EXISTS d.t", "", "d.t"),
        ("CREATE TABLE IF NOT EXISTS t AS SELECT a FROM u", "u", "t"),
        ("TRUNCATE TABLE t", "", "t"),
        ("SELECT 'FROM t', \"FROM u\" -- FROM v\n", "", ""),
    ],
)
def test_table_references(sql, read, other):
    found = table_references(tokenize(sql))
    names = [(".".join(filter(None, [one.database, one.name])), one.reads) for one in found]
    assert [name for name, reads in names if reads] == read.split()
    assert [name for name, reads in names if not reads] == other.split()


def test_other_names():
    found = table_references(tokenize("SELECT 1 FROM a x, b AS y, c `z`, d WHERE 1"))
    assert [one.has_alias for one in found] == [True, True, True, False]
