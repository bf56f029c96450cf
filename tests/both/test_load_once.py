"""Files that are loaded once, by both clients."""

import threading

import pytest
from models import User

from matrixone import Client, errors


@pytest.fixture
def stage(client, unique, files):
    files.put("a.csv", "1,A,a,1\n2,B,b,2\n")
    files.put("b.csv", "3,C,c,3\n")
    client.create_table(User)
    return client.stage.create_local(unique(), files.folder).name


def count(client):
    return client.execute("SELECT count(*) FROM users").scalar()


def test_the_same_file_is_loaded_once(client, stage, files, database, unique):
    load = client.load_data.read_csv_stage
    assert client.load_data.history() == ()
    assert load(stage, "a.csv", User, once=True).rows == 2
    again = load(stage, "a.csv", f"{database}.users", once=True)
    assert (again.rows, again.files[0].already_loaded) == (0, True)
    assert "loaded before" in str(again)
    other = client.stage.create_local(unique(), f"{files.folder}").name
    below = client.stage.create(unique(), f"stage://{other}/").name
    for name in (other, below):
        assert load(name, "a.csv", User, once=True).rows == 0  # the same place
    report = load(stage, ["a.csv", "b.csv"], User, once=True)
    assert [(file.rows, file.already_loaded) for file in report.files] == [(0, True), (1, False)]
    client.execute("UPDATE users SET name = 'other'")
    assert load(stage, "a.csv", User, once=True, force=True, on_conflict="replace").replaced == 2
    files.put("a.csv", "1,A,a,1\n2,B,b,3\n")
    assert (
        load(stage, "a.csv", User, once=True, on_conflict="update").updated == 2
    )  # another content of the same length
    history = client.load_data.history(User)
    assert sorted((record.source.rpartition("/")[2], record.rows, record.size) for record in history) == [
        ("a.csv", 2, 16), ("a.csv", 2, 16), ("b.csv", 1, 8),
    ]  # fmt: skip
    assert {record.table for record in history} == {f"{database}.users"}
    assert count(client) == 3


@pytest.mark.parametrize(
    "options", [{}, {"atomic": False}, {"concurrency": 1}, {"on_conflict": "unchecked"}, {"lock": "table"}]
)
def test_a_load_that_fails_is_not_entered(client, stage, files, options):
    files.put("bad.csv", "7,x,y,bad\n")
    with pytest.raises(errors.LoadFailed):
        client.load_data.read_csv_stage(stage, ["b.csv", "bad.csv"], User, once=True, **options)
    entered = 1 if options == {"atomic": False} else 0
    assert (len(client.load_data.history()), count(client)) == (entered, entered)
    assert client.load_data.read_csv_stage(stage, "[ab].csv", User, once=True, **options).rows == 3 - entered


def test_in_a_session(client, stage, files):
    files.put("bad.csv", "7,x,y,bad\n")
    with client.session() as session:
        with pytest.raises(errors.LoadFailed):
            session.load_data.read_csv_stage(stage, "bad.csv", User, once=True)
        assert session.load_data.read_csv_stage(stage, "a.csv", User, once=True).rows == 2
        assert session.load_data.read_csv_stage(stage, "a.csv", User, once=True).rows == 0
        session.rollback()
    assert (len(client.load_data.history()), count(client)) == (0, 0)


def test_a_key_of_the_callers(client, stage, tmp_path):
    load = client.load_data
    assert load.read_csv(b"5,x,y,1\n", User, once="monday").rows == 1
    assert load.read_csv(b"6,x,y,1\n", User, once="monday").rows == 0
    assert load.read_csv_stage(stage, "a.csv", User, once="monday").rows == 0
    with pytest.raises(errors.InvalidArgument, match="key of one file"):
        load.read_csv_stage(stage, "[ab].csv", User, once="tuesday")
    with pytest.raises(errors.InvalidArgument, match="give other data a key: once="):
        load.read_csv(b"6,x,y,1\n", User, once=True)
    path = tmp_path / "c.csv"
    path.write_bytes(b"8,x,y,1\n")
    for whole in (False, True):
        assert load.read_csv(path, User, once=True, hash_whole_file=whole, on_conflict="replace").rows == 1
        assert load.read_csv(path, User, once=True, hash_whole_file=whole).rows == 0
    assert {record.size for record in load.history()} == {None, 8}


def test_a_ledger_elsewhere(client, stage, session_admin):
    session_admin.execute("CREATE DATABASE IF NOT EXISTS elsewhere_of_test")
    try:
        assert (
            client.load_data.read_csv_stage(stage, "a.csv", User, once=True, ledger_database="elsewhere_of_test").rows
            == 2
        )
        assert len(client.load_data.history(User, database="elsewhere_of_test")) == 1
        assert client.load_data.history() == ()
    finally:
        session_admin.execute("DROP DATABASE elsewhere_of_test")


def test_a_second_loader_waits_and_then_skips(client, stage, matrixone_url, database):
    client.load_data.read_csv_stage(stage, "b.csv", User, once=True)  # the ledger is there
    found = []

    def second():
        with Client(url=matrixone_url, database=database) as other:
            found.append(other.load_data.read_csv_stage(stage, "a.csv", User, once=True))

    with client.session() as session:
        assert session.load_data.read_csv_stage(stage, "a.csv", User, once=True).rows == 2
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
    waiting.join(20)
    assert [(report.rows, report.files[0].already_loaded) for report in found] == [(0, True)]
    assert count(client) == 3
