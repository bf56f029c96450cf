"""The unit of work: what it collects and shows, and what it sends at the commit, by scripted answers."""

import pytest
from script import rows
from session_case import MAY, Case, creating

from matrixone_core import catalog
from matrixone_core.errors import (
    CommitUnknown,
    ConnectionLost,
    DatabaseNotFound,
    InvalidArgument,
    LockTimeout,
    NotSupported,
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
from matrixone_core.operations import snapshots, stage_loads, stages
from matrixone_core.secrets import Credentials
from matrixone_core.session.unit_of_work import UnitOfWork
from matrixone_core.sql.files import ListNamed
from matrixone_core.sql.load import LoadData, S3Object, locate
from matrixone_core.sql.snapshot import CreateSnapshot
from matrixone_core.sql.stage import AlterStage, Stage
from matrixone_core.steps import Atomic, OutsideTransaction, with_time_limit


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


def test_files_of_a_created_stage_are_read_after_the_commit():
    case = Case()
    case.do(stages.create("new", "file:///n/"))
    with pytest.raises(NotSupported, match="seen once it commits"):
        case.do(iter(ListNamed("stage://new/", "a.csv")))
    case.server.empty = ("SELECT file",)
    assert case.do(iter(ListNamed("stage://other/", "a.csv"))) == 0
    assert "stage_list('stage://other/')" in case.server.sent[-1]


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
    changed = case.do(
        stages.alter("old", url="file:///new/", credentials={"aws_secret_key": "2"}, enable=False, comment="")
    )
    assert changed == Stage("old", "file:///new/", enabled=False, credentials=Credentials({"AWS_SECRET_KEY": "2"}))
    case.do(stages.alter("old", comment=""))
    case.do(stages.drop("other"))
    assert [stage.name for stage in case.do(stages.list_())] == ["old"]
    assert case.commit() == (
        [],
        [
            "ALTER STAGE `old` SET URL='file:///new/'",
            "ALTER STAGE `old` SET CREDENTIALS={'AWS_SECRET_KEY'='***'}",
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
        case.do(stages.alter("old", credentials={"AWS_SECRET_KEY": "2"}))
    case.do(stages.drop("old"))
    case.do(stages.create("old", "file:///2/"))
    assert case.commit()[1] == ["DROP STAGE IF EXISTS `old`", "CREATE STAGE `old` URL='file:///2/'"]


@pytest.mark.parametrize("step", [Atomic, OutsideTransaction, lambda op: with_time_limit(op, 3)])
def test_steps_with_operations_in_them_are_kept_too(step):
    case = Case()

    def op():
        yield from step(stages.create("a", "file:///"))

    case.do(op())
    assert case.commit() == (["CREATE STAGE `a` URL='file:///'"], [])


def loaded(case, stage, **options):
    case.server.sent.clear()
    case.do(stage_loads.read_csv_stage(stage, "d/a.csv", "t", on_conflict="unchecked", **options))
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
    assert locate(Stage("s", "s3://b"), "x") == S3Object("b", "x", Credentials())


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


def test_a_unit_of_work_tells_what_it_keeps():
    case = creating("a")
    assert str(case.work) == "1 pending change"
    case.do(snapshots.create("q", "account"))
    assert str(case.work) == "2 pending changes"
    case.work.record_error(LockTimeout("x"))
    assert str(case.work) == "rolled back by the server"
    assert str(UnitOfWork()) == "no pending changes"


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
