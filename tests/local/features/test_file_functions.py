"""The files of stages in SQL, with the words that a server was recorded with (conformance/stage_files and s3)."""

import re
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
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


def shown_path(root, path):
    """What a refusal calls a file: its name, or on S3 its key."""
    return f"here/{path}" if root == "/here" else path.rpartition("/")[2]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["multi", "raw.bin", "users.csv"]),  # files and folders alike (server-facts 58)
        ("*", ["raw.bin", "users.csv"]),
        ("%2A", ["raw.bin", "users.csv"]),
        ("multi", ["multi/part-0.csv", "multi/part-1.csv", "multi/part-2.csv"]),
        ("multi/?.csv", ["multi/part-0.csv", "multi/part-1.csv", "multi/part-2.csv"]),  # ? begins a query
        ("multi/%3Fart-[^1]*", ["multi/part-0.csv", "multi/part-2.csv"]),
        ("multi/*[!1].csv", ["multi/part-1.csv"]),  # a set of two in Go
        ("multi/../*.csv", ["users.csv"]),
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


@pytest.mark.parametrize(
    ("pattern", "code"),
    [("[mu]*/[pq].csv", None), ("[m]ulti/*.csv", 20411), ("multi/part-[01].csv", 20411), ("multi/[*", 1105),
     ("multi/[a-]*", 1105), ("multi/[z-a]*", None), ("with space/", 20411), ("a:b/", 20422), ("a,b/", 20411)],
)  # fmt: skip
def test_what_stage_list_does_not_take(connect, place, pattern, code):
    stage, _ = place
    listing = f"SELECT file FROM stage_list('stage://{stage}/{pattern}') f"
    assert connect()(listing) == [] if code is None else connect().refused(listing)[0] == code


@pytest.mark.parametrize("name", ["a+b.csv", "a&b.csv", "a;b.csv", "{a}.csv", "a,b.csv", "~a.csv", "[a].csv"])
def test_names_that_the_file_service_refuses(connect, on_disk, name, matrixone_database_local):
    stage, root = on_disk
    sql = connect(database=matrixone_database_local)
    Path(root, name).write_text("1\n")
    sql("CREATE TABLE t (id INT)")
    assert sql.refused(f"LOAD DATA INFILE 'stage://{stage}/{name}' INTO TABLE t")[0] == 20411
    assert sql.refused(f"SELECT {link(stage, name.replace('&', '%26'))}")[0] == 20411
    assert f"{root}/{name}" in {file for (file,) in sql(f"SELECT file FROM stage_list('stage://{stage}/') f")}


def test_hidden_files_are_not_listed_on_a_folder(connect, on_disk):
    stage, root = on_disk
    Path(root, "multi", ".part-9.csv").write_text("9\n")
    assert len(connect()(f"SELECT file FROM stage_list('stage://{stage}/multi/*') f")) == 3


def test_objects_that_are_folders_marks_or_empty(connect, on_s3, bucket, s3):
    """As a real server was seen to have them (v4.2.0)."""
    stage, sql = on_s3[0], connect()
    for key in ("here/", "here/new/", "here/empty.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = [file for (file,) in sql(f"SELECT file FROM stage_list('stage://{stage}/') f ORDER BY file")]
    assert listed == [f"/here/{name}" for name in ("empty.csv", "here", "multi", "new", "raw.bin", "users.csv")]
    assert sql(f"SELECT file FROM stage_list('stage://{stage}/new/*') f") == [("/here/new/new",)]
    assert sql.refused(f"SELECT {link(stage, 'new/new')}") == (20405, "file here/new/new is not found")
    for part in ("", "?offset=0&size=1"):
        assert sql.refused(f"SELECT {link(stage, f'empty.csv{part}')}")[0] == 20101


def test_short_names_of_buckets(connect, unique, moto_url, matrixone_database_local):
    stage, sql = unique(), connect(database=matrixone_database_local)
    keys = f"{{'AWS_KEY_ID'='k','AWS_SECRET_KEY'='s','AWS_REGION'='r','PROVIDER'='minio','ENDPOINT'='{moto_url}'}}"
    sql(f"CREATE STAGE {stage} URL='s3://b/' CREDENTIALS={keys}")
    sql("CREATE TABLE t (id INT)")
    for statement in (
        f"SELECT file FROM stage_list('stage://{stage}/') f",
        f"SELECT {link(stage, 'x')}",
        f"LOAD DATA INFILE 'stage://{stage}/x' INTO TABLE t",
    ):
        assert "cannot be shorter than 3 characters" in sql.refused(statement)[1]


def test_looking_makes_folders(connect, on_disk, matrixone_database_local):
    """Those above what is listed or read (server-facts 59)."""
    stage, root = on_disk
    sql = connect(database=matrixone_database_local)
    for path in ("a/b/", "a/b/*"):
        assert sql(f"SELECT file FROM stage_list('stage://{stage}/{path}') f") == []
        assert sorted(str(one.relative_to(root)) for one in Path(root).glob("a/**")) == ["a"]
    assert sql.refused(f"SELECT {link(stage, 'a/c/none.csv')}") == (20405, "file none.csv is not found")
    assert sql.refused(f"SELECT {link(stage, 'a/d/')}") == (20405, "file  is not found")
    assert sorted(one.name for one in Path(root, "a").iterdir()) == ["c", "d"]


def test_stage_list_takes_part_in_a_query(connect, place):
    stage, _ = place
    sql = connect()
    count = f"SELECT count(*) FROM stage_list('stage://{stage}/multi/') a, stage_list('stage://{stage}/') b WHERE a.file > ''"
    assert sql(count) == [(9,)]
    assert sql.refused(f"SELECT stage_list('stage://{stage}/')")[0] == 20105
    assert sql.refused("SELECT file FROM stage_list('stage://none_such/') f")[0] == 20300


def test_load_file(connect, place):
    stage, root = place
    sql = connect()
    assert sql(f"SELECT {link(stage, 'users.csv')}") == [(USERS.decode(),)]
    assert sql(f"SELECT {link(stage, 'users.csv?offset=3&size=4')}") == [("name",)]
    assert sql(f"SELECT {link(stage, 'users.csv?offset=3')}") == [(USERS.decode()[3:],)]
    assert sql.refused(f"SELECT {link(stage, 'users.csv?offset=3&size=0')}")[0] == 20408
    at_end, beyond = (f"SELECT {link(stage, f'users.csv?offset={at}&size=4')}" for at in (len(USERS), 1000))
    if root == "/here":  # server-facts 60
        assert sql.refused(at_end) == (1105, "The requested range is not satisfiable")
        assert sql.refused(beyond)[0] == 20101
    else:
        assert sql(at_end) == sql(beyond) == [(None,)]
    assert sql(f"SELECT hex({link(stage, 'raw.bin')}), length({link(stage, 'users.csv')})") == [("1F8BFF", len(USERS))]
    assert sql.refused(f"SELECT {link(stage, 'none.csv')}") == (
        20405,
        f"file {shown_path(root, 'none.csv')} is not found",
    )
    assert sql.refused(f"SELECT {link(stage, 'multi')}") == (20405, f"file {shown_path(root, 'multi')} is not found")


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
    stage, root = place
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
    assert sql.refused("SELECT load_file(doc) FROM docs WHERE id = 5") == (
        20405,
        f"file {shown_path(root, 'none.csv')} is not found",
    )
    assert "needs the table" in sql.refused("SELECT load_file(doc)")[1]


def test_save_and_remove(connect, place, matrixone_database_local):
    stage, root = place
    sql = connect()
    sql(f"CREATE TABLE {matrixone_database_local}.t (id INT)")
    save = f"SELECT save_file(CAST('stage://{stage}/new/a.txt' AS datalink), concat('it''s ', 1 + 1))"
    assert sql(save) == [(6,)]
    assert sql(f"SELECT {link(stage, 'new/a.txt')}") == [("it's 2",)]
    assert sql.refused(save) == (20406, f"file {shown_path(root, 'new/a.txt')} already exists")
    sql(f"REMOVE FILES FROM STAGE 'stage://{stage}/new/*'")
    assert sql(f"SELECT file FROM stage_list('stage://{stage}/new/') f") == []
    for path in ("new/a.txt", "new/*"):
        missing = (20405, f"file {shown_path(root, path)} is not found")
        assert sql.refused(f"REMOVE FILES FROM STAGE 'stage://{stage}/{path}'") == missing
    assert "query parameters" in sql.refused(f"REMOVE FILES FROM STAGE 'stage://{stage}/new/a.txt?b=1'")[1]
    sql(f"REMOVE FILES FROM STAGE IF EXISTS 'stage://{stage}/new/a.txt'")
    sql("BEGIN")
    sql("SELECT count(*) FROM mo_catalog.mo_stages")
    sql(f"INSERT INTO {matrixone_database_local}.t VALUES (1)")
    assert sql.refused(f"REMOVE FILES FROM STAGE 'stage://{stage}/users.csv'")[0] == 20101  # server-facts 71
    sql("ROLLBACK")
    assert sql(f"SELECT length({link(stage, 'users.csv')})") == [(len(USERS),)]


def test_a_large_file_is_copied(connect, on_disk):
    """The engine computes no text of more than 16 MB, so that its own answer was that nothing was saved."""
    stage, root = on_disk
    for name, content in (("text", b"a,\xc3\xbc\n" * 4_000_000), ("bytes", b"\xff\0" * 9_000_000)):
        Path(root, name).write_bytes(content)
        whole = f"ifnull({link(stage, name)}, '')"
        parts = [f"ifnull({link(stage, f'{name}?offset={at}')}, '')" for at in ("0&size=9000000", "9000000")]
        for copy, read in (("whole", whole), ("parts", f"concat({', '.join(parts)})")):
            saved = connect()(f"SELECT save_file(CAST('stage://{stage}/{name}.{copy}' AS datalink), {read})")
            assert saved == [(len(content),)]
            assert Path(root, f"{name}.{copy}").read_bytes() == content


def test_what_is_saved_stays_after_a_rollback(connect, on_disk):
    stage, root = on_disk
    sql = connect(autocommit=False)
    sql(f"SELECT save_file(CAST('stage://{stage}/saved.txt' AS datalink), 'x')")
    sql("ROLLBACK")
    assert Path(root, "saved.txt").read_text() == "x"


def test_a_file_where_a_folder_is_wanted(connect, on_disk, sql, matrixone_database_local):
    stage, root = on_disk
    sql("CREATE TABLE t (a INT)")
    refused = connect().refused(f"SELECT file FROM stage_list('stage://{stage}/users.csv') f")
    assert refused == (1105, f"readdirent {root}/users.csv: not a directory")
    for path, opened in (("x/", "x"), ("x/*", "x"), ("x/y/", "x"), ("x/y/z/*", "x/y")):
        refused = connect().refused(f"SELECT file FROM stage_list('stage://{stage}/users.csv/{path}') f")
        assert refused == (1105, f"open {root}/users.csv/{opened}: not a directory")
    for statement, number in (
        ("SELECT load_file(CAST('{}' AS datalink))", 1105),
        ("SELECT load_file(CAST('{}?offset=0&size=1' AS datalink))", 1105),
        ("SELECT save_file(CAST('{}' AS datalink), 'x')", 1105),
        ("REMOVE FILES FROM STAGE IF EXISTS '{}'", 1105),
        ("SELECT 1 INTO OUTFILE '{}'", 1105),
        ("LOAD DATA INFILE '{}' INTO TABLE " + f"{matrixone_database_local}.t", 20101),
    ):
        for path, failed in (("x.csv", r"\w+ {}/users\.csv/x\.csv"), ("x/y/z.csv", r"open {}/users\.csv/x/y")):
            code, words = connect().refused(statement.format(f"stage://{stage}/users.csv/{path}"))
            assert code == number
            assert re.fullmatch(f"(internal error: )?{failed.format(re.escape(str(root)))}: not a directory", words)


@pytest.mark.parametrize("path", ["../outside.txt", "link_out/outside.txt"])
def test_no_link_leads_out_of_the_folders_that_were_allowed(connect, connection_to, path, tmp_path_factory):
    from matrixone_local import LocalServer

    base = tmp_path_factory.mktemp("allowed")
    inside = base / "inside"
    inside.mkdir()
    (base / "outside.txt").write_text("secret")
    (inside / "link_out").symlink_to(base)
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


def test_statements_of_several_packets_are_answered_in_their_numbers(matrixone_url):
    url = urlsplit(matrixone_url)
    connection = pymysql.connect(host=url.hostname, port=url.port, user="root", password="111")
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT length('{'x' * (17 << 20)}') AS n")  # PyMySQL compares the numbers of packets
        assert cursor.fetchall() == ((17 << 20,),)
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == ((1,),)


def test_files_of_this_machine(connect, folder):
    """A DATALINK may be a URL of them; a text names a service before its colon."""
    sql = connect()
    (folder / "own.csv").write_text("a,b")
    assert sql(f"SELECT load_file(CAST('file://{folder}/own.csv' AS DATALINK))") == [("a,b",)]
    assert sql(f"SELECT load_file(CAST('file://{folder}/own.csv?offset=2&size=1' AS DATALINK))") == [("b",)]
    assert sql(f"SELECT save_file(CAST('file://{folder}/saved.csv' AS DATALINK), 'abc')") == [(3,)]
    assert (folder / "saved.csv").read_text() == "abc"
    assert sql.refused(f"SELECT load_file('file://{folder}/own.csv')") == (20422, "service file not found")
