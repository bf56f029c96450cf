"""What the server would change without a word: such rows are refused in every load, by both clients."""

import pytest
from models import User

from matrixone import errors

PLAIN = "CREATE TABLE p (id INT, name VARCHAR(100), email VARCHAR(255), age INT)"
GOOD = [f"{number},name {number},e@x,{number % 90}" for number in range(1, 201)]


@pytest.fixture(params=["small", "large"])
def size(request, monkeypatch):
    """Files are small, or taken for larger ones, whose staging table is committed before the INSERT."""
    if request.param == "large":
        monkeypatch.setattr("matrixone_core.loading.stage_load.PROBED_BYTES", (100, 200, 10**9))
        monkeypatch.setattr("matrixone_core.loading.client_load.SMALL_BYTES", 100)
    return request.param


@pytest.fixture
def stage(client, unique, files):
    client.create_table(User)
    client.execute(PLAIN)
    return client.stage.create_local(unique(), files.folder).name


@pytest.fixture
def load(client, stage, files):
    def loaded(lines, table="users", **options):
        files.put("f.csv", "\n".join(lines) + "\n")
        return client.load_data.read_csv_stage(stage, "f.csv", table, **options)

    return loaded


def count(client, table="users"):
    return client.execute(f"SELECT count(*) FROM {table}").scalar()


# the local server refuses such text at once, and does not say where it is
NOT_UTF8 = r"line 201, column 'name', value '.*xe9': byte 0xe9 is not UTF-8|Incorrect string value"
LOADS = [
    ("users", {}), ("users", {"lock": "rows"}), ("p", {}), ("users", {"lock": "table"}), ("users", {"on_conflict": "skip"}),
    ("users", {"on_conflict": "replace"}), ("users", {"once": True}), ("users", {"null_values": ["", "-"]}),
    ("users", {"null_values": "-"}), ("users", {"set": {"email": "upper(name)"}}),
]  # fmt: skip


@pytest.mark.parametrize(("table", "options"), LOADS)
def test_a_fraction_for_a_whole_number(client, load, size, *, table, options):
    with pytest.raises(errors.LoadFailed, match=r"line 151, column 'age', value '3\.5': .*bad value 3\.5") as caught:
        load([*GOOD[:150], "999,x,e,3.5", *GOOD[150:]], table, **options)
    assert caught.value.row.line == 151
    assert count(client, table) == 0
    report = load(GOOD, table, **options)
    proves = size == "large" and options in ({}, {"lock": "table"}, {"once": True})
    assert (report.rows, report.strategy) == (200, "load_then_check" if proves else "staging_table")
    assert not [name for (name,) in client.execute("SHOW TABLES").all() if name.startswith("matrixone_load_")]


@pytest.mark.parametrize(("table", "options"), LOADS)
def test_text_that_is_not_utf8(client, *, files, stage, size, table, options):
    lines = "\n".join(GOOD).encode()
    files.put("l.csv", lines + b"\n998,caf\xe9,e,1\n999,n,e,1\n")
    with pytest.raises(errors.LoadFailed, match=NOT_UTF8):
        client.load_data.read_csv_stage(stage, "l.csv", table, **options)
    assert count(client, table) == 0


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("FLOAT", "x", "is no number"), ("DOUBLE", "1e", "is no number"), ("FLOAT", "3.5e38", "beyond what the column"),
        ("DOUBLE", "1e309", "beyond what the column"), ("DATE", "1/2/24", "four digits"), ("DATETIME", "24-1-2", "four digits"),
        ("YEAR", "1900", "no year from 1901"), ("BIGINT AUTO_INCREMENT PRIMARY KEY", "0", "number this row"),
    ],
)  # fmt: skip
def test_a_value_that_the_server_would_store_as_another(client, stage, files, *, kind, value, says, size):
    client.execute(f"CREATE TABLE q (v {kind}, id INT)")
    files.put("q.csv", "".join(f"\\N,{number}\n" for number in range(20)) + f"{value},20\n")
    for load in (
        lambda **options: client.load_data.read_csv_stage(stage, "q.csv", "q", **options),
        lambda **options: client.load_data.read_csv(f"{value},20\n".encode(), "q", **options),
    ):
        with pytest.raises(errors.LoadFailed, match=f"line (1|21), column 'v', value '{value}': .*{says}"):
            load()
        assert count(client, "q") == 0
        assert load(on_error="skip").rejected == 1
        client.execute("DELETE FROM q")


@pytest.mark.parametrize("lock", ["auto", "table"])
def test_lines_that_are_not_plainly_regular(client, load, size, lock):
    quoted = [f'{300 + number},"say ""hi"", {number}","a\\b",\\N' for number in range(20)]
    assert load([*GOOD, *quoted], lock=lock).rows == 220
    assert client.execute("SELECT name, email, age FROM users WHERE id = 319").all() == [('say "hi", 19', "a\\b", None)]
    client.execute("DELETE FROM users")
    assert load([*GOOD, '400,"two\nlines",e,1', '401,"1.5,x\n402.5,y,z,1",e,1'], lock=lock).rows == 202
    assert client.execute("SELECT name FROM users WHERE id = 401").scalar() == "1.5,x\n402.5,y,z,1"
    client.execute("DELETE FROM users")
    with pytest.raises(errors.LoadFailed, match="line 203, column 'age'"):
        load([*GOOD, '400,"two\nlines",e,1', "402,x,e,1.5"], lock=lock)
    assert count(client) == 0


def test_several_texts_for_null(client, load, size):
    with pytest.raises(errors.LoadFailed, match="line 203, column 'age', value '1.5'"):
        load([*GOOD, '400,"two\nlines",e,-', "402,x,e,1.5"], null_values=["-", "?"])
    assert load([*GOOD, '400,"two\nlines",e,?'], null_values=["-", "?"]).rows == 201


def test_a_key_that_is_null_is_no_row_for_replace(client, load, size):
    """REPLACE stores no row for it, says nothing, and spoils other unique keys."""
    client.execute("CREATE TABLE k (id INT PRIMARY KEY, u INT UNIQUE)")
    for null, options in (("", {}), ("\\N", {}), ("-", {"null_values": "-"})):
        with pytest.raises(errors.LoadFailed, match="line 2, column 'id'.*cannot be null"):
            load(["1,1", f"{null},2"], "k", on_conflict="replace", **options)
        report = load(["1,1", f"{null},2"], "k", on_conflict="replace", on_error="skip", **options)
        assert (report.rows, report.rejected, count(client, "k")) == (1, 1, 1)
        client.execute("DELETE FROM k")
    with pytest.raises(errors.LoadFailed, match="2 rows were staged, and 1 of them stored|cannot be null"):
        load(["1,1", "2,2"], "k", on_conflict="replace", set={"id": "NULLIF(id, '2')"})
    assert count(client, "k") == 0


def test_in_a_session(client, size, stage):
    with client.session() as session:
        for table, options in (("p", {}), ("users", {}), ("users", {"lock": "table"})):
            with pytest.raises(errors.LoadFailed, match="line 2, column 'age'"):
                session.load_data.read_csv_stage(stage, "bad.csv", table, **options)
        report = session.load_data.read_csv_stage(stage, "good.csv", "p")
        assert report.rows == 200
    assert (count(client, "p"), count(client)) == (200, 0)


@pytest.fixture(autouse=True)
def session_files(files):
    files.put("bad.csv", "\n".join(["1,a,b,1", "2,a,b,1.5", *GOOD]))
    files.put("good.csv", "\n".join(GOOD))


@pytest.fixture
def ordinary(new_client, matrixone_url, database, ordinary_user):
    """A client whose user may not create tables, so that nothing can be staged."""
    client = new_client(url=matrixone_url, database=database, **ordinary_user)
    client.connect()
    return client


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INT", "1.5"), ("INT", "3.0"), ("INT", "1e2"), ("INT", "NaN"), ("TINYINT", "300"), ("DATE", "1/2/24"),
        ("DECIMAL(5,2)", "1.237"), ("VARCHAR(5)", "äöüabc"), ("BIGINT AUTO_INCREMENT PRIMARY KEY", "0"),
        ("VARCHAR(5)", "\xe9"), ("TEXT", "caf\xe9"),
    ],
)  # fmt: skip
def test_an_ordinary_user(client, ordinary, stage, files, *, kind, value):
    client.execute(f"CREATE TABLE q (v {kind}, id INT)")
    good = "".join(f"\\N,{number}\n" for number in range(20)).encode()
    bad = good + value.encode("latin-1" if value.endswith("\xe9") else "utf-8") + b",20\n"
    files.put("q.csv", bad)
    files.put("good.csv", good)
    for load in (
        lambda: ordinary.load_data.read_csv_stage(stage, "q.csv", "q"),
        lambda: ordinary.load_data.read_csv(bad, "q"),
        lambda: ordinary.load_data.read_csv(bad, "q", encoding=None),
    ):
        with pytest.raises(errors.LoadFailed, match="line 21"):
            load()
        assert count(client, "q") == 0
    assert ordinary.load_data.read_csv_stage(stage, "good.csv", "q").rows == 20
    assert ordinary.load_data.read_csv(good, "q").strategy == "count_duplicates"


def test_an_ordinary_users_rows_are_stored_as_they_are(client, ordinary, stage, files):
    rows = ['1,"say ""hi""\nC:\\new",\\N,-1', '2,,"",3', '3,"NULL",é,', "4,NULL,-,\\N"]
    files.put("r.csv", "\n".join(rows))
    expected = [(1, 'say "hi"\nC:\\new', None, -1), (2, "", "", 3), (3, "NULL", "é", None), (4, None, "-", None)]
    for load in (
        lambda: ordinary.load_data.read_csv_stage(stage, "r.csv", "users"),
        lambda: ordinary.load_data.read_csv("\n".join(rows).encode(), "users"),
    ):
        report = load()
        assert (report.rows, report.strategy) == (4, "count_duplicates")
        assert client.execute("SELECT id, name, email, age FROM users ORDER BY id").all() == expected
        client.execute("DELETE FROM users")


def test_json_lines(client, stage, files, size):
    lines = [f'{{"id":{n},"name":"n","email":"e","age":{n}}}' for n in range(1, 51)]
    for table in ("users", "p"):
        files.put("j.jsonl", "\n".join([*lines, '{"id":99,"name":"n","email":"e","age":1.5}']))
        with pytest.raises(errors.LoadFailed, match="line 51, column 'age', value '1.5'"):
            client.load_data.read_json_stage(stage, "j.jsonl", table)
        files.put("j.jsonl", "\n".join(lines))
        report = client.load_data.read_json_stage(stage, "j.jsonl", table)
        assert (report.rows, report.strategy) == (50, "staging_table")


@pytest.mark.parametrize("table", ["users", "p"])
@pytest.mark.parametrize("kind", ["bytes", "iterator", "json"])
def test_data_of_the_client(client, stage, table, kind):
    if kind == "json":
        data, name = b'{"id":1,"name":"a","email":"b","age":2.5}', "read_json"
    else:
        data, name = b'1,"a,b",c,2\n2,x,y,2.5\n', "read_csv"
    call = getattr(client.load_data, name)
    with pytest.raises(errors.LoadFailed, match=r"column 'age', value '2\.5'.*bad value"):
        call(iter([data.rstrip()]) if kind == "iterator" else data, table)
    assert count(client, table) == 0
    with client.session() as session, pytest.raises(errors.LoadFailed, match="bad value"):
        getattr(session.load_data, name)(data, table)
    assert count(client, table) == 0
    if kind != "json":  # texts in quotes are not truncated
        assert call(data, table, on_conflict="unchecked").rows == 2


def test_bytes_need_not_be_text(client, stage, files, size):
    client.execute("CREATE TABLE b (id INT PRIMARY KEY, raw BLOB)")
    files.put("b.csv", b"1,\xff\xfe\n" + b"".join(b"%d,\xe9\n" % number for number in range(2, 60)))
    assert client.load_data.read_csv_stage(stage, "b.csv", "b").rows == 59
    assert client.execute("SELECT hex(raw) FROM b WHERE id = 1").scalar() == "FFFE"
    report = client.load_data.read_csv(b"70,\xff\n", "b", encoding=None, on_error="skip")
    assert (report.rows, report.rejected) == (1, 0)


def test_a_plan_shows_the_staging_table(client, stage, size):
    plan = client.load_data.plan(stage, "good.csv", "p")
    assert plan.strategy == "staging_table"
    assert [sql.split()[0] for sql in plan.sql] == ["CREATE", "LOAD", "INSERT", "DROP"]
