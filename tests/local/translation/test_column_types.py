"""Column types on the local server, and how it describes them, beside the recorded cases."""

import datetime
import uuid
from decimal import Decimal

import pytest

TYPES = {
    "TINYINT": ("TINYINT(8)", -128, 127),
    "TINYINT(1)": ("TINYINT(8)", -128, 127),
    "TINYINT UNSIGNED": ("TINYINT UNSIGNED(8)", 0, 255),
    "SMALLINT": ("SMALLINT(16)", -32768, 32767),
    "INT": ("INT(32)", -(2**31), 2**31 - 1),
    "INT UNSIGNED": ("INT UNSIGNED(32)", 0, 2**32 - 1),
    "BIGINT": ("BIGINT(64)", -(2**63), 2**63 - 1),
    "BIGINT UNSIGNED": ("BIGINT UNSIGNED(64)", 0, 2**64 - 1),
    "DECIMAL(38,10)": ("DECIMAL(38,10)", Decimal("-1.0000000001"), Decimal("9" * 28 + "." + "9" * 10)),
    "DOUBLE": ("DOUBLE(0)", -1e300, 2.5),
    "BOOL": ("BOOL(0)", 0, 1),
    "DATE": ("DATE(0)", datetime.date(1000, 1, 1), datetime.date(9999, 12, 31)),
    "TIME": ("TIME(0)", datetime.timedelta(0), datetime.timedelta(hours=23, minutes=59, seconds=59)),
    "DATETIME(6)": (
        "DATETIME(6)",
        datetime.datetime(1000, 1, 1),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
    ),
    "CHAR(3)": ("CHAR(3)", "", "äöü"),
    "VARCHAR(3)": ("VARCHAR(3)", "", "'\\\""),
    "TEXT": ("TEXT(0)", "", "x" * 60_000),
    "BLOB": ("BLOB(0)", b"", bytes(range(256))),
    "VARBINARY(256)": ("VARBINARY(256)", b"", bytes(range(256))),
    "JSON": ("JSON(0)", "[]", '{"a": "ü"}'),
    "VECF32(3)": ("VECF32(3)", "[0, 0, 0]", "[1.5, -2, 0.25]"),
    "VECF64(2)": ("VECF64(2)", "[0, 0]", "[1.5, -2]"),
    "DATALINK": ("DATALINK(0)", "file:///", "file:///tmp/x?offset=1"),
    "UUID": ("UUID(0)", str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1))),
    "ENUM('a','b')": ("ENUM('a','b')", "a", "b"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_values_come_back_and_the_type_is_shown(sql, kind):
    shown, *values = TYPES[kind]
    sql(f"CREATE TABLE t (id INT PRIMARY KEY, a {kind} COMMENT 'it''s')")
    for number, value in enumerate([*values, None]):
        sql("INSERT INTO t VALUES (%s, %s)", number, value)
    assert [row[0] for row in sql("SELECT a FROM t ORDER BY id")] == [*values, None]
    assert sql("DESC t")[1] == ("a", shown, "YES", "", None, "", "it's")
    [(_, created)] = sql("SHOW CREATE TABLE t")
    sql("DROP TABLE t")
    sql(created)
    assert sql("DESC t")[1] == ("a", shown, "YES", "", None, "", "it's")
    asked = "SELECT data_type, column_comment FROM information_schema.columns WHERE table_schema = DATABASE()"
    base = shown.partition("(")[0]
    assert sql(f"{asked} AND column_name = 'a'") == [(base, "it's")]


def test_types_in_alter_table(sql):
    sql("CREATE TABLE t (a INT)")
    sql("ALTER TABLE t ADD COLUMN b BOOL, ADD c VECF64(2)")
    sql("ALTER TABLE t ADD d UUID")
    assert [row[1] for row in sql("DESC t")] == ["INT(32)", "BOOL(0)", "VECF64(2)", "UUID(0)"]
    sql("ALTER TABLE t MODIFY d VARCHAR(40)")
    assert sql("DESC t")[3][1] == "VARCHAR(40)"


def test_vectors(sql):
    sql("CREATE TABLE t (id INT PRIMARY KEY, v VECF32(3))")
    sql("INSERT INTO t VALUES (1, '[1,2,3]'), (2, '[4, 5, 6]')")
    nearest = "SELECT id, l2_distance(v, '[1,2,4]') AS d FROM t ORDER BY d LIMIT 1"
    assert sql(nearest) == [(1, 1.0)]
    assert sql("SELECT v + v, inner_product(v, '[1,1,1]') FROM t WHERE v = '[1,2,3]'") == [("[2, 4, 6]", -6.0)]
    assert sql("SELECT concat(id, '!'), NULL, v FROM t WHERE id = 2")[0][1:] == (None, "[4, 5, 6]")
    assert sql.refused("INSERT INTO t VALUES (3, '[1,2]')")


def test_bad_casts_and_unknown_variables(sql):
    assert sql.refused("SELECT CAST('abc' AS SIGNED)") == (20203, "invalid argument cast to int, bad value abc")
    assert sql("SELECT CAST('12' AS INT), CAST(1.5 AS VARCHAR), CAST(7 AS BIGINT UNSIGNED)") == [(12, "1.5", 7)]
    assert sql.refused("SELECT 1, @none") == (20101, "internal error: the user variable none does not exist")
    sql("SET @some = 3, @other = 4")
    assert sql("SELECT @some + @other") == [(7,)]


def test_zeros_are_numbered(sql):
    """Server-facts 50."""
    sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    sql("INSERT INTO t VALUES (5, 1), (0, 2), ('0', 3), (NULL, 4)")
    assert sql("SELECT id, n FROM t ORDER BY id") == [(5, 1), (6, 2), (7, 3), (8, 4)]
    sql("CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY)")
    sql("LOAD DATA INLINE FORMAT='csv', DATA='3\n0\n' INTO TABLE u")
    assert sql("SELECT id FROM u ORDER BY id") == [(3,), (4,)]
    sql("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
    sql("INSERT INTO t VALUES (0, 9)")
    sql("CREATE TABLE c CLONE t")
    assert sql("SELECT id, n FROM c ORDER BY id LIMIT 1") == [(0, 9)]


@pytest.mark.parametrize("statement", ["INSERT INTO", "REPLACE", "INSERT IGNORE INTO"])
def test_a_default_in_a_column_that_is_numbered(sql, connect, matrixone_database_local, statement):
    sql("CREATE TABLE t (n INT DEFAULT 7, id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(20))")
    sql(f"{statement} t VALUES (DEFAULT, DEFAULT, 'a'), (DEFAULT, 0, '(DEFAULT, '), (1, DEFAULT, concat('b', 'c'))")
    sql(f"{statement} {matrixone_database_local}.t (`id`, N) VALUES (DEFAULT, DEFAULT)")
    sql("INSERT INTO t () VALUES ()")
    rows = sql("SELECT n, id > 0, s FROM t ORDER BY id")
    assert rows == [(7, 1, "a"), (7, 1, "(DEFAULT, "), (1, 1, "bc"), (7, 1, None), (7, 1, None)]
    assert len(set(sql("SELECT id FROM t"))) == 5
    assert sql.refused(f"{statement} none VALUES (DEFAULT)")[0] == 1146
    assert sql.refused(f"{statement} t (1) VALUES (DEFAULT)")[0] == 1064


def test_the_mode_that_is_set_is_the_mode_that_is_shown(sql):
    default = sql("SELECT @@sql_mode")[0][0]
    assert sql("SHOW VARIABLES LIKE 'sql_mode'") == [("sql_mode", default)]
    sql("SET @old = @@sql_mode, sql_mode = CONCAT('PIPES_AS_CONCAT', ',', 'HIGH_NOT_PRECEDENCE'), @b = 2")
    assert sql("SELECT @@session.sql_mode, 'a' || 'b', @b") == [("HIGH_NOT_PRECEDENCE,PIPES_AS_CONCAT", "ab", 2)]
    sql("SET @@session.sql_mode := @old")
    assert sql("SELECT @@sql_mode") == [(default,)]
    sql("SET SESSION sql_mode = ''")
    assert sql("SELECT @@sql_mode") == [("",)]
    sql("SET sql_mode = DEFAULT")
    assert sql("SELECT @@sql_mode") == [(default,)]


def test_variables_with_their_scope(sql):
    [(increment, isolation, mode)] = sql(
        "SELECT @@session.auto_increment_increment AS increment, @@SESSION.transaction_isolation, @@global.sql_mode"
    )
    assert (int(increment), isolation) == (1, "REPEATABLE-READ")
    assert "STRICT_TRANS_TABLES" in mode
    sql("SET @@session.autocommit = 0")
    sql("CREATE TABLE t (a INT)")
    sql("ROLLBACK")
    assert sql("SHOW TABLES") == []
    assert sql("SET @a.b = 2") == 0
    assert sql("SELECT @a.b + 1") == [(3,)]


def test_the_local_servers_own_tables_are_not_seen(sql):
    asked = "SELECT count(*) FROM information_schema.{} WHERE {}_schema LIKE '\\_\\_mo%'"
    for name in ("tables", "columns", "statistics", "views", "partitions", "key_column_usage", "table_constraints"):
        assert sql(asked.format(name, "table")) == [(0,)]
    for name in ("referential_constraints", "check_constraints"):
        assert sql(asked.format(name, "constraint")) == [(0,)]
    assert sql("SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE '\\_\\_mo%'") == [(0,)]
    assert not [row for row in sql("SHOW DATABASES") if row[0].startswith("__mo")]
    for statement in (
        "SELECT * FROM __mo_local.external_tables",
        "SELECT * FROM `__mo_local`.`external_tables`",
        "INSERT INTO __mo_local.external_tables VALUES ('a', 'b', 'c')",
        "DROP TABLE __mo_local.external_tables",
    ):
        assert sql.refused(statement)[0] == 20101


def test_comments_and_defaults_with_quotes_are_shown_as_they_were(sql):
    words = r"""it''s \"new\" \\ old"""
    sql(f"CREATE TABLE t (a VARCHAR(20) DEFAULT '{words}' COMMENT '{words}') COMMENT='{words}'")
    shown = sql("SHOW CREATE TABLE t")[0][1]
    assert shown.count(r"""'it''s "new" \\ old'""") == 3
    sql("DROP TABLE t")
    sql(shown)
    assert sql("SHOW CREATE TABLE t")[0][1] == shown


def test_character_sets_are_read_and_passed_over(sql, unique):
    """A text is compared byte for byte, as by dumps of MySQL databases, whose collations there are not."""
    sql(
        "CREATE TABLE t (a VARCHAR(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci, charset INT, b TEXT CHARSET ascii,"
        " s SET('x')) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"
    )
    sql("INSERT INTO t VALUES ('a', 1, 'ü', 'x')")
    assert sql("SELECT count(*) FROM t WHERE a = 'A'") == [(0,)]
    sql("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci")
    sql("ALTER TABLE t CHANGE b charset2 VARCHAR(9) COLLATE utf8mb4_unicode_ci, CHANGE charset charset BIGINT")
    assert sql("SELECT charset2 FROM t WHERE charset2 <> 'Ü'") == [("ü",)]
    shown = sql("SHOW CREATE TABLE t")[0][1]
    assert "COLLATE" not in shown
    assert "CHARSET" not in shown
    name = unique("texts")
    sql(f"CREATE DATABASE {name} DEFAULT CHARACTER SET = latin1 COLLATE = latin1_bin")
    sql(f"DROP DATABASE {name}")


def test_show_create_table(sql, matrixone_database_local):
    sql("CREATE TABLE p (id INT PRIMARY KEY)")
    sql("CREATE TABLE f (id INT, a INT, t TEXT, PRIMARY KEY (id), CONSTRAINT one FOREIGN KEY (a) REFERENCES p (id))")
    sql("ALTER TABLE f ADD FULLTEXT INDEX words (t)")
    lines = sql("SHOW CREATE TABLE f")[0][1].split("\n")
    assert "  CONSTRAINT `one` FOREIGN KEY (`a`) REFERENCES `p` (`id`) ON DELETE RESTRICT ON UPDATE RESTRICT" in lines
    assert " FULLTEXT `words`(`t`)," in lines
    [(_, elsewhere)] = sql(f"SHOW CREATE TABLE {matrixone_database_local}.f")
    assert elsewhere.split("\n") == lines
    sql("CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH(id) PARTITIONS 2")
    assert sql("SHOW CREATE TABLE parts")[0][1].split("\n")[-1].startswith(") partition by hash(id) (")
    sql("CREATE VIEW v AS SELECT id FROM p")
    assert sql("SHOW CREATE TABLE v")[0][1].startswith("CREATE VIEW `v` AS ")
