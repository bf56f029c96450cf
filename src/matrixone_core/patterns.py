"""Patterns for the files of a stage, matched here: the server's own listing knows `*` alone (server-facts 58).

A pattern is matched part by part between its `/`, as `pathlib.PurePath.full_match` does: `*` matches any characters,
`?` for one, `[a-c]` for one of these, `[!a-c]` for one that is none of these, a part `**` for any number of folders.
At a pattern's end `**` matches all files below.
"""

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase

from matrixone_core.errors import InvalidArgument, ServerError
from matrixone_core.messages import show
from matrixone_core.names import WILDCARDS, check_text, stage_path
from matrixone_core.server_errors import aborts
from matrixone_core.sql.files import ListFiles
from matrixone_core.stage_files import is_there
from matrixone_core.steps import Op

ANY_FOLDERS = "**"
DEEPEST = 100  # folders within folders; a link that leads back has no end


def is_pattern(file: str) -> bool:
    """Return whether a name has wildcards."""
    return not WILDCARDS.isdisjoint(check_text(file, "file"))


def matches(path: str, pattern: str) -> bool:
    """Return whether a file's path matches a pattern.

    Args:
        path: the path in the stage, folders separated by `/`.
        pattern: the pattern.
    """
    *folders, name = path.split("/")
    parts = _parts(pattern)
    places = frozenset({0})
    for folder in folders:
        places = _below(parts, places, folder)
    return _takes(parts, places, name)


def matching(stage: str, pattern: str) -> Op[tuple[str, ...]]:
    """The files of a stage that a pattern matches, as paths in the stage, in order.

    Folders are listed one by one, and only those in which a file could match. The server hides files and folders on a
    disk whose names begin with a dot.

    Args:
        stage: the stage's name.
        pattern: the pattern.

    Raises:
        InvalidArgument: the server can list a folder not at all that has to be looked into, or folders go too deep.
        ServerError: a folder cannot be listed.
    """
    parts = _parts(pattern)
    found: list[str] = []
    waiting = [("", frozenset({0}))]
    while waiting:
        folder, places = waiting.pop()
        if folder.count("/") > DEEPEST:
            raise InvalidArgument(
                f"{show(pattern)} looks more than {DEEPEST} folders deep, as into {show(folder)}; write fewer **"
            )
        if step := _only_folder(parts, places):
            waiting.append((f"{folder}{step}/", _below(parts, places, step)))
            continue
        url = stage_path(stage, f"{folder}x")[:-1]  # refuses what the server cannot list
        try:
            files, folders = yield from list_folder(url, is_deep=_goes_deeper(parts, places))
        except ServerError as error:
            if aborts(error) or not (yield from _is_below_file(stage, folder)):
                raise
            continue
        found += [folder + name for name in sorted(files) if _takes(parts, places, name)]
        below = [(f"{folder}{name}/", _below(parts, places, name)) for name in sorted(folders)]
        waiting += [(path, then) for path, then in below if then]
    return tuple(sorted(found))


def _parts(pattern: str) -> tuple[str, ...]:
    """A pattern's parts; one without any is a name that no file has."""
    return tuple(part for part in pattern.split("/") if part not in {"", "."}) or ("",)


def _close_places(parts: tuple[str, ...], places: Iterable[int]) -> frozenset[int]:
    """The places in a pattern with those that follow where `**` matches no folder."""
    found = set(places)
    for at, part in enumerate(parts[:-1]):
        if at in found and part == ANY_FOLDERS:
            found.add(at + 1)
    return frozenset(found)


def _below(parts: tuple[str, ...], places: frozenset[int], folder: str) -> frozenset[int]:
    """The places in a pattern from which on the rest has to match, within a folder."""
    found: set[int] = set()
    for at in _close_places(parts, places):
        if parts[at] == ANY_FOLDERS:
            found.add(at)
        elif at < len(parts) - 1 and fnmatchcase(folder, parts[at]):
            found.add(at + 1)
    return frozenset(found)


def _takes(parts: tuple[str, ...], places: frozenset[int], name: str) -> bool:
    """Whether a file's name matches the last part, if that is what has to match now."""
    last = len(parts) - 1
    return last in _close_places(parts, places) and (parts[last] == ANY_FOLDERS or fnmatchcase(name, parts[last]))


def _goes_deeper(parts: tuple[str, ...], places: frozenset[int]) -> bool:
    return any(at < len(parts) - 1 or parts[at] == ANY_FOLDERS for at in places)


def _only_folder(parts: tuple[str, ...], places: frozenset[int]) -> str | None:
    """The one folder that can match here, which then need not be looked for."""
    at = min(places)
    is_only = len(places) == 1 and at < len(parts) - 1 and not is_pattern(parts[at])
    return parts[at] if is_only else None


def _is_below_file(stage: str, folder: str) -> Op[bool]:
    """Whether a file has the name of a folder that was not looked for; the server refuses to list one."""
    names = folder.split("/")[:-1]
    above = ["/".join(names[:count]) for count in range(1, len(names) + 1)]
    is_file = False
    while above and not is_file:
        is_file = yield from is_there(stage_path(stage, above.pop(0)))
    return is_file


def list_folder(url: str, *, is_deep: bool) -> Op[tuple[set[str], set[str]]]:
    """The names of the files in a folder, and those of its folders if these are wanted; on S3 a name may be both.

    Args:
        url: the folder's `stage://` URL, with a `/` behind it.
        is_deep: whether folders are wanted.
    """
    # files last: one that arrives meanwhile is not taken for a folder
    every = (yield from ListFiles(url)) if is_deep else ()
    listed = yield from ListFiles(f"{url}*")
    files: set[str] = set()
    for path in listed:
        folder, _, name = path.rpartition("/")
        may_be_mark = folder.endswith(name) and folder.rpartition("/")[2] == name  # an S3 folder's own is listed in it
        is_mark = may_be_mark and not (yield from is_there(f"{url}{name}"))
        files.update(() if is_mark else (name,))
    return files, {path.rpartition("/")[2] for path in Counter(every) - Counter(listed)}
