"""The files of stages in SQL: stage_list, load_file, save_file and REMOVE FILES (server-facts 30-32).

The engine has none of them: what they give is worked out here, and written into the statement in their place.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import parse_qsl

from .errors import Refused
from .sources import Source, Sources
from .tokens import Kind, Reader, Token
from .values import literal

LARGEST = 64 << 20  # bytes that load_file gives at once
_FUNCTIONS = ("STAGE_LIST", "LOAD_FILE", "SAVE_FILE")


@dataclass(frozen=True)
class RemoveFiles:
    """REMOVE FILES FROM STAGE [IF EXISTS] 'url'."""

    url: str
    if_exists: bool


def parse_remove(read: Reader) -> RemoveFiles:
    """What stands behind REMOVE FILES."""
    read.expect("FROM", "STAGE")
    if_exists = read.take("IF", "EXISTS")
    url = read.string()
    read.end()
    return RemoveFiles(url, if_exists)


def mentions(tokens: list[Token]) -> bool:
    """Whether a statement calls one of the functions."""
    return any(
        token.kind is Kind.WORD and token.text.upper() in _FUNCTIONS and after.text == "("
        for token, after in pairwise(tokens)
    )


class StageFiles:
    """Carries them out.

    Args:
        sources: what knows where files lie.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def written_in(self, sql: str, tokens: list[Token], evaluate: Callable[[str], str | None]) -> str:
        """The statement with what the functions give in their place.

        Args:
            sql: the statement.
            tokens: its tokens.
            evaluate: gives the value of an SQL expression.

        Raises:
            Refused: a stage or a file cannot be used.
        """
        for at in reversed(range(len(tokens) - 1)):
            name = tokens[at].text.upper()
            if tokens[at].kind is not Kind.WORD or name not in _FUNCTIONS or tokens[at + 1].text != "(":
                continue
            read = Reader(sql, tokens)
            read.at = at + 2
            if name == "STAGE_LIST":
                given = self._listed(read, tokens[at - 1])
            elif name == "LOAD_FILE":
                given = self._loaded(_datalink(read))
            else:
                url = _datalink(read)
                read.expect(",")
                first = read.at
                _to_the_end(read)
                data = evaluate(sql[tokens[first].start : tokens[read.at].start]) or ""
                given = self._saved(url, data.encode("utf-8", "surrogateescape"))
            read.expect(")")
            sql = sql[: tokens[at].start] + given + sql[tokens[read.at - 1].end :]
        return sql

    def remove(self, statement: RemoveFiles) -> None:
        """Carry out REMOVE FILES.

        Raises:
            Refused: there is no such stage or file.
        """
        store, path = self._sources.at(Source(statement.url))
        if not store.remove(path) and not statement.if_exists:
            raise _not_found(statement.url)

    def _listed(self, read: Reader, before: Token) -> str:
        if not before.says("FROM", "JOIN", ","):
            raise Refused(20105, "not supported: function or operator 'stage_list'")
        store, path = self._sources.at(Source(read.string()))
        files = store.list(path)
        if not files:
            return "(SELECT '' AS file FROM DUAL WHERE FALSE)"
        first, *others = (literal(path) for path in files)
        return f"(SELECT {first} AS file{''.join(f' UNION ALL SELECT {path}' for path in others)})"  # literals

    def _loaded(self, url: str) -> str:
        url, _, options = url.partition("?")
        told = dict(parse_qsl(options))
        store, path = self._sources.at(Source(url))
        offset = int(told.get("offset", 0))
        data = store.read(path, offset, int(told["size"]) if "size" in told else None)
        if data is None:
            raise _not_found(url)
        if len(data) > LARGEST:
            raise Refused(20101, "internal error: Data too long for blob")
        if offset and not data:
            return "NULL"
        try:
            data.decode()
        except UnicodeDecodeError:
            return f"x'{data.hex()}'"
        return f"CONVERT(x'{data.hex()}' USING utf8mb4)"

    def _saved(self, url: str, data: bytes) -> str:
        store, path = self._sources.at(Source(url))
        if not store.write(path, io.BytesIO(data)):
            raise Refused(20406, f"file {url.rpartition('/')[2]} already exists")
        return str(len(data))


def _not_found(url: str) -> Refused:
    return Refused(20405, f"file {url.rpartition('/')[2]} is not found")


def _datalink(read: Reader) -> str:
    """`CAST('url' AS datalink)`."""
    read.expect("CAST", "(")
    url = read.string()
    read.expect("AS", "DATALINK", ")")
    return url


def _to_the_end(read: Reader) -> None:
    """Step to the bracket that closes the call."""
    depth = 0
    while (token := read.current) and not (depth == 0 and token.text == ")"):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        read.at += 1
