"""The files of stages in SQL, with the words that a server was recorded with (conformance/stage_files and s3)."""

import tempfile
from pathlib import Path

import pytest

USERS = b"id,name\n1,Ada\n2,Grace\n"


@pytest.fixture
def folder(tmp_path_factory):
    with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as name:
        folder = Path(name).resolve()
        (folder / "multi").mkdir()
        (folder / "users.csv").write_bytes(USERS)
        (folder / "raw.bin").write_bytes(b"\x1f\x8b\xff")
        for number in range(3):
            (folder / "multi" / f"part-{number}.csv").write_text(f"{number}\n")
        yield folder


@pytest.fixture
def on_disk(connect, unique, folder):
    """A stage on a folder, and where its files are."""
    sql, name = connect(), unique()
    sql(f"CREATE STAGE {name} URL='file://{folder}/'")
    return name, str(folder)


@pytest.fixture
def on_s3(connect, unique, bucket, s3, folder, moto_url):
    """The same on S3."""
    sql, name = connect(), unique()
    for path in folder.rglob("*.*"):
        s3.put_object(Bucket=bucket, Key=f"here/{path.relative_to(folder)}", Body=path.read_bytes())
    keys = f"{{'AWS_KEY_ID'='k','AWS_SECRET_KEY'='s','AWS_REGION'='r','PROVIDER'='minio','ENDPOINT'='{moto_url}'}}"
    sql(f"CREATE STAGE {name} URL='s3://{bucket}/here/' CREDENTIALS={keys}")
    return name, "/here"


@pytest.fixture(params=["on_disk", "on_s3"])
def place(request):
    return request.getfixturevalue(request.param)


def link(stage, path):
    return f"load_file(CAST('stage://{stage}/{path}' AS datalink))"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["raw.bin", "users.csv"]),
        ("*", ["raw.bin", "users.csv"]),
        ("multi/", ["multi/part-0.csv", "multi/part-1.csv", "multi/part-2.csv"]),
        ("mul*/p*-[01].csv", ["multi/part-0.csv", "multi/part-1.csv"]),
        ("*/*", ["multi/part-0.csv", "multi/part-1.csv", "multi/part-2.csv"]),
        ("none*", []),
        ("nodir/", []),
    ],
)
def test_stage_list(connect, place, pattern, found):
    stage, root = place
    rows = connect()(f"SELECT file FROM stage_list('stage://{stage}/{pattern}') f ORDER BY file")
    assert [row[0] for row in rows] == [f"{root}/{name}" for name in found]


def test_stage_list_takes_part_in_a_query(connect, place):
    stage, _ = place
    sql = connect()
    count = f"SELECT count(*) FROM stage_list('stage://{stage}/multi/') a, stage_list('stage://{stage}/') b WHERE a.file > ''"
    assert sql(count) == [(6,)]
    assert sql.refused(f"SELECT stage_list('stage://{stage}/')")[0] == 20105
    assert sql.refused("SELECT file FROM stage_list('stage://none_such/') f")[0] == 20300


def test_load_file(connect, place):
    stage, _ = place
    sql = connect()
    assert sql(f"SELECT {link(stage, 'users.csv')}") == [(USERS.decode(),)]
    assert sql(f"SELECT {link(stage, 'users.csv?offset=3&size=4')}") == [("name",)]
    assert sql(f"SELECT {link(stage, 'users.csv?offset=1000&size=4')}") == [(None,)]
    assert sql(f"SELECT hex({link(stage, 'raw.bin')}), length({link(stage, 'users.csv')})") == [("1F8BFF", len(USERS))]
    assert sql.refused(f"SELECT {link(stage, 'none.csv')}") == (20405, "file none.csv is not found")


def test_load_file_of_an_expression(connect, place):
    stage, _ = place
    sql = connect()
    url = f"concat('stage://{stage}/', 'users', '.csv?offset=', 1 + 2, '&size=4')"
    assert sql(f"SELECT load_file(CAST({url} AS datalink)), upper(load_file({url}))") == [("name", "NAME")]
    for call in ("load_file()", "load_file(CAST(AS DATALINK))", "load_file('x'", "save_file('x', 1", "save_file('x')"):
        assert sql.refused(f"SELECT {call}")[0] == 1064
    assert sql.refused("SELECT load_file(CAST)")
    assert sql("SELECT 1") == [(1,)]


def test_load_file_of_a_column(connect, place, matrixone_database_local):
    """What DATALINK is for."""
    stage, _ = place
    sql = connect(database=matrixone_database_local)
    sql("CREATE TABLE docs (id INT, doc DATALINK, part VARCHAR(20))")
    for row in (
        f"1, 'stage://{stage}/users.csv', '?offset=3&size=4'",
        f"2, 'stage://{stage}/multi/part-0.csv', ''",
        "3, NULL, NULL",
    ):
        sql(f"INSERT INTO docs VALUES ({row})")
    first, second = sql("SELECT load_file(doc) FROM docs WHERE id < 3 ORDER BY id")
    assert first == (USERS.decode(),)
    assert second != first
    assert sql("SELECT d.id, length(load_file(d.doc)) FROM docs AS d WHERE d.id <> 2 ORDER BY d.id LIMIT 9") == [
        (1, len(USERS)),
        (3, None),
    ]
    assert sql("SELECT load_file(CAST(concat(doc, part) AS datalink)) FROM docs WHERE id = 1") == [("name",)]
    assert sql("SELECT id FROM docs WHERE load_file(doc) LIKE 'id,name%' ORDER BY id") == [(1,)]
    assert sql("SELECT x.n FROM (SELECT count(load_file(doc)) AS n FROM docs GROUP BY id > 2) AS x ORDER BY 1") == [
        (0,),
        (2,),
    ]
    sql(f"INSERT INTO docs VALUES (4, 'stage://{stage}/raw.bin', ''), (5, 'stage://{stage}/none.csv', '')")
    assert sql("SELECT hex(load_file(doc)) FROM docs WHERE id = 4") == [("1F8BFF",)]
    assert sql.refused("SELECT load_file(doc) FROM docs WHERE id = 5") == (20405, "file none.csv is not found")
    assert "needs the table" in sql.refused("SELECT load_file(doc)")[1]


def test_save_and_remove(connect, place):
    stage, _ = place
    sql = connect()
    save = f"SELECT save_file(CAST('stage://{stage}/new/a.txt' AS datalink), concat('it''s ', 1 + 1))"
    assert sql(save) == [(6,)]
    assert sql(f"SELECT {link(stage, 'new/a.txt')}") == [("it's 2",)]
    assert sql.refused(save) == (20406, "file a.txt already exists")
    sql(f"REMOVE FILES FROM STAGE 'stage://{stage}/new/*'")
    assert sql(f"SELECT file FROM stage_list('stage://{stage}/new/') f") == []
    assert sql.refused(f"REMOVE FILES FROM STAGE 'stage://{stage}/new/a.txt'") == (20405, "file a.txt is not found")
    sql(f"REMOVE FILES FROM STAGE IF EXISTS 'stage://{stage}/new/a.txt'")


def test_what_is_saved_stays_after_a_rollback(connect, on_disk):
    stage, root = on_disk
    sql = connect(autocommit=False)
    sql(f"SELECT save_file(CAST('stage://{stage}/kept.txt' AS datalink), 'x')")
    sql("ROLLBACK")
    assert Path(root, "kept.txt").read_text() == "x"


def test_a_file_where_a_folder_is_wanted(connect, on_disk):
    stage, root = on_disk
    told = connect().refused(f"SELECT file FROM stage_list('stage://{stage}/users.csv') f")
    assert told == (1105, f"readdirent {root}/users.csv: not a directory")
    assert "is a directory" in connect().refused(f"SELECT {link(stage, 'multi')}")[1]


@pytest.mark.parametrize("path", ["../outside.txt", "way_out/outside.txt"])
def test_no_way_leads_out_of_the_folders_that_were_allowed(connect, connection_to, path, tmp_path_factory):
    from matrixone_local import LocalServer

    base = tmp_path_factory.mktemp("allowed")
    inside = base / "inside"
    inside.mkdir()
    (base / "outside.txt").write_text("secret")
    (inside / "way_out").symlink_to(base)
    with LocalServer(allow_path=[inside]) as server:
        sql = connection_to(server)
        sql(f"CREATE STAGE s URL='file://{inside}/'")
        folder = path.rpartition("/")[0]
        for statement in (
            f"SELECT {link('s', path)}",
            f"SELECT file FROM stage_list('stage://s/{folder}/') f",
            f"SELECT file FROM stage_list('stage://s/{folder}/*.txt') f",
            f"SELECT file FROM stage_list('stage://s/{folder}/*/*') f",
            f"SELECT save_file(CAST('stage://s/{folder}/new.txt' AS datalink), 'x')",
            f"REMOVE FILES FROM STAGE 'stage://s/{path}'",
            f"REMOVE FILES FROM STAGE 'stage://s/{folder}/*'",
        ):
            assert "outside the folders" in sql.refused(statement)[1], statement
        sql.raw.close()
    assert (base / "outside.txt").read_text() == "secret"
    assert not (base / "new.txt").exists()
