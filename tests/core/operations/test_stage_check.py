"""What a stage's definition and a server's words tell, by scripted answers."""

import pytest
from script import Script, drive, rows

from matrixone_core.errors import (
    ConnectionLost,
    InvalidArgument,
    PermissionDenied,
    ServerError,
    StageNotFound,
    StatementTimeout,
)
from matrixone_core.operations import stage_check
from matrixone_core.operations.stage_check import StageCheck, StageProblem
from matrixone_core.sql.files import IsListed, ListFiles
from matrixone_core.sql.stage import Stage
from matrixone_core.steps import OutsideTransaction

ROW = {
    "stage_name": "s",
    "url": "file:///data/",
    "stage_credentials": "",
    "stage_status": "in_use",
    "created": None,
    "comment": "",
}
S3 = "AWS_KEY_ID=k,AWS_SECRET_KEY=hush,AWS_REGION=r,ENDPOINT=http://e,PROVIDER=minio"


def row(**other):
    return rows(ROW | other)


def s3(credentials=S3):
    return row(url="s3://b/p/", stage_credentials=credentials)


def check(*answers):
    """Play, with the statements in `OutsideTransaction` answered as if they stood alone."""
    script = Script(*answers)

    def answer(step):
        if isinstance(step, OutsideTransaction) and (statement := next(step.op)).time_limit is not None:
            assert statement.time_limit > 0
            step = statement
        return script(step)

    result = drive(stage_check.check("s"), answer)
    assert script.left == []
    return result, script.steps


@pytest.mark.parametrize(
    ("stage", "problem", "words"),
    [
        (row(stage_status="disabled"), StageProblem.DISABLED, r"client\.stage\.alter\('s', enable=True\)"),
        (s3(S3.replace("PROVIDER=minio", "")), StageProblem.NO_CREDENTIAL, "no PROVIDER"),
        (s3("AWS_REGION=r"), StageProblem.NO_CREDENTIAL, "no AWS_KEY_ID, AWS_SECRET_KEY, ENDPOINT, PROVIDER"),
        (s3(S3.replace("http://e", "e:9000")), StageProblem.BAD_ENDPOINT, "'ENDPOINT': 'http://e:9000'"),
    ],
)
def test_what_the_definition_shows(stage, problem, words):
    result, steps = check(stage)
    assert result.problem is problem
    assert not result
    assert len(steps) == 1
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(str(result))
    assert "hush" not in repr(result)


def test_stages_in_stages():
    inner = row(url="stage://parent/x/")
    assert check(inner, rows())[0].problem is StageProblem.NO_PARENT
    assert check(row(url="stage://Parent/x/"))[0].problem is StageProblem.NO_PARENT
    assert "'parent' has no" in check(inner, row(stage_name="parent", url="s3://b", stage_credentials=""))[0].reason
    result, steps = check(inner, row(stage_name="parent"), rows({"n": 1}), rows({"n": 1}), rows({"file": "/a"}))
    assert result
    assert steps[2:4] == [IsListed("stage://s/../../", "/data"), IsListed("stage://s/../", "/data/x")]
    assert "is inside itself" in check(*[row(url="stage://s/")] * 17)[0].reason


def test_a_stage_with_files():
    result, steps = check(s3(), rows({"file": "/a"}, {"file": "/b"}))
    assert result == StageCheck("s", files=2)
    assert steps[1:] == [ListFiles("stage://s/*")]
    assert str(result) == "the stage 's' can be used; it has 2 files"
    assert str(StageCheck("s", files=1)).endswith("it has 1 file")
    result, steps = check(s3(), rows(), rows({"file": "/x/a"}))
    assert result.files == 1
    assert steps[2] == ListFiles("stage://s/*/*")


def test_who_may_not_read_credentials_is_told_by_the_server():
    missing = ServerError("invalid configuration: Stage credentials: AWS_REGION not found")
    seen = Stage("s", "s3://b", credentials=None)
    assert check(PermissionDenied("no"), (seen,), missing)[0].problem is StageProblem.NO_CREDENTIAL


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("invalid configuration: Stage credentials: PROVIDER not found", StageProblem.NO_CREDENTIAL),
        (
            'internal error: parse "127.0.0.1:1": first path segment in URL cannot contain colon',
            StageProblem.BAD_ENDPOINT,
        ),
        ("invalid configuration: Stage p not found", StageProblem.NO_PARENT),
        ("The specified bucket does not exist", StageProblem.NO_BUCKET),
        ("Bucket name cannot be shorter than 3 characters", StageProblem.NO_BUCKET),
        ("dial tcp 127.0.0.1:1: connect: connection refused", StageProblem.CONNECTION_REFUSED),
        ("proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused", StageProblem.UNREACHABLE),
        ("dial tcp: lookup nowhere: no such host", StageProblem.UNREACHABLE),
        ("dial tcp 10.0.0.1:80: i/o timeout", StageProblem.UNREACHABLE),
        ("Access Denied", StageProblem.NO_PERMISSION),
        ("open /root: permission denied", StageProblem.NO_PERMISSION),
        ("The request signature we calculated: SignatureDoesNotMatch", StageProblem.NO_PERMISSION),
        ("readdirent /data/users.csv: not a directory", StageProblem.NO_FOLDER),
        ("something else", StageProblem.OTHER),
    ],
)
def test_what_the_server_says(words, problem):
    result, _ = check(s3(), ServerError(words))
    assert (result.problem, result.reason) == (problem, words)
    assert result.advice


def test_no_files():
    assert check(s3(), rows(), rows())[0].problem is StageProblem.EMPTY
    there, not_there = rows({"n": 1}), rows({"n": 0})
    assert check(row(), there, rows(), rows())[0].problem is StageProblem.EMPTY
    deep = row(url="file:///data/in/.hidden/x/")
    missing, steps = check(deep, there, not_there)
    assert (missing.problem, len(steps)) == (StageProblem.NO_FOLDER, 3)
    assert "no folder /data/in on" in missing.reason
    closed = ServerError("open /data: permission denied")
    result, steps = check(deep, closed, closed, there, ServerError("open x: permission denied"))
    assert result.problem is StageProblem.NO_PERMISSION
    assert [step.path for step in steps[1:4]] == ["/data", "/data/in", "/data/in/.hidden/x"]
    assert check(row(url="file:///"), rows({"file": "/a"}))[0]


def test_a_stage_that_hangs():
    for stage in (s3(), row()):
        assert check(stage, StatementTimeout("slow"))[0].problem is StageProblem.TIMEOUT


def test_what_is_not_the_stages_fault():
    with pytest.raises(StageNotFound):
        check(rows())
    with pytest.raises(ConnectionLost):
        check(s3(), ConnectionLost("lost"))
    for timeout in (4, None, "10"):
        with pytest.raises(InvalidArgument, match="timeout="):
            next(stage_check.check("s", timeout=timeout))
