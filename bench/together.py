"""How much faster stages are created at once than one after the other, when the server takes a while for each answer.

    python -m nox -s bench -- together [--stages 16 --milliseconds 5 --rounds 5]

A relay in front of the server holds each statement back for so long, on every connection by itself.
"""

import argparse
import asyncio
import os
import statistics
import threading
import time
import uuid
from contextlib import nullcontext
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console
from rich.table import Table

from matrixone import AsyncClient
from matrixone_local import LocalServer


class Delay:
    """A relay to the server of *url* that holds back what clients send."""

    def __init__(self, url: str, seconds: float) -> None:
        self._parts, self._seconds = urlsplit(url), seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        host, port = server.sockets[0].getsockname()
        login = self._parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._parts._replace(netloc=f"{login}@{host}:{port}"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        await asyncio.gather(self._copy(reader, down, self._seconds), self._copy(up, writer, 0))

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
        while data := await source.read(1 << 16):
            await asyncio.sleep(seconds)
            target.write(data)
        target.close()


async def measured(url: str, count: int, rounds: int) -> tuple[float, float]:
    """Seconds one after the other, and at once; medians."""
    mark = uuid.uuid4().hex[:8]

    async def create(client: AsyncClient, number: int) -> None:
        await client.stage.create(f"bench_{mark}_{number}", "file:///nowhere/")

    async def drop(client: AsyncClient) -> None:
        await asyncio.gather(*(client.stage.drop(f"bench_{mark}_{number}") for number in range(count)))

    alone: list[float] = []
    together: list[float] = []
    async with AsyncClient(url=url, pool_size=count) as client:
        for _ in range(rounds):
            began = time.perf_counter()
            for number in range(count):
                await create(client, number)
            alone.append(time.perf_counter() - began)
            await drop(client)
            began = time.perf_counter()
            await asyncio.gather(*(create(client, number) for number in range(count)))
            together.append(time.perf_counter() - began)
            await drop(client)
    return statistics.median(alone), statistics.median(together)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=16)
    parser.add_argument("--milliseconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    with nullcontext() if url else LocalServer() as server:
        delay = Delay(url or (server.url if server else ""), told.milliseconds / 1000)
        alone, together = asyncio.run(measured(delay.url, told.stages, told.rounds))
    table = Table("what", "one after the other", "at once", "times faster", title="Medians of one run")
    what = f"{told.stages} stages, {told.milliseconds:g} ms a statement"
    table.add_row(what, f"{alone:.3f} s", f"{together:.3f} s", f"{alone / together:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
