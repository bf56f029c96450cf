"""How long loads and results hold the event loop: the longest pause of a ticking task, and pings beside three loads.

Not every pause is ours. The first lines say what the machine does by itself: a task beside nothing at all; beside a
thread that computes without Python's lock; while the server, on the same processors, works for another client; and
beside a thread that runs Python, which keeps the lock for up to 5 ms each time another thread asks for it. The first
three figures are the longest pauses, the other three are without the time in which Linux had no processor for the loop.

python -m nox -s bench -- event_loop [--rows 400000 --only "JSON lines" --only baseline]
"""

import argparse
import asyncio
import hashlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import make_url

from matrixone import AsyncClient
from matrixone_local import LocalServer

SCHEDSTAT = Path("/proc/thread-self/schedstat")
TICK_SECONDS, PING_SECONDS = 0.001, 0.01
COLUMNS = "(id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(255), age INT)"
Calls = dict[str, Callable[[], Awaitable[object]]]


class Ticker:
    """A task that wakes up again and again, and notes by how long it was late.

    Attributes:
        late: the seconds of each time.
        ours: the same, without those in which the loop's thread could run and had no processor.
    """

    def __init__(self) -> None:
        self.late, self.ours = list[float](), list[float]()

    async def tick(self) -> None:
        while True:
            began, waited = time.perf_counter(), seconds_without_processor()
            await asyncio.sleep(TICK_SECONDS)
            late = time.perf_counter() - began - TICK_SECONDS
            self.late.append(late)
            self.ours.append(late - (seconds_without_processor() - waited))


def seconds_without_processor() -> float:
    """How long this thread could run and had no processor by now, as Linux counts it."""
    return int(SCHEDSTAT.read_bytes().split()[1]) / 1e9


async def pauses(load: Awaitable[object]) -> str:
    """The longest pauses of the loop while something is awaited, and how long that took."""
    ticker = Ticker()
    task = asyncio.create_task(ticker.tick())
    began = time.perf_counter()
    result = await load
    seconds = time.perf_counter() - began
    task.cancel()
    del result  # only now, as freeing it takes long as well
    return f"{show_longest(ticker.late)} ms, {show_longest(ticker.ours)} ms of {seconds:.1f} s"


def show_longest(pauses: list[float]) -> str:
    return " / ".join(f"{pause * 1000:.1f}" for pause in sorted(pauses, reverse=True)[:3])


def hash_for(seconds: float) -> None:
    """Compute without Python's lock."""
    data, end = bytes(4_000_000), time.perf_counter() + seconds
    while time.perf_counter() < end:
        hashlib.sha256(data)


def count_for(seconds: float) -> None:
    """Run Python."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def load_elsewhere(url: str, table: str, data: bytes) -> None:
    """Have the server load rows for another process."""
    place = make_url(url)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        Path(file.name).chmod(0o644)  # the server's user reads it
        connection = pymysql.connect(
            host=place.host, port=place.port or 6001, user=place.username or "", password=str(place.password or "")
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(f"LOAD DATA INFILE '{file.name}' INTO TABLE {table} FIELDS TERMINATED BY ','")
            cursor.execute(f"SELECT count(DISTINCT name) FROM {table}")


def baselines(url: str, table: str, data: bytes) -> Calls:
    return {
        "baseline: nothing": lambda: asyncio.sleep(3),
        "baseline: a thread without Python's lock": lambda: asyncio.to_thread(hash_for, 3),
        "baseline: the server works": lambda: asyncio.to_thread(load_elsewhere, url, table, data),
        "baseline: a thread with Python's lock": lambda: asyncio.to_thread(count_for, 3),
    }


def loads(client: AsyncClient, into: str, rows: int) -> Calls:
    quoted = "".join(f'{i},"user ""{i}""","a, b",{i % 90}\n' for i in range(rows)).encode()
    bad = "".join(f"{i},user {i},e,{'x' if i % 50_000 == 7 else i % 90}\n" for i in range(rows)).encode()
    frame = pa.table({"id": range(rows), "name": [f"user {i}" for i in range(rows)]})
    dicts = [{"id": i, "name": f"user {i}", "email": "e", "age": i % 90} for i in range(rows)]
    amounts = pd.DataFrame({"id": range(rows), "name": [Decimal(i) for i in range(rows)]})
    array = b"[" + b",".join(json_lines(rows).splitlines()) + b"]"
    pq.write_table(frame, parquet := pa.BufferOutputStream())
    load, plain, lines = client.load_data, csv(rows), json_lines(rows)
    return {
        "CSV": lambda: load.read_csv(plain, into),
        "CSV with quotes": lambda: load.read_csv(quoted, into),
        "on_error='skip'": lambda: load.read_csv(bad, into, on_error="skip"),
        "JSON lines": lambda: load.read_json(lines, into),
        "one JSON array": lambda: load.read_json(array, into),
        "Arrow": lambda: load.read_arrow(frame, into),
        "Parquet": lambda: load.read_parquet(parquet.getvalue().to_pybytes(), into),
        "a list of dicts": lambda: load.read_arrow(dicts, into),
        "pandas with objects": lambda: load.read_arrow(amounts, into),
    }


def results(client: AsyncClient, table: str) -> Calls:
    query = f"SELECT t.*, CAST(id AS DECIMAL(18, 2)) AS amount FROM {table} t"

    async def stream() -> None:
        async with client.stream_arrow(f"SELECT * FROM {table}") as batches:
            async for _ in batches:
                pass

    return {
        "query_arrow": lambda: client.query_arrow(query),
        "query_df": lambda: client.query_df(query),
        "query_polars": lambda: client.query_polars(query),
        "stream_arrow": stream,
    }


def csv(rows: int) -> bytes:
    return "".join(f"{i},user {i},u{i}@example.com,{i % 90}\n" for i in range(rows)).encode()


def json_lines(rows: int) -> bytes:
    return "".join(
        json.dumps({"id": i, "name": f"user {i}", "email": "e", "age": i % 90}) + "\n" for i in range(rows)
    ).encode()


async def pings_beside(load: Awaitable[object]) -> str:
    """How many times a second a task is called that asks for 100."""
    slots = set[int]()

    async def ping() -> None:
        began = time.perf_counter()
        while True:
            slot = int((time.perf_counter() - began) / PING_SECONDS)
            slots.add(slot)  # one that was missed is not made up for
            await asyncio.sleep(began + (slot + 1) * PING_SECONDS - time.perf_counter())

    task, began = asyncio.create_task(ping()), time.perf_counter()
    found = await pauses(load)
    task.cancel()
    return f"{len(slots) / (time.perf_counter() - began):.0f} ({found})"


async def measure(url: str, rows: int, only: list[str]) -> list[tuple[str, str]]:
    found = list[tuple[str, str]]()
    name = f"bench_{uuid.uuid4().hex[:8]}"
    into = f"{name}.t"

    async def note(calls: Calls, *, empties: bool, warms: bool = False) -> None:
        for what, call in calls.items():
            if only and not any(part in what for part in only):
                continue
            if warms:
                await call()  # the libraries are imported
            found.append((what, await pauses(call())))
            if empties:
                await client.execute(f"TRUNCATE TABLE {into}")

    async with AsyncClient(url=url) as client:
        await client.execute(f"CREATE DATABASE {name}")
        for table in "tabc":
            await client.execute(f"CREATE TABLE {name}.{table} {COLUMNS}")
        await note(baselines(url, into, csv(rows)), empties=True)
        await note(loads(client, into, rows), empties=True)
        await client.load_data.read_csv(csv(rows), into)
        await note(results(client, into), empties=False, warms=True)
        what, lines = "pings a second beside three loads of JSON", json_lines(rows)
        if not only or any(part in what for part in only):
            together = asyncio.gather(*(client.load_data.read_json(lines, f"{name}.{table}") for table in "abc"))
            found.append((what, await pings_beside(together)))
        await client.execute(f"DROP DATABASE {name}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--only", action="append", default=[], help="what has this in its name")
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer(allow_path=[tempfile.gettempdir()]) as server:
        rows = asyncio.run(measure(url or (server.url if server else ""), options.rows, options.only))
    table = Table("beside", title=f"The three longest pauses of the event loop, {options.rows:,} rows")
    table.add_column("", justify="right")
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
