"""What paths of stages cost over the statements that they send: a listing of 10,000 files, and a download of 60 MB.

    python -m nox -s bench -- stage_files [--files 10000 --megabytes 60 --rounds 5]

With `MATRIXONE_URL` a server on this machine is measured. Raw ranges are read by four threads, each with a connection
of PyMySQL's own, and written to a file as the download does.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
from rich.console import Console
from rich.table import Table

from matrixone import Client, StagePath
from matrixone_local import LocalServer

RANGE = 4 * 1024 * 1024
IN_FLIGHT = 4


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def fetch(url: str, path: StagePath, size: int, local: Path) -> None:
    """Read a file by raw ranges, four at a time."""
    parts = urlsplit(url)
    offsets = iter(range(0, size, RANGE))
    local.touch()

    def work() -> None:
        connection = pymysql.connect(
            host=parts.hostname, port=parts.port or 6001, user=parts.username, password=parts.password or "111"
        )
        with connection, connection.cursor() as cursor, local.open("r+b") as file:
            for offset in offsets:
                range_url = f"{path.url}?offset={offset}&size={min(RANGE, size - offset)}"
                cursor.execute("SELECT CAST(load_file(CAST(%s AS datalink)) AS BINARY)", (range_url,))
                file.seek(offset)
                file.write(cursor.fetchone()[0])

    threads = [threading.Thread(target=work) for _ in range(IN_FLIGHT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measured(url: str, files: int, size: int, rounds: int) -> dict[str, float]:
    """The medians of the rounds' ratios."""
    stage = f"bench_{uuid.uuid4().hex[:8]}"
    ratios: dict[str, list[float]] = {"listing": [], "download": []}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as local, Client(url=url) as client:
        Path(folder).chmod(0o755)
        for number in range(files):
            Path(folder, f"file-{number:05}.csv").touch()
        inner = Path(folder, "large")
        inner.mkdir()
        (inner / "large.bin").write_bytes(os.urandom(size))
        client.stage.create_local(stage, f"{folder}/")
        path = client.stage.path(stage)
        large = path / "large/large.bin"
        statement = f"SELECT file FROM stage_list('stage://{stage}/') f"
        for _ in range(5 * rounds):  # they take little time, and vary more
            raw = seconds(lambda: client.execute(statement).all())
            ratios["listing"].append(seconds(lambda: list(path.iterdir())) / raw)
        for _ in range(rounds):
            raw = seconds(lambda: fetch(url, large, size, Path(local, "raw")))
            ratios["download"].append(raw / seconds(lambda: large.download(Path(local, "ours"))))
        client.stage.drop(stage)
    return {name: statistics.median(found) for name, found in ratios.items()}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server:
        found = measured(url or server.url, options.files, options.megabytes * 1_000_000, options.rounds)
    table = Table("what", "ratio")
    table.add_row(f"time of listing {options.files:,} files, against the one statement", f"{found['listing']:.2f}")
    table.add_row(f"speed of download of {options.megabytes} MB, against raw ranges", f"{found['download']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
