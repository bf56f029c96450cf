"""Loads cancelled at random moments, by both clients: no staging table and no connection may be left.

Each client goes on until half of the rounds were cancelled; loads that end before are counted apart.

python -m nox -s bench -- cancelled [--rounds 1000]
"""

import argparse
import asyncio
import os
import random
import signal
import tempfile
import threading
import time
import uuid
from collections import Counter
from contextlib import nullcontext, suppress
from itertools import count, pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer

AT_ONCE = 4
KINDS = 3  # of loads
CLIENT_DATA = b"".join(b"%d,a,b,1\n" % (900_000 + number) for number in range(2000))


class Soak:
    """A database with a table and a stage of six files."""

    def __init__(self, admin: Client, url: str, folder: str) -> None:
        self.admin, self.url, self.outcomes = admin, url, Counter[str]()
        self.name = f"bench_{uuid.uuid4().hex[:8]}"
        for number in range(6):
            rows = (f"{number * 100_000 + row},n{row},e,{row % 90}\n" for row in range(3000))
            Path(folder, f"f{number}.csv").write_text("".join(rows))
        admin.execute(f"CREATE DATABASE {self.name}")
        admin.execute(
            f"CREATE TABLE {self.name}.t (id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(255), age INT)"
        )
        admin.stage.create_local(self.name, f"{folder}/")
        self.seconds = self.time_loads()

    def time_loads(self) -> list[float]:
        """How long a load of each kind takes, in seconds; it is cancelled at a random moment of that time."""
        with Client(url=self.url, database=self.name) as client:
            moments = [time.perf_counter()]
            for number in range(KINDS):
                self.load(client, number)
                moments.append(time.perf_counter())
        return [after - before for before, after in pairwise(moments)]

    def load(self, client: Client | AsyncClient, number: int) -> object:
        """Begin one of three kinds of loads: of many files, of one, of the client's data."""
        load = client.load_data
        if number % KINDS == 0:
            return load.read_csv_stage(self.name, "f*.csv", "t", on_conflict="skip")
        if number % KINDS == 1:
            return load.read_csv_stage(self.name, "f1.csv", "t", on_conflict="skip")
        return load.read_csv(CLIENT_DATA, "t", on_conflict="replace")

    async def cancel_tasks(self, rounds: int) -> None:
        async with AsyncClient(url=self.url, database=self.name) as client:

            async def work(worker: int) -> None:
                random_number = random.Random(worker)
                for number in count():
                    if self.outcomes["asyncio: cancelled"] >= rounds:
                        return
                    task = asyncio.ensure_future(self.load(client, number))  # type: ignore[arg-type]  # the asyncio client's
                    await asyncio.sleep(random_number.random() * self.seconds[number % KINDS])
                    task.cancel()
                    try:
                        await task
                        self.outcomes["asyncio: finished"] += 1
                    except asyncio.CancelledError:
                        self.outcomes["asyncio: cancelled"] += 1
                    except Exception as error:  # noqa: BLE001  # counted
                        self.outcomes[f"asyncio: {type(error).__name__}"] += 1

            await asyncio.gather(*map(work, range(AT_ONCE)))

    def interrupt(self, rounds: int) -> None:
        with Client(url=self.url, database=self.name) as client:
            random_number = random.Random(0)
            for number in count():
                if self.outcomes["blocking: interrupted"] >= rounds:
                    return
                timer = threading.Timer(random_number.random() * self.seconds[number % KINDS], _press_ctrl_c)
                try:
                    timer.start()
                    self.load(client, number)
                    self.outcomes["blocking: finished"] += 1
                except KeyboardInterrupt:
                    self.outcomes["blocking: interrupted"] += 1
                except Exception as error:  # noqa: BLE001  # counted
                    self.outcomes[f"blocking: {type(error).__name__}"] += 1
                with suppress(KeyboardInterrupt):
                    timer.join()

    def left(self) -> tuple[int, int]:
        """How many tables too many, and how many connections of the database."""
        tables = f"SELECT count(*) FROM information_schema.tables WHERE table_schema='{self.name}'"
        # not SHOW PROCESSLIST: the statements of others may hold bytes that are no UTF-8
        connections = f"SELECT count(*) FROM information_schema.processlist WHERE db='{self.name}'"
        for _ in range(50):  # the server takes a moment to see that a connection is closed
            open_connections: int = self.admin.execute(connections).scalar_one()
            if open_connections == 0:
                break
            time.sleep(0.1)
        return self.admin.execute(tables).scalar_one() - 1, open_connections

    def close(self) -> None:
        self.admin.execute(f"DROP DATABASE {self.name}")
        self.admin.stage.drop(self.name)


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        url = url or (server.url if server else "")
        with Client(url=url) as admin:
            soak = Soak(admin, url, folder)
            try:
                asyncio.run(soak.cancel_tasks(options.rounds // 2))
                soak.interrupt(options.rounds // 2)
                tables, connections = soak.left()
            finally:
                soak.close()
    table = Table("loads", "count", title="Cancelled loads")
    for outcome, times in (*sorted(soak.outcomes.items()), ("tables left", tables), ("connections left", connections)):
        table.add_row(outcome, str(times))
    Console().print(table)


if __name__ == "__main__":
    main()
