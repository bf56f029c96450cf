"""How much memory a client takes for a large file of its own: its growth while it sends it, each client in a process.

python -m nox -s bench -- memory [--megabytes 1000]
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Self

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer

LINE = "{0},name {0},{1},2026-01-02,some more text that makes the line as long as lines mostly are\n"
COLUMNS = "(id INT, name VARCHAR(50), value DOUBLE, day DATE, more VARCHAR(200))"


def resident() -> float:
    """What this process takes now, in MiB."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


class Highest:
    """The most that this process takes while the block lasts."""

    def __enter__(self) -> Self:
        self.most = self.before = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, resident())

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def blocking(url: str, path: str, table: str) -> None:
    with Client(url=url) as client:
        client.load_data.read_csv(b"0,a,1.5,2026-01-02,x\n", table)  # so that everything is imported and connected
        with Highest() as highest:
            report = client.load_data.read_csv(path, table)
    print(f"blocking: {report.rows:,} rows in {report.seconds:.0f} s, {highest.most - highest.before:.1f} MiB more")


async def asynchronous(url: str, path: str, table: str) -> None:
    async with AsyncClient(url=url) as client:
        await client.load_data.read_csv(b"0,a,1.5,2026-01-02,x\n", table)
        with Highest() as highest:
            report = await client.load_data.read_csv(path, table)
    print(f"asyncio: {report.rows:,} rows in {report.seconds:.0f} s, {highest.most - highest.before:.1f} MiB more")


def main() -> None:
    if len(sys.argv) > 4:  # one of the processes
        side, *rest = sys.argv[1:]
        blocking(*rest) if side == "blocking" else asyncio.run(asynchronous(*rest))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    told = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.csv")
        with path.open("w") as file:
            number = 0
            while file.tell() < told.megabytes * 1_000_000:
                file.writelines(LINE.format(n, n / 8) for n in range(number, number + 10_000))
                number += 10_000
        for side in ("blocking", "asyncio"):
            with nullcontext() if url else LocalServer() as server:
                where = url or (server.url if server else "")
                with Client(url=where) as client:
                    database = f"bench_{uuid.uuid4().hex[:8]}"
                    client.execute(f"CREATE DATABASE {database}")
                    client.execute(f"CREATE TABLE {database}.t {COLUMNS}")
                    arguments = [side, where, str(path), f"{database}.t"]
                    subprocess.run([sys.executable, __file__, *arguments], check=True)
                    client.execute(f"DROP DATABASE {database}")


if __name__ == "__main__":
    main()
