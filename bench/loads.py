"""What loads cost, against LOAD DATA of the same file into the same table, COMMIT included: ratios, medians of rounds.

Each pair is measured in turns. `--rows` are those of the large file; MATRIXONE_URL names another server than a local
one, which then has to see the temporary folder of this machine.
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
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
from rich.console import Console
from rich.table import Table

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer

COLUMNS = "(id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(255), age INT)"
CSV = "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''"
JSON = "'format'='jsonline','jsondata'='object'"
PARQUET = "'format'='parquet'"
SMALL_FILES = 100


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def lines(begin: int, end: int) -> str:
    return "".join(f"{i},user{i},user{i}@example.com,{i % 90}\n" for i in range(begin, end))


class Bench:
    """A database with a stage, and tables to load into."""

    def __init__(self, client: Client, url: str, folder: str, rows: int, rounds: int) -> None:
        self.client, self.url, self.folder, self.rows, self.rounds = client, url, folder, rows, rounds
        self.name = f"bench_{uuid.uuid4().hex[:8]}"
        self.table = f"{self.name}.t"
        self._write_files()
        client.stage.create_local(self.name, f"{folder}/")
        client.execute(f"CREATE DATABASE {self.name}")
        for table in ("t", "a", "b", "c", "d"):
            client.execute(f"CREATE TABLE {self.name}.{table} {COLUMNS}")
        settings = client.engine.url
        self.stock = pymysql.connect(
            host=settings.host, port=settings.port or 6001, user=settings.username or "root",
            password=str(settings.password or ""), local_infile=True, database=self.name,
        )  # fmt: skip

    def _write_files(self) -> None:
        folder = Path(self.folder)
        folder.joinpath("rows.csv").write_text(lines(0, self.rows))
        every = self.rows // 20 or 1
        with folder.joinpath("bad.csv").open("w") as file:
            file.writelines(
                f"{i},user{i},user{i}@example.com,{'x' if i % every == 7 else i % 90}\n" for i in range(self.rows)
            )
        with folder.joinpath("rows.jsonl").open("w") as file:
            file.writelines(
                f'{{"id":{i},"name":"user{i}","email":"user{i}@example.com","age":{i % 90}}}\n'
                for i in range(self.rows)
            )
        columns = {
            "id": range(self.rows), "name": [f"user{i}" for i in range(self.rows)],
            "email": [f"user{i}@example.com" for i in range(self.rows)], "age": [i % 90 for i in range(self.rows)],
        }  # fmt: skip
        pq.write_table(pa.table(columns), folder / "rows.parquet")
        folder.joinpath("few.csv").write_text(lines(0, 5000))
        for number in range(SMALL_FILES):
            folder.joinpath(f"small-{number}.csv").write_text(lines(number * 10, number * 10 + 10))

    def close(self) -> None:
        self.stock.close()
        self.client.execute(f"DROP DATABASE {self.name}")
        self.client.stage.drop(self.name)

    def empty(self, *, used: bool = True) -> None:
        self.client.execute(f"TRUNCATE TABLE {self.table}")
        if used:
            self.client.execute(f"INSERT INTO {self.table} (id) VALUES (-1)")

    def csv(self, file: str = "rows.csv", **options: object) -> None:
        self.client.load_data.read_csv_stage(self.name, file, self.table, **options)  # type: ignore[arg-type]  # any of them

    def json(self) -> None:
        self.client.load_data.read_json_stage(self.name, "rows.jsonl", self.table)

    def parquet(self) -> None:
        self.client.load_data.read_parquet_stage(self.name, "rows.parquet", self.table)

    def sent(self) -> None:
        self.client.load_data.read_csv(str(Path(self.folder, "rows.csv")), self.table)

    def raw(self, file: str = "rows.csv", *, local: str = "") -> None:
        """The server's own LOAD DATA, through the driver."""
        self._execute(f"LOAD DATA {local} INFILE '{Path(self.folder, file)}' INTO TABLE t {CSV}")

    def raw_as(self, file: str, options: str) -> None:
        self._execute(f"LOAD DATA INFILE {{'filepath'='{Path(self.folder, file)}',{options}}} INTO TABLE t")

    def _execute(self, statement: str) -> None:
        with self.stock.cursor() as cursor:
            cursor.execute(statement)
        self.stock.commit()

    def ratio(
        self, ours: Callable[[], object], other: Callable[[], object], *, used: bool = True
    ) -> tuple[float, float]:
        """The median time of ours, and of the rounds' ratios; who is first has the calmer server, and changes."""
        taken: dict[Callable[[], object], list[float]] = {ours: [], other: []}
        for number in range(self.rounds):
            for call in (ours, other) if number % 2 else (other, ours):
                self.empty(used=used)
                taken[call].append(timed(call))
        ratios = [a / b for a, b in zip(taken[ours], taken[other], strict=True)]
        return statistics.median(taken[ours]), statistics.median(ratios)

    def singles(self) -> None:
        for number in range(SMALL_FILES):
            self.csv(f"small-{number}.csv")

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
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        url = url or (server.url if server else "")
        with Client(url=url) as client:
            bench = Bench(client, url, folder, options.rows, options.rounds)

            def gathered() -> None:
                asyncio.run(bench.four(at_once=True))

            def in_a_row() -> None:
                asyncio.run(bench.four(at_once=False))

            def skip() -> None:
                bench.csv(on_conflict="skip")

            rows = [
                ("CSV into a table in use / LOAD DATA", *bench.ratio(bench.csv, bench.raw)),
                ("CSV into an empty table / LOAD DATA", *bench.ratio(bench.csv, bench.raw, used=False)),
                ("client data / LOAD DATA LOCAL", *bench.ratio(bench.sent, partial(bench.raw, local="LOCAL"))),
                ("on_conflict='skip' / LOAD DATA", *bench.ratio(skip, bench.raw)),
                (
                    "on_conflict='replace' / LOAD DATA",
                    *bench.ratio(partial(bench.csv, on_conflict="replace"), bench.raw),
                ),
                ("on_conflict='update' / LOAD DATA", *bench.ratio(partial(bench.csv, on_conflict="update"), bench.raw)),
                ("lock='rows' / LOAD DATA", *bench.ratio(partial(bench.csv, lock="rows"), bench.raw)),
                (
                    "20 bad rows skipped / LOAD DATA",
                    *bench.ratio(partial(bench.csv, "bad.csv", on_error="skip"), bench.raw),
                ),
                ("JSON lines / LOAD DATA", *bench.ratio(bench.json, partial(bench.raw_as, "rows.jsonl", JSON))),
                ("Parquet / LOAD DATA", *bench.ratio(bench.parquet, partial(bench.raw_as, "rows.parquet", PARQUET))),
                ("5,000 rows / LOAD DATA", *bench.ratio(partial(bench.csv, "few.csv"), partial(bench.raw, "few.csv"))),
                (
                    f"{SMALL_FILES} files in one call / in {SMALL_FILES} calls",
                    *bench.ratio(partial(bench.csv, "small-*.csv"), bench.singles),
                ),
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
