"""Placeholders in SQL text: which of them are parameters, and which values go with them."""

import pytest
from sqlalchemy.dialects import mysql

from matrixone_core.errors import InvalidArgument
from matrixone_core.execution import as_statement
from matrixone_core.sql.placeholders import LONGEST_SEARCHED

PYMYSQL = mysql.pymysql.dialect()


def sent(sql, params):
    """The statement as the driver gets it, in its own style, and the values in the order of the placeholders."""
    statement, values = as_statement(sql, params)
    compiled = statement.compile(dialect=PYMYSQL)
    rows = values if isinstance(values, list) else [values or {}]
    return str(compiled), [tuple(row[name] for name in compiled.positiontup or row) for row in rows]


@pytest.mark.parametrize(
    ("sql", "params", "text", "values"),
    [
        ("a = ?", (1,), "a = %s", (1,)),
        ("a = ? AND b = ?", [1, "x"], "a = %s AND b = %s", (1, "x")),
        ("a = %s AND b = %s", (1, 2), "a = %s AND b = %s", (1, 2)),
        ("a = :a AND b = :b", {"b": 2, "a": 1}, "a = %s AND b = %s", (1, 2)),
        ("a IN ?", ((1, 2),), "a IN %s", ((1, 2),)),
        # what is in quotes or in a comment is no placeholder
        ("'?' \"?\" `?` ?", (1,), "'?' \"?\" `?` %s", (1,)),
        ("'it''s ?' 'it\\'s ?' ?", (1,), "'it''s ?' 'it\\'s ?' %s", (1,)),
        ("a -- ? b\n, ? # ?\n /* ? \n ? */", (1,), "a -- ? b\n, %s # ?\n /* ? \n ? */", (1,)),
        ("a --\n = ? --", (1,), "a --\n = %s --", (1,)),
        ("a--?", (1,), "a--%s", (1,)),
        ("' :a' # :a\n :a /* :a */", {"a": 1}, "' :a' # :a\n %s /* :a */", (1,)),
        ("'open ?", (), "'open ?", ()),
        ('"open ?', (), '"open ?', ()),
        ("`open ?", (), "`open ?", ()),
        ("? /* open ?", (1,), "%s /* open ?", (1,)),
        # one style a statement
        ("':a' :a ?", (1,), "':a' :a %s", (1,)),
        ("10 %s ? '%s' %% 3", (1,), "10 %%s %s '%%s' %%%% 3", (1,)),
        ("'10 %%' %s LIKE '%%s' %%s", (1,), "'10 %%' %s LIKE '%%s' %%s", (1,)),
        ("10 %size", (), "10 %%size", ()),
        ("a = :a AND b LIKE '%s'", {"a": 1}, "a = %s AND b LIKE '%%s'", (1,)),
        ("a::int :a \\:b a:b", {"a": 1}, "a::int %s :b a:b", (1,)),
        ("'10:30' ':a'", {"a": 1}, "'10:30' ':a'", (1,)),
        # no values
        ("':x' \":y\" `:z` -- :a ?\n 10 %s /* ? */", None, "':x' \":y\" `:z` -- :a ?\n 10 %%s /* ? */", ()),
        ("a::int a:b @x:=1 [:2] '$.a' \\:b", None, "a::int a:b @x:=1 [:2] '$.a' \\:b", ()),
        ("AS $$ x[:n] ? $$", None, "AS $$ x[:n] ? $$", ()),
        ("prepare s FROM SELECT ?", None, "prepare s FROM SELECT ?", ()),
    ],
)  # fmt: skip
def test_placeholders(sql, params, text, values):
    assert sent(sql, params) == (text, [values])


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT :a", r"has :a in it, and no values are given; give a dict: \{'a': …\}"),
        ("SELECT ':a', (:b)", "has :b in it"),
        ("SELECT ?", "has a [?] in it, and no values are given; give them as a tuple"),
    ],
)
def test_placeholders_without_values_are_refused(sql, says):
    with pytest.raises(InvalidArgument, match=says):
        as_statement(sql, None)


def test_a_long_text_is_not_searched():
    sql = f"SELECT :a, '{'x' * LONGEST_SEARCHED}'"
    assert sent(sql, None)[0] == sql


def test_a_list_of_rows_executes_once_for_each():
    assert sent("(?, ?)", [(1, 2), [3, 4]])[1] == [(1, 2), (3, 4)]
    assert sent("(%s)", [(1,), (2,)])[1] == [(1,), (2,)]
    assert sent("(:a)", [{"a": 1}, {"a": 2}])[1] == [(1,), (2,)]
    assert sent("(:a)", ({"a": 1}, {"a": 2}))[1] == [(1,), (2,)]


@pytest.mark.parametrize(
    ("sql", "params", "says"),
    [
        ("a = ?", (), r"1 placeholder\(s\), \? or %s, for 0 value"),
        ("a = ?", (1, 2), "1 placeholder.*for 2 value"),
        ("a = '?'", (1,), "0 placeholder"),
        ("(?, ?)", [(1, 2), (3,)], "2 placeholder.*for 1 value"),
        ("a = :a", (1,), "0 placeholder"),
        ("a = ?", {"a": 1}, "dict is for :name"),
        ("a = :a AND b = :b", {"a": 1}, ":b in it"),
        ("(:a, :b)", [{"a": 1, "b": 2}, {"a": 1}], ":b in it"),
        ("a = ?", 1, "tuple of values"),
        ("a = ?", "1", "tuple of values"),
    ],
)
def test_values_that_do_not_go_with_the_placeholders(sql, params, says):
    with pytest.raises(InvalidArgument, match=says):
        as_statement(sql, params)
