"""Descriptions of tables on the local server, beside the recorded cases (conformance/describing)."""

import pytest


@pytest.mark.parametrize(
    "asked", ["DESCRIBE {}", "SHOW COLUMNS FROM {}", "SHOW FULL COLUMNS FROM {}", "SHOW INDEX FROM {}"]
)
def test_names_that_a_server_misreads(sql, asked):
    """It pastes them into a statement of its own (server-facts 65)."""
    sql("CREATE TABLE `t'x` (id INT PRIMARY KEY)")
    sql(r"CREATE TABLE `t\x` (id INT PRIMARY KEY)")
    assert sql.refused(asked.format("`t'x`"))[0] == 1105
    assert sql(asked.format(r"`t\x`")) == []
    assert sql.refused(asked.format("`no'x`"))[0] == 1146


def test_a_varchar_without_a_length(sql):
    sql("CREATE TABLE t (a VARCHAR, b VARCHAR PRIMARY KEY, c VARCHAR COMMENT 'hi', d VARCHAR DEFAULT 'x')")
    sql("ALTER TABLE t ADD COLUMN e VARCHAR")
    assert {row[1] for row in sql("DESC t")} == {"VARCHAR(65535)"}
    assert [row[-1] for row in sql("DESC t")] == ["", "", "hi", "", ""]
    long = "é" * 65_000
    sql("INSERT INTO t (a, b) VALUES (%s, 'k')", long)
    assert sql("SELECT a, d FROM t") == [(long, "x")]
    assert sql.refused("INSERT INTO t (b) VALUES ('k')")[0] == 1062


@pytest.mark.parametrize("length", ["", "(65535)"])  # the latter is what it is reflected as
def test_a_varchar_without_a_length_can_get_an_index(sql, length):
    """As SQLModel makes it: the table first, the index in a statement of its own."""
    sql(f"CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR{length} NOT NULL, b VARCHAR{length})")
    sql("INSERT INTO t VALUES (1, 'x', NULL)")
    sql("CREATE UNIQUE INDEX u ON t (a)")
    sql("ALTER TABLE t ADD INDEX k (a, b)")
    assert [row[2:5] for row in sql("SHOW INDEX FROM t")][1:] == [("u", 1, "a"), ("k", 1, "a"), ("k", 2, "b")]
    assert sql.refused("INSERT INTO t VALUES (2, 'x', '')")[0] == 1062
    assert {row[1] for row in sql("DESC t")} == {"INT(32)", "VARCHAR(65535)"}


def test_texts_of_all_lengths_are_one_type(sql):
    sql("CREATE TABLE t (a TINYTEXT, b MEDIUMTEXT, c LONGBLOB)")
    assert [row[1] for row in sql("DESC t")] == ["TEXT(0)", "TEXT(0)", "BLOB(0)"]
    assert "`b` text DEFAULT NULL,\n  `c` blob" in sql("SHOW CREATE TABLE t")[0][1]


def test_what_is_refused_in_transactions(sql, unique):
    """With autocommit off each statement but SET begins one (server-facts 12, 67)."""
    name = unique("stage")
    create, rest = f"CREATE STAGE {name} URL='file:///tmp/'", f"DROP STAGE {name}"
    sql("SET autocommit = 0")
    sql("SET @x = 1")
    assert sql(create) == 0
    assert sql(rest) == 0
    for begins in ("SELECT 1", "SHOW VARIABLES LIKE 'x'", "USE mo_catalog"):
        sql(begins)
        assert sql.refused(create)[0] == 20101
        assert sql.refused("CREATE ROLE r")[1].endswith("administrative command is unsupported in transactions")
        sql("ROLLBACK")
        assert sql(create) == 0
        assert sql(rest) == 0


def test_tables_are_not_renamed_in_transactions(sql):
    sql("CREATE TABLE t (id INT)")
    sql("BEGIN")
    assert sql.refused("RENAME TABLE t TO u")[0] == 20101
    sql("ALTER TABLE t RENAME TO u")
    sql("ROLLBACK")
    assert sql("SHOW TABLES") == [("t",)]


INDEXES = """CREATE TABLE `t` (
  `id` bigint NOT NULL,
  `e` vecf32(3) DEFAULT NULL,
  `v` vecf32(2) DEFAULT NULL,
  `s` text DEFAULT NULL,
  `a` bigint DEFAULT NULL,
  `b` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`a`,`b`) COMMENT 'it''s',
  KEY `ie` USING ivfflat (`e`) lists = 3  op_type 'vector_cosine_ops'  COMMENT 'c',
  KEY `ih` USING hnsw (`v`) m = 16  ef_construction = 100  op_type 'vector_ip_ops' ,
 FULLTEXT `f`(`s`),
 FULLTEXT `fn`(`s`) WITH PARSER ngram,
  CONSTRAINT `r` FOREIGN KEY (`a`) REFERENCES `t` (`id`) ON DELETE RESTRICT ON UPDATE RESTRICT
)"""


def test_what_show_create_table_tells_makes_the_same_table(sql):
    sql(INDEXES)
    assert sql("SHOW CREATE TABLE t") == [("t", INDEXES)]


def test_indexes_of_vectors_are_shown_with_what_was_given(sql):
    sql("CREATE TABLE t (id BIGINT PRIMARY KEY, e VECF32(3), v VECF32(2))")
    sql("CREATE INDEX ie USING ivfflat ON t (e)")
    sql("ALTER TABLE t ADD INDEX ih USING hnsw (v) EF_SEARCH = 64 COMMENT 'c'")
    shown = {row[2]: (row[10], row[12], row[13]) for row in sql("SHOW INDEX FROM t")}
    assert shown["ie"] == ("ivfflat", "", '{"lists":"1","op_type":"vector_l2_ops"}')
    assert shown["ih"] == ("hnsw", "c", '{"ef_search":"64","op_type":"vector_l2_ops"}')


@pytest.mark.parametrize("options", ["OP_TYPE 'no'", "COLOUR = 2", "LISTS"])
def test_options_that_an_index_of_vectors_has_not(sql, options):
    sql("CREATE TABLE t (id BIGINT PRIMARY KEY, e VECF32(3))")
    assert sql.refused(f"CREATE INDEX i USING ivfflat ON t (e) {options}")[0] == 1064


@pytest.fixture
def keys(sql):
    sql("CREATE TABLE none (a INT)")
    sql("CREATE TABLE one (id INT PRIMARY KEY, u INT UNIQUE, v INT NOT NULL, w INT, KEY k (v, w) COMMENT 'it''s')")
    sql("CREATE TABLE two (a INT, b INT, PRIMARY KEY (b, a))")
    sql(
        "CREATE TABLE near (id BIGINT PRIMARY KEY, t VARCHAR(9), e VECF32(3), FULLTEXT f (t), INDEX i USING ivfflat (e))"
    )
    return sql


def test_the_keys_of_columns(keys):
    """Blank in keys of several columns, UNI in any index; a hidden column where no single one is the key."""
    asked = "SELECT table_name, column_name, column_key, ordinal_position FROM information_schema.columns"
    assert keys(f"{asked} WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position") == [
        *(("near", "id", "PRI", 1), ("near", "t", "UNI", 2), ("near", "e", "UNI", 3)),
        *(("none", "a", "", 1), ("none", "__mo_fake_pk_col", "PRI", 2)),
        *(("one", "id", "PRI", 1), ("one", "u", "UNI", 2), ("one", "v", "UNI", 3), ("one", "w", "UNI", 4)),
        *(("two", "a", "", 1), ("two", "b", "", 2), ("two", "__mo_cpkey_col", "PRI", 3)),
    ]


def test_statistics_and_constraints(keys):
    asked = "SELECT {} FROM information_schema.{} WHERE table_schema = DATABASE() AND table_name = '{}' ORDER BY 1, 2"
    columns = "index_name, seq_in_index, column_name, non_unique, nullable, index_type, index_comment"
    assert keys(asked.format(columns, "statistics", "one")) == [
        ("PRIMARY", 1, "id", 0, "", "", ""),
        ("k", 1, "v", 1, "", "", "it's"),
        ("k", 2, "w", 1, "YES", "", "it's"),
        ("u", 1, "u", 0, "YES", "", ""),
    ]
    assert keys(asked.format(columns, "statistics", "near")) == [
        ("PRIMARY", 1, "id", 0, "", "", ""),
        ("f", 1, "t", 1, "YES", "fulltext", ""),
        *[("i", 1, "e", 1, "YES", "ivfflat", "")] * 3,
    ]
    constraints = [("PRIMARY", "PRIMARY"), ("f", "FULLTEXT"), *[("i", "MULTIPLE")] * 3]
    assert keys(asked.format("constraint_name, constraint_type", "table_constraints", "near")) == constraints
    assert keys("SELECT count(*) FROM information_schema.key_column_usage") == [(0,)]


def test_parameters_of_indexes(keys):
    asked = "SELECT DISTINCT i.name, i.algo, i.algo_params FROM mo_catalog.mo_indexes i JOIN mo_catalog.mo_tables t"
    found = keys(f"{asked} ON t.rel_id = i.table_id WHERE t.reldatabase = DATABASE() AND t.relname = 'near' ORDER BY 1")
    assert found == [
        ("PRIMARY", "", ""),
        ("f", "fulltext", ""),
        ("i", "ivfflat", '{"lists":"1","op_type":"vector_l2_ops"}'),
    ]


def test_indexes_are_shown_to_who_may_see_their_tables(keys, connect, unique, matrixone_database_local):
    user, role = unique("user"), unique("role")
    keys(f"CREATE USER {user} IDENTIFIED BY 'secret'")
    keys(f"CREATE ROLE {role}")
    keys(f"GRANT CONNECT ON ACCOUNT * TO {role}")
    keys(f"GRANT SELECT ON TABLE {matrixone_database_local}.one TO {role}")
    keys(f"GRANT {role} TO {user}")
    plain = connect(user=f"sys:{user}:{role}", password="secret")  # of the test's own user
    asked = "SELECT DISTINCT table_name FROM information_schema.{} WHERE table_schema = %s"
    for table in ("statistics", "columns", "table_constraints"):
        assert plain(asked.format(table), matrixone_database_local) == [("one",)]


def test_keys_without_names(sql):
    sql("CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY (v))")
    sql("ALTER TABLE t ADD INDEX (id, v)")
    assert [row[2:5] for row in sql("SHOW INDEX FROM t")][1:] == [("v", 1, "v"), ("id", 1, "id"), ("id", 2, "v")]


@pytest.mark.parametrize(
    "asked",
    ["SELECT * FROM nowhere.t", "SELECT * FROM here JOIN nowhere.t ON true", "DESC nowhere.t", "SHOW COLUMNS FROM nowhere.t",
     "SHOW FULL COLUMNS FROM t IN nowhere LIKE 'x'", "SHOW CREATE TABLE nowhere.t", "SHOW INDEX FROM nowhere.t"],
)  # fmt: skip
def test_a_database_that_is_not_there_is_named(sql, asked):
    sql("CREATE TABLE here (id INT)")
    assert sql.refused(asked) == (1049, "Unknown database nowhere")
    assert sql("SELECT 1") == [(1,)]


def test_rows_for_a_table_of_a_database_that_is_not_there(sql):
    for asked in ("INSERT INTO nowhere.t VALUES (1)", "LOAD DATA INFILE '/no/file.csv' INTO TABLE nowhere.t"):
        assert sql.refused(asked) == (1146, "no such table nowhere.t")


def test_connections_are_listed_as_on_a_server(sql):
    """With the columns that conformance/questions has of a real one, so that a program finds what to KILL."""
    number, database = sql("SELECT connection_id(), database()")[0]
    asked = "SELECT node_id, command, info FROM information_schema.processlist WHERE conn_id = %s AND db = %s"
    [(node, command, info)] = sql(asked, number, database)
    assert node
    assert command == "COM_QUERY"
    assert "processlist" in info
    for statement in ("SHOW PROCESSLIST", "SHOW FULL PROCESSLIST"):
        [row] = [row for row in sql(statement) if row[1] == number]
        assert len(row) == 19
        assert row[6] == database


@pytest.mark.parametrize("name", ["auto_increment_increment", "@@session.auto_increment_offset"])
def test_rows_are_numbered_one_by_one(sql, name):
    assert "numbers rows one by one" in sql.refused(f"SET {name} = 10")[1]
    sql(f"SET {name} = 1")
    sql(f"SET {name} = DEFAULT")


def test_lock_tables_commits_what_is_defined_too(sql):
    """Server-facts 92."""
    sql("BEGIN")
    sql("CREATE TABLE t (id INT)")
    sql("INSERT INTO t VALUES (1)")
    sql("LOCK TABLES t WRITE")
    sql("ROLLBACK")
    assert sql("SELECT id FROM t") == [(1,)]
    sql("UNLOCK TABLES")


def test_line_ends_in_names(sql):
    r"""As a server shows them, which reads backslashes in names as well (server-facts 65)."""
    sql(
        "CREATE TABLE t (a INT COMMENT 'a ` b', `l\nm` VARCHAR(5) DEFAULT 'x', `t\tb` INT, `r\rq` INT, PRIMARY KEY (`l\nm`))"
    )
    assert sql("SHOW CREATE TABLE t")[0][1] == (
        "CREATE TABLE `t` (\n  `a` int DEFAULT NULL COMMENT 'a ` b',\n  `l\nm` varchar(5) NOT NULL DEFAULT 'x',\n"
        "  `t\tb` int DEFAULT NULL,\n  `r\rq` int DEFAULT NULL,\n  PRIMARY KEY (`l\nm`)\n)"
    )
    assert [row[0] for row in sql("DESC t")] == ["a", "l\nm", "t\tb", "r\rq"]
