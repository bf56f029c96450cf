"""The unit of work: what it keeps, what it sends when, what it takes back, driven by scripted answers."""

import pickle

import pytest
from script import MemoryMachine, drive, rows, texts

from matrixone_core import catalog
from matrixone_core.errors import (
    CommitIncomplete,
    CommitUnknown,
    ConnectionLost,
    DatabaseNotFound,
    InvalidArgument,
    LockTimeout,
    NotConnected,
    PermissionDenied,
    ServerError,
    SnapshotExists,
    SnapshotNotFound,
    StageExists,
    StageNotFound,
    StatementTimeout,
    TableNotFound,
    TransactionAborted,
)
from matrixone_core.names import is_like
from matrixone_core.operations import loads, snapshots, stages
from matrixone_core.secrets import Credentials
from matrixone_core.server_errors import commit_unknown
from matrixone_core.session.transaction_state import TransactionEvent
from matrixone_core.session.unit_of_work import UNUSED_NAME, UnitOfWork
from matrixone_core.sql.connections import KillConnection, SelectConnectionId
from matrixone_core.sql.load import LoadData, S3Object, resolve_source
from matrixone_core.sql.snapshot import CreateSnapshot, ShowSnapshots
from matrixone_core.sql.stage import AlterStage, SelectStages, ShowStages, Stage, stage_of
from matrixone_core.sql.table import LoadState, SelectLoadState, ShowCreateTable
from matrixone_core.steps import Atomic, Call, GetRuntime, OutsideTransaction, Reply, Runtime, with_time_limit

DONE = Reply()
ROW = {
    "stage_name": "old", "url": "file:///old/", "stage_credentials": "K=1", "stage_status": "in_use",
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


def test_a_created_stage_is_kept_until_the_commit():
    case = Case()
    made = case.do(stages.create("New", "file:///n/", comment="hello"))
    assert made == Stage("new", "file:///n/", comment="hello", credentials=Credentials())
    assert case.sent() == []
    assert case.do(catalog.get("new")) == made
    assert case.do(stages.list_()) == (made,)
    assert case.do(stages.list_("x%")) == ()
    assert case.work
    assert case.commit() == (["CREATE STAGE `new` URL='file:///n/' COMMENT='hello'"], [])


def test_the_right_is_asked_for_once_and_aside():
    case = Case()
    case.do(stages.create("a", "file:///"))
    assert f"outside: {MAY}" in case.server.sent
    assert case.sent() == []
    case.do(stages.create("b", "file:///"))
    assert case.sent() == []
    case = Case()
    case.server.broken = {"DROP STAGE": PermissionDenied("no"), "DROP SNAPSHOT": PermissionDenied("no")}
    for op in (stages.create("a", "file:///"), stages.drop("a"), snapshots.create("p", "account"), snapshots.drop("p")):
        with pytest.raises(PermissionDenied):
            case.do(op)
    assert not case.work


def test_what_cannot_be_is_told_at_once():
    case = Case({}, snapshots=["p"])
    for op, error in (
        (stages.create("old", "file:///"), StageExists),
        (stages.alter("none", comment="x"), StageNotFound),
        (stages.drop("none"), StageNotFound),
        (snapshots.create("p", "account"), SnapshotExists),
        (snapshots.drop("none"), SnapshotNotFound),
    ):
        with pytest.raises(error):
            case.do(op)
    case.do(stages.create("old", "file:///", if_not_exists=True))
    case.do(stages.drop("none", if_exists=True))
    case.do(snapshots.drop("none", if_exists=True))
    assert not case.work
    assert case.commit() == ([], [])


def test_an_alter_of_a_stage_that_vanishes_in_between():
    case = Case({})

    def op():
        yield from AlterStage("gone", comment="x")

    with pytest.raises(StageNotFound, match="gone"):
        case.do(op())


def test_changes_and_drops_come_after_the_commit():
    case = Case({}, {"stage_name": "other"})
    changed = case.do(stages.alter("old", url="file:///new/", credentials={"k": "2"}, enable=False, comment=""))
    assert changed == Stage("old", "file:///new/", enabled=False, credentials=Credentials({"K": "2"}))
    case.do(stages.alter("old", comment=""))
    case.do(stages.drop("other"))
    assert [stage.name for stage in case.do(stages.list_())] == ["old"]
    assert case.commit() == (
        [],
        [
            "ALTER STAGE `old` SET URL='file:///new/'",
            "ALTER STAGE `old` SET CREDENTIALS={'K'='***'}",
            "ALTER STAGE `old` SET ENABLE=FALSE",
            "ALTER STAGE `old` SET COMMENT=''",
            "DROP STAGE IF EXISTS `other`",
        ],
    )


def test_what_comes_to_nothing_sends_nothing():
    case = Case({})
    case.do(stages.create("a", "file:///"))
    case.do(stages.drop("a"))
    case.do(stages.alter("old", comment="x"))
    case.do(stages.alter("old", comment="c"))
    case.do(snapshots.create("s", "account"))
    case.do(snapshots.drop("s"))
    assert not case.work
    assert case.commit() == ([], [])


def test_a_stage_dropped_and_created_anew():
    case = Case({})
    case.do(stages.drop("old"))
    case.do(stages.create("old", "file:///2/"))
    case.do(stages.alter("old", enable=False))
    after = ["DROP STAGE IF EXISTS `old`", "CREATE STAGE `old` URL='file:///2/'", "ALTER STAGE `old` SET ENABLE=FALSE"]
    assert case.commit() == ([], after)
    case = Case({})
    case.do(stages.drop("old"))
    case.do(stages.create("old", "file:///2/"))
    assert case.commit() == ([], after[:2])


def test_a_stage_created_disabled():
    case = Case()
    case.do(stages.create("a", "file:///"))
    case.do(stages.alter("a", enable=False))
    before = ["CREATE STAGE `a` URL='file:///'", "ALTER STAGE `a` SET ENABLE=FALSE"]
    assert case.commit() == (before, [])


def test_an_ordinary_users_session_sees_stages_aside():
    case = Case({})
    case.server.broken = {"SELECT stage_name": PermissionDenied("no")}
    assert case.do(stages.list_())[0].credentials is None
    assert case.do(catalog.get("old")).url == "file:///old/"
    with pytest.raises(PermissionDenied, match="cannot be read"):
        case.do(stages.alter("old", credentials={"K": "2"}))
    case.do(stages.drop("old"))
    case.do(stages.create("old", "file:///2/"))
    assert case.commit()[1] == ["DROP STAGE IF EXISTS `old`", "CREATE STAGE `old` URL='file:///2/'"]


@pytest.mark.parametrize(
    ("pattern", "found"), [("a%", True), ("a_c", True), ("a\\_c", False), ("%C", False), ("%c", True), ("ab", False)]
)
def test_like(pattern, found):
    assert is_like("abc", pattern) is found


@pytest.mark.parametrize("step", [Atomic, OutsideTransaction, lambda op: with_time_limit(op, 3)])
def test_steps_with_operations_in_them_are_kept_too(step):
    case = Case()

    def op():
        yield from step(stages.create("a", "file:///"))

    case.do(op())
    assert case.commit() == (["CREATE STAGE `a` URL='file:///'"], [])


# -- loads -----------------------------------------------------------------------------------------------------------


def loaded(case, stage, **options):
    case.server.sent.clear()
    case.do(loads.read_csv_stage(stage, "d/a.csv", "t", on_conflict="unchecked", **options))
    return case.server.sent[-1].replace("atomic: ", "")


def test_loads_from_kept_stages_name_the_place_itself():
    case = Case({}, {"stage_name": "same"})
    case.do(stages.create("a", "file:///data"))
    case.do(stages.create("b", "stage://a/sub/"))
    case.do(stages.create("c", "stage://old/sub"))
    case.do(stages.alter("old", url="s3://bucket/pre/", credentials={"ENDPOINT": "http://e", "AWS_SECRET_KEY": "hush"}))
    assert loaded(case, "a").startswith("LOAD DATA INFILE '/data/d/a.csv' INTO TABLE `t`")
    assert loaded(case, "b").startswith("LOAD DATA INFILE '/data/sub/d/a.csv' INTO")
    assert loaded(case, "b", compression="gzip", timeout=5).startswith(
        "LOAD DATA INFILE {'filepath'='/data/sub/d/a.csv', 'compression'='gzip', 'format'='csv'} INTO"
    )
    assert loaded(case, "same").startswith("LOAD DATA INFILE 'stage://same/d/a.csv' INTO")
    assert loaded(case, "c", compression="none").startswith(
        "LOAD DATA URL s3option {'bucket'='bucket', 'filepath'='pre/sub/d/a.csv', 'endpoint'='http://e', "
        "'secret_access_key'='***', 'compression'='none'} INTO"
    )
    source = S3Object("b", "k", Credentials({"AWS_KEY_ID": "i"}))
    assert str(LoadData(source, ("t",))).startswith(
        "LOAD DATA URL s3option {'bucket'='b', 'filepath'='k', 'access_key_id'='***'} INTO"
    )
    with pytest.raises(InvalidArgument, match="timeout"):
        loaded(case, "a", timeout=0)
    case.do(stages.drop("same"))
    with pytest.raises(StageNotFound, match="same"):
        loaded(case, "same")

    def parent_dropped():
        yield from LoadData("stage://same/x", ("t",))

    with pytest.raises(StageNotFound, match="this session has dropped it"):
        case.do(parent_dropped())


def test_an_object_of_a_stage_without_credentials():
    assert resolve_source("stage://s/x", lambda name: Stage(name, "s3://b")) == S3Object("b", "x", Credentials())


# -- snapshots -------------------------------------------------------------------------------------------------------


def test_snapshots_come_last():
    case = Case(snapshots=["p"])
    case.do(snapshots.drop("p"))
    made = case.do(snapshots.create("q", "table", "d", "t"))
    assert (made.name, made.level, made.database, made.table, made.created_time) == ("q", "table", "d", "t", None)
    case.do(snapshots.create("r", "database", "d"))
    case.do(stages.create("a", "file:///"))
    assert [snapshot.name for snapshot in case.do(snapshots.list_())] == ["q", "r"]
    assert case.commit() == (
        ["CREATE STAGE `a` URL='file:///'"],
        [
            "DROP SNAPSHOT IF EXISTS `p`",
            "CREATE SNAPSHOT `q` FOR TABLE `d` `t`",
            "CREATE SNAPSHOT `r` FOR DATABASE `d`",
        ],
    )


def test_a_snapshot_of_nothing_is_refused():
    case = Case()
    for op, text, error in (
        (snapshots.create("q", "database", "D"), "SELECT schema_name", DatabaseNotFound),
        (snapshots.create("q", "table", "d", "t"), "SELECT column_name", TableNotFound),
    ):
        with pytest.raises(error):
            answered(case, op, text)
    assert not case.work


def answered(case, op, empty):
    """Run with an empty reply to one question."""
    original = case.server.execute

    def execute(statement, where=""):
        return statement.parse(rows()) if str(statement).startswith(empty) else original(statement, where)

    case.server.execute = execute
    try:
        case.do(op)
    finally:
        case.server.execute = original


# -- when a step fails -----------------------------------------------------------------------------------------------


class Stopped(BaseException):
    pass


FAILURES = [ServerError("refused"), ConnectionLost("lost"), StatementTimeout("slow"), Stopped()]


def creating(*names):
    case = Case()
    for name in names:
        case.do(stages.create(name, f"file:///{name}/", credentials={"K": name}))
    return case


def failing(case, text, error):
    case.server.broken[text] = error
    with pytest.raises(type(error)) as caught:
        case.server.run(case.work.create_stages())
    case.server.broken = {}
    return caught.value


@pytest.mark.parametrize("error", FAILURES, ids=repr)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_creation_that_fails_takes_back_those_before_it(at, error):
    case = creating("a", "b", "c")
    name = "abc"[at]
    case.server.sent.clear()
    assert failing(case, f"CREATE STAGE `{name}`", error) is error
    dropped = [text for text in case.server.sent if "DROP" in text]
    assert dropped == [f"outside: DROP STAGE IF EXISTS `{one}`" for one in reversed("abc"[:at])]
    assert case.sent(case.work.after_end(case.server.run)) == []  # rolled back: nothing is left to undo


@pytest.mark.parametrize(
    ("found", "drops"),
    [
        ({"url": "file:///a/", "comment": "", "stage_credentials": "K=a"}, True),  # ours: it was created
        ({"url": "file:///theirs/", "comment": "", "stage_credentials": "K=a"}, False),
        ({"url": "file:///a/", "comment": "", "stage_credentials": "K=b"}, False),
        ({"url": "file:///a/", "comment": "theirs", "stage_credentials": "K=a"}, False),
    ],
)
@pytest.mark.parametrize("error", FAILURES[1:], ids=repr)
def test_a_creation_without_an_answer_is_looked_for(found, drops, error):
    case = creating("a")
    case.server.stages = [{**ROW, "stage_name": "a", **found}]
    case.server.sent.clear()
    failing(case, "CREATE STAGE", error)
    assert ("outside: DROP STAGE IF EXISTS `a`" in case.server.sent) is drops


@pytest.mark.parametrize("kills", [0, 2, 1000])
def test_the_connection_of_a_creation_without_an_answer_is_ended(kills):
    case = creating("a")
    case.server.sent.clear()
    case.server.kills = kills
    failing(case, "CREATE STAGE", ConnectionLost("lost"))
    sent = case.server.sent
    assert sent[:2] == [
        "outside: SELECT CONNECTION_ID() AS id",
        "outside: CREATE STAGE `a` URL='file:///a/' CREDENTIALS={'K'='***'}",
    ]
    last = len(sent) - 1 - sent[::-1].index("outside: KILL 7")
    assert sent.count("outside: KILL 7") == pytest.approx(min(kills + 1, 80), abs=1 if kills > 80 else 0)
    assert sent[last + 1].startswith("outside: SELECT stage_name")


def test_a_connection_whose_statement_was_stopped_is_left_alone():
    case = creating("a")
    failing(case, "CREATE STAGE", StatementTimeout("too long"))
    assert not [text for text in case.server.sent if "KILL" in text]


def test_a_creation_without_an_answer_by_who_may_not_read_credentials():
    case = creating("a")
    case.server.stages = [{**ROW, "stage_name": "a", "url": "file:///a/", "comment": ""}]
    case.server.broken["SELECT stage_name"] = PermissionDenied("no")
    case.server.sent.clear()
    failing(case, "CREATE STAGE", ConnectionLost("lost"))
    assert "outside: DROP STAGE IF EXISTS `a`" in case.server.sent


def test_what_cannot_be_taken_back_is_noted():
    case = creating("a", "b")
    case.server.broken = {"DROP STAGE": ServerError("no drop"), "SELECT stage_name": ServerError("no look")}
    error = failing(case, "CREATE STAGE `b`", ConnectionLost("lost"))
    assert error.__notes__ == [
        "the stage 'b' may have been created, and must be looked for: no look",
        "the stage 'a' could not be dropped again: no drop",
    ]


def test_a_refused_change_of_a_new_stage_takes_it_back():
    case = creating("a")
    case.do(stages.alter("a", enable=False))
    case.server.sent.clear()
    failing(case, "ALTER STAGE", ServerError("no"))
    assert case.server.sent[-1] == "outside: DROP STAGE IF EXISTS `a`"


def test_a_refused_commit_takes_the_stages_back():
    case = creating("a", "b")
    case.server.run(case.work.create_stages())
    assert case.sent(case.work.after_end(case.server.run)) == ["DROP STAGE IF EXISTS `b`", "DROP STAGE IF EXISTS `a`"]
    case = creating("a")
    case.server.run(case.work.create_stages())
    case.server.broken["DROP STAGE"] = ServerError("no drop")
    with pytest.raises(ServerError, match="'a' could not be dropped again: no drop"):
        case.server.run(case.work.after_end(case.server.run))


def test_an_unanswered_commit_undoes_nothing():
    case = creating("a")
    case.do(snapshots.create("p", "account"))
    case.server.run(case.work.create_stages())
    error = CommitUnknown("?")
    case.send_commit()
    case.work.record_unanswered_commit(error)
    assert (error.stages, error.pending) == (("a",), (CreateSnapshot("p", "account"),))
    assert str(case.work) == "committed or not"
    with pytest.raises(CommitUnknown) as caught:
        case.work.check()
    assert caught.value is error
    assert case.sent(case.work.after_end(case.server.run)) == []


UNKNOWN = commit_unknown(ConnectionLost("no answer", code=2013))


def test_a_commit_of_another_connection_is_not_the_sessions():
    """Whether it is a question's, a kept stage's or that of taking one back: the session's COMMIT was not sent."""
    case = Case()
    case.server.broken["DROP STAGE"] = UNKNOWN
    with pytest.raises(ConnectionLost, match="COMMIT is not sent") as caught:
        case.do(stages.create("a", "file:///"))
    assert (type(caught.value), caught.value.code, caught.value.retryable) == (ConnectionLost, 2013, True)
    assert caught.value.__cause__ is UNKNOWN.__cause__
    case.server.broken = {}
    case.do(stages.create("a", "file:///"))
    case.server.broken = {"CREATE STAGE": UNKNOWN}
    with pytest.raises(ConnectionLost) as caught:
        case.server.run(case.work.create_stages())
    assert type(caught.value) is ConnectionLost
    case.server.broken = {"DROP STAGE": UNKNOWN}
    case.server.run(case.work.create_stages())
    with pytest.raises(ConnectionLost, match="could not be dropped again") as caught:
        case.server.run(case.work.after_end(case.server.run))
    assert type(caught.value) is ConnectionLost


def test_somebody_elses_stage_is_as_good_where_that_was_said():
    case = Case()
    case.do(stages.create("a", "file:///", if_not_exists=True))
    case.do(stages.create("b", "file:///"))
    case.server.broken["CREATE STAGE `a`"] = StageExists("theirs")
    case.server.sent.clear()
    assert failing(case, "CREATE STAGE `b`", StageExists("taken"))
    assert not any("DROP" in text for text in case.server.sent)  # theirs is not ours to drop


@pytest.mark.parametrize("error", FAILURES[:3], ids=repr)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_follows_the_commit_and_fails_can_be_resumed(at, error):
    case = Case({})
    case.do(stages.create("new", "file:///"))
    case.do(stages.alter("old", comment="x"))
    case.do(snapshots.create("q", "account"))
    case.do(snapshots.create("r", "account"))
    steps = ["ALTER STAGE `old` SET COMMENT='x'", "CREATE SNAPSHOT `q` FOR ACCOUNT", "CREATE SNAPSHOT `r` FOR ACCOUNT"]
    case.server.run(case.work.create_stages())
    case.confirm_commit()
    case.server.broken[steps[at]] = error
    with pytest.raises(CommitIncomplete, match=str(error)) as caught:
        case.server.run(case.work.after_end(case.server.run))
    assert texts(caught.value.committed) == ["CREATE STAGE `new` URL='file:///'", "COMMIT", *steps[:at]]
    assert texts(caught.value.pending) == steps[at:]
    with pytest.raises(CommitIncomplete) as again:
        caught.value.resume()
    assert again.value.pending == caught.value.pending
    case.server.broken = {}
    case.server.sent.clear()
    again.value.resume()
    looks = ["outside: SHOW SNAPSHOTS"] if at and type(error) is not ServerError else []
    assert case.server.sent == looks + [f"outside: {text}" for text in steps[at:]]
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.pending) == (str(caught.value), caught.value.pending)
    with pytest.raises(NotConnected, match="by hand"):
        twin.resume()


@pytest.mark.parametrize("taken", [True, False])
def test_a_snapshot_without_an_answer_is_looked_for_when_resumed(taken):
    case = Case()
    case.do(snapshots.create("q", "account"))
    case.do(snapshots.create("r", "account"))
    case.server.run(case.work.create_stages())
    case.confirm_commit()
    case.server.broken["CREATE SNAPSHOT `q`"] = ConnectionLost("lost")
    with pytest.raises(CommitIncomplete) as caught:
        case.server.run(case.work.after_end(case.server.run))
    case.server.broken = {}
    case.server.snapshots = ["q"] if taken else []
    case.server.sent.clear()
    caught.value.resume()
    left = ["outside: CREATE SNAPSHOT `q` FOR ACCOUNT", "outside: CREATE SNAPSHOT `r` FOR ACCOUNT"]
    assert case.server.sent == ["outside: SHOW SNAPSHOTS", *left[taken:]]


@pytest.mark.parametrize("at", [0, 1])
def test_a_cancellation_after_the_commit_says_what_is_left(at):
    case = Case()
    steps = ["CREATE SNAPSHOT `q` FOR ACCOUNT", "CREATE SNAPSHOT `r` FOR ACCOUNT"]
    case.do(snapshots.create("q", "account"))
    case.do(snapshots.create("r", "account"))
    case.confirm_commit()
    case.server.broken[steps[at]] = Stopped()
    with pytest.raises(Stopped) as caught:
        case.server.run(case.work.after_end(case.server.run))
    assert caught.value.__notes__ == [f"the rows are committed, but not all that follows: {'; '.join(steps[at:])}"]


def test_a_unit_of_work_tells_what_it_keeps():
    case = creating("a")
    assert str(case.work) == "1 pending change"
    case.do(snapshots.create("q", "account"))
    assert str(case.work) == "2 pending changes"
    case.work.record_error(LockTimeout("x"))
    assert str(case.work) == "rolled back by the server"
    assert str(UnitOfWork()) == "no pending changes"


# -- when the transaction is gone ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "retryable"), [(LockTimeout("x"), True), (ConnectionLost("x"), True), (StatementTimeout("x"), False)]
)
def test_a_transaction_that_is_gone_takes_nothing_more(error, retryable):
    case = creating("a")
    case.work.record_error(ServerError("no matter"))
    case.work.check()
    case.work.record_error(error)
    case.work.record_error(LockTimeout("a later one"))
    with pytest.raises(TransactionAborted, match=type(error).__name__) as caught:
        case.work.check()
    assert caught.value.retryable is retryable
    assert caught.value.__cause__ is error
    with pytest.raises(TransactionAborted):
        case.server.run(case.work.create_stages())
    assert case.sent() == []
