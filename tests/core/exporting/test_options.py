"""Options of exports, and what is refused before anything is sent."""

import io

import pytest
from script import play

from matrixone_core.errors import (
    InvalidArgument,
)
from matrixone_core.exporting import options
from matrixone_core.operations import exports, loads, stage_loads


@pytest.mark.parametrize(
    ("given", "file", "server", "form"),
    [
        (None, "a.csv", True, "csv"), (None, "a", True, "csv"), (None, "A.JSONL", True, "jsonline"),
        (None, "a.json", True, "jsonline"), (None, "a.parquet", True, "parquet"), (None, "a.json.gz", False, "jsonline"),
        ("jsonline", "a.txt", True, "jsonline"), ("parquet", "a.parquet", False, "parquet"),
    ],
)  # fmt: skip
def test_the_suffix_says_the_format(given, file, server, form):
    assert options.format_of(given, file, server=server) == form


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: exports.to_stage("t", "s", "t.csv.gz"), "compresses no file"),
        (lambda: exports.to_stage("t", "s", "t.csv", format="parquet"), "is csv by its suffix"),
        (lambda: exports.to_stage("t", "s", "t.csv", format="xml"), "must be one of"),
        (lambda: exports.to_stage("t", "s", "dir/"), "is a folder"),
        (lambda: exports.to_stage("t", "s", "a b.csv"), "space"),
        (lambda: exports.to_stage("t", "s", 7), "must be a str"),
        (lambda: exports.to_stage("t", "s", "t.csv", split_size="much"), "split_size"),
        (lambda: exports.to_stage("t", "s", "t.csv", split_size=0), "split_size"),
        (lambda: exports.to_stage("t", "s", "t.parquet", split_size=9), "never splits it"),
        (lambda: exports.to_stage("t", "s", "t.csv", split_size=1.5), "split_size"),
        (lambda: exports.to_stage("t", "s", "t.csv", delimiter="-"), "numbers and dates"),
        (lambda: exports.to_stage("t", "s", "t.csv", delimiter=""), "delimiter"),
        (lambda: exports.to_stage("t", "s", "t.csv", delimiter="|", quote="|"), "cannot be the delimiter"),
        (lambda: exports.to_stage("t", "s", "t.csv", quote="\\"), "or a backslash"),
        (lambda: exports.to_stage("t", "s", "t.csv", line_terminator="x"), "line_terminator"),
        (lambda: exports.to_stage("t", "s", "t.csv", header=None), "header"),
        (lambda: exports.to_stage("t", "s", "t.csv", count=1), "count"),
        (lambda: exports.to_stage("t", "s", "t.csv", progress=True), "must be a function"),
        (lambda: exports.to_stage("t", "s", "t.csv", timeout=0), "timeout"),
        (lambda: exports.to_file("t", "t.csv", escape="x"), "escape"),
        (lambda: exports.to_file("t", "t.csv", null_value="a,b"), "ends a field"),
        (lambda: exports.to_file("t", "t.csv", null_value=None), "must be a str"),
        (lambda: exports.to_file("t", ""), "must be the path of a file"),
        (lambda: exports.to_file("t", "stage://s/t.csv"), "export.to_stage"),
        (lambda: exports.to_file("t", "t.csv.xz"), "compressed by xz"),
        (lambda: exports.to_file("t", 7), "open to write"),
        (lambda: exports.to_file("t", io.StringIO(), format="parquet"), "Parquet is no text"),
        (lambda: exports.to_csv("t.csv", "t", sep="\n"), "delimiter"),
        (lambda: loads.read_json("x.jsonl", "t", base64="g"), "give a list of names"),
        (lambda: stage_loads.read_json_stage("s", "x.jsonl", "t", base64=[7]), "must be a str"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(call, words):
    with pytest.raises(InvalidArgument, match=words):
        play(call())


def test_split_sizes():
    assert [options.split_size_of(size) for size in (None, 5, "5", "2k", "3 MB", "1G")] == [
        None,
        5,
        5,
        2048,
        3 << 20,
        1 << 30,
    ]
