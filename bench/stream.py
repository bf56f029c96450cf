"""How much memory a streamed result takes, on both sides, and how long the local server takes to start.

python -m nox -s bench -- stream [--rows 5000000]
"""

import argparse
import asyncio
import math
import resource
import time

from matrixone import AsyncClient, Client
from matrixone_local import LocalServer


def peak() -> float:
    """The most memory that this process has taken so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def read_async(url: str, query: str) -> int:
    async with AsyncClient(url=url, database="test") as client, client.stream(query) as rows:
        read = 0
        async for _ in rows:
            read += 1
        return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    side = math.isqrt(parser.parse_args().rows)
    query = "SELECT a.i * 10000 + b.i AS i, 'some text that is a little longer' AS t FROM n a, n b"
    began = time.perf_counter()
    with LocalServer() as server, Client(url=server.url, database="test") as client:
        print(f"the local server started in {time.perf_counter() - began:.1f} s")
        client.execute("CREATE TABLE n (i INT PRIMARY KEY)")
        client.execute("INSERT INTO n VALUES (:i)", [{"i": i} for i in range(side)])
        before, began = peak(), time.perf_counter()
        with client.stream(query) as rows:
            read = sum(1 for _ in rows)
        print(f"blocking: {read:,} rows in {time.perf_counter() - began:.0f} s, {peak() - before:.0f} MiB more at most")
        before, began = peak(), time.perf_counter()
        read = asyncio.run(read_async(server.url, query))
        print(f"asyncio: {read:,} rows in {time.perf_counter() - began:.0f} s, {peak() - before:.0f} MiB more at most")


if __name__ == "__main__":
    main()
