"""Files of stages through SQL, by both clients."""

import bz2
import gzip
import os
from pathlib import Path

import pytest
from models import User

from matrixone import FileProgress, errors
from matrixone_core.operations import stage_transfers


@pytest.fixture
def folder(client, unique, files):
    """The path of a stage with some files."""
    for name, content in {
        "users.csv": "id,name\n1,Ada\n2,Grace\n",
        "ünï.txt": "é\r\nb\n",
        "empty.csv": "",
        "2024/01/a.csv": "1\n",
        "2024/b.csv": "2\n",
        "2024/c.txt": "3\n",
    }.items():
        files.put(name, content)
    stage = unique()
    client.stage.create_local(stage, files.folder)
    return client.stage.path(stage)


def names(paths):
    return [path.file for path in paths]


def test_folders_are_listed_and_walked(folder, files):
    assert names(folder.iterdir()) == ["2024", "empty.csv", "users.csv", "ünï.txt"]
    assert names((folder / "2024").iterdir()) == ["2024/01", "2024/b.csv", "2024/c.txt"]
    assert names(folder.glob("*.csv")) == ["empty.csv", "users.csv"]
    assert names((folder / "2024").glob("*/*.csv")) == ["2024/01/a.csv"]
    assert names(folder.rglob("[ab].csv")) == ["2024/01/a.csv", "2024/b.csv"]
    assert names((folder / "none").rglob("*")) == []
    walked = [(path.file, folders, found) for path, folders, found in folder.walk()]
    assert walked == [
        ("", ["2024"], ["empty.csv", "users.csv", "ünï.txt"]),
        ("2024", ["01"], ["b.csv", "c.txt"]),
        ("2024/01", [], ["a.csv"]),
    ]
    assert not Path(files.folder, "none").exists()


def test_what_is_there(client, folder, files, unique):
    there = {"users.csv": (True, True, False), "2024": (True, False, True), "2024/01": (True, False, True)}
    for file, answers in (there | dict.fromkeys(["none", "users.csv/x", "2024/none"], (False, False, False))).items():
        path = folder / file
        assert (path.exists(), path.is_file(), path.is_dir()) == answers
    assert (folder.exists(), folder.is_file(), folder.is_dir()) == (True, False, True)
    nowhere = client.stage.path(unique())
    assert (nowhere.exists(), nowhere.is_dir()) == (False, False)
    with pytest.raises(errors.StageNotFound):
        (nowhere / "a").exists()
    with pytest.raises(errors.StageFileNotFound, match="no folder"):
        list((folder / "none").iterdir())
    with pytest.raises(errors.InvalidArgument, match="is a file"):
        list((folder / "users.csv").walk())
    assert not Path(files.folder, "none").exists()


def test_files_are_read_whole_and_by_ranges(folder, files):
    content = os.urandom(5_000_000)
    files.put("big.bin", content)
    big = folder / "big.bin"
    assert (big.stat().size, (folder / "empty.csv").stat().size) == (len(content), 0)
    assert big.read_bytes() == content
    assert (folder / "empty.csv").read_bytes() == b""
    assert (folder / "ünï.txt").read_text() == "é\nb\n"
    assert (folder / "ünï.txt").read_text(newline="") == "é\r\nb\n"
    with big.open("rb") as file:
        assert file.read(10) == content[:10]
        assert file.tell() == 10
        assert file.seek(-10, 2) == len(content) - 10
        assert file.read() == content[-10:]
        assert file.read(1) == b""
        assert file.seek(4_000_000) == 4_000_000
        assert file.seek(5, 1) == 4_000_005
        assert file.read(100) == content[4_000_005:4_000_105]
    with (folder / "ünï.txt").open() as file:
        assert file.read(1) == "é"
        assert file.read() == "\nb\n"
        assert file.seek(0) == 0
        assert list(file) == ["é\n", "b\n"]
    for name in ("none.csv", "2024"):
        for use in (lambda path: path.read_bytes(), lambda path: path.stat(), lambda path: path.open("rb").__enter__()):
            with pytest.raises(errors.StageFileNotFound):
                use(folder / name)


def test_head_reads_no_more_than_it_needs(folder, files):
    files.put("many.csv.gz", gzip.compress(b"".join(b"%d,x\n" % number for number in range(100_000))))
    files.put("two.csv.bz2", bz2.compress(b"1\n2"))
    files.put("cut.csv.gz", gzip.compress(b"1\n2\n" * 1000)[:-9])
    assert (folder / "many.csv.gz").head(2) == "0,x\n1,x\n"
    assert (folder / "two.csv.bz2").head() == "1\n2"
    assert (folder / "users.csv").head(rows=1) == "id,name\n"
    files.put("feeds.csv", "a\x0cb\u2028c\nd\ne\n")
    assert (folder / "feeds.csv").head(2) == "a\x0cb\u2028c\nd\n"
    assert (folder / "users.csv").head(0) == "" == (folder / "empty.csv").head()
    with pytest.raises(errors.LoadFailed, match="ends early"):
        (folder / "cut.csv.gz").head(5000)


def test_files_are_written_replaced_and_removed(folder):
    path = folder / "new/one.bin"
    content = bytes(range(256)) * 300 + b"'\\\0:name"  # beyond what the server takes of _binary'…'
    assert path.write_bytes(content) == len(content)
    assert path.read_bytes() == content
    with pytest.raises(errors.StageFileExists, match="overwrite=True"):
        path.write_bytes(b"")
    assert path.write_text("ä\n", encoding="latin-1", newline="\r\n", overwrite=True) == 2
    assert path.read_bytes() == b"\xe4\r\n"
    assert names(path.parent.iterdir()) == ["new/one.bin"]
    with pytest.raises(errors.InvalidArgument, match="is a folder"):
        path.parent.write_bytes(b"", overwrite=True)
    path.unlink()
    path.unlink(missing_ok=True)
    for missing in (path, path.parent):
        with pytest.raises(errors.StageFileNotFound):
            missing.unlink()
    assert (folder / "empty2").write_bytes(b"") == 0
    assert (folder / "empty2").is_file()


def test_a_file_stays_where_the_new_one_cannot_be_written(folder):
    """A MatrixOne server answers OK for a name that its disk does not take, and the old file was removed for nothing."""
    path = folder / f"{'n' * 245}.csv"
    path.write_text("id\n1\n")
    for write in (path.write_text, (folder / f"{'n' * 300}.csv").write_text):
        with pytest.raises(errors.ServerError, match="(?i)name too long"):
            write("id\n2\n", overwrite=True)
    assert path.read_text() == "id\n1\n"


def test_files_opened_to_write_are_sent_when_they_are_closed(folder):
    path = folder / "w.txt"
    with path.open("x") as file:
        assert file.write("é\n") == 2
        file.write("b")
    assert path.read_text() == "é\nb"
    with pytest.raises(errors.StageFileExists, match="mode 'w'"), path.open("xb"):
        pass
    with pytest.raises(ZeroDivisionError), path.open("w") as file:
        file.write("half")
        raise ZeroDivisionError
    with path.open("wb") as file:
        file.write(b"12")
        with pytest.raises(errors.InvalidArgument, match="at most 32,000,000"):
            file.write(bytes(32_000_000))
        with pytest.raises(OSError, match="not readable|opened to write"):
            file.read()
        assert file.tell() == 2
    assert path.read_bytes() == b"12"
    with path.open("rb") as file, pytest.raises(OSError, match="writable|^write$"):
        file.write(b"")
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_files_are_copied_by_the_server(client, folder, files, unique):
    other = unique()
    client.stage.create_local(other, files.folder)
    copied = (folder / "users.csv").copy(f"stage://{other}/copies/u.csv")
    assert str(copied) == f"stage://{other}/copies/u.csv"
    assert copied.read_text() == (folder / "users.csv").read_text()
    assert (folder / "empty.csv").copy(str(folder / "e.csv")).stat().size == 0
    with pytest.raises(errors.StageFileExists):
        copied.copy(str(folder / "e.csv"))
    assert copied.copy(str(folder / "e.csv"), overwrite=True).read_text() == copied.read_text()
    for missing in ("none", "2024"):
        with pytest.raises(errors.StageFileNotFound):
            (folder / missing).copy(str(folder / "x"))


def test_copies_of_large_files_are_put_together(folder, files, monkeypatch):
    monkeypatch.setattr("matrixone_core.operations.stage_path_files.COPIED_AT_ONCE", 100_000)
    content = os.urandom(250_001)
    files.put("large.bin", content)
    assert (folder / "large.bin").copy(str(folder / "l.bin")).read_bytes() == content


def test_download_and_upload(folder, files, tmp_path, monkeypatch):
    monkeypatch.setattr("matrixone_core.operations.stage_transfers.RANGE", 100_000)
    content = os.urandom(1_050_001)
    files.put("big.bin", content)
    events = []
    place = (folder / "big.bin").download(tmp_path, progress=events.append)
    assert place == tmp_path / "big.bin"
    assert place.read_bytes() == content
    assert max(event.done for event in events) == len(content) == events[0].total
    assert (folder / "empty.csv").download(tmp_path / "e").read_bytes() == b""
    assert (folder / "users.csv").download(str(place)).read_bytes() == b"id,name\n1,Ada\n2,Grace\n"
    with pytest.raises(errors.StageFileNotFound):
        (folder / "2024").download(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        (folder / "users.csv").download(tmp_path / "none/x")
    assert {path.name for path in tmp_path.iterdir()} == {"big.bin", "e"}
    (tmp_path / "link").symlink_to(place)
    assert (folder / "empty.csv").download(tmp_path / "link") == tmp_path / "link"
    assert ((tmp_path / "link").is_symlink(), place.read_bytes()) == (True, b"")
    place.write_bytes(b"id,name\n1,Ada\n2,Grace\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.InvalidArgument, match="pipe' is a pipe or a device"):
        (folder / "users.csv").download(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
    events.clear()
    target = folder / "up.bin"
    assert target.upload(tmp_path / "big.bin", progress=events.append) == 22
    assert events == [FileProgress(target.url, 22, 22)]
    assert target.upload(tmp_path / "e", overwrite=True) == 0
    assert target.stat().size == 0
    with pytest.raises(FileNotFoundError):
        target.upload(tmp_path / "none")
    with pytest.raises(errors.InvalidArgument, match="is too long for the path of a file"):
        target.upload("id,name\n" * 10_000)
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(32_000_001)
    with pytest.raises(errors.InvalidArgument, match="32,000,001"):
        target.upload(tmp_path / "huge", overwrite=True)


def test_a_download_that_fails_leaves_nothing(folder, tmp_path, monkeypatch):
    def fail(*_range):
        raise ZeroDivisionError

    monkeypatch.setattr(stage_transfers, "read_range", fail)
    with pytest.raises(ZeroDivisionError):
        (folder / "users.csv").download(tmp_path / "x")
    assert not any(tmp_path.iterdir())


def test_a_progress_function_that_fails_changes_nothing(folder, tmp_path, caplog):
    """One rule for all that has `progress=`: the result would stand, and its caller would not know it."""

    def fail(_event):
        raise ZeroDivisionError

    assert (folder / "users.csv").download(tmp_path / "x", progress=fail).exists()
    assert (folder / "up.csv").upload(tmp_path / "x", progress=fail) == (tmp_path / "x").stat().st_size
    assert (folder / "up.csv").upload(tmp_path / "x", overwrite=True, progress=fail) > 0
    assert caplog.text.count("a progress function failed") == 3


def test_a_download_to_where_no_file_can_be_names_the_place_that_was_given(folder, tmp_path):
    missing = tmp_path / "missing" / "x"
    with pytest.raises(FileNotFoundError) as caught:
        (folder / "users.csv").download(missing)
    assert caught.value.filename == str(missing)
    (tmp_path / "users.csv").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        (folder / "users.csv").download(tmp_path)
    assert caught.value.filename == str(tmp_path / "users.csv")
    assert [place.name for place in tmp_path.rglob("*")] == ["users.csv"]


def test_sessions_read_files_and_write_none(client, folder, unique):
    with client.session() as session:
        path = session.stage.path(folder.stage, "users.csv")
        assert path.read_text() == "id,name\n1,Ada\n2,Grace\n"
        assert names(session.stage.path(folder.stage).glob("*.csv")) == ["empty.csv", "users.csv"]
        for write in (
            lambda: path.write_bytes(b"", overwrite=True),
            path.unlink,
            lambda: path.copy(str(folder / "x")),
        ):
            with pytest.raises(errors.NotSupported, match="a rollback would not take that back"):
                write()
        created = unique()
        session.stage.create_local(created, "/tmp/")
        with pytest.raises(errors.NotSupported, match="once it commits"):
            session.stage.path(created, "x").read_bytes()
        session.rollback()


@pytest.mark.usefixtures("s3")  # the server is on this machine
def test_a_stage_in_a_bucket(client, unique, bucket, moto_url, tmp_path):
    stage = unique()
    client.stage.create_s3(stage, bucket, "paths/", endpoint=moto_url, aws_key_id="AKIAKEY", aws_secret_key="secret")
    folder = client.stage.path(stage)
    content = os.urandom(70_000)
    (folder / "dir/a.bin").write_bytes(content)
    (folder / "dir/dir").write_bytes(b"")
    path = folder / "dir/a.bin"
    assert path.read_bytes() == content
    with path.open("rb") as file:
        file.seek(-4, 2)
        assert file.read() == content[-4:]
    assert (path.is_file(), path.is_dir(), path.parent.is_dir(), path.parent.is_file()) == (True, False, True, False)
    assert names(folder.iterdir()) == ["dir"]
    assert names(path.parent.iterdir()) == ["dir/a.bin", "dir/dir"]
    assert path.copy(str(folder / "b.bin")).read_bytes() == content
    path.unlink()
    assert not path.exists()
    empty = folder / "dir/dir"
    assert empty.copy(f"{empty.parent}/copy").read_bytes() == b""
    assert (folder / "b.bin").write_bytes(b"", overwrite=True) == (folder / "b.bin").stat().size == 0
    assert empty.download(tmp_path).read_bytes() == b""


def test_what_is_a_file_and_a_folder_of_a_bucket(users, s3, unique, bucket, moto_url):
    for key in ("both", "both/1.csv", "both/both", "both/both/2.csv", "marked/", "marked/3.csv"):
        s3.put_object(
            Bucket=bucket, Key=f"names/{key}", Body=b"" if key.endswith("/") else key[-5:-4].encode() + b",a,a@x,1\n"
        )
    stage = unique()
    users.stage.create_s3(stage, bucket, "names/", endpoint=moto_url, aws_key_id="AKIAKEY", aws_secret_key="secret")
    folder = users.stage.path(stage)
    files = ["both", "both/1.csv", "both/both", "both/both/2.csv", "marked/3.csv"]
    assert names(folder.rglob("*")) == files
    assert names(folder.glob("*/*.csv")) == ["both/1.csv", "marked/3.csv"]
    assert [(path.file, folders, found) for path, folders, found in folder.walk()] == [
        ("", ["both", "marked"], ["both"]),
        ("both", ["both"], ["1.csv", "both"]),
        ("both/both", [], ["2.csv"]),
        ("marked", [], ["3.csv"]),
    ]
    assert users.load_data.read_csv_stage(stage, "**/*.csv", User).rows == 3


def test_paths_of_a_stage_and_of_this_machine(users, folder, files, tmp_path):
    """Loads and exports take the paths of stages; the path of a local file within its folder goes behind one."""
    files.put("in/1.csv", "1,Ada,ada@x,36\n")
    local = tmp_path / "in/1.csv"
    path = folder / local.relative_to(tmp_path)
    assert path.file == users.stage.path(path.stage, local.relative_to(tmp_path)).file == "in/1.csv"
    wanted = getattr(path, "wrapped", path)
    assert users.load_data.read_csv(wanted, User).rows == 1
    assert users.export.to_csv(wanted.with_name("2.csv"), User).bytes == (path.parent / "2.csv").stat().size
    with pytest.raises(errors.InvalidArgument, match="export.to_stage writes there"):
        users.export.to_file(User, wanted)


def test_watching_loads_each_file_once_until_it_is_stopped(client, folder, files):
    client.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    files.put("in/1.csv", "1\n")
    watch = client.load_data.watch(folder.stage, "in/*.csv", "t", every=0.05)
    assert next(watch).rows == 1
    files.put("in/2.csv", "2\n")
    report = next(watch)
    assert [file.path for file in report.files] == [f"stage://{folder.stage}/in/2.csv"]
    watch.stop()
    assert list(watch) == []
    files.put("in/3.csv", "3\n")
    with client.load_data.watch(folder.stage, "in/*.csv", "t", every=60) as again:
        assert [file.path[-5:] for file in next(again).files if not file.already_loaded] == ["3.csv"]
    assert list(again) == []
    assert client.execute("SELECT count(*) FROM t").scalar() == 3


def test_watching_goes_on_in_steps_and_ends_with_an_error(client, folder, files, monkeypatch):
    monkeypatch.setattr("matrixone_core.operations.watching.FILES_AT_ONCE", 1)
    client.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    for name in ("1.csv", "2.csv"):
        files.put(f"in/{name}", f"{name[0]}\n")
    assert client.load_data.read_csv_stage(folder.stage, "in/1.csv", "t", once=True).rows == 1
    watch = client.load_data.watch(folder.stage, "in/*.csv", "t", every=0.05)
    assert [file.path[-5:] for file in next(watch).files] == ["2.csv"]
    files.put("in/3.csv", "x\n")
    with pytest.raises(errors.LoadFailed, match="3.csv"):
        next(watch)
    unkept = client.load_data.watch(folder.stage, "in/1.csv", "t", once=False, on_conflict="skip")
    assert next(unkept).skipped == 1


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("s", "*.csv", "t"), {"every": 0}, "every=0"),
        (("s", "*.csv", "t"), {"once": "key"}, "once='key'"),
        (("s", "*.csv", "t"), {"evry": 1}, "no option 'evry'"),
        (("s", "*", "t"), {}, "tells no format"),
        (("s", "../*.csv", "t"), {}, "leave the stage"),
    ],
)
def test_a_watch_that_cannot_be_is_refused_at_once(client, arguments, options, words):
    with pytest.raises(errors.InvalidArgument, match=words):
        client.load_data.watch(*arguments, **options)
