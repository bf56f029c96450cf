"""How the local server reads statements and changes them: once, and all changes together."""

import pytest

from matrixone_local.sql import tokens
from matrixone_local.sql.tokens import Statement
from matrixone_local.translation.statements import split_statements


def test_changes_are_applied_at_once():
    statement = Statement("SELECT a, f(b, g(c)) FROM t")
    statement.insert(8, " AS x")
    statement.insert(8, " -- y")  # behind what is there
    statement.put(15, 19, "h(c)")
    assert statement.written(11, 20) == "(b, h(c))"
    assert statement.written() == "SELECT a AS x -- y, f(b, h(c)) FROM t"
    statement.put(10, 20, f"k{statement.written(11, 20)}")  # with what was put within
    statement.put(7, 8, "z")  # before what was inserted behind it
    statement.insert(20, " AS w")
    assert statement.has_inserted(20)
    assert not statement.has_inserted(10)
    assert statement.changed().sql == "SELECT z AS x -- y, k(b, h(c)) AS w FROM t"
    assert [token.text for token in statement.changed().tokens][:4] == ["SELECT", "z", "AS", "x"]


def test_what_is_not_changed_stays_the_same_statement():
    statement = Statement("SELECT 1")
    assert statement.changed() is statement


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        (" SELECT ';' ; ; SELECT `;`; ", ["SELECT ';'", "SELECT `;`"]),
        (";", [""]),
        ("", [""]),
    ],
)
def test_a_text_of_several_statements(sql, expected):
    found = split_statements(Statement(sql))
    assert [one.sql for one in found] == expected
    for one in found:
        assert one.tokens == tokens.tokenize(one.sql)


class Counted:
    """The tokenizer's pattern, which counts how often a text that holds a mark is read."""

    def __init__(self, pattern, mark):
        self.pattern, self.mark, self.count = pattern, mark, 0

    def finditer(self, text, *begin):
        self.count += self.mark in text
        return self.pattern.finditer(text, *begin)


@pytest.mark.parametrize(
    ("times", "statement"),  # two: what comes of it is read, too
    [
        (1, "SELECT UPPER('{mark}'), VERSION(), l2_norm('[3,4]') + 1, CAST('1' AS INT), CURRENT_USER()"),
        (
            1,
            "SELECT table_name, count(*) FROM information_schema.tables WHERE table_name = '{mark}' GROUP BY table_name",
        ),
        (1, "SELECT JSON_EXTRACT('{{}}', '$.a') = '{mark}' FROM t WHERE a ILIKE '{mark}' LIMIT 5"),
        (1, "WITH w AS (SELECT '{mark}' AS b) SELECT b FROM w"),
        (2, "INSERT INTO t VALUES (DEFAULT, CONCAT('{mark}', CAST('true' AS BOOL)))"),
        (2, "UPDATE t SET a = JSON_EXTRACT('[1]', '$[0]') WHERE '{mark}' = ''"),
        (1, "SET @a = '{mark}'"),
        (1, "SHOW VARIABLES LIKE '{mark}'"),
        (1, "INSERT INTO t (a) SELECT CONCAT(a, '{mark}') FROM t"),
        (1, "CREATE TABLE {mark} (id INT PRIMARY KEY, a VARCHAR(20) COMMENT 'x', INDEX i (a))"),
        (2, "CREATE TABLE {mark} (id INT, v VECF32(3), a VARCHAR, b DATALINK COMMENT 'x', KEY (id)) CHARSET latin1"),
        (1, "CREATE TABLE {mark} AS SELECT a FROM t"),
        (1, "CREATE INDEX {mark} ON t (id)"),
        (1, "CREATE VIEW {mark} AS SELECT a FROM t"),
        (2, "ALTER TABLE t ADD COLUMN b BOOL COMMENT '{mark}'"),
        (1, "DROP TABLE IF EXISTS {mark}"),
    ],
)
def test_a_statement_is_read_once(sql, unique, monkeypatch, times, statement):
    sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a TEXT)")
    mark = unique("mark")
    counted = Counted(tokens._PATTERN, mark)
    monkeypatch.setattr(tokens, "_PATTERN", counted)
    sql(statement.format(mark=mark))
    assert counted.count == times


def test_a_variable_in_another_statement_of_the_text_has_its_title(connect):
    from pymysql.constants import CLIENT

    connection = connect(client_flag=CLIENT.MULTI_STATEMENTS)
    with connection.raw.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT * FROM (SELECT VERSION(), 1) t")
        cursor.nextset()
        assert [column[0] for column in cursor.description] == ["VERSION()", "1"]
        assert "MatrixOne" in cursor.fetchone()[0]
