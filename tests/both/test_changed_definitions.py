"""Definitions that a server changes when it restores or clones tables and views, on both clients (server-facts 102)."""

import pytest

from matrixone import NotSupported, RestoreFailed

TABLE = "CREATE TABLE notes (id INT PRIMARY KEY, said VARCHAR(20) DEFAULT 'it''s', path VARCHAR(9) COMMENT 'a\\\\b')"
PLAIN = "CREATE TABLE plain (id INT PRIMARY KEY, said VARCHAR(20) DEFAULT 'said', n INT DEFAULT 5 COMMENT 'it''s')"
VIEW = "CREATE VIEW slashes AS SELECT id FROM plain WHERE 'a\\\\b' <> 'c'"
LINES = "CREATE VIEW line_ends AS SELECT '\\n' AS x FROM plain"


@pytest.fixture
def definitions(client, database, unique):
    """A snapshot of a database where the server would change some definitions; then changes."""
    for sql in (TABLE, PLAIN, VIEW, LINES):
        client.execute(sql)
    name = unique("snapshot")
    client.snapshots.create(name, database=database)
    client.execute("INSERT INTO notes (id) VALUES (1)")
    client.execute("INSERT INTO plain (id) VALUES (1)")
    yield name
    client.snapshots.drop(name, if_exists=True)


def ids(client, table):
    return client.execute(f"SELECT id FROM {table}").scalars().all()


def test_definitions_that_would_change_are_named_before_anything_changes(client, database, definitions, copy_name):
    columns = [f"{database}.notes.path", f"{database}.notes.said"]
    everything = sorted([*columns, f"{database}.slashes"])
    for restore, name, names in (
        (client.restore.database, database, everything),
        (client.restore.table, f"{database}.notes", columns),
    ):
        for target, error in ((None, RestoreFailed), (copy_name if "." not in name else "copied", NotSupported)):
            with pytest.raises(error, match=f"doubled: {', '.join(names)}; nothing was changed"):
                restore(name, definitions, to=target)
            assert sorted(restore(name, definitions, to=target, plan=True).changed_definitions) == names
    for snapshot in (None, definitions):
        with pytest.raises(NotSupported, match=r"notes\.said"):
            client.clone.table("copied", "notes", snapshot=snapshot)
        with pytest.raises(NotSupported, match=r"notes\.said"):
            client.clone.database(copy_name, database, snapshot=snapshot)
    assert (ids(client, "notes"), ids(client, "plain")) == ([1], [1])
    client.clone.table("copied", "plain")
    assert client.restore.table(f"{database}.plain", definitions).changed_definitions == ()
    assert (ids(client, "copied"), ids(client, "plain")) == ([1], [])


def test_definitions_may_change_where_the_caller_says_so(client, database, definitions, copy_name):
    client.clone.table("copied", "notes", allow_changed_definitions=True)
    assert ids(client, "copied") == [1]
    client.clone.database(copy_name, database, snapshot=definitions, allow_changed_definitions=True)
    assert ids(client, f"{copy_name}.notes") == []
    report = client.restore.database(database, definitions, allow_changed_definitions=True)
    assert f"changes the definition of {database}.slashes" in str(report)
    assert (ids(client, "notes"), ids(client, "plain")) == ([], [])


def test_a_session_finds_them_at_once(client, database, definitions):
    with client.session() as session:
        with pytest.raises(NotSupported, match=r"notes\.said"):
            session.clone.table("copied", "notes")
        session.clone.table("copied", "plain", allow_changed_definitions=True)
        session.commit()
    assert ids(client, "copied") == [1]
