"""Loads that are broken off, and what many at once leave behind; by both clients."""

import asyncio
import os
import signal
import threading
import time

import pytest
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
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            ours = [str(entry.path) for entry in caught.traceback if "site-packages" in str(entry.path)]
            assert ours == []  # whoever pressed Ctrl-C sees their own frames, and none of anyio's
            assert len(caught.traceback) <= 3
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


@pytest.mark.parametrize("small", [1000, 10**8], ids=["committed staging table", "staging table inside"])
def test_a_load_of_one_file_is_stopped(client, stage, *, side, monkeypatch, matrixone_url, database, small):
    """The connection is given up, and neither rows nor the staging table stay; the client goes on."""
    monkeypatch.setattr("matrixone_core.loading.stage_load.PROBED_BYTES", (small, 10**9, 10**9))

    def blocking():
        begun = threading.Event()
        with Client(url=matrixone_url, database=database) as loader:
            thread = threading.Thread(target=lambda: begun.wait(20) and os.kill(os.getpid(), signal.SIGINT))
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                loader.load_data.read_csv_stage(stage, "part-1.csv", User, progress=lambda _event: begun.set())
            thread.join()
            assert loader.load_data.read_csv(b"1,a,b,1\n", User).rows == 1

    async def cancelled():
        begun = asyncio.Event()
        async with AsyncClient(url=matrixone_url, database=database) as loader:
            task = asyncio.ensure_future(
                loader.load_data.read_csv_stage(stage, "part-1.csv", User, progress=lambda _event: begun.set())
            )
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await loader.load_data.read_csv(b"1,a,b,1\n", User)).rows == 1

    blocking() if side == "sync" else asyncio.run(cancelled())
    while left(client) != ([], 1):  # a connection that was given up is rolled back when the server hears of it
        pass
