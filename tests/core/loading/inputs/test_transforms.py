"""What happens to data on its way: decoded, split into rows, written again, bad rows refused or collected."""

import gzip

import pytest

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.formats.csv import CsvReader
from matrixone_core.loading.inputs.transforms import Decoder, Transform
from matrixone_core.loading.options import Options
from matrixone_core.loading.rejects import MAX_REPORTED, Rejects
from matrixone_core.results import BadRow
from matrixone_core.sql.load import Csv

SKIP = Options(skip_errors=True)


def decode(data, compression="none", encoding="utf-8", size=3):
    decoder = Decoder("d.csv", compression, encoding)
    return b"".join(decoder.feed(data[at : at + size]) for at in range(0, len(data), size)) + decoder.feed(None)


def transform(data, form=Csv(), *, fields=2, canonical=False, rejects=None):  # noqa: B008  # a frozen value
    reader = CsvReader(form, None if canonical else fields)
    made = Transform("d.csv", None, reader, fields, delimiter=None if canonical else form.delimiter, rejects=rejects)
    return made(data) + made(None), made


def test_text_becomes_utf_8_without_a_mark():
    assert decode("é\n".encode("utf-16"), encoding="utf-16") == "é\n".encode()
    assert decode(b"\xef\xbb\xbf1,\xc3\xa9\n") == b"1,\xc3\xa9\n"
    assert decode(b"\xef\xbb", encoding=None) == b"\xef\xbb"
    assert decode(gzip.compress(b"1,a\n"), "gzip") == b"1,a\n"
    assert decode(b"1") == b"1"


def test_bytes_that_are_no_text_are_named_by_their_line():
    with pytest.raises(LoadFailed, match=r"^d\.csv, line 3: byte 0xff is not utf-8; no row was loaded$") as caught:
        decode(b"a\nb\n\xff\n")
    assert caught.value.row.line == 3
    assert decode(b"a\xff", encoding=None) == b"a\xff"


def test_rows_are_sent_as_they_are_where_they_can_be():
    sent, made = transform(b'1,a\n\n2,"b\nc"\r\n3,d')
    assert sent == b'1,a\n2,"b\nc"\n3,d\n'
    assert [made.lines.line(number) for number in (1, 2, 3)] == [1, 3, 5]


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b'1,"a\r"\n2,b\n', b'1,"a\r",x\n2,b\n'),
        (b'1,"a\r"\r\n2,b\r\n', b'1,"a\r",x\n2,b\r\n'),
        (b'"a\r",""\n', b'"a\r","",x\n'),
        (b'"a\r",b\n', b'"a\r",b\n'),
        (b'"a ""b"" c\r\n",\\N\n', b'"a ""b"" c\r\n",\\N\n'),
    ],
)
def test_a_row_that_ends_with_a_return_has_a_field_too_many(data, sent):
    assert transform(data)[0] == sent


def test_a_row_that_ends_with_a_return_and_a_delimiter():
    assert transform(b'1,"a\r",\n', Csv(trailing_delimiter=True))[0] == b'1,"a\r",,x\n'


def test_rows_are_written_anew_where_the_server_would_read_them_otherwise():
    assert transform(b"1;\\N\n2;x\\y\n", Csv(delimiter=";"), canonical=True)[0] == b'"1",\\N\n"2","x\\\\y"\n'


def test_what_is_no_text_is_sent_as_it_comes():
    made = Transform("d", None, None, 1)
    assert (made(b"ab"), made(None), made.read) == (b"ab", b"", 2)


def test_data_is_decoded_as_it_comes():
    made = Transform("d", Decoder("d", "none", "latin-1"), CsvReader(Csv()), 1, delimiter=",")
    assert made(b"h\xe9") + made(b"\n") + made(None) == "hé\n".encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"1,a\n2\n", "line 2: too few fields: 1, and 2 columns"),
        (b"1,a\n2,b,c\n", "line 2: too many fields: 3, and 2 columns"),
        (b'1,a\n2,"b"c\n', "line 2: after the closing quote"),
    ],
)
def test_the_first_row_that_cannot_be_read_fails_the_load(data, why):
    with pytest.raises(LoadFailed, match=why):
        transform(data)


def test_rows_that_cannot_be_read_are_left_out_and_collected():
    rejects = Rejects("d.csv", SKIP)
    sent, made = transform(b'1,a\n2\n3,b\n"4"x,c\xff\n', rejects=rejects)
    assert sent == b"1,a\n3,b\n"
    assert [(row.line, row.raw) for row in rejects.rows] == [(2, "2"), (4, '"4"x,c\\xff')]
    assert made.lines.line(2) == 3


# -- how many bad rows there may be ------------------------------------------------------------------------------------


def reject(count, **options):
    rejects = Rejects("d.csv", Options(skip_errors=True, **options))
    for line in range(1, count + 1):
        rejects.add(BadRow("d.csv", line, None, None, "bad"))
    return rejects


def test_a_report_has_the_first_bad_rows_and_a_table_all_of_them():
    assert len(reject(MAX_REPORTED + 1).rows) == MAX_REPORTED
    assert len(reject(MAX_REPORTED + 1, rejects=("r",)).rows) == MAX_REPORTED + 1
    assert len(reject(MAX_REPORTED + 1, validate=True).rows) == MAX_REPORTED + 1


def test_more_bad_rows_than_may_be():
    assert reject(2, max_errors=2).is_exceeded(1)
    assert not reject(2, max_errors=2).is_exceeded()
    with pytest.raises(
        LoadFailed, match=r"^d\.csv: more than 2 rows were refused; no row was loaded; the first: "
    ) as error:
        reject(3, max_errors=2)
    assert error.value.row.line == 1


def test_a_larger_share_of_bad_rows_than_may_be():
    reject(2, max_errors=0.2).check_share(10)
    with pytest.raises(LoadFailed, match=r"3 of 10 rows were refused, and max_errors is 0\.2"):
        reject(3, max_errors=0.2).check_share(10)
