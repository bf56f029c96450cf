"""A unit of work with a server that is a script, for the tests of sessions."""

import pytest
from script import MemoryMachine, drive, rows

from matrixone_core.errors import (
    ConnectionLost,
    ServerError,
    StatementTimeout,
)
from matrixone_core.operations import stages
from matrixone_core.session.transaction_state import TransactionEvent
from matrixone_core.session.unit_of_work import UNUSED_NAME, UnitOfWork
from matrixone_core.sql.connections import KillConnection, SelectConnectionId
from matrixone_core.sql.load import LoadData
from matrixone_core.sql.snapshot import ShowSnapshots
from matrixone_core.sql.stage import SelectStages, ShowStages, stage_of
from matrixone_core.sql.table import LoadState, SelectLoadState, ShowCreateTable
from matrixone_core.steps import Atomic, Call, GetRuntime, OutsideTransaction, Reply, Runtime

ROW = {
    "stage_name": "old", "url": "file:///old/", "stage_credentials": "AWS_SECRET_KEY=1", "stage_status": "in_use",
    "created": None, "comment": "c",
}  # fmt: skip


TAKEN = {"SNAPSHOT_NAME": "p", "SNAPSHOT_LEVEL": "account", "TIMESTAMP": "2026-01-01 00:00:00", "DATABASE_NAME": "",
         "TABLE_NAME": ""}  # fmt: skip


MAY = f"DROP STAGE IF EXISTS `{UNUSED_NAME}`"


LABELS = {OutsideTransaction: "outside: ", Atomic: "atomic: "}


class Server:
    """Answers steps: from a catalogue, and with what is scripted for a statement's text."""

    def __init__(self, *stages, snapshots=(), **broken):
        self.stages = [{**ROW, **stage} for stage in stages]
        self.snapshots = snapshots
        self.broken = {}
        self.sent = []
        self.empty = ()  # the beginnings of questions to which there are no rows
        self.kills = 0  # that are answered before the server says that it has no such connection
        self.now = 0.0

    def answer(self, step):
        match step:
            case OutsideTransaction() | Atomic():
                return self.run(step.op, LABELS[type(step)])
            case GetRuntime():
                return Runtime(self.run, MemoryMachine(), lambda: self.now, self.sleep)
            case Call():
                return step.call()
            case _:
                return self.execute(step)

    def sleep(self, seconds):
        self.now += seconds

    def execute(self, statement, where=""):
        self.sent.append(f"{where}{statement}")
        for text, error in list(self.broken.items()):
            if str(statement).startswith(text):
                raise error
        if str(statement).startswith(self.empty):
            return statement.parse(rows())
        match statement:
            case SelectConnectionId():
                return 7
            case KillConnection():
                self.kills -= 1
                if self.kills < 0:
                    raise ServerError(f"Unknown connection id {statement.connection_id}")
                return None
            case SelectStages():
                found = [row for row in self.stages if statement.name in (None, row["stage_name"])]
                return statement.parse(rows(*found))
            case SelectLoadState():
                stage = [stage_of(row) for row in self.stages if row["stage_name"] == statement.stage]
                return LoadState(stage[0] if stage else None)
            case ShowStages():
                return statement.parse(
                    rows(
                        *(
                            {
                                "STAGE_NAME": r["stage_name"],
                                "URL": r["url"],
                                "STATUS": "in_use",
                                "COMMENT": r["comment"],
                            }
                            for r in self.stages
                        )
                    )
                )
            case ShowSnapshots():
                return statement.parse(rows(*({**TAKEN, "SNAPSHOT_NAME": name} for name in self.snapshots)))
            case LoadData():
                return statement.parse(Reply(count=1))
            case ShowCreateTable():
                return "CREATE TABLE `t` (\n  `id` int DEFAULT NULL\n)"
        return statement.parse(rows({"name": "x"}))

    def run(self, op, where=""):
        return drive(op, lambda step: self.execute(step, where) if hasattr(step, "parts") else self.answer(step))


class Case:
    """A unit of work and its server."""

    def __init__(self, *stages, snapshots=()):
        self.server = Server(*stages, snapshots=snapshots)
        self.work = UnitOfWork()

    def do(self, op):
        return self.server.run(self.work.within(op))

    def sent(self, op=None):
        """What an operation sends, questions about stages and rights left out."""
        self.server.sent.clear()
        if op is not None:
            self.server.run(op)
        return [text.removeprefix("outside: ") for text in self.server.sent if "SELECT" not in text]

    def send_commit(self):
        self.work.transaction.apply(TransactionEvent.PREPARED)
        self.work.transaction.apply(TransactionEvent.COMMIT_SENT)

    def confirm_commit(self):
        self.send_commit()
        self.work.transaction.apply(TransactionEvent.COMMIT_CONFIRMED)

    def commit(self):
        before = self.sent(self.work.create_stages())
        self.confirm_commit()
        return before, self.sent(self.work.after_end(self.server.run))


class Stopped(BaseException):
    pass


FAILURES = [ServerError("refused"), ConnectionLost("lost"), StatementTimeout("slow"), Stopped()]


def creating(*names):
    case = Case()
    for name in names:
        case.do(stages.create(name, f"file:///{name}/", credentials={"AWS_SECRET_KEY": name}))
    return case


def failing(case, text, error):
    case.server.broken[text] = error
    with pytest.raises(type(error)) as caught:
        case.server.run(case.work.create_stages())
    case.server.broken = {}
    return caught.value
