"""What the engine may be asked to do: what is named here, and nothing with a file.

The engine reads and writes files by statements of its own, which know nothing of the folders that were allowed. Its
users have no right to do so (`engine.seekdb.RIGHTS`); here the statements are refused before, by all that they say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from matrixone_local.engine.scratch import DATABASE
from matrixone_local.errors import SqlError, internal_error
from matrixone_local.sql.tokens import Kind, Reader, Statement, Token

# The first word of what goes to the engine. A MatrixOne server can read no others, or the relay carries them out.
_STATEMENTS = frozenset(
    {"SELECT", "WITH", "(", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE", "TRUNCATE", "RENAME", "ANALYZE"}
    | {"SHOW", "DESC", "DESCRIBE", "EXPLAIN", "USE", "SET", "KILL", "LOCK", "UNLOCK"}
    | {"BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PREPARE", "EXECUTE", "DEALLOCATE"}
)
_TABLES = frozenset({"TABLE", "VIEW", "DATABASE", "SCHEMA"})
_DEFINED = {
    "CREATE": _TABLES | {"TEMPORARY", "EXTERNAL", "INDEX", "UNIQUE", "FULLTEXT", "OR"},
    "ALTER": _TABLES,
    "DROP": _TABLES | {"TEMPORARY", "INDEX", "PREPARE"},
}
# What a MatrixOne server can read and this one cannot do.
_NOT_HERE = {
    "CREATE": frozenset(
        {"FUNCTION", "PROCEDURE", "SEQUENCE", "ACCOUNT", "PUBLICATION", "SOURCE", "CONNECTOR", "STREAM"}
    ),
    "ALTER": frozenset({"SEQUENCE", "ACCOUNT", "PUBLICATION", "SESSION"}),
    "DROP": frozenset({"FUNCTION", "PROCEDURE", "SEQUENCE", "ACCOUNT", "PUBLICATION", "CONNECTOR", "STREAM"}),
    "CALL": frozenset[str](),
    "DO": frozenset[str](),
}
_OF_THE_ENGINE = frozenset({"oceanbase", "__recyclebin"})
WATCHED = (*_OF_THE_ENGINE, DATABASE, "mo_catalog", "infile", "outfile", "dumpfile")
_MARKS = re.compile("[\u0300-\u036f]")
_ALIKE = str.maketrans({"ß": "s", "ı": "i"})


def folded(name: str) -> str:
    """A name as the engine compares it: without regard to case and accents."""
    if name.isascii():
        return name.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", name.translate(_ALIKE))).lower()


def is_watched(sql: str) -> bool:
    """Whether a text has words, in names or elsewhere, for which its statements have to be read."""
    said = folded(sql)
    return any(word in said for word in WATCHED)


def check_names(tokens: Sequence[Token]) -> None:
    """Refuse to have anything to do with the engine's and the relay's own databases.

    Raises:
        SqlError: a name is one of theirs.
    """
    for token in tokens:
        if token.kind in {Kind.WORD, Kind.QUOTED}:
            check_name(token.value)


def check_name(name: str) -> None:
    """As `check_names`, for one name."""
    name = folded(name)
    if name in _OF_THE_ENGINE:
        raise SqlError(1049, f"Unknown database {name}", "42000")
    if name.startswith(DATABASE):
        raise internal_error(f"names that begin with {DATABASE} are the local server's own")


def check(statement: Statement) -> None:
    """Refuse what the engine must not be asked to do.

    Raises:
        SqlError: it is no statement that the engine is asked for, or one about files.
    """
    tokens = statement.tokens
    if not tokens:
        return
    first, second = tokens[0].said, tokens[1].said if tokens[1:] else ""
    if first in _NOT_HERE and (second in _NOT_HERE[first] or not _NOT_HERE[first]):
        raise SqlError(20105, f"not supported: the local server has no {first} {second}".rstrip())
    if first not in _STATEMENTS and second not in _DEFINED.get(first, ()):
        raise _unreadable(statement, 1 if first in _DEFINED else 0)
    if first == "KILL" and kills(tokens) is None:
        raise _unreadable(statement, 1)
    if (first, second) == ("CREATE", "OR") and [token.said for token in tokens[2:4]] != ["REPLACE", "VIEW"]:
        raise _unreadable(statement, 2)
    if names_files(tokens) and (first, second) != ("CREATE", "EXTERNAL"):  # the relay's own, whatever it says
        raise internal_error("the local server reads and writes files by LOAD DATA and SELECT … INTO OUTFILE alone")


def kills(tokens: Sequence[Token]) -> tuple[int, bool] | None:
    """The connection that a KILL [QUERY | CONNECTION] names, and whether it ends the connection as well."""
    *said, number = tokens
    if [token.said for token in said] in (["KILL"], ["KILL", "QUERY"], ["KILL", "CONNECTION"]):
        return (int(number.text), not said[-1].says("QUERY")) if number.text.isdecimal() else None
    return None


def names_files(tokens: Iterable[Token]) -> bool:
    """Whether the words are there by which statements of the engine read and write files."""
    return any(
        after.said in {"INFILE", "OUTFILE"} or (before.said == "INTO" and after.said == "DUMPFILE")
        for before, after in pairwise(tokens)
    )


def _unreadable(statement: Statement, at: int) -> SqlError:
    read = Reader(statement.sql, statement.tokens)
    read.at = at
    return read.error()
