"""What the clients add to SQLAlchemy and to plain SQL, as ratios of medians taken in one run.

    python -m nox -s bench -- overhead [--rows 200000 --rounds 7]

Runs on a local server, or on the one that MATRIXONE_URL names (which must see this machine's temporary folder).
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer

STATEMENTS = 200  # a round of small statements
Medians = tuple[float, float, float]  # ours, plain, and of the ratios of the rounds


def medians(pairs: list[tuple[float, float]]) -> Medians:
    ours, plain = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(plain), statistics.median(a / b for a, b in pairs)


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


async def timed_async(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def statements(client: Client, rounds: int) -> Medians:
    """Seconds of a round by the client, and by SQLAlchemy Core's own autocommit on the same driver."""
    engine = create_engine(client.engine.url, isolation_level="AUTOCOMMIT")

    def ours() -> None:
        for _ in range(STATEMENTS):
            client.execute("SELECT 1")

    def plain() -> None:
        for _ in range(STATEMENTS):
            with engine.connect() as connection:
                connection.execute(text("SELECT 1")).all()

    pairs = [(timed(ours), timed(plain)) for _ in range(rounds)]
    engine.dispose()
    return medians(pairs)


async def statements_async(url: str, rounds: int) -> Medians:
    """The same by the asyncio client."""
    async with AsyncClient(url=url) as client:
        engine = create_async_engine(client.engine.url, isolation_level="AUTOCOMMIT")

        async def ours() -> None:
            for _ in range(STATEMENTS):
                await client.execute("SELECT 1")

        async def plain() -> None:
            for _ in range(STATEMENTS):
                async with engine.connect() as connection:
                    (await connection.execute(text("SELECT 1"))).all()

        pairs = [(await timed_async(ours), await timed_async(plain)) for _ in range(rounds)]
        await engine.dispose()
        return medians(pairs)


def loads(client: Client, rows: int, rounds: int) -> Medians:
    """Seconds of a load by the client, and by the LOAD DATA that it sends."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "rows.csv").write_text("".join(f"{i},name {i},{i / 8},2026-01-02\n" for i in range(rows)))
        client.stage.create_local(name, f"{folder}/")
        client.execute(f"CREATE DATABASE {name}")
        client.execute(f"CREATE TABLE {name}.t (id INT, name VARCHAR(50), value DOUBLE, day DATE)")
        plain_sql = (
            f"LOAD DATA INFILE 'stage://{name}/rows.csv' INTO TABLE {name}.t FIELDS TERMINATED BY ',' ENCLOSED BY '\"'"
        )

        def plain() -> None:
            with client.engine.begin() as connection:
                connection.execute(text(plain_sql.replace(":", "\\:")))

        def ours() -> None:
            client.load_data.read_csv_stage(name, "rows.csv", f"{name}.t")

        pairs: list[tuple[float, float]] = []
        for _ in range(rounds):
            pair = []
            for call in (ours, plain):
                client.execute(f"TRUNCATE TABLE {name}.t")
                pair.append(timed(call))
            pairs.append((pair[0], pair[1]))
        client.execute(f"DROP DATABASE {name}")
        client.stage.drop(name)
    return medians(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server:
        url = url or (server.url if server else "")
        with Client(url=url) as client:
            client.execute("SELECT 1")
            rows = [
                ("execute('SELECT 1'), blocking", *statements(client, told.rounds)),
                ("execute('SELECT 1'), asyncio", *asyncio.run(statements_async(url, told.rounds))),
                (f"read_csv_stage, {told.rows:,} rows", *loads(client, told.rows, told.rounds)),
            ]
    table = Table("what", title="Medians of one run")
    for title in ("ours", "plain", "ratio"):
        table.add_column(title, justify="right")
    for what, ours, plain, ratio in rows:
        table.add_row(what, f"{ours:.3f} s", f"{plain:.3f} s", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
