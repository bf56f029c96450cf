"""What the server would change, or never give back, without a word: looked for on every way, by both clients."""

import pytest
from models import User

from matrixone import errors

PLAIN = "CREATE TABLE p (id INT, name VARCHAR(100), email VARCHAR(255), age INT)"
GOOD = [f"{number},name {number},e@x,{number % 90}" for number in range(1, 201)]


@pytest.fixture(params=["small", "large"])
def size(request, monkeypatch):
    """Files are small, or taken for large ones, of which the server looks through the lines."""
    if request.param == "large":
        monkeypatch.setattr("matrixone_core.loading.from_stage.SMALL", 100)
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


WAYS = [
    ("users", {}, "empty", "staging"), ("users", {"lock": "rows"}, "staging", "staging"), ("p", {}, "plain", "plain"),
    ("users", {"lock": "table"}, "external", "external"), ("users", {"on_conflict": "skip"}, "staging", "staging"),
    ("users", {"once": True}, "empty", "staging"), ("users", {"null_values": ["", "-"]}, "staging", "staging"),
    ("users", {"null_values": "-"}, "empty", "staging"), ("users", {"set": {"email": "upper(name)"}}, "staging", "staging"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "options", "large", "small"), WAYS)
def test_a_fraction_for_a_whole_number(client, load, size, *, table, options, large, small):
    with pytest.raises(errors.LoadFailed, match="line 151, column 'age', value '3.5'.*fraction") as caught:
        load([*GOOD[:150], "999,x,e,3.5", *GOOD[150:]], table, **options)
    assert caught.value.row.line == 151
    assert count(client, table) == 0
    report = load(GOOD, table, **options)
    assert (report.rows, report.way) == (200, large if size == "large" else small)
    while any(name.startswith("matrixone_load_") for (name,) in client.execute("SHOW TABLES").all()):
        pass  # a connection that was given up is rolled back when the server hears of it


@pytest.mark.parametrize(("table", "options"), [(table, options) for table, options, *_ in WAYS])
def test_text_that_is_not_utf8(client, load, *, files, stage, size, table, options):
    lines = "\n".join(GOOD).encode()
    files.put("l.csv", lines + b"\n998,caf\xe9,e,1\n" + lines.replace(b"name", b"n"))
    with pytest.raises(errors.LoadFailed, match=r"line 201, column 'name', value '.*xe9': byte 0xe9 is not UTF-8"):
        client.load_data.read_csv_stage(stage, "l.csv", table, **options)
    assert count(client, table) == 0


@pytest.mark.parametrize("lock", ["auto", "table"])
def test_lines_that_are_not_plainly_regular(client, load, size, lock):
    """A few are looked at one by one; rows that go over several lines are staged, as are very many."""
    quoted = [f'{300 + number},"say ""hi"", {number}","a\\\\b",\\N' for number in range(20)]
    assert load([*GOOD, *quoted], lock=lock).way == {("large", "auto"): "empty"}.get(
        (size, lock), "external" if lock == "table" else "staging"
    )
    assert client.execute("SELECT name, email, age FROM users WHERE id = 319").all() == [('say "hi", 19', "a\\b", None)]
    client.execute("DELETE FROM users")
    assert load([*GOOD, '400,"two\nlines",e,1', '401,"1.5,x\n402.5,y,z,1",e,1'], lock=lock).way == "staging"
    assert client.execute("SELECT name FROM users WHERE id = 401").scalar() == "1.5,x\n402.5,y,z,1"
    client.execute("DELETE FROM users")
    with pytest.raises(errors.LoadFailed, match="line 203, column 'age'"):
        load([*GOOD, '400,"two\nlines",e,1', "402,x,e,1.5"], lock=lock)
    assert count(client) == 0


def test_more_irregular_lines_than_are_looked_at(client, load, size, monkeypatch):
    monkeypatch.setattr("matrixone_core.loading.looking.MOST_LINES", 3)
    report = load([*GOOD, *(f'{300 + number},"a""b",e,1' for number in range(4))], "p")
    assert (report.rows, report.way) == (204, "staging" if size == "large" else "plain")
    with pytest.raises(errors.LoadFailed, match="line 205"):
        load([*GOOD, *(f'{300 + number},"a""b",e,1' for number in range(4)), "9,x,e,1.5"], "p")


def test_several_texts_for_null_where_lines_are_staged_after_all(client, load, size):
    with pytest.raises(errors.LoadFailed, match="line 203, column 'age', value '1.5'"):
        load([*GOOD, '400,"two\nlines",e,-', "402,x,e,1.5"], null_values=["-", "?"])
    assert load([*GOOD, '400,"two\nlines",e,?'], null_values=["-", "?"]).rows == 201


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


def test_an_ordinary_user(new_client, matrixone_url, database, *, ordinary_user, session_admin, unique, files, size):
    for table, keys in (("users", "PRIMARY KEY"), ("p", "")):
        session_admin.execute(
            f"CREATE TABLE {database}.{table} (id INT {keys}, name VARCHAR(100), email VARCHAR(255), age INT)"
        )
    name = session_admin.stage.create_local(unique(), files.folder).name
    client = new_client(url=matrixone_url, database=database, **ordinary_user)
    client.connect()
    for table, way in (("users", "compared"), ("p", "plain")):
        with pytest.raises(errors.LoadFailed, match="line 2, column 'age'"):
            client.load_data.read_csv_stage(name, "bad.csv", table)
        report = client.load_data.read_csv_stage(name, "good.csv", table)
        assert (report.rows, report.way) == (200, way)


def test_json_lines(client, stage, files, size):
    lines = [f'{{"id":{n},"name":"n","email":"e","age":{n}}}' for n in range(1, 51)]
    for table in ("users", "p"):
        files.put("j.jsonl", "\n".join([*lines, '{"id":99,"name":"n","email":"e","age":1.5}']))
        with pytest.raises(errors.LoadFailed, match="line 51, column 'age', value '1.5'"):
            client.load_data.read_json_stage(stage, "j.jsonl", table)
        files.put("j.jsonl", "\n".join(lines))
        report = client.load_data.read_json_stage(stage, "j.jsonl", table)
        assert (report.rows, report.way) == (50, "plain" if (table, size) == ("p", "small") else "staging")


@pytest.mark.parametrize("table", ["users", "p"])
@pytest.mark.parametrize("kind", ["bytes", "iterator", "json"])
def test_data_of_the_client(client, stage, table, kind):
    """Rows are looked at as they are sent."""
    if kind == "json":
        data, name = b'{"id":1,"name":"a","email":"b","age":2.5}', "read_json"
    else:
        data, name = b'1,"a,b",c,2\n2,x,y,2.5\n', "read_csv"
    call = getattr(client.load_data, name)
    with pytest.raises(errors.LoadFailed, match=r"column 'age', value '2\.5'.*fraction"):
        call(iter([data.rstrip()]) if kind == "iterator" else data, table)
    assert count(client, table) == 0
    with client.session() as session, pytest.raises(errors.LoadFailed, match="fraction"):
        getattr(session.load_data, name)(data, table)
    assert count(client, table) == 0
    assert call(data, table, on_conflict="unchecked").rows == (1 if kind == "json" else 2)


def test_bytes_need_not_be_text(client, stage, files, size):
    client.execute("CREATE TABLE b (id INT PRIMARY KEY, raw BLOB)")
    files.put("b.csv", b"1,\xff\xfe\n" + b"".join(b"%d,\xe9\n" % number for number in range(2, 60)))
    assert client.load_data.read_csv_stage(stage, "b.csv", "b").rows == 59
    assert client.execute("SELECT hex(raw) FROM b WHERE id = 1").scalar() == "FFFE"
    report = client.load_data.read_csv(b"70,\xff\n", "b", encoding=None, on_error="skip")
    assert (report.rows, report.rejected) == (1, 0)


def test_a_plan_shows_the_look(client, stage, size):
    plan = client.load_data.plan(stage, "good.csv", "p")
    assert plan.way == "plain"
    assert any("REGEXP" in one for one in plan.sql) is (size == "large")
    assert any("load_file" in one for one in plan.sql) is (size == "small")
