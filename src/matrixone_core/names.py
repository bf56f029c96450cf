"""Checks of names, paths, URLs and SQL types: whether the server accepts them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.secrets import NotText, Secret

LONGEST_NAME = 64  # the server silently truncates longer ones (server-facts 2)


def check_text(value: str | NotText, what: str) -> str:
    """Return *value* if it is a text.

    Raises:
        InvalidArgument: it is something else.
    """
    if isinstance(value, NotText):
        raise InvalidArgument(f"{what} must be a str, not {value.kind}")
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={show(value)} must be a str, not {type(value).__name__}")
    return value


def check_optional_text(value: str | None, what: str) -> str | None:
    """Return *value* if it is a text or None.

    Raises:
        InvalidArgument: it is something else.
    """
    return None if value is None else check_text(value, what)


def check_texts(values: Sequence[str], what: str, *, or_one: bool = False) -> tuple[str, ...]:
    """Return the texts of a list.

    Args:
        values: the list.
        what: name of the argument, for the message.
        or_one: whether the caller also accepts a single text, for the message.

    Raises:
        InvalidArgument: *values* is not a list, or an item is not a text.
    """
    if isinstance(values, Mapping) or not isinstance(values, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={show(values)} must be a list of texts{' or one text' if or_one else ''}")
    return tuple(check_text(value, what) for value in values)


def stage_name(name: str) -> str:
    """Return a stage's name in lower case, as the server stores it.

    Raises:
        InvalidArgument: the name is empty, too long, or has a character that `stage://` URLs cannot have.
    """
    return object_name(name, "stage")


def snapshot_name(name: str) -> str:
    """Return a snapshot's name in lower case, as the server stores it.

    Raises:
        InvalidArgument: the name is empty, too long, or has a character that the server refuses (server-facts 34).
    """
    return object_name(name, "snapshot")


def object_name(name: str, kind: str) -> str:
    """Return a name that follows the rules of stages in lower case, as the server stores it.

    Args:
        name: the name.
        kind: kind of the object, such as `stage`, for the message.

    Raises:
        InvalidArgument: the name is empty, too long, or has a character that the server refuses.
    """
    if not check_text(name, "name"):
        raise InvalidArgument(f"a {kind} name cannot be empty")
    if len(name) > LONGEST_NAME:
        raise InvalidArgument(
            f"the {kind} name {show(name)} has {len(name)} characters; the server keeps at most {LONGEST_NAME}"
        )
    for character in name:
        if not (character.isalnum() or character in "_-.$" or unicodedata.category(character).startswith("M")):
            raise InvalidArgument(
                f"the {kind} name {show(name)} has {show(character)} in it; letters, digits and _ - . $ can be used"
            )
    if not name.strip("."):
        raise InvalidArgument(f"the {kind} name {show(name)} needs a letter, a digit, _, - or $")
    return name.lower()


_NOT_IN_PATHS = {
    " ": "the server refuses file names with a space (rename the file)",
    "?": "stage:// takes ? for the beginning of options",
    "#": "stage:// takes # for the beginning of a fragment",
    "%": "stage:// takes % for the beginning of an escape",
    "\\": "folders are separated by /",
    "*": "LOAD DATA reads one file, not a pattern",
} | dict.fromkeys('"$&+,:;<>[]^`{|}~', "the server refuses it in file names (rename the file)")  # server-facts 69


WILDCARDS = frozenset("*?[")


def stage_path(stage: str, file: str, *, pattern: bool = False) -> str:
    """Return the `stage://` URL of a file in a stage.

    Args:
        stage: name of the stage.
        file: path in the stage, with `/` between folders.
        pattern: whether the path may have wildcards.

    Raises:
        InvalidArgument: the path is empty, outside the stage, a folder, or has a character that the server cannot read.
    """
    if not check_text(file, "file").strip("/"):
        raise InvalidArgument("the file's path in the stage is empty; give one such as 'users.csv'")
    if "://" in file:
        raise InvalidArgument(f"{show(file)} is a URL; give the path in the stage {show(stage)}, such as 'users.csv'")
    for character in file:
        if pattern and character != "\\":  # a pattern is not sent to the server
            continue
        reason = _NOT_IN_PATHS.get(character) or (None if character.isprintable() else "it cannot be printed")
        if reason:
            raise InvalidArgument(f"the path {show(file)} has {show(character)} in it: {reason}")
    if ".." in file.split("/"):
        raise InvalidArgument(f"the path {show(file)} has '..' in it, which could leave the stage {show(stage)}")
    if file.endswith("/"):
        raise InvalidArgument(f"{show(file)} is a folder; give a file in it")
    return f"stage://{stage_name(stage)}/{file.lstrip('/')}"


def stage_url(url: str | NotText) -> str:
    """Return a stage's URL as plain text after a check. Pass a URL that may have a login masked; no error shows it.

    Raises:
        InvalidArgument: the URL is not `file:///…`, `s3://bucket/…` or `stage://parent/…`.
    """
    url = check_text(url, "url")
    if not re.match(r"(file|s3|stage)://", url):
        raise InvalidArgument(
            f"the URL {show(url)} cannot be a stage's; it must begin with file:///, s3:// or stage:// (in lower case)"
        )
    if re.match(r"file://(?!/)", url):
        raise InvalidArgument(f"the URL {show(url)} names no absolute path; write file:/// and the path from the root")
    if re.fullmatch(r"s3:///*", url):
        raise InvalidArgument(f"the URL {show(url)} names no bucket")
    if re.fullmatch(r"stage:///*", url):
        raise InvalidArgument(f"the URL {show(url)} names no parent stage")
    if re.match(r"(s3|stage)://[^/]*[:@]", url):
        raise InvalidArgument(
            "the URL has ':' or '@' before its path, as if keys or a port were in it; write s3:// and the bucket alone,"
            " and give the keys as credentials"
        )
    if re.search(r"/\.\.(/|$)", url):
        raise InvalidArgument(f"the URL {show(url)} has '..' in it; write the path that is meant")
    return url.reveal() if isinstance(url, Secret) else url


def database_name(name: str, what: str) -> str:
    """Return the name of a database in lower case, as the server stores it.

    Args:
        name: the name.
        what: name of the argument, for the message.

    Raises:
        InvalidArgument: *name* is not a text, or is empty.
    """
    if not check_text(name, what):
        raise InvalidArgument(f"{what}={show(name)} must be the name of a database")
    return name.lower()


def table_name(name: str) -> tuple[str, ...]:
    """Split `table` or `database.table` into its parts.

    Raises:
        InvalidArgument: *name* is not a text, a part is empty, or there are more than two.
    """
    parts = tuple(check_text(name, "table").split("."))
    if len(parts) > 2 or not all(parts):
        raise InvalidArgument(f"the table name {show(name)} is not 'table' or 'database.table'")
    return parts


def check_recorded(name: str, what: str, remedy: str, also: str = "") -> str:
    """Return a name if the server can record it; the server pastes it unescaped into its own SQL.

    Args:
        name: the name.
        what: name of the argument, for the message.
        remedy: what to do instead, for the message.
        also: further characters that the name must not have.

    Raises:
        InvalidArgument: the name has a character that the server records wrongly (server-facts 101).
    """
    for character in name:
        if character in "'\\" or character in also:
            raise InvalidArgument(
                f"{what}={show(name)} has {show(character)} in it, with which the server records it wrongly; {remedy}"
            )
    return name


def check_one_character(value: str, what: str) -> str:
    """Return a delimiter, quote or escape if it is one ASCII character.

    Raises:
        InvalidArgument: it is not one ASCII character, or it ends lines.
    """
    if len(check_text(value, what)) != 1 or not value.isascii() or value in "\r\n\0":
        raise InvalidArgument(f"{what}={show(value)} cannot be used; it must be one ASCII character, not a line's end")
    return value


def is_like(name: str, pattern: str) -> bool:
    """Return whether a name matches a pattern of SQL's LIKE."""
    pieces: list[str] = re.findall(r"\\.|.", pattern, re.DOTALL)
    wanted = "".join({"%": ".*", "_": "."}.get(piece, re.escape(piece[-1])) for piece in pieces)
    return re.fullmatch(wanted, name, re.DOTALL) is not None


_SQL_TYPE = r"[A-Za-z][A-Za-z0-9]*(?: *\( *(?:\d+ *(?:, *\d+ *)?|'[^'\\]*' *(?:, *'[^'\\]*' *)*)\))?(?: +unsigned)?"
_ATTRIBUTE = r" +(?:not +null|null|auto_increment|unique|default +(?:null|current_timestamp|-?\d+(?:\.\d+)?|'[^'\\]*'))"

_COLUMN = f"{_SQL_TYPE}(?:{_ATTRIBUTE})*"


def sql_type(written: str, what: str) -> str:
    """Return an SQL type after a check.

    Args:
        written: the type, such as `VARCHAR(20)`.
        what: name of the argument, for the message.

    Raises:
        InvalidArgument: it is not an SQL type.
    """
    if not isinstance(written, str) or not re.fullmatch(_SQL_TYPE, written, re.IGNORECASE):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidArgument(f"{what}={show(written)} must be an SQL type such as 'VARCHAR(20)'")
    return written


def column_definition(written: str, what: str) -> str:
    """Return an SQL column definition after a check.

    Args:
        written: type and attributes, such as `VARCHAR(20) NOT NULL`.
        what: name of the argument, for the message.

    Raises:
        InvalidArgument: it is not a column definition.
    """
    if not isinstance(written, str) or not re.fullmatch(_COLUMN, written, re.IGNORECASE):  # pyright: ignore[reportUnnecessaryIsInstance]  # as above
        raise InvalidArgument(
            f"{what}={show(written)} must be an SQL type such as 'VARCHAR(20)', with NOT NULL, AUTO_INCREMENT, UNIQUE"
            " or DEFAULT and a literal after it"
        )
    return written
