"""Column types: MatrixOne's in definitions to the engine's, and the engine's in descriptions to MatrixOne's.

What the engine's type alone does not tell is kept in the column's comment, behind a mark that clients do not see.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .tokens import Kind, Statement, Token, tokenize
from .values import literal

MARK = "__mo:"
_MARKED = re.compile(rf"{MARK}(.*?);(.*)", re.DOTALL)
# MatrixOne's type: the engine's, and whether it has to be remembered
_TYPES: dict[str, tuple[str, bool]] = {
    "VECF32": ("VECTOR", False),
    "VECF64": ("VECTOR", True),  # in single precision
    "DATALINK": ("TEXT", True),
    "UUID": ("CHAR(36)", True),
    "BOOL": ("TINYINT(1)", False),
    "BOOLEAN": ("TINYINT(1)", False),
    "MEDIUMINT": ("INT", False),
}
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "bigint": 64}
_BEFORE_A_NAME = frozenset({"(", ",", "ADD", "COLUMN", "MODIFY"})
_CASTS = {
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT"), "SIGNED"),
    **dict.fromkeys(("VARCHAR", "TEXT"), "CHAR"),
    "TIMESTAMP": "DATETIME",
}


def in_the_engine(sql: str) -> str:
    """A definition of columns with MatrixOne's types put as the engine's."""
    tokens = tokenize(sql)
    for at in range(len(tokens) - 1, 0, -1):
        word = tokens[at].text.upper()
        if tokens[at].kind is not Kind.WORD or not _is_type(tokens, at):
            continue
        if word == "TINYINT" and _argument(tokens, at) == "(1)":  # (1) means BOOL here
            sql = f"{sql[: tokens[at + 1].start]}{sql[tokens[at + 3].end :]}"
        elif word in _TYPES:
            sql = _put(sql, tokens, at)
    return sql


def put_casts(statement: Statement) -> None:
    """Put the types of a statement's CASTs as the engine's."""
    tokens = statement.tokens
    for at in range(2, len(tokens)):
        word = tokens[at].said
        if word not in _CASTS or tokens[at - 1].said != "AS":
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if following is not None and following.says(")", "(", "UNSIGNED"):
            unsigned = following.says("UNSIGNED")
            end = following.end if unsigned else tokens[at].end
            statement.put(tokens[at].start, end, "UNSIGNED" if unsigned else _CASTS[word])


def _is_type(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word stands where a column's type does: behind a name that begins a definition."""
    if tokens[at - 1].kind not in {Kind.WORD, Kind.QUOTED}:
        return False
    if at == 1 or tokens[at - 2].text.upper() in _BEFORE_A_NAME:
        return True
    return at > 2 and tokens[at - 2].kind in {Kind.WORD, Kind.QUOTED} and tokens[at - 3].says("CHANGE", "COLUMN")


def _argument(tokens: Sequence[Token], at: int) -> str:
    if at + 3 < len(tokens) and tokens[at + 1].says("(") and tokens[at + 3].says(")"):
        return f"({tokens[at + 2].text})"
    return ""


def _put(sql: str, tokens: Sequence[Token], at: int) -> str:
    word = tokens[at].text
    put, marked = _TYPES[word.upper()]
    if marked:
        mark = f"{MARK}{word.lower()}{_argument(tokens, at)};"
        comment = _comment(tokens, at)
        if comment is None:
            end = tokens[at + 3].end if _argument(tokens, at) else tokens[at].end
            sql = f"{sql[:end]} COMMENT {literal(mark)}{sql[end:]}"
        else:
            sql = f"{sql[: comment.start]}{literal(mark + comment.value)}{sql[comment.end :]}"
    return f"{sql[: tokens[at].start]}{put}{sql[tokens[at].end :]}"


def _comment(tokens: Sequence[Token], at: int) -> Token | None:
    """The text of the column's COMMENT, if it has one."""
    depth = 0
    for here in range(at, len(tokens) - 1):
        depth += {"(": 1, ")": -1}.get(tokens[here].text, 0) if tokens[here].kind is Kind.SYMBOL else 0
        if depth < 0 or (depth == 0 and tokens[here].says(",")):
            return None
        if tokens[here].says("COMMENT") and tokens[here + 1].kind is Kind.STRING:
            return tokens[here + 1]
    return None


def told(kind: str, comment: str) -> tuple[str, str]:
    """MatrixOne's type of a column, in small letters, and its comment as the user gave it.

    Args:
        kind: the engine's type, as `int(11) unsigned`.
        comment: the engine's comment.
    """
    marked = _MARKED.fullmatch(comment)
    if marked:
        return marked[1], marked[2]
    kind = kind.lower()
    if kind.startswith("tinyint(1)"):
        return "bool", comment
    if kind.startswith("vector("):
        return kind.replace("vector", "vecf32"), comment
    return re.sub(r"^((?:tiny|small|medium|big)?int)\(\d+\)", r"\1", kind), comment


def described(kind: str) -> str:
    """A type as DESCRIBE gives it on a MatrixOne server: in capitals, always with a length (conformance/session)."""
    base = re.split(r"\W", kind, maxsplit=1)[0]
    arguments, rest = "", kind.removeprefix(base)
    if found := re.match(r"\(.*?\)", rest, re.DOTALL):
        arguments, rest = found[0], rest[found.end() :]
    if base in {"enum", "set"}:
        return f"{base.upper()}{arguments}{rest.upper()}"
    length = arguments or f"({_BITS.get(base, 0)})"
    return f"{base.upper()}{rest.upper()}{length}"
