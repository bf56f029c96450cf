"""A small SQL tokenizer: just enough to recognise the statements that only MatrixOne has.

Everything it does not need to understand goes to the engine byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .errors import Refused, syntax

_PATTERN = re.compile(
    r"""
      (?P<space>\s+|--[ \t][^\n]*\n?|--$|\#[^\n]*\n?|/\*(?!!).*?\*/)
    | (?P<string>'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")
    | (?P<quoted>`(?:[^`]++|``)*+`)
    | (?P<hex>0[xX][0-9a-fA-F]+(?![\w$]))
    | (?P<word>@@?[\w$.]+|[^\W\d][\w$]*|\d+[^\W\d][\w$]*)
    | (?P<number>\d+(?:\.\d*)?|\.\d+)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


class Kind(Enum):
    """What a token is."""

    STRING = "string"
    QUOTED = "quoted"
    WORD = "word"
    NUMBER = "number"
    SYMBOL = "symbol"


_KINDS = {kind.value: kind for kind in Kind} | {"hex": Kind.NUMBER}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement: what it is, its text as written, where it begins and ends."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """A string or a quoted name without its quotes; anything else as written."""
        if self.kind is Kind.STRING:
            return unquote(self.text)
        if self.kind is Kind.QUOTED:
            return self.text[1:-1].replace("``", "`")
        return self.text

    def says(self, *words: str) -> bool:
        """Whether this is one of the (upper-case) keywords or symbols."""
        return self.kind in {Kind.WORD, Kind.SYMBOL} and self.text.upper() in words


def unquote(literal: str) -> str:
    """The value of a string literal: doubled quotes and backslash escapes undone."""
    quote = literal[0]
    pattern = rf"\\(.)|{quote}{quote}"
    return re.sub(
        pattern, lambda m: quote if m[1] is None else _ESCAPES.get(m[1], m[1]), literal[1:-1], flags=re.DOTALL
    )


def tokenize(sql: str) -> list[Token]:
    """All tokens of *sql* but its spaces and remarks."""
    return [
        Token(_KINDS[m.lastgroup], m[0], m.start(), m.end())
        for m in _PATTERN.finditer(sql)
        if m.lastgroup and m.lastgroup != "space"
    ]


def bracketed(tokens: Sequence[Token], opens: int) -> tuple[int | None, list[int]]:
    """Where the bracket that opens there is closed, and the commas between its arguments."""
    depth, commas = 0, list[int]()
    for here in range(opens, len(tokens)):
        if tokens[here].says("("):
            depth += 1
        elif tokens[here].says(")"):
            depth -= 1
            if not depth:
                return here, commas
        elif depth == 1 and tokens[here].says(","):
            commas.append(here)
    return None, []


class Reader:
    """Reads a statement token by token; refuses with MatrixOne's syntax error."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.at = 0

    @property
    def current(self) -> Token | None:
        """The token to be read next, or None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def looks(self, *words: str) -> bool:
        """Whether the next tokens are these keywords or symbols."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return len(ahead) == len(words) and all(t.says(w) for t, w in zip(ahead, words, strict=True))

    def take(self, *words: str) -> bool:
        """Step over these keywords or symbols if they come next."""
        if found := self.looks(*words):
            self.at += len(words)
        return found

    def expect(self, *words: str) -> None:
        """Step over these keywords or symbols, or refuse."""
        if not self.take(*words):
            raise self.error()

    def next(self, *kinds: Kind) -> Token:
        """The next token, which must be of one of *kinds*."""
        token = self.current
        if token is None or token.kind not in kinds:
            raise self.error()
        self.at += 1
        return token

    def name(self) -> str:
        """An identifier, which may hold `-`, `.` and `$` where it is written without back-quotes."""
        first = self.next(Kind.WORD, Kind.QUOTED)
        if first.kind is Kind.QUOTED:
            return first.value
        end = first.end
        while (token := self.current) and token.start == end and (token.kind is Kind.WORD or token.text in {"-", "$"}):
            end = token.end
            self.at += 1
        return self.sql[first.start : end]

    def string(self) -> str:
        """The value of a string literal."""
        return self.next(Kind.STRING).value

    def end(self) -> None:
        """Refuse anything that is left."""
        self.take(";")
        if self.current:
            raise self.error()

    def error(self) -> Refused:
        """The syntax error at this place."""
        at = self.current.start if self.current else len(self.sql)
        return syntax(f'syntax error at line 1 column {at} near "{self.sql[at : at + 40]}"')
