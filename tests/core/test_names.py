"""Names of stages and snapshots, and the patterns that find them."""

import pytest

from matrixone_core.names import is_like


@pytest.mark.parametrize(
    ("pattern", "found"), [("a%", True), ("a_c", True), ("a\\_c", False), ("%C", False), ("%c", True), ("ab", False)]
)
def test_like(pattern, found):
    assert is_like("abc", pattern) is found
