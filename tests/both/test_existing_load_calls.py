"""The calls of the existing SDK's load guide, block by block, with its own names of arguments, by both clients."""

import gzip
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from models import User
from sqlalchemy import insert

from matrixone import InvalidArgument, LoadFailed

TABLES = {
    "users": {"id": "int not null auto_increment", "name": "varchar(100)", "email": "varchar(255)", "age": "int"},
    "events": {"id": "int not null auto_increment", "name": "varchar(100)", "kind": "varchar(20)"},
    "orders": {"id": "int", "user_id": "int", "amount": "float"},
    "products": {"id": "int", "name": "varchar(100)"},
    "customers": {"id": "int", "name": "varchar(100)"},
    "metrics": {"id": "int", "name": "varchar(100)", "email": "varchar(255)", "age": "int"},
    "logs": {"timestamp": "varchar(30)", "level": "varchar(10)", "message": "text", "source": "varchar(30)"},
}
EVENTS = '{"name": "login", "kind": "a"}\n{"name": "logout", "kind": "b"}\n'
PEOPLE = pyarrow.table(
    {"id": [None], "name": ["Emmy"], "email": [None], "age": [53]},
    schema=pyarrow.schema({"id": "int32", "name": "string", "email": "string", "age": "int32"}),
)
FILES = {
    "users.csv": ",Ada,ada@x,36\n,Grace,grace@x,45\n",
    "users.txt": "|Alan|a@x|41\n",
    "users.tsv": "\tKurt\tk@x\t72\n",
    "events.jsonl": EVENTS,
    "events.jsonl.gz": gzip.compress(EVENTS.encode()),
    "data.jsonl": '[100, "Emmy", null, 53]\n',
    "data.csv": gzip.compress(b"id,name\n7,Barbara\n"),
    "orders.csv": "1,1,9.5\n2,2,3.25\n",
    "products.csv": "1,Lamp\n2,Desk\n",
    "crm_export.csv": "1|Smith\n",
    "application.log": "2024-01-01\tINFO\tstarted\tmain\n",
}


@pytest.fixture
def tables(client):
    for name, columns in TABLES.items():
        client.create_table(name, columns, primary_key="id" if "auto_increment" in columns.get("id", "") else None)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, tables):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for name in ("data.parquet", "analytics.parquet"):
        pyarrow.parquet.write_table(PEOPLE, name)


@pytest.fixture
def count(client):
    return lambda table: client.execute(f"SELECT count(*) FROM {table}").scalar()


def test_1_csv(client, count):
    client.load_data.read_csv("users.csv", table=User)
    client.load_data.read_csv("users.csv", table=User, skiprows=1)
    client.load_data.read_csv("users.txt", table=User, sep="|")
    client.load_data.read_csv("users.tsv", table=User, sep="\t")
    assert count("users") == 5


def test_2_all_options(client):
    client.load_data.read_csv(
        "data.csv", table="users", sep=",", quotechar='"', skiprows=1, names=["id", "name"], encoding="utf-8",
        compression="gzip", parallel=True,
    )  # fmt: skip
    assert client.execute("SELECT id, name FROM users").all() == [(7, "Barbara")]


def test_3_json_lines(client, count):
    client.load_data.read_json("events.jsonl", table="events", lines=True, orient="records")
    with pytest.raises(LoadFailed, match="where an object is wanted"):  # arrays are shape="array"
        client.load_data.read_json("data.jsonl", table="users", lines=True, orient="values")
    client.load_data.read_json("data.jsonl", table="users", shape="array")
    client.load_data.read_json("events.jsonl.gz", table="events", lines=True, compression="gzip")
    assert (count("events"), count("users")) == (4, 1)


def test_4_parquet(client, count):
    client.load_data.read_parquet("data.parquet", table="users")
    client.load_data.read_parquet("data.parquet", table=User)
    assert count("users") == 2


def test_5_urls_of_a_stage(client, count, unique, files):
    stage = fill(client.stage.create_local(unique(), files.folder).name, files)
    client.load_data.read_csv(f"stage://{stage}/users.csv", table="users")
    client.load_data.read_json(f"stage://{stage}/events.jsonl", table="events")
    client.load_data.read_parquet(f"stage://{stage}/data.parquet", table="users")
    assert (count("events"), count("users")) == (2, 3)


def test_6_methods_of_stages(client, count, unique, files):
    stage = fill(client.stage.create_local(unique(), files.folder).name, files)
    files.put("data.csv", "id\tname\temail\tage\n9\tEmmy\te@x\t53\n")
    client.load_data.read_csv_stage(stage, "users.csv", table="users")
    client.load_data.read_json_stage(stage, "events.jsonl", table="events")
    client.load_data.read_parquet_stage(stage, "data.parquet", table="users")
    client.load_data.read_csv_stage(stage, "data.csv", table="users", sep="\t", skiprows=1)
    assert (count("events"), count("users")) == (2, 4)


def test_7_a_transaction(client, count):
    with client.session() as session:
        session.load_data.read_csv("users.csv", table=User)
        session.load_data.read_csv("orders.csv", table="orders")
        session.load_data.read_json("events.jsonl", table="events", lines=True)
        session.execute(insert(User).values(name="Admin", email="admin@example.com"))
    assert (count("users"), count("orders"), count("events")) == (3, 2, 2)


def test_8_text_as_data_is_refused_in_words(client, count):
    """A str is a path, here and in pandas; text is `io.StringIO`."""
    with pytest.raises(InvalidArgument, match=r"io\.StringIO"):
        client.load_data.read_csv("1,Alice,alice@example.com\n", table="users", inline=True)
    assert not hasattr(client.load_data, "read_csv_inline")
    assert count("users") == 0


def test_9_one_after_another(client, count, unique, files):
    stage = fill(client.stage.create_local(unique(), files.folder).name, files)
    client.load_data.read_csv("users.csv", table="users", skiprows=1)
    client.load_data.read_json("events.jsonl", table="events", lines=True)
    client.load_data.read_parquet("data.parquet", table="users")
    client.load_data.read_csv_stage(stage, "users.csv", table="users")
    assert (count("events"), count("users")) == (2, 4)


def test_10_and_11_several_tables(client, count):
    for name in ("users", "orders", "products"):
        client.load_data.read_csv(f"{name}.csv", table=name)
    with client.session() as session:
        for name in ("users", "orders", "products"):
            session.load_data.read_csv(f"{name}.csv", table=name, skiprows=1)
    assert (count("users"), count("orders"), count("products")) == (3, 3, 3)


def test_12_several_sources(client, count):
    client.load_data.read_csv("crm_export.csv", table="customers", sep="|")
    client.load_data.read_json("events.jsonl", table="events", lines=True)
    client.load_data.read_parquet("analytics.parquet", table="metrics")
    assert (count("customers"), count("events"), count("metrics")) == (1, 2, 1)


def test_13_a_log(client):
    client.load_data.read_csv(
        "application.log", table="logs", sep="\t", names=["timestamp", "level", "message", "source"], skiprows=0
    )
    assert client.execute("SELECT level, message FROM logs").all() == [("INFO", "started")]


def fill(stage, files):
    for name, content in FILES.items():
        files.put(name, content)
    files.put("data.parquet", Path("data.parquet").read_bytes())
    return stage
