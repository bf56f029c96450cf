"""Pure paths of files in stages: the methods of `pathlib.PurePath`, which send nothing to the server.

Methods that read or write files are operations in `stage_path_files`, which both clients bind.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import total_ordering
from pathlib import PurePath
from typing import Any, Self

from matrixone_core import patterns
from matrixone_core.errors import InvalidArgument
from matrixone_core.messages import show
from matrixone_core.names import check_text, stage_name, stage_path
from matrixone_core.sql.stage import STAGE_URL, split_url


@total_ordering
class PureStagePath:
    """The path of a file or folder in a stage.

    Args:
        stage: name of the stage.
        parts: names of the folders and of the file; empty for the stage itself.
        perform: function that runs operations.

    Attributes:
        stage: name of the stage.
        parts: names of the folders and of the file.
        perform: function that runs operations.
    """

    __slots__ = ("parts", "perform", "stage")

    def __init__(self, stage: str, parts: tuple[str, ...], perform: Any) -> None:
        self.stage: str = stage
        self.parts: tuple[str, ...] = parts
        self.perform: Any = perform

    @property
    def file(self) -> str:
        """The path in the stage, as loads take it: `dir/file.csv`."""
        return "/".join(self.parts)

    @property
    def url(self) -> str:
        """The `stage://` URL that the server reads.

        Raises:
            InvalidArgument: the server cannot read such a name.
        """
        if not self.parts:
            return f"stage://{self.stage}/"
        return stage_path(self.stage, self.file)

    @property
    def folder_url(self) -> str:
        """The `stage://` URL of the folder, with a `/` at the end."""
        return f"{self.url}/" if self.parts else self.url

    @property
    def name(self) -> str:
        """The last part; "" for the stage itself."""
        return self.parts[-1] if self.parts else ""

    @property
    def suffix(self) -> str:
        """The name from its last dot on, such as `.csv`; "" if it has none."""
        stem, dot, end = self.name.rpartition(".")
        return dot + end if stem.strip(".") and end else ""

    @property
    def suffixes(self) -> list[str]:
        """All suffixes, such as `['.csv', '.gz']`."""
        name = self.name.lstrip(".")
        return [] if name.endswith(".") else [f".{part}" for part in name.split(".")[1:]]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self.name.removesuffix(self.suffix)

    @property
    def parent(self) -> Self:
        """The folder that contains the path. The parent of the stage is the stage itself."""
        return self._at(self.parts[:-1])

    @property
    def parents(self) -> Sequence[Self]:
        """All folders that contain the path, the nearest first, the stage last."""
        return tuple(self._at(self.parts[:end]) for end in reversed(range(len(self.parts))))

    def joinpath(self, *others: str | PurePath) -> Self:
        """Return the path joined with others.

        Args:
            others: relative paths: str with `/` between folders, or pathlib paths such as `local.relative_to(folder)`.

        Raises:
            InvalidArgument: a path is outside the stage, or has a character that the server cannot read.
        """
        files = [other.as_posix() if isinstance(other, PurePath) else other for other in others]
        return self._at((*self.parts, *(part for file in files for part in parts_of(self.stage, file))))

    def with_name(self, name: str) -> Self:
        """Return the path of another name in the same folder.

        Raises:
            InvalidArgument: `name` is not a single name, or the path is the stage itself.
        """
        parts = parts_of(self.stage, name)
        if not self.parts or len(parts) != 1:
            raise InvalidArgument(f"name={show(name)} must be one name, and the path a file's or folder's")
        return self._at((*self.parts[:-1], *parts))

    def with_suffix(self, suffix: str) -> Self:
        """Return the path with another suffix; "" removes the suffix.

        Raises:
            InvalidArgument: `suffix` is neither empty nor a dot and a text.
        """
        if check_text(suffix, "suffix") and (not suffix.startswith(".") or suffix == "."):
            raise InvalidArgument(f"suffix={show(suffix)} must be empty, or a dot and more, as in '.csv'")
        return self.with_name(self.stem + suffix)

    def relative_to(self, other: "PureStagePath") -> str:
        """Return the path relative to another one, as text.

        Raises:
            InvalidArgument: the path is not below the other one.
        """
        if not isinstance(other, PureStagePath):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
            raise InvalidArgument(f"other={show(other)} must be a path in a stage, as client.stage.path returns it")
        length = len(other.parts)
        if other.stage != self.stage or self.parts[:length] != other.parts:
            raise InvalidArgument(f"{self} is not below {other}")
        return "/".join(self.parts[length:])

    def match(self, pattern: str) -> bool:
        """Return whether the path matches a pattern.

        A pattern is compared with the last segments of the path; one with `**` with the whole path.

        Args:
            pattern: pattern such as `*.csv` or `2024/*.csv`.
        """
        wanted = check_pattern(pattern).split("/")
        if patterns.ANY_FOLDERS in wanted:
            return patterns.matches(self.file, pattern)
        ends = self.parts[-len(wanted) :]
        return len(ends) == len(wanted) and all(map(fnmatchcase, ends, wanted))

    def __truediv__(self, other: str | PurePath) -> Self:
        return self.joinpath(other)

    def __str__(self) -> str:
        return f"stage://{self.stage}/{self.file}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({show(str(self))})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PureStagePath):
            return NotImplemented
        return (self.stage, self.parts) == (other.stage, other.parts)

    def __lt__(self, other: "PureStagePath") -> bool:
        return (self.stage, self.parts) < (other.stage, other.parts)

    def __hash__(self) -> int:
        return hash((self.stage, self.parts))

    def _at(self, parts: tuple[str, ...]) -> Self:
        return type(self)(self.stage, parts, self.perform)


def parts_of(stage: str, file: str) -> tuple[str, ...]:
    """Return the segments of a path in a stage.

    Args:
        stage: name of the stage.
        file: the path; "" is the stage itself.

    Raises:
        InvalidArgument: the path is outside the stage, or has a character that the server cannot read.
    """
    parts = tuple(part for part in check_text(file, "file").split("/") if part not in {"", "."})
    if parts:
        _ = stage_path(stage, file.rstrip("/"))
    return parts


def stage_file(stage: str, file: str) -> PureStagePath:
    """Return the path of a file in a stage; it cannot run operations.

    Raises:
        InvalidArgument: the path names no file, is outside the stage, or has a character that the server cannot read.
    """
    _ = stage_path(stage, file)
    return PureStagePath(stage_name(stage), parts_of(stage, file), None)


def stage_of_url(data: object) -> tuple[str, str] | None:
    """Return the stage and the path of a `stage://` URL or a stage path; None for other data."""
    if isinstance(data, PureStagePath):
        return data.stage, data.file
    return split_url(data) if isinstance(data, str) and data.startswith(STAGE_URL) else None


def check_pattern(pattern: str) -> str:
    """Return a pattern for paths below a folder, after checking it.

    Raises:
        InvalidArgument: the pattern is empty, or begins with `/`.
    """
    if not check_text(pattern, "pattern").strip("/") or pattern.startswith("/"):
        raise InvalidArgument(f"pattern={show(pattern)} must be a pattern below the path, such as '*.csv'")
    return pattern


def target_of(path: PureStagePath, target: object) -> tuple[str, tuple[str, ...]]:
    """Return the stage and the segments of the target of a copy.

    Args:
        path: the file to copy.
        target: a stage path, or a `stage://` URL.

    Raises:
        InvalidArgument: `target` is neither, or is the file itself.
    """
    if url := stage_of_url(target):
        stage = stage_name(url[0])
        found = (stage, parts_of(stage, url[1]))
    else:
        raise InvalidArgument(
            f"target={show(target)} must be a path of a stage, such as path.with_name('copy.csv'), or a stage:// URL"
        )
    if not found[1] or found == (path.stage, path.parts):
        raise InvalidArgument(f"target={show(str(target))} must be another file than {path}")
    return found
