"""A service under load: users of a FastAPI application, loads beside them, killed connections, a server that restarts.

python -m nox -s bench -- service [--operations 100000 --users 200 --seconds 600 --restart-seconds 60]

Says how many writes were lost (acknowledged and not there, or refused and there), how many connections are left, how
the slowest hundredth of the reads compares with SQLAlchemy's own asyncio engine, and how the process' memory grew.
MATRIXONE_URL names a server to use instead of a local one; it is not restarted.
"""

import argparse
import asyncio
import os
import random
import resource
import statistics
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from fastapi import FastAPI, HTTPException
from rich.console import Console
from rich.table import Table
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from matrixone import AsyncClient, Client
from matrixone.errors import CommitUnknown, ConnectionFailure, MatrixOneError
from matrixone.orm import DeclarativeBase, Mapped, String, mapped_column
from matrixone_local import LocalServer

READS_A_WRITE = 9
ROWS_A_LOAD = 500
UNAVAILABLE = (ConnectionFailure, OperationalError)  # SQLAlchemy's errors come from sessions and execute
POOL = 30  # connections of the client, and of SQLAlchemy's engine that it is compared with


class Base(DeclarativeBase):
    """The tables of the service."""


class Item(Base):
    """What users write and read."""

    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))


class Event(Base):
    """What is loaded beside them."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    load: Mapped[int]


@dataclass
class Outcomes:
    """What the users were answered.

    Args:
        written: the ids whose write was acknowledged.
        unknown: the ids whose commit may or may not have been done.
        loads: the loads that reported success.
        counts: how often each answer came.
    """

    written: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    loads: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


def create_app(client: AsyncClient) -> FastAPI:
    """The service: a write and a read of an item."""
    app = FastAPI()

    @app.post("/items/{item_id}")
    async def create(item_id: int, name: str) -> dict[str, int]:
        try:
            async with client.session() as session:
                session.add(Item(id=item_id, name=name))
        except CommitUnknown as error:
            raise HTTPException(504, "unknown") from error
        except UNAVAILABLE as error:
            raise HTTPException(503, type(error).__name__) from error
        return {"id": item_id}

    @app.get("/items/{item_id}")
    async def read(item_id: int) -> dict[str, str]:
        try:
            row = (await client.execute(select(Item.name).where(Item.id == item_id))).one_or_none()
        except UNAVAILABLE as error:
            raise HTTPException(503, type(error).__name__) from error
        if row is None:
            raise HTTPException(404)
        return {"name": row.name}

    return app


async def use_service(
    browser: httpx2.AsyncClient, outcomes: Outcomes, user: int, options: argparse.Namespace, end: float
) -> None:
    """One user: writes an item, and reads back what was acknowledged, so often or until a time on the loop's clock."""
    mine: list[int] = []
    users, clock = options.users, asyncio.get_running_loop().time
    for number in range(options.operations // users):
        if clock() > end:
            return
        if number % (READS_A_WRITE + 1) == 0 or not mine:
            item = number * users + user
            answer = await browser.post(f"/items/{item}", params={"name": f"item {item}"})
            if answer.status_code == 200:
                outcomes.written.add(item)
                mine.append(item)
            elif answer.status_code == 504:
                outcomes.unknown.add(item)
            outcomes.counts[f"write {answer.status_code}"] += 1
        else:
            item = random.choice(mine)
            answer = await browser.get(f"/items/{item}")
            wrong = answer.status_code == 404 or (answer.status_code == 200 and answer.json()["name"] != f"item {item}")
            outcomes.counts["read WRONG" if wrong else f"read {answer.status_code}"] += 1


async def load_on(client: AsyncClient, outcomes: Outcomes) -> None:
    """Load after load, until cancelled."""
    number = 0
    while True:
        lines = "".join(f"{number * ROWS_A_LOAD + row},{number}\n" for row in range(ROWS_A_LOAD)).encode()
        try:
            await client.load_data.read_csv(lines, Event)
        except MatrixOneError as error:
            outcomes.counts[f"load {type(error).__name__}"] += 1
            await asyncio.sleep(0.1)
        else:
            outcomes.loads.add(number)
            outcomes.counts["load done"] += 1
        number += 1


async def kill_on(url: str, database: str, seconds: float, outcomes: Outcomes) -> None:
    """Kill a connection of the service again and again, until cancelled."""
    async with AsyncClient(url=url) as admin:
        while True:
            await asyncio.sleep(seconds)
            with suppress(*UNAVAILABLE):
                asked = f"SELECT conn_id FROM information_schema.processlist WHERE db = '{database}'"
                numbers = (await admin.execute(asked)).scalars().all()
                if numbers:
                    await admin.execute(f"KILL CONNECTION {int(random.choice(numbers))}")
                    outcomes.counts["connections killed"] += 1


async def restart_on(server: LocalServer, seconds: float, outcomes: Outcomes) -> None:
    """Restart the server again and again, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        outcomes.counts["server restarted"] += 1


def resident_mib() -> float:
    """The memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def soak(
    url: str, database: str, server: LocalServer | None, options: argparse.Namespace
) -> tuple[Outcomes, list[float]]:
    """Run users, loads and faults side by side; the answers, and the memory in MiB over the run."""
    outcomes, memory = Outcomes(), []
    end = asyncio.get_running_loop().time() + options.seconds

    async def watch_memory() -> None:
        while True:
            memory.append(resident_mib())
            await asyncio.sleep(1)

    async with AsyncClient(url=url, database=database, pool_size=POOL, max_overflow=0, pool_timeout=60) as client:
        transport = httpx2.ASGITransport(app=create_app(client))
        async with httpx2.AsyncClient(transport=transport, base_url="http://service", timeout=120) as browser:
            faults = [load_on(client, outcomes), kill_on(url, database, options.kill_seconds, outcomes), watch_memory()]
            if server is not None:
                faults.append(restart_on(server, options.restart_seconds, outcomes))
            tasks = [asyncio.create_task(fault) for fault in faults]
            try:
                await asyncio.gather(
                    *(use_service(browser, outcomes, user, options, end) for user in range(options.users))
                )
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        broken = [error for error in ended if isinstance(error, Exception)]
        if broken:
            raise broken[0]
        outcomes.counts["connections in use at the end"] = client.engine.pool.checkedout()  # type: ignore[attr-defined]  # QueuePool
    return outcomes, memory


async def slowest_hundredth(read: Callable[[int], Awaitable[object]], users: int, reads: int) -> float:
    """The 99th percentile of the seconds of a read, of users who read at once."""
    seconds: list[float] = []

    async def user() -> None:
        for _ in range(reads):
            began = time.perf_counter()
            await read(random.randrange(users))
            seconds.append(time.perf_counter() - began)

    await asyncio.gather(*(user() for _ in range(users)))
    return statistics.quantiles(seconds, n=100)[98]


@asynccontextmanager
async def engine_of(client: AsyncClient) -> AsyncIterator[AsyncEngine]:
    """SQLAlchemy's own asyncio engine on the same dialect and server."""
    engine = create_async_engine(
        client.engine.url, isolation_level="AUTOCOMMIT", pool_size=POOL, max_overflow=0, pool_timeout=60
    )
    yield engine
    await engine.dispose()


async def compare_reads(url: str, database: str, users: int, rounds: int) -> float:
    """The 99th percentile of reads by the client over that by SQLAlchemy, the median of rounds in turns."""
    async with (
        AsyncClient(url=url, database=database, pool_size=POOL, max_overflow=0, pool_timeout=60) as client,
        engine_of(client) as engine,
    ):
        query = text("SELECT name FROM items WHERE id = :id")

        async def ours(item: int) -> object:
            return (await client.execute(query, {"id": item})).all()

        async def plain(item: int) -> object:
            async with engine.connect() as connection:
                return (await connection.execute(query, {"id": item})).all()

        ratios = [
            await slowest_hundredth(ours, users, 20) / await slowest_hundredth(plain, users, 20)
            for _ in range(rounds + 1)
        ]
        return statistics.median(ratios[1:])  # the first one opens the connections


def faults_found(admin: Client, database: str, outcomes: Outcomes) -> dict[str, int]:
    """Writes and loads that are not as their answers said, and connections that are left."""
    stored = set(admin.execute(f"SELECT id FROM {database}.items").scalars())
    loaded = Counter(admin.execute(f"SELECT `load` FROM {database}.events").scalars())
    asked = f"SELECT count(*) FROM information_schema.processlist WHERE db = '{database}'"
    connections = 1
    for _ in range(50):  # the server takes a moment to see that a connection is closed
        connections = admin.execute(asked).scalar_one()
        if connections == 0:
            break
        time.sleep(0.1)
    return {
        "writes acknowledged and not there": len(outcomes.written - stored),
        "writes refused and there": len(stored - outcomes.written - outcomes.unknown),
        "loads reported and not whole": sum(loaded[load] != ROWS_A_LOAD for load in outcomes.loads),
        "loads in part": sum(count != ROWS_A_LOAD for count in loaded.values()),
        "connections left": connections,
    }


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600, help="of the users, at most")
    parser.add_argument("--restart-seconds", type=float, default=60)
    parser.add_argument("--kill-seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="of the comparison of reads")
    options = parser.parse_args()
    given, database = os.environ.get("MATRIXONE_URL"), f"bench_{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder, nullcontext() if given else LocalServer(path=folder) as server:
        url = given or (server.url if server else "")
        with Client(url=url) as admin:
            admin.execute(f"CREATE DATABASE {database}")
        with Client(url=url, database=database) as client:
            client.create_all(Base)
        try:
            began = time.perf_counter()
            outcomes, memory = asyncio.run(soak(url, database, server, options))
            seconds = time.perf_counter() - began
            ratio = asyncio.run(compare_reads(url, database, options.users, options.rounds))
            with Client(url=url) as admin:
                faults = faults_found(admin, database, outcomes)
        finally:
            with Client(url=url) as admin:
                admin.execute(f"DROP DATABASE {database}")
    table = Table("what", "figure", title=f"A service with {options.users} users, {seconds:.0f} s")
    for name, count in (*sorted(outcomes.counts.items()), *faults.items()):
        table.add_row(name, f"{count:,}")
    table.add_row("p99 of SELECT, client over SQLAlchemy", f"{ratio:.2f}")
    a_fifth = memory[len(memory) // 5]
    table.add_row("memory after a fifth of the run, and at its end", f"{a_fifth:.0f} MiB, {memory[-1]:.0f} MiB")
    Console().print(table)


if __name__ == "__main__":
    main()
