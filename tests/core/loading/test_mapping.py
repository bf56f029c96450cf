"""Where the fields of a file go: staging columns, expressions, the target's columns, and the keys that rows can share."""

import pytest
from loading_values import file, request, table

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import Value, render_masked
from matrixone_core.loading.mapping import map_columns
from matrixone_core.sql.load import Csv, JsonLines, Parquet

KINDS = (
    "`i` int DEFAULT NULL", "`t` text DEFAULT NULL", "`b` varbinary(9) DEFAULT NULL", "`at` datetime(6) DEFAULT NULL",
    "`u` datalink DEFAULT NULL",
)  # fmt: skip


def expressions(mapping):
    return {each.column: render_masked(each.value) for each in mapping.assignments}


def test_fields_are_staged_as_texts_by_their_place():
    mapping = map_columns(request(), table(*KINDS), file(("t", None, "I", "b")))
    assert mapping.order == ("f0", None, "f2", "f3")
    assert mapping.columns == (("f0", "LONGTEXT"), ("f2", "LONGTEXT"), ("f3", "LONGBLOB"))
    assert expressions(mapping) == {"t": "s.`f0`", "i": "NULLIF(s.`f2`, '')", "b": "s.`f3`"}


def test_texts_that_mean_null_do_so_for_every_column():
    mapping = map_columns(request(null_values=["-", "it's"]), table(*KINDS), file(("i", "t", "u")))
    assert expressions(mapping) == {
        "i": "NULLIF(NULLIF(NULLIF(s.`f0`, ''), '-'), 'it''s')",
        "t": "NULLIF(NULLIF(s.`f1`, '-'), 'it''s')",
        "u": "NULLIF(NULLIF(NULLIF(s.`f2`, ''), '-'), 'it''s')",
    }


def test_fields_that_expressions_read_have_the_files_names():
    wanted = request(set={"NAME": "concat(first, last)"}, file_column="origin", row_column="number")
    target = table(
        "`name` text DEFAULT NULL",
        "`first` int DEFAULT NULL",
        "`origin` text DEFAULT NULL",
        "`number` int DEFAULT NULL",
    )
    mapping = map_columns(wanted, target, file(("first", "last", "name")))
    assert mapping.order == ("first", "last", "name")
    assert expressions(mapping) == {
        "first": "NULLIF(s.`first`, '')", "name": "(concat(first, last))", "origin": "'stage://s/a.csv'",
        "number": "s.`matrixone_row`",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "more", "order"),
    [
        (Parquet(), {}, ("i", "at")), (JsonLines(), {}, ("i", "at")), (JsonLines(), {"through_client": True}, ("f0", "f1")),
        (Csv(), {}, ("f0", "f1")),
    ],
)  # fmt: skip
def test_what_the_server_reads_by_name_is_staged_by_name(form, more, order):
    assert map_columns(request(), table(*KINDS), file(("i", "at"), form, **more)).order == order


def test_dates_of_parquet_files_keep_their_fractions():
    mapping = map_columns(request("parquet"), table(*KINDS), file(("at", "i"), Parquet()))
    assert mapping.columns == (("at", "DATETIME(6)"), ("i", "LONGTEXT"))
    assert expressions(mapping) == {"at": "s.`at`", "i": "NULLIF(s.`i`, '')"}


def test_texts_of_parquet_files_are_judged_as_those_of_other_files():
    """A server reads texts of Parquet for DATETIME otherwise than INSERT does (server-facts 99)."""
    mapping = map_columns(request("parquet"), table(*KINDS), file(("AT",), Parquet(), texts=frozenset({"at"})))
    assert mapping.columns == (("AT", "LONGTEXT"),)
    assert expressions(mapping) == {"at": "NULLIF(s.`AT`, '')"}


def test_whole_numbers_of_parquet_files_stay_numbers():
    """Nothing may be asked for that texts are needed for, and the column must be one of whole numbers."""
    numbers = (*KINDS, "`n` int NOT NULL AUTO_INCREMENT", "`d` decimal(9,2) DEFAULT NULL")
    whole = file(("i", "t", "n", "d"), Parquet(), whole=frozenset({"i", "t", "n", "d"}))
    mapping = map_columns(request("parquet"), table(*numbers), whole)
    assert dict(mapping.columns) == {"i": "BIGINT", "t": "LONGTEXT", "n": "LONGTEXT", "d": "LONGTEXT"}
    assert expressions(mapping)["i"] == "s.`i`"
    for options in ({"set": {"t": "i"}}, {"on_error": "skip"}):
        mapping = map_columns(request("parquet", **options), table(*KINDS), file(("i",), Parquet(), whole=whole.whole))
        assert mapping.columns == (("i", "LONGTEXT"),), options


@pytest.mark.parametrize(
    ("options", "names", "says"),
    [
        ({}, ("id", "nam"), "the table 't' has no column 'nam'; it has id, name, total; extra_columns='ignore' or 'add'"),
        ({}, ("total",), "the server computes the column 'total'"),
        ({"set": {"total": "1"}}, ("id",), "the server computes the column 'total'"),
        ({"set": {"nam": "1"}}, ("id",), "the table 't' has no column 'nam'"),
        ({"file_column": "nam"}, ("id",), "the table 't' has no column 'nam'"),
        ({"row_column": "total"}, ("id",), "the server computes the column 'total'"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_loaded(options, names, says):
    target = table("`id` int NOT NULL", "`name` text", "`total` int GENERATED ALWAYS AS (`id`) STORED")
    with pytest.raises(InvalidArgument) as caught:
        map_columns(request(**options), target, file(names))
    assert says in str(caught.value)


# -- keys --------------------------------------------------------------------------------------------------------------


def keys(lines, names, **options):
    mapping = map_columns(request(**options), table(*lines), file(names))
    return {key.columns: [render_masked(value) for value in key.values] for key in mapping.keys}


def test_keys_are_compared_as_the_columns_own_type():
    lines = ("`id` int NOT NULL", "`code` char(3) NOT NULL", "PRIMARY KEY (`id`,`code`)")
    assert keys(lines, ("CODE", "id")) == {("id", "code"): ["CAST(NULLIF(s.`f1`, '') AS INTEGER)", "s.`f0`"]}


def test_an_expression_can_decide_a_key():
    lines = ("`id` int NOT NULL", "`n` int DEFAULT NULL", "PRIMARY KEY (`id`)")
    assert keys(lines, ("n",), set={"ID": "n + 1"}) == {("id",): ["CAST((n + 1) AS INTEGER)"]}


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("`id` int NOT NULL AUTO_INCREMENT", "the server counts it"), ("`id` int DEFAULT NULL", "NULL is never shared"),
        ("`id` int NOT NULL DEFAULT '7'", "all rows would have one"), ("`id` int NOT NULL", "the server refuses the rows"),
    ],
)  # fmt: skip
def test_keys_that_the_file_does_not_decide(column, why):
    assert keys((column, "`n` int DEFAULT NULL", "UNIQUE KEY `u` (`id`)"), ("n",)) == {}, why


def test_values_stay_bound():
    mapping = map_columns(request(null_values="x'"), table(*KINDS), file(("t",)))
    assert Value("x'") in mapping.assignments[0].value
