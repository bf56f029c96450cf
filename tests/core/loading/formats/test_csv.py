"""CSV data row by row: as Python reads it, whatever the pieces; escapes, NULL, line ends, lines passed on unread."""

import csv as python_csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matrixone_core.loading.formats import csv
from matrixone_core.loading.formats.csv import CANONICAL, CsvReader, Field, LineIndex, RegularLines, Row, to_csv
from matrixone_core.sql.load import Csv

ESCAPED = Csv(escape="\\")


def read(data, form=Csv(), size=None, **options):  # noqa: B008  # a frozen value
    """What a reader finds in data that comes in pieces of so many bytes."""
    reader, size = CsvReader(form, **options), size or len(data) or 1
    found = [each for at in range(0, len(data), size) for each in reader.feed(data[at : at + size])]
    return [*found, *reader.finish()]


def texts(data, form=Csv(), size=None, **options):  # noqa: B008  # a frozen value
    """The texts of each row, or why it cannot be read."""
    return [row.broken or [field.text for field in row.fields] for row in read(data, form, size, **options)]


@pytest.fixture(params=[1, 2, 7, None])
def size(request):
    return request.param


# -- what rows are -----------------------------------------------------------------------------------------------------


def test_rows_have_the_line_that_they_begin_in(size):
    data = b'id,name\r\n\r\n1,"Ada\nL."\n2,"say ""hi"""\n\n3,x'
    assert [(row.line, row.raw) for row in read(data, Csv(ignore_lines=1), size)] == [
        (3, '1,"Ada\nL."'), (5, '2,"say ""hi"""'), (7, "3,x"),
    ]  # fmt: skip
    assert texts(data, Csv(ignore_lines=1), size) == [["1", "Ada\nL."], ["2", 'say "hi"'], ["3", "x"]]


def test_rows_are_counted_where_lines_mean_nothing():
    assert [row.line for row in read(b'"a\nb"\nc\n', unit="row")] == [1, 2]


def test_null_is_a_mark_or_a_word_without_quotes():
    [row] = read(b'\\N,"\\N",NULL,"NULL",,""\n')
    assert row.fields == (
        Field(None, False), Field(None, True), Field(None, False), Field("NULL", True), Field("", False),
        Field("", True),
    )  # fmt: skip


def test_an_escape_character_takes_the_meaning_from_the_next_one(size):
    assert texts(b'a\\,b,"c\\"d","e""f",\\t\\\\,\\x\n', ESCAPED, size) == [["a,b", 'c"d', 'e"f', "\t\\", "x"]]
    assert texts(b"a\\,b\n", size=size) == [["a\\", "b"]]


def test_a_line_end_that_is_escaped_ends_no_row_whatever_the_pieces(size):
    assert texts(b"1,a\\\nb\n2,c\n", ESCAPED, size) == [["1", "a\nb"], ["2", "c"]]
    assert texts(b"1,a\\\n", ESCAPED, size) == [["1", "a\n"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_is_said(end, size):
    form = Csv(line_terminator=end, ignore_lines=1)
    data = f'x{end}1,"a{end}b"{end}{end}2,c'.encode()
    assert texts(data, form, size) == [["1", f"a{end}b"], ["2", "c"]]
    assert [row.line for row in read(data, form, size)] == [2, 5]


def test_a_delimiter_that_ends_each_line_begins_no_field(size):
    form = Csv(delimiter="||", trailing_delimiter=True)
    assert texts(b'1||a||\n2||""||\n||\n3||""\n', form, size) == [["1", "a"], ["2", ""], [""], ["3"]]
    rows = read(b"1||a||\n2||b\n3||c||x\n4\n5||", form, size)
    assert [row.broken and row.broken.partition(";")[0] for row in rows] == [
        None, *["the line does not end with '||'"] * 3, None,
    ]  # fmt: skip


def test_bytes_that_are_no_text_stay_what_they_are():
    [row] = read(b"\xff,x\n")
    assert row.fields[0].text.encode("utf-8", "surrogateescape") == b"\xff"


@pytest.mark.parametrize(
    ("data", "form", "why"),
    [
        (b'1,"a"b\n2,c\n', Csv(), "after the closing quote comes neither ',' nor the line's end"),
        (b'2,c\n1,"a"b', Csv(), "after the closing quote comes neither ',' nor the line's end"),
        (b'2,c\n1,"a\n', Csv(), "a quote is opened and not closed"),
        (b"2,c\r\n1,a\nb\r\n", Csv(line_terminator="\r\n"), "another line end in it, or ends with the escape"),
        (b"2,c\n1,a\\", ESCAPED, "another line end in it, or ends with the escape"),
    ],
)
def test_rows_that_cannot_be_read_say_why_and_leave_the_others(data, form, why, size):
    found = read(data, form, size)
    assert sorted((row.fields, (row.broken or "").endswith(why) or why in (row.broken or "")) for row in found) == [
        ((), True), ((Field("2", False), Field("c", False)), False),
    ]  # fmt: skip


def test_a_quote_that_is_not_closed_holds_no_more_than_a_limit(monkeypatch):
    monkeypatch.setattr(csv, "MAX_ROW_BYTES", 10)
    reader = CsvReader(Csv())
    assert list(reader.feed(b'"1\n')) == []
    [row] = reader.feed(b"2,3\n4,5,6\n")
    assert (row.broken, row.raw) == ("a quote is opened and not closed", '"1\n2,3\n4,5,6\n')
    assert [row.line for row in reader.feed(b"7\n")] == [4]


# -- against Python's own reader ---------------------------------------------------------------------------------------

FIELDS = st.text(st.sampled_from('ab,;"\n\r \\é😀'), max_size=6)
ROWS = st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=8)


@given(ROWS, st.integers(1, 30), st.sampled_from(["\n", "\r\n"]))
def test_what_python_writes_is_read_as_it_was(rows, size, end):
    written = io.StringIO(newline="")
    python_csv.writer(written, lineterminator=end, quoting=python_csv.QUOTE_ALL).writerows(rows)
    assert texts(written.getvalue().encode(), size=size) == rows


@given(ROWS, st.integers(1, 30))
def test_what_is_read_is_what_python_reads(rows, size):
    written = io.StringIO(newline="")
    rows = [[text.replace("\r", "") for text in row] for row in rows]  # alone it ends a line to Python
    rows = [row for row in rows if row == [""] or "".join(row).strip() or len(row) > 1]  # white space is no row here
    python_csv.writer(written, lineterminator="\n").writerows(rows)
    expected = [row for row in python_csv.reader(io.StringIO(written.getvalue(), newline="")) if row]
    assert texts(written.getvalue().encode(), size=size) == expected


@given(ROWS, st.integers(1, 30))
def test_the_canonical_form_is_read_as_it_was_written(rows, size):
    fields = [[Field(text or None, True) for text in row] for row in rows]
    assert texts(to_csv(fields), CANONICAL, size) == [[field.text for field in row] for row in fields]


@given(
    st.text(st.sampled_from('a1,"\n\r\\'), max_size=40),
    st.integers(1, 9),
    st.sampled_from([Csv(), ESCAPED, Csv(line_terminator="\r\n")]),
)
def test_the_pieces_do_not_matter_whatever_the_data(data, size, form):
    assert read(data.encode(), form, size) == read(data.encode(), form)


# -- lines that are passed on unread -----------------------------------------------------------------------------------


def test_lines_that_are_plainly_rows_are_passed_on_together():
    data = b'1,a\r\n2,"b c"\n3,"d\ne"\n4\n5,f\n'
    assert [each if isinstance(each, RegularLines) else each.line for each in read(data, fields=2)] == [
        RegularLines(1, b'1,a\r\n2,"b c"\n', 2), 3, 5, RegularLines(6, b"5,f\n", 1),
    ]  # fmt: skip


def test_lines_with_a_delimiter_at_their_end_are_regular_too():
    form = Csv(trailing_delimiter=True)
    assert read(b"1,a,\n2,b,\n", form, fields=2) == [RegularLines(1, b"1,a,\n2,b,\n", 2)]


def test_no_line_is_regular_where_the_delimiter_is_long():
    assert all(isinstance(each, Row) for each in read(b"1||a\n", Csv(delimiter="||"), fields=2))


def test_regular_lines_have_fields_that_are_plain():
    data = '1,éb\n"22","abé"\nx,a\n3,abcd\n4,\n'.encode() + b'5,\xe9\n6,"\xff"\n'
    found = read(data, fields=2, plain=["[0-9]+", 3])
    assert [(each.line, isinstance(each, RegularLines)) for each in found] == [
        (1, True), (3, False), (4, False), (5, True), (6, False), (7, False),
    ]  # fmt: skip
    assert len(read(data, fields=2, plain=["[0-9]+", None])) == 5


def test_one_expression_is_given_a_part_of_the_data(monkeypatch):
    monkeypatch.setattr(csv, "MATCH_BYTES", 8)
    assert [each.count for each in read(b"1,a\n2,b\n3,c\n", fields=2)] == [2, 1]


@given(ROWS, st.integers(1, 30))
def test_regular_lines_are_what_they_would_be_read_as(rows, size):
    written = io.StringIO(newline="")
    python_csv.writer(written, lineterminator="\n").writerows(rows)
    data = written.getvalue().encode()
    unread = read(data, size=size, fields=2)
    again = [
        row for each in unread for row in (texts(each.raw) if isinstance(each, RegularLines) else [_texts_of(each)])
    ]
    assert again == texts(data)
    assert all(len(row) == 2 for each in unread if isinstance(each, RegularLines) for row in texts(each.raw))


def _texts_of(row):
    return [field.text for field in row.fields]


# -- lines of rows -----------------------------------------------------------------------------------------------------


def test_the_line_of_each_row_by_its_number():
    lines = LineIndex()
    lines.add(2, 3)
    lines.add(5)
    lines.add(9, 2)
    assert [lines.line(number) for number in range(8)] == [None, 2, 3, 4, 5, 9, 10, None]
    assert lines.rows == 6


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(1, 4)), min_size=1))
@example([(0, 1), (-1, 1), (-1, 1), (-1, 1), (-1, 2), (0, 1)])
def test_lines_are_as_if_each_was_noted(steps):
    lines, expected, line = LineIndex(), [], 1
    for gap, count in steps:
        line = max(line + gap, 1)  # a line back: the row shares its line with the one before
        lines.add(line, count)
        expected += range(line, line + count)
        line += count
    assert [lines.line(number + 1) for number in range(len(expected))] == expected


def test_rows_of_one_line():
    """A JSON array may have all of its rows in one line."""
    lines = LineIndex()
    for _ in range(3):
        lines.add(1)
    assert [lines.line(number) for number in (1, 2, 3)] == [1, 1, 1]
