"""What is asked of staged rows: values that the server would change silently, and rows that it may refuse."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading_values import file, request, table

from matrixone_core.fragments import Value, render_masked
from matrixone_core.loading.mapping import map_columns
from matrixone_core.loading.row_checks import UTF8_IN_HEX, doubtful_rows, plain_value, silent_changes
from matrixone_core.sql.load import Csv, Parquet


def mapping_of(sql_type, more="DEFAULT NULL", form=Csv()):  # noqa: B008  # a frozen value
    return map_columns(request(), table(f"`c` {sql_type} {more}"), file(("c",), form))


def judge(sql_type, value, more="DEFAULT NULL"):
    """Whether a value is refused, and why."""
    reasons = [change.reason(value) for change in silent_changes(mapping_of(sql_type, more))]
    return next((reason for reason in reasons if reason), None)


@pytest.mark.parametrize(
    ("sql_type", "more", "value", "reason"),
    [
        ("text", "", b"a\xff", "byte 0xff is not UTF-8"), ("json", "", b"\xe9", "byte 0xe9 is not UTF-8"),
        ("enum('a')", "", b"\xc3", "byte 0xc3 is not UTF-8"),
        ("double", "", b"1x", "this is no number"), ("float", "", b"1e39", "beyond what the column can store"),
        ("double", "", b"1e999", "beyond what the column can store"),
        ("bigint", "NOT NULL AUTO_INCREMENT", b"0", "the server would number this row"),
        ("year", "", b"1900", "no year from 1901 to 2155"), ("year", "", b"x", "no year"), ("year", "", b"199", "no year"),
        ("date", "", b"1/2/24", "a year of four digits"), ("datetime", "", b"24-01-01", "a year of four digits"),
        ("timestamp", "", b"\xff", "a year of four digits"),
        ("datalink", "", b"abc", "must be a URL such as"), ("datalink", "", b"http://a/b", "must be a URL"),
        ("datalink", "", b"stage:///x", "must be a URL"), ("datalink", "", b"file://a:port/x", "must be a URL"),
        ("datalink", "", b"file:///%zz", "must be a URL"), ("datalink", "", b"file:///a\nb", "must be a URL"),
        ("datalink", "", b"file:///x?offset=-1", "must be a URL"), ("datalink", "", b"file:///\xe9", "is not UTF-8"),
    ],
)  # fmt: skip
def test_what_the_server_would_change_silently(sql_type, more, value, reason):
    assert reason in judge(sql_type, value, more or "DEFAULT NULL")


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [
        ("text", "é😀".encode()), ("double", b""), ("double", b" -1.5e3 "), ("double", b".5"), ("double", b"nan"), ("float", b"-Infinity"),
        ("float", b"3.4e38"), ("double", b"1e300"), ("year", b"1901"), ("year", b"2155"), ("year", b"0"), ("year", b"99"),
        ("date", b""), ("date", b"2024-12-31"), ("datetime(6)", b" 2024-12-31T00:00:00"),
        ("datalink", b""), ("datalink", b"file:///tmp/x"), ("datalink", b"FILE:///a b%20c"), ("datalink", b"hdfs://a-1/b"),
        ("datalink", "stage://imports/é.csv?offset=1&size=2".encode()), ("datalink", b"stage://imports"),
    ],
)  # fmt: skip
def test_what_the_server_stores_as_it_is(sql_type, value):
    assert judge(sql_type, value) is None


def test_a_text_that_means_null_is_no_value_that_could_be_changed():
    """The server's question leaves such rows out, but one may be found because of another column's value."""
    mapping = map_columns(request(null_values=("-", "n/a")), table("`c` double DEFAULT NULL"), file(("c",)))
    number, size = silent_changes(mapping)
    assert render_masked(number.condition).startswith("s.`f0` NOT IN ('-', 'n/a') AND (s.`f0` <> '' AND ")
    assert [number.reason(text) for text in (b"-", b"n/a")] == [None, None]
    assert "this is no number" in number.reason(b"--")
    assert size.reason(b"n/a") is None
    assert "beyond what the column can store" in size.reason(b"1e999")


def test_what_an_inferred_type_would_not_keep():
    """The first rows suggested a type; a later value that it keeps as it is fits, and one that it would round does not."""
    inferred = table("`c` decimal(4,2) DEFAULT NULL")
    columns = tuple(replace(column, lossless="[0-9]{1,2}[.][0-9]{2}") for column in inferred.columns)
    [change] = silent_changes(map_columns(request(), replace(inferred, columns=columns), file(("c",))))
    assert [change.reason(text) for text in (b"12.50", b"", None)] == [None, None, None]
    assert change.reason(b"12.505") == (
        "the first rows suggested DECIMAL(4, 2), which would not keep this as it is; dtype={'c': 'TEXT'} does"
    )


@pytest.mark.parametrize("sql_type", ["int", "decimal(5,2)", "bool", "varbinary(3)", "vecf32(2)", "uuid", "time"])
def test_columns_of_which_the_server_judges_every_value(sql_type):
    assert silent_changes(mapping_of(sql_type)) == ()


def test_dates_that_come_with_a_type_need_no_check():
    mapping = mapping_of("datetime(6)", form=Parquet())
    assert silent_changes(mapping) == ()
    assert doubtful_rows(mapping) == ()


def test_a_field_that_only_expressions_read_needs_no_check():
    wanted = request(set={"c": "upper(x)"})
    mapping = map_columns(wanted, table("`c` text DEFAULT NULL"), file(("x",)))
    assert silent_changes(mapping) == doubtful_rows(mapping) == ()


def conditions(sql_type, more="DEFAULT NULL"):
    return [render_masked(condition) for condition in doubtful_rows(mapping_of(sql_type, more))]


def test_questions_in_sql():
    assert conditions("int") == ["s.`f0` <> '' AND NOT (s.`f0` REGEXP '^(-?[0-9]{1,9})$')"]
    assert conditions("varchar(9)") == ["char_length(s.`f0`) > 9", "length(lower(s.`f0`)) <> length(s.`f0`)"]
    assert conditions("varbinary(9)", "NOT NULL") == ["length(s.`f0`) > 9", "(s.`f0` IS NULL)"]
    assert conditions("uuid", "NOT NULL")[1:] == ["(s.`f0` IS NULL OR s.`f0` = '')"]
    assert conditions("int", "NOT NULL AUTO_INCREMENT")[1:] == [
        "s.`f0` REGEXP '^[ \\\\t]*[-+]?0+([xXbB]0+)?[ \\\\t]*$'"
    ]
    assert conditions("geometry") == []
    [text] = silent_changes(mapping_of("text"))
    assert render_masked(text.exact) == f"{render_masked(text.condition)} AND NOT (hex(s.`f0`) REGEXP '{UTF8_IN_HEX}')"


def is_found(change, text):
    """Whether a condition finds a text, as the server would say."""
    *_, pattern = (part.value for part in change.condition if isinstance(part, Value))
    matched = re.search(pattern, text) is not None
    return not matched and text != "" if "NOT (" in str(change.condition) else matched


@given(st.from_regex(r"[ ]?[-+]?0{0,2}[0-9]{0,45}[.]?[0-9]{0,3}([eE][-+]?0{0,2}[0-9]{1,3})?", fullmatch=True))
@pytest.mark.parametrize("sql_type", ["float", "double"])
def test_numbers_that_are_refused_are_found(sql_type, text):
    for change in silent_changes(mapping_of(sql_type)):
        assert is_found(change, text) or change.reason(text.encode()) is None


def test_years_that_are_refused_are_found_and_no_others():
    [change] = silent_changes(mapping_of("year"))
    for number in range(3000):
        assert is_found(change, str(number)) == (change.reason(str(number).encode()) is not None)


@pytest.mark.parametrize("number", ["1e37", "1.9e30", "3e+037", "12345678901234567890123456789", "0.00001e5"])
def test_numbers_of_a_usual_size_are_not_found(number):
    assert not any(is_found(change, number) for change in silent_changes(mapping_of("float")))
    assert not any(is_found(change, number) for change in silent_changes(mapping_of("double")))


@pytest.mark.parametrize("value", ["", "aé", "😀", "\x00", "\u07ff\u0800\uffff\U0010ffff"])
def test_utf_8_in_hexadecimal(value):
    assert re.search(UTF8_IN_HEX, value.encode().hex().upper())
    assert not re.search(UTF8_IN_HEX, (value.encode() + b"\xff").hex().upper())


@pytest.mark.parametrize(
    ("sql_type", "plain", "doubtful"),
    [
        ("tinyint", ["0", "-99"], ["128", "1.5", "x", "+1"]), ("tinyint unsigned", ["99"], ["-1"]),
        ("bigint", ["-" + "9" * 18], ["9" * 19]), ("decimal(5,2)", ["123", "-123.4", "123.45"], ["1234", "1.234", ".5"]),
        ("decimal(5)", ["12345"], ["1.0"]), ("decimal(2,2)", [".12", "-0.1"], ["1", "1.1"]),
        ("double", ["1", "-1.5"], ["1e3", "x"]), ("bool", ["0", "true"], ["2", "yes"]),
        ("date", ["2024-02-28"], ["2024-02-29", "2024-2-1", "24-01-01"]),
        ("datetime", ["2024-02-28", "2024-02-28T23:59:59.5"], ["2024-02-28 24:00:00"]),
        ("timestamp", ["2024-02-28 01:02:03"], ["1960-01-01 00:00:00", "2024-02-28"]), ("time", ["23:59:59"], ["1:2"]),
        ("year", ["2024", "7"], ["1900"]), ("uuid", ["00000000-0000-0000-0000-000000000000"], ["x"]),
        ("vecf32(2)", ["[1,-2.5]", "[1, 2]"], ["[1]", "[1,2,3]", "1,2"]),
        ("enum('a','b')", ["a", "b"], ["c"]),
    ],
)  # fmt: skip
def test_values_that_are_certainly_good(sql_type, plain, doubtful):
    pattern = plain_value(mapping_of(sql_type).fields[0].column)
    assert [re.fullmatch(pattern, value) is not None for value in plain] == [True] * len(plain)
    assert [re.fullmatch(pattern, value) is not None for value in doubtful] == [False] * len(doubtful)


@pytest.mark.parametrize("sql_type", ["text", "varbinary(3)", "json", "datalink", "geometry"])
def test_columns_whose_values_no_pattern_judges(sql_type):
    assert plain_value(mapping_of(sql_type).fields[0].column) is None


def test_texts_that_were_decoded_are_not_looked_at_again():
    assert silent_changes(replace(mapping_of("text"), is_utf8=True)) == ()
    assert len(silent_changes(replace(mapping_of("double"), is_utf8=True))) == 2


@pytest.mark.parametrize(
    ("sql_type", "found"),
    [
        ("int DEFAULT NULL", ["NOT (s.`c` BETWEEN -999999999 AND 999999999)"]),
        ("tinyint unsigned NOT NULL", ["NOT (s.`c` BETWEEN 0 AND 99)", "s.`c` IS NULL"]),
    ],
)
def test_whole_numbers_that_may_be_refused(sql_type, found):
    whole = file(("c",), Parquet(), whole=frozenset({"c"}))
    mapping = map_columns(request("parquet"), table(f"`c` {sql_type}"), whole)
    assert [render_masked(condition) for condition in doubtful_rows(mapping)] == found
