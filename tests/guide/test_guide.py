"""Every code block of the guide, unchanged, against the server.

A block runs with the paths of its stages and its database pointed at the test's own, with S3 on moto, and with the
names that it leaves out (`declarative_base`, `Order`, `func`, an open client, …) supplied.
"""

import asyncio
import gc
import re
import textwrap
import uuid
from pathlib import Path

import pytest
from sqlalchemy import Column, Float, Integer, String, func, insert, select
from sqlalchemy.orm import declarative_base

import matrixone
from matrixone import AsyncClient, Client, SnapshotLevel
from matrixone.orm import Base

GUIDE = Path(__file__).with_name("stage_guide.rst")
FILES = {
    "users.csv": "1,Ada,ada@example.com,36\n2,Grace,grace@example.com,45\n",
    "orders.csv": "1,1,9.5\n2,2,3.25\n",
    "products.csv": "1,Lamp\n2,Desk\n3,Chair\n",
    "data.csv": "1,raw\n",
}
MAKES_STAGES = re.compile(r"create_(?:s3|local)\(\s*(?:name=)?'(\w+)'")
NAMES_STAGES = re.compile(r"(?:read_csv_stage\(|stage\.(?:get|alter|drop)\()\s*'(\w+)'")


def blocks() -> list[str]:
    """The guide's code blocks, in order."""
    found = re.findall(r"\.\. code-block:: python\n\n((?:(?:   .*)?\n)+)", GUIDE.read_text(encoding="utf-8"))
    return [textwrap.dedent(block).strip() + "\n" for block in found]


BLOCKS = blocks()


def models():
    base = declarative_base()

    class User(base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String(100))
        email = Column(String(255))
        age = Column(Integer)

    class Order(base):
        __tablename__ = "orders"
        id = Column(Integer, primary_key=True)
        user_id = Column(Integer)
        amount = Column(Float)

    class Product(base):
        __tablename__ = "products"
        id = Column(Integer, primary_key=True)
        name = Column(String(100))

    class RawData(base):
        __tablename__ = "raw_data"
        id = Column(Integer, primary_key=True)
        value = Column(String(100))

    class ProcessedData(base):
        __tablename__ = "processed_data"
        id = Column(Integer, primary_key=True)
        value = Column(String(100))

    return {model.__name__: model for model in (User, Order, Product, RawData, ProcessedData)}


class Placed:
    """A guide block's world: its own database, folder, buckets and stage names."""

    def __init__(self, database, files, s3, moto_url):
        self.database, self.files, self.s3, self.moto_url = database, files, s3, moto_url
        self.mark = uuid.uuid4().hex[:8]
        self.stages: set[str] = set()

    def name(self, stage):
        self.stages.add(f"{stage}_{self.mark}")
        return f"{stage}_{self.mark}"

    def bucket(self, name):
        bucket = f"{name}-{self.mark}"
        self.s3.create_bucket(Bucket=bucket)
        return bucket

    def source(self, block):
        """The block with everything outside it pointed at this test's own."""
        block = re.sub(r"database='(?:test|prod)'", f"database='{self.database}'", block)
        for stage in {*MAKES_STAGES.findall(block), *NAMES_STAGES.findall(block)}:
            block = re.sub(rf"'{stage}'", repr(self.name(stage)), block)
        block = re.sub(r"'(?:post_import_snapshot|daily_backup)'", lambda m: repr(self.name(m[0].strip("'"))), block)
        block = re.sub(r"'/(?:data\d?|local/data)/(?:\w+/)?'", repr(self.files.folder), block)
        return re.sub(r"'(my-bucket|backup-bucket|data-lake|backups|bucket-a|bucket3)'", lambda m: repr(self.bucket(m[1])), block)

    def fill_buckets(self, block):
        prefixes = {"path='data/'": "data/", "'path/'": "path/", "'raw/'": "raw/", "'data/', 'key'": "data/"}
        for bucket in re.findall(rf"'([\w-]+-{self.mark})'", block):
            for text, prefix in prefixes.items():
                if text in block:
                    for file, content in FILES.items():
                        self.s3.put_object(Bucket=bucket, Key=prefix + file, Body=content.encode())


@pytest.fixture
def placed(session_admin, matrixone_url, database, files, s3, moto_url, monkeypatch):
    for variable, value in {
        "MATRIXONE_URL": matrixone_url,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(variable, value)
    for file, content in FILES.items():
        files.put(file, content)
    Base.registry.dispose()
    Base.metadata.clear()  # each block defines its models anew
    placed = Placed(database, files, s3, moto_url)
    yield placed
    gc.collect()  # what a failing block left open is reported here, not in the middle of another test
    for stage in placed.stages:
        session_admin.stage.drop(stage, if_exists=True)
        session_admin.snapshots.drop(stage, if_exists=True)


def prepared(block, placed, url):
    """What the guide has made before it comes to a block: tables, and stages that the block uses but does not make."""
    known = models()
    with Client(url=url, database=placed.database) as client:
        for model in known.values():
            client.create_table(model)
        for stage in set(NAMES_STAGES.findall(block)) - set(MAKES_STAGES.findall(block)):
            if "s3" in stage:
                bucket = placed.bucket("prepared")
                for file, content in FILES.items():
                    placed.s3.put_object(Bucket=bucket, Key=f"data/{file}", Body=content.encode())
                client.stage.create_s3(placed.name(stage), bucket, "data/", "key", "secret", endpoint=placed.moto_url)
            else:
                client.stage.create_local(placed.name(stage), placed.files.folder)
    return {
        **known, "declarative_base": declarative_base, "Float": Float, "func": func, "insert": insert, "select": select,
        "SnapshotLevel": SnapshotLevel, "__name__": "guide",
    }  # fmt: skip


def test_the_guide_has_the_blocks_that_it_had():
    assert len(BLOCKS) == 13
    assert sum("session.stage" in block or "session.snapshots" in block for block in BLOCKS) == 6


@pytest.mark.parametrize("block", BLOCKS, ids=map(str, range(1, 14)))
def test_block(block, placed, matrixone_url):
    names = prepared(block, placed, matrixone_url)
    source = placed.source(block)
    source = re.sub(r"endpoint='http://localhost:9000'", f"endpoint={placed.moto_url!r}", source)
    placed.fill_buckets(source)
    # in the guide's endpoint example nothing is read, so any endpoint is as good
    with Client(url=matrixone_url, database=placed.database) as client:
        if "Client()" not in source:
            names["client"] = client
        exec(compile(source, "guide", "exec"), names)  # noqa: S102  # the guide's own examples
        for stage in MAKES_STAGES.findall(source):
            assert client.stage.exists(stage)
        for table in ("users", "orders", "products"):
            if f"{table}.csv" in source:
                assert client.execute(f"SELECT count(*) FROM {table}").scalar() >= 2


def test_what_the_blocks_import_is_there():
    imported = {name for block in BLOCKS for line in re.findall(r"from matrixone import (.+)", block) for name in line.split(", ")}
    assert imported == {"Client", "AsyncClient", "SnapshotLevel"}
    assert all(hasattr(matrixone, name) for name in imported)


async def _concurrently(url, database, stages, folder):
    client = AsyncClient()
    await client.connect(url=url, database=database)
    most = 0

    def checked_out(*_):
        nonlocal most
        most = max(most, client.engine.pool.checkedout())

    from sqlalchemy import event

    event.listen(client.engine.pool, "checkout", checked_out)
    await asyncio.gather(*[client.stage.create_local(stage, folder) for stage in stages])
    await client.disconnect()
    return most


def test_gather_is_concurrent(matrixone_url, database, unique, files):
    stages = [unique() for _ in range(5)]
    assert asyncio.run(_concurrently(matrixone_url, database, stages, files.folder)) > 1
