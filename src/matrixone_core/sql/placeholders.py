"""Placeholders in the caller's SQL text: `:name`, `?` and `%s`. What is in quotes or in a comment is none.

Semicolons between statements are found in the same manner.
"""

import re
from collections.abc import Collection, Iterator

from matrixone_core.errors import InvalidArgument
from matrixone_core.fragments import as_text
from matrixone_core.messages import show

_TOKEN = re.compile(
    r"""(?P<inert>                                   # a quote or a comment that is left open reaches the end
              '(?:[^'\\]|\\.)*(?:'|\Z) | "(?:[^"\\]|\\.)*(?:"|\Z) | `[^`]*(?:`|\Z)
            | --(?=\s|\Z)[^\n]* | \#[^\n]* | /\*.*?(?:\*/|\Z) | \$\$.*?(?:\$\$|\Z))
      | (?P<mark>\?) | (?P<percent>%%) | (?P<format>%s)(?!\w) | (?<![:\w\\]):(?P<name>\w+)(?!:)""",
    re.DOTALL | re.VERBOSE,
)

_MAY_HAVE = re.compile(r"\?|(?<![:\w\\]):[^\W\d]")
_PREPARE = re.compile(r"\s*PREPARE\b", re.IGNORECASE)
LONGEST_SEARCHED = 100_000  # characters; a program wrote what is longer, and to search it would take long


def named(sql: str, names: Collection[str]) -> str:
    """Write a statement with `:name`s for SQLAlchemy's `text()`.

    Args:
        sql: the statement.
        names: the names that there are values for.

    Raises:
        InvalidArgument: a placeholder has no value, or is a `?`.
    """
    pieces: list[str] = []
    for kind, piece in _pieces(sql):
        if kind == "mark":
            raise InvalidArgument("the statement has a ? in it, which takes a tuple of values; a dict is for :name")
        if kind == "name" and piece[1:] not in names:
            raise InvalidArgument(f"the statement has {piece} in it, and there is no value {show(piece[1:])}")
        pieces.append(as_text(piece) if kind == "inert" else piece)
    return "".join(pieces)


def check_no_placeholders(sql: str) -> None:
    """See that a statement that is sent as it is has no placeholder; `PREPARE` may have `?`.

    Raises:
        InvalidArgument: it has a `:name` or a `?`.
    """
    if len(sql) > LONGEST_SEARCHED or not _MAY_HAVE.search(sql):
        return
    for kind, piece in _pieces(sql):
        if kind == "name" and not piece[1:].isdigit():
            raise InvalidArgument(
                f"the statement has {piece} in it, and no values are given; give a dict: {{{show(piece[1:])}: …}}"
            )
        if kind == "mark" and not _PREPARE.match(sql):
            raise InvalidArgument("the statement has a ? in it, and no values are given; give them as a tuple")


def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Write a statement with `?`s for SQLAlchemy's `text()`; without any, one with `%s` and `%%`, as PyMySQL has them.

    Args:
        sql: the statement.

    Returns:
        The text, in which each placeholder is a `:name`, and these names in order.
    """
    found = tuple(_pieces(sql))
    is_format = all(kind != "mark" for kind, _ in found) and any(kind == "format" for kind, _ in found)
    placeholder = "format" if is_format else "mark"
    names: list[str] = []
    pieces: list[str] = []
    for kind, piece in found:
        if kind == placeholder:
            names.append(f"p{len(names)}")
            pieces.append(f":{names[-1]}")
        else:
            pieces.append(as_text(piece.replace("%%", "%") if is_format else piece))
    return "".join(pieces), tuple(names)


def has_several_statements(sql: str) -> bool:
    """Whether a semicolon separates statements; one at the end, or before a comment at the end, separates none."""
    return ";" in sql and len(bare_statements(sql)) > 1


def bare_statements(sql: str) -> tuple[str, ...]:
    """The statements of a text without their comments, and with `''` in place of what is in quotes.

    What is within `/*! … */` is no comment: a server executes it.
    """
    bare = "".join(_bare(piece) if kind == "inert" else piece for kind, piece in _pieces(sql))
    return tuple(filter(None, (statement.strip() for statement in bare.split(";"))))


def _bare(inert: str) -> str:
    """A comment as a space, and what is in quotes as `''`."""
    if inert.startswith("/*!"):
        return f" {inert[3:].removesuffix('*/').lstrip('0123456789')} "
    return " " if inert[0] in "-#/" else "''"


def _pieces(sql: str) -> Iterator[tuple[str, str]]:
    """The pieces of a statement, each with its kind: a group of the pattern's, or `text`."""
    end = 0
    for token in _TOKEN.finditer(sql):
        yield "text", sql[end : token.start()]
        yield token.lastgroup or "", token[0]
        end = token.end()
    yield "text", sql[end:]
