"""What files are found and read, on folders and on S3, by both clients."""

import bz2
import gzip
import random
from fnmatch import fnmatchcase

import pyarrow as pa
import pytest
from models import User
from sqlalchemy.exc import OperationalError

from matrixone import errors

NAMES = ["a", "b", "c1", "é", "a.b", "x!y", "it's", "(p)", "d=1"]  # the server refuses all other signs
HEADED = b"id,name,email,age\n" + b"".join(b"%d,Ada,a@x,36\n" % number for number in range(1, 40))
CUT = {"gz": (gzip.compress, "gzip"), "bz2": (bz2.compress, "bz2")}


class Tree:
    """Files that are put where a stage leads."""

    def __init__(self, stage, put):
        self.stage, self.put = stage, put


@pytest.fixture
def on_disk(client, unique, files):
    return Tree(client.stage.create_local(unique(), files.folder).name, files.put)


@pytest.fixture
def on_s3(client, unique, s3, bucket, moto_url):
    def put(name, content):
        s3.put_object(Bucket=bucket, Key=f"tree/{name}", Body=content)

    name = unique()
    client.stage.create_s3(name, bucket, "tree/", "key", "secret", endpoint=moto_url)
    return Tree(name, put)


@pytest.fixture(params=["on_disk", "on_s3"])
def tree(request, client):
    client.create_table(User)
    return request.getfixturevalue(request.param)


def fits(path, parts):
    """Whether a path matches a pattern, each split at its `/`: all possible numbers of folders for `**` are tried."""
    if parts[:1] == ["**"]:
        return parts == ["**"] or any(fits(path[at:], parts[1:]) for at in range(len(path)))
    if not path or not parts:
        return not path and not parts
    return fnmatchcase(path[0], parts[0]) and fits(path[1:], parts[1:])


def test_patterns(client, tree):
    draw = random.Random(58)  # a tree, not a secret
    paths = sorted({"/".join(draw.choices(NAMES, k=draw.randint(0, 2))) + f"/f{n % 4}.csv" for n in range(12)})
    paths = sorted(path.lstrip("/") for path in paths)
    for number, path in enumerate(paths):
        tree.put(path, f"{number},x,x,1\n")
    patterns = ["**", "*", "*.csv", "?.csv", "f?.csv", "f[0-1].csv", "**/f[!0-1].csv", "*/*", "?/f*.csv", "**/[ab]/*"]
    patterns += ["a/**/f?.csv", "*!*/**", "d=1/*.csv", "**/it's/?[012]*", "none/*", "*/**/*/*"]
    for pattern in patterns:
        report = client.load_data.read_csv_stage(tree.stage, pattern, User, on_conflict="unchecked", allow_empty=True)
        found = [file.path.removeprefix(f"stage://{tree.stage}/") for file in report.files]
        assert found == [path for path in paths if fits(path.split("/"), pattern.split("/"))], pattern


def test_names_that_the_server_refuses(client, tree):
    """Nothing of a pattern that matches one is loaded, and none that is not matched hinders it."""
    tree.put("a b.csv", "1,x,x,1\n")
    tree.put("c+d/e.csv", "2,x,x,1\n")
    tree.put("e.csv", "3,x,x,1\n")
    load = client.load_data.read_csv_stage
    for pattern in ("*.csv", "**/e.csv", "c?d/*"):
        with pytest.raises(errors.InvalidArgument, match="the server refuses"):
            load(tree.stage, pattern, User)
    assert client.execute("SELECT count(*) FROM users").scalar() == 0
    assert load(tree.stage, "?.csv", User).rows == 1


def test_small_files(client, tree):
    """On S3 a range at the end of an object, or past it, is an error (server-facts 60)."""
    tree.put("users.csv", HEADED)
    load = client.load_data
    plan = load.plan(tree.stage, "users.csv", User, header="match")
    assert (plan.sampled, plan.bad) == (39, ())
    assert load.read_csv_stage(tree.stage, "users.csv", User, header="match").rows == 39
    with pytest.raises(errors.DuplicateKey):
        load.read_csv_stage(tree.stage, "users.csv", User, header="match")
    assert load.read_csv_stage(tree.stage, "users.csv", User, header="match", on_conflict="skip").skipped == 39
    assert [column.name for column in client.create_table_from(tree.stage, "users.csv", "made").columns][:2] == [
        "id",
        "name",
    ]
    tree.put("bad.csv", HEADED + b"many,x,x,x\n")
    report = load.read_csv_stage(tree.stage, "bad.csv", "made", header="match", on_error="skip")
    assert (report.rows, len(report.rejects)) == (39, 1)
    options = {"ignore_lines": 1, "on_conflict": "replace", "once": True, "hash_whole_file": True}
    assert load.read_csv_stage(tree.stage, "users.csv", User, **options).rows == 39
    assert load.read_csv_stage(tree.stage, "users.csv", User, **options).files[0].already_loaded


def test_an_empty_file(client, tree):
    tree.put("empty.csv", b"")
    with pytest.raises(errors.LoadFailed, match="no header"):
        client.load_data.read_csv_stage(tree.stage, "empty.csv", User, header="match")
    assert client.load_data.read_csv_stage(tree.stage, "*.csv", User).rows == 0


def test_a_file_of_a_whole_piece(client, tree):
    """It ends where a piece of it does that is read at once."""
    line = b"1,x,x,1\n"
    tree.put("a.csv", HEADED + b"9" * (65_535 - len(HEADED) - len(line)) + line)
    with pytest.raises(errors.LoadFailed):
        client.load_data.read_csv_stage(tree.stage, "a.csv", User, header="match")
    report = client.load_data.read_csv_stage(tree.stage, "a.csv", User, header="match", on_error="skip", max_errors=1)
    assert (report.rows, len(report.rejects)) == (39, 1)


@pytest.mark.parametrize("suffix", ["gz", "bz2"])
@pytest.mark.parametrize("options", [{}, {"header": "match"}, {"on_error": "skip"}, {"on_conflict": "skip"}], ids=str)
def test_a_stages_file_that_is_cut_off(client, tree, suffix, options):
    packed = CUT[suffix][0](HEADED)
    ignored = {} if "header" in options else {"ignore_lines": 1}
    for length in (0, 5, len(packed) // 2, *([len(packed) - 1] if suffix == "bz2" else [])):
        tree.put(f"cut.csv.{suffix}", packed[:length])
        with pytest.raises(errors.LoadFailed):
            client.load_data.read_csv_stage(tree.stage, f"cut.csv.{suffix}", User, **options, **ignored)
    for unchecked in ({"on_conflict": "unchecked"}, {"atomic": False}):
        with pytest.raises(errors.ServerError, match="cut off|EOF"):
            client.load_data.read_csv_stage(tree.stage, [f"cut.csv.{suffix}"], User, ignore_lines=1, **unchecked)
    assert client.execute("SELECT count(*) FROM users").scalar() == 0


@pytest.mark.parametrize("options", [{}, {"on_conflict": "unchecked"}, {"atomic": False}], ids=str)
def test_a_stages_lz4_file_that_is_cut_off(client, tree, options):
    """The server would store what there is of it."""
    client.execute("CREATE TABLE numbers (a INT)")
    packed = pa.compress(b"".join(b"%d\n" % number for number in range(100_000)), "lz4", asbytes=True)
    tree.put("cut.csv.lz4", packed)
    assert client.load_data.read_csv_stage(tree.stage, "cut.csv.lz4", "numbers", **options).rows == 100_000
    client.execute("DELETE FROM numbers")
    for length in (0, 5, 9, len(packed) // 2, len(packed) - 5):
        tree.put("cut.csv.lz4", packed[:length])
        with pytest.raises(errors.LoadFailed, match="lz4 data: it was cut off"):
            client.load_data.read_csv_stage(tree.stage, "cut.csv.lz4", "numbers", **options)
    assert client.execute("SELECT count(*) FROM numbers").scalar() == 0


@pytest.mark.parametrize("suffix", ["zst", "xz", "zip", "7z", "zlib", "tgz", "tar.gz"])
@pytest.mark.parametrize("options", [{}, {"on_conflict": "unchecked"}, {"on_error": "skip"}], ids=str)
def test_a_stages_file_that_the_server_does_not_decompress(client, tree, suffix, options):
    """Its bytes would be loaded as lines of text."""
    client.execute("CREATE TABLE packed (a BLOB)")
    tree.put(f"a.csv.{suffix}", b"packed\nbytes\n")
    with pytest.raises(errors.InvalidArgument, match="decompress it first, or give compression='none'"):
        client.load_data.read_csv_stage(tree.stage, f"a.csv.{suffix}", "packed", **options)


@pytest.mark.parametrize("suffix", ["gz", "zst", "tar.gz"])
def test_a_file_that_is_not_compressed_whatever_its_suffix_says(client, on_disk, suffix):
    """A server takes no compression= for stages of buckets (server-facts 22)."""
    client.execute("CREATE TABLE packed (a BLOB)")
    on_disk.put(f"a.csv.{suffix}", b"packed\nbytes\n")
    assert client.load_data.read_csv_stage(on_disk.stage, f"a.csv.{suffix}", "packed", compression="none").rows == 2


@pytest.mark.parametrize("compression", ["none", "auto", "gzip", "nosuch"])
def test_a_server_takes_no_compression_for_files_in_buckets(client, on_s3, compression):
    client.execute("CREATE TABLE packed (a BLOB)")
    on_s3.put("a.csv", b"1\n")
    file = f"{{'filepath'='stage://{on_s3.stage}/a.csv','compression'='{compression}','format'='csv'}}"
    with pytest.raises(OperationalError, match="the keyword 'compression' is not support"):
        client.execute(f"LOAD DATA INFILE {file} INTO TABLE packed")
    client.execute(f"CREATE EXTERNAL TABLE outside (a BLOB) INFILE {file}")
    with pytest.raises(OperationalError, match="the keyword 'compression' is not support"):
        client.execute("SELECT * FROM outside")


def test_the_compression_of_files_in_buckets_is_what_their_suffix_says(client, on_s3):
    client.execute("CREATE TABLE packed (id INT, name TEXT)")
    load = client.load_data
    files = (
        ("a.csv", b"1,x\n", "none"),
        ("a.csv.gz", gzip.compress(b"2,x\n"), "gzip"),
        ("b.csv.bz2", bz2.compress(b"3,x\n"), "bz2"),
    )
    for name, content, compression in files:
        on_s3.put(name, content)
        assert load.read_csv_stage(on_s3.stage, name, "packed", compression=compression).rows == 1
    on_s3.put("plain.csv.gz", b"4,x\n")
    with pytest.raises(errors.InvalidArgument, match=r"compression='none' cannot be used for .*plain.csv.gz"):
        load.read_csv_stage(on_s3.stage, "plain.csv.gz", "packed", compression="none")
    on_s3.put("packed", gzip.compress(b'{"id": 5, "name": "x"}\n'))
    assert load.read_json_stage(on_s3.stage, "packed", "packed", compression="gzip").rows == 1
    assert client.execute("SELECT count(*), sum(id) FROM packed").one() == (4, 11)


@pytest.mark.parametrize("suffix", ["gz", "bz2"])
def test_data_of_the_client_that_is_cut_off(client, tmp_path, suffix):
    client.create_table(User)
    compress, name = CUT[suffix]
    csv = HEADED.partition(b"\n")[2]
    json = b"".join(b'{"id": %d, "name": "x", "email": "x", "age": 1}\n' % number for number in range(1, 9))
    for content, load in ((csv, client.load_data.read_csv), (json, client.load_data.read_json)):
        packed, path = compress(content), tmp_path / f"cut.{suffix}"
        for length in (0, 5, len(packed) // 2, len(packed) - 1):
            path.write_bytes(packed[:length])
            for data, said, options in ((path, path.name, {}), (packed[:length], "bytes", {"compression": name})):
                with pytest.raises(errors.LoadFailed, match=rf"{said}.* ends .* {name} data.*cut off"):
                    load(data, User, **options)
    assert client.execute("SELECT count(*) FROM users").scalar() == 0


def test_a_stage_that_is_missing(client, unique):
    client.create_table(User)
    name, load = unique(), client.load_data
    for call in (
        lambda: load.read_csv_stage(name, "a.csv", User),
        lambda: load.read_csv_stage(name, "*.csv", User),
        lambda: load.read_csv_stage(name, "a.csv", User, on_conflict="unchecked"),
        lambda: load.plan(name, "a.csv", User),
        lambda: client.create_table_from(name, "a.csv", "made"),
        lambda: client.stage.check(name),
    ):
        with pytest.raises(errors.StageNotFound, match=name):
            call()
