"""Names that a server pastes into statements of its own: snapshots, restores, clones and PITR, on both clients."""

import pytest
from sqlalchemy.exc import DBAPIError

from matrixone import InvalidArgument, NotSupported, RestoreFailed

QUOTE, APOSTROPHE, BACKSLASH = 'a"b', "a'b", "a\\q"
ODD = (QUOTE, APOSTROPHE, BACKSLASH)


@pytest.fixture
def oddly_named(client, database, unique):
    """A snapshot of a database with tables whose names have quotes and a backslash; then changes."""
    for table in (*ODD, "plain"):
        client.create_table(table, {"id": "int"}, primary_key="id")
        client.insert(table, [{"id": 1}])
    name = unique("snapshot")
    client.snapshots.create(name, database=database)
    for table in (*ODD, "plain"):
        client.insert(table, [{"id": 2}])
    yield name
    client.snapshots.drop(name, if_exists=True)


def ids(client, table):
    return client.execute(f"SELECT id FROM `{table}` ORDER BY id").scalars().all()


def test_names_that_a_server_pastes_into_its_statements_are_refused(client, database, oddly_named, copy_name):
    """The server's own answer is a syntax error of a statement that the caller never wrote (server-facts 101)."""
    for name, restore in ((database, client.restore.database), (f"{database}.{QUOTE}", client.restore.table)):
        for given in ({}, {"plan": True}):
            with pytest.raises(RestoreFailed, match=r"nothing was changed\. Instead, restore") as caught:
                restore(name, oddly_named, **given)
            assert caught.value.tables == (f"{database}.{QUOTE}",)
    for snapshot in (None, oddly_named):
        with pytest.raises(NotSupported, match=rf"{QUOTE}; nothing was changed\. Clone its tables one by one"):
            client.clone.database(copy_name, database, snapshot=snapshot)
    with pytest.raises(NotSupported, match=QUOTE):
        client.restore.database(database, oddly_named, to=copy_name)
    for table in (APOSTROPHE, BACKSLASH, "a.b"):
        with pytest.raises(InvalidArgument, match="take a snapshot of the database"):
            client.snapshots.create(copy_name, database=database, table=table)
    for table in (APOSTROPHE, BACKSLASH):
        with pytest.raises(InvalidArgument, match="cover the database"):
            client.pitr.create(copy_name, (1, "h"), database=database, table=table)
    assert all(ids(client, table) == [1, 2] for table in (*ODD, "plain"))
    client.execute(f"DROP DATABASE {database}")
    with pytest.raises(RestoreFailed, match=QUOTE):
        client.restore.database(database, oddly_named)
    client.execute(f"CREATE DATABASE {database}")


def test_the_other_ways_to_restore_such_names(client, database, oddly_named):
    for number, table in enumerate(ODD):
        assert client.restore.table(f"{database}.{table}", oddly_named, to=f"{database}.then_{number}").executed
        assert ids(client, f"then_{number}") == [1]
        client.clone.table(f"{database}.now_{number}", f"{database}.{table}")
        assert ids(client, f"now_{number}") == [1, 2]
        client.restore.table(f"{database}.{table}", oddly_named, replace_rows=True)
        assert ids(client, table) == [1]
    for table in (APOSTROPHE, BACKSLASH, "plain"):
        client.insert(table, [{"id": 3}])
        assert client.restore.table(f"{database}.{table}", oddly_named).executed
        assert ids(client, table) == [1]


def test_what_a_server_says_of_such_names(client, database, oddly_named, copy_name):
    for sql in (
        f"RESTORE TABLE {database}.`{QUOTE}` {{snapshot='{oddly_named}'}}",
        f"RESTORE DATABASE {database} {{snapshot='{oddly_named}'}}",
        f"CREATE DATABASE {copy_name} CLONE {database}",
        f"CREATE SNAPSHOT {copy_name} FOR TABLE {database} `{APOSTROPHE}`",
        f"CREATE PITR {copy_name} FOR TABLE {database} `{APOSTROPHE}` RANGE 1 'h'",
    ):
        with pytest.raises(DBAPIError, match="syntax error"):
            client.execute(sql)
    client.execute(f"CREATE SNAPSHOT {copy_name} FOR TABLE {database} `{BACKSLASH}`")
    assert client.snapshots.get(copy_name).table == "aq"
    client.snapshots.drop(copy_name)
