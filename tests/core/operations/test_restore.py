"""Restores, clones and point-in-time recoveries, driven by scripted answers."""

from datetime import UTC, datetime, timedelta

import pytest
from script import play, rows, texts

from matrixone_core.errors import (
    CommitUnknown,
    ConnectionLost,
    InvalidArgument,
    NotSupported,
    RestoreFailed,
    ServerError,
    SnapshotNotFound,
    StatementTimeout,
)
from matrixone_core.operations import clone, pitr, restore, snapshots
from matrixone_core.sql.past import (
    ChangedDefinitions,
    CheckForeignKeys,
    CountOrphans,
    CurrentDatabase,
    DatabasesThen,
    EndTransaction,
    Past,
    RestorePitr,
    TableIds,
)
from matrixone_core.sql.snapshot import SnapshotLevel
from matrixone_core.steps import Atomic, Reply

LEVELS = {"SNAPSHOT_LEVEL": "account", "ACCOUNT_NAME": "sys"}
NOW = rows({"reldatabase": "d", "relname": "t", "rel_id": 1}, {"reldatabase": "mysql", "relname": "user", "rel_id": 2})
LATER = rows({"reldatabase": "d", "relname": "t", "rel_id": 3})
THEN = rows({"Tables_in_d": "t", "Table_type": "BASE TABLE"})
PITR = {
    "PITR_NAME": "p", "PITR_LEVEL": "database", "PITR_LENGTH": 7, "PITR_UNIT": "d", "DATABASE_NAME": "d",
    "TABLE_NAME": "*", "CREATED_TIME": "2026-01-02 03:04:05", "MODIFIED_TIME": datetime(2026, 1, 2, 3, 4, 5),
}  # fmt: skip


def test_an_account_is_restored():
    steps, report = play(restore.account("S"), rows(LEVELS), rows({"Database": "d"}), THEN, rows(), NOW, Reply(), LATER)
    assert texts(steps)[5] == "RESTORE ACCOUNT `sys` {SNAPSHOT = 's'}"
    assert [(table.name, table.change) for table in report.tables] == [("d.t", "restore")]
    assert str(report) == "restored sys as of s\n  restore d.t"


def test_an_account_that_is_left_as_it_is():
    with pytest.raises(RestoreFailed, match=r"d\.t \(foreign keys that refer to it: none\)") as caught:
        play(restore.restore_tenant("s", "sys"), rows(LEVELS), rows(), NOW, Reply(), NOW, rows())
    assert caught.value.tables == ("d.t",)


def test_the_plan_for_an_account():
    tables = rows({"Tables_in_d": "t", "Table_type": "BASE TABLE"}, {"Tables_in_d": "v", "Table_type": "VIEW"})
    _, report = play(
        restore.account("s", plan=True),
        rows(LEVELS), rows({"Database": "d"}, {"Database": "mysql"}), tables, rows(), rows(), rows({"counted": 5}),
    )  # fmt: skip
    assert str(report) == "would restore sys as of s\n  create d.t (- -> 5 rows)"
    assert not report.executed


@pytest.mark.parametrize(
    ("found", "error"), [((), SnapshotNotFound), ((LEVELS | {"SNAPSHOT_LEVEL": "table"},), InvalidArgument)]
)
def test_what_is_no_snapshot_of_an_account(found, error):
    with pytest.raises(error, match="'s'"):
        play(restore.account("s"), rows(*found))


@pytest.mark.parametrize(
    "op",
    [restore.restore_database("s", "sys", "d", "other"), restore.restore_table("s", "sys", "d", "t", "other"),
     restore.restore_tenant("s", "sys", "other")],
)  # fmt: skip
def test_other_accounts_are_not_restored(op):
    with pytest.raises(NotSupported, match="to_account"):
        play(op)


def test_arguments_of_a_table():
    with pytest.raises(InvalidArgument, match="together"):
        play(restore.table("t", "s", to="u", replace_rows=True))


@pytest.mark.parametrize("none", [None, ""])  # what servers call no database
@pytest.mark.parametrize("arguments", [{"name": "t"}, {"name": "d.u", "to": "t"}])
def test_a_table_that_needs_its_database(none, arguments):
    with pytest.raises(InvalidArgument, match=r"'database\.t'") as caught:
        play(restore.table(**arguments, snapshot="s"), rows({"name": none}))
    assert caught.value.steps == [CurrentDatabase()]


@pytest.mark.parametrize("at", ["2026-01-02", 5, datetime(2026, 1, 2)], ids=repr)
def test_a_moment_has_a_time_zone(at):
    with pytest.raises(InvalidArgument, match="must be a datetime with a time zone"):
        play(restore.table("d.t", pitr="p", at=at))


def test_a_moment_is_written_in_the_servers_zone():
    at = datetime(2026, 1, 2, 4, 4, 5, 6, tzinfo=UTC) - timedelta(hours=1)
    steps, report = play(
        restore.table("d.t", pitr="P", at=at),
        rows({"moment": "2026-01-02 11:04:05.000006"}), rows(), NOW, Reply(), LATER,
    )  # fmt: skip
    assert texts(steps)[0] == "SELECT FROM_UNIXTIME(1767323045.000006) AS moment"
    assert texts(steps)[3] == "RESTORE DATABASE `d` TABLE `t` FROM PITR `P` '2026-01-02 11:04:05.000006'"
    assert report.moment == "2026-01-02 11:04:05.000006"
    steps, _ = play(
        restore.table("d.t", pitr="P", at=at, to="d.u"), rows({"moment": "2026-01-02 11:04:05.000006"}), rows(), Reply()
    )
    assert texts(steps)[-1].endswith("{TIMESTAMP = '2026-01-02 03:04:05.000006'}")  # which is read as UTC
    assert "".join(str(part) for part in Past(time="2026").parts()).startswith(" {TIMESTAMP = ")
    assert texts([DatabasesThen(Past("s")), RestorePitr(("d",), "p", "2026")]) == [
        "SHOW DATABASES {SNAPSHOT = 's'}", "RESTORE DATABASE `d` FROM PITR `p` '2026'",
    ]  # fmt: skip
    assert texts([TableIds(None)])[0].endswith("relkind = 'r'")


def test_the_plan_for_a_table_that_was_not_there():
    _, report = play(restore.table("d.t", "s", plan=True), rows(), rows(), NOW, rows({"counted": 2}))
    assert [(table.change, table.rows_now, table.rows_then) for table in report.tables] == [("drop", 2, None)]


def test_copies_are_planned_and_made():
    then = rows({"Tables_in_d": "t", "Table_type": "BASE TABLE"})
    _, report = play(restore.database("d", "s", to="e", plan=True), then, rows(), rows({"counted": 2}))
    assert str(report).endswith("create e.t (- -> 2 rows)")
    _, report = play(restore.table("d.t", "s", to="d.u", plan=True), rows(), rows({"counted": 2}))
    assert report.sql == ("CREATE TABLE `d`.`u` CLONE `d`.`t` {SNAPSHOT = 's'}",)
    steps, report = play(restore.table("d.t", "s", to="u"), rows({"name": "d"}), rows(), Reply())
    assert texts(steps)[2:] == ["CREATE TABLE `d`.`u` CLONE `d`.`t` {SNAPSHOT = 's'}"]
    assert report.executed
    with pytest.raises(InvalidArgument, match="target=''"):
        play(clone.database("", "d"))


TABLE = rows({"Create Table": "CREATE TABLE `t` (\n  `a` int DEFAULT NULL\n)"})


def test_rows_of_a_table_without_keys_are_replaced_in_an_ordinary_transaction():
    steps, _ = play(restore.table("d.t", "s", replace_rows=True), TABLE, rows(), (), None)
    assert isinstance(steps[-1], Atomic)
    assert texts(play(steps[-1].op, Reply(), Reply())[0])[1] == (
        "INSERT INTO `d`.`t` (`a`) SELECT `a` FROM `d`.`t` {SNAPSHOT = 's'}"
    )


ORPHANS = CountOrphans(("d", "t"), ("parent",), ("d", "parents"), ("id",))
UNCHECKED, CHECKED = CheckForeignKeys(enabled=False), CheckForeignKeys(enabled=True)


def replace_rows(*answers):
    """Play the transaction that replaces the rows of a table with a foreign key."""
    steps, _ = play(restore.table("d.t", "s", replace_rows=True), TABLE, rows(), (ORPHANS,), None)
    return play(steps[-1].op, *answers)


def test_foreign_keys_are_checked_again_whatever_happens():
    steps, _ = replace_rows(Reply(), Reply(), Reply(), rows({"counted": 0}), Reply(), Reply())
    assert [steps[0], *steps[3:]] == [UNCHECKED, ORPHANS, EndTransaction("COMMIT"), CHECKED]
    with pytest.raises(RestoreFailed, match=r"2 row\(s\) of d\.t refer to rows that d\.parents did not have") as caught:
        replace_rows(Reply(), Reply(), Reply(), rows({"counted": 2}), Reply(), Reply())
    assert caught.value.steps[4:] == [EndTransaction("ROLLBACK"), CHECKED]
    for error in (ConnectionLost("cut"), StatementTimeout("slow")):
        with pytest.raises(CommitUnknown):
            replace_rows(Reply(), Reply(), Reply(), rows({"counted": 0}), error)


@pytest.mark.parametrize("error", [ConnectionLost("cut"), StatementTimeout("slow")], ids=repr)
def test_nothing_is_sent_on_a_connection_that_an_error_has_closed(error):
    with pytest.raises(type(error)) as caught:
        replace_rows(Reply(), error)
    assert texts(caught.value.steps) == [str(UNCHECKED), "DELETE FROM `d`.`t` WHERE `a` IS NOT NULL OR `a` IS NULL"]


@pytest.mark.parametrize(
    ("span", "written"), [(timedelta(hours=36), "36 'h'"), (timedelta(days=2), "2 'd'"), ((3, "mo"), "3 'mo'")]
)
def test_ranges(span, written):
    steps, made = play(pitr.create("P", span, database="D", table="t"), Reply(), rows(PITR))
    assert texts(steps)[0] == f"CREATE PITR `p` FOR TABLE `d` `t` RANGE {written}"
    assert made.modified_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("span", [timedelta(minutes=5), timedelta(0), (1, "w"), (0, "d"), (101, "d"), 7, ("1", "d")])
def test_ranges_that_cannot_be(span):
    with pytest.raises(InvalidArgument, match="range="):
        play(pitr.alter("p", span))


def test_what_a_recovery_covers():
    assert (
        texts(play(pitr.create_account_pitr("p"), Reply(), rows(PITR))[0])[0]
        == "CREATE PITR `p` FOR ACCOUNT RANGE 1 'd'"
    )
    steps, _ = play(pitr.create_table_pitr("p", "d", "t", 2, "h"), Reply(), rows(PITR))
    assert texts(steps)[0].startswith("CREATE PITR `p` FOR TABLE `d` `t`")
    with pytest.raises(InvalidArgument, match="account_name"):
        play(pitr.create_account_pitr("p", "other"))
    with pytest.raises(InvalidArgument, match="needs database="):
        play(pitr.create("p", (1, "d"), table="t"))


def test_arguments_of_pruning():
    for arguments, says in (
        ({}, "keep_last="), ({"keep_last": -1}, "0 or more"), ({"older_than": datetime(2026, 1, 1)}, "time zone"),
        ({"older_than": 7}, "a timedelta, or a datetime"),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument, match=says):
            play(snapshots.prune("daily", **arguments))
    snapshot = {"SNAPSHOT_NAME": "daily1", "TIMESTAMP": "2026-01-02 03:04:05", "SNAPSHOT_LEVEL": "account",
                "DATABASE_NAME": "", "TABLE_NAME": ""}  # fmt: skip
    _, dropped = play(
        snapshots.prune("daily", older_than=timedelta(days=1)), rows({"now": 1_800_000_000}), rows(snapshot), Reply()
    )
    assert [found.name for found in dropped] == ["daily1"]


def test_a_recovery_among_others():
    assert play(pitr.get("p"), rows(PITR | {"PITR_NAME": "a"}, PITR))[1].name == "p"


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ({}, ["a1", "a2", "p"]),
        ({"like": "A%"}, ["a1", "a2"]),
        ({"level": "table"}, ["a2"]),
        ({"database": "D"}, ["a2", "p"]),
        ({"database": "d", "table": "T"}, ["a2"]),
        ({"level": SnapshotLevel.ACCOUNT, "like": "a_"}, ["a1"]),
    ],
)
def test_recoveries_are_listed_as_snapshots_are(selection, names):
    account = PITR | {"PITR_NAME": "a1", "PITR_LEVEL": "account", "DATABASE_NAME": "", "TABLE_NAME": ""}
    table = PITR | {"PITR_NAME": "a2", "PITR_LEVEL": "table", "DATABASE_NAME": "d", "TABLE_NAME": "t"}
    database = PITR | {"PITR_LEVEL": "database", "DATABASE_NAME": "d", "TABLE_NAME": ""}
    _, listed = play(pitr.list_(**selection), rows(account, table, database))
    assert [each.name for each in listed] == names


def test_a_clone_of_what_a_database_holds_now():
    steps, _ = play(clone.database("E", "d"), rows({"schema_name": "d"}), THEN, rows(), Reply())
    assert [texts(steps)[1], *texts(steps)[3:]] == ["SHOW FULL TABLES FROM `d`", "CREATE DATABASE `e` CLONE `d`"]
    assert texts(play(clone.table("u", "t"), rows(), Reply())[0])[1:] == ["CREATE TABLE `u` CLONE `t`"]


ODD = rows({"Tables_in_d": 'a"b', "Table_type": "BASE TABLE"}, {"Tables_in_d": 'v"w', "Table_type": "VIEW"})
REFUSED = r"""d\.a"b, d\.v"w; nothing was changed\. Instead, .*restore\.table"""


@pytest.mark.parametrize(
    ("op", "answers"),
    [(restore.database("d", "s"), (ODD,)), (restore.database("d", "s", plan=True), (ODD,)),
     (restore.account("s"), (rows(LEVELS), rows({"Database": "d"}), ODD)),
     (restore.database("d", pitr="p", at=datetime(2026, 1, 2, tzinfo=UTC)),
      (rows({"moment": "2026"}), rows(), rows(), NOW, ServerError("syntax error at line 1"), ODD))],
)  # fmt: skip
def test_names_that_the_server_does_not_restore(op, answers):
    with pytest.raises(RestoreFailed, match=REFUSED) as caught:
        play(op, *answers)
    assert caught.value.tables == ('d.a"b', 'd.v"w')
    assert "RESTORE" in caught.value.statement


def test_another_error_of_a_restore_stays_what_it_is():
    for answers in ((ServerError("syntax error at line 1"), THEN), (ServerError("out of range"),)):
        with pytest.raises(ServerError, match=r"syntax error|out of range"):
            play(
                restore.table("d.t", pitr="p", at=datetime(2026, 1, 2, tzinfo=UTC)),
                rows({"moment": "2026"}),
                rows(),
                NOW,
                *answers,
            )


@pytest.mark.parametrize("name", ['d.a"b', "d\\e.t"])
def test_a_table_that_the_server_does_not_restore(name):
    for arguments in ({"plan": True}, {}):
        with pytest.raises(RestoreFailed, match=r"to=, or its rows with replace_rows=True") as caught:
            play(restore.table(name, "s", **arguments))
        assert (caught.value.steps, caught.value.tables) == ([], (name,))
    steps, _ = play(restore.table(name, "s", to="d.u"), rows(), Reply())
    assert len(steps) == 2


def test_names_that_the_server_does_not_clone():
    with pytest.raises(NotSupported, match=r'a"b, v"w; nothing was changed. Clone its tables one by one'):
        play(clone.database("e", "d"), rows({"schema_name": "d"}), ODD)
    with pytest.raises(NotSupported, match=r'a"b, v"w'):
        play(restore.database("d", "s", to="e"), ODD)
    for target, source in (("e\\", "d"), ("e", "d\\")):
        with pytest.raises(NotSupported, match="backslash|in it, such as"):
            play(clone.database(target, source, snapshot="s"))
    with pytest.raises(RestoreFailed, match=r"clone its tables into another one") as caught:
        play(restore.database("d\\", "s"))
    assert caught.value.tables == ()


@pytest.mark.parametrize("name", ["a'b", "a\\b"])
def test_names_that_the_server_records_wrongly(name):
    for op in (
        snapshots.create("s", database="d", table=name), snapshots.create("s", database=name),
        snapshots.create("s", database=name, table="t"), pitr.create("p", (1, "d"), database=name),
        pitr.create("p", (1, "d"), database="d", table=name),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument, match=r"records it wrongly; (take a snapshot|cover)") as caught:
            play(op)
        assert caught.value.steps == []


def test_a_snapshot_of_a_table_takes_no_dot():
    for database, table in (("d.e", "t"), ("d", "t.u")):
        with pytest.raises(InvalidArgument, match="take a snapshot of the database"):
            play(snapshots.create("s", database=database, table=table))


CHANGED = rows(
    {"name": "t", "column_name": "a", "definition": None},
    {"name": "same", "column_name": "", "definition": r"create view same as select '\n', '\%'"},
    {"name": "v", "column_name": "", "definition": r"create view v as select 'a\\b'"},
)
NAMES = r"doubled: d\.t\.a, d\.v; nothing was changed\. With allow_changed_definitions=True"


@pytest.mark.parametrize(
    ("op", "answers", "error"),
    [
        (restore.database("d", "s"), (THEN,), RestoreFailed),
        (restore.account("s"), (rows(LEVELS), rows({"Database": "d"}), THEN), RestoreFailed),
        (restore.table("d.t", "s"), (), RestoreFailed),
        (restore.database("d", "s", to="e"), (THEN,), NotSupported),
        (restore.table("d.t", "s", to="d.u"), (), NotSupported),
        (clone.database("e", "d"), (rows({"schema_name": "d"}), THEN), NotSupported),
        (clone.table("u", "d.t"), (), NotSupported),
    ],
)
def test_definitions_that_the_server_would_change(op, answers, error):
    with pytest.raises(error, match=NAMES) as caught:
        play(op, *answers, CHANGED)
    assert getattr(caught.value, "tables", ()) == (("d.t", "d.v") if error is RestoreFailed else ())


def test_definitions_may_be_changed():
    steps, report = play(
        restore.database("d", "s", allow_changed_definitions=True), THEN, CHANGED, rows(), NOW, Reply(), LATER
    )
    assert report.changed_definitions == ("d.t.a", "d.v")
    assert str(report).splitlines()[2:] == [
        "  the server changes the definition of d.t.a",
        "  the server changes the definition of d.v",
    ]
    assert "table_schema = 'd' AND INSTR(view_definition, '\\\\') > 0" in texts(steps)[1]
    steps, _ = play(clone.table("u", "T", allow_changed_definitions=True), CHANGED, Reply())
    assert "WHERE table_schema = DATABASE() AND table_name = 't' AND" in texts(steps)[0]


@pytest.mark.parametrize(
    ("text", "is_changed"),
    [(r"'\n'", False), (r"'\_'", False), (r"'\\n'", True), (r"'it\'s'", True), (r"`a\b`", True), (r"'it''s' \ ", True)],
)
def test_texts_of_views(text, is_changed):
    found = ChangedDefinitions("d", None).parse(rows({"name": "v", "column_name": "", "definition": text}))
    assert bool(found) == is_changed


def test_a_moment_out_of_range_is_refused_by_the_restore_itself():
    unreadable = ServerError("invalid timestamp value, no corresponding snapshot")
    for answers, says in (((unreadable, NOW, ServerError("less than the pitr valid time")), "valid time"),
                          ((ServerError("too slow"),), "too slow")):  # fmt: skip
        with pytest.raises(ServerError, match=says):
            play(
                restore.table("d.t", pitr="p", at=datetime(2026, 1, 2, tzinfo=UTC)), rows({"moment": "2026"}), *answers
            )
    with pytest.raises(ServerError, match="no corresponding"):
        play(restore.table("d.t", "s"), unreadable)
