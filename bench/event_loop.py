"""How long loads and results hold the event loop: the longest pause of a ticking task, and pings beside three loads.

Other programs on the machine make a task late as well: "nothing" is the pause beside a sleep of three seconds.

python -m nox -s bench -- event_loop [--rows 400000]
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
import uuid
from collections.abc import Awaitable
from contextlib import nullcontext

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from matrixone import AsyncClient
from matrixone_local import LocalServer

TICK_SECONDS = 0.001


class Ticker:
    """A task that wakes up again and again, and notes the longest time by which it was late."""

    def __init__(self) -> None:
        self.longest, self.ticks = 0.0, 0

    async def tick(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - began - TICK_SECONDS)
            self.ticks += 1


async def longest_pause(load: Awaitable[object]) -> tuple[float, float]:
    """The longest pause of the loop in milliseconds, and the load's seconds."""
    ticker = Ticker()
    task = asyncio.create_task(ticker.tick())
    began = time.perf_counter()
    result = await load
    task.cancel()
    del result  # only now, as freeing it takes long as well
    return ticker.longest * 1000, time.perf_counter() - began


async def measure(url: str, rows: int) -> list[tuple[str, str]]:
    name = f"bench_{uuid.uuid4().hex[:8]}"
    found: list[tuple[str, str]] = []
    plain = "".join(f"{i},user {i},u{i}@example.com,{i % 90}\n" for i in range(rows)).encode()
    quoted = "".join(f'{i},"user ""{i}""","a, b",{i % 90}\n' for i in range(rows)).encode()
    bad = "".join(f"{i},user {i},e,{'x' if i % 50_000 == 7 else i % 90}\n" for i in range(rows)).encode()
    lines = "".join(
        json.dumps({"id": i, "name": f"user {i}", "email": "e", "age": i % 90}) + "\n" for i in range(rows)
    ).encode()
    frame = pa.table({"id": range(rows), "name": [f"user {i}" for i in range(rows)]})
    async with AsyncClient(url=url) as client:
        await client.execute(f"CREATE DATABASE {name}")
        for table in "tabc":
            await client.execute(
                f"CREATE TABLE {name}.{table} (id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(255), age INT)"
            )
        load, into = client.load_data, f"{name}.t"

        async def stream() -> None:
            async with client.stream_arrow(f"SELECT * FROM {into}") as batches:
                async for _ in batches:
                    pass

        for what, call in {
            "nothing": lambda: asyncio.sleep(3),
            "CSV": lambda: load.read_csv(plain, into),
            "CSV with quotes": lambda: load.read_csv(quoted, into),
            "on_error='skip'": lambda: load.read_csv(bad, into, on_error="skip"),
            "JSON lines": lambda: load.read_json(lines, into),
            "Arrow": lambda: load.read_arrow(frame, into),
        }.items():
            pause, seconds = await longest_pause(call())
            found.append((f"{what}, {rows:,} rows", f"{pause:.1f} ms of {seconds:.1f} s"))
            await client.execute(f"TRUNCATE TABLE {into}")
        await load.read_csv(plain, into)
        query = f"SELECT t.*, CAST(id AS DECIMAL(18, 2)) AS amount FROM {into} t"
        for what, call in {
            "query_arrow": lambda: client.query_arrow(query),
            "query_df": lambda: client.query_df(query),
            "query_polars": lambda: client.query_polars(query),
            "stream_arrow": stream,
        }.items():
            await call()  # the libraries are imported
            pause, seconds = await longest_pause(call())
            found.append((f"{what}, {rows:,} rows", f"{pause:.1f} ms of {seconds:.1f} s"))
        pings = 0

        async def ping() -> None:
            nonlocal pings
            while True:
                await asyncio.sleep(0.01)
                pings += 1

        task, began = asyncio.create_task(ping()), time.perf_counter()
        await asyncio.gather(*(load.read_json(lines, f"{name}.{table}") for table in "abc"))
        task.cancel()
        found.append(("pings a second beside three loads", f"{pings / (time.perf_counter() - began):.0f}"))
        await client.execute(f"DROP DATABASE {name}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer(allow_path=[tempfile.gettempdir()]) as server:
        rows = asyncio.run(measure(url or (server.url if server else ""), options.rows))
    table = Table("load", title="The longest pause of the event loop")
    table.add_column("", justify="right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
