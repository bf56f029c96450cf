"""Stage statements (server-facts 1-11)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from matrixone_core.errors import ServerError, StageExists
from matrixone_core.fragments import Part, Value, braces, quote_name, read_twice
from matrixone_core.html import render_table
from matrixone_core.secrets import Credentials, SecretText
from matrixone_core.steps import Command, Reply, Row, Statement

STAGE_COLUMNS = "stage_name, url, stage_credentials, stage_status, unix_timestamp(created_time) AS created, comment"

DEEPEST = 16  # stages in stages: if there are more, one is inside itself
STAGE_URL = "stage://"


def split_url(url: str) -> tuple[str, str]:
    """Split a `stage://` URL into the stage's name and the path in the stage."""
    name, _, path = url.removeprefix(STAGE_URL).partition("/")
    return name, path


@dataclass(frozen=True)
class Stage:
    """A stage: a named folder or bucket outside the database that has files.

    Args:
        name: name of the stage, in lower case.
        url: location of the files: `file:///…`, `s3://bucket/…` or `stage://parent/…`.
        enabled: whether the stage can be used.
        created_time: time of creation, with a time zone; None if the user may not read it.
        comment: comment on the stage.
        credentials: credentials by name, with secrets masked; None if the user may not read them.
    """

    name: str
    url: str
    enabled: bool = True
    created_time: datetime | None = None
    comment: str = ""
    credentials: Credentials | None = None

    def below(self, path: str) -> str:
        """Return the URL of a path in the stage, based on the stage's own URL."""
        scheme, _, place = self.url.partition("://")
        return f"{scheme}://{place.rstrip('/')}/{path}"

    def _repr_html_(self) -> str:
        """Return the stage as HTML for notebooks, with secrets masked."""
        rows = [(name, getattr(self, name)) for name in ("url", "enabled", "created_time", "comment", "credentials")]
        return render_table(self.name, ("setting", "value"), rows)


@dataclass(frozen=True)
class CreateStage(Command):
    """CREATE STAGE. The values are written so that they arrive whole though the server reads them twice.

    The server reads its own clock in the session's time zone (server-facts 62): they have to be the same.
    """

    duplicate: ClassVar[type[ServerError]] = StageExists  # two sessions create it at once (server-facts 10)
    stays: ClassVar[bool] = True

    name: str
    url: str
    credentials: Credentials = field(default_factory=Credentials)
    comment: str = ""
    if_not_exists: bool = False

    before: ClassVar[str] = "SET @matrixone_time_zone = @@time_zone, time_zone = 'SYSTEM'"
    after: ClassVar[str] = "SET time_zone = @matrixone_time_zone"

    def parts(self) -> Iterator[Part]:
        yield "CREATE STAGE "
        if self.if_not_exists:
            yield "IF NOT EXISTS "
        yield f"{quote_name(self.name)} URL="
        yield Value(read_twice(self.url))
        if self.credentials:
            yield " CREDENTIALS="
            yield from braces(_pairs(self.credentials))
        if self.comment:
            yield " COMMENT="
            yield Value(read_twice(self.comment))


@dataclass(frozen=True)
class AlterStage(Command):
    """ALTER STAGE, which takes exactly one option (server-facts 6): give one of the four.

    Credentials replace the whole set that the stage has.
    """

    stays: ClassVar[bool] = True

    name: str
    url: str | None = None
    credentials: Credentials | None = None
    enable: bool | None = None
    comment: str | None = None

    def parts(self) -> Iterator[Part]:
        yield f"ALTER STAGE {quote_name(self.name)} SET "
        if self.url is not None:
            yield "URL="
            yield Value(read_twice(self.url))
        elif self.credentials is not None:
            yield "CREDENTIALS="
            yield from braces(_pairs(self.credentials))
        elif self.enable is not None:
            yield f"ENABLE={str(self.enable).upper()}"
        else:
            yield "COMMENT="
            yield Value(read_twice(self.comment or ""))


@dataclass(frozen=True)
class DropStage(Command):
    """DROP STAGE."""

    stays: ClassVar[bool] = True

    name: str
    if_exists: bool = False

    def parts(self) -> Iterator[Part]:
        yield f"DROP STAGE {'IF EXISTS ' if self.if_exists else ''}{quote_name(self.name)}"


@dataclass(frozen=True)
class SelectStages(Statement[tuple[Stage, ...]]):
    """The stages as the catalogue has them, which may be read inside a transaction.

    The time comes as seconds since 1970, as the column itself is shown in the session's time zone (server-facts 7).

    Args:
        like: a pattern for names.
        name: the one name wanted.
    """

    like: str | None = None
    name: str | None = None

    returns: ClassVar[Mapping[str, type[TypeEngine[Any]]]] = {"stage_credentials": SecretText}

    def parts(self) -> Iterator[Part]:
        yield f"SELECT {STAGE_COLUMNS} FROM mo_catalog.mo_stages"
        if self.like is not None:
            yield " WHERE stage_name LIKE "
            yield Value(self.like)
        elif self.name is not None:
            yield " WHERE stage_name="
            yield Value(self.name)
        yield " ORDER BY stage_name"

    def parse(self, reply: Reply, /) -> tuple[Stage, ...]:
        return tuple(stage_of(row) for row in reply.rows)


@dataclass(frozen=True)
class ShowStages(Statement[tuple[Stage, ...]]):
    """The stages as anybody may see them, outside a transaction: no time and no credentials (server-facts 7, 11)."""

    like: str | None = None

    def parts(self) -> Iterator[Part]:
        yield "SHOW STAGES"
        if self.like is not None:
            yield " LIKE "
            yield Value(self.like)

    def parse(self, reply: Reply, /) -> tuple[Stage, ...]:
        found = (
            Stage(row["STAGE_NAME"], row["URL"], _parse_status(row["STATUS"]), comment=row["COMMENT"] or "")
            for row in reply.rows
        )
        return tuple(sorted(found, key=lambda stage: stage.name))


def stage_of(row: Row) -> Stage:
    """The stage of a row with `STAGE_COLUMNS`."""
    return Stage(
        row["stage_name"],
        row["url"],
        _parse_status(row["stage_status"]),
        None if row["created"] is None else datetime.fromtimestamp(int(row["created"]), UTC),
        row["comment"] or "",
        _parse_credentials(row["stage_credentials"]),
    )


def _pairs(credentials: Credentials) -> Iterator[tuple[str, str]]:
    return ((name, read_twice(value)) for name, value in credentials.items())


def _parse_status(status: str) -> bool:
    return status != "disabled"  # `in_use` after CREATE, `enabled` or `disabled` after ALTER (server-facts 8)


def _parse_credentials(pairs: Any) -> Credentials:
    """Credentials as the catalogue keeps them, `name=value,name=value`; a value has no comma in it."""
    text: str = pairs or ""
    return Credentials([(name, value) for name, found, value in (p.partition("=") for p in text.split(",")) if found])
