"""Stages as a filesystem for fsspec, and by it for the packages that read through it."""

import importlib
import pickle
import tomllib
from pathlib import Path

import fsspec
import pandas
import pytest

from matrixone._filesystem import StageFileSystem

TABLE = pandas.DataFrame({"id": [1, 2, 3], "name": ["a", "b", "ü"]})


@pytest.fixture(scope="module", autouse=True)
def _registered():
    """The protocol, as the package's entry point has it: the tests may run where it is not installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["fsspec.specs"]["stage"].partition(":")
    fsspec.register_implementation("stage", getattr(importlib.import_module(module), name), clobber=True)


@pytest.fixture
def stage(other, unique, files):
    name = unique()
    other.stage.create_local(name, files.folder)
    files.put("users.csv", TABLE.to_csv(index=False))
    files.put("dir/b.csv", "1\n")
    return name


@pytest.fixture
def system(other):
    return StageFileSystem(client=other, skip_instance_cache=True)


def test_pandas(stage, matrixone_url):
    frame = pandas.read_csv(f"stage://{stage}/users.csv", storage_options={"url": matrixone_url})
    assert frame.equals(TABLE)
    options = {"server": matrixone_url}
    frame.to_parquet(f"stage://{stage}/u.parquet", storage_options=options)
    assert pandas.read_parquet(f"stage://{stage}/u.parquet", storage_options=options).equals(TABLE)


def test_pyarrow_polars_and_duckdb(stage, system):
    dataset = pytest.importorskip("pyarrow.dataset")
    with system.open(f"{stage}/u/1.parquet", "wb") as file:
        TABLE.to_parquet(file)
    assert dataset.dataset(f"{stage}/u/", filesystem=system).to_table().num_rows == 3
    assert dataset.dataset(f"{stage}/users.csv", filesystem=system, format="csv").to_table().num_rows == 3
    polars = pytest.importorskip("polars")
    with system.open(f"{stage}/users.csv") as file:
        assert polars.read_csv(file).height == 3
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.register_filesystem(system)
    for source in (f"read_csv('stage://{stage}/users.csv')", f"read_parquet('stage://{stage}/u/*.parquet')"):
        assert connection.sql(f"SELECT count(*), max(name) FROM {source}").fetchall() == [(3, "ü")]
    connection.close()


def test_what_is_there(stage, system):
    assert system.ls(stage, detail=False) == [f"{stage}/dir", f"{stage}/users.csv"]
    assert system.ls(f"{stage}/dir") == [{"name": f"{stage}/dir/b.csv", "size": None, "type": "file"}]
    assert system.ls(f"{stage}/dir/b.csv") == [{"name": f"{stage}/dir/b.csv", "size": 2, "type": "file"}]
    assert stage in system.ls("", detail=False)
    assert (system.info("")["type"], system.info(stage)["type"]) == ("directory", "directory")
    assert system.find(stage) == [f"{stage}/dir/b.csv", f"{stage}/users.csv"]
    assert system.glob(f"stage://{stage}/**/*.csv") == system.find(stage)
    assert (system.isfile(f"{stage}/dir"), system.isdir(f"{stage}/dir"), system.exists(f"{stage}/x")) == (
        False,
        True,
        False,
    )
    assert system.modified(f"{stage}/users.csv").tzinfo is not None
    for missing in (f"{stage}/none", "no_such_stage", "no_such_stage/x"):
        for use in (system.info, system.ls, *([system.cat_file, system.open] if "/" in missing else [])):
            with pytest.raises(FileNotFoundError):
                use(missing)


def test_files_are_read_written_copied_and_removed(stage, system, tmp_path):
    content = TABLE.to_csv(index=False).encode()
    path = f"{stage}/users.csv"
    assert system.cat_file(path) == content
    for start, end in ((2, 5), (-3, None), (2, -2), (None, 4), (5, 2), (3, 10_000)):
        assert system.cat_file(path, start, end) == content[start:end]
    with system.open(f"{stage}/t.txt", "w", encoding="utf-8") as file:
        file.write("ä\n")
    assert system.cat_file(f"{stage}/t.txt") == "ä\n".encode()
    with pytest.raises(FileExistsError):
        system.pipe_file(f"{stage}/t.txt", b"", mode="create")
    system.pipe_file(f"{stage}/t.txt", b"new")
    system.mv(f"{stage}/t.txt", f"{stage}/dir/t.txt")
    system.get(f"{stage}/dir", str(tmp_path / "dir"), recursive=True)
    assert {one.name: one.read_bytes() for one in (tmp_path / "dir").iterdir()} == {"b.csv": b"1\n", "t.txt": b"new"}
    with (tmp_path / "one").open("wb") as local:
        system.get_file(path, local)
    assert (tmp_path / "one").read_bytes() == content
    system.put(str(tmp_path / "dir"), f"{stage}/back", recursive=True)
    system.copy(f"{stage}/back", f"{stage}/copy", recursive=True)  # its folders come with their files
    system.get_file(f"{stage}/copy/t.txt", str(tmp_path / "t.txt"))  # without fsspec's own progress
    assert (tmp_path / "t.txt").read_bytes() == b"new"
    for folder in ("back", "copy"):
        system.rm(f"{stage}/{folder}", recursive=True)
    assert system.find(stage) == [f"{stage}/dir/b.csv", f"{stage}/dir/t.txt", path]
    with pytest.raises(FileNotFoundError):
        system.rm(f"{stage}/none")


def test_a_file_is_known_by_its_content(stage, system, files):
    """SQL shows a size and no time: what caches by it would keep the old content of a file of the same length."""
    path = f"{stage}/users.csv"
    before = system.ukey(path), system.checksum(path)
    assert before == (system.ukey(path), system.checksum(path))
    assert system.ukey(stage) == system.ukey(stage)
    files.put("users.csv", system.cat_file(path).decode().replace("a", "c"))
    assert not {system.ukey(path), system.checksum(path)} & set(before)
    for call in (system.ukey, system.checksum):
        with pytest.raises(FileNotFoundError):
            call(f"{stage}/none")
    for call in (lambda: system.created(path), lambda: system.touch(path, truncate=False)):
        with pytest.raises(NotImplementedError, match="SQL"):
            call()
    system.touch(f"{stage}/new", truncate=False)
    assert system.size(f"{stage}/new") == 0


def test_a_cache_of_fsspecs_sees_a_change(stage, system, files, tmp_path, matrixone_url):
    options = {"stage": {"url": matrixone_url}, "filecache": {"check_files": True, "cache_storage": str(tmp_path)}}
    for content in ("id\n1\n", "id\n2\n"):
        files.put("cached.csv", content)
        with fsspec.open(f"filecache::stage://{stage}/cached.csv", **options) as file:
            assert file.read() == content.encode()


def test_parts_of_a_file_between_delimiters(stage, system, files):
    files.put("lines.csv", "1\n22\n333\n")
    parts = [
        system.read_block(f"{stage}/lines.csv", at, size, b"\n") for at, size in ((0, 3), (3, 3), (6, 99), (0, None))
    ]
    assert parts == [b"1\n22\n", b"333\n", b"", b"1\n22\n333\n"]


def test_no_password_is_in_the_json_without_passwords(matrixone_url):
    url = "mysql://root:se@cr@t@127.0.0.1:6001/d"
    for settings in ({"url": url}, {"server": url}, {"password": "se@cr@t"}):
        system = StageFileSystem(**settings, skip_instance_cache=True)
        assert "cr@t" in str(system.to_dict())
        shown = system.to_dict(include_password=False)
        assert "cr@t" not in str(shown)
        assert "password" in settings or "mysql://root@127.0.0.1:6001/d" in shown.values()


def test_folders_of_s3_end_with_their_last_file(other, system, unique, bucket, moto_url):
    name = unique()
    other.stage.create_s3(
        name, bucket, "here/", aws_key_id="k", aws_secret_key="s", region="r", provider="minio", endpoint=moto_url
    )
    for file in ("one/a.csv", "one/two/b.csv", "c.csv"):
        system.pipe_file(f"{name}/{file}", b"1\n")
    system.mv(f"{name}/one", f"{name}/other", recursive=True)
    assert sorted(system.find(name)) == [f"{name}/c.csv", f"{name}/other/a.csv", f"{name}/other/two/b.csv"]
    system.rm(f"{name}/other", recursive=True)
    assert system.find(name) == [f"{name}/c.csv"]
    with pytest.raises(FileNotFoundError):
        system.rm(f"{name}/other")


def test_a_wrong_setting_is_refused():
    with pytest.raises(ValueError, match="urll"):
        fsspec.filesystem("stage", urll="x")
    with pytest.raises(ValueError, match="names no stage"):
        StageFileSystem(skip_instance_cache=True).cat_file("")


def test_files_are_compressed_as_they_are_written(stage, system):
    """fsspec leaves the file below a compressor open: its content was never sent."""
    for mode, compression in (("wt", "gzip"), ("wb", "bz2"), ("w", "infer"), ("xb", "infer")):
        path = f"{stage}/{mode}.gz"
        content = "ä\n" if "b" not in mode else "ä\n".encode()
        with system.open(path, mode, compression=compression) as file:
            file.write(content)
        reads = mode.replace("w", "r").replace("x", "r")
        with system.open(path, reads, compression="gzip" if compression == "infer" else compression) as file:
            assert file.read() == content
        assert system.cat_file(path)[:2] == (b"BZ" if compression == "bz2" else b"\x1f\x8b")
    for mode, compression in (("wb", "gzip"), ("w", "gzip"), ("wb", None), ("w", None)):
        with pytest.raises(KeyError), system.open(f"{stage}/none.gz", mode, compression=compression) as file:
            file.write(b"1" if "b" in mode else "1")
            raise KeyError
        assert not system.exists(f"{stage}/none.gz")


def test_local_folders_are_made_for_what_is_downloaded(stage, system, tmp_path):
    system.get(f"{stage}/*.csv", f"{tmp_path}/new/folder/")
    system.get_file(f"{stage}/dir/b.csv", f"{tmp_path}/other/b.csv")
    assert (tmp_path / "new/folder/users.csv").exists()
    assert (tmp_path / "other/b.csv").read_bytes() == b"1\n"


def test_transactions_of_fsspecs_are_refused(stage, system):
    with system.transaction:
        assert system.open(f"{stage}/dir/b.csv").read() == b"1\n"
        with pytest.raises(NotImplementedError, match="once it is closed"):
            system.open(f"{stage}/later", "wb")
    assert not system.exists(f"{stage}/later")


def test_a_filesystem_is_pickled_by_its_settings(stage, system, matrixone_url):
    copied = pickle.loads(pickle.dumps(StageFileSystem(url=matrixone_url, skip_instance_cache=True)))
    assert copied.cat_file(f"{stage}/dir/b.csv") == b"1\n"
    for unpicklable in (system, StageFileSystem(system.client, skip_instance_cache=True)):
        with pytest.raises(TypeError, match="give it url= instead"):
            pickle.dumps(unpicklable)
