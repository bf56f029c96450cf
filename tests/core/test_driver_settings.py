"""Settings of connections that programs bring."""

import pytest

from matrixone_core.driver_settings import autocommit_after, check_connect_arguments, check_statement
from matrixone_core.errors import InvalidArgument


@pytest.mark.parametrize("charset", ["utf8", "UTF8MB4", "utf8mb3", None])
def test_arguments_that_do_no_harm(charset):
    check_connect_arguments({"charset": charset, "use_unicode": True, "cursorclass": None, "defer_connect": False})
    check_connect_arguments({})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"charset": "latin1"}, "charset='latin1' must be 'utf8mb4'"), ({"charset": "gbk"}, "'gbk' must be 'utf8mb4'"),
        ({"cursorclass": dict}, "leave it out"), ({"use_unicode": False}, "use_unicode must not be False"),
        ({"use_unicode": 0}, "use_unicode must not"), ({"defer_connect": True}, "defer_connect must not be True"),
    ],
)  # fmt: skip
def test_arguments_with_which_replies_or_values_go_wrong(arguments, says):
    with pytest.raises(InvalidArgument, match=says):
        check_connect_arguments(arguments)


@pytest.mark.parametrize(
    "sql",
    [
        "SET sql_mode='NO_BACKSLASH_ESCAPES'", b"set session sql_mode = 'STRICT_TRANS_TABLES,no_backslash_escapes'",
        bytearray(b"SET sql_mode='NO_BACKSLASH_ESCAPES'"), "SELECT 1; SET @@sql_mode='NO_BACKSLASH_ESCAPES'", "/* x */ SET GLOBAL sql_mode='NO_BACKSLASH_ESCAPES'",
    ],
)  # fmt: skip
def test_the_mode_that_values_are_not_written_for_is_refused(sql):
    """The server sets no flag for it, so that a driver writes quotes in the other manner (server-facts 103)."""
    with pytest.raises(InvalidArgument, match="sql_mode must not have NO_BACKSLASH_ESCAPES"):
        check_statement(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SET sql_mode='ANSI_QUOTES'", "INSERT INTO notes VALUES ('SET sql_mode NO_BACKSLASH_ESCAPES')",
        b"SELECT '\xff'", bytearray(b"INSERT INTO t VALUES (1),(2)"), "SELECT 'NO_BACKSLASH_ESCAPES', '" + "x" * 2_000 + "'",
    ],
)  # fmt: skip
def test_other_statements_are_sent(sql):
    check_statement(sql)


@pytest.mark.parametrize(
    ("sql", "before", "after"),
    [
        ("SET autocommit=0, time_zone='+00:00'", True, False), ("SET autocommit=1", False, True),
        (b"SET AUTOCOMMIT = 0", True, False), ("set @@session.autocommit = OFF", True, False),
        ("SET SESSION autocommit := 'on'", False, True), ("SET autocommit=DEFAULT", False, True),
        ("SET autocommit=0, autocommit=1", True, True), ("SET @autocommit=0", True, True),
        ("SELECT @@autocommit", True, True), ("SELECT 'SET autocommit=1'", False, False), ("COMMIT", False, False),
        ("SET names utf8mb4", True, True), (bytearray(b"SET autocommit=1"), False, True),
    ],
)  # fmt: skip
def test_whether_each_statement_is_committed(sql, before, after):
    assert autocommit_after(sql, before) is after
