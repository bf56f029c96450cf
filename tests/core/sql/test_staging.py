"""Staging tables as SQL, and the rows that are read back."""

import pytest
from script import rows

from matrixone_core.fragments import Value
from matrixone_core.sql.staging import CreateStaging, RowNumbers, RowRange, SelectStaged, StagedRow


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (CreateStaging(("x",), (("b", "TEXT"),), numbered=True), "CREATE TABLE `x` (`matrixone_row` BIGINT AUTO_INCREMENT, `b` TEXT)"),
        (SelectStaged(("x",), ("a",), (("s.`a` = ", Value("1")), ("TRUE",)), numbered=True, limit=5, above=7),
         "SELECT s.`matrixone_row` AS n, hex(s.`a`) AS v0 FROM `x` s WHERE s.`matrixone_row` > 7 AND (s.`a` = '1' OR TRUE) ORDER BY s.`matrixone_row` LIMIT 5"),
        (SelectStaged(("x",), ("a",), (("TRUE",),), numbered=False, limit=5, numbers=("a",)),
         "SELECT NULL AS n, hex(CAST(s.`a` AS CHAR)) AS v0 FROM `x` s WHERE (TRUE) LIMIT 5"),
    ],
)  # fmt: skip
def test_statements(statement, sql):
    assert str(statement) == sql


def test_staged_rows_come_in_hexadecimal():
    question = SelectStaged(("x",), ("a", "b"), (("TRUE",),), numbered=True, limit=5)
    assert question.parse(rows({"n": "3", "v0": "41FF", "v1": None})) == (StagedRow(3, (b"A\xff", None)),)


def test_staged_rows_by_their_numbers():
    assert RowNumbers((3, 5)).condition() == "s.`matrixone_row` IN (3, 5)"
    assert RowRange(2, 9, (1, 4)).condition() == "s.`matrixone_row` BETWEEN 2 AND 9 AND s.`matrixone_row` NOT IN (4)"
    assert RowRange(2, 9, (1,)).condition() == "s.`matrixone_row` BETWEEN 2 AND 9"
