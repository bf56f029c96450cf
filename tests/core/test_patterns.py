"""Patterns, compared with another reading of them, and with `PurePath.full_match` where Python has it (3.13)."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from script import drive, play

from matrixone_core import patterns
from matrixone_core.errors import InvalidArgument, ServerError, StageFileNotFound, TransactionAborted
from matrixone_core.sql.files import ListFiles, ReadFile

names = st.text(st.sampled_from("ab1-._é"), min_size=1, max_size=3).filter(lambda name: name.strip("."))
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
odd_names = st.text(st.characters(exclude_characters="/", exclude_categories=("Cs",)), min_size=1, max_size=4).filter(
    lambda name: name.strip(".")
)
classes = st.builds(
    "[{}{}]".format, st.sampled_from(["", "!"]), st.sampled_from(["a", "ab", "a-b", "1-9é", "]a", "b-a"])
)
pieces = st.one_of(st.just("*"), st.just("?"), classes, st.sampled_from("ab1-.!é"), st.just("[a"), st.just("]"))
parts = st.one_of(st.just("**"), st.lists(pieces, min_size=1, max_size=4).map("".join))
patterns_drawn = st.lists(parts, min_size=1, max_size=4).map("/".join)


def expression(part):
    """A part of a pattern as a regular expression, written for these tests."""
    found, at = "", 0
    while at < len(part):
        closing = re.compile(r"\[(!?)(\]?[^\]]*)\]").match(part, at)
        if part[at] == "[" and closing and closing[2]:
            ranges = re.findall(r"(?s)(.)-(.)|(.)", closing[2])
            letters = "".join(
                re.escape(one) if one else f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
                for low, high, one in ranges
            )
            inside = f"[{letters}]" if letters else r"(?!)"
            found += rf"(?!{inside})." if closing[1] else inside
            at = closing.end()
        else:
            found += {"*": ".*", "?": "."}.get(part[at]) or re.escape(part[at])
            at += 1
    return found


def expected(path, pattern):
    """Whether a path matches, by trying all ways of giving folders to `**`."""
    return fits(path.split("/"), [part for part in pattern.split("/") if part != "."] or ["."])


def fits(path, pattern):
    if not pattern:
        return not path
    if pattern[0] == "**":
        return (len(pattern) == 1 and bool(path)) or any(
            fits(path[at:], pattern[1:]) for at in range(len(path) + 1) if len(pattern) > 1
        )
    return bool(path) and bool(re.fullmatch(expression(pattern[0]), path[0], re.DOTALL)) and fits(path[1:], pattern[1:])


class Listing:
    """A stage's files in folders, listed one level at a time."""

    def __init__(self, files, root="/data", marks=()):
        self.files, self.root, self.marks, self.asked = files, root, marks, []

    def answer(self, step):
        if isinstance(step, ReadFile):
            if step.url.removeprefix("stage://s/") in self.files:
                return b"1"
            raise StageFileNotFound("file is not found")
        assert isinstance(step, ListFiles)
        folder = step.url.removeprefix("stage://s/")
        self.asked.append(folder)
        only_files = folder.endswith("*")
        folder = folder.removesuffix("*")
        assert not patterns.is_pattern(folder)
        assert not folder or folder.endswith("/")
        below = [path.removeprefix(folder) for path in self.files if path.startswith(folder)]
        found = [path for path in below if "/" not in path]
        found += [] if only_files else {path.partition("/")[0] for path in below if "/" in path}
        if folder in self.marks:
            found.append(f"{self.root}/{folder}".rstrip("/").rpartition("/")[2])
        return tuple(sorted(f"{self.root}/{folder}{name}" for name in found))

    def found(self, pattern):
        return drive(patterns.matching("s", pattern), self.answer)


def can_be_listed(pattern):
    """Whether no folder is named outright that the server refuses."""
    return all(patterns.is_pattern(part) or "]" not in part for part in pattern.split("/")[:-1])


@given(st.one_of(paths, st.lists(odd_names, min_size=1, max_size=3).map("/".join)), patterns_drawn)
@example("in/a.csv", "i?/[a-b].csv")
@example("a", "**")
@example("a/b/c", "a/**/c")
@example("a/c", "a/**/c")
@example("a\n", "a?")
@example("[a", "[a")
@example("]", "[]]")
@example("a", ".")
@example("a/b/c", "**/b/**")
def test_one_path(path, pattern):
    wanted = expected(path, pattern)
    assert patterns.matches(path, pattern) is wanted
    if hasattr(PurePosixPath, "full_match") and "[!" not in pattern:  # there such a set has the / in it
        assert PurePosixPath(path).full_match(pattern) is wanted


@given(st.lists(paths, max_size=12, unique=True), patterns_drawn.filter(can_be_listed))
def test_trees(files, pattern):
    listing = Listing(files)
    found = listing.found(pattern)
    assert list(found) == sorted(path for path in files if expected(path, pattern))
    assert len(listing.asked) == len(set(listing.asked))


@given(st.lists(odd_names, max_size=12, unique=True), patterns_drawn.filter(can_be_listed))
def test_names_with_any_character(files, pattern):
    assert list(Listing(files).found(pattern)) == sorted(n for n in files if expected(n, pattern))


def test_only_folders_that_matter_are_listed():
    files = [f"{folder}/{name}.csv" for folder in ("a", "b", "c/d", "c/e") for name in "xy"]
    for pattern, wanted, listed in (
        ("a/*.csv", ["a/x.csv", "a/y.csv"], ["a/*"]),
        ("a/../x", [], None),
        ("c/[de]/x.csv", ["c/d/x.csv", "c/e/x.csv"], ["c/", "c/*", "c/e/*", "c/d/*"]),
        ("./c//d/?.csv", ["c/d/x.csv", "c/d/y.csv"], ["c/d/*"]),
    ):
        listing = Listing(files)
        if listed is not None:
            assert list(listing.found(pattern)) == wanted
            assert listing.asked == listed


def test_the_mark_of_an_s3_folder_is_no_file():
    """What consoles make to show an empty folder is listed in it under its own name."""
    files = ["data/a.csv", "in/b.csv", "in/in"]
    listing = Listing(files, marks={"", "in/", "data/"})
    assert list(listing.found("**")) == files


@pytest.mark.parametrize("pattern", ["f/?", "f/**", "f/x/?", "*/g/?", "in/g/x/y/*"])
def test_a_file_where_a_pattern_has_a_folder(pattern):
    """A folder that a pattern names is not looked for; the server refuses to list a file (server-facts 58)."""
    files = ["f", "in/g", "in/h/i"]

    def answer(step):
        folders = getattr(step, "url", "").removeprefix("stage://s/").rstrip("*").split("/")[:-1]
        if isinstance(step, ListFiles) and any("/".join(folders[: at + 1]) in files for at in range(len(folders))):
            raise ServerError("readdirent /data/f: not a directory")
        return Listing(files).answer(step)

    assert drive(patterns.matching("s", pattern), answer) == ()


def test_a_folder_that_cannot_be_listed():
    def answer(step):
        if isinstance(step, ListFiles):
            raise error("it broke")
        asked.append(step)
        raise StageFileNotFound("file is not found")

    for error, count in ((ServerError, 2), (TransactionAborted, 0)):
        asked = []
        with pytest.raises(error, match="it broke"):
            drive(patterns.matching("s", "in/f/?"), answer)
        assert len(asked) == count


def test_what_the_server_cannot_list():
    with pytest.raises(InvalidArgument, match="has '\\+' in it: the server refuses"):
        Listing(["a+b/x.csv"]).found("*/x.csv")
    assert Listing(["a+b/x.csv", "x.csv"]).found("*.csv") == ("x.csv",)


def test_folders_without_end():
    def answer(step):
        return ("/l/l",) if not step.url.endswith("*") else ()

    with pytest.raises(InvalidArgument, match=r"100 folders deep.*fewer \*\*"):
        drive(patterns.matching("s", "**/x.csv"), answer)


def test_is_pattern():
    assert [patterns.is_pattern(name) for name in ("a", "a*", "?", "[", "]!")] == [False, True, True, True, False]
    with pytest.raises(InvalidArgument, match="str"):
        patterns.is_pattern(3)


def test_a_listing_that_fails():
    with pytest.raises(StageFileNotFound):
        play(patterns.matching("s", "*"), StageFileNotFound("x"))
