"""Stage statements, as a MatrixOne server carries them out (server-facts 1-12), quirks included.

The stages lie in an ordinary table of the engine, `mo_catalog.mo_stages`, so that clients can read and join it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pymysql

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.seekdb import Engine
from matrixone_local.errors import SqlError, bad_configuration, internal_error
from matrixone_local.sql.tokens import Kind, Reader, tokenize

TABLE = """CREATE TABLE IF NOT EXISTS mo_catalog.mo_stages (
    stage_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, stage_name VARCHAR(64) NOT NULL UNIQUE KEY,
    url TEXT, stage_credentials TEXT, stage_status VARCHAR(64), created_time TIMESTAMP, comment TEXT)"""


@dataclass(frozen=True)
class Option:
    """One option of CREATE or ALTER STAGE, its value as the first reading gave it."""

    name: str
    value: str | bool | Mapping[str, str]


@dataclass(frozen=True)
class CreateStage:
    """CREATE STAGE [IF NOT EXISTS] name URL=… [CREDENTIALS={…}] [ENABLE=…] [COMMENT=…]."""

    name: str
    url: str
    if_not_exists: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict[str, str])
    comment: str = ""


@dataclass(frozen=True)
class AlterStage:
    """ALTER STAGE [IF EXISTS] name SET option."""

    name: str
    if_exists: bool
    options: tuple[Option, ...]


@dataclass(frozen=True)
class DropStage:
    """DROP STAGE [IF EXISTS] name."""

    name: str
    if_exists: bool


@dataclass(frozen=True)
class ShowStages:
    """SHOW STAGES [LIKE '…']."""

    like: str | None = None


def parse_create(read: Reader) -> CreateStage:
    """Parse what follows CREATE STAGE."""
    if_not_exists = read.take("IF", "NOT", "EXISTS")
    name = read.name()
    options = {option.name: option.value for option in _options(read, ("URL", "CREDENTIALS", "ENABLE", "COMMENT"))}
    if "URL" not in options:
        raise read.error()
    credentials = options.get("CREDENTIALS", {})
    return CreateStage(
        name,
        str(options["URL"]),
        if_not_exists,
        credentials if isinstance(credentials, Mapping) else {},
        str(options.get("COMMENT", "")),
    )


def parse_alter(read: Reader) -> AlterStage:
    """Parse what follows ALTER STAGE."""
    if_exists = read.take("IF", "EXISTS")
    name = read.name()
    read.expect("SET")
    return AlterStage(name, if_exists, _options(read, ("URL", "CREDENTIALS", "ENABLE", "COMMENT")))


def parse_drop(read: Reader) -> DropStage:
    """Parse what follows DROP STAGE."""
    if_exists = read.take("IF", "EXISTS")
    name = read.name()
    read.end()
    return DropStage(name, if_exists)


def parse_show(read: Reader) -> ShowStages:
    """Parse what follows SHOW STAGES."""
    like = read.string() if read.take("LIKE") else None
    read.end()
    return ShowStages(like)


def _options(read: Reader, order: tuple[str, ...]) -> tuple[Option, ...]:
    """Options in the one order that the server takes them in."""
    found: list[Option] = []
    for name in order:
        if read.take(name):
            read.take("=")
            found.append(Option(name, _option_value(read, name)))
    read.end()
    return tuple(found)


def _option_value(read: Reader, name: str) -> str | bool | Mapping[str, str]:
    if name == "CREDENTIALS":
        return braces(read)
    if name == "ENABLE":
        if read.take("TRUE"):
            return True
        read.expect("FALSE")
        return False
    return read.string()


def braces(read: Reader) -> dict[str, str]:
    """`{'name'='value', …}`."""
    read.expect("{")
    pairs: dict[str, str] = {}
    while not read.take("}"):
        name = read.string()
        read.expect("=")
        pairs[name] = read.string()
        if not read.take(","):
            read.expect("}")
            break
    return pairs


def read_again(value: str) -> str:
    """The value after the server has pasted it, unescaped, into a statement of its own (server-facts 4).

    Raises:
        SqlError: the pasted text is not one string any more.
    """
    pasted = tokenize(f"'{value}'")
    if len(pasted) == 1 and pasted[0].kind is Kind.STRING:
        return pasted[0].value
    raise SqlError(
        1105,
        "You have an error in your SQL syntax; check the manual that corresponds to your MatrixOne server version "
        f'for the right syntax to use. syntax error at line 7 column 82 near "{value[-20:]}"',
    )


def _stored(credentials: Mapping[str, str]) -> str:
    return ",".join(f"{name}={read_again(value)}" for name, value in credentials.items())


def _checked_url(url: str) -> str:
    url = read_again(url)
    if not re.match(r"(stage://|s3://|file:///)", url):
        raise bad_configuration("URL protocol only supports stage://, s3:// and file:///")
    return url


@dataclass(frozen=True)
class Place:
    """Where a `stage://` path leads: a `file://` or `s3://` URL, and the credentials for it."""

    url: str
    credentials: Mapping[str, str]


class Stages:
    """The stages of the server's one account."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.session() as cursor:
            cursor.execute("CREATE DATABASE IF NOT EXISTS mo_catalog")
            cursor.execute(TABLE)

    def create(self, statement: CreateStage, session: EngineConnection) -> None:
        """Carry out CREATE STAGE; the name is folded to lower case and cut to 64 characters, as a server does.

        Args:
            statement: what to create.
            session: whose time zone the server's clock is read in, which makes `created_time` wrong (server-facts 62).
        """
        name = statement.name.lower()[:64]
        if re.search(r"[\s'\"`]", name):
            raise internal_error("invalid input")
        now = session.query("SELECT UNIX_TIMESTAMP(UTC_TIMESTAMP())").rows[0][0]
        url, credentials = _checked_url(statement.url), _stored(statement.credentials)
        row = (name, url, credentials, now, read_again(statement.comment))
        with self._engine.session() as cursor:
            cursor.execute("SELECT 1 FROM mo_catalog.mo_stages WHERE stage_name = %s", (name,))
            if cursor.fetchone():
                if statement.if_not_exists:
                    return
                raise internal_error(f"the stage {name} exists")
            try:
                cursor.execute(
                    "INSERT INTO mo_catalog.mo_stages"
                    " (stage_name, url, stage_credentials, stage_status, created_time, comment)"
                    " VALUES (%s, %s, %s, 'in_use', FROM_UNIXTIME(%s), %s)",
                    row,
                )
            except pymysql.err.IntegrityError:  # another connection was first (server-facts 10)
                raise SqlError(1062, f"Duplicate entry '{name}' for key 'stage_name'", "23000") from None

    def alter(self, statement: AlterStage) -> None:
        """Carry out ALTER STAGE: exactly one option, credentials replaced as a whole (server-facts 6)."""
        if len(statement.options) != 1:
            raise internal_error(f"at {'most' if statement.options else 'least'} one option at a time")
        column, value = _change(statement.options[0])
        with self._engine.session() as cursor:
            if not self._exists(cursor, statement.name, statement.if_exists):
                return
            cursor.execute(
                f"UPDATE mo_catalog.mo_stages SET {column} = %s WHERE stage_name = %s",  # noqa: S608  # one of four names
                (value, statement.name.lower()),
            )

    def drop(self, statement: DropStage) -> None:
        """Carry out DROP STAGE."""
        with self._engine.session() as cursor:
            if self._exists(cursor, statement.name, statement.if_exists):
                cursor.execute("DELETE FROM mo_catalog.mo_stages WHERE stage_name = %s", (statement.name.lower(),))

    def show(self, statement: ShowStages) -> tuple[tuple[str | None, ...], ...]:
        """The rows of SHOW STAGES."""
        with self._engine.session() as cursor:
            cursor.execute(
                "SELECT stage_name, url, stage_status, comment FROM mo_catalog.mo_stages"
                " WHERE stage_name LIKE %s ORDER BY stage_id",
                ("%" if statement.like is None else statement.like,),
            )
            return tuple(cursor.fetchall())

    def resolve(self, path: str, depth: int = 0) -> Place:
        """Where `stage://name/path` leads, through parent stages.

        Raises:
            SqlError: there is no such stage.
        """
        name, _, rest = path.removeprefix("stage://").partition("/")
        with self._engine.session() as cursor:
            cursor.execute("SELECT url, stage_credentials FROM mo_catalog.mo_stages WHERE stage_name = %s", (name,))
            row: Any = cursor.fetchone()
        if row is None or depth > 16:
            raise bad_configuration(f"Stage {name} not found")
        url, stored = row
        scheme, _, place = url.partition("://")
        url = f"{scheme}://{place.rstrip('/')}/{rest.lstrip('/')}"
        if url.startswith("stage://"):
            return self.resolve(url, depth + 1)
        return Place(url, dict(pair.split("=", 1) for pair in stored.split(",") if "=" in pair))

    @staticmethod
    def _exists(cursor: pymysql.cursors.Cursor, name: str, if_exists: bool) -> bool:
        cursor.execute("SELECT 1 FROM mo_catalog.mo_stages WHERE stage_name = %s", (name.lower(),))
        if cursor.fetchone():
            return True
        if if_exists:
            return False
        raise internal_error(f"the stage {name.lower()} not exists")


def _change(option: Option) -> tuple[str, str]:
    match option:
        case Option("URL", str(url)):
            return "url", _checked_url(url)
        case Option("CREDENTIALS", Mapping() as credentials):
            return "stage_credentials", _stored(credentials)
        case Option("ENABLE", bool(enable)):
            return "stage_status", "enabled" if enable else "disabled"
        case Option(_, value):
            return "comment", read_again(str(value))
