"""Column types: MatrixOne's in definitions to the engine's, and the engine's in descriptions to MatrixOne's.

What the engine's type alone does not tell is stored in the column's comment, behind a mark that clients do not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matrixone_local.sql.quoting import literal
from matrixone_local.sql.tokens import Kind, Reader, Statement, Token
from matrixone_local.sql.type_names import MARK

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
LONGEST_KEY = 4096  # characters of a text that can be a key of the engine
IN_KEY = "VARCHAR(1024)"  # of a VARCHAR without a length that is in a key: four of them fit in one
_LONGEST = 65_535  # characters of a VARCHAR, and of one without a length (server-facts 66)
_BITS_OF_FLOAT = 24  # from here on a server makes a DOUBLE of FLOAT(n)
_SIZED = frozenset(f"{size}{kind}" for size in ("TINY", "", "MEDIUM", "LONG") for kind in ("TEXT", "BLOB"))
_BEFORE_A_NAME = frozenset({"(", ",", "ADD", "COLUMN", "MODIFY"})
_DECIMALS = frozenset({"DECIMAL", "NUMERIC"})
_DIGITS = "(38,0)"  # of a DECIMAL without any (server-facts 95)
_CASTS = {
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT"), "SIGNED"),
    **dict.fromkeys(("VARCHAR", "TEXT"), "CHAR"),
    "TIMESTAMP": "DATETIME",
}


def put_types(statement: Statement) -> None:
    """Put MatrixOne's types of a definition's columns as the engine's."""
    tokens = statement.tokens
    for at in range(1, len(tokens)):
        word = tokens[at].said
        if not word or not _is_type(tokens, at):
            continue
        if word == "TINYINT" and _argument(tokens, at) == "(1)":  # (1) means BOOL here
            statement.put(tokens[at + 1].start, tokens[at + 3].end, "")
        elif word in _DECIMALS and not _opens(tokens, at + 1):
            statement.insert(tokens[at].end, _DIGITS)
        elif word in _TYPES:
            put, marked = _TYPES[word]
            _put(statement, at, put, f"{word.lower()}{_argument(tokens, at)}" if marked else "")
        elif word in _SIZED and _opens(tokens, at + 1):
            read = Reader(statement.sql, tokens)
            read.at = at + 1
            raise read.error()  # a MatrixOne server knows no length there
        elif word in _SIZED and word.endswith("TEXT") and _has_default(tokens, at):  # the engine's texts have none
            _put(statement, at, f"VARCHAR({_LONGEST})", "text")
        elif word == "FLOAT" and int(_argument(tokens, at)[1:-1] or 0) >= _BITS_OF_FLOAT:
            _put(statement, at, "DOUBLE", "", takes_argument=True)
        elif word == "VARBINARY" and not _argument(tokens, at):
            without_default = "VARBINARY(1024)" if _is_in_key(tokens, at) else "MEDIUMBLOB"
            put = f"VARBINARY({_LONGEST})" if _has_default(tokens, at) else without_default
            _put(statement, at, put, f"varbinary({_LONGEST})")
        elif word == "VARCHAR" and (taken := _of_any_length(tokens, at)):
            _put(statement, at, taken, f"varchar({_length(tokens, at)})", takes_argument=True)


def to_engine_sql(columns: str) -> str:
    """The text of a definition's columns, with the engine's types."""
    statement = Statement(columns)
    put_types(statement)
    return statement.written()


def _length(tokens: Sequence[Token], at: int) -> int:
    """The length of a VARCHAR, which may have none."""
    return int(_argument(tokens, at)[1:-1] or _LONGEST)


def _of_any_length(tokens: Sequence[Token], at: int) -> str | None:
    """The engine's type for a VARCHAR without a length, or one that is too long for a key; None for others."""
    length = _length(tokens, at)
    if _is_in_key(tokens, at):
        return IN_KEY if length > LONGEST_KEY else None
    if length < _LONGEST:
        return None
    # the engine gives texts of any length no default, and several VARCHARs of this length make no row
    return f"VARCHAR({_LONGEST})" if _has_default(tokens, at) else "MEDIUMTEXT"


def _has_default(tokens: Sequence[Token], at: int) -> bool:
    """Whether a column whose type is there has a default that is not NULL."""
    rest = pairwise(_rest(tokens, at))
    return any(token.says("DEFAULT") and not following.says("NULL") for token, following in rest)


def _rest(tokens: Sequence[Token], at: int) -> Sequence[Token]:
    """What follows a column's type, to the end of its definition."""
    depth = 0
    for here in range(at + 1, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[here].said, 0)
        if depth < 0 or (depth == 0 and tokens[here].says(",", ";")):
            return tokens[at + 1 : here]
    return tokens[at + 1 :]


def _is_in_key(tokens: Sequence[Token], at: int) -> bool:
    """Whether a key of its table names a column whose type is there."""
    if any(token.says("PRIMARY", "UNIQUE", "KEY", "REFERENCES") for token in _rest(tokens, at)):
        return True
    name, of_key, depth = tokens[at - 1].value.lower(), False, 0
    for before, token in pairwise(tokens):
        if of_key and depth and token.value.lower() == name and before.says("(", ","):
            return True
        depth = max(0, depth + {"(": 1, ")": -1}.get(token.said, 0)) if of_key else 0
        if token.says("KEY", "INDEX", "UNIQUE"):
            of_key = not before.says("FULLTEXT")
        elif token.says(",", "CLUSTER") and not depth:
            of_key = False
    return False


def put_casts(statement: Statement) -> None:
    """Put the types of a statement's CASTs as the engine's."""
    tokens = statement.tokens
    for at in range(2, len(tokens)):
        word = tokens[at].said
        if word in _DECIMALS and tokens[at - 1].said == "AS" and not _opens(tokens, at + 1):
            statement.insert(tokens[at].end, _DIGITS)
        if word not in _CASTS or tokens[at - 1].said != "AS":
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if following is not None and following.says(")", "(", "UNSIGNED"):
            unsigned = following.says("UNSIGNED")
            end = following.end if unsigned else tokens[at].end
            statement.put(tokens[at].start, end, "UNSIGNED" if unsigned else _CASTS[word])


def _is_type(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word is where a column's type does: behind a name that begins a definition."""
    if tokens[at - 1].kind not in {Kind.WORD, Kind.QUOTED}:
        return False
    if at == 1 or tokens[at - 2].text.upper() in _BEFORE_A_NAME:
        return True
    return at > 2 and tokens[at - 2].kind in {Kind.WORD, Kind.QUOTED} and tokens[at - 3].says("CHANGE", "COLUMN")


def _opens(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].says("(")


def _argument(tokens: Sequence[Token], at: int) -> str:
    if at + 3 < len(tokens) and tokens[at + 1].says("(") and tokens[at + 3].says(")"):
        return f"({tokens[at + 2].text})"
    return ""


def _put(statement: Statement, at: int, put: str, marked: str, *, takes_argument: bool = False) -> None:
    """Put another type of a column.

    Args:
        statement: the definition.
        at: the position of the type among its tokens.
        put: the engine's type.
        marked: MatrixOne's type, where it has to be remembered.
        takes_argument: whether the engine's type takes the place of the argument, too.
    """
    tokens = statement.tokens
    end = tokens[at + 3].end if _argument(tokens, at) else tokens[at].end
    statement.put(tokens[at].start, end if takes_argument else tokens[at].end, put)
    if marked:
        mark = f"{MARK}{marked};"
        comment = _comment(tokens, at)
        if comment is None:
            statement.insert(end, f" COMMENT {literal(mark)}")
        else:
            statement.put(comment.start, comment.end, literal(mark + comment.value))


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
