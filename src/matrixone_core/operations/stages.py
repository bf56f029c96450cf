"""Operations on stages."""

import os
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from matrixone_core.catalog import find
from matrixone_core.catalog import get as get  # noqa: PLC0414  # managers bind it
from matrixone_core.errors import InvalidArgument, MatrixOneError, PermissionDenied, StageExists
from matrixone_core.html import Listing
from matrixone_core.messages import show
from matrixone_core.names import check_text, stage_name, stage_url
from matrixone_core.secrets import Credentials, NotText, Secret, mask, mask_pairs, mask_url
from matrixone_core.setting_checks import flag, optional_flag
from matrixone_core.sql.stage import AlterStage, CreateStage, DropStage, SelectStages, ShowStages, Stage
from matrixone_core.steps import GetRuntime, Op, OutsideTransaction

Provider: TypeAlias = Literal["amazon", "minio", "cos"]
#: Those that a server reads (server-facts 9); it stores others as well, and then the stage cannot be used.
CREDENTIALS = ("AWS_KEY_ID", "AWS_SECRET_KEY", "AWS_REGION", "ENDPOINT", "PROVIDER", "COMPRESSION")
PROVIDERS: tuple[str, ...] = ("amazon", "minio", "cos")


def create(
    name: str,
    url: str,
    *,
    credentials: Mapping[str, str] | None = None,
    comment: str | None = None,
    if_not_exists: bool = False,
) -> Op[Stage]:
    """Create a stage.

    Args:
        name: name of the stage: 1 to 64 letters, digits and `_ - . $`. The server stores it in lower case.
        url: `file:///folder/`, `s3://bucket/prefix/` or `stage://parent/folder/`.
        credentials: credentials of an S3 stage by name: `AWS_KEY_ID`, `AWS_SECRET_KEY`, `AWS_REGION`, `ENDPOINT`,
            `PROVIDER` and `COMPRESSION`, in any case. `create_s3` fills in the whole set.
        comment: comment to store with the stage.
        if_not_exists: leave an existing stage unchanged instead of raising an error.

    Returns:
        The stage as the server stored it.

    Raises:
        InvalidArgument: an argument is not valid; nothing was sent.
        StageExists: a stage of this name already exists.
        PermissionDenied: the user is not an administrator of the account; only they may create stages.
    """
    shown_url = mask_url(url)
    pairs = mask_pairs({} if credentials is None else credentials)
    del url, credentials  # tracebacks must not show the plain ones
    comment = "" if comment is None else check_text(comment, "comment")
    flag(if_not_exists, "if_not_exists")
    statement = CreateStage(stage_name(name), stage_url(shown_url), _check_credentials(pairs), comment, if_not_exists)
    try:
        yield from statement
    except StageExists:
        if not if_not_exists:  # the server says so even with IF NOT EXISTS when two create it at once (server-facts 10)
            raise
    return (yield from get(statement.name))


def create_local(
    name: str, path: str | os.PathLike[str], *, comment: str | None = None, if_not_exists: bool = False
) -> Op[Stage]:
    """Create a stage for a folder of the server's machine.

    Args:
        name: as for `create`.
        path: absolute path of the folder on the server's machine, such as `/data/imports/`. It need not exist yet.
        comment: comment to store with the stage.
        if_not_exists: leave an existing stage unchanged instead of raising an error.

    Returns:
        The stage as the server stored it.

    Raises:
        InvalidArgument: the path is not absolute, or another argument is not valid; nothing was sent.
        StageExists: a stage of this name already exists.
        PermissionDenied: the user is not an administrator of the account; only they may create stages.
    """
    path = check_text(os.fspath(path) if isinstance(path, os.PathLike) else path, "path")
    if not path.startswith("/"):
        raise InvalidArgument(
            f"path={show(path)} is not absolute; give the folder's path on the server's machine from the root, "
            "such as '/data/imports/'"
        )
    return (yield from create(name, f"file://{path}", comment=comment, if_not_exists=if_not_exists))


def create_s3(
    name: str,
    bucket: str,
    path: str = "",
    aws_key_id: str | None = None,
    aws_secret_key: str | None = None,
    *,
    region: str | None = None,
    endpoint: str | None = None,
    provider: Provider | None = None,
    comment: str | None = None,
    if_not_exists: bool = False,
) -> Op[Stage]:
    """Create a stage for a bucket of S3 or of a compatible service.

    The stage gets all five credentials that the server needs (server-facts 9).

    Args:
        name: as for `create`.
        bucket: name of the bucket, without a prefix.
        path: prefix of the keys, such as `data/`.
        aws_key_id: access key; by default the environment variable `AWS_ACCESS_KEY_ID`.
        aws_secret_key: secret key; by default the environment variable `AWS_SECRET_ACCESS_KEY`.
        region: region; by default `AWS_REGION`, then `AWS_DEFAULT_REGION`, then `us-east-1`.
        endpoint: URL of the service; by default `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`, then Amazon's.
        provider: `amazon`, `minio` (any service that addresses buckets by path) or `cos`. By default `amazon` for
            Amazon's endpoints and `minio` for all others.
        comment: comment to store with the stage.
        if_not_exists: leave an existing stage unchanged instead of raising an error.

    Returns:
        The stage as the server stored it.

    Raises:
        InvalidArgument: an argument is not valid, or a key is missing; nothing was sent.
        StageExists: a stage of this name already exists.
        PermissionDenied: the user is not an administrator of the account; only they may create stages.
    """
    key, secret_key = mask(aws_key_id), mask(aws_secret_key)
    shown_endpoint = None if endpoint is None else mask_url(endpoint)
    shown_bucket = mask_url(bucket)
    del aws_key_id, aws_secret_key, endpoint, bucket  # tracebacks must not show the plain ones
    url = _s3_url(shown_bucket, path)
    variable = (yield from GetRuntime()).machine.variable
    credentials = _s3_credentials(
        key or mask(variable("AWS_ACCESS_KEY_ID")),
        secret_key or mask(variable("AWS_SECRET_ACCESS_KEY")),
        region or variable("AWS_REGION") or variable("AWS_DEFAULT_REGION") or "us-east-1",
        shown_endpoint or mask_url(variable("AWS_ENDPOINT_URL_S3") or variable("AWS_ENDPOINT_URL") or ""),
        provider,
    )
    return (yield from create(name, url, credentials=credentials, comment=comment, if_not_exists=if_not_exists))


def list_(like: str | None = None) -> Op[tuple[Stage, ...]]:
    """List the stages of the account, ordered by name.

    Args:
        like: SQL LIKE pattern that the names must match: `%` matches any text, `_` any character. None lists all.

    Returns:
        The stages. `created_time` and `credentials` are None if the user may not read `mo_catalog`.
    """
    pattern = None if like is None else check_text(like, "like").lower()
    try:
        return Listing((yield from SelectStages(pattern)))
    except PermissionDenied:
        return Listing((yield from OutsideTransaction(iter(ShowStages(pattern)))))


def exists(name: str) -> Op[bool]:
    """Return whether a stage exists.

    Args:
        name: name of the stage, in any case.
    """
    found = yield from find(name)
    return found is not None


def alter(
    name: str,
    *,
    url: str | None = None,
    credentials: Mapping[str, str] | None = None,
    enable: bool | None = None,
    comment: str | None = None,
) -> Op[Stage]:
    """Change the URL, the credentials, the comment or the state of a stage.

    The server takes one change per statement (server-facts 6). Several changes are sent one by one; if one fails, the
    others are undone.

    Args:
        name: name of the stage.
        url: new URL. None keeps the URL.
        credentials: credentials to add or replace; the others remain.
        enable: True enables the stage, False disables it. None keeps the state.
        comment: new comment; "" removes the comment. None keeps it.

    Returns:
        The stage as the server stored it.

    Raises:
        InvalidArgument: an argument is not valid, or there is no change; nothing was sent.
        StageNotFound: there is no stage of this name.
        PermissionDenied: the user may not alter stages, or may not read the credentials that new ones are merged with.
    """
    shown_url = None if url is None else mask_url(url)
    pairs = None if credentials is None else mask_pairs(credentials)
    del url, credentials  # tracebacks must not show the plain ones
    changed = None if pairs is None else _check_credentials(pairs)
    name = stage_name(name)
    if shown_url is None and changed is None and enable is None and comment is None:
        raise InvalidArgument("there is nothing to change; give url, credentials, enable or comment")
    new_url = None if shown_url is None else stage_url(shown_url)
    optional_flag(enable, "enable")
    if comment is not None:
        check_text(comment, "comment")
    before = yield from get(name)
    given = None if changed is None else _merge_credentials(before, changed)
    changes = [
        (AlterStage(name, url=new_url), AlterStage(name, url=before.url)) if new_url is not None else None,
        (AlterStage(name, credentials=given), AlterStage(name, credentials=before.credentials)) if given else None,
        (AlterStage(name, enable=enable), AlterStage(name, enable=before.enabled)) if enable is not None else None,
        (AlterStage(name, comment=comment), AlterStage(name, comment=before.comment)) if comment is not None else None,
    ]
    done: list[AlterStage] = []
    for change, undo in filter(None, changes):
        try:
            yield from change
        except BaseException as error:
            yield from _undo(done, error)
            raise
        done.append(undo)
    return (yield from get(name))


def drop(name: str, *, if_exists: bool = False) -> Op[None]:
    """Drop a stage. Its files are not removed.

    Args:
        name: name of the stage.
        if_exists: do nothing if the stage does not exist, instead of raising an error.

    Raises:
        StageNotFound: there is no stage of this name.
        PermissionDenied: the user is not an administrator of the account; only they may drop stages.
    """
    yield from DropStage(stage_name(name), flag(if_exists, "if_exists"))


def _undo(done: list[AlterStage], error: BaseException) -> Op[None]:
    """Undo changes, the last one first; add a note to *error* for each that cannot be undone."""
    for undo in reversed(done):
        try:
            yield from undo
        except MatrixOneError as second:
            error.add_note(f"and this could not be undone: {undo}: {second}")


def _merge_credentials(stage: Stage, changes: Mapping[str, str]) -> Credentials:
    if stage.credentials is None:
        raise PermissionDenied(
            f"the credentials of the stage {show(stage.name)} cannot be read by this user, and the server replaces "
            "the whole set; let an administrator alter them, or drop and create the stage"
        )
    return stage.credentials.merged(changes)


def _check_credentials(credentials: Credentials | NotText) -> Credentials:
    """Return the credentials if the server can store them; errors show no values."""
    if isinstance(credentials, NotText):
        raise InvalidArgument("credentials must be a mapping from names to texts, as in {'AWS_KEY_ID': '…'}")
    for name, value in credentials.items():
        if name not in CREDENTIALS:
            raise InvalidArgument(
                f"the server reads no credential {show(name)}; it reads {', '.join(CREDENTIALS)}, in any case"
            )
        if "," in value:
            raise InvalidArgument(f"the credential {name} has a comma in it, which the server cannot store")
        if not value:
            raise InvalidArgument(f"the credential {name} is empty")
    endpoint = credentials.get("ENDPOINT")
    if endpoint is not None:
        _check_endpoint(endpoint)
    return credentials


def _s3_url(bucket: str | NotText, path: str) -> str:
    bucket = check_text(bucket, "bucket")
    if not bucket or re.search("[/:@]", bucket):
        raise InvalidArgument(
            f"bucket={show(bucket)} is not a bucket's name; give the name alone and the rest as path, as in "
            "create_s3(name, 'my-bucket', 'data/')"
        )
    return f"s3://{bucket}/{check_text(path, 'path').lstrip('/')}"


def _s3_credentials(
    key: Secret | NotText | None,
    secret_key: Secret | NotText | None,
    region: str,
    endpoint: str | NotText,
    provider: str | None,
) -> Credentials:
    missing = [
        f"{argument} (or {variable} in the environment)"
        for argument, variable, value in (
            ("aws_key_id", "AWS_ACCESS_KEY_ID", key),
            ("aws_secret_key", "AWS_SECRET_ACCESS_KEY", secret_key),
        )
        if not value
    ]
    if missing or not key or not secret_key:
        raise InvalidArgument(f"an S3 stage needs {' and '.join(missing)}")
    if provider is not None and provider not in PROVIDERS:
        raise InvalidArgument(f"provider={show(provider)} must be one of {', '.join(PROVIDERS)}")
    amazon = f"https://s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    checked = _check_endpoint(check_text(endpoint or amazon, "endpoint"))
    return Credentials(
        {
            "AWS_KEY_ID": check_text(key, "aws_key_id"),
            "AWS_SECRET_KEY": check_text(secret_key, "aws_secret_key"),
            "AWS_REGION": region,
            "ENDPOINT": checked,
            "PROVIDER": provider or ("amazon" if _is_amazon(checked) else "minio"),
        }
    )


def has_scheme(endpoint: str) -> bool:
    """Whether an endpoint is written as the server wants it (server-facts 9)."""
    return re.match(r"https?://[^/]", endpoint) is not None


def _check_endpoint(endpoint: str) -> str:
    if "@" in endpoint:
        raise InvalidArgument("endpoint must be a service's URL without a user or password; give the keys beside it")
    if not has_scheme(endpoint):
        raise InvalidArgument(
            f"endpoint={show(endpoint)} must begin with http:// or https://, as in http://localhost:9000"
        )
    return endpoint


def _is_amazon(endpoint: str) -> bool:
    return re.match(r"https?://([\w.-]+\.)?amazonaws\.com(\.cn)?(:\d+)?/?$", endpoint) is not None
