"""Statements with a real server's answers (conformance/): the local server gives the same.

The cases are SQL, a statement a line. Lines that begin with `--~` direct the next one: `any` compares only whether it
failed, `volatile: a,b` leaves columns out, `session N` goes on over connection N, `reconnect` over a new one.

`differing/` has a file for each group with statements that the local server answers otherwise: a statement's number and
the reason on each line. A statement that is listed there and agrees fails the test.

`python tests/local/test_conformance.py GROUP mysql://root:111@127.0.0.1:6001` asks a real server and writes its answers down.
"""

import datetime
import decimal
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Self

import boto3
import pymysql
import pytest
from sqlalchemy import make_url

from matrixone_local import LocalServer

HERE = Path(__file__).parent / "conformance"
GROUPS = sorted(path.stem for path in (HERE / "cases").glob("*.sql"))
IN_S3 = ["users.csv", "users.csv.gz", "users.jsonl", "users.parquet", "multi/part-0.csv", "multi/part-1.csv"]


@dataclass(frozen=True)
class Case:
    number: int
    sql: str
    connection: str
    renewed: bool
    only_whether: bool
    volatile: frozenset[str]


def cases(group: str) -> Iterator[Case]:
    connection, renewed, only_whether, volatile, number = "0", False, False, frozenset(), 0
    for line in (HERE / "cases" / f"{group}.sql").read_text().splitlines():
        if found := re.match(r"--~ *(\w+):? *(.*)", line):
            match found.groups():
                case "any", _:
                    only_whether = True
                case "volatile", names:
                    volatile = frozenset(name.strip().lower() for name in names.split(","))
                case "session", name:
                    connection = name
                case "reconnect", _:
                    renewed = True
                case unknown:
                    pytest.fail(f"{group}: {unknown}")
        elif line.strip() and not line.startswith("--"):
            yield Case(number, line, connection, renewed, only_whether, volatile)
            renewed, only_whether, volatile, number = False, False, frozenset(), number + 1


def known_to_differ(group: str) -> dict[int, str]:
    """The reasons by the numbers of the statements, which count from 1."""
    path = HERE / "differing" / f"{group}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {int(number): reason for number, _, reason in (line.partition(" ") for line in lines)}


@pytest.fixture(scope="module")
def places(moto_url, tmp_path_factory):
    return {"${DATA}": str(HERE / "data"), "${OUT}": str(tmp_path_factory.mktemp("out")), "${S3}": moto_url}


@pytest.fixture(autouse=True)
def nothing_written(places):
    """Each group begins with an empty folder."""
    shutil.rmtree(places["${OUT}"])
    Path(places["${OUT}"]).mkdir()


@pytest.fixture(scope="module")
def server(places):
    """One that has no other stages and snapshots."""
    s3 = boto3.client(
        "s3",
        endpoint_url=places["${S3}"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    s3.create_bucket(Bucket="bkt")
    for name in IN_S3:
        s3.put_object(Bucket="bkt", Key=f"data/{name}", Body=(HERE / "data" / name).read_bytes())
    s3.close()
    allowed = [places["${DATA}"], places["${OUT}"], "/no/such/dir"]  # where some statements search for what is missing
    with LocalServer(allow_path=allowed) as server:
        yield server


class Replay:
    """Connections to the server, and what it answers over them as it was written down."""

    def __init__(self, server: LocalServer | SimpleNamespace, places: dict[str, str]) -> None:
        self._server = server
        self._places = places
        self._connections: dict[str, pymysql.Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections.values():
            connection.close()

    def answer(self, case: Case) -> dict:
        if case.renewed:
            self._connections.pop(case.connection).close()
        sql = case.sql
        for name, place in self._places.items():
            sql = sql.replace(name, place)
        try:
            with self._connection(case.connection).cursor() as cursor:
                count = cursor.execute(sql)
                if cursor.description is None:
                    return {"affected": count}
                rows = [[self._plain(value) for value in row] for row in cursor.fetchall()]
                return {"columns": [column[0].lower() for column in cursor.description], "rows": rows}
        except pymysql.MySQLError as error:
            return {"error": error.args[0], "message": error.args[1]}
        except UnicodeDecodeError:  # the driver is out of step then (server-facts 25)
            self._connections.pop(case.connection).close()
            return {"error": -1}

    def _connection(self, name: str) -> pymysql.Connection:
        if name not in self._connections:
            self._connections[name] = pymysql.connect(
                host=self._server.host,
                port=self._server.port,
                user=self._server.user,
                password=self._server.password,
                autocommit=True,
                local_infile=True,
                charset="utf8mb4",
            )
        return self._connections[name]

    def _plain(self, value: object) -> object:
        if isinstance(value, bytes):
            return {"hex": value.hex()}
        if isinstance(value, decimal.Decimal | datetime.date | datetime.timedelta):
            return str(value)
        if isinstance(value, str):
            for name, place in self._places.items():
                value = value.replace(place, name)
        return value


def compared(answer: dict, case: Case) -> dict | bool:
    """What of an answer has to agree."""
    if case.only_whether:
        return "error" in answer
    if "error" in answer:
        return {"error": answer["error"]}
    if "rows" not in answer:
        return {"affected": answer["affected"]}
    columns = [name.lower() for name in answer["columns"]]
    rows = [["*" if c in case.volatile else v for c, v in zip(columns, row, strict=True)] for row in answer["rows"]]
    if "order by" not in case.sql.lower():
        rows.sort(key=json.dumps)
    return {"columns": columns, "rows": rows}


@pytest.mark.parametrize("group", GROUPS)
def test_the_answers_are_a_real_servers(server, places, group):
    recorded = [json.loads(line) for line in (HERE / "recorded" / f"{group}.jsonl").read_text().splitlines()]
    known, differing = known_to_differ(group), []
    with Replay(server, places) as replay:
        for case in cases(group):
            wanted = recorded[case.number]
            assert wanted["sql"] == case.sql
            answer = replay.answer(case)
            differs, number = compared(wanted, case) != compared(answer, case), case.number + 1
            if differs and number not in known:
                differing.append(f"{number}: {case.sql}\n  wanted {wanted}\n  got    {answer}")
            elif number in known and not differs:
                differing.append(f"{number}: {case.sql}\n  agrees; take it off the list")
    assert not differing, "\n".join(differing)


def test_all_cases_are_here():
    assert sum(len(list(cases(group))) for group in GROUPS) == 2133


def record(group: str, url: str) -> None:
    """Write down what a real server on this machine answers to a group; groups of S3 need an endpoint, which it has not."""
    server = make_url(url)
    with TemporaryDirectory() as out:
        Path(out).chmod(0o777)  # the server writes there, perhaps as another user
        login = SimpleNamespace(host=server.host, port=server.port, user=server.username, password=server.password)
        with Replay(login, {"${DATA}": str(HERE / "data"), "${OUT}": out}) as replay:
            answers = [{"sql": case.sql} | replay.answer(case) for case in cases(group)]
    lines = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
    (HERE / "recorded" / f"{group}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    record(*sys.argv[1:])
