"""JSON data row by row: lines, one array, objects over several lines; digits, keys, texts, and what is broken."""

import json
import random
import string
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixone_core.loading.formats import json_fields, json_lines
from matrixone_core.loading.formats.csv import BOM, MAX_ROW_BYTES, Field
from matrixone_core.loading.formats.json_lines import JsonReader
from matrixone_core.sql.load import JsonLines

OBJECTS, ARRAYS = JsonLines(), JsonLines("array")


def rows(data, names=("a", "b"), form=OBJECTS, size=None, **options):
    data = data if isinstance(data, bytes) else data.encode()
    reader = JsonReader(form, names, **options)
    size = size or len(data) or 1
    return [*(row for at in range(0, len(data), size) for row in reader.feed(data[at : at + size])), *reader.finish()]


def texts(data, *arguments, **options):
    """The texts of each row, or what is broken."""
    return [row.broken or tuple(field.text for field in row.fields) for row in rows(data, *arguments, **options)]


@pytest.fixture(params=[1, 2, 5, None])
def size(request):
    return request.param


def test_lines_of_objects(size):
    data = '{"a": 1, "b": "x"}\n\n  {"b":null,"a":2.50}\r\n \t\r\n{"A":"é😀\\u00e9\\n","B":true}\n{"a":false}'
    found = rows(BOM + data.encode(), size=size)
    assert [(row.line, row.fields, row.broken, row.unit) for row in found] == [
        (1, (Field("1", False), Field("x", True)), None, "line"),
        (3, (Field("2.50", False), Field(None, False)), None, "line"),
        (5, (Field("é😀é\n", True), Field("true", False)), None, "line"),
        (6, (Field("false", False), Field(None, False)), None, "line"),
    ]
    assert [row.raw for row in found] == [
        '{"a": 1, "b": "x"}',
        '  {"b":null,"a":2.50}',
        '{"A":"é😀\\u00e9\\n","B":true}',
        '{"a":false}',
    ]


def test_lines_of_arrays(size):
    data = '[1, "x"]\n\n [true, null]\n[[1,2.50], {"k": false}]\n[1]\n[1,2,3]\n{"a":1}\n7'
    assert texts(data, form=ARRAYS, as_numbers=frozenset("a"), size=size) == [
        ("1", "x"), ("1", None), ("[1,2.50]", '{"k":false}'), "the array has 1 values where 2 are wanted",
        "the array has 3 values where 2 are wanted", "the row has an object where an array is wanted",
        "the row has a number where an array is wanted",
    ]  # fmt: skip


@pytest.mark.parametrize("data", ["", " \n\r\n\t", "[]", " [ \n ] \n"])
def test_no_rows(data, size):
    assert rows(data, size=size) == []
    assert rows(BOM + data.encode(), size=size) == []


def test_numbers_keep_their_digits():
    digits = "9" * 10_000
    for number in (digits, f"-{digits}.{digits}", "1e400", "1E-5", "-0", "0.10", "123456789012345678.1234567890"):
        assert rows(f'{{"a": {number}, "b": [{number}, {{"c": {number}}}]}}')[0].fields == (
            Field(number, False), Field(f'[{number},{{"c":{number}}}]', True),
        )  # fmt: skip


def test_booleans_of_number_columns():
    data = '{"a":true,"b":false}\n{"a":false,"b":[true]}'
    assert texts(data, as_numbers=frozenset("a")) == [("1", "false"), ("0", "[true]")]
    assert texts(data, ("A", "B"), as_numbers=frozenset(("A", "B"))) == [("1", "0"), ("0", "[true]")]


def test_nested_values_become_json():
    data = '{"a": {"x": [1, 2.50, null, true, false], "é\\"": "\\u0001\\u0000é\\ud83d\\ude00"}, "b": []}'
    assert texts(data) == [('{"x":[1,2.50,null,true,false],"é\\"":"\\u0001\\u0000é😀"}', "[]")]
    assert texts('{"a": {"k": 1, "k": 2}, "b": {}}') == [('{"k":1,"k":2}', "{}")]


def test_keys(monkeypatch):
    data = '{"a":1,"c":2}\n{"a":1,"b":2}\n{"a":1,"A":2}\n{"B":1,"B":2}\n{"c":1,"C":2}'
    doubles = ["the object has the key 'A' and the key 'a', which mean one column", "the object has the key 'B' twice"]
    assert texts(data) == [("1", None), ("1", "2"), *doubles, (None, None)]
    assert texts(data, missing_keys="error") == [
        "the object has no key 'b'",
        ("1", "2"),
        *doubles,
        "the object has no key 'a'",
    ]
    extra = "the object has the key 'c', which is no column"
    assert texts(data, extra_keys="error") == [extra, ("1", "2"), *doubles, extra]
    monkeypatch.setattr(json_fields, "MAX_KEY_ORDERS", 2)
    many = [{"a": 1, f"k{number}": 2, "b": number} for number in (*range(5), *range(5))]
    assert texts("\n".join(map(json.dumps, many))) == [("1", str(each["b"])) for each in many]


DEEP = 700 if sys.version_info < (3, 12) else 2_000  # that can be read, and not be written
BROKEN = [
    ('{"a": 1', "no JSON: expecting ',' delimiter at character 8"),
    ('  {"a": }', "no JSON: a value is missing at character 9"),
    ("  x", "no JSON: a value is missing at character 3"),
    ('{"a": 1} {"a": 2}', "no JSON: more comes behind the value, at character 10"),
    ("{'a': 1}", "no JSON: expecting property name enclosed in double quotes at character 2"),
    ('{"a": NaN}', "no JSON: NaN is no number"),
    ('{"a": -Infinity}', "no JSON: -Infinity is no number"),
    ('{"a": "x\ty"}', "no JSON: invalid control character at character 9"),
    ('{"a": 01}', "no JSON: expecting ',' delimiter at character 8"),
    ('{"a": "\\ud83d"}', "the text of 'a' has half a character (U+D83D)"),
    ('{"b": ["\\udE00x"]}', "the text of 'b' has half a character (U+DE00)"),
    ('{"a": "x\\u0000"}', "the text of 'a' has the character NUL (U+0000)"),
    (b'{"a": "\xff"}', "byte 0xff is not UTF-8"),
    (b'{"a": "\xed\xa0\x80"}', "byte 0xed is not UTF-8"),
    (f'{{"a": {"[" * 100_000}', "the value is nested too deeply to be read"),
    (f'{{"a": {"[" * 20_000}{"]" * 20_000}}}', "the value is nested too deeply to be read"),
    (f'{{"a": {"[" * DEEP}{"]" * DEEP}}}', "the value is nested too deeply to be read"),
    ("null", "the row has null where an object is wanted"),
    ("1", "the row has a number where an object is wanted"),
    ('"a"', "the row has a string where an object is wanted"),
    ("true", "the row has a boolean where an object is wanted"),
    ("[1]", "the row has an array where an object is wanted"),
]


@pytest.mark.parametrize(("line", "reason"), BROKEN, ids=lambda value: str(value)[:30])
def test_broken_lines(line, reason):
    line = line if isinstance(line, bytes) else line.encode()
    good, bad, *_, last = rows(b'{"a":1}\n' + line + b'\n{"a":2,"b":3}', size=7 if len(line) < 100 else None)
    assert (bad.line, bad.fields, bad.broken) == (2, (), reason)
    assert bad.raw == line.decode("utf-8", "surrogateescape")
    assert (good.fields[0].text, last.line, last.fields[1].text) == ("1", 3, "3")


def test_a_brace_alone_is_no_object():
    assert texts("{") == ["no JSON: expecting property name enclosed in double quotes at character 2"]
    assert texts('{"a":1}\n{\n"a":2}')[1:] == [
        "no JSON: expecting property name enclosed in double quotes at character 2",
        "no JSON: more comes behind the value, at character 4",
    ]
    assert texts("{\n", form=ARRAYS) == ["no JSON: expecting property name enclosed in double quotes at character 2"]


def test_a_line_that_is_too_long(monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_ROW_BYTES", 2000)
    long = '{"a":"' + "x" * 2000 + '"}'
    for step in (7, 3000, None):
        found = rows(f'{{"a":1}}\n{long}\n{{"a":2}}\n{long}', size=step)
        assert [(row.line, row.broken) for row in found] == [
            (1, None),
            (2, json_lines.TOO_LONG),
            (3, None),
            (4, json_lines.TOO_LONG),
        ]
        assert found[1].raw == found[3].raw == long[:1000]
    assert f"the row is longer than {MAX_ROW_BYTES // 1024**2} MiB" == json_lines.TOO_LONG


ARRAY = '\n[\n  {"a": 1, "b": "]}"},\n\n  {\n    "A": "é😀\\"\\u00e9",\n    "b": [1.0,\n 2]\n  }\n, {"b": true}\n]\n'


def test_an_array_of_objects(size):
    found = rows(BOM + ARRAY.encode(), size=size)
    assert [(row.line, row.broken, *(field.text for field in row.fields)) for row in found] == [
        (3, None, "1", "]}"), (5, None, 'é😀"é', "[1.0,2]"), (10, None, None, "true"),
    ]  # fmt: skip
    assert found[0].raw == '{"a": 1, "b": "]}"}'
    assert found[1].raw.startswith('{\n    "A"')
    assert texts('[{"a":1},{"a":2}]', size=size) == [("1", None), ("2", None)]


def test_objects_over_several_lines(size):
    data = '\n{\n  "a": 1,\n  "b": {"c": 2}\n}\n{\n  "a": 01\n}\n{"a": 3}{"a": 4}\nx\n{\n"a": 5}\n'
    assert [(row.line, row.broken or row.fields[0].text) for row in rows(data, size=size)] == [
        (2, "1"), (6, "no JSON: expecting ',' delimiter at character 9 of line 2 of the value"), (9, "3"), (9, "4"),
        (10, "no JSON: a value is missing at character 1"), (11, "5"),
    ]  # fmt: skip
    assert texts('{\n"a": 1}\n{"a": 2', size=size) == [("1", None), "no JSON: expecting ',' delimiter at character 8"]


def test_broken_values_of_an_array(size):
    values = [line for line, _ in BROKEN if line not in {'{"a": 1', '{"a": 1} {"a": 2}', "  x"} and len(line) < 100]
    for text in (*values, f'{{"a": {"[" * 20_000}{"]" * 20_000}}}', "x", "12", "nul"):
        line = text if isinstance(text, bytes) else text.encode()
        found = rows(b'[{"a":1},\n ' + line + b' ,\n {"a":2,"b":3}]', size=size)
        assert [(row.line, row.broken is None) for row in found] == [(1, True), (2, False), (3, True)]
        assert found[1].raw.strip() == line.decode("utf-8", "surrogateescape").strip()
    reasons = dict(BROKEN)
    for line in ('{"a": 01}', '{"a": NaN}', "null", '{"a": "x\\u0000"}'):
        assert texts(f"[{line}]", size=size) == [reasons[line]]


CUT_ESCAPE = (  # json's words changed
    "no JSON: invalid \\uXXXX escape at character 8"
    if sys.version_info < (3, 14)
    else "no JSON: unterminated string starting at character 6"
)
CUT = "the file ends within its array: is it cut off?"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("[", [CUT]),
        ('[{"a":1}', [("1", None), CUT]),
        ('[{"a":1},\n', [("1", None), CUT]),
        ('[{"a":1},{"a":', [("1", None), "no JSON: a value is missing at character 6"]),
        ("[1", ["the row has a number where an object is wanted", CUT]),
        ("[tru", ["no JSON: a value is missing at character 1", CUT]),
        (
            '[{"a":1}{"a":2}]',
            [("1", None), "no JSON: there is no comma between two values of the array; the rest cannot be read"],
        ),
        ('[{"a":1}]\n{"a":2}\n{"a":3}', [("1", None), "no JSON: more comes behind the array"]),
        ('[{"a":1},]', [("1", None), "no JSON: a value is missing at character 1"]),
        ('[,{"a":1}]', ["no JSON: a value is missing at character 1", ("1", None)]),
        ('[{"a":"\\u00e9', [CUT_ESCAPE]),
    ],
)
def test_arrays_that_are_not_complete(data, expected, size):
    assert texts(data, size=size) == expected


def test_a_value_that_is_too_long(monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_ROW_BYTES", 2000)
    long = '{"a":"' + "x" * 2000 + '"}'
    for step in (7, 1000, None):
        first, bad, *after = texts(f'[{{"a":1}},{long},{{"a":2}}]', size=step)
        assert first == ("1", None)
        assert bad.startswith(json_lines.TOO_LONG)
        assert after == ([] if bad.endswith("cannot be read") else [("2", None)])
    assert rows(f"[{long}]")[0].raw == long[:1000]
    assert texts('[{"a":"' + "x" * 5000, size=10) == [f"{json_lines.TOO_LONG}, or not closed; the rest cannot be read"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, max_size=3), inner, max_size=3), max_leaves=5,
)  # fmt: skip


def meaning(field):
    """The value that a field was made of."""
    if not field.quoted:
        return None if field.text is None else json.loads(field.text)
    try:
        found = json.loads(field.text)
    except ValueError:
        return field.text
    return found if isinstance(found, list | dict) else field.text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            VALUES.filter(lambda value: not isinstance(value, str)),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        ),
        max_size=4,
    ),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_whatever_is_written_is_read(values, seed, ascii_only):
    chance = random.Random(seed)
    objects = [{"a": first, "B": second} for first, second in values]
    lines = "\n".join(json.dumps(each, ensure_ascii=ascii_only) for each in objects)
    array = json.dumps(objects, ensure_ascii=ascii_only, indent=chance.choice([None, 1]))
    stream = "{\n" * bool(objects) + "\n".join(
        json.dumps(each, ensure_ascii=ascii_only, indent=1) for each in objects
    ).removeprefix("{\n")
    for data in (lines, array, stream):
        found = rows(data, size=chance.choice([1, 3, 10, None]))
        assert [row.broken for row in found] == [None] * len(objects)
        assert [row.fields[1] for row in found] == [Field(second, True) for _, second in values]
        assert [meaning(row.fields[0]) for row in found] == [first for first, _ in values]


def test_bytes_in_base64(size):
    data = '{"a": "AP8i", "b": "AP8i"}\n{"a": null, "b": "\\u0041"}\n{"a": "", "b": 1}\n{"a": "AA", "b": ""}\n{"a": "é", "b": ""}'
    assert texts(data, form=JsonLines(base64=("A",)), size=size) == [
        ("\x00\udcff\x22", "AP8i"), (None, "A"), ("", "1"), "the text of 'a' is not base64: Incorrect padding",
        "the text of 'a' is not base64: string argument should contain only ASCII characters",
    ]  # fmt: skip
