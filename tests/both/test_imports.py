"""What a client that is connected has imported; `tests/core/test_imports.py` has what comes before that."""

import subprocess
import sys

from matrixone_core import operations

USE = {
    "sync": """
from matrixone import Client
with Client(url={url!r}) as client:
    client.execute("SELECT 1")
""",
    "async": """
import asyncio
from matrixone import AsyncClient
async def use():
    async with AsyncClient(url={url!r}) as client:
        await client.execute("SELECT 1")
asyncio.run(use())
""",
}
OPTIONAL = {"alembic", "click", "fsspec", "numpy", "pandas", "polars", "pyarrow", "rich"}


def test_a_statement_needs_nothing_optional_and_an_event_loop_no_import_later(side, matrixone_url):
    code = USE[side].format(url=matrixone_url) + "import sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    imported = set(ran.stdout.split())
    assert imported & OPTIONAL == set()
    modules = {f"matrixone_core.operations.{name}" for name in operations.MODULES}
    assert imported & modules == (modules if side == "async" else set())
