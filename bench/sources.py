"""Loads from where bytes come slowly, or from frames: ratios in one run.

python -m nox -s bench -- sources [--files 200] [--latency 40] [--rows 200000]

MATRIXONE_URL names another server than a local one; the S3 service of this machine has to be reached from it.
"""

import argparse
import logging
import os
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext

import boto3
import pandas as pd
from moto.server import ThreadedMotoServer
from rich.console import Console
from rich.table import Table

from matrixone import Client
from matrixone_local import LocalServer

KEYS = {"aws_access_key_id": "testkey1234", "aws_secret_access_key": "testsecret1234", "region_name": "us-east-1"}


class Slowly:
    """A relay to a port of this machine that holds every request back for a while."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port, self._seconds = port, seconds
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass, args=(client, server, self._seconds), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, 0), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, seconds: float) -> None:
        try:
            while data := source.recv(1 << 16):
                time.sleep(seconds)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side has closed


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def behind_latency(client: Client, database: str, files: int, seconds: float) -> list[tuple[str, float, float]]:
    """Many small files of S3: in one call, against a call each."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    try:
        _, port = moto.get_host_and_port()
        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **KEYS)
        s3.create_bucket(Bucket="bench")
        for number in range(files):
            s3.put_object(Bucket="bench", Key=f"f{number:04}.csv", Body=f"{number},a,1.5,2026-01-02\n".encode())
        client.stage.create_s3(
            database, "bench", "", KEYS["aws_access_key_id"], KEYS["aws_secret_access_key"],
            endpoint=Slowly(port, seconds).url, region="us-east-1",
        )  # fmt: skip
        client.execute(f"CREATE TABLE {database}.s (id INT PRIMARY KEY, name VARCHAR(50), value DOUBLE, day DATE)")

        def singles() -> None:
            for number in range(files):
                client.load_data.read_csv_stage(database, f"f{number:04}.csv", f"{database}.s")

        def together(**options: int) -> Callable[[], object]:
            return lambda: client.load_data.read_csv_stage(database, "f*.csv", f"{database}.s", **options)

        taken: dict[str, float] = {}
        for name, call in (("one by one", singles), ("4", together()), ("16", together(concurrency=16))):
            client.execute(f"TRUNCATE TABLE {database}.s")
            taken[name] = timed(call)
        client.stage.drop(database)
        what = f"{files} S3 files behind {seconds * 1000:.0f} ms in one call"
        return [
            (f"{what} / in {files} calls", taken["4"], taken["4"] / taken["one by one"]),
            (f"{what}, concurrency=16 / in {files} calls", taken["16"], taken["16"] / taken["one by one"]),
        ]
    finally:
        moto.stop()


def frames(client: Client, database: str, rows: int) -> list[tuple[str, float, float]]:
    """A frame of pandas, against its own ways to a table."""
    frame = pd.DataFrame(
        {"id": range(rows), "name": [f"name {n}" for n in range(rows)], "value": [n / 8 for n in range(rows)]}
    )
    taken: dict[str, float] = {}
    for name, options in (("to_sql", {}), ("to_sql, multi", {"method": "multi", "chunksize": 1000})):
        few, table = frame[: rows // 10], f"p{len(taken)}"  # its rows take the same time each
        with client.engine.begin() as connection:
            began = time.perf_counter()
            few.to_sql(table, connection, schema=database, index=False, **options)
            taken[name] = 10 * (time.perf_counter() - began)
    client.execute(f"CREATE TABLE {database}.f (id BIGINT, name TEXT, value DOUBLE)")
    ours = timed(lambda: client.load_data.read_arrow(frame, f"{database}.f"))
    best = min(taken, key=taken.__getitem__)
    return [(f"a frame of {rows:,} rows by read_arrow / {best}", ours, ours / taken[best])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--latency", type=float, default=40, help="milliseconds")
    parser.add_argument("--rows", type=int, default=200_000)
    told = parser.parse_args()
    url = os.environ.get("MATRIXONE_URL")
    local = nullcontext() if url else LocalServer(allow_path=[tempfile.gettempdir()])
    with local as server, Client(url=url or (server.url if server else "")) as client:
        database = f"bench_{uuid.uuid4().hex[:8]}"
        client.execute(f"CREATE DATABASE {database}")
        rows = behind_latency(client, database, told.files, told.latency / 1000)
        rows += frames(client, database, told.rows)
        client.execute(f"DROP DATABASE {database}")
    table = Table("what", title="One run")
    table.add_column("ours", justify="right")
    table.add_column("ratio", justify="right")
    for what, ours, ratio in rows:
        table.add_row(what, f"{ours:.2f} s", f"{ratio:.3f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
