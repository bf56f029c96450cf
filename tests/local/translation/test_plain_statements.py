"""Queries that go to the engine unread: reading them would have changed nothing."""

import random

import pytest

from matrixone_local.sql.tokens import Statement
from matrixone_local.translation.plain_statements import is_plain_change, is_plain_query
from matrixone_local.translation.statements import server_constant
from matrixone_local.translation.translate import read_query

TEXT = (
    "a b t users `user` user t.a t.bool t.summation int bool * DISTINCT , AS x = < > ! + - % . ( ) ' \" ` / ; @ @@version { : -- #"
    " 1 12 1234567890123456789 1e3 'it''s' 'FROM' \"x\" -> NULL TRUE WHERE AND OR NOT IN IN( (1,2) BETWEEN LIKE ILIKE IS ORDER"
    " BY LIMIT GROUP HAVING JOIN LEFT ON USING UNION SELECT FROM INTO OUTFILE FOR UPDATE MATCH AGAINST CAST CONVERT() COUNT(*)"
    " VERSION() min( information_schema.tables information_schema . columns mo_catalog oceanbase snapshot /* */ é UNSIGNED"
)
PIECES = TEXT.split()


def test_a_plain_query_is_the_same_in_the_engines_words():
    dice = random.Random(11)
    plain = []
    for _ in range(60_000):
        columns = [dice.choice(PIECES) for _ in range(dice.choice((1, 1, 2, 3)))]
        rest = [dice.choice(PIECES) for _ in range(dice.randrange(7))]
        sql = " ".join(["SELECT", *columns, "FROM", "t", *rest])
        if is_plain_query(sql):
            plain.append(sql)
    assert len(plain) > 5_000
    for sql in plain:
        query = read_query(sql.encode(), Statement(sql), server_constant)
        assert query is not None
        assert query.engine_sql == sql


@pytest.mark.parametrize(
    ("sql", "is_plain"),
    [
        ("SELECT b FROM test.r WHERE a = 5 LIMIT 3", True),
        (" select distinct t.a, `b` AS c\nFROM t WHERE a IN (1, 2) AND s LIKE 'x%' ORDER BY a", True),
        ("SELECT * FROM t WHERE a = -1", True),
        ("SELECT a + 1 FROM t", False),  # a title
        ("SELECT a, COUNT(*) FROM t", False),
        ("SELECT a FROM t WHERE a = MIN(1)", False),
        ("SELECT a FROM t WHERE a = 1 / 2", False),
        ("SELECT a FROM t; SELECT b FROM t", False),
        ("SELECT a FROM t -- x", False),
        ("SELECT a FROM t LIMIT 18446744073709551615", False),
        ("SELECT user FROM t WHERE a ILIKE 'x'", False),
        ("SELECT table_name FROM information_schema.tables", False),
        ("INSERT INTO t SELECT a FROM t", False),
    ],
)
def test_what_is_plain(sql, is_plain):
    assert is_plain_query(sql) is is_plain


@pytest.mark.parametrize(
    ("sql", "is_plain"),
    [
        ("INSERT INTO test.r VALUES (5, 'x')", True),
        ("\n replace into t (a) values ('a/b timestamp')", True),
        ("INSERT INTO t VALUES ('a; b')", False),  # if only in a text
        ("UPDATE t SET a = 'it''s now or never' WHERE b = 1", True),
        ("UPDATE t SET a = 'use now()'", False),  # the same
        ("UPDATE t SET a = 'nowhere' WHERE b = 1;", True),
        ("DELETE FROM t WHERE a = CURTIME()", True),
        ("DELETE FROM t WHERE a > Now()", False),
        ("DELETE FROM t WHERE a > NOW()", False),
        ("INSERT INTO t VALUES (l2_norm('[3,4]'))", False),
        ("INSERT INTO t VALUES (l2_norm, '[3,4]')", True),
        ("INSERT INTO t VALUES ('2024-01-02' + INTERVAL 1.5 DAY)", False),
        ("INSERT INTO t VALUES (TRUE) ; DELETE FROM t", False),
        ("INSERT INTO t VALUES (CAST ('1' AS INT))", False),
        ("INSERT INTO t VALUES (timestamp '2024-01-02')", True),
        ("INSERT INTO t SELECT a FROM s {timestamp = '2024-01-02'}", False),
        ("INSERT INTO t SELECT a FROM s {SNAPSHOT = 'x'}", False),
        ("INSERT INTO t SELECT a FROM Öceanbase.s", False),
        ("INSERT INTO t VALUES (1 / 2)", False),
        ("SELECT 1", False),
    ],
)
def test_what_is_a_plain_change(sql, is_plain):
    assert is_plain_change(sql) is is_plain
