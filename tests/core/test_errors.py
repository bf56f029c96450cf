"""From a server's or a driver's words to the error that they mean."""

import ast
import errno
import pickle
import socket
from pathlib import Path

import pymysql
import pytest
from sqlalchemy.exc import OperationalError

from matrixone import errors as public
from matrixone_core import errors, execution, messages, server_errors, targets
from matrixone_core.names import check_one_character, check_text, stage_name, stage_path, stage_url, table_name
from matrixone_core.operations import snapshots, tables
from matrixone_core.secrets import Credentials, Secret
from matrixone_core.session.retry import retry
from matrixone_core.settings import Settings
from matrixone_core.sql.ddl import CreateTable
from matrixone_core.sql.files import SaveFile
from matrixone_core.sql.load import LoadData
from matrixone_core.sql.snapshot import CreateSnapshot, SnapshotLevel
from matrixone_core.sql.stage import CreateStage, DropStage, SelectStages


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (20101, "internal error: the stage s1 exists", errors.StageExists),
        (20101, "internal error: the stage nope not exists", errors.StageNotFound),
        (20300, "invalid configuration: Stage nonesuch not found", errors.StageNotFound),
        (20101, "internal error: do not have privilege to execute the statement", errors.PermissionDenied),
        (1142, "SELECT command denied", errors.PermissionDenied),
        (20301, "invalid input: the file does not exist in load flow", errors.StageFileNotFound),
        (20405, "file none.csv is not found", errors.StageFileNotFound),
        (20101, "internal error: snapshot snd already exists", errors.SnapshotExists),
        (20101, "internal error: snapshot nope does not exist", errors.SnapshotNotFound),
        (20101, "internal error: find 0 snapshot records by name(nope), expect only 1", errors.SnapshotNotFound),
        (1007, "database dd already exists", errors.DatabaseExists),
        (20101, "internal error: database dd already exists", errors.DatabaseExists),
        (20101, "internal error: database nope does not exist", errors.DatabaseNotFound),
        (1049, "Unknown database nope", errors.DatabaseNotFound),
        (20101, "internal error: table cf.nope does not exist", errors.TableNotFound),
        (1064, 'SQL parser error: table "nope" does not exist', errors.TableNotFound),
        (1146, "no such table cf.nope", errors.TableNotFound),
        (1050, "table dd already exists", errors.TableExists),
        (1062, "Duplicate entry '50' for key 'id'", errors.DuplicateKey),
        (1205, "Lock wait timeout exceeded", errors.LockTimeout),
        (20701, "deadlock detected", errors.Deadlock),
        (20634, "txn need retry in rc mode", errors.TransactionAborted),
        (20619, "w-w conflict", errors.WriteConflict),
        (20609, "txn write conflict abc", errors.WriteConflict),
        (20101, "internal error: account `sys` already has a pitr", errors.PitrExists),
        (20101, "internal error: cluster level pitr already exists", errors.PitrExists),
        (20101, 'internal error: Get "http://minio/data": the message is Access Denied', errors.PermissionDenied),
        (1105, "Access Denied.", errors.PermissionDenied),
        (
            1105,
            "operation error S3: GetObject, StatusCode: 403, api error AccessDenied: Access Denied",
            errors.PermissionDenied,
        ),
        (2013, "Lost connection to MySQL server during query", errors.ConnectionLost),
        (20101, "internal error: invalid input", errors.ServerError),
        (None, "", errors.ServerError),
    ],
)
def test_what_codes_and_words_mean(code, words, kind):
    assert server_errors.classify(code, words) is kind


SAID_BY_THE_SERVER = [
    "the stage x exists", "the stage x not exists", "Stage x not found", "do not have privilege to execute the statement",
    "Access denied", "the file does not exist in load flow", "snapshot x already exists", "snapshot x does not exist",
    "find 0 snapshot records by name(x), expect only 1", "pitr x does not exist", "pitr x already exists",
    "database x does not exist", "database x already exists", "no such table x", "table x does not exist", "table x already exists", "w-w conflict",
    "txn write conflict x",
]  # fmt: skip


@pytest.mark.parametrize("value", SAID_BY_THE_SERVER)
def test_a_value_in_a_message_means_nothing(value):
    quoting = [
        (1062, f"Duplicate entry '{value}' for key 'name'", errors.DuplicateKey),
        (20203, f"invalid argument cast to int, bad value {value}", errors.ServerError),
        (20301, f"invalid input: {value} beyond the range, can't be converted to Decimal64(5,2).", errors.ServerError),
        (20101, f"internal error: malformed vector input: {value}", errors.ServerError),
        (1406, f"Can't cast '{value}' to VARCHAR type. Src length 40 is larger than Dest length 3", errors.ServerError),
        (1064, f'SQL parser error: syntax error at line 1 column 11 near "{value}"', errors.ServerError),
    ]
    assert [server_errors.classify(code, words) for code, words, _ in quoting] == [kind for *_, kind in quoting]


def test_a_doubled_key_is_a_stage_or_a_snapshot_only_where_one_is_created():
    words = "Duplicate entry 's1' for key 'stage_name'"
    kinds = {
        CreateStage("s", "file:///"): errors.StageExists,
        CreateSnapshot("s", SnapshotLevel.ACCOUNT): errors.SnapshotExists,
        LoadData("f", ("t",)): errors.DuplicateKey,
        None: errors.DuplicateKey,
    }
    assert {each: type(server_errors.from_driver(wrapped(1062, words), each)) for each in kinds} == kinds


def wrapped(code, words, *, gone=False):
    return OperationalError("LOAD DATA …", {}, pymysql.err.OperationalError(code, words), connection_invalidated=gone)


def test_what_the_server_said_is_kept():
    error = server_errors.from_driver(wrapped(1205, "Lock wait timeout exceeded"), DropStage("s"))
    assert isinstance(error, errors.LockTimeout)
    assert isinstance(error, errors.TransactionAborted)
    assert (str(error), error.code, error.sqlstate) == ("Lock wait timeout exceeded", 1205, "HY000")
    assert (error.statement, error.retryable) == ("DROP STAGE `s`", True)
    assert isinstance(error.__cause__, pymysql.err.OperationalError)
    assert error.__cause__.__traceback__ is None
    assert error.__cause__.args == (1205, "Lock wait timeout exceeded")


def test_a_long_value_in_the_servers_words_is_cut():
    words = f"invalid argument cast to int, bad value {'x' * 100_000} for column 3"
    error = server_errors.from_driver(wrapped(20203, words))
    for shown in (str(error), repr(error), str(error.__cause__)):
        assert len(shown) < 1_100
        assert "bad value xxx" in shown
        assert "for column 3" in shown
    assert error.message == words
    assert len(str(error.about("a.csv").with_remedy("do this"))) == messages.LONGEST_MESSAGE


def test_a_refused_load_is_a_failed_load():
    error = server_errors.from_driver(
        wrapped(20101, "internal error: the input value 'x' is not int32"), LoadData("f", ("t",))
    )
    assert type(error) is errors.LoadFailed
    assert type(server_errors.from_driver(wrapped(20101, "internal error"))) is errors.ServerError


def test_a_statement_without_a_database_says_how_to_give_one():
    error = server_errors.from_driver(wrapped(1046, "No database selected"))
    assert str(error) == "No database selected; name the table as 'database.table', or connect with database="
    assert error.message == "No database selected"


@pytest.mark.parametrize(
    ("code", "words", "shown"),
    [
        (1045, "Access denied for user root", "Access denied for user root; check the user and the password"),
        (20101, "internal error: there is no user it", "there is no user it; check the account, the user and the role"),
        (20101, "internal error: out of it", "out of it"),
    ],
)
def test_a_refused_login_says_what_to_check(code, words, shown):
    error = server_errors.cannot_connect(pymysql.err.OperationalError(code, words), "h:1 as root")
    assert str(error) == f"cannot connect to h:1 as root: {shown}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("internal error: the stage s1 exists", "the stage s1 exists"),
        ("invalid configuration: Stage nope not found", "Stage nope not found"),
        ('SQL parser error: table "nope" does not exist', 'table "nope" does not exist'),
        ("internal error: find 0 snapshot records by name(nope), expect only 1", "there is no snapshot 'nope'"),
        ("internal error: invalid input", "internal error: invalid input"),
    ],
)
def test_what_a_class_names_is_called_no_internal_error(words, said):
    error = server_errors.from_driver(wrapped(20101, words), DropStage("s"))
    assert error.message == said
    assert error.__cause__.args == (20101, words)


def test_a_connection_that_the_driver_gave_up_is_lost():
    assert isinstance(server_errors.from_driver(wrapped(20101, "eof", gone=True)), errors.ConnectionLost)
    assert isinstance(server_errors.from_driver(wrapped(2013, "lost", gone=True)), errors.ConnectionLost)


LOST = OperationalError("SELECT …", {}, pymysql.err.OperationalError(2013, "Lost connection"))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (LoadData("f", ("t",)), "; COMMIT was not sent yet, so that nothing of the transaction is committed"),
        (SelectStages(), "; COMMIT was not sent yet"),
        (DropStage("s"), "; the server may have executed the statement, which takes effect at once"),
        (SaveFile("stage://s/f", b"x"), "; the server may have executed the statement"),
    ],
)
def test_a_lost_connection_says_whether_anything_can_have_been_done(statement, says):
    error = server_errors.from_driver(LOST, statement)
    assert type(error) is errors.ConnectionLost
    assert str(error).startswith(f"Lost connection{says}")


def test_a_lost_connection_of_unknown_statements_promises_nothing():
    assert str(server_errors.from_driver(LOST)) == "Lost connection"


def test_a_definition_that_is_no_sql_is_no_table_that_exists():
    create = CreateTable(("t",), (("id", "intt"),))
    assert type(server_errors.from_driver(wrapped(1064, "SQL parser error: near 'intt'"), create)) is errors.ServerError
    assert type(server_errors.from_driver(wrapped(1050, "table t already exists"), create)) is errors.TableExists


@pytest.mark.parametrize(
    "written", [r"open'se\same", r"open''se\\same", r"open''''se\\\\same", r"open\'\'se\\\\same"], ids=range(4)
)
def test_secrets_are_cut_out_of_what_the_server_says(written):
    """As they were given, as the server reads them twice, and as the text of a statement has them."""
    statement = CreateStage("s", "s3://b/", Credentials({"AWS_SECRET_KEY": r"open'se\same"}))
    error = server_errors.from_driver(wrapped(1105, f"syntax error near {written}"), statement)
    shown = f"{error}{error!r}{error.__cause__!r}{error.statement}"
    assert "syntax error near ***" in shown
    assert "open" not in shown
    assert "same" not in shown


def test_an_error_of_another_shape_is_still_told():
    class Odd(Exception):
        def __init__(self):
            super().__init__("odd")

    error = server_errors.from_driver(OperationalError("x", {}, Odd()))
    assert str(error) == "odd"
    assert error.code is None
    assert str(error.__cause__) == "odd"
    assert server_errors.cannot_connect(None, "here").__cause__ is None


def test_what_keeps_a_connection_from_being_made():
    system = pymysql.err.OperationalError(2003, "Can't connect to MySQL server on 'h'")
    system.__cause__ = ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)")
    error = server_errors.cannot_connect(system, "h:1 as root")
    assert str(error).startswith(
        "cannot connect to h:1 as root: Can't connect to MySQL server on 'h': Connection refused;"
    )
    assert "is the server running?" in str(error)
    assert error.retryable
    late = pymysql.err.OperationalError(2003, "Can't connect")
    late.original_exception = TimeoutError()
    assert "timed out" in str(server_errors.cannot_connect(late, "h:1 as root"))
    wrong = server_errors.cannot_connect(
        pymysql.err.OperationalError(1045, "Access denied for user root"), "h:1 as root"
    )
    assert (wrong.retryable, wrong.code, wrong.sqlstate) == (False, 1045, "28000")
    assert "serve" not in str(wrong)


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"),
            server_errors.START_SERVER,
        ),
        (
            OSError(f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] Connect call failed ('::1', 1), …"),
            server_errors.START_SERVER,
        ),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), server_errors.CHECK_HOST),
        (OSError(errno.EHOSTUNREACH, "No route to host"), ""),
        (TimeoutError(), ""),
    ],
)
@pytest.mark.parametrize("link", ["__cause__", "original_exception"])
def test_what_helps_against_a_connection_that_cannot_be_made(cause, remedy, link):
    failed = pymysql.err.OperationalError(2003, "Can't connect to MySQL server on 'h'")
    setattr(failed, link, cause)
    error = server_errors.cannot_connect(failed, "h:1 as root")
    assert error.remedy == remedy
    assert error.retryable  # a host may come up, its name may become known


def test_a_commit_without_an_answer():
    lost = server_errors.from_driver(wrapped(2013, "Lost connection", gone=True))
    unknown = server_errors.commit_unknown(lost)
    assert isinstance(unknown, errors.ConnectionLost)
    assert not unknown.retryable
    assert unknown.code == 2013
    assert "may have committed or not" in str(unknown)


def test_errors_can_be_pickled_and_are_all_public():
    error = server_errors.from_driver(wrapped(1205, "Lock wait timeout exceeded"), DropStage("s"))
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin), twin.code, twin.statement) == (type(error), str(error), error.code, error.statement)
    found = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.MatrixOneError)
    }
    assert found == set(public.__all__)
    assert all(name in errors.__doc__ for name in found)


def test_whose_fault_it_is_shows_in_the_tree():
    assert issubclass(errors.InvalidArgument, ValueError)
    assert not issubclass(errors.ConnectionFailed, errors.ServerError)
    assert "pool_size" in str(server_errors.no_connection_free(Exception("QueuePool limit")))


def test_what_an_error_is_about_comes_before_its_words():
    error = errors.LoadFailed("no such column", code=7, sqlstate="HY000", statement="LOAD DATA")
    error.report = "report"
    named = error.about("stage://s/a.csv")
    assert (type(named), str(named)) == (errors.LoadFailed, "stage://s/a.csv: no such column")
    assert (named.code, named.sqlstate, named.statement, named.report) == (7, "HY000", "LOAD DATA", "report")
    assert str(error) == "no such column"
    assert named.about("stage://s/a.csv") is named


FILE = "id,name\n" * 100_000
WRONG = (FILE, FILE.encode(), bytearray(FILE.encode()), [FILE, 1], {"a": [FILE] * 30}, list(range(100_000)), {FILE})


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_messages_quote_no_whole_file(value):
    """What is given for another argument may be one."""
    for refused in (
        lambda: check_text(value, "name") and stage_name(value),
        lambda: stage_url(value),
        lambda: stage_path("s", value),
        lambda: check_one_character(value, "quote"),
        lambda: Settings.resolve({}, {"host": value, "port": value}),
        lambda: Settings.resolve({}, {"time_zone": value}),
        lambda: execution.as_statement(value, None) if not isinstance(value, str) else table_name(value * 2 + ".."),
        lambda: execution.streaming(value, {}),
        lambda: targets.table_of(value),
        lambda: next(tables.create_all(value)),
        lambda: next(snapshots.create("s", value)),
        lambda: next(retry(print, value)),
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            refused()
        assert len(str(caught.value)) < messages.LONGEST_QUOTED + 300


def test_what_messages_quote():
    assert messages.show("it's") == repr("it's")
    assert messages.show("x" * 198) == repr("x" * 198)
    assert messages.show("x" * 199) == "'" + "x" * 198 + "…"
    assert messages.show(["a", 1, None]) == "['a', 1, None]"
    assert messages.show(Secret("x" * 500)) == "'***'"
    assert messages.show([Secret("x")]) == "['***']"


def test_every_value_in_a_message_is_quoted_by_one_function():
    """But for those of the server's own names, and of what is no error."""
    core = Path(errors.__file__).parent
    found = {
        f"{path.name}: {ast.unparse(part.value)}"
        for path in core.rglob("*.py")
        for part in ast.walk(ast.parse(path.read_text()))
        if isinstance(part, ast.FormattedValue) and part.conversion == ord("r")
    }
    assert {one for one in found if not one.startswith(("stage_check.py", "alembic.py", "secrets.py"))} == set()


MISSING_OR_TAKEN = [kind for name, kind in vars(errors).items() if name.endswith(("Exists", "NotFound"))]


@pytest.mark.parametrize("kind", [*MISSING_OR_TAKEN, errors.StageDisabled])
def test_what_is_missing_or_taken_has_a_remedy(kind):
    """It is the end of the text, of the server's words too, and a better one takes its place."""
    error = kind("the thing is so", code=20101)
    assert str(error) == f"the thing is so; {kind.remedy}"
    assert (error.message, error.remedy) == ("the thing is so", kind.remedy)
    assert str(error.about("here")) == f"here: the thing is so; {kind.remedy}"
    better = error.with_remedy("do that")
    assert str(better) == "the thing is so; do that"
    assert str(kind("the thing is so", remedy="do that")) == str(better)
    for copied in (pickle.loads(pickle.dumps(better)), pickle.loads(pickle.dumps(error))):
        assert str(copied).startswith("the thing is so; ")
        assert str(copied).count(";") == str(better if "do that" in str(copied) else error).count(";")


def test_the_servers_words_have_a_remedy():
    taken = server_errors.from_driver(wrapped(20101, "internal error: the stage s exists"), DropStage("s"))
    assert str(taken) == "the stage s exists; if_not_exists=True leaves it unchanged, client.stage.alter changes it"
    then = server_errors.from_driver(wrapped(20101, "internal error: table t not exists at snapshot d"))
    assert str(then) == "table t not exists at snapshot d; take a snapshot that has it"
    where = server_errors.cannot_connect(pymysql.err.OperationalError(1049, "Unknown database d"), "h")
    assert str(where).endswith(
        "Unknown database d; connect without database= to create it: client.execute('CREATE DATABASE …')"
    )
