"""Loads that are broken off, and what many at once leave behind; by both clients."""

import asyncio
import json
import os
import signal
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import User

from matrixone import AsyncClient, Client, errors

ROWS = "".join(f"{number},name {number},e@x,1\n" for number in range(50_000))


@pytest.fixture
def stage(client, unique, files):
    for number in range(4):
        files.put(
            f"part-{number}.csv", "".join(f"{number}{line}\n" for line in ROWS.splitlines() if not line.startswith("0"))
        )
    client.create_table(User)
    return client.stage.create_local(unique(), files.folder).name


def left(client):
    tables = [name for name in client.execute("SHOW TABLES").scalars().all() if name != "users"]
    return tables, client.execute("SELECT count(*) FROM users").scalar()


def test_ctrl_c_stops_files_that_are_read_at_once(client, stage, side, matrixone_url, database):
    if side == "async":
        return  # there tasks are cancelled
    with Client(url=matrixone_url, database=database) as loader:
        begun = threading.Event()

        def interrupt():
            begun.wait(20)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            loader.load_data.read_csv_stage(stage, "part-*.csv", User, progress=lambda _event: begun.set())
        thread.join()
        assert loader.load_data.read_csv(b"1,a,b,1\n", User).rows == 1
    assert left(client) == ([], 1)


def test_a_cancelled_load_leaves_nothing(client, stage, side, matrixone_url, database):
    async def cancelled():
        async with AsyncClient(url=matrixone_url, database=database) as loader:
            begun = asyncio.Event()
            task = asyncio.ensure_future(
                loader.load_data.read_csv_stage(stage, "part-*.csv", User, progress=lambda _event: begun.set())
            )
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            sending = asyncio.ensure_future(loader.load_data.read_csv(_slow(), User, on_conflict="unchecked"))
            await asyncio.sleep(0.2)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert (await loader.load_data.read_csv(b"1,a,b,1\n", User)).rows == 1

    if side == "async":
        asyncio.run(cancelled())
        assert left(client) == ([], 1)


def _slow():
    for number in range(100):
        yield f"{number},a,b,1\n".encode()
        time.sleep(0.02)


def test_one_file_that_fails_stops_the_others(client, stage, files):
    files.put("part-9.csv", "9,a,b,bad\n")
    with pytest.raises(errors.LoadFailed, match=r"part-9\.csv, line 1"):
        client.load_data.read_csv_stage(stage, ["part-9.csv", "part-*.csv"], User, concurrency=5)
    assert left(client) == ([], 0)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ROW = st.tuples(
    st.none() | TEXT,
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.decimals(min_value=-99999, max_value=99999, places=3),
    st.none() | st.dates(),
    st.none() | st.binary(max_size=20),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, min_size=1, max_size=8))
def test_random_tables_come_back_equal(client, rows):
    pyarrow = pytest.importorskip("pyarrow")
    client.execute("CREATE TABLE IF NOT EXISTS r (id INT PRIMARY KEY, s TEXT, i INT, d DECIMAL(8,3), da DATE, b BLOB)")
    numbered = [(number, *row) for number, row in enumerate(rows)]
    names = ("id", "s", "i", "d", "da", "b")
    kinds = (
        pyarrow.int64(),
        pyarrow.string(),
        pyarrow.int32(),
        pyarrow.decimal128(8, 3),
        pyarrow.date32(),
        pyarrow.binary(),
    )
    columns = [pyarrow.array([row[at] for row in numbered], kind) for at, kind in enumerate(kinds)]
    table = pyarrow.table(dict(zip(names, columns, strict=True)))
    client.execute("DELETE FROM r")
    client.load_data.read_arrow(table, "r")
    assert [tuple(row) for row in client.execute("SELECT * FROM r ORDER BY id").all()] == numbered
    texts = [(number, row[0], row[1]) for number, row in enumerate(rows)]
    lines = "".join(f"{_json(dict(zip(names, row, strict=False)))}\n" for row in texts)
    client.execute("DELETE FROM r")
    client.load_data.read_json(lines.encode(), "r", columns=["id", "s", "i"])
    assert [tuple(row) for row in client.execute("SELECT id, s, i FROM r ORDER BY id").all()] == texts


def _json(value):
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("lock", ["auto", "table"])
def test_a_load_is_stopped_with_the_look_beside_it(client, stage, *, side, monkeypatch, matrixone_url, database, lock):
    """Both connections are given up, and nothing of either stays; the client goes on."""
    monkeypatch.setattr("matrixone_core.loads.SMALL", 1000)

    def blocking():
        begun = threading.Event()
        with Client(url=matrixone_url, database=database) as loader:
            thread = threading.Thread(target=lambda: begun.wait(20) and os.kill(os.getpid(), signal.SIGINT))
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                loader.load_data.read_csv_stage(
                    stage, "part-1.csv", User, lock=lock, progress=lambda _event: begun.set()
                )
            thread.join()
            assert loader.load_data.read_csv(b"1,a,b,1\n", User).rows == 1

    async def cancelled():
        begun = asyncio.Event()
        async with AsyncClient(url=matrixone_url, database=database) as loader:
            task = asyncio.ensure_future(
                loader.load_data.read_csv_stage(
                    stage, "part-1.csv", User, lock=lock, progress=lambda _event: begun.set()
                )
            )
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await loader.load_data.read_csv(b"1,a,b,1\n", User)).rows == 1

    blocking() if side == "sync" else asyncio.run(cancelled())
    while left(client) != ([], 1):  # a connection that was given up is rolled back when the server hears of it
        pass
