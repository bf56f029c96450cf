"""What an export costs over the INTO OUTFILE that it sends, and one to the client's file over reading the rows.

    python -m nox -s bench -- export [--rows 1000000 --rounds 7 --only csv]

With `MATRIXONE_URL` a server on this machine is measured. Raw statements go over a connection of PyMySQL's own; each is
the one that the export sends, for another file. The two take turns, and the ratios are medians.
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
from rich.console import Console
from rich.table import Table

from matrixone import Client
from matrixone_local import LocalServer

FORMATS = {"csv": "csv", "jsonline": "jsonl", "parquet": "parquet"}


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def connect(url: str, database: str) -> pymysql.Connection:
    """A connection without anything of ours."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname, port=parts.port or 6001, user=parts.username, password=parts.password or "111",
        database=database, autocommit=True,
    )  # fmt: skip


def fill(client: Client, rows: int, folder: Path) -> None:
    """Make the table `people` with a number of rows."""
    client.execute("CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(40), email VARCHAR(60), age INT)")
    lines = (f"{number},name {number},mail{number}@example.org,{number % 90}\n" for number in range(rows))
    (folder / "people.csv").write_text("".join(lines))
    client.load_data.read_csv(folder / "people.csv", "people")


def measured(url: str, rows: int, rounds: int, forms: Collection[str]) -> dict[str, tuple[float, float]]:
    """The medians of the raw seconds and of the ratios, for each format."""
    mark = f"bench_{uuid.uuid4().hex[:8]}"
    found: dict[str, tuple[list[float], list[float]]] = {form: ([], []) for form in forms}
    with tempfile.TemporaryDirectory() as place, Client(url=url) as admin:
        folder = Path(place)
        folder.chmod(0o777)
        admin.execute(f"CREATE DATABASE {mark}")
        admin.stage.create_local(mark, f"{place}/")
        with Client(url=url, database=mark) as client, connect(url, mark) as connection, connection.cursor() as cursor:
            fill(client, rows, folder)
            for number in range(rounds + 1):  # the first one warms up
                for form, suffix in FORMATS.items():
                    if form not in forms:
                        continue
                    our_file, raw_file = f"ours{number}.{suffix}", f"raw{number}.{suffix}"
                    sent = client.export.to_stage("people", mark, our_file).sql
                    (folder / our_file).unlink()
                    statement = sent.replace(our_file, raw_file)
                    calls = [
                        lambda statement=statement: cursor.execute(statement),
                        lambda file=our_file: client.export.to_stage("people", mark, file),
                    ]
                    times = [seconds(call) for call in (calls if number % 2 else calls[::-1])]
                    raw, ours = times if number % 2 else times[::-1]
                    note(found[form], raw, ours, number)
                    for name in (raw_file, our_file):
                        (folder / name).unlink()
                if "file" in forms:
                    raw = seconds(lambda: drain(cursor))
                    ours = seconds(lambda: client.export.to_file("people", folder / "local.csv"))
                    note(found["file"], raw, ours, number)
        admin.stage.drop(mark)
        admin.execute(f"DROP DATABASE {mark}")
    return {form: (statistics.median(raw), statistics.median(ratios)) for form, (raw, ratios) in found.items()}


def drain(cursor: pymysql.cursors.Cursor) -> None:
    """Read all rows by the driver, a thousand at a time."""
    streaming = pymysql.cursors.SSCursor(cursor.connection)
    streaming.execute("SELECT * FROM people")
    while streaming.fetchmany(1000):
        pass
    streaming.close()


def note(lists: tuple[list[float], list[float]], raw: float, ours: float, number: int) -> None:
    """Remember a round, unless it was the first."""
    if number:
        lists[0].append(raw)
        lists[1].append(ours / raw)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", choices=(*FORMATS, "file"), help="may be repeated")
    options = parser.parse_args()
    forms = options.only or (*FORMATS, "file")
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer(allow_path=[tempfile.gettempdir()]) as server:
        found = measured(url or server.url, options.rows, options.rounds, forms)
    table = Table("what", "against", "raw, s", "ratio")
    for form, figures in found.items():
        what, against = (
            ("to_file, csv", "reading the rows") if form == "file" else (f"to_stage, {form}", "INTO OUTFILE")
        )
        table.add_row(f"{what}, {options.rows:,} rows", against, *map("{:.2f}".format, figures))
    Console().print(table)


if __name__ == "__main__":
    main()
