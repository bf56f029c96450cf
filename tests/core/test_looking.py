"""Looking through files for what the server would change without a word: patterns, and what only scripted answers show."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from script import Pieces, play
from sqlalchemy import Integer, LargeBinary, String

from matrixone_core import loads
from matrixone_core.errors import LoadFailed, ServerError, StageFileNotFound, StatementTimeout
from matrixone_core.loading import job as jobs
from matrixone_core.loading import looking, regular
from matrixone_core.loading.csv_rows import CsvRows
from matrixone_core.loading.fitting import Fitting
from matrixone_core.loading.job import Look
from matrixone_core.loading.regular import Kind
from matrixone_core.loading.sifting import Lines
from matrixone_core.loading.target import Column, Table
from matrixone_core.operation import Atomic, Reply, Together
from matrixone_core.sql.external import IrregularLines
from matrixone_core.sql.load import Csv, JsonLines
from matrixone_core.sql.table import LoadState

WHOLE, TEXT, BYTES = Kind.WHOLE, Kind.TEXT, Kind.BYTES
LINES = [
    ("1,a", (WHOLE, TEXT), {}, True), (",", (WHOLE, TEXT), {}, True), ("-12,ä b'c", (WHOLE, TEXT), {}, True),
    ("1.5,a", (WHOLE, TEXT), {}, False), ("1e3,a", (WHOLE, TEXT), {}, False), ("+1,a", (WHOLE, TEXT), {}, False),
    ("1,a,b", (WHOLE, TEXT), {}, False), ("1", (WHOLE, TEXT), {}, False), ("1.5", (TEXT,), {}, True),
    ('"1","a,b"', (WHOLE, TEXT), {}, True), ('"1.5","a,b"', (WHOLE, TEXT), {}, False), ('1,"a""b"', (WHOLE, TEXT), {}, False),
    ("\\N,\\N", (WHOLE, TEXT), {}, True), ("1,a\\nb", (WHOLE, TEXT), {}, False), ('1,"a', (WHOLE, TEXT), {}, False),
    ("1,\ufffd", (WHOLE, TEXT), {}, False), ("1,\ufffd", (WHOLE, BYTES), {}, True), ('1,"\ufffd"', (WHOLE, BYTES), {}, True),
    ("1|a,b", (WHOLE, TEXT), {"delimiter": "|"}, True), ("1\ta", (WHOLE, TEXT), {"delimiter": "\t"}, True),
    ("1^a", (WHOLE, TEXT), {"delimiter": "^"}, True), ("1,']a,'", (WHOLE, TEXT), {"quote": "'"}, True),
    ("1,'a,]'", (WHOLE, TEXT), {"quote": "'"}, True), ("!N,a\\b", (WHOLE, TEXT), {"escape": "!"}, True),
    ("1,a\\b", (WHOLE, TEXT), {"escape": ""}, True), ("1,a\r", (WHOLE, TEXT), {}, True), ("1,a\rb", (WHOLE, TEXT), {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kinds", "options", "matches"), LINES, ids=[repr(case[0]) for case in LINES])
def test_a_regular_line(line, kinds, options, matches):
    form = Csv(0, **options)
    assert bool(re.search(regular.on_the_server(form, kinds, ()), line)) is matches
    assert (regular.here(form, kinds, ()).match(f"{line}\n").end() > 0) is matches


def test_texts_that_mean_null_are_regular():
    kinds = (WHOLE, WHOLE)
    assert re.search(regular.on_the_server(Csv(), kinds, ("n/a", "-")), "n/a,-")
    assert not re.search(regular.on_the_server(Csv(), kinds, ("-",)), "n/a,-")


def test_patterns_have_no_escapes_that_re2_has_not():
    """RE2 takes a backslash before punctuation only; Python's own `re.escape` writes one before spaces."""
    pattern = regular.on_the_server(Csv(0, delimiter=";"), (WHOLE, TEXT), ("not known", "é"))
    assert all(re.fullmatch(r"[!-/:-@\[-`{-~]", found) for found in re.findall(r"\\(.)", pattern.replace("\\\\", "")))
    assert "not known" in pattern


TABLE = Table(
    ("t",),
    (
        Column("id", Integer(), "INT", False, False, False, False),
        Column("name", String(9), "VARCHAR(9)", True, False, False, False),
        Column("raw", LargeBinary(), "BLOB", True, False, False, False),
    ),
    (("id",),),
)
FITTING = Fitting("f", TABLE.columns, ("id", "name", "raw"), ())


def flaws(data, passed_over):
    reader = CsvRows(Csv(), passed_over)
    rows = [*reader.feed(data), *reader.finish()]
    return [flaw for flaw in map(FITTING.unheard, rows) if flaw is not None]


@given(st.lists(st.text(st.sampled_from('1.-,"\\N\n\ré\udcff'), max_size=12), max_size=6).map("\n".join))
@example('1,a,b\n2,"x\n3.5,y,z\n",w\n4.5,\udcff,\udcff')
def test_what_is_passed_over_has_no_flaw(text):
    """Looking at the rows that are not plainly regular finds what looking at all of them does, lines included."""
    data = text.encode("utf-8", "surrogateescape")
    assert flaws(data, regular.here(Csv(), FITTING.kinds, ())) == flaws(data, None)


def test_flaws_are_named():
    data = b'1,a,\xff\n2.5,b,c\n\n3,"caf\xe9",x\n'
    first, second = flaws(data, None)
    assert str(first) == "f, line 2, column 'id', value '2.5': no whole number: it has a fraction"
    assert (second.line, second.column, second.value, second.reason) == (
        4,
        "name",
        "caf\\xe9",
        "byte 0xe9 is not UTF-8",
    )


def job_of(*, revocable=True):
    state = LoadState(reached=1, revocable=revocable)
    return jobs.Job(("t",), (), (), loads.options.checked({}), state, None, None)


def input_of(*pieces, form=Csv(), look=Look.SERVER):  # noqa: B008  # frozen
    return jobs.Input("f", "stage://s/f", form, (), iter, Lines(form, lambda _names: Pieces(*pieces)), look=look)


def found(*lines, one=None):
    """What comes of the lines that a server finds to be irregular."""
    looking_through = looking._by_the_server(job_of(), TABLE, one or input_of())
    steps, _ = play(looking_through, tuple(line.encode("utf-8", "surrogateescape") for line in lines))
    assert isinstance(steps[0], Atomic)


def test_lines_that_the_server_finds_are_looked_at_one_by_one():
    found()
    found('1,"a""b",x', "2,a\\,b,c", "3,\ufffd,\udcff")
    for line, suspected in (("1.5,a,b", True), ("1,\udcff,b", True), ('1,"a', False), ('b",c', False), ("1,a", False)):
        with pytest.raises(looking.Unproven) as caught:
            found("1,a\\b,c", line)
        assert caught.value.suspected is suspected
    with pytest.raises(looking.Unproven) as caught:
        found(*["1,a\\b,c"] * (looking.MOST_LINES + 1))
    assert not caught.value.suspected


def test_a_server_that_does_not_understand_leaves_it_unproven():
    for error, raised in (
        (ServerError("syntax"), looking.Unproven),
        (LoadFailed("no text"), looking.Unproven),
        (StageFileNotFound("gone"), StageFileNotFound),
        (StatementTimeout("late"), StatementTimeout),
    ):
        with pytest.raises(raised):
            play(looking._by_the_server(job_of(), TABLE, input_of()), error)


def test_the_question():
    statement = IrregularLines(("d", "x"), "^[0-9]*$", 3)
    assert str(statement) == "SELECT hex(`line`) AS raw FROM `d`.`x` WHERE NOT (`line` REGEXP '^[0-9]*$') LIMIT 3"
    assert statement.parse(Reply(({"raw": "61E9"},))) == (b"a\xe9",)


def answered(value):
    yield from ()
    return value


def test_a_session_has_its_files_looked_through_before_it_loads_them():
    steps, result = play(looking.beside(job_of(revocable=False), TABLE, [input_of()], answered(5)), (None,))
    assert isinstance(steps[0], Together)
    assert not steps[0].here
    assert result == 5
    steps, result = play(looking.beside(job_of(), TABLE, [input_of()], answered(5)), (7, None))
    assert steps[0].here
    assert len(steps[0].ops) == 2
    assert result == 7


def test_a_suspect_is_looked_for_and_may_not_be_found():
    unproven = looking.Unproven(input_of(b"1,a,b\n2,b,c\n1.5,x,y\n"), suspected=True)
    with pytest.raises(LoadFailed, match="f, line 3, column 'id', value '1.5'"):
        play(looking.suspect(job_of(), TABLE, unproven))
    play(looking.suspect(job_of(), TABLE, looking.Unproven(input_of(b"1,a,b\n"), suspected=True)))
    play(looking.suspect(job_of(), TABLE, looking.Unproven(input_of(b"1.5,a,b\n"))))


def test_a_file_that_cannot_be_unpacked_is_left_to_the_server():
    one = input_of(EOFError("ended"), look=Look.HERE)
    assert play(looking.here(job_of(), TABLE, one))[1] is one


def test_a_file_that_can_be_loaded_and_not_read():
    """Server-facts 9."""
    one = input_of(ServerError("PROVIDER not found"), look=Look.HERE)
    assert play(looking.here(job_of(), TABLE, one))[1] is one
    for error in (StageFileNotFound("gone"), StatementTimeout("late")):
        with pytest.raises(type(error)):
            play(looking.here(job_of(), TABLE, input_of(error, look=Look.HERE)))


def test_json_lines_are_counted_as_they_are_looked_at():
    lines = b'{"id":1,"name":"a","raw":"b"}\n\n{"id":2,"name":"a","raw":"b"}'
    _, one = play(looking.here(job_of(), TABLE, input_of(lines, form=JsonLines(), look=Look.HERE)))
    assert play(one.count())[1] == 2
    for line, says in ((b"{oops", "line 1: no JSON"), (b'{"id":1.5,"name":"","raw":""}', "line 1, column 'id'")):
        with pytest.raises(LoadFailed, match=says):
            play(looking.here(job_of(), TABLE, input_of(line, form=JsonLines(), look=Look.HERE)))
