"""What checked loads cost, against a plain LOAD DATA of the same file: ratios in one run, medians of the rounds.

Each pair is taken in turns. `--rows` are those of the large file; MATRIXONE_URL names another server than a local one,
which then has to see the temporary folder of this machine.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pymysql
from rich.console import Console
from rich.table import Table

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer

COLUMNS = "(id INT PRIMARY KEY, name VARCHAR(50), value DOUBLE, day DATE)"
SMALL_FILES = 100


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def lines(begin: int, end: int) -> str:
    return "".join(f"{i},name {i},{i / 8},2026-01-02\n" for i in range(begin, end))


class Bench:
    """A database with a stage, and tables to load into."""

    def __init__(self, client: Client, url: str, folder: str, rows: int, rounds: int) -> None:
        self.client, self.url, self.folder, self.rows, self.rounds = client, url, folder, rows, rounds
        self.name = f"bench_{uuid.uuid4().hex[:8]}"
        self.table = f"{self.name}.t"
        Path(folder, "rows.csv").write_text(lines(0, rows))
        for number in range(SMALL_FILES):
            Path(folder, f"small-{number}.csv").write_text(lines(number * 10, number * 10 + 10))
        client.stage.create_local(self.name, f"{folder}/")
        client.execute(f"CREATE DATABASE {self.name}")
        for table in ("t", "a", "b", "c", "d"):
            client.execute(f"CREATE TABLE {self.name}.{table} {COLUMNS}")

    def close(self) -> None:
        self.client.execute(f"DROP DATABASE {self.name}")
        self.client.stage.drop(self.name)

    def emptied(self, *, used: bool = False) -> None:
        self.client.execute(f"TRUNCATE TABLE {self.table}")
        if used:
            self.client.execute(f"INSERT INTO {self.table} (id) VALUES (-1)")

    def load(self, **options: object) -> None:
        self.client.load_data.read_csv_stage(self.name, "rows.csv", self.table, **options)  # type: ignore[arg-type]  # any of them

    def ratio(
        self, ours: Callable[[], object], other: Callable[[], object], *, used: bool = False
    ) -> tuple[float, float]:
        """The median time of ours, and of the rounds' ratios; who is first has the calmer server, and changes."""
        taken: dict[Callable[[], object], list[float]] = {ours: [], other: []}
        for number in range(self.rounds):
            for call in (ours, other) if number % 2 else (other, ours):
                self.emptied(used=used)
                taken[call].append(timed(call))
        ratios = [a / b for a, b in zip(taken[ours], taken[other], strict=True)]
        return statistics.median(taken[ours]), statistics.median(ratios)

    def stock_local(self) -> None:
        """The driver's own LOAD DATA LOCAL INFILE."""
        settings = self.client.engine.url
        connection = pymysql.connect(
            host=settings.host, port=settings.port or 6001, user=settings.username or "root",
            password=str(settings.password or ""), local_infile=True,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            path = Path(self.folder, "rows.csv")
            cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {self.table} FIELDS TERMINATED BY ','")
            connection.commit()

    def singles(self) -> None:
        for number in range(SMALL_FILES):
            self.client.load_data.read_csv_stage(self.name, f"small-{number}.csv", self.table)

    async def four(self, *, at_once: bool) -> None:
        async with AsyncClient(url=self.url) as client:
            for table in "abcd":
                await client.execute(f"TRUNCATE TABLE {self.name}.{table}")
            loads = [
                client.load_data.read_csv_stage(self.name, "small-*.csv", f"{self.name}.{table}") for table in "abcd"
            ]
            if at_once:
                await asyncio.gather(*loads)
            else:
                for load in loads:
                    await load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        url = url or (server.url if server else "")
        with Client(url=url) as client:
            bench = Bench(client, url, folder, told.rows, told.rounds)
            path = str(Path(folder, "rows.csv"))

            def plain() -> None:
                bench.load(on_conflict="unchecked")

            def sent(**options: object) -> None:
                client.load_data.read_csv(path, bench.table, **options)  # type: ignore[arg-type]  # any of them

            def unchecked() -> None:
                sent(on_conflict="unchecked")

            def one_call() -> None:
                client.load_data.read_csv_stage(bench.name, "small-*.csv", bench.table)

            def gathered() -> None:
                asyncio.run(bench.four(at_once=True))

            def in_a_row() -> None:
                asyncio.run(bench.four(at_once=False))

            rows = [
                ("checked, into an empty table / unchecked", *bench.ratio(bench.load, plain)),
                ("checked, into a table in use / unchecked", *bench.ratio(bench.load, plain, used=True)),
                ("checked, lock='table' / unchecked", *bench.ratio(lambda: bench.load(lock="table"), plain, used=True)),
                ("client data unchecked / the driver's LOCAL INFILE", *bench.ratio(unchecked, bench.stock_local)),
                ("client data checked / the driver's LOCAL INFILE", *bench.ratio(sent, bench.stock_local)),
                (f"{SMALL_FILES} files in one call / in {SMALL_FILES} calls", *bench.ratio(one_call, bench.singles)),
                ("four loads by gather / in a row", *bench.ratio(gathered, in_a_row)),
            ]
            bench.close()
    table = Table("what", title="Medians of one run")
    table.add_column("ours", justify="right")
    table.add_column("ratio", justify="right")
    for what, ours, ratio in rows:
        table.add_row(what, f"{ours:.3f} s", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
