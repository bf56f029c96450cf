"""A small SQL tokenizer: just enough to recognise the statements that only MatrixOne has.

Everything it does not need to understand goes to the engine byte for byte.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from matrixone_local.errors import SqlError, syntax

_TOKENS = r"""
      (?P<space>\s+)
    | (?P<remark>--(?=\s|\Z)[^\n]*|\#[^\n]*|/\*(?!!).*?\*/)
    | (?P<opens>/\*!(?:\d{5})?)
    | (?P<string>'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")
    | (?P<quoted>`(?:[^`]++|``)*+`)
    | (?P<hex>0[xX][0-9a-fA-F]+(?![\w$]))
    | (?P<word>@@?[\w$.]+|[^\W\d][\w$]*|\d+[^\W\d][\w$]*)
    | (?P<number>\d+(?:\.\d*)?|\.\d+)
    | (?P<symbol>.)
"""
_PATTERN = re.compile(_TOKENS, re.VERBOSE | re.DOTALL)
_WITHIN = re.compile(rf"(?P<closes>\*/)|{_TOKENS}", re.VERBOSE | re.DOTALL)  # a remark that is a part of the statement
_REMARKS = frozenset({"remark", "opens", "closes"})
ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


class Kind(Enum):
    """What a token is."""

    STRING = "string"
    QUOTED = "quoted"
    WORD = "word"
    NUMBER = "number"
    SYMBOL = "symbol"

    __hash__ = object.__hash__  # members are alike if they are the same, and every statement asks for it often


_KINDS = {kind.value: kind for kind in Kind} | {"hex": Kind.NUMBER}


@dataclass(slots=True)  # frozen, each would take three times as long to make
class Token:
    """A piece of a statement.

    Args:
        kind: what it is.
        text: how it is written.
        start: where it begins.
        end: where it ends.
        said: the keyword or symbol that it may be, in capitals; empty for what is none.
    """

    kind: Kind
    text: str
    start: int
    end: int
    said: str

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
        return self.said in words


def unquote(literal: str) -> str:
    """The value of a string literal: doubled quotes and backslash escapes undone."""
    quote = literal[0]
    pattern = rf"\\(.)|{quote}{quote}"
    return re.sub(pattern, lambda m: quote if m[1] is None else ESCAPES.get(m[1], m[1]), literal[1:-1], flags=re.DOTALL)


def tokenize(sql: str) -> list[Token]:
    """All tokens of *sql* but its spaces and remarks."""
    return list(tokens_from(sql))


def tokens_from(sql: str, begin: int = 0) -> Iterator[Token]:
    """The tokens of *sql* from a place on, but its spaces and remarks, each read when it is asked for."""
    return (_token(match, 0) for match in _matches(sql, begin) if match.lastgroup in _KINDS)


def _token(match: re.Match[str], moved: int) -> Token:
    group, text = match.lastgroup or "", match[0]
    said = text if group == "symbol" else text.upper() if group == "word" else ""
    return Token(_KINDS[group], text, match.start() + moved, match.end() + moved, said)


def _matches(sql: str, begin: int = 0) -> Iterator[re.Match[str]]:
    """The tokens of a text from a place on, and what is between them."""
    return _PATTERN.finditer(sql, begin) if "/*!" not in sql else _matches_within(sql, begin)


def _matches_within(sql: str, at: int) -> Iterator[re.Match[str]]:
    pattern = _PATTERN
    while at < len(sql):
        for match in pattern.finditer(sql, at):
            yield match
            at = match.end()
            if match.lastgroup in {"opens", "closes"}:
                pattern = _WITHIN if match.lastgroup == "opens" else _PATTERN
                break


class Statement:
    """A statement, its tokens, and the changes that are to be made in it, which are applied at once.

    Whoever changes it reads the tokens of the text as it was sent, whatever others have put elsewhere.

    Args:
        sql: its text.
        tokens: its tokens; they are read from the text once they are asked for.
    """

    def __init__(self, sql: str, tokens: list[Token] | None = None) -> None:
        self.sql = sql
        self._tokens = tokens
        self._edits: list[tuple[int, int, str]] = []  # (start, end, text), from left to right, none within another

    @classmethod
    def read(cls, sql: str) -> Statement:
        """A statement as a client sent it, without its remarks, of which the engine has a notion of its own."""
        if not ("/*" in sql or "--" in sql or "#" in sql):
            return cls(sql)
        tokens: list[Token] = []
        parts: list[str] = []
        end = moved = 0
        for match in _matches(sql):
            if match.lastgroup in _KINDS:
                tokens.append(_token(match, moved))
            elif match.lastgroup in _REMARKS:
                parts += (sql[end : match.start()], " ")
                moved += 1 - len(match[0])
                end = match.end()
        return cls("".join((*parts, sql[end:])), tokens)

    @property
    def tokens(self) -> list[Token]:
        """Its tokens."""
        if self._tokens is None:
            self._tokens = tokenize(self.sql)
        return self._tokens

    def put(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of a part, and of what was put within it before."""
        first = bisect_left(self._edits, (start, end > start), key=_place)
        last = first
        while last < len(self._edits) and self._edits[last][0] < end:
            last += 1
        self._edits[first:last] = [(start, end, text)]

    def insert(self, at: int, text: str) -> None:
        """Put a text between two others, behind what was inserted there before."""
        self._edits.insert(bisect_right(self._edits, (at, False), key=_place), (at, at, text))

    def has_inserted(self, at: int) -> bool:
        """Whether a text was inserted there."""
        found = bisect_left(self._edits, (at, False), key=_place)
        return found < len(self._edits) and self._edits[found][:2] == (at, at)

    def written(self, start: int = 0, end: int | None = None) -> str:
        """The statement, or a part of it, with the changes."""
        end = len(self.sql) if end is None else end
        parts: list[str] = []
        for first, last, text in self._edits:
            if start <= first and last <= end:
                parts += (self.sql[start:first], text)
                start = last
        return "".join((*parts, self.sql[start:end]))

    def changed(self) -> Statement:
        """The statement that the changes make of it."""
        return Statement(self.written()) if self._edits else self


def _place(edit: tuple[int, int, str]) -> tuple[int, bool]:
    """What edits are sorted by: a text is inserted before what is there."""
    return edit[0], edit[1] > edit[0]


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


def depths(tokens: Sequence[Token]) -> list[int]:
    """How many brackets are open at each token; a bracket itself counts as what is around it."""
    found: list[int] = []
    depth = 0
    for token in tokens:
        depth -= token.said == ")"
        found.append(depth)
        depth += token.said == "("
    return found


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

    def error(self) -> SqlError:
        """The syntax error at this place."""
        at = self.current.start if self.current else len(self.sql)
        return syntax(f'syntax error at line 1 column {at} near "{self.sql[at : at + 40]}"')
