"""Stages, by both clients."""

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest

from matrixone import Secret, errors


def test_create_local_returns_the_stage_as_the_server_has_it(client, unique, files):
    name = unique()
    stage = client.stage.create_local(name, files.folder, comment="imports")
    assert (stage.name, stage.url, stage.comment, stage.enabled) == (name, f"file://{files.folder}", "imports", True)
    assert client.stage.get(name) == stage
    assert dict(stage.credentials) == {}


@pytest.mark.parametrize("mark", ["a_b", "a$b", "a.b", "a-b", "1st", "größe", "阿達", "select"])
def test_names_with_all_that_they_may_have(client, unique, files, mark):
    files.put("a.csv", "1\n")
    name = unique(mark)
    client.stage.create_local(name, files.folder)
    client.execute("CREATE TABLE t (i INT)")
    assert client.stage.get(name).name == name
    assert client.load_data.read_csv_stage(name, "a.csv", "T", null_values="x").rows == 1


def test_names_are_folded_to_lower_case_everywhere(client, unique, files):
    name = unique("Mixed")
    client.stage.create_local(name, files.folder)
    assert client.stage.get(name.upper()).name == name.lower()
    assert client.stage.exists(name)
    client.stage.drop(name.upper())
    assert not client.stage.exists(name)


def test_list_is_in_order_of_names_and_takes_a_pattern(client, unique):
    prefix = unique("list")
    names = [f"{prefix}_{letter}" for letter in "bca"]
    for name in names:
        client.stage.create_local(name, "/tmp/")
    try:
        assert [stage.name for stage in client.stage.list(like=f"{prefix}%")] == sorted(names)
        assert {stage.name for stage in client.stage.list()} >= set(names)
        assert client.stage.list(like=f"{prefix}_none%") == ()
    finally:
        for name in names:
            client.stage.drop(name)


def test_get_does_not_take_its_name_for_a_pattern(client, unique):
    name = unique("a_b")
    client.stage.create_local(name.replace("a_b", "axb"), "/tmp/")
    try:
        with pytest.raises(errors.StageNotFound, match=name):
            client.stage.get(name)
    finally:
        client.stage.drop(name.replace("a_b", "axb"))


def test_an_existing_name_is_an_error_or_left_alone(client, unique):
    name = unique()
    client.stage.create_local(name, "/tmp/", comment="first")
    with pytest.raises(errors.StageExists, match=name) as caught:
        client.stage.create_local(name, "/tmp/", comment="second")
    assert caught.value.statement is not None
    assert "CREATE STAGE" in caught.value.statement
    assert not caught.value.retryable
    assert client.stage.create_local(name, "/tmp/", comment="second", if_not_exists=True).comment == "first"


def test_what_is_missing(client, unique):
    name = unique()
    assert client.stage.exists(name) is False
    for call in (client.stage.get, client.stage.drop, lambda n: client.stage.alter(n, comment="x")):
        with pytest.raises(errors.StageNotFound, match=name):
            call(name)
    assert client.stage.drop(name, if_exists=True) is None


@pytest.mark.parametrize("time_zone", ["+00:00", "+08:00", "-03:30"])
def test_created_time_is_right_in_any_time_zone(new_client, matrixone_url, unique, time_zone):
    client = new_client(url=matrixone_url, time_zone=time_zone)
    client.connect()
    stage = client.stage.create_local(unique(), "/tmp/")
    assert stage.created_time.tzinfo is UTC
    assert abs(datetime.now(UTC) - stage.created_time) < timedelta(minutes=5)


def test_a_sub_stage(client, unique, files):
    files.put("deep/users.csv", "1,Ada\n")
    parent, child = unique(), unique()
    client.stage.create_local(parent, files.folder)
    assert client.stage.create(child, f"stage://{parent}/deep/").url == f"stage://{parent}/deep/"
    client.execute("CREATE TABLE t (id INT, name VARCHAR(10))")
    assert client.load_data.read_csv_stage(child, "users.csv", "t").rows == 1


def test_create_s3_writes_all_that_a_server_needs(client, unique, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    stage = client.stage.create_s3(unique(), "my-bucket", "data/", "a-key-id", "a-secret/key+=")
    assert stage.url == "s3://my-bucket/data/"
    assert dict(stage.credentials) == {
        "AWS_KEY_ID": "a-key-id",
        "AWS_SECRET_KEY": "a-secret/key+=",
        "AWS_REGION": "eu-west-1",
        "ENDPOINT": "https://s3.eu-west-1.amazonaws.com",
        "PROVIDER": "amazon",
    }
    assert isinstance(stage.credentials["AWS_SECRET_KEY"], Secret)
    assert "a-secret" not in repr(stage)


def test_alter_keeps_what_it_does_not_name(client, unique):
    name = unique()
    client.stage.create_s3(name, "b", "p/", "old-key", "old-secret", endpoint="http://localhost:9000", comment="c")
    before = client.stage.get(name)
    after = client.stage.alter(name, credentials={"aws_key_id": "new-key", "AWS_SECRET_KEY": "new-secret"})
    assert dict(after.credentials) == {
        **dict(before.credentials), "AWS_KEY_ID": "new-key", "AWS_SECRET_KEY": "new-secret",
    }  # fmt: skip
    assert (after.url, after.comment, after.created_time) == (before.url, before.comment, before.created_time)


def test_alter_several_things_at_once(client, unique):
    name = unique()
    client.stage.create_local(name, "/tmp/a/", comment="before")
    after = client.stage.alter(name, url="file:///tmp/b/", enable=False, comment="")
    assert (after.url, after.enabled, after.comment) == ("file:///tmp/b/", False, "")
    assert client.stage.alter(name, enable=True).enabled is True


@pytest.mark.parametrize(
    "text",
    ["it's", "''", "back\\slash", "\\", "\\'", '"double"', "a\nb\tc\r", ":name ::x :1", "%s %(x)s %%", "ünïcödé 😀", ";--",
     "x' where 1=1 -- ", "{'a'='b'}", "`tick`", " "],
)  # fmt: skip
def test_any_comment_comes_back_as_it_was_given(client, unique, text):
    name, other = unique(), unique()
    client.stage.create_local(other, "/tmp/", comment="untouched")
    assert client.stage.create_local(name, "/tmp/", comment=text).comment == text
    assert client.stage.alter(name, comment=text + text).comment == text + text
    assert client.stage.get(other).comment == "untouched"


def test_any_url_and_credential_come_back_as_they_were_given(client, unique):
    url, key = "s3://bucket/it's/a;b/:x/é/", "s'e\\c=r:e%t"
    stage = client.stage.create(unique(), url, credentials={"AWS_KEY_ID": "k", "AWS_SECRET_KEY": key})
    assert stage.url == url
    assert stage.credentials["AWS_SECRET_KEY"] == key


def test_of_two_who_create_one_name_at_once_one_wins(new_client, matrixone_url, unique):
    name = unique()
    clients = [new_client(url=matrixone_url) for _ in range(4)]
    for client in clients:
        client.connect()
    ready, outcomes = threading.Barrier(4), []

    def create(client):
        ready.wait()
        try:
            client.stage.create_local(name, "/tmp/")
            outcomes.append("created")
        except errors.StageExists:
            outcomes.append("exists")

    threads = [threading.Thread(target=create, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["created", "exists", "exists", "exists"]


def test_if_not_exists_is_never_refused_in_a_race(new_client, matrixone_url, unique):
    clients = [new_client(url=matrixone_url) for _ in range(4)]
    for client in clients:
        client.connect()
    for _ in range(5):
        name, ready, outcomes = unique(), threading.Barrier(4), []

        def create(client, name=name, ready=ready, outcomes=outcomes):
            ready.wait()
            outcomes.append(client.stage.create_local(name, "/tmp/", if_not_exists=True).name)

        threads = [threading.Thread(target=create, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == [name] * 4


def test_a_disabled_stage_is_not_loaded_from(client, unique, files):
    files.put("a.csv", "1\n")
    name = unique()
    client.execute("CREATE TABLE t (id INT)")
    client.stage.create_local(name, files.folder)
    client.stage.alter(name, enable=False)
    with pytest.raises(errors.StageDisabled, match="enable=True"):
        client.load_data.read_csv_stage(name, "a.csv", "t")
    client.stage.alter(name, enable=True)
    assert client.load_data.read_csv_stage(name, "a.csv", "t").rows == 1


def test_keys_may_come_from_the_environment(client, unique, monkeypatch):
    monkeypatch.setitem(os.environ, "AWS_ACCESS_KEY_ID", "env-key")
    monkeypatch.setitem(os.environ, "AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setitem(os.environ, "AWS_ENDPOINT_URL", "http://localhost:9000")
    stage = client.stage.create_s3(unique(), "b")
    assert stage.credentials["AWS_KEY_ID"] == "env-key"
    assert stage.credentials["PROVIDER"] == "minio"


def test_a_refused_creation_leaves_the_connections_time_zone(new_client, matrixone_url, unique):
    """A stage is created in the server's own (server-facts 62)."""
    client = new_client(url=matrixone_url, time_zone="-03:30", pool_size=1, max_overflow=0)
    client.connect()
    name = unique()
    for _ in range(2):
        client.stage.create_local(name, "/tmp/", if_not_exists=True)
        with pytest.raises(errors.StageExists):
            client.stage.create_local(name, "/tmp/")
        assert client.execute("SELECT @@time_zone").scalar() == "-03:30"
