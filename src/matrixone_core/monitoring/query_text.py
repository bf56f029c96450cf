"""What may be shown of a statement: its text without values, what it does, and to what.

A caller may have written a password into the text, so each literal becomes `?`, and comments are left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from matrixone_core.messages import show
from matrixone_core.secrets import mentions_secrets
from matrixone_core.sql.staging import STAGING

READ_CHARACTERS = 4_000  # of a statement's beginning; what follows is not described
TEXT_CHARACTERS = 1_000
SUMMARY_CHARACTERS = 255  # as the semantic conventions have it

# `\'` ends a text where the server takes backslashes as they are, and else does not: then the rest may be the text.
_TOKEN = re.compile(
    r"""
    (?P<value> (?:\b(?:_\w+|[bnx])\s*)? (?: '(?:[^'\\]|\\[^']|'')*+ (?:'|.*\Z) | "(?:[^"\\]|\\[^"]|"")*+ (?:"|.*\Z) )
             | \.?\d\w*+(?:\.\w*+)?(?:(?<=e)[+-]\d+)?
             | %s | %\(\w+\)s )
    | (?P<comment> /\*.*?(?:\*/|\Z) | --(?=\s|\Z)[^\n]* | \#[^\n]* )
    | (?P<name> `(?:[^`]|``)*(?:`|\Z) )
    | (?P<word> [^\W\d][\w$]* | @{1,2}[\w$.]* )
    | (?P<space> \s+ )
    | (?P<sign> . )
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_DEFINES = frozenset({"ALTER", "CLONE", "CREATE", "DESCRIBE", "DROP", "LOAD", "RESTORE", "SHOW", "TRUNCATE"})
_DEFINED = frozenset(
    {
        *("ACCOUNT", "ACCOUNTS", "COLUMNS", "DATA", "DATABASE", "DATABASES", "FUNCTION", "GRANTS", "INDEX", "PITR"),
        *("PUBLICATION", "ROLE", "SCHEMA", "SEQUENCE", "SNAPSHOT", "SNAPSHOTS", "STAGE", "STAGES", "TABLE", "TABLES"),
        *("USER", "VARIABLES", "VIEW"),
    }
)
_READS_AND_WRITES = frozenset({"DELETE", "INSERT", "REPLACE", "SELECT", "UPDATE", "VALUES"})
_BEFORE_A_TARGET = frozenset({"FROM", "INTO", "JOIN"})
_BEFORE_THE_TARGET = (_DEFINED - {"DATA"}) | {"DESCRIBE", "TRUNCATE", "UPDATE"}
_BETWEEN = frozenset({"EXISTS", "IF", "IGNORE", "LATERAL", "LOW_PRIORITY", "NOT", "ONLY", "TABLE"})
_STAGING_TABLE = re.compile(rf"\b{STAGING}\w+")  # its digits are of one load
_NO_BARE_VALUE = frozenset("'\"{}()=,;%")  # first signs of what is in quotes, a mark for a parameter, or punctuation
_NO_SECRETS = frozenset({"FALSE", "PASSWORD", "RANDOM", "TRUE"})  # IDENTIFIED BY PASSWORD 'x', BY RANDOM PASSWORD
_FROM_AS_AN_ARGUMENT = frozenset({"EXTRACT", "SUBSTR", "SUBSTRING", "TRIM"})


@dataclass(frozen=True)
class Query:
    """What may be shown of a statement.

    Args:
        operation: what it does, such as `SELECT` or `CREATE STAGE`.
        summary: that, and the tables or objects that it names; all staging tables have one name there.
        text: the statement on one line, `?` for each value.
    """

    operation: str
    summary: str
    text: str


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


def describe(sql: str) -> Query:
    """What may be shown of a statement.

    Args:
        sql: the statement, with the driver's marks for its parameters.
    """
    return _describe(sql[:READ_CHARACTERS], len(sql) > READ_CHARACTERS)


def show_sql(sql: str) -> str:
    """A statement as messages quote it: without its values where it may have a password or a key in it."""
    return show(describe(sql).text if mentions_secrets(sql) else sql)


def literals(sql: str) -> tuple[str, ...]:
    """The texts between quotes in a statement, as they are written there, and the passwords and keys without quotes."""
    tokens = _tokens(sql)
    values = [text.strip("'\"") for kind, text in tokens if kind == "value" and text.endswith(("'", '"'))]
    return (*values, *("".join(tokens[at].text for at in run) for run in _unquoted_secrets(tokens)))


def _tokens(sql: str) -> list[_Token]:
    return [_Token(str(found.lastgroup), found.group()) for found in _TOKEN.finditer(sql)]


def _unquoted_secrets(tokens: Sequence[_Token]) -> Iterator[range]:
    """Where passwords and keys are whose quotes were forgotten, as in `IDENTIFIED BY x` and `CREDENTIALS={KEY=x}`."""
    before: list[_Token] = []  # what is no space
    depth = at = 0  # of braces
    while at < len(tokens):
        token = tokens[at]
        depth += (token.text == "{") - (token.text == "}")
        if (
            token.kind not in {"space", "comment"}
            and token.text[0] not in _NO_BARE_VALUE
            and _expects_secret(before, depth)
        ):
            end = at
            while end < len(tokens) and tokens[end].kind not in {"space", "comment"} and tokens[end].text not in ",;)}":
                end += 1
            if token.keyword not in _NO_SECRETS:
                yield range(at, end)
            before, at = [*before, token], end
            continue
        if token.kind not in {"space", "comment"}:
            before.append(token)
        at += 1


def _expects_secret(before: Sequence[_Token], depth: int) -> bool:
    """Whether what follows these tokens may be a password or a key.

    Args:
        before: the tokens, without spaces.
        depth: how many braces are open.
    """
    last = [token.keyword or token.text for token in before[-2:]]
    if last[-1:] == ["="]:
        return depth > 0 or [token.keyword for token in before[:2]] == ["SET", "PASSWORD"]
    return last == ["IDENTIFIED", "BY"]


@lru_cache(256)
def _describe(sql: str, is_cut: bool) -> Query:
    tokens = _tokens(sql)
    for run in reversed(list(_unquoted_secrets(tokens)) if mentions_secrets(sql) else ()):
        tokens[run.start : run.stop] = [_Token("value", "?")]
    visible = [token for token in tokens if token.kind not in {"comment", "space"}]
    operation = _operation(visible)
    return Query(operation, _summary(operation, visible), _text(tokens, is_cut))


def _text(tokens: Sequence[_Token], is_cut: bool) -> str:
    shown = {"value": "?", "comment": " ", "space": " "}
    text = "".join(shown.get(kind, text) for kind, text in tokens)
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    text = re.sub(r"\?(?: ?, ?\?)+", "?", text)
    text = re.sub(r"\(\?\)(?: ?, ?\(\?\))+", "(?)", text)
    return f"{text[: TEXT_CHARACTERS - 1]}…" if is_cut or len(text) > TEXT_CHARACTERS else text


def _operation(tokens: Sequence[_Token]) -> str:
    keywords = [token.keyword for token in tokens if token.text != "("][:12]
    verb = keywords[0] if keywords else ""
    if verb in _DEFINES:
        return " ".join([verb, *[word for word in keywords[1:6] if word in _DEFINED][:1]])
    if verb == "WITH":
        return next((token.keyword for token in _outermost(tokens) if token.keyword in _READS_AND_WRITES), verb)
    return verb or "UNKNOWN"


def _outermost(tokens: Sequence[_Token]) -> Iterator[_Token]:
    """The tokens outside of all parentheses."""
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if not depth:
            yield token


def _summary(operation: str, tokens: Sequence[_Token]) -> str:
    summary = operation
    for target in dict.fromkeys(_targets(operation, tokens)):
        longer = f"{summary} {target}"
        if len(longer) > SUMMARY_CHARACTERS:
            break
        summary = longer
    return summary


def _targets(operation: str, tokens: Sequence[_Token]) -> Iterator[str]:
    """The names of what a statement reads or changes."""
    starts = _BEFORE_A_TARGET | (_BEFORE_THE_TARGET & {operation.rpartition(" ")[2]})
    functions: list[bool] = []  # of each open parenthesis, whether FROM in it is a part of a function's arguments
    for at, token in enumerate(tokens):
        if token.text == "(":
            functions.append(at > 0 and tokens[at - 1].keyword in _FROM_AS_AN_ARGUMENT)
        elif token.text == ")" and functions:
            functions.pop()
        elif token.keyword in starts and not (functions and functions[-1]):
            yield from filter(None, [_STAGING_TABLE.sub(f"{STAGING}?", _name(tokens, at + 1))])


def _name(tokens: Sequence[_Token], at: int) -> str:
    """The name at a place, after words such as IF NOT EXISTS; empty where there is none."""
    while at < len(tokens) and tokens[at].keyword in _BETWEEN:
        at += 1
    parts: list[str] = []
    for token in tokens[at : at + 5]:
        if len(parts) % 2 == 0 and token.kind in {"name", "word"} and token.keyword not in _BEFORE_A_TARGET:
            parts.append(_unquote(token.text))
        elif len(parts) % 2 == 1 and token.text == ".":
            parts.append(".")
        else:
            break
    return "".join(parts)


def _unquote(name: str) -> str:
    text = name[1:].removesuffix("`").replace("``", "`") if name.startswith("`") else name
    return "".join(sign if sign.isprintable() else " " for sign in text)
