"""The main job in one file: CSV files in stages, loaded into tables by both clients, on a local server.

Run it with `python -m nox -s demo`. With MATRIXONE_URL set it runs on that server, which must see this machine's files.
"""

import asyncio
import csv
import os
import sys
import tempfile
import uuid
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from matrixone import AsyncClient, Client, LoadReport, SnapshotLevel
from matrixone.orm import DeclarativeBase, Mapped, String, mapped_column
from matrixone_local import LocalServer

console = Console()
say = console.print
MARK = uuid.uuid4().hex[:6]  # so that the demo's names are its own on a server that others use
DATABASE = f"demo_{MARK}"
ROWS = {"users": 1_000, "orders": 5_000, "products": 200, "visits": 2_000}


class Base(DeclarativeBase):
    """The models' base."""


class User(Base):
    """Somebody who orders."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    city: Mapped[str] = mapped_column(String(100))


class Order(Base):
    """Something ordered."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int]
    amount: Mapped[float]


class Product(Base):
    """Something to order."""

    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(100))


class Visit(Base):
    """Somebody looking around."""

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    page: Mapped[str] = mapped_column(String(100))


def write(path: Path, header: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write a CSV file with a header line."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def write_files(folder: Path) -> None:
    """Make the files that are loaded, each in a folder that becomes a stage."""
    cities = ("Kyoto", "São Paulo", "O'Fallon, Missouri")
    write(
        folder / "crm" / "users.csv",
        "id,name,city",
        ((i, f"user {i}", cities[i % 3]) for i in range(1, ROWS["users"] + 1)),
    )
    write(
        folder / "shop" / "orders.csv",
        "id,user_id,amount",
        ((i, i % 1000 + 1, i / 4) for i in range(1, ROWS["orders"] + 1)),
    )
    write(folder / "shop" / "products.csv", "id,title", ((i, f"product {i}") for i in range(1, ROWS["products"] + 1)))
    write(folder / "web" / "visits.csv", "id,page", ((i, f"/page/{i % 50}") for i in range(1, ROWS["visits"] + 1)))


def stage(name: str) -> str:
    """The demo's own name for a stage."""
    return f"{name}_{MARK}"


async def with_the_asyncio_client(url: str, folder: Path) -> list[LoadReport]:
    """Create three stages at once, and load three files from them at once."""
    async with AsyncClient(url=url, database=DATABASE) as client:
        say(f"[bold]AsyncClient[/] {client!r}", highlight=False)
        await client.create_all(Base)
        stages = await asyncio.gather(
            *[client.stage.create_local(stage(name), f"{folder / name}/") for name in ("crm", "shop", "web")]
        )
        for made in stages:
            say(f"  created stage {made.name} on {made.url}", highlight=False)
        say("  loading three files at once with asyncio.gather …")
        reports = await asyncio.gather(
            client.load_data.read_csv_stage(stage("crm"), "users.csv", User, ignore_lines=1),
            client.load_data.read_csv_stage(stage("shop"), "orders.csv", Order, ignore_lines=1),
            client.load_data.read_csv_stage(stage("web"), "visits.csv", Visit, ignore_lines=1),
        )
        for report in reports:
            say(f"  {report}", highlight=False)
        return list(reports)


def with_the_blocking_client(url: str) -> list[LoadReport]:
    """Load a file, look at the rows, take a snapshot, and clean up."""
    with Client(url=url, database=DATABASE) as client:
        say(f"[bold]Client[/] {client!r}", highlight=False)
        report = client.load_data.read_csv_stage(stage("shop"), "products.csv", Product, ignore_lines=1)
        say(f"  {report}", highlight=False)
        spent = func.sum(Order.amount).label("spent")
        best = select(User.name, User.city, spent).join(Order, Order.user_id == User.id).group_by(User.name, User.city)
        say("  who spent most:")
        for row in client.execute(best.order_by(spent.desc(), User.name).limit(3)):
            say(f"    {row.name:10} {row.city:20} {row.spent:10,.2f}", highlight=False)
        snapshot = client.snapshots.create(stage("demo"), SnapshotLevel.DATABASE, database=DATABASE)
        say(f"  took snapshot {snapshot.name} of {snapshot.database} at {snapshot.created_time}", highlight=False)
        return [report]


def clean_up(url: str) -> None:
    """Drop all that the demo has made."""
    say("cleaning up …")
    with Client(url=url) as client:
        client.snapshots.drop(stage("demo"), if_exists=True)
        for name in ("crm", "shop", "web"):
            client.stage.drop(stage(name), if_exists=True)
        client.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
    say("dropped the snapshot, the stages and the database")


def shown(reports: list[LoadReport]) -> Table:
    """What was loaded, as a table."""
    table = Table("stage", "file", "table", title="Loaded")
    table.add_column("rows", justify="right")
    table.add_column("time", justify="right")
    for report in reports:
        for file in report.files:
            name, _, path = file.path.removeprefix("stage://").partition("/")
            table.add_row(name, path, report.table, f"{file.rows:,}", f"{report.seconds:.2f} s")
    return table


def main() -> None:
    """Run the demo."""
    told = os.environ.get("MATRIXONE_URL")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # a server that is another user's reads it, too
        write_files(folder)
        if told is None:
            say("starting a local server …")
        with nullcontext() if told else LocalServer(allow_path=[folder]) as server:
            url = told or (server.url if server else "")
            with Client(url=url) as client:
                client.execute(f"CREATE DATABASE {DATABASE}")
            try:
                reports = asyncio.run(with_the_asyncio_client(url, folder))
                reports += with_the_blocking_client(url)
            finally:
                clean_up(url)
    say(shown(reports))
    if {report.table: report.rows for report in reports} != ROWS:
        sys.exit(f"not all rows were loaded: there are {ROWS}")


if __name__ == "__main__":
    main()
