"""The files of stages in SQL: stage_list, load_file, save_file and REMOVE FILES (server-facts 30-32).

The engine has none of them: what they give is worked out here, and written into the statement in their place.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from matrixone_local.engine.scratch import ScratchTables
from matrixone_local.engine.seekdb import Engine
from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.files.listing import listed
from matrixone_local.files.sources import Source, Sources
from matrixone_local.files.stores import Store
from matrixone_local.sql.file_calls import last_file_call
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.tokens import Kind, Reader, Token, tokenize

LARGEST = 64 << 20  # bytes that load_file gives at once
URL, CONTENT = "__mo_url", "__mo_content"  # columns that no name of a client's is taken for
_WILD = re.compile(r"[*?]")
_AFTER_ROWS = ("GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "INTO", "FOR", "WINDOW")


@dataclass(frozen=True)
class RemoveFiles:
    """REMOVE FILES FROM STAGE [IF EXISTS] 'url'."""

    url: str
    if_exists: bool


def parse_remove(read: Reader) -> RemoveFiles:
    """Parse what follows REMOVE FILES."""
    read.expect("FROM", "STAGE")
    if_exists = read.take("IF", "EXISTS")
    url = read.string()
    read.end()
    return RemoveFiles(url, if_exists)


def saves(tokens: list[Token]) -> bool:
    """Whether a statement calls `save_file`."""
    return any(one.says("SAVE_FILE") and two.text == "(" for one, two in pairwise(tokens))


class Asked(Protocol):
    """The connection that a statement came by, which tells what its own expressions come to."""

    def value(self, expression: str) -> str | None:
        """What an SQL expression comes to."""
        ...

    def column(self, query: str, cleanup: ExitStack) -> list[str | None]:
        """The first column of a query's rows; what is made for it is dropped when *until* is left."""
        ...


class StageFiles:
    """Carries them out.

    Args:
        sources: what knows where files lie.
        engine: what keeps the contents of many files for a query.
        hidden: where.
    """

    def __init__(self, sources: Sources, engine: Engine, hidden: ScratchTables) -> None:
        self._sources = sources
        self._engine = engine
        self._hidden = hidden

    def written_in(self, sql: str, tokens: list[Token], asked: Asked, cleanup: ExitStack) -> str:
        """The statement with what the functions give in their place.

        Args:
            sql: the statement.
            tokens: its tokens.
            asked: gives the values of expressions.
            cleanup: drops what is stored for the statement when it is left.

        Raises:
            SqlError: a stage or a file cannot be used.
        """
        while (at := last_file_call(tokens)) is not None:
            name, read = tokens[at].text.upper(), Reader(sql, tokens)
            read.at = at + 2
            if name == "STAGE_LIST":
                given = self._listed(read, tokens[at - 1])
            elif name == "LOAD_FILE":
                given = self._loaded(_argument(read), at, asked, cleanup)
            else:
                given = self._saved(read, asked)
            read.expect(")")
            sql = sql[: tokens[at].start] + given + sql[tokens[read.at - 1].end :]
            tokens = tokenize(sql)
        return sql

    def remove(self, statement: RemoveFiles) -> None:
        """Carry out REMOVE FILES.

        Raises:
            SqlError: there is no such stage or file.
        """
        store, path, options = self._at(statement.url)
        if options:
            raise bad_input("stage file path does not support query parameters")
        removed = [store.remove(one) for one in (listed(store, path) if _WILD.search(path) else [path])]
        if not any(removed) and not statement.if_exists:
            raise _not_found(store, path)

    def _at(self, url: str) -> tuple[Store, str, Mapping[str, str]]:
        """Where a `stage://` URL leads, and its options; it is decoded once as a URL and once as a path of one."""
        url, _, options = url.partition("#")[0].partition("?")
        store, path = self._sources.at(Source(unquote(unquote(url))))
        return store, path, dict(parse_qsl(options, keep_blank_values=True))

    def _listed(self, read: Reader, before: Token) -> str:
        if not before.says("FROM", "JOIN", ","):
            raise SqlError(20105, "not supported: function or operator 'stage_list'")
        store, path, _ = self._at(read.string())
        files = listed(store, path)
        if not files:
            return "(SELECT '' AS file FROM DUAL WHERE FALSE)"
        first, *others = (literal(path) for path in files)
        return f"(SELECT {first} AS file{''.join(f' UNION ALL SELECT {path}' for path in others)})"  # literals

    def _loaded(self, url: _Argument, at: int, asked: Asked, cleanup: ExitStack) -> str:
        if url.is_constant:
            return _written(self._read(url.path(asked.value(url.sql) or "")))
        rows = f"SELECT DISTINCT {url.sql} {_rows_of(url.statement, url.tokens, at)}"
        contents = {one: self._read(url.path(one)) for one in asked.column(rows, cleanup) if one is not None}
        return f"(SELECT {CONTENT} FROM {self._stored(contents, cleanup)} WHERE {URL} = {url.sql})"  # noqa: S608  # the client's own expression

    def _stored(self, contents: Mapping[str, bytes | None], cleanup: ExitStack) -> str:
        """A hidden table of the contents of files, by their URLs."""
        table = self._hidden.table()
        kind = "LONGTEXT" if all(map(_is_text, contents.values())) else "LONGBLOB"
        with closing(self._engine.session_link()) as link:
            link.query(f"CREATE TABLE {table} ({URL} VARCHAR(4096), {CONTENT} {kind})")
            cleanup.callback(self._hidden.drop_later, f"DROP TABLE {table}")
            for url, data in contents.items():
                link.query(f"INSERT INTO {table} VALUES ({literal(url)}, {_written(data)})")  # noqa: S608  # literals
        return table

    def _read(self, url: str) -> bytes | None:
        """A file, or the part of it that `?offset=…&size=…` asks for; None beyond its end, and of an empty file."""
        store, path, options = self._at(url)
        offset, size = int(options.get("offset", 0)), int(options.get("size", -1))
        if size == 0:
            raise SqlError(20408, f"empty range of file {store.display_path(path)}")
        data = store.read(path, offset, None if size < 0 else size)
        if data is None:
            raise _not_found(store, path)
        if len(data) > LARGEST:
            raise internal_error("Data too long for blob")
        return data or None

    def _saved(self, read: Reader, asked: Asked) -> str:
        url = _argument(read)
        read.expect(",")
        first = read.at
        _to_the_end(read)
        expression = read.sql[read.tokens[first].start : read.tokens[read.at].start]
        content = _of_literals(expression)
        if content is None:
            content = (asked.value(expression) or "").encode("utf-8", "surrogateescape")
        place = asked.value(url.sql) or ""
        store, path, _ = self._at(url.path(place))
        if not store.write(path, io.BytesIO(content)):
            raise SqlError(20406, f"file {store.display_path(path)} already exists")
        return str(len(content))


def _is_text(data: bytes | None) -> bool:
    try:
        (data or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _written(data: bytes | None) -> str:
    """A file's content as SQL: text, if it is UTF-8."""
    if data is None:
        return "NULL"
    return f"CONVERT(x'{data.hex()}' USING utf8mb4)" if _is_text(data) else f"x'{data.hex()}'"


_HEX = re.compile(r"x'([0-9a-f]*)'")
_AROUND = re.compile(r"(?:CONCAT|CONVERT|IFNULL|USING|utf8mb4|''|[\s(),])*", re.IGNORECASE)


def _of_literals(expression: str) -> bytes | None:
    """What an expression of contents of files, one after the other, comes to; None for any other.

    The engine computes none of more than 16 MB.
    """
    pieces: list[str] = _HEX.findall(expression)
    if not pieces or not _AROUND.fullmatch(_HEX.sub("", expression)):
        return None
    return b"".join(map(bytes.fromhex, pieces))


def _not_found(store: Store, path: str) -> SqlError:
    return SqlError(20405, f"file {store.display_path(path)} is not found")


@dataclass(frozen=True)
class _Argument:
    """An SQL expression that is a file's URL.

    Args:
        sql: it, as text.
        is_constant: whether it names no column.
        is_text: whether it is a text that is cast to nothing.
        statement: the statement that contains it.
        tokens: that one's tokens.
    """

    sql: str
    is_constant: bool
    is_text: bool
    statement: str
    tokens: list[Token]

    def path(self, url: str) -> str:
        """What the file is found by: a DATALINK may be a URL of this machine, a text may not."""
        return url if self.is_text else url.removeprefix("file://")


def _argument(read: Reader) -> _Argument:
    """The first argument of a call; what it is cast to is left out."""
    first = read.at
    _to_the_end(read, ",")
    tokens = read.tokens[first : read.at]
    is_text = len(tokens) == 1 and tokens[0].kind is Kind.STRING
    if len(tokens) > 4 and tokens[0].says("CAST") and tokens[-2].says("DATALINK"):
        tokens = tokens[2:-3]
    if not tokens:
        raise read.error()
    names = (
        token.kind is Kind.QUOTED or (token.kind is Kind.WORD and after.text != "(" and not token.text.startswith("@"))
        for token, after in zip(tokens, [*tokens[1:], tokens[-1]], strict=True)
    )
    argument = f"({read.sql[tokens[0].start : tokens[-1].end]})"
    return _Argument(argument, not any(names), is_text, read.sql, read.tokens)


def _rows_of(sql: str, tokens: list[Token], at: int) -> str:
    """The FROM and WHERE of the query that contains a call; without WHERE, if the call is there.

    Raises:
        SqlError: it has no FROM.
    """
    clauses = list(_clauses(tokens, _block(tokens, at)))
    begin = next((place for place in clauses if tokens[place].says("FROM")), None)
    if begin is None:
        raise internal_error("load_file of a column needs the table that it is in")
    ends = (place for place in clauses if place > begin and _ends_rows(tokens[place], within=at > place))
    end = next(ends, len(tokens))
    return sql[tokens[begin].start : tokens[end - 1].end]


def _ends_rows(token: Token, *, within: bool) -> bool:
    return token.says(*_AFTER_ROWS) or token.text in {")", ";"} or (within and token.says("WHERE"))


def _clauses(tokens: list[Token], begin: int) -> Iterator[int]:
    """The tokens of a query that stand in no brackets, to the one that ends it."""
    depth = 0
    for at in range(begin, len(tokens)):
        depth += tokens[at].text == "("
        if depth == 0:
            yield at
            if tokens[at].text in {")", ";"}:
                return
        depth -= tokens[at].text == ")"


def _block(tokens: list[Token], at: int) -> int:
    """Where the query begins that contains a token."""
    depth = 0
    for before in range(at - 1, -1, -1):
        depth += {"(": -1, ")": 1}.get(tokens[before].text, 0)
        if depth < 0:
            if tokens[before + 1].says("SELECT", "WITH"):
                return before + 1
            depth = 0
    return 0


def _to_the_end(read: Reader, *also: str) -> None:
    """Step to the bracket that closes the call, or what else ends an argument."""
    depth = 0
    while (token := read.current) and not (depth == 0 and token.text in {")", *also}):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        read.at += 1
    if read.current is None:
        raise read.error()
