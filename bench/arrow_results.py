"""A result as a frame or a table: what the clients take against a frame of SQLAlchemy's rows.

    python -m nox -s bench -- arrow_results [--rows 200000 --rounds 5]

With `MATRIXONE_URL` that server is measured, else a local one. The rows have an integer, a decimal, a moment with
microseconds, a text, a double, and NULLs. The frame of rows is `pandas.DataFrame(result.all())`, both by one client.
The longest hold is how late a task is that sleeps for a millisecond again and again beside `query_df`.
"""

import argparse
import asyncio
import gc
import os
import statistics
import time
import tracemalloc
import uuid
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from itertools import pairwise
from typing import NamedTuple

import pandas as pd
from rich.console import Console
from rich.table import Table

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer

COLUMNS = "id BIGINT PRIMARY KEY, amount DECIMAL(18, 4), moment DATETIME(6), name VARCHAR(100), ratio DOUBLE, n INT"
QUERY = "SELECT * FROM {table}"


class Took(NamedTuple):
    """Seconds of a call by the clock, and of this process' processor time."""

    elapsed: float
    processor: float


def now() -> Took:
    """The time."""
    return Took(time.perf_counter(), time.process_time())


def since(began: Took) -> Took:
    """How long something took that began then."""
    return Took(*(end - begin for begin, end in zip(began, now(), strict=True)))


def seconds(call: Callable[[], object]) -> Took:
    """How long a call takes."""
    gc.collect()
    began = now()
    call()
    return since(began)


async def seconds_async(call: Callable[[], Awaitable[object]]) -> Took:
    """How long a call takes."""
    gc.collect()
    began = now()
    await call()
    return since(began)


def fill(client: Client, table: str, rows: int) -> None:
    """Make the table and its rows."""
    client.execute(f"CREATE TABLE {table} ({COLUMNS})")
    frame = pd.DataFrame({"id": range(rows)})
    frame["amount"] = (frame["id"] * 7 % 100_000_000 / 10_000).map("{:.4f}".format)
    frame["moment"] = pd.Timestamp("2024-02-03") + pd.to_timedelta(frame["id"] * 1_000_003, unit="us")
    frame["name"] = "customer " + frame["id"].astype(str)
    frame["ratio"] = frame["id"] / 3
    frame["n"] = frame["id"].where(frame["id"] % 7 != 0).astype("Int64")
    client.load_data.read_arrow(frame, table)


def blocking(client: Client, query: str, rounds: int) -> dict[str, list[tuple[Took, Took]]]:
    """Seconds of each way, and of a frame of rows in the same round, by the blocking client."""
    ways: dict[str, Callable[[], object]] = {
        "query_df": lambda: client.query_df(query),
        "query_df, Arrow's types": lambda: client.query_df(query, dtype_backend="pyarrow"),
        "query_arrow": lambda: client.query_arrow(query),
        "query_polars": lambda: client.query_polars(query),
        "stream_arrow": lambda: [batch.num_rows for batch in client.stream_arrow(query)],
    }
    found: dict[str, list[tuple[Took, Took]]] = {way: [] for way in ways}
    for _ in range(rounds):
        rows = seconds(lambda: pd.DataFrame(client.execute(query).all()))
        for way, call in ways.items():
            found[way].append((seconds(call), rows))
    return found


async def asynchronous(url: str, query: str, rounds: int) -> tuple[list[tuple[Took, Took]], float]:
    """Seconds of `query_df` and of a frame of rows by the asyncio client, and the longest hold of its event loop."""
    held = 0.0
    async with AsyncClient(url=url) as client:

        async def frame_of_rows() -> object:
            return pd.DataFrame((await client.execute(query)).all())

        async def frame() -> object:
            return await client.query_df(query)

        pairs: list[tuple[Took, Took]] = []
        for _ in range(rounds):
            rows = await seconds_async(frame_of_rows)
            ticks: list[float] = []
            ticking = asyncio.create_task(tick(ticks))
            pairs.append((await seconds_async(frame), rows))
            ticking.cancel()
            held = max(held, *(later - sooner for sooner, later in pairwise(ticks)))
    return pairs, held - 0.001


async def tick(ticks: list[float]) -> None:
    """Note the time every millisecond."""
    while True:
        ticks.append(time.perf_counter())
        await asyncio.sleep(0.001)


def streamed_memory(client: Client, query: str) -> float:
    """MiB of Python's memory at most while all batches are read."""
    tracemalloc.start()
    for _ in client.stream_arrow(query, batch_rows=10_000):
        pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (1 << 20)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server, Client(url=url or server.url) as client:
        database = f"bench_{uuid.uuid4().hex[:8]}"
        client.execute(f"CREATE DATABASE {database}")
        try:
            table = f"{database}.results"
            fill(client, table, options.rows)
            query = QUERY.format(table=table)
            found = blocking(client, query, options.rounds)
            pairs, held = asyncio.run(asynchronous(url or server.url, query, options.rounds))
            found["query_df, asyncio"] = pairs
            memory = streamed_memory(client, query)
        finally:
            client.execute(f"DROP DATABASE {database}")
    shown = Table("method", "seconds", "a frame of rows", "times faster", "times less processor time")
    for way, results in found.items():
        ours, rows = (statistics.median(one.elapsed for one in column) for column in zip(*results, strict=True))
        ratios = (statistics.median(rows[at] / ours[at] for ours, rows in results) for at in (0, 1))
        shown.add_row(way, f"{ours:.3f}", f"{rows:.3f}", *(f"{ratio:.1f}" for ratio in ratios))
    Console().print(shown)
    print(f"longest hold: {held * 1000:.1f} ms; streamed in {memory:.1f} MiB")


if __name__ == "__main__":
    main()
