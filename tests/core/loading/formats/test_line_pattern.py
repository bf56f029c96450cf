"""Which files of JSON lines the server may read: their first line has each wanted column once, plainly."""

import re

import pytest

from matrixone_core.loading.formats.line_pattern import object_pattern
from matrixone_core.loading.table import parse_table

TABLE = parse_table(
    ("t",),
    "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `name` varchar(9) DEFAULT NULL,\n  `doc` json DEFAULT NULL,\n"
    "  `is_on` bool DEFAULT NULL\n)",
)


def matches(first, other, wanted=("id", "name")):
    found = object_pattern(first.encode() + b"\n", TABLE, wanted)
    return re.search(found.pattern, other) is not None


def test_each_line_has_the_keys_of_the_first_in_their_order():
    first = '{"name": "x", "id": 1}'
    assert object_pattern(b"\xef\xbb\xbf" + first.encode(), TABLE, ("id", None, "name")).keys == ("name", "id")
    assert matches(first, first)
    assert matches(first, ' { "name":"é \\u00e9 \\n","id" : -1.5e3 }\r')
    assert matches(first, '{"name": null, "id": "7"}')
    for other in (
        '{"id": 1, "name": "x"}', '{"name": "x"}', '{"name": "x", "id": 1, "more": 2}', '{"name": [1], "id": 1}',
        '{"name": "\\ud83d\\ude00", "id": 1}', '{"name": "x", "id": 1}{}', '{"name": "x", "id": true}', "",
    ):  # fmt: skip
        assert not matches(first, other), other


def test_what_a_value_may_be_depends_on_the_column():
    first = '{"doc": 1, "is_on": true, "more": "a"}'
    wanted = ("doc", "is_on")
    assert matches(first, '{"doc": 2, "is_on": false, "more": true}', wanted)
    assert not matches(first, '{"doc": "text", "is_on": true, "more": "a"}', wanted)


def test_keys_are_read_by_their_characters():
    found = object_pattern(b'{"id": 1, "a.b[$]": 2}', TABLE, ("id",))
    assert re.search(found.pattern, '{"id": 1, "a.b[$]": 2}')
    assert not re.search(found.pattern, '{"id": 1, "aXb[$]": 2}')


@pytest.mark.parametrize(
    "first",
    ["", "{", "[1, 2]", "7", '{"id": 1, "id": 2, "name": "x"}', '{"id": 1}', '{"ID": 1, "name": "x"}',
     '{"id": 1, "name": "x", "MORE": 1}'],
)  # fmt: skip
def test_a_first_line_that_proves_nothing(first):
    assert object_pattern(first.encode(), TABLE, ("id", "name")) is None
