"""What the local server takes: its start, its memory, loads, a test's clean-up, and what the relay adds to the engine.

python -m nox -s bench -- local [relay] [at_once] [loads] [--rows 1000000] [--rounds 15]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pymysql

SERVE = """
import sys
from matrixone_local import LocalServer
with LocalServer(allow_path=[sys.argv[1]]) as server:
    print(server.port, server._running._engine._socket, server._running._engine.user, flush=True)
    sys.stdin.read()
"""


# What any relay costs: a process that does nothing but copy bytes from one socket to the other.
COPY = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client, _ = listener.accept()
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
client.sendall(engine.recv(65536))
while data := client.recv(65536):
    engine.sendall(data)
    client.sendall(engine.recv(65536))
"""


class Server:
    """A local server in a process of its own, as the command is."""

    def __init__(self, folder: str) -> None:
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        port, self._socket, self._user = self._process.stdout.readline().split()
        self.port = int(port)
        self._copying: list[subprocess.Popen[str]] = []
        self.started = time.perf_counter() - began

    def connect(self) -> pymysql.Connection:
        login = {"host": "127.0.0.1", "port": self.port, "user": "root", "password": "111"}
        return pymysql.connect(**login, autocommit=True, local_infile=True)

    def engine(self) -> pymysql.Connection:
        return pymysql.connect(unix_socket=self._socket, user=self._user, autocommit=True, local_infile=True)

    def copied(self) -> pymysql.Connection:
        """The engine, through a process that only copies."""
        copying = subprocess.Popen([sys.executable, "-c", COPY, self._socket], stdout=subprocess.PIPE, text=True)
        self._copying.append(copying)
        assert copying.stdout
        port = int(copying.stdout.readline())
        return pymysql.connect(host="127.0.0.1", port=port, user=self._user, autocommit=True)

    def resident(self) -> float:
        """What it and the engine take now, in MiB."""
        found = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True, check=True)
        pids = [str(self._process.pid), *found.stdout.split()]
        total = 0.0
        for pid in pids:
            status = Path(f"/proc/{pid}/status")
            if status.exists():
                total += sum(int(line.split()[1]) for line in status.read_text().splitlines() if line[:6] == "VmRSS:")
        return total / 1024

    def stop(self) -> None:
        for copying in self._copying:
            copying.kill()
        self._process.communicate()


def run(connection: pymysql.Connection, sql: str) -> float:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()
    return time.perf_counter() - began


COLUMNS = "(id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(255), age INT)"


def loads(folder: str, rows: int) -> None:
    """Each way on a server of its own, as what was loaded before makes the next one slower."""
    path = Path(folder, "rows.csv")
    with path.open("w") as file:
        file.writelines(f"{n},name{n:07d},user{n}@example.com,{n % 90}\n" for n in range(rows))
    names = pyarrow.csv.ReadOptions(column_names=["id", "name", "email", "age"])
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(path, names), f"{folder}/rows.parquet")
    csv = f"INFILE '{path}' INTO TABLE test.t FIELDS TERMINATED BY ','"
    parquet = f"INFILE {{'filepath'='{folder}/rows.parquet','format'='parquet'}} INTO TABLE test.t"
    ways = {
        "LOAD DATA of CSV": f"LOAD DATA {csv}",
        "LOAD DATA of Parquet": f"LOAD DATA {parquet}",
        "LOAD DATA LOCAL of CSV": f"LOAD DATA LOCAL {csv}",
        "the engine's own LOAD DATA LOCAL": f"LOAD DATA LOCAL {csv}",
    }
    for name, sql in ways.items():
        server = Server(folder)
        try:
            run(server.connect(), f"CREATE TABLE test.t {COLUMNS}")
            seconds = run(server.engine() if name.startswith("the engine") else server.connect(), sql)
            print(f"{name}: {rows / seconds:,.0f} rows/s; {server.resident():.0f} MiB resident")
        finally:
            server.stop()


def at_once(folder: str, rows: int, rounds: int = 3) -> None:
    """Each way on a server of its own: what was loaded before goes on being written to the disk."""
    path = Path(folder, "some.csv")
    path.write_text("".join(f"{n},name{n},x,1\n" for n in range(rows // 10)))
    times: dict[str, list[float]] = {"in a row": [], "at once": []}
    for _ in range(rounds):
        for way, taken in times.items():
            server = Server(folder)
            try:
                taken.append(eight(server, path, in_a_row=way == "in a row"))
            finally:
                server.stop()
    ratios = [once / row for once, row in zip(times["at once"], times["in a row"], strict=True)]
    seconds = ", ".join(f"{statistics.median(taken):.2f} s {way}" for way, taken in times.items())
    print(f"eight loads: {seconds}: {statistics.median(ratios):.2f} x")


def eight(server: Server, path: Path, *, in_a_row: bool) -> float:
    connections = [server.connect() for _ in range(8)]
    for number in range(8):
        run(connections[0], f"CREATE TABLE test.t{number} {COLUMNS}")

    def load(number: int) -> None:
        run(connections[number], f"LOAD DATA INFILE '{path}' INTO TABLE test.t{number} FIELDS TERMINATED BY ','")

    began = time.perf_counter()
    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
        if in_a_row:
            thread.join()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def clean_up(server: Server) -> None:
    connection = server.connect()
    taken: list[float] = []
    for number in range(7):
        run(connection, "CREATE DATABASE b")
        for table in range(3):
            run(connection, f"CREATE TABLE b.t{table} {COLUMNS}")
            run(connection, f"INSERT INTO b.t{table} VALUES (1, 'a', 'b', 2)")
        run(connection, f"CREATE STAGE b{number} URL='file:///tmp/'")
        run(connection, f"CREATE SNAPSHOT b{number} FOR DATABASE b")
        ends = (f"DROP SNAPSHOT b{number}", f"DROP STAGE b{number}", "DROP DATABASE b")
        taken.append(sum(run(connection, sql) for sql in ends))
    print(f"a test's clean-up (three tables, a database, a stage, a snapshot): {statistics.median(taken):.3f} s")


# As sent to the relay, and what comes of it in the engine. The limit for the relay is 1.3 times what copying takes.
STATEMENTS = {
    "SELECT 1": ("SELECT 1", "SELECT 1"),
    "a new INSERT each time": ("INSERT INTO test.r VALUES ({0}, 'x')", "INSERT INTO test.r VALUES (-{0} - 1, 'x')"),
    "a new query each time": (
        "SELECT b FROM test.r WHERE a = {0} LIMIT 3",
        "SELECT b FROM test.r WHERE a = {0} LIMIT 3",
    ),
    "a query to be read with care": ("SELECT {0} + 1, CURRENT_USER()", "SELECT {0} + 1 AS `{0} + 1`, 'root@localhost'"),
}


def relay(server: Server, rounds: int) -> None:
    engine = server.engine()
    run(engine, "CREATE TABLE test.r (a INT, b TEXT, KEY (a))")
    ways = {"the relay": server.connect(), "a process that only copies": server.copied()}
    for statement, (text, in_the_engine) in STATEMENTS.items():
        ratios: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds):
            numbers = range(number * 400, (number + 1) * 400)
            direct = sum(run(engine, in_the_engine.format(one)) for one in numbers)
            for name, connection in ways.items():
                sent = text if name == "the relay" else in_the_engine
                ratios[name].append(sum(run(connection, sent.format(one)) for one in numbers) / direct)
        for name, found in ratios.items():
            print(f"{statement} through {name}: {statistics.median(found):.2f} x the engine itself")
        both = statistics.median(one / other for one, other in zip(*ratios.values(), strict=True))
        print(f"{statement}: the relay takes {both:.2f} x what copying takes")


def small(folder: str, rounds: int) -> None:
    """The start, what the relay adds, and a test's clean-up, on one server."""
    server = Server(folder)
    try:
        print(f"started in {server.started:.1f} s, {server.resident():.0f} MiB resident")
        relay(server, rounds)
        clean_up(server)
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="part",
        help="relay (also the start and a clean-up), at_once, loads",
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    parts = options.parts or ["relay", "at_once", "loads"]
    with tempfile.TemporaryDirectory() as folder:
        if "relay" in parts:
            small(folder, options.rounds)
        if "at_once" in parts:
            at_once(folder, options.rows)
        if "loads" in parts:
            loads(folder, options.rows)


if __name__ == "__main__":
    main()
