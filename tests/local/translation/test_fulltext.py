"""MATCH … AGAINST on the local server, with what a MatrixOne server was seen to find, beside conformance/searching."""

import pytest

ROWS = [
    (1, "red apple", "the quick brown fox"),
    (2, "green pear", "lazy dogs sleep"),
    (3, "blue sky", "quick foxes and quick dogs"),
    (4, "数据库", "我喜欢数据库系统 MatrixOne"),
    (5, "dogs are quick", "no-one e-mail a_b it's"),
    (6, None, "quick"),
]


@pytest.fixture
def d(sql):
    sql("CREATE TABLE d (id INT PRIMARY KEY, title VARCHAR(50), body TEXT, FULLTEXT fb (title, body))")
    for row in ROWS:
        sql("INSERT INTO d VALUES (%s, %s, %s)", *row)
    return sql


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("quick dogs", [3]),
        ("dogs quick", []),
        ("apple the", [1]),
        ("QUICK", [1, 3, 5, 6]),
        ("qui", []),
        ("数据", [4]),
        ("据", [4]),
        ("数据库系统", [4]),
        ("no-one", [5]),
        ("one", [5]),
        ("a_b", [5]),
        ("it''s", [5]),
        ("its", []),
        ("  ", []),
    ],
)
def test_natural_language(d, query, found):
    assert d(f"SELECT id FROM d WHERE MATCH (title, body) AGAINST ('{query}') ORDER BY id") == [(one,) for one in found]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("brown pear", [1, 2]),
        ("+quick dogs", [1, 3, 5, 6]),
        ("-quick dogs", [2]),
        ("-quick", []),
        ("+quick +(fox apple)", [1]),
        ("+quick -(fox apple)", [3, 5, 6]),
        ('"dogs quick"', []),
        ('"apple the"', [1]),
        ("+qui* +do*", [3, 5]),
        ("~quick", [1, 3, 5, 6]),
        ("+quick ~dogs", [1, 3, 5, 6]),
    ],
)
def test_boolean_mode(d, query, found):
    asked = f"SELECT id FROM d WHERE MATCH (title, body) AGAINST ('{query}' IN BOOLEAN MODE) ORDER BY id"
    assert d(asked) == [(one,) for one in found]


def test_the_score_is_how_often_the_words_occur(d):
    score = "MATCH (d.title, d.body) AGAINST ('quick')"
    assert d(f"SELECT id, {score} AS score FROM d ORDER BY score DESC, id LIMIT 3") == [(3, 2), (1, 1), (5, 1)]
    assert d(f"SELECT x.id FROM d x WHERE {score.replace('d.', 'x.')} AND x.id > 3 ORDER BY 1") == [(5,), (6,)]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("MATCH (title) AGAINST ('apple')", 20105),
        ("MATCH (title, body) AGAINST ('')", 1064),
        ("MATCH (title, body) AGAINST ('+' IN BOOLEAN MODE)", 20101),
        ("MATCH (title, body) AGAINST ('x' WITH QUERY EXPANSION)", 20101),
        ("MATCH (title, body) AGAINST ('quick (fox apple)' IN BOOLEAN MODE)", 20101),
    ],
)
def test_what_is_refused(d, asked, code):
    assert d.refused(f"SELECT id FROM d WHERE {asked}")[0] == code


def test_a_long_text(d):
    d("INSERT INTO d VALUES (7, '', CONCAT(REPEAT('word ', 13000), 'last'))")
    assert d("SELECT id FROM d WHERE MATCH (title, body) AGAINST ('last')") == [(7,)]


def test_a_parser_that_is_not_there(sql):
    assert "no full-text parser json" in sql.refused("CREATE TABLE j (d JSON, FULLTEXT (d) WITH PARSER json)")[1]
