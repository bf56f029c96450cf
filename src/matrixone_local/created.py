"""CREATE TABLE as SHOW tells it: the engine's in a MatrixOne server's form, its own types, no options of storage."""

from __future__ import annotations

import re

from .column_types import MARK, told
from .hidden import PREFIX
from .tokens import unquote
from .values import quoted

_NAME = r"`(?:[^`]|``)+`"
_COLUMN = re.compile(rf"(\s*{_NAME}) ([a-zA-Z]+(?:\([^)]*\))?(?: unsigned)?)(.*)", re.DOTALL)
_COMMENT = re.compile(rf" COMMENT '{MARK}((?:[^'\\]|\\.|'')*?);((?:[^'\\]|\\.|'')*)'")
_QUOTED = re.compile(rf"{_NAME}|'(?:[^'\\]|\\.|'')*'")
_ESCAPES = str.maketrans({"'": "''", "\\": "\\\\", "\0": "\\0", "\n": "\\n", "\r": "\\r"})
_STORAGE = re.compile(r" BLOCK_SIZE \d+( LOCAL)?| COLLATE \w+| CHARACTER SET \w+")
_FOREIGN_KEY = re.compile(
    rf"(?P<own>.* FOREIGN KEY \(.*?\) REFERENCES )(?P<database>{_NAME})\.(?P<table>{_NAME})(?P<columns>\(.*?\))"
    r"(?P<update> ON UPDATE [A-Z ]+?)(?P<delete> ON DELETE [A-Z ]+?) *"
)
_FULL_TEXT = re.compile(r"(\s*FULLTEXT KEY .*?\)) WITH PARSER (\w+) .*")
_VECTOR = re.compile(rf"(\s*)VECTOR (KEY {_NAME}) (\(.*?\)) WITH \(.*TYPE=(\w+),.*")


def as_created(text: str, database: str) -> str:
    """The engine's CREATE TABLE as a MatrixOne server gives it.

    Args:
        text: of a table of this database.
        database: its name.
    """
    head, *lines = text.split("\n")
    end = next(at for at, line in enumerate(lines) if line.startswith(")"))
    kept = [_told(line.removesuffix(","), database) for line in lines[:end] if not re.match(rf"\s*`{PREFIX}", line)]
    comment = re.search(r" COMMENT = ('(?:[^'\\]|\\.|'')*')", lines[end])
    partitions = "".join(f" {line.strip()}" for line in lines[end + 1 :])
    told = "\n".join([head, ",\n".join(kept), f"){f' COMMENT={comment[1]}' if comment else ''}{partitions}"])
    return _QUOTED.sub(lambda found: _requoted(found[0]), told)


def _requoted(text: str) -> str:
    """A text as MySQL tells it, where the engine has a backslash before quotes; a name as it is."""
    return text if text.startswith("`") else f"'{unquote(text).translate(_ESCAPES)}'"


def _told(written: str, database: str) -> str:
    line = _STORAGE.sub("", re.sub(rf", `{PREFIX}\w+`", "", written))
    if found := _FOREIGN_KEY.fullmatch(line):
        table = found["table"] if found["database"] == quoted(database) else f"{found['database']}.{found['table']}"
        return f"{found['own']}{table} {found['columns']}{found['delete']}{found['update']}"
    if found := _FULL_TEXT.fullmatch(line):
        return found[1] if found[2] == "space" else f"{found[1]} WITH PARSER {found[2]}"
    if found := _VECTOR.fullmatch(line):
        return f"{found[1]}{found[2]} USING {found[4].replace('_', '').lower()} {found[3]}"
    return _column(line)


def _column(line: str) -> str:
    found = _COLUMN.fullmatch(line)
    if not found:
        return line
    rest = found[3]
    if comment := _COMMENT.search(rest):
        kept = f" COMMENT '{comment[2]}'" if comment[2] else ""
        return f"{found[1]} {comment[1]}{rest[: comment.start()]}{kept}{rest[comment.end() :]}"
    return f"{found[1]} {told(found[2], '')[0]}{rest}"
