"""The check of a stage: whether it can be used, and if not, why and what to do."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from matrixone_core import catalog
from matrixone_core.cancellation import STOP_SECONDS
from matrixone_core.errors import InvalidArgument, MatrixOneError, ServerError, StatementTimeout, TransactionAborted
from matrixone_core.messages import show
from matrixone_core.operations import stages
from matrixone_core.setting_checks import time_limit
from matrixone_core.sql.files import IsListed, ListFiles
from matrixone_core.sql.stage import DEEPEST, STAGE_URL, Stage, split_url
from matrixone_core.steps import Op, OutsideTransaction, Statement, read_clock

T = TypeVar("T")
S3_CREDENTIALS = ("AWS_KEY_ID", "AWS_SECRET_KEY", "AWS_REGION", "ENDPOINT", "PROVIDER")  # server-facts 9


class StageProblem(StrEnum):
    """The reason why a stage cannot be used.

    Members:
        DISABLED: the stage is disabled.
        NO_PARENT: the stage that its URL names does not exist, or is the stage itself.
        NO_CREDENTIAL: a credential that S3 needs is missing.
        BAD_ENDPOINT: the endpoint is not a URL with `http://` or `https://`.
        CONNECTION_REFUSED: nothing listens at the endpoint.
        UNREACHABLE: the server cannot reach the endpoint.
        NO_BUCKET: the bucket does not exist, or its name is not valid.
        NO_FOLDER: the folder does not exist, or is a file.
        NO_PERMISSION: the keys, or the server's user, may not list or read the files.
        EMPTY: there is no file.
        TIMEOUT: the server got no answer in time.
        OTHER: the server gave another reason.
    """

    DISABLED = "disabled"
    NO_PARENT = "no parent"
    NO_CREDENTIAL = "no credential"
    BAD_ENDPOINT = "bad endpoint"
    CONNECTION_REFUSED = "connection refused"
    UNREACHABLE = "unreachable"
    NO_BUCKET = "no bucket"
    NO_FOLDER = "no folder"
    NO_PERMISSION = "no permission"
    EMPTY = "empty"
    TIMEOUT = "timeout"
    OTHER = "other"


@dataclass(frozen=True)
class StageCheck:
    """The result of the check of a stage. It is true if the stage can be used.

    Args:
        stage: name of the stage.
        problem: why the stage cannot be used; None if it can.
        reason: the problem in words, with the server's message if there is one.
        advice: how to solve the problem.
        files: number of files at the first level, or at the second if the first has none.
    """

    stage: str
    problem: StageProblem | None = None
    reason: str = ""
    advice: str = ""
    files: int = 0

    @property
    def usable(self) -> bool:
        """Whether the stage can be used."""
        return self.problem is None

    def __bool__(self) -> bool:
        return self.usable

    def __str__(self) -> str:
        if self.problem is None:
            return f"the stage {self.stage!r} can be used; it has {self.files:,} file{'' if self.files == 1 else 's'}"
        return f"the stage {self.stage!r} cannot be used ({self.problem}): {self.reason}; {self.advice}"


def check(name: str, *, timeout: float = 15.0) -> Op[StageCheck]:
    """Check whether a stage can be used, and if not, why and what to do.

    The check examines the stage's definition and lets the server list its files. A session can check only stages that
    it has not changed.

    Args:
        name: name of the stage.
        timeout: limit in seconds, 5 or more: a server takes 4 seconds to report that S3 refuses.

    Returns:
        The result, which is true if the stage can be used.

    Raises:
        InvalidArgument: `timeout` is less than 5; nothing was sent.
        StageNotFound: there is no stage of this name.
    """
    if time_limit(timeout) < 5:
        raise InvalidArgument(f"timeout={show(timeout)} must be a number of seconds, 5 or more")
    ends = (yield from read_clock()) + timeout - STOP_SECONDS
    found = yield from catalog.get(name)
    place = yield from _definition(found)
    if isinstance(place, StageCheck):
        return place
    try:
        return (yield from _contents(found, place, ends))
    except StatementTimeout:
        return StageCheck(
            found.name, StageProblem.TIMEOUT, f"the server had no answer from {found.url} in time", _ADVICE_TIMEOUT
        )
    except ServerError as error:
        return _classify_refusal(found, error)


def _definition(stage: Stage) -> Op[StageCheck | str]:
    """Check the definition of a stage and of its parents; return the problem, or the URL of its storage."""
    within, place = stage, stage.url
    for _ in range(DEEPEST):
        if problem := _definition_problem(within):
            return StageCheck(stage.name, *problem)
        if not place.startswith(STAGE_URL):
            return place
        parent, path = split_url(place)
        above = yield from catalog.find(parent) if parent == parent.lower() else _nothing()
        if above is None:
            reason = f"its URL is inside the stage {parent!r}, which does not exist"
            return StageCheck(stage.name, StageProblem.NO_PARENT, reason, f"create {parent!r}, or alter the URL")
        within, place = above, above.below(path)
    return StageCheck(stage.name, StageProblem.NO_PARENT, "its URL is inside itself", "alter its URL")


def _nothing() -> Op[None]:
    """Return None: a URL cannot name a stage with capitals (server-facts 2)."""
    yield from ()


def _definition_problem(stage: Stage) -> tuple[StageProblem, str, str] | None:
    """Return what is wrong with the definition of one stage: the problem, the reason and the advice."""
    alter = f"client.stage.alter({stage.name!r}, "
    if not stage.enabled:
        return StageProblem.DISABLED, f"{stage.name!r} is disabled", f"{alter}enable=True)"
    if not stage.url.startswith("s3://") or stage.credentials is None:
        return None
    missing = [credential for credential in S3_CREDENTIALS if not stage.credentials.get(credential)]
    if missing:
        names = ", ".join(missing)
        return (
            StageProblem.NO_CREDENTIAL,
            f"{stage.name!r} has no {names}",
            f"{alter}credentials={{{missing[0]!r}: …}})",
        )
    endpoint = stage.credentials["ENDPOINT"]
    if stages.has_scheme(endpoint):
        return None
    advice = f"{alter}credentials={{'ENDPOINT': 'http://{endpoint.rpartition('//')[2]}'}})"
    return StageProblem.BAD_ENDPOINT, f"the endpoint {endpoint!r} has no http:// or https://", advice


def _contents(stage: Stage, place: str, ends: float) -> Op[StageCheck]:
    folder = place.removeprefix("file://") if place.startswith("file://") else None
    missing = yield from _missing(stage, folder, ends) if folder else _nothing()
    if missing is not None:
        reason = f"there is no folder {missing} on the server's machine"
        return StageCheck(stage.name, StageProblem.NO_FOLDER, reason, "make it there, or alter the stage's URL")
    for pattern in ("*", "*/*"):
        files = yield from _run_with_deadline(ends, ListFiles(f"stage://{stage.name}/{pattern}"))
        if files:
            return StageCheck(stage.name, files=len(files))
    if folder:
        put = f"put files into {folder} on the server's machine"
        return StageCheck(stage.name, StageProblem.EMPTY, f"there is no file in {folder}", put)
    reason = f"there is no file under {place}"
    return StageCheck(stage.name, StageProblem.EMPTY, reason, "check the prefix, or put files there")


def _missing(stage: Stage, folder: str, ends: float) -> Op[str | None]:
    """Return the first folder that does not exist on the path to a stage's folder, or None.

    The listing of a folder creates it and its parents (server-facts 59), so each is searched for in its parent. Folders
    that cannot be listed, and names that begin with a dot, which the server hides, are taken to exist.
    """
    names = [name for name in folder.split("/") if name]
    for depth, name in enumerate(names):
        path = "/" + "/".join(names[: depth + 1])
        if name.startswith("."):
            continue
        above = f"stage://{stage.name}/{'../' * (len(names) - depth)}"
        try:
            is_there = yield from _run_with_deadline(ends, IsListed(above, path))
        except TransactionAborted:
            raise
        except ServerError:
            continue
        if not is_there:
            return path
    return None


def _run_with_deadline(ends: float, statement: Statement[T]) -> Op[T]:
    """Run a statement with a deadline outside the transaction, so that one that hangs does not end it."""
    left = ends - (yield from read_clock())
    answer: T = yield from OutsideTransaction(iter(replace(statement, time_limit=max(left, 0.1))))
    return answer


_ADVICE_TIMEOUT = "see whether the endpoint answers from the server's machine"
_REFUSALS: tuple[tuple[str, StageProblem, str], ...] = (
    (
        r"credentials:? \w+ not found",
        StageProblem.NO_CREDENTIAL,
        "give it with client.stage.alter(name, credentials=…)",
    ),
    (
        r"first path segment|unsupported protocol scheme",
        StageProblem.BAD_ENDPOINT,
        "write the ENDPOINT with its http://",
    ),
    (r"stage \S+ not found", StageProblem.NO_PARENT, "create the stage that its URL names, or alter its URL"),
    (
        r"bucket name cannot",
        StageProblem.NO_BUCKET,
        "buckets of S3 have names of 3 to 63 letters, digits, dots and hyphens: alter the stage's URL",
    ),
    (r"bucket does not exist|nosuchbucket", StageProblem.NO_BUCKET, "make the bucket, or alter the stage's URL"),
    (
        r"proxyconnect",
        StageProblem.UNREACHABLE,
        "the server's HTTP proxy does not answer: see HTTP_PROXY and NO_PROXY in its environment",
    ),
    (
        r"connection refused",
        StageProblem.CONNECTION_REFUSED,
        "see that the service runs, and that ENDPOINT has its port",
    ),
    (
        r"no such host|unreachable|no route|i/o timeout|connect timeout|deadline exceeded|lookup|dns|reset by peer",
        StageProblem.UNREACHABLE,
        "see that the endpoint can be reached from the server's machine",
    ),
    (
        r"access ?denied|forbidden|\b403\b|invalidaccesskeyid|signaturedoesnotmatch|permission denied|privilege"
        r"|outside the folders",
        StageProblem.NO_PERMISSION,
        "see that the keys, or the server's user, may list and read there",
    ),
    (r"not a directory", StageProblem.NO_FOLDER, "the stage's URL must be a folder"),
)


def _classify_refusal(stage: Stage, error: MatrixOneError) -> StageCheck:
    """Return the problem that the server's refusal means."""
    words = str(error)
    for pattern, problem, advice in _REFUSALS:
        if re.search(pattern, words, re.IGNORECASE):
            return StageCheck(stage.name, problem, words, advice)
    return StageCheck(stage.name, StageProblem.OTHER, words, "the server's message is all that is known")
