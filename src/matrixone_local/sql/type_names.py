"""The engine's types by MatrixOne's names.

A type that the engine lacks is stored in its column's comment, behind a mark that clients do not see.
"""

from __future__ import annotations

import re

MARK = "__mo:"
_MARKED = re.compile(rf"{MARK}(.*?);(.*)", re.DOTALL)
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "bigint": 64}


def matrixone_type(kind: str, comment: str) -> tuple[str, str]:
    """MatrixOne's type of a column, in small letters, and its comment as the user gave it.

    Args:
        kind: the engine's type, as `int(11) unsigned`.
        comment: the engine's comment.
    """
    marked = _MARKED.fullmatch(comment)
    if marked:
        return marked[1], marked[2]
    kind = kind.lower()
    if kind.endswith(("text", "blob")):
        return kind[-4:], comment  # long or not, they are one type
    if kind.startswith("tinyint(1)"):
        return "bool", comment
    if kind.startswith("vector("):
        return kind.replace("vector", "vecf32"), comment
    return re.sub(r"^((?:tiny|small|medium|big)?int)\(\d+\)", r"\1", kind), comment


def describe_type(kind: str) -> str:
    """A type as DESCRIBE gives it on a MatrixOne server: in capitals, always with a length (conformance/session)."""
    base = re.split(r"\W", kind, maxsplit=1)[0]
    arguments, rest = "", kind.removeprefix(base)
    if found := re.match(r"\(.*?\)", rest, re.DOTALL):
        arguments, rest = found[0], rest[found.end() :]
    if base.endswith(("text", "blob")):
        base = base[-4:]  # long or not, they are one type
    if base == "float":
        arguments = re.sub(r",.*", ")", arguments)
    if base in {"enum", "set"}:
        return f"{base.upper()}{arguments}{rest.upper()}"
    length = arguments or f"({_BITS.get(base, 0)})"
    return f"{base.upper()}{rest.upper()}{length}"
