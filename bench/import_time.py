"""How long `import matrixone` and a new client take, beside SQLAlchemy and the drivers: CPU time in fresh interpreters.

    python bench/import_time.py [ROUNDS]

The imports take turns, so that a busy machine slows all of them. The ratio is that of the medians.
"""

import os
import statistics
import subprocess
import sys

NEEDED = "import sqlalchemy, sqlalchemy.orm, sqlalchemy.ext.asyncio, pymysql, aiomysql"
IMPORTS = {
    "SQLAlchemy and the drivers": NEEDED,
    "import matrixone": "import matrixone",
    "… and the dialects": f"{NEEDED}, sqlalchemy.dialects.mysql.aiomysql, sqlalchemy.dialects.mysql.pymysql",
    "a Client": "from matrixone import Client; Client()",
    "an AsyncClient": "from matrixone import AsyncClient; AsyncClient()",
    "both": "from matrixone import Client, AsyncClient; Client(); AsyncClient()",
    "a Client, and what it imports to connect": "from matrixone import Client; import matrixone_sync.pool",
    "both, and all that connecting them imports": (
        "from matrixone import Client, AsyncClient; import matrixone_sync.session, matrixone_async.concurrency;"
        " matrixone_async.concurrency._import_all()"
    ),
}
MEASURE = "import time; began = time.process_time(); {}; print(time.process_time() - began)"


def measure(statement: str) -> float:
    """CPU seconds of an import in an interpreter of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", MEASURE.format(statement)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main(rounds: int = 30) -> None:
    """Print a line for each import."""
    for statement in IMPORTS.values():
        measure(statement)  # compiles what is not compiled yet
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(rounds):
        for name, statement in IMPORTS.items():
            seconds[name].append(measure(statement))
    base = statistics.median(seconds["SQLAlchemy and the drivers"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:42} {median * 1000:6.0f} ms  {median / base:5.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
