"""Files by their patterns, as a MatrixOne server finds them: `stage_list` in one manner, external tables in another."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from matrixone_local.errors import SqlError
from matrixone_local.files.stores import Store

WILD = re.compile(r"[*?\[]")
_BAD = "syntax error in pattern"
_WILD_IN_LISTS = re.compile(r"[*?]")


def listed(store: Store, path: str) -> list[str]:
    """What `stage_list` gives (server-facts 30, 58): the files that a pattern names, or all that is in a folder.

    Brackets make a pattern only together with another wildcard.

    Raises:
        SqlError: the path is no folder's, or cannot be one.
    """
    path = posixpath.normpath(f"/{path.lstrip('/')}")
    if not _WILD_IN_LISTS.search(path):
        return [posixpath.join(path, one.name) for one in store.entries(path)]
    return _found(store, path, _WILD_IN_LISTS)


def matching(store: Store, pattern: str) -> list[str]:
    """The files that an external table's pattern names (server-facts 19).

    Raises:
        SqlError: a folder of it cannot be read.
    """
    pattern = posixpath.normpath(f"/{pattern.lstrip('/')}")
    if not WILD.search(pattern):  # a `..` has taken the wildcard away
        return [pattern]
    return _found(store, pattern, WILD)


def _found(store: Store, pattern: str, wild: re.Pattern[str]) -> list[str]:
    """The files that a pattern names, level by level from the folder before the first wildcard on."""
    parts = pattern.split("/")
    first = next(at for at, part in enumerate(parts) if wild.search(part))
    found = ["/".join(parts[:first]) or "/"]
    for at, part in enumerate(parts[first:], first + 1):
        is_last = at == len(parts)
        found = [
            posixpath.join(folder, one.name)
            for folder in found
            for one in store.entries(folder)
            if one.is_folder != is_last and _compiled(part).fullmatch(one.name)
        ]
    return sorted(found)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for one name, as Go's path.Match takes it: `[^…]` for none of these, a backslash before what is meant.

    Raises:
        SqlError: it is none.
    """
    parts: list[str] = []
    rest = pattern
    while rest:
        if found := re.match(r"\[(\^?)((?:\\.|[^\\\]])+)\]", rest, re.DOTALL):
            parts.append(_class(found[2], is_negated=bool(found[1])))
            rest = rest[found.end() :]
        elif rest[0] == "[" or rest == "\\":
            raise SqlError(1105, _BAD)
        elif rest[0] == "\\":
            parts.append(re.escape(rest[1]))
            rest = rest[2:]
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0]) or re.escape(rest[0]))
            rest = rest[1:]
    return re.compile("".join(parts), re.DOTALL)


def _class(inside: str, *, is_negated: bool) -> str:
    """The letters and ranges between brackets, as a regular expression.

    Raises:
        SqlError: a range lacks its beginning or its end.
    """
    letters = re.findall(r"\\.|.", inside, re.DOTALL)
    parts: list[str] = []
    while letters:
        low = letters.pop(0)
        high = low
        if letters[:1] == ["-"]:
            high = letters[1] if len(letters) > 1 else "-"
            del letters[:2]
        if "-" in {low, high}:
            raise SqlError(1105, _BAD)
        if low[-1] <= high[-1]:  # a range that ends before it begins matches nothing
            parts.append(f"{re.escape(low[-1])}-{re.escape(high[-1])}")
    if not parts:
        return "." if is_negated else "(?!)"
    return f"[{'^' if is_negated else ''}{''.join(parts)}]"
