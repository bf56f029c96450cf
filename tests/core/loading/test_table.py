"""Tables as SHOW CREATE TABLE describes them: odd names, comments, keys of every kind, views."""

import pytest
from script import Driver, Server

from matrixone_core.errors import PermissionDenied, ServerError, TableNotFound
from matrixone_core.loading.table import Kind, can_create_tables, fetch_table, parse_table

DEFINITION = """CREATE TABLE `odd` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT COMMENT 'its, number',
  `a``b` varchar(20) NOT NULL DEFAULT 'x, y' COMMENT 'PRIMARY KEY (`name`)',
  `Größe` decimal(10,2) DEFAULT NULL,
  `sum` int GENERATED ALWAYS AS (`id` + 1) STORED,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`a``b`,`Größe`),
  KEY `k` (`sum`),
  KEY idx_v USING ivfflat (`vec`) lists = 4  op_type 'vector_l2_ops',
  CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `other` (`id`) ON DELETE RESTRICT ON UPDATE RESTRICT
) COMMENT='not, a `column`'"""


def column_of(sql_type, more="DEFAULT NULL"):
    return parse_table(("t",), f"CREATE TABLE `t` (\n  `c` {sql_type} {more}\n)").columns[0]


def test_columns_and_keys_are_read_whatever_their_names_and_comments():
    table = parse_table(("d", "odd"), DEFINITION)
    assert [column.name for column in table.columns] == ["id", "a`b", "Größe", "sum"]
    assert table.keys == (("id",), ("a`b", "Größe"))
    assert table.settable == ("id", "a`b", "Größe")
    number, name, size, total = table.columns
    assert (number.auto_increment, number.nullable, number.sql_type) == (True, False, "BIGINT UNSIGNED")
    assert (name.has_default, name.nullable, name.sql_type) == (True, False, "VARCHAR(20)")
    assert (size.has_default, size.nullable, size.sql_type) == (False, True, "DECIMAL(10, 2)")
    assert total.generated


def test_names_with_line_ends_are_columns_like_others():
    names = ["new\nline", "car\rriage", "sep\u2028arator", "form\ffeed", "it's", 'say "x"']
    written = ",\n".join(f"  `{name}` int DEFAULT NULL COMMENT 'it''s\n  `none` int,\n'" for name in names)
    table = parse_table(("t",), f"CREATE TABLE `t` (\n{written},\n  UNIQUE KEY `u` (`new\nline`)\n)")
    assert [column.name for column in table.columns] == names
    assert table.keys == (("new\nline",),)


def test_a_column_that_cannot_be_read_is_not_left_out():
    with pytest.raises(ServerError, match=r"a column of 'd\.t' cannot be read"):
        parse_table(("d", "t"), "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `x`\n)")


def test_columns_are_found_in_capitals_or_not():
    table = parse_table(("d", "odd"), DEFINITION)
    assert table.column("GRÖSSE") is None
    assert table.column("größe").name == "Größe"
    assert table.column("none") is None


@pytest.mark.parametrize(
    ("sql_type", "kind"),
    [
        ("tinyint", Kind.INTEGER), ("int unsigned", Kind.INTEGER), ("bool", Kind.BOOLEAN), ("bit(3)", Kind.OTHER),
        ("decimal(5,1)", Kind.DECIMAL), ("float", Kind.FLOAT), ("double", Kind.FLOAT), ("date", Kind.DATE),
        ("datetime(6)", Kind.DATETIME), ("timestamp", Kind.TIMESTAMP), ("time", Kind.TIME), ("year", Kind.YEAR),
        ("char(3)", Kind.TEXT), ("text", Kind.TEXT), ("varbinary(3)", Kind.BYTES), ("blob", Kind.BYTES),
        ("enum('a','b')", Kind.ENUM), ("json", Kind.JSON), ("vecf32(3)", Kind.VECTOR), ("uuid", Kind.UUID),
        ("datalink", Kind.DATALINK), ("set('a','b')", Kind.OTHER), ("geometry", Kind.OTHER),
    ],
)  # fmt: skip
def test_what_a_column_holds(sql_type, kind):
    assert column_of(sql_type).kind is kind


@pytest.mark.parametrize("definition", ["CREATE VIEW `v` AS SELECT 1", "CREATE EXTERNAL TABLE `e` (\n)", ""])
def test_what_is_no_table(definition):
    with pytest.raises(
        TableNotFound, match=r"^'d\.v' is no table that rows can be loaded into; views take none: name a table$"
    ):
        parse_table(("d", "v"), definition)


def test_a_view_has_no_create_table_text():
    driver = Driver(Server({"SHOW CREATE TABLE `v`": [{"View": "v", "Create View": "CREATE VIEW `v` AS SELECT 1"}]}))
    with pytest.raises(TableNotFound, match="'v' is no table"):
        driver.run(fetch_table(("v",)))


def test_the_table_is_asked_for_each_time():
    texts = ([{"Create Table": DEFINITION}], [{"Create Table": "CREATE TABLE `odd` (\n  `x` int DEFAULT NULL\n)"}])
    driver = Driver(Server({"SHOW CREATE TABLE `d`.`odd`": texts}))
    assert len(driver.run(fetch_table(("d", "odd"))).columns) == 4
    assert len(driver.run(fetch_table(("d", "odd"))).columns) == 1


def test_who_may_not_drop_tables_cannot_create_them():
    assert Driver(Server({})).run(can_create_tables(("d", "t")))
    driver = Driver(Server({"DROP TABLE": PermissionDenied("no")}))
    assert not driver.run(can_create_tables(("d", "t")))
    assert driver.log == ["DROP TABLE IF EXISTS `d`.`matrixone_python_asks_for_the_right`"]
