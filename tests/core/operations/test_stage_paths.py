"""Paths of stages as values, and the operations on their files by what servers have been seen to answer."""

import pytest
from script import Driver, MemoryMachine, play

from matrixone_core.errors import InvalidArgument, ServerError, StageFileExists, StageFileNotFound
from matrixone_core.fragments import render_masked
from matrixone_core.operations import stage_path_files as files
from matrixone_core.operations import stage_transfers as transfers
from matrixone_core.operations.watching import FolderWatch
from matrixone_core.sql.files import (
    CopyFile,
    CountReached,
    FileLength,
    ListFiles,
    ReadFile,
    ReadRange,
    RemoveFiles,
    SaveFile,
)
from matrixone_core.stage_paths import PureStagePath, check_pattern, parts_of, target_of
from matrixone_core.steps import Reply

ROOT = files.location("Imports", ())
FILE = ROOT / "2024/users.csv.gz"


def test_parts_are_those_of_pathlib():
    assert str(FILE) == "stage://imports/2024/users.csv.gz" == FILE.url
    assert (FILE.name, FILE.stem, FILE.suffix, FILE.suffixes) == ("users.csv.gz", "users.csv", ".gz", [".csv", ".gz"])
    assert FILE.parent == ROOT / "2024"
    assert FILE.parents == (ROOT / "2024", ROOT)
    assert (ROOT.parent, ROOT.name, ROOT.url, ROOT.parents) == (ROOT, "", "stage://imports/", ())
    assert FILE.file == "2024/users.csv.gz" == FILE.relative_to(ROOT)
    assert FILE.with_suffix(".bz2").name == "users.csv.bz2"
    assert FILE.with_suffix("").with_name("b") == ROOT / "2024" / "b"
    assert (ROOT / ".hidden").suffix == "" == (ROOT / "a.").suffix == (ROOT / "a").suffix
    assert (ROOT / "a.").suffixes == []
    assert ROOT.joinpath("./a//b/", "c") == ROOT / "a/b/c"
    assert FILE.joinpath("", ".") == FILE
    assert repr(FILE) == "PureStagePath('stage://imports/2024/users.csv.gz')"
    assert len({FILE, ROOT / "2024" / "users.csv.gz"}) == 1
    assert sorted([FILE, ROOT]) == [ROOT, FILE]
    assert FILE != "stage://imports/2024/users.csv.gz"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("*.gz", True), ("2024/*", True), ("2023/*", False), ("x/2024/*", False), ("**/*.gz", True), ("**/*.csv", False)],
)
def test_patterns_are_compared_from_the_right(pattern, matches):
    assert FILE.match(pattern) is matches


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: play(files.list_folder(FILE), 0, b"x"), "is a file"),
        (lambda: ROOT / "../x", "leave the stage"),
        (lambda: ROOT / "a b", "space"),
        (lambda: ROOT / 1, "must be a str"),
        (lambda: parts_of("s", "stage://s/x"), "is a URL"),
        (lambda: ROOT.with_name("x"), "must be one name"),
        (lambda: FILE.with_name("a/b"), "must be one name"),
        (lambda: FILE.with_suffix("csv"), "a dot and more"),
        (lambda: FILE.with_suffix("."), "a dot and more"),
        (lambda: FILE.relative_to(ROOT / "2023"), "is not below"),
        (lambda: FILE.relative_to(files.location("other", ())), "is not below"),
        (lambda: FILE.match(""), "pattern below the path"),
        (lambda: check_pattern("/a"), "pattern below the path"),
        (lambda: target_of(FILE, "copy.csv"), "must be a path of a stage"),
        (lambda: target_of(FILE, FILE), "another file"),
        (lambda: target_of(FILE, ROOT), "another file"),
        (lambda: files.OpenMode.parse("a"), "must be one of"),
        (lambda: next(files.read_bytes(ROOT)), "is the stage itself"),
        (lambda: next(files.head(FILE, -1, "utf-8")), "rows=-1"),
        (lambda: next(files.write_bytes(FILE, "x", overwrite=False)), "write_text"),
        (
            lambda: next(
                files.write_text(FILE, b"x", encoding="utf-8", errors="strict", newline=None, overwrite=False)
            ),
            "write_bytes",
        ),
        (lambda: next(files.write_bytes(FILE, bytes(32_000_001), overwrite=False)), "32,000,001 bytes"),
        (lambda: next(transfers.download(FILE, "", None)), "path of a file on this machine"),
        (lambda: next(transfers.download(FILE, 5, None)), "local=5 must be the path of a file on this machine"),
        (lambda: next(transfers.download(FILE, "a\ud800", None)), "path of a file on this machine"),
        (lambda: next(transfers.download(FILE, "stage://s/x", None)), "copy\\(\\)"),
        (lambda: next(transfers.upload(FILE, "x", overwrite=False, progress=3)), "progress=3"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(call, words):
    with pytest.raises(InvalidArgument, match=words):
        call()


def test_targets_are_paths_or_urls():
    assert target_of(FILE, "stage://Other/a/b.csv") == ("other", ("a", "b.csv"))
    assert target_of(FILE, ROOT / "x") == ("imports", ("x",))


def test_statements_show_no_content():
    assert render_masked(SaveFile("stage://s/a", b"secret").parts()) == (
        "SELECT save_file(CAST('stage://s/a' AS datalink), <6 bytes>) AS size"
    )
    assert "secret" not in repr(SaveFile("stage://s/a", b"secret"))
    assert "concat(ifnull(load_file(CAST('stage://s/a?offset=0&size=5'" in render_masked(
        CopyFile("stage://s/a", "stage://s/b", (0, 5)).parts()
    )


def test_a_replaced_file_is_written_beside_the_old_one_first():
    found = StageFileExists("file a already exists", code=20406)
    path = ROOT / "a"
    steps, length = play(
        files.write_bytes(path, b"new", overwrite=True), found, 1, Reply(), b"w", Reply(), Reply(), b"w", Reply()
    )
    spare = steps[2].url
    assert length == 3
    assert steps == [
        SaveFile(path.url, b"new"),
        ReadFile(path.url, size=1),
        SaveFile(spare, b"new"),
        ReadFile(spare, 2, size=1),
        RemoveFiles(path.url),
        CopyFile(spare, path.url, (0,)),
        ReadFile(path.url, 2, size=1),
        RemoveFiles(spare),
    ]
    assert spare.startswith(f"{path.url}.")


def test_nothing_is_removed_for_a_file_that_was_not_written():
    found = StageFileExists("file a already exists", code=20406)
    with pytest.raises(ServerError, match="answered OK, and .* has fewer than the 3 bytes") as caught:
        play(files.write_bytes(ROOT / "a", b"new", overwrite=True), found, 1, Reply(), b"")
    assert not any(isinstance(step, RemoveFiles) for step in caught.value.steps)
    assert play(files.write_bytes(ROOT / "a", b"", overwrite=False), Reply(), b"")[1] == 0


def test_a_replacement_that_fails_says_where_the_new_content_is():
    found = StageFileExists("file a already exists", code=20406)
    with pytest.raises(ServerError) as caught:
        play(
            files.write_bytes(ROOT / "a", b"new", overwrite=True), found, 1, Reply(), b"w", Reply(), ServerError("full")
        )
    assert "the new content of stage://imports/a is whole in stage://imports/a." in caught.value.__notes__[0]


def test_a_copy_that_replaces_is_copied_beside_the_old_one_first():
    found = StageFileExists("file b already exists", code=20406)
    target = ROOT / "b"
    answers = (2, b"", 70_000_000 - 2 * files.COPIED_AT_ONCE, found, 1, Reply(), b"x", Reply(), Reply(), b"x", Reply())
    steps, copied = play(files.copy(FILE, target, overwrite=True), *answers)
    assert copied == ("imports", ("b",))
    assert steps[1] == ReadRange(FILE.url, 3 * files.COPIED_AT_ONCE, 1)
    assert steps[2] == FileLength(f"{FILE.url}?offset={2 * files.COPIED_AT_ONCE}")
    assert steps[3] == CopyFile(FILE.url, target.url, (0, files.COPIED_AT_ONCE, 2 * files.COPIED_AT_ONCE))
    assert steps[5].source == FILE.url


def test_a_new_content_that_was_not_put_in_place_stays_beside_it():
    """The old file is removed by then: without this the new one would be removed, too."""
    found = StageFileExists("file a already exists", code=20406)
    with pytest.raises(ServerError, match="answered OK, and .* has fewer than the 3 bytes") as caught:
        play(files.write_bytes(ROOT / "a", b"new", overwrite=True), found, 1, Reply(), b"w", Reply(), Reply(), b"")
    spare = caught.value.steps[2].url
    assert RemoveFiles(spare) not in caught.value.steps
    assert spare in caught.value.__notes__[0]


def test_a_folder_is_not_replaced():
    found, missing = StageFileExists("file a already exists"), StageFileNotFound("file a is not found")
    with pytest.raises(InvalidArgument, match="is a folder"):
        play(files.write_bytes(ROOT / "a", b"", overwrite=True), found, missing)


def test_the_end_of_an_object_is_no_error():
    past = ServerError("The requested range is not satisfiable")
    assert play(files.read_at(FILE, 10, 5), past) == ([ReadRange(FILE.url, 10, 5)], b"")
    assert play(files.read_at(FILE, 10, 0)) == ([], b"")
    with pytest.raises(ServerError, match="broken"):
        play(files.read_at(FILE, 10, 5), ServerError("broken"))
    full = bytes(files.RANGE)
    assert play(files.read_bytes(FILE), full, past)[1] == full


def stage_with(content, length=None):
    """Answer questions about a file of this content, said to have this length."""

    def answer(statement):
        if isinstance(statement, FileLength):
            return len(content) if length is None else length
        if isinstance(statement, CountReached):
            return sum(offset < len(content) for offset in statement.offsets)
        return content[statement.offset : statement.offset + statement.size]

    return answer


def test_a_download_has_its_name_once_it_is_whole():
    machine, seen = MemoryMachine(), []
    driver = Driver(stage_with(b"0123456789"), machine)
    place = driver.run(
        transfers.download(FILE, "x", lambda progress: seen.append((dict(machine.files), progress.done)))
    )
    ((unfinished, content),) = seen[0][0].items()
    assert (unfinished.startswith(".x."), content, seen[0][1]) == (True, b"0123456789", 10)
    assert (str(place), machine.files) == ("x", {"x": b"0123456789"})
    folder = MemoryMachine(**{"folder/other": b""})
    assert str(Driver(stage_with(b"1"), folder).run(transfers.download(FILE, "folder", None))) == f"folder/{FILE.name}"
    assert folder.files[f"folder/{FILE.name}"] == b"1"


def test_a_file_that_shrinks_while_it_is_downloaded_is_noticed():
    machine = MemoryMachine(x=b"old")
    with pytest.raises(StageFileNotFound, match="shorter file"):
        Driver(stage_with(b"short", 10), machine).run(transfers.download(FILE, "x", None))
    assert machine.files == {"x": b"old"}


def test_an_upload_sends_the_file():
    machine = MemoryMachine(x=b"content")
    driver = Driver(lambda statement: b"t" if isinstance(statement, ReadFile) else None, machine)
    assert driver.run(transfers.upload(FILE, "x", overwrite=False, progress=None)) == 7
    assert driver.log == [str(SaveFile(FILE.url, b"content")), str(ReadFile(FILE.url, 6, size=1))]
    with pytest.raises(FileNotFoundError):
        driver.run(transfers.upload(FILE, "y", overwrite=False, progress=None))


def test_a_folder_may_have_something_of_its_own_name():
    listed = ("/b/2024/2024", "/b/2024/a.csv")
    folder = ROOT / "2024"
    missing = StageFileNotFound("file 2024 is not found")
    # the folder itself is there; its mark is no file, and no folder either
    assert play(files.list_names(folder), 1, 0, listed, missing, 1, 0, 0)[1] == ("a.csv",)
    assert play(files.list_names(folder), 1, 0, listed, 1)[1] == ("2024", "a.csv")


def test_pure_paths_of_what_servers_list_may_be_unreadable():
    listed = PureStagePath("s", ("a b",), None)
    assert listed.name == "a b"
    with pytest.raises(InvalidArgument, match="space"):
        _ = listed.url


def test_a_folder_that_is_not_there():
    with pytest.raises(StageFileNotFound, match="no folder"):
        play(files.list_names(ROOT / "x"), 0, StageFileNotFound("file x is not found"))


def test_a_watch_of_a_folder_in_which_nothing_is_new_reports_nothing():
    watch = FolderWatch("s", "*.csv", "t", every=1, form=None, options={})
    steps, report = play(watch.next_report(), ())
    assert (steps, report) == ([ListFiles("stage://s/*")], None)


def test_the_stage_itself_is_no_file():
    for op in (transfers.download(FILE, "x", 3), transfers.upload(FILE, "x", overwrite=False, progress=3)):
        with pytest.raises(InvalidArgument, match="progress=3"):
            play(op)
