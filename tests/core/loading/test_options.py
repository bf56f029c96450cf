"""What a caller may say about a load: options, their other names, and what is refused before anything is sent."""

import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.orm import declarative_base

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading.options import Options
from matrixone_core.loading.request import LoadRequest, build_named_request, build_request, fields_of
from matrixone_core.messages import LONGEST_QUOTED
from matrixone_core.sql.load import Csv, JsonLines, Parquet
from matrixone_core.sql.staged_inserts import Conflict


class User(declarative_base()):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


def request(form="csv", table="t", **given):
    return build_named_request(table, form, given)


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_a_load_without_options():
    assert request() == LoadRequest(("t",), Csv())
    assert request("jsonline") == LoadRequest(("t",), JsonLines())
    assert request("parquet") == LoadRequest(("t",), Parquet())
    assert request().options == Options()


@pytest.mark.parametrize(
    ("table", "names"), [("t", ("t",)), ("d.t", ("d", "t")), (User, ("users",)), (Table("t", MetaData(), schema="d"), ("d", "t"))]
)  # fmt: skip
def test_tables_have_one_or_two_names(table, names):
    assert request(table=table).names == names
    assert request(table=table).table_name == ".".join(names)


def test_how_a_csv_file_is_written():
    given = {
        "ignore_lines": 2, "delimiter": "||", "quote": "'", "escape": "\\", "line_terminator": "\r\n",
        "compression": "gzip", "trailing_delimiter": True,
    }  # fmt: skip
    assert request(**given).format == Csv(2, "||", "'", "\\", "\r\n", "gzip", True)
    assert request("jsonline", shape="array", compression="bz2").format == JsonLines("array", "bz2")


@pytest.mark.parametrize(
    ("header", "is_named", "ignored"),
    [(None, False, 1), (False, False, 1), (True, True, 1), ("match", True, 1), ("infer", True, 1), (0, True, 1), (2, True, 3)],
)  # fmt: skip
def test_a_header_comes_after_the_lines_that_are_ignored(header, is_named, ignored):
    found = request(header=header, ignore_lines=1)
    assert (found.header, found.format.ignore_lines) == (is_named, ignored)


def test_where_fields_go():
    found = request(
        columns=["a", None], null_values=["-", "NA"], set={"b": "upper(a)"}, file_column="f", row_column="r"
    )
    assert (found.columns, found.nulls, found.assignments) == (("a", None), ("-", "NA"), (("b", "upper(a)"),))
    assert (found.file_column, found.row_column) == ("f", "r")
    assert request(null_values="-").nulls == ("-",)
    found = request("jsonline", missing_keys="error", extra_keys="error")
    assert (found.missing_keys, found.extra_keys) == ("error", "error")


def test_a_delimiter_at_the_line_end_is_one_more_field():
    assert fields_of(Csv(trailing_delimiter=True), ("a", None)) == ("a", None, None)
    assert fields_of(Csv(), ["a"]) == fields_of(Parquet(), ["a"]) == ("a",)


def test_all_other_options():
    found = request(
        on_conflict=["name", "size"], lock="rows", atomic=False, concurrency=64, allow_empty=True, on_error="skip",
        max_errors=0.5, rejects="d.bad", once="key", force=True, hash_whole_file=True, ledger_database="books", mode="fail",
        extra_columns="add", create=True, dtype={"a": "DECIMAL(3, 1)"}, purge=True, max_unpacked_bytes=9,
        progress=print, timeout=2, header="match",
    ).options  # fmt: skip
    assert found == Options(
        Conflict.UPDATE, ("name", "size"), "rows", False, 64, True, True, 0.5, ("d", "bad"), "key", True, True, "books",
        "fail", "add", None, None, True, (("a", "DECIMAL(3, 1)"),), True, False, 9, print, 2.0,
    )  # fmt: skip
    assert request(on_conflict="skip").options.conflict is Conflict.SKIP
    assert request(validate=True).options.collects_rejects
    assert request(on_conflict="unchecked").is_unchecked
    assert not request(null_values="x", on_conflict="error").is_unchecked


# -- other names -------------------------------------------------------------------------------------------------------


def test_names_that_pandas_has_for_the_same():
    assert request(
        sep=";", quotechar="'", escapechar="!", lineterminator="\n", skiprows=1, names=["a"], na_values=["-"]
    ) == request(
        delimiter=";", quote="'", escape="!", line_terminator="\n", ignore_lines=1, columns=["a"], null_values=["-"]
    )
    assert request("jsonline", lines=True, orient="records", inline=True, parallel=True) == request("jsonline")


def test_one_option_by_two_names_is_refused():
    with pytest.raises(InvalidArgument, match=r"^sep and delimiter are two names of one option; give one of them$"):
        request(sep=";", delimiter="|")
    with pytest.raises(InvalidArgument, match=r"^sep has no meaning for this format$"):
        request("parquet", sep=";")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("on_conflit", "did you mean 'on_conflict'?"), ("rejected", "did you mean 'rejects'?"), ("seperator", "did you mean 'sep'?"),
     ("zzz", "the options are on_conflict, lock,")],
)  # fmt: skip
def test_an_unknown_option_is_answered_with_the_nearest(name, hint):
    with pytest.raises(InvalidArgument) as caught:
        request(**{name: 1})
    assert str(caught.value).startswith(f"there is no option '{name}'; {hint}")


@pytest.mark.parametrize(
    ("form", "options", "says"),
    [
        ("parquet", {"delimiter": ","}, "delimiter=',' has no meaning for parquet files"),
        ("jsonline", {"quote": "x"}, "quote='x' has no meaning for jsonline files"),
        ("csv", {"shape": "array"}, "shape='array' has no meaning for csv files"),
        ("xml", {}, "format='xml' must be one of 'csv', 'jsonline', 'parquet'"),
    ],
)
def test_what_a_format_does_not_have(form, options, says):
    with pytest.raises(InvalidArgument) as caught:
        request(form, **options)
    assert str(caught.value) == says


# -- what is refused ---------------------------------------------------------------------------------------------------

SKIP = {"on_error": "skip"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"delimiter": ""}, "delimiter=''"), ({"delimiter": "\n"}, "none of which ends a line"),
        ({"delimiter": "é"}, "ASCII"), ({"quote": ""}, "quote="), ({"quote": "ab"}, "quote="),
        ({"escape": ""}, "escape="), ({"delimiter": '"'}, "delimiter and quote are both '\"'"),
        ({"escape": ","}, "delimiter and escape are both ','"), ({"escape": '"'}, "a doubled quote is understood"),
        ({"ignore_lines": -1}, "ignore_lines=-1"), ({"ignore_lines": "1"}, "ignore_lines='1'"),
        ({"line_terminator": ";"}, "line_terminator=';' must be one of"), ({"trailing_delimiter": 1}, "True or False"),
        ({"compression": "rar"}, "'none', 'gzip', 'bz2'"), ({"header": "yes"}, "header='yes'"), ({"header": -1}, "header=-1"),
        ({"columns": "a"}, "columns='a' is one text; give a list"), ({"columns": [""]}, "None to skip a field"),
        ({"columns": [3]}, "columns has 3 in it"), ({"columns": [None]}, "no column at all"),
        ({"columns": ["a", "A"]}, "columns names a more than once"), ({"header": True, "columns": ["a"]}, "leave columns out"),
        ({"null_values": [3]}, "null_values=3"), ({"set": "a=1"}, "set='a=1' must be a dict"),
        ({"set": {"a": " "}}, "empty column or expression"), ({"set": {"": "1"}}, "empty column or expression"),
        ({"set": {"a": 3}}, "set['a']=3"),
        ({"on_conflict": "ignore"}, "'error', 'skip', 'replace', 'update', 'unchecked'"),
        ({"on_conflict": []}, "list of columns to update"), ({"on_conflict": 3}, "on_conflict=3"), ({"on_conflict": [3]}, "on_conflict=3"),
        ({"lock": "none"}, "'auto', 'rows', 'table'"), ({"atomic": 1}, "atomic=1 must be True or False"),
        ({"concurrency": 0}, "from 1 to 64"), ({"concurrency": True}, "from 1 to 64"), ({"concurrency": "4"}, "from 1 to 64"),
        ({"on_error": "ignore"}, "'abort', 'skip'"), ({"max_errors": 3}, "need on_error='skip'"), ({"rejects": "r"}, "need on_error='skip'"),
        ({**SKIP, "max_errors": -1}, "max_errors=-1"), ({**SKIP, "max_errors": 1.5}, "from 0.0 to 1.0"),
        ({**SKIP, "max_errors": True}, "max_errors=True"), ({**SKIP, "max_errors": "1"}, "max_errors='1'"),
        ({**SKIP, "rejects": "a.b.c"}, "database.table"), ({**SKIP, "rejects": 3}, "rejects=3"),
        ({"once": ""}, "once=''"), ({"once": 3}, "once=3"), ({"force": True}, "needs once"), ({"ledger_database": 3}, "ledger_database=3"),
        ({"mode": "truncate"}, "'append', 'replace', 'fail'"), ({"mode": "replace", "atomic": False}, "needs atomic=True"),
        ({"extra_columns": "drop"}, "'error', 'ignore', 'add'"), ({"file_column": ""}, "file_column must be a column's name"),
        ({"row_column": 3}, "row_column=3"), ({"dtype": "INT"}, "dtype='INT' must be a dict"),
        ({"dtype": {"a": 3}}, "dtype['a']=3 must be an SQL type"), ({"dtype": {"a": "INT); DROP TABLE t"}}, "must be an SQL type"),
        ({"max_unpacked_bytes": 0}, "positive number of bytes, got 0"), ({"max_unpacked_bytes": True}, "got True"),
        ({"max_unpacked_bytes": "1"}, "got '1'"),
        ({"validate": True, "once": True}, "validate=True loads nothing"), ({"validate": True, "purge": True}, "validate=True loads nothing"),
        ({"progress": 3}, "progress=3"), ({"timeout": 0}, "timeout"),
        ({"on_conflict": "unchecked", "row_column": "r"}, "need checked rows"), ({"on_conflict": "unchecked", "file_column": "r"}, "need checked rows"),
        ({"on_conflict": "unchecked", "set": {"a": "1"}}, "loads the fields as they are"),
        ({"on_conflict": "unchecked", "null_values": ["a", "b"]}, "loads the fields as they are"),
    ],
    ids=str,
)  # fmt: skip
def test_options_that_cannot_be(options, says):
    with pytest.raises(InvalidArgument) as caught:
        request(**options)
    assert says in str(caught.value)


def test_columns_of_other_formats_have_names():
    with pytest.raises(InvalidArgument, match="only CSV allows"):
        request("jsonline", columns=["a", None])
    with pytest.raises(InvalidArgument, match="as they are"):
        request("parquet", columns=["a"], on_conflict="unchecked")


def test_messages_quote_no_whole_file():
    file = "id,name\n" * 100_000
    for options in (
        {"header": file}, {"columns": file}, {"set": file}, {"set": {file: " "}}, {"on_conflict": file}, {"once": [file]},
        {"delimiter": file + "é"}, {"progress": file}, {"dtype": {file: file}}, {file: 1}, {"lock": file}, {"atomic": file},
    ):  # fmt: skip
        with pytest.raises(InvalidArgument) as caught:
            request(**options)
        assert len(str(caught.value)) < 2 * LONGEST_QUOTED + 500


def test_more_columns_go_by_their_names():
    with pytest.raises(
        InvalidArgument, match="extra_columns='add' needs the names of the file's columns; give header='match'"
    ):
        request(extra_columns="add")
    assert request("jsonline", extra_columns="add").options.extra_columns == "add"


def test_a_table_that_cannot_be():
    for table in ("a.b.c", "", ".t", 3, object):
        with pytest.raises(InvalidArgument):
            build_request(table, "csv", {}, {})
