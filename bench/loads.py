"""What loads cost, against LOAD DATA of the same file into the same table, COMMIT included: ratios, medians of rounds.

python -m nox -s bench -- loads [--rows 1000000 --rounds 3 --only skip --only "5,000 rows"]

Each pair is measured in turns. `--rows` are those of the large file; MATRIXONE_URL names another server than a local
one, which then has to see the temporary folder of this machine. Lines that begin with "raw" have plain statements only:
they show what no load that stages its rows can be faster than.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

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
        self.stock = self._connect()

    def _connect(self) -> "pymysql.Connection[Any]":
        settings = self.client.engine.url
        return pymysql.connect(
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
        folder.joinpath("twice.csv").write_text(lines(0, self.rows - 100) + lines(0, 100))
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

    def raw_staged(self, file: str = "rows.csv", options: str = "") -> None:
        """The statements that staging needs, and no others: what INSERT would change silently is not looked for."""
        path, aside = Path(self.folder, file), file != "few.csv"
        source = f"{{'filepath'='{path}',{options}}} INTO TABLE s" if options else f"'{path}' INTO TABLE s {CSV}"
        columns = ", ".join(f"{name} LONGTEXT" for name in ("id", "name", "email", "age"))
        select = "SELECT NULLIF(id, ''), name, email, NULLIF(age, '') FROM s"
        self._execute(f"CREATE TABLE s ({columns})", f"LOAD DATA INFILE {source}", commit=aside)
        self._execute(f"INSERT INTO t {select}", "DROP TABLE s")

    def raw_compared(self) -> None:
        """LOAD DATA, while another connection compares the file's lines with a regular expression."""
        text, line = (
            r'([^\\,\\"\r\n]*|\\"[^\\"\r\n]*\\")',
            "FIELDS TERMINATED BY '\x01' ENCLOSED BY '\x02' ESCAPED BY ''",
        )
        other = self._connect()
        with closing(other), other.cursor() as cursor:
            cursor.execute(f"CREATE EXTERNAL TABLE l (line TEXT) INFILE '{Path(self.folder, 'rows.csv')}' {line}")
            number = "(-?[1-9][0-9]{0,8}|0)"
            statement = f"SELECT count(*) FROM l WHERE NOT (line REGEXP '^{number},{text},{text},{number}$')"
            comparison = threading.Thread(target=cursor.execute, args=[statement])
            comparison.start()
            self.raw()
            comparison.join()
            cursor.execute("DROP TABLE l")

    def _execute(self, *statements: str, commit: bool = True) -> None:
        with self.stock.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        if commit:
            self.stock.commit()

    def ratio(
        self, ours: Callable[[], object], other: Callable[[], object], *, used: bool = True
    ) -> tuple[float, float, float]:
        """The median times, and that of the rounds' ratios; who is first has the calmer server, and changes."""
        taken: dict[Callable[[], object], list[float]] = {ours: [], other: []}
        for number in range(self.rounds):
            for call in (ours, other) if number % 2 else (other, ours):
                self.empty(used=used)
                taken[call].append(timed(call))
        ratios = [a / b for a, b in zip(taken[ours], taken[other], strict=True)]
        return statistics.median(taken[ours]), statistics.median(taken[other]), statistics.median(ratios)

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


def pairs(bench: Bench) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """What is measured, and against what."""
    csv, raw, few, rows = bench.csv, bench.raw, partial(bench.raw, "few.csv"), f"{SMALL_FILES} files"
    json, parquet = partial(bench.raw_as, "rows.jsonl", JSON), partial(bench.raw_as, "rows.parquet", PARQUET)
    return {
        "CSV into a table in use / LOAD DATA": (csv, raw),
        "raw: texts staged and inserted / LOAD DATA": (bench.raw_staged, raw),
        "CSV into an empty table / LOAD DATA": (csv, raw),
        "raw: an empty table's lines compared meanwhile / LOAD DATA": (bench.raw_compared, raw),
        "client data / LOAD DATA LOCAL": (bench.sent, partial(bench.raw, local="LOCAL")),
        "on_conflict='skip' / LOAD DATA": (partial(csv, on_conflict="skip"), raw),
        "on_conflict='skip', keys twice in the file / LOAD DATA": (partial(csv, "twice.csv", on_conflict="skip"), raw),
        "on_conflict='replace' / LOAD DATA": (partial(csv, on_conflict="replace"), raw),
        "on_conflict='update' / LOAD DATA": (partial(csv, on_conflict="update"), raw),
        "lock='rows' / LOAD DATA": (partial(csv, lock="rows"), raw),
        "20 bad rows skipped / LOAD DATA": (partial(csv, "bad.csv", on_error="skip"), raw),
        "JSON lines / LOAD DATA": (bench.json, json),
        "raw: JSON lines staged and inserted / LOAD DATA": (partial(bench.raw_staged, "rows.jsonl", JSON), json),
        "Parquet / LOAD DATA": (bench.parquet, parquet),
        "raw: Parquet staged and inserted / LOAD DATA": (partial(bench.raw_staged, "rows.parquet", PARQUET), parquet),
        "5,000 rows / LOAD DATA": (partial(csv, "few.csv"), few),
        "raw: 5,000 rows staged and inserted / LOAD DATA": (partial(bench.raw_staged, "few.csv"), few),
        f"{rows} in one call / in {SMALL_FILES} calls": (partial(csv, "small-*.csv"), bench.singles),
        "four loads by gather / in a row": (
            lambda: asyncio.run(bench.four(at_once=True)),
            lambda: asyncio.run(bench.four(at_once=False)),
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="a part of a line's text; may be repeated")
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    table = Table("what", title="Medians of one run")
    for column in ("ours", "other", "ratio"):
        table.add_column(column, justify="right")
    with nullcontext() if url else LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        url = url or (server.url if server else "")
        with Client(url=url) as client, closing(Bench(client, url, folder, options.rows, options.rounds)) as bench:
            for what, (ours, other) in pairs(bench).items():
                if not options.only or any(part in what for part in options.only):
                    taken = bench.ratio(ours, other, used="empty" not in what)
                    table.add_row(what, f"{taken[0]:.3f} s", f"{taken[1]:.3f} s", f"{taken[2]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
