"""Statements that can go to the engine unread: patterns tell that they say nothing that is put in other words."""

from __future__ import annotations

import re

from matrixone_local.translation import allowlist, functions

MAX_SEARCHED_CHARS = 65_536  # of a change of rows in which functions are looked for: longer ones are lists of values
_CHANGE = re.compile(r"\s*(INSERT|REPLACE|UPDATE|DELETE)\b", re.IGNORECASE)
_READ_IN_CHANGES = (
    *("mo_catalog", "snapshot", "stage_list", "load_file", "save_file", "information_schema", "against"),
    *allowlist.WATCHED,
)
_BEGIN_MORE = ("timestamp", "cast", ";")  # without which the next pattern finds nothing
_READ_WITH_MORE = re.compile(r"timestamp\s*=|cast\s*\(|;\s*\S")
_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)  # in which a / divides nothing

_NAME = r"(?:[^\W\d]\w*|`[^\W\d]\w*`)"
_ITEM = rf"(?!(?:NULL|TRUE|FALSE)\b)(?:{_NAME}\.)?(?:{_NAME}|\*)(?:\s+AS\s+{_NAME})?"
# The columns of a query that are names alone, whose titles are the engine's.
_COLUMNS = re.compile(rf"\s*SELECT\s+(?:DISTINCT\s+)?{_ITEM}(?:\s*,\s*{_ITEM})*\s+FROM\s", re.IGNORECASE)
# No call, no subquery, no other statement, no remark, no variable, no division, no point in time.
_REST = re.compile(r"(?:[\w\s.,=<>'%+*!`]|-(?!-)|(?:(?<=\bIN)|(?<=\bIN ))\(|\))*", re.IGNORECASE)
_READ_IN_QUERIES = re.compile(
    r"\b(?:select|ilike|against|cast|convert|user|current_user|session_user|current_role|share|nowait|skip|of)\b|information_schema|\d{19}|"
    + "|".join(allowlist.WATCHED)
)


def is_plain_change(sql: str) -> bool:
    """Whether a statement changes rows, and says nothing that is read here."""
    if _CHANGE.match(sql) is None:
        return False
    small = allowlist.folded(sql)
    if any(word in small for word in _READ_IN_CHANGES):
        return False
    if any(word in small for word in _BEGIN_MORE) and _READ_WITH_MORE.search(small) is not None:
        return False
    if len(sql) > MAX_SEARCHED_CHARS:
        return True
    return not functions.may_be_changed(sql) and ("/" not in sql or "/" not in _TEXT.sub("", sql))


def is_plain_query(sql: str) -> bool:
    """Whether a statement is a query of tables' columns that is the same in the engine's words."""
    columns = _COLUMNS.match(sql)
    if columns is None or _REST.fullmatch(sql, columns.end()) is None:
        return False
    small = allowlist.folded(sql)
    return _READ_IN_QUERIES.search(small, small.index("select") + len("select")) is None
