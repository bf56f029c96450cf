"""Definitions of tables as SQL."""

import pytest

from matrixone_core.sql.ddl import AddColumns, CreateTable, DropTable, Truncate


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (CreateTable(("d", "t"), (("a", "INT"), ("b", "TEXT")), ("a", "b"), if_not_exists=True),
         "CREATE TABLE IF NOT EXISTS `d`.`t` (\n  `a` INT,\n  `b` TEXT,\n  PRIMARY KEY (`a`, `b`)\n)"),
        (AddColumns(("t",), (("c", "INT"), ("d", "TEXT"))), "ALTER TABLE `t` ADD COLUMN `c` INT, ADD COLUMN `d` TEXT"),
        (Truncate(("d", "t")), "TRUNCATE TABLE `d`.`t`"),
        (Truncate(("d", "it's")), "TRUNCATE TABLE `d`.`it's`"),
        (Truncate(("d", 't"x')), 'DELETE FROM `d`.`t"x` WHERE TRUE'),
        (Truncate(("d", "t\\x")), "DELETE FROM `d`.`t\\x` WHERE TRUE"),
        (Truncate(("d`e", "t")), "DELETE FROM `d``e`.`t` WHERE TRUE"),
        (DropTable(("x",), if_exists=False), "DROP TABLE `x`"),
        (DropTable(("x",)), "DROP TABLE IF EXISTS `x`"),
    ],
)  # fmt: skip
def test_statements(statement, sql):
    assert str(statement) == sql
