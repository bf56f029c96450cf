"""Exports to files of the client: what is written of rows, and when a file has its name."""

import bz2
import codecs
import datetime as dt
import io
import json
import os
import sys
import tempfile
from decimal import Decimal

import pyarrow.parquet
import pytest
from connection_double import Connection, block_of
from pymysql.err import OperationalError
from script import Driver
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from matrixone_core.errors import (
    ConnectionLost,
    InvalidArgument,
    NotSupported,
)
from matrixone_core.exporting import conversions
from matrixone_core.exporting.client_export import check_target
from matrixone_core.exporting.report import ExportedFile
from matrixone_core.exporting.writers.csv import CsvStyle, CsvWriter
from matrixone_core.exporting.writers.json_lines import JsonLinesWriter
from matrixone_core.exporting.writers.parquet import Drain
from matrixone_core.on_connection import BlockStream
from matrixone_core.operations import exports
from matrixone_core.result_columns import BIT, JSON, LONG, LONGLONG, TIME, ResultColumn
from matrixone_core.row_packets import RowPackets
from matrixone_core.sql.export import Query, SelectBlocks
from matrixone_platform.machine import LocalMachine

BLOB, VAR_STRING = 252, 253  # MySQL's numbers


def test_targets():
    assert check_target("a.csv") == "a.csv"
    assert check_target(io.BytesIO()) == "<BytesIO>"


COLUMNS = (
    ResultColumn("a", LONG), ResultColumn("b", VAR_STRING), ResultColumn("c", BLOB, is_binary=True), ResultColumn("d", BIT),
    ResultColumn("e", JSON, is_binary=True), ResultColumn("f", 246, scale=2), ResultColumn("g", 12), ResultColumn("h", 11),
    ResultColumn("i", 10), ResultColumn("j", 5), ResultColumn("k", LONGLONG, is_unsigned=True),
)  # fmt: skip


ROWS = [
    (1, 'say "hi",\\ é', b"\x00\xff", b"\x01\x02", '{"x": 1}', Decimal("1.50"), dt.datetime(2024, 1, 2, 3, 4, 5, 6), dt.timedelta(hours=-100, seconds=-1), dt.date(2024, 1, 2), 0.5, 2**64 - 1),
    (None,) * 11,
    (0, "", b"", b"\0", "[]", Decimal("-0.01"), dt.datetime(1000, 1, 1), dt.timedelta(microseconds=1500), dt.date(1, 1, 1), float("nan"), 0),
    (2, "NULL", "text", 1, "1", Decimal("1E+2"), "0000-00-00", dt.timedelta(0), "0000-00-00", 1e300, 7),
]  # fmt: skip


def exported(target, *, connection=None, data=ROWS, found=COLUMNS, **given):
    """The report of an export of rows to a target."""
    connection = connection or Connection(found, rows=data)
    return Driver(lambda statement: None, LocalMachine(), connection).run(exports.to_file("t", target, **given))


def test_csv():
    target = io.BytesIO()
    report = exported(target, format="csv")
    lines = target.getvalue().decode("utf-8", "surrogateescape").splitlines()
    assert lines == [
        "a,b,c,d,e,f,g,h,i,j,k",
        '1,"say ""hi"",\\ é",\x00\udcff,258,"{""x"": 1}",1.50,2024-01-02 03:04:05.000006,-100:00:01,2024-01-02,0.5,18446744073709551615',
        ",,,,,,,,,,",
        '0,"","",0,[],-0.01,1000-01-01 00:00:00,00:00:00.001500,0001-01-01,nan,0',
        '2,"NULL",text,1,1,100,0000-00-00,00:00:00,0000-00-00,1e+300,7',
    ]
    assert report.load_options == {
        "header": "match", "delimiter": ",", "quote": '"', "escape": None, "null_values": [""], "encoding": None,
        "set": {"d": "CAST(`d` AS UNSIGNED)"},
    }  # fmt: skip
    assert (report.rows, report.bytes, report.sql) == (4, len(target.getvalue()), "SELECT * FROM `t`")
    assert [file.path for file in report.files] == ["<BytesIO>"]


def test_csv_as_the_server_writes_it():
    style = CsvStyle(False, "|", "'", "\\", "\\N", "\r\n", quotes_all=True)
    writer = CsvWriter(style)
    assert writer.begin(COLUMNS[:4]) == b""
    assert (
        writer.write([(1, "it's \\", b"\\", b"\x01"), (None,) * 4])
        == b"'1'|'it''s \\\\'|'\\\\'|'1'\r\n\\N|\\N|\\N|\\N\r\n"
    )
    assert style.load_options(("a",)) == {
        "columns": ["a"], "delimiter": "|", "quote": "'", "escape": "\\", "line_terminator": "\r\n",
    }  # fmt: skip
    assert CsvWriter(CsvStyle(escape="\\")).begin([ResultColumn("plain", LONG)]) == b'"plain"\n'


def test_no_row_of_csv_is_an_empty_line():
    """Readers, a load's among them, would leave it out."""
    column = ResultColumn("a", VAR_STRING)
    target = io.BytesIO()
    exported(target, data=[("x",), (None,), ("",)], found=(column,), format="csv")
    assert target.getvalue() == b'a\nx\n""\n""\n'
    writer = CsvWriter(CsvStyle(null_value="\\N"))
    assert writer.begin([column]) + writer.write([(None,), ("",)]) == b'a\n\\N\n""\n'


def test_json_lines():
    target = io.StringIO()
    report = exported(target, format="jsonline")
    lines = [json.loads(line) for line in target.getvalue().splitlines()]
    assert lines[0] == {
        "a": 1, "b": 'say "hi",\\ é', "c": "AP8=", "d": 258, "e": {"x": 1}, "f": "1.50", "g": "2024-01-02 03:04:05.000006",
        "h": "-100:00:01", "i": "2024-01-02", "j": 0.5, "k": 2**64 - 1,
    }  # fmt: skip
    assert set(lines[1].values()) == {None}
    assert (lines[2]["j"], lines[2]["c"], lines[3]["c"], lines[3]["d"]) == ("nan", "", "dGV4dA==", 1)
    assert report.load_options["set"] == {"d": "CAST(`d` AS UNSIGNED)"}
    assert report.load_options["base64"] == ["c"]
    writer = JsonLinesWriter()
    assert (writer.begin(COLUMNS), writer.finish()) == (b"", b"")


def test_json_that_is_a_text_or_null_by_itself():
    """As JSON text, which is what loads take a text for."""
    writer = JsonLinesWriter()
    writer.begin((ResultColumn("e", JSON, is_binary=True),))
    values = ['"a\\"b"', "null", "true", "1.5", "[null]", None]
    lines = writer.write([(value,) for value in values]).decode().splitlines()
    assert [json.loads(line)["e"] for line in lines] == ['"a\\"b"', "null", True, 1.5, [None], None]


def exported_parquet(*blocks, found):
    """The table that an export of blocks of a reply writes, and the report."""
    target = io.BytesIO()
    connection = Connection(found, blocks=blocks)
    report = Driver(lambda statement: None, LocalMachine(), connection).run(
        exports.to_file("SELECT 1", target, format="parquet")
    )
    return pyarrow.parquet.read_table(io.BytesIO(target.getvalue())), report


def test_parquet(monkeypatch):
    columns = (
        ResultColumn("a", LONG), ResultColumn("b", VAR_STRING), ResultColumn("c", BLOB, is_binary=True),
        ResultColumn("d", BIT), ResultColumn("f", 246, scale=2, length=7), ResultColumn("h", TIME),
    )  # fmt: skip
    rows = [(b"1", "é".encode(), b"\0\xff", b"\x01\x02", b"1.50", b"-100:00:01"), (None,) * 6]
    found, report = exported_parquet(block_of(rows), block_of(rows[:1]), found=columns)
    first = {"a": 1, "b": "é", "c": b"\0\xff", "d": 258, "f": Decimal("1.50"), "h": "-100:00:01"}
    assert found.to_pylist() == [first, dict.fromkeys(first), first]
    assert [str(kind) for kind in found.schema.types] == [
        "int32", "string", "binary", "uint64", "decimal128(5, 2)", "string",
    ]  # fmt: skip
    assert report.load_options == {"columns": list(first), "set": {"d": "CAST(`d` AS UNSIGNED)"}}
    assert report.rows == 3
    none, report = exported_parquet(found=columns)
    assert (none.num_rows, none.schema.names, report.rows) == (0, list(first), 0)
    assert exported(io.BytesIO(), data=[], header=False, format="csv").bytes == 0
    drain = Drain()
    assert (drain.write(b"ab"), drain.tell(), drain.flush(), drain.take(), drain.tell()) == (2, 2, None, b"ab", 2)
    drain.close()
    assert drain.closed
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotSupported, match="pip install"):
        exported(io.BytesIO(), format="parquet")


def test_parquet_of_a_reply_that_breaks_off():
    broken = Connection((ResultColumn("a", LONG),), blocks=[block_of([(b"1",)]), OperationalError(2013, "cut off")])
    driver = Driver(lambda statement: None, LocalMachine(), broken)
    with pytest.raises((ConnectionLost, DBAPIError)):
        driver.run(exports.to_file("SELECT 1", io.BytesIO(), format="parquet"))
    assert "close_at_once" in broken.log


def test_a_stream_of_blocks_is_read_to_its_end():
    packets = RowPackets(1, 1, streams=True)
    connection = Connection((ResultColumn("a", LONG),), blocks=[block_of([(b"1",)]), block_of([(b"2",)])])
    stream = BlockStream(SelectBlocks(Query(text("SELECT a"), "SELECT a")), packets)
    assert str(stream) == "SELECT a"
    assert [column.name for column in stream.open(connection)] == ["a"]
    assert len(stream.fetch(connection)) == 1
    stream.skip_rest(connection)
    assert packets.ended
    stream.skip_rest(connection)
    assert connection.log.count("next_block") == 3


def test_a_file_has_its_name_once_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(conversions, "BATCH", 2)
    place = tmp_path / "t.csv.bz2"
    place.write_bytes(b"old")
    events = []
    report = exported(str(place), progress=events.append)
    assert bz2.decompress(place.read_bytes()).decode("utf-8", "surrogateescape").splitlines()[2] == ",,,,,,,,,,"
    assert report.files == (ExportedFile(str(place), place.stat().st_size),)
    assert [event.rows for event in events] == [2, 4, 4]
    assert list(tmp_path.iterdir()) == [place]
    broken = OSError("no space")

    class Broken:
        def write(self, data):
            raise broken

    with pytest.raises(OSError, match="no space"):
        exported(Broken())
    with pytest.raises(InvalidArgument, match="called 'a'"):
        exported(place, found=(ResultColumn("a", LONG), ResultColumn("a", LONG)))
    assert list(tmp_path.iterdir()) == [place]


NUMBERS = {"data": [(1,), (2,)], "found": (ResultColumn("a", LONG),), "format": "csv"}


def test_a_link_stays_and_leads_to_the_new_file(tmp_path):
    place, link = tmp_path / "folder" / "real", tmp_path / "link.csv"
    place.parent.mkdir()
    place.write_text("old")
    place.chmod(0o640)
    link.symlink_to(place)
    report = exported(link, **NUMBERS)
    assert (link.is_symlink(), place.read_text()) == (True, "a\n1\n2\n")
    assert place.stat().st_mode & 0o777 == 0o640  # those who could not read the old file cannot read the new one
    assert report.files == (ExportedFile(str(link), place.stat().st_size),)
    assert [*tmp_path.iterdir(), *place.parent.iterdir()].count(place) == 1
    with pytest.raises(FileNotFoundError) as missing:
        exported(tmp_path / "none" / "a.csv")
    assert missing.value.filename == str(tmp_path / "none" / "a.csv")
    with pytest.raises(IsADirectoryError):
        exported(tmp_path, connection=(unused := Connection(COLUMNS)), format="csv")
    assert unused.log == []


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        report = exported(pipe, **NUMBERS)
        assert os.read(reader, 100) == b"a\n1\n2\n"
    finally:
        os.close(reader)
    assert (report.rows, report.bytes, pipe.is_fifo()) == (2, 6, True)
    assert list(tmp_path.iterdir()) == [pipe]


def test_files_of_text(tmp_path):
    with tempfile.NamedTemporaryFile("w+") as file:
        exported(file, **NUMBERS)
        assert file.seek(0) == 0
        assert file.read() == "a\n1\n2\n"
    with tempfile.SpooledTemporaryFile(mode="w+") as file:
        exported(file, **NUMBERS)
        file.seek(0)
        assert file.read() == "a\n1\n2\n"
    with tempfile.NamedTemporaryFile("w+b") as file:
        exported(file, **NUMBERS)
        file.seek(0)
        assert file.read() == b"a\n1\n2\n"
    with codecs.getwriter("utf-16")((tmp_path / "wide").open("wb")) as file:
        exported(file, **NUMBERS)
    assert (tmp_path / "wide").read_text("utf-16") == "a\n1\n2\n"
    with pytest.raises(InvalidArgument, match="bytes that are no text; <StringIO> must be open by 'wb'"):
        exported(io.StringIO(), format="csv")


def test_a_time_limit_is_the_statements():
    connection = Connection(COLUMNS)
    exported(io.BytesIO(), connection=connection, format="csv", timeout=4)
    assert [options["timeout"] for options in connection.options] == [4]


@pytest.mark.parametrize(("in_session", "last"), [(False, "invalidate"), (True, "close")])
def test_an_export_that_fails_reads_the_rest_only_in_a_session(in_session, last):
    """Elsewhere the connection is closed, so that the rest is not sent."""

    def progress(event):
        raise KeyboardInterrupt(event.rows)

    connection = Connection([ResultColumn("a", LONG)], rows=[(1,), (2,)])
    driver = Driver(lambda statement: None, LocalMachine(), connection, in_session=in_session)
    with pytest.raises(KeyboardInterrupt, match="2"):
        driver.run(exports.to_file("t", io.BytesIO(), format="csv", progress=progress))
    assert connection.log[-1] == last
    assert connection.open is in_session


def test_an_export_whose_connection_breaks_raises_that():
    connection = Connection([ResultColumn("a", LONG)], rows=[DBAPIError("SELECT", {}, OperationalError(2013, "lost"))])
    connection.invalidated = True
    with pytest.raises(ConnectionLost, match="lost"):
        exported(io.BytesIO(), connection=connection, format="csv")
    assert connection.log[-1] == "fetchmany"
