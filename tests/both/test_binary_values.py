"""Bytes as parameters of statements."""

import pytest

ALL_BYTES = bytes(range(256))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_sent_whole(client, kind):
    """One row at a time, many in one statement, and as text that means something else to the drivers."""
    client.execute("CREATE TABLE b (id INT PRIMARY KEY, data BLOB)")
    client.execute("INSERT INTO b VALUES (:id, :data)", {"id": 1, "data": kind(ALL_BYTES)})
    several = [{"id": id_, "data": kind(ALL_BYTES[id_:])} for id_ in range(2, 40)]
    client.execute("INSERT INTO b (id, data) VALUES (:id, :data)", several)
    client.execute("INSERT INTO b VALUES (:id, :data)", {"id": 40, "data": kind(b"it's \\' %s :x \xff")})
    stored = dict(client.execute("SELECT id, data FROM b").all())
    assert stored == {1: ALL_BYTES} | {id_: ALL_BYTES[id_:] for id_ in range(2, 40)} | {40: b"it's \\' %s :x \xff"}


def test_many_bytes_are_sent_in_several_statements(proxied, proxy):
    proxied.execute("CREATE TABLE b (id INT PRIMARY KEY, data LONGBLOB)")
    rows = [{"id": id_, "data": ALL_BYTES * 1500} for id_ in range(5)]
    assert proxied.execute("INSERT INTO b (id, data) VALUES (:id, :data)", rows).rowcount == 5
    assert proxied.execute("SELECT count(*), min(length(data)) FROM b").one() == (5, 384000)
