"""Which files of a stage are loaded."""

from collections.abc import Sequence

from matrixone_core import patterns
from matrixone_core.errors import InvalidArgument, StageFileNotFound
from matrixone_core.messages import show
from matrixone_core.names import check_texts, stage_path
from matrixone_core.patterns import is_pattern
from matrixone_core.steps import Op


def check_files(file: str | Sequence[str]) -> tuple[str, ...]:
    """The names and patterns of files that an argument has: one, or a list.

    Raises:
        InvalidArgument: it is no text and no list of texts, or there is none.
    """
    names = (file,) if isinstance(file, str) else check_texts(file, "file", or_one=True)
    if not names:
        raise InvalidArgument("the list of files is empty; name a file")
    return names


def stage_urls(stage: str, file: str | Sequence[str]) -> tuple[str, ...]:
    """The `stage://` URLs of a name, a pattern, or a list of these.

    Raises:
        InvalidArgument: one of them cannot be, or there is none.
    """
    return tuple(stage_path(stage, name, pattern=is_pattern(name)) for name in check_files(file))


def expand_patterns(stage: str, urls: Sequence[str], *, allow_empty: bool) -> Op[tuple[str, ...]]:
    """The files that URLs name, patterns replaced by what they match now; each file once, in a stable order.

    Args:
        stage: the stage's name.
        urls: as `stage_urls` has them.
        allow_empty: whether a pattern may match nothing.

    Raises:
        StageFileNotFound: a pattern matches nothing.
    """
    files: dict[str, None] = {}
    for url in urls:
        if not is_pattern(url):
            files[url] = None
            continue
        matched = yield from patterns.matching(stage, url.removeprefix(f"stage://{stage}/"))
        if not matched and not allow_empty:
            raise StageFileNotFound(
                f"no file matches {show(url)}; each part between two / is matched by itself",
                remedy="allow_empty=True loads nothing",
            )
        files |= {stage_path(stage, path): None for path in matched}
    return tuple(files)
