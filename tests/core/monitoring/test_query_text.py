"""What is shown of a statement: no value of it, and what it does to what."""

import pytest

from matrixone_core.monitoring.query_text import (
    READ_CHARACTERS,
    SUMMARY_CHARACTERS,
    TEXT_CHARACTERS,
    Query,
    describe,
    literals,
    show_sql,
)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT 'it''s', \"x\"", "SELECT ?"),
        ("SELECT x'ff', b'1', n'a', _binary'b', _utf8mb4 'c', 0xff, 1.5e+3, .5, 2", "SELECT ?"),
        ("SELECT a1, -5 FROM t WHERE b = %s AND c = %(name)s", "SELECT a1, -? FROM t WHERE b = ? AND c = ?"),
        ("SELECT `it's` FROM t WHERE a = 'b'", "SELECT `it's` FROM t WHERE a = ?"),
        ("SELECT 1 /* secret */ -- secret\n + 2 # secret", "SELECT ? + ?"),
        ("SELECT 5--2", "SELECT ?--?"),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b'),(3, %s)", "INSERT INTO t VALUES (?)"),
        ("SELECT 'a\\\\', b", "SELECT ?, b"),  # two backslashes: the text ends, however the server takes them
        ("SELECT 'a\\', 'secret'", "SELECT ?"),  # one: nobody here knows whether it ends
        ("SELECT 'never ended; secret", "SELECT ?"),
        ("SELECT `never ended", "SELECT `never ended"),
        ("SELECT *\n\tFROM `a\x1b\u2028b`", "SELECT * FROM `a b`"),
        ("SELECT @a, @@time_zone", "SELECT @a, @@time_zone"),
        ("", ""),
    ],
)
def test_text_without_values(sql, text):
    assert describe(sql).text == text


@pytest.mark.parametrize(
    ("sql", "operation", "summary"),
    [
        ("select * from `a`.b join `c``d` on 1", "SELECT", "SELECT a.b c`d"),
        ("SELECT * FROM t, t AS u WHERE a IN (SELECT 1 FROM t)", "SELECT", "SELECT t"),
        ("SELECT EXTRACT(YEAR FROM d), (1) FROM (SELECT 1 FROM t) AS x FOR UPDATE", "SELECT", "SELECT t"),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT", "SELECT"),
        ("WITH x AS (SELECT 1 FROM s) DELETE FROM t", "DELETE", "DELETE s t"),
        ("WITH x", "WITH", "WITH"),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1", "INSERT", "INSERT t"),
        ("UPDATE t SET a = 1", "UPDATE", "UPDATE t"),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", "UPDATE", "UPDATE t"),
        ("LOAD DATA INFILE 'x' INTO TABLE d.t", "LOAD DATA", "LOAD DATA d.t"),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS t (a INT)", "CREATE TABLE", "CREATE TABLE t"),
        (
            "CREATE STAGE s URL = 's3://b/' CREDENTIALS = {'AWS_SECRET_KEY' = 'secret'}",
            "CREATE STAGE",
            "CREATE STAGE s",
        ),
        ("DROP USER 'bob'", "DROP USER", "DROP USER"),
        ("TRUNCATE TABLE t", "TRUNCATE TABLE", "TRUNCATE TABLE t"),
        ("DROP TABLE `d`.`matrixone_load_179_1e85_0`", "DROP TABLE", "DROP TABLE d.matrixone_load_?"),
        ("INSERT INTO t SELECT 1 FROM matrixone_load_179_1e85_0 s", "INSERT", "INSERT t matrixone_load_?"),
        ("SHOW STAGES", "SHOW STAGES", "SHOW STAGES"),
        ("SHOW PROCESSLIST", "SHOW", "SHOW"),
        ("SELECT 1)", "SELECT", "SELECT"),
        ("KILL QUERY 5", "KILL", "KILL"),
        ("COMMIT", "COMMIT", "COMMIT"),
        ("/* only this */", "UNKNOWN", "UNKNOWN"),
    ],
)
def test_operation_and_targets(sql, operation, summary):
    assert (describe(sql).operation, describe(sql).summary) == (operation, summary)


def test_long_statements_are_cut():
    names = ", ".join(f"column_{number}" for number in range(1_000))
    cut = describe(f"SELECT {names} FROM t").text
    assert (len(cut), cut[-1]) == (TEXT_CHARACTERS, "…")
    shown = describe(f"INSERT INTO t VALUES ('{'secret' * READ_CHARACTERS}')")
    assert shown == Query("INSERT", "INSERT t", "INSERT INTO t VALUES (?…")
    joined = "SELECT 1 FROM a " + " ".join(f"JOIN {'b' * 60}{number}" for number in range(9))
    assert len(describe(joined).summary) <= SUMMARY_CHARACTERS
    assert describe(joined).summary.startswith(f"SELECT a {'b' * 60}0 ")


def test_literals():
    assert literals("SELECT 'a b', \"c\", `d`, 1, x'00' -- 'e'") == ("a b", "c", "x'00")


FORGOTTEN_QUOTES = [
    ("CREATE USER u IDENTIFIED BY S3CRET!x+y DEFAULT", "CREATE USER u IDENTIFIED BY ? DEFAULT", "S3CRET!x+y"),
    ("ALTER USER u IDENTIFIED BY 12ab+cd;", "ALTER USER u IDENTIFIED BY ?;", "12ab+cd"),
    ("SET PASSWORD FOR u = S3CRET", "SET PASSWORD FOR u = ?", "S3CRET"),
    ("SET PASSWORD=`S3CRET`", "SET PASSWORD=?", "`S3CRET`"),
    ("CREATE STAGE s CREDENTIALS={KEY=S3/C+} ENABLE=TRUE", "CREATE STAGE s CREDENTIALS={KEY=?} ENABLE=TRUE", "S3/C+"),
]
NOTHING_FORGOTTEN = {
    "CREATE USER u IDENTIFIED BY": "CREATE USER u IDENTIFIED BY",
    "CREATE USER u IDENTIFIED BY RANDOM PASSWORD": "CREATE USER u IDENTIFIED BY RANDOM PASSWORD",
    "ALTER USER u IDENTIFIED BY %(p)s": "ALTER USER u IDENTIFIED BY ?",
    "CREATE STAGE s CREDENTIALS={KEY=}": "CREATE STAGE s CREDENTIALS={KEY=}",
    "SELECT password FROM t WHERE a = b GROUP BY password": "SELECT password FROM t WHERE a = b GROUP BY password",
}


@pytest.mark.parametrize(("sql", "shown", "secret"), FORGOTTEN_QUOTES)
def test_secrets_without_quotes_are_hidden(sql, shown, secret):
    assert describe(sql).text == shown
    assert secret in literals(sql)


@pytest.mark.parametrize("sql", NOTHING_FORGOTTEN)
def test_what_is_no_secret_without_quotes_is_shown(sql):
    assert describe(sql).text == NOTHING_FORGOTTEN[sql]
    assert literals(sql) == ()


def test_messages_quote_a_statement_without_its_secrets():
    assert show_sql("SELECT 1; CREATE USER u IDENTIFIED BY 'x'") == "'SELECT ?; CREATE USER u IDENTIFIED BY ?'"
    assert show_sql("CREATE STAGE s URL = 's3://key:x@bucket'") == "'CREATE STAGE s URL = ?'"
    assert show_sql("SELECT 'a'") == "\"SELECT 'a'\""
