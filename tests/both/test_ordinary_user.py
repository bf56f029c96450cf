"""The same as an ordinary user: without the rights of an administrator, and without rights on mo_catalog."""

import pytest
from models import User
from sqlalchemy import select

from matrixone import SnapshotLevel, errors


@pytest.fixture
def stage(session_admin, unique, files):
    files.copy("users.csv")
    return session_admin.stage.create_s3(
        unique(), "b", "p/", "key1234", "secret1234", endpoint="http://127.0.0.1:1"
    ).name


@pytest.fixture
def ordinary(new_client, matrixone_url, database, session_admin, ordinary_user):
    session_admin.execute(
        f"CREATE TABLE {database}.users (id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(255), age INT)"
    )
    client = new_client(url=matrixone_url, database=database, **ordinary_user)
    client.connect()
    return client


def test_stages_can_be_seen_but_not_their_keys(ordinary, stage):
    found = ordinary.stage.get(stage)
    assert (found.name, found.url) == (stage, "s3://b/p/")
    assert found.created_time is None
    assert found.credentials is None
    assert stage in {one.name for one in ordinary.stage.list()}
    assert ordinary.stage.exists(stage)


def test_stages_and_snapshots_cannot_be_made(ordinary, stage, unique, database):
    for call in (
        lambda: ordinary.stage.create_local(unique(), "/tmp/"),
        lambda: ordinary.stage.drop(stage),
        lambda: ordinary.stage.alter(stage, comment="x"),
        lambda: ordinary.stage.alter(stage, credentials={"AWS_KEY_ID": "x"}),
        lambda: ordinary.snapshots.create(unique(), SnapshotLevel.DATABASE, database),
    ):
        with pytest.raises(errors.PermissionDenied):
            call()


def test_loads_and_reads_work(ordinary, session_admin, unique, files):
    files.copy("users.csv")
    name = session_admin.stage.create_local(unique(), files.folder).name
    assert ordinary.load_data.read_csv_stage(name, "users.csv", User, ignore_lines=1).rows == 3
    with ordinary.session() as session:
        session.add(User(id=10, name="x"))
    assert len(ordinary.execute(select(User)).scalars().all()) == 4


def test_what_is_not_granted_is_denied(ordinary, session_admin, database):
    session_admin.execute(f"CREATE TABLE {database}.t (i INT)")
    with pytest.raises(errors.PermissionDenied):
        ordinary.drop_table(User)


@pytest.fixture
def place(session_admin, unique, files):
    files.put("a.csv", "1,A,a,1\n2,B,b,2\n")
    files.put("b.csv", "2,C,c,3\n")
    files.put("d.csv", "9,D,d,4\n")
    files.put("c.jsonl", '{"id":5,"name":"a","email":"e","age":1}\n\n{"id":6,"name":"a","email":"e","age":1}\n')
    files.put("bad.jsonl", '{"id":7,"name":"a","email":"e","age":1}\n{oops\n')
    return session_admin.stage.create_local(unique(), files.folder).name


def test_loads_that_need_no_table_of_their_own(ordinary, place, session_admin, database):
    load = ordinary.load_data
    report = load.read_csv_stage(place, "a.csv", User)
    assert (report.rows, report.strategy) == (2, "count_duplicates")
    with pytest.raises(errors.DuplicateKey, match="1 of the rows"):
        load.read_csv_stage(place, "b.csv", User)
    with pytest.raises(errors.LoadPartiallyApplied), ordinary.session() as session:
        session.load_data.read_csv_stage(place, "b.csv", User)
    assert ordinary.execute("SELECT count(*) FROM users").scalar() == 2
    assert load.read_csv_stage(place, "b.csv", User, on_conflict="unchecked").rows == 1
    assert load.read_csv_stage(place, "d.csv", User).rows == 1  # old doubles do not fail it
    for file in ("c.jsonl", "bad.jsonl"):  # of lines that the server reads by itself it loses some
        with pytest.raises(errors.PermissionDenied, match="needs a staging table"):
            load.read_json_stage(place, file, User)
    with pytest.raises(errors.LoadFailed, match=r"bad\.jsonl, line 2: no JSON"):
        load.read_json_stage(place, "bad.jsonl", User, on_conflict="unchecked")
    assert load.read_json_stage(place, "c.jsonl", User, on_conflict="unchecked").rows == 2
    session_admin.execute(f"CREATE TABLE {database}.plain (id INT, name VARCHAR(9), email VARCHAR(9), age INT)")
    assert load.read_csv_stage(place, ["a.csv", "b.csv"], "plain").rows == 3


@pytest.mark.parametrize(
    "options",
    [{"on_conflict": "skip"}, {"on_conflict": "replace"}, {"on_conflict": "update"}, {"set": {"name": "'x'"}}],
)
def test_loads_that_need_a_table_of_their_own(ordinary, place, options):
    with pytest.raises(errors.PermissionDenied, match="needs a staging table"):
        ordinary.load_data.read_csv_stage(place, "a.csv", User, **options)
    with pytest.raises(errors.TableNotFound):
        ordinary.load_data.read_csv_stage(place, "a.csv", User, once=True)
