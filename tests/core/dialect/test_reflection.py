"""What is read of tables, from texts and rows as a MatrixOne server gave them."""

import pytest
from pymysql.err import OperationalError
from sqlalchemy.dialects.mysql import BIGINT, INTEGER, VARCHAR
from sqlalchemy.exc import DBAPIError

from matrixone_core.dialect import MatrixOneDialect_pymysql
from matrixone_core.dialect import reflection as reading
from matrixone_core.dialect.reflection import Place


@pytest.fixture
def dialect():
    dialect = MatrixOneDialect_pymysql()
    dialect.server_version_info = (8, 0, 30)
    # what SQLAlchemy asks a server when it connects
    for name, value in {"connection_charset": "utf8mb4", "casing": 1, "needs_correct_for_88718_96365": False}.items():
        setattr(dialect, f"_{name}", value)
    return dialect


class Recorded:
    """A connection with a server's recorded answers, by a word of the question."""

    def __init__(self, shown, **rows):
        self.shown, self.rows, self.asked = shown, rows, []

    def exec_driver_sql(self, sql, execution_options=None):
        self.asked.append(sql)
        if isinstance(self.shown, Exception):
            raise DBAPIError(sql, (), self.shown)
        self.answer = [("t", self.shown)] if sql.startswith("SHOW") else [("d",)]
        return self

    def execute(self, question, parameters):
        self.asked.append(parameters)
        return self.rows[str(question).partition("information_schema.")[2].split()[0]]

    def one(self):
        return self.answer[0]

    def scalar(self):
        return self.answer[0][0]


SEARCHED = """CREATE TABLE `d` (
  `id` int NOT NULL,
  `title` varchar(50) DEFAULT NULL,
  `body` text DEFAULT NULL,
  `v` vecf32(3) DEFAULT NULL,
  `w` vecf32(3) DEFAULT NULL,
  `n` int DEFAULT NULL,
  PRIMARY KEY (`id`),
 FULLTEXT `fb`(`title`,`body`),
 FULLTEXT `fn`(`title`) WITH PARSER ngram,
 FULLTEXT `f4`(`body`) COMMENT 'op_type ''x'' async',
 FULLTEXT (`body`),
  KEY `ib` USING btree (`n`),
  KEY `iv` USING ivfflat (`v`) lists = 2  op_type 'vector_l2_ops'  async ,
  KEY `ih` USING hnsw (`w`) m = 48  ef_construction = 64  ef_search = 32  op_type 'vector_cosine_ops' ,
  KEY `pk` (`title`(10),`n`)
)"""


def test_indexes_with_their_kinds_and_parameters(dialect):
    found = dialect.get_indexes(Recorded(SEARCHED, columns=[]), "d")
    told = {index["name"]: (index["column_names"], index.get("dialect_options")) for index in found}
    assert told == {
        None: (["body"], {"matrixone_prefix": "FULLTEXT"}),
        "fb": (["title", "body"], {"matrixone_prefix": "FULLTEXT"}),
        "fn": (["title"], {"matrixone_prefix": "FULLTEXT", "matrixone_with_parser": "ngram"}),
        "f4": (["body"], {"matrixone_prefix": "FULLTEXT"}),
        "ib": (["n"], {"matrixone_using": "btree"}),
        "iv": (
            ["v"],
            {
                "matrixone_using": "ivfflat",
                "matrixone_lists": 2,
                "matrixone_op_type": "vector_l2_ops",
                "matrixone_async": True,
            },
        ),
        "ih": (
            ["w"],
            {
                "matrixone_using": "hnsw",
                "matrixone_m": 48,
                "matrixone_ef_construction": 64,
                "matrixone_ef_search": 32,
                "matrixone_op_type": "vector_cosine_ops",
            },
        ),
        "pk": (["title", "n"], {"matrixone_length": {"title": 10}}),
    }


WITH_BACKSLASHES = r"""CREATE TABLE `fk2` (
  `id` int NOT NULL,
  `cd` int DEFAULT NULL COMMENT 'it''s  here',
  `dv` varchar(9) DEFAULT 'a\b''''c',
  `at` timestamp(3) DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),
  PRIMARY KEY (`id`,`cd`),
  UNIQUE KEY `uk` (`cd`,`dv`),
  KEY `plain` (`dv`),
  CONSTRAINT `fk` FOREIGN KEY (`cd`) REFERENCES `fk1` (`id`) ON DELETE RESTRICT ON UPDATE RESTRICT
) COMMENT='tab''le  comment' partition by hash (`id`) partitions 4"""
COLUMNS = [
    ("id", "INT(32)", "NO", None, "", ""),
    ("c\\d", "INT(32)", "YES", None, "", "it''s \\ here"),
    ("dv", "VARCHAR(9)", "YES", r"'a\\b''c'", "", ""),
    ("at", "TIMESTAMP(3)", "YES", "current_timestamp(3)", "", ""),
    ("lost\nline", "BIGINT UNSIGNED(64)", "NO", None, "auto_increment", ""),
    ("__mo_cpkey_col", "VARCHAR(65535)", "NO", None, "", ""),
]
STATISTICS = [
    ("PRIMARY", "id", 0, ""), ("PRIMARY", "c\\d", 0, ""), ("u\\k", "c\\d", 0, ""), ("u\\k", "dv", 0, ""),
    ("plain", "hidden", 1, ""), ("plain", "dv", 1, ""), ("lost\n", "dv", 0, ""), ("own", "id", 1, ""),
]  # fmt: skip


@pytest.fixture
def connection():
    return Recorded(
        WITH_BACKSLASHES,
        columns=COLUMNS,
        statistics=STATISTICS,
        referential_constraints=[("f\\k", "f\\k1")],
        tables=[("tab''le \\ comment",)],
    )


def test_what_show_create_table_loses_comes_from_information_schema(dialect, connection):
    columns = dialect.get_columns(connection, "FK2")
    assert [column["name"] for column in columns] == ["id", "c\\d", "dv", "at", "lost\nline"]
    assert connection.asked[:3] == ["SELECT DATABASE()", "SHOW CREATE TABLE `FK2`", {"schema": "d", "name": "fk2"}]
    assert columns[1]["comment"] == "it's \\ here"
    assert [column["default"] for column in columns[2:]] == [
        r"'a\\b''c'",
        "current_timestamp(3) ON UPDATE current_timestamp(3)",
        None,
    ]
    lost = columns[-1]
    assert isinstance(lost["type"], BIGINT)
    assert (lost["nullable"], lost["autoincrement"], lost["type"].unsigned) == (False, True, True)
    assert dialect.get_table_comment(connection, "fk2") == {"text": "tab'le \\ comment"}
    assert dialect.get_table_options(connection, "fk2") == {"matrixone_partition_by": "hash (`id`) partitions 4"}


def test_keys_have_their_columns_from_statistics(dialect, connection):
    assert dialect.get_pk_constraint(connection, "fk2")["constrained_columns"] == ["id", "c\\d"]
    unique = dialect.get_unique_constraints(connection, "fk2")
    assert [(key["name"], key["column_names"]) for key in unique] == [("lost\n", ["dv"]), ("u\\k", ["c\\d", "dv"])]
    plain = [index for index in dialect.get_indexes(connection, "fk2") if not index["unique"]]
    assert [(index["name"], index["column_names"]) for index in plain] == [("plain", ["dv"])]
    [key] = dialect.get_foreign_keys(connection, "fk2", schema="d")
    assert (key["name"], key["constrained_columns"], key["referred_table"]) == ("f\\k", ["c\\d"], "f\\k1")


def test_a_foreign_key_that_information_schema_does_not_list_is_as_it_is_shown(dialect, connection):
    connection.rows["referential_constraints"] = []
    [key] = dialect.get_foreign_keys(connection, "fk2", schema="d")
    assert (key["name"], key["constrained_columns"], key["referred_table"]) == ("fk", ["c\\d"], "fk1")


def test_without_information_schema_a_table_is_as_it_is_shown(dialect, connection):
    connection.rows |= {"columns": [], "tables": []}
    assert [column["name"] for column in dialect.get_columns(connection, "fk2")] == ["id", "cd", "dv", "at"]
    assert dialect.get_table_comment(connection, "fk2") == {"text": "tab'le  comment"}


def test_a_temporary_table_is_not_taken_for_another_of_its_name(dialect, connection):
    connection.shown = "CREATE TEMPORARY TABLE `tt` (\n  `a` int NOT NULL,\n  PRIMARY KEY (`a`)\n)"
    assert [column["name"] for column in dialect.get_columns(connection, "tt")] == ["a"]
    assert dialect.get_table_comment(connection, "tt") == {"text": None}


def test_a_name_with_a_double_quote_is_read_from_information_schema_alone(dialect, connection):
    connection.rows["statistics"] = [*STATISTICS, ("ft", "dv", 1, "fulltext"), ("", "dv", 1, "fulltext")]
    names = [column["name"] for column in dialect.get_columns(connection, 'a"b')]
    assert names == ["id", "c\\d", "dv", "at", "lost\nline"]
    assert dialect.get_columns(connection, 'a"b')[2]["default"] == r"'a\\b''c'"
    assert dialect.get_pk_constraint(connection, 'a"b')["constrained_columns"] == ["id", "c\\d"]
    found = {index["name"]: index.get("dialect_options") for index in dialect.get_indexes(connection, 'a"b')}
    fulltext = {"matrixone_prefix": "FULLTEXT"}
    assert found == {"plain": None, "lost\n": None, "own": None, "u\\k": None, "ft": fulltext}
    assert dialect.get_table_comment(connection, 'a"b') == {"text": "tab'le \\ comment"}
    assert not any(str(sql).startswith("SHOW") for sql in connection.asked)


def test_names_with_back_quotes(dialect, connection):
    connection.rows["columns"] = []
    connection.shown = """CREATE TABLE `t` (
  `a``b` int NOT NULL,
  PRIMARY KEY (`a``b`),
  KEY `k``k` (`a``b`),
  CONSTRAINT `f``k` FOREIGN KEY (`a``b`) REFERENCES `u` (`x``y`) ON DELETE RESTRICT ON UPDATE RESTRICT
)"""
    assert [column["name"] for column in dialect.get_columns(connection, "t")] == ["a`b"]
    assert dialect.get_pk_constraint(connection, "t")["constrained_columns"] == ["a`b"]
    assert [(one["name"], one["column_names"]) for one in dialect.get_indexes(connection, "t")] == [("k`k", ["a`b"])]
    [key] = dialect.get_foreign_keys(connection, "t", schema="d")
    assert (key["name"], key["constrained_columns"], key["referred_columns"]) == ("f`k", ["a`b"], ["x`y"])


def test_views(dialect, connection):
    connection.shown = "create view `v'w` as select id, s from `bs`"
    connection.rows["columns"] = [("id", "INT(32)", "NO", None, "", ""), ("s", "VARCHAR(5)", "YES", "a'b", "", "")]
    first, second = dialect.get_columns(connection, "v'w")
    assert (first["name"], type(first["type"]), first["nullable"]) == ("id", INTEGER, False)
    assert (second["name"], type(second["type"]), second["default"]) == ("s", VARCHAR, None)
    assert dialect.get_view_definition(connection, "v'w") == connection.shown


@pytest.mark.parametrize(
    ("shown", "listed", "given"),
    [
        ("it's", "it''s", "it's"),
        ("a''b", "a''''b", "a''b"),
        ("a''b \\ c", "a''b \\ c", "a''b \\ c"),
        ("a'b  c", "a''b \\ c", "a'b \\ c"),
        (None, "it''s", "it's"),
        (None, "", None),
    ],
)
def test_comments(shown, listed, given):
    assert reading.comment_of(shown, listed) == given


@pytest.mark.parametrize(("code", "found"), [(1146, False), (1049, False), (1205, None)])
def test_only_a_table_or_a_database_that_is_not_there_is_an_answer(dialect, code, found, monkeypatch):
    connection = Recorded(OperationalError(code, "words"))
    # it takes SQLAlchemy's own connections alone
    monkeypatch.setattr(dialect, "_ensure_has_table_connection", lambda _: None)
    if found is None:
        with pytest.raises(DBAPIError, match="1205"):
            dialect.has_table(connection, "t")
    else:
        assert dialect.has_table(connection, "t") is found


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("VARCHAR(10)", "varchar(10)"),
        ("INT(32)", "int"),
        ("BIGINT UNSIGNED(64)", "bigint unsigned"),
        ("bigint(20) unsigned", "bigint unsigned"),
        ("TEXT(0)", "text"),
        ("DATETIME(6)", "datetime(6)"),
        ("ENUM('A','b')", "ENUM('A','b')"),
    ],
)
def test_types_of_information_schema(told, meant):
    assert reading.as_in_tables(told) == meant


def test_a_place_is_asked_with_bound_values():
    connection = Recorded("", columns=[1])
    assert Place("d", "it's").ask(connection, reading.COLUMNS) == [1]
    assert connection.asked == [{"schema": "d", "name": "it's"}]


ITEMS_AND_LINES = """CREATE TABLE `t` (
  `e` enum('r','it''s','backs') DEFAULT NULL COMMENT 'two
  `lines`
)',
  `s` set('','x') DEFAULT 'a
b',
  `x` int DEFAULT (2 * (3 + length('a)b'))),
  `y` int DEFAULT (1 COMMENT 'one',
  UNIQUE KEY `u
k` (`x`),
  CONSTRAINT `c``k` CHECK (`e` <> 'a
b')
) COMMENT='two
lines'"""


def test_line_ends_within_quotes_parentheses_and_items(dialect):
    columns = [
        ("e", r"ENUM('r','it's','back\s')", "YES", None, "", "two\n  `lines`\n)"),
        ("s", "SET('','x')", "YES", "'a\nb'", "", ""),
        ("x", "INT(32)", "YES", "(2 * (3 + length('a)b')))", "", ""),
        ("y", "INT(32)", "YES", None, "", "one"),
    ]
    recorded = Recorded(ITEMS_AND_LINES, columns=columns, statistics=[], tables=[])
    found = {column["name"]: column for column in dialect.get_columns(recorded, "t")}
    assert found["e"]["type"].enums == ["r", "it's", "back\\s"]
    assert found["e"]["comment"] == "two\n  `lines`\n)"
    assert found["s"]["type"].values == ("", "x")
    assert found["s"]["default"] == "'a\nb'"
    assert found["x"]["default"] == "(2 * (3 + length('a)b')))"
    assert found["y"]["default"].startswith("(1")
    assert [index["name"] for index in dialect.get_indexes(recorded, "t")] == ["u\nk"]
    assert dialect.get_check_constraints(recorded, "t") == [{"name": "c`k", "sqltext": "`e` <> 'a\nb'"}]
    assert dialect.get_table_comment(recorded, "t")["text"] == "two\nlines"
    shown = Recorded(ITEMS_AND_LINES, columns=[], statistics=[], tables=[])  # of another account
    assert dialect.get_columns(shown, "t")[0]["comment"] == "two\n  `lines`\n)"


def test_names_of_indexes_are_found_in_any_case(dialect, monkeypatch):
    recorded = Recorded(SEARCHED, columns=[])
    monkeypatch.setattr(dialect, "_ensure_has_table_connection", lambda connection: None)
    assert dialect.has_index(recorded, "d", "IB")
    assert not dialect.has_index(recorded, "d", "none")
    assert not dialect.has_index(Recorded(OperationalError(1146, "no such table d")), "d", "ib")
