"""Which files of a stage are loaded."""

from collections.abc import Sequence

from matrixone_core import literals
from matrixone_core.errors import InvalidArgument, StageFileNotFound
from matrixone_core.operation import Op
from matrixone_core.sql.files import ListFiles


def named(stage: str, file: str | Sequence[str]) -> tuple[str, ...]:
    """The `stage://` URLs of a name, a pattern, or a list of these.

    Raises:
        InvalidArgument: one of them cannot be, or there is none.
    """
    names = (file,) if isinstance(file, str) else tuple(file)
    if not names:
        raise InvalidArgument("the list of files is empty")
    return tuple(literals.stage_path(stage, name, pattern=is_pattern(name)) for name in names)


def found(stage: str, urls: Sequence[str], *, allow_empty: bool) -> Op[tuple[str, ...]]:
    """The files that URLs name, patterns replaced by what they match now; each file once, in a stable order.

    Args:
        stage: the stage's name.
        urls: as `named` has them.
        allow_empty: whether a pattern may match nothing.

    Raises:
        StageFileNotFound: a pattern matches nothing.
    """
    files: dict[str, None] = {}
    for url in urls:
        if not is_pattern(url):
            files[url] = None
            continue
        matched = yield from _matched(stage, url)
        if not matched and not allow_empty:
            raise StageFileNotFound(
                f"no file matches {url!r}; each part between two / is matched by itself; allow_empty=True loads nothing"
            )
        files |= dict.fromkeys(matched)
    return tuple(files)


def is_pattern(file: str) -> bool:
    """Whether a name has wildcards."""
    return not literals.WILDCARDS.isdisjoint(literals.checked_text(file, "file"))


def _matched(stage: str, url: str) -> Op[list[str]]:
    """The list is of full paths; as no wildcard matches a `/`, the file's path in the stage is their end."""
    depth = url.removeprefix("stage://").count("/")
    paths = yield from ListFiles(url)
    return sorted(literals.stage_path(stage, "/".join(path.rsplit("/", depth)[1:])) for path in paths)
