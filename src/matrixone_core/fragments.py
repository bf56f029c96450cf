"""Text of SQL: quoted names, literals and bound values. No other module quotes for SQL.

Values travel as bound parameters (`Value`). What the server reads twice is escaped once here and once more when it is
bound (server-facts 4).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from matrixone_core.secrets import MASK, Secret

TextT = TypeVar("TextT", bound=str)
BYTES: tuple[type[Any], ...] = (bytes, bytearray, memoryview)


@dataclass(frozen=True)
class Value:
    """A value in a statement, sent as a bound parameter."""

    value: str | int | bytes


Part: TypeAlias = str | Value


def as_text(sql: str) -> str:
    """Escape SQL for SQLAlchemy's `text()`, so that no `:word` in it becomes a parameter.

    With every colon escaped, `text()` finds no parameter and takes exactly these escapes away again.
    """
    return sql.replace(":", "\\:")


def bind_values(parts: Iterable[Part]) -> tuple[str, dict[str, str | int | bytes]]:
    """Return a statement's text with named parameters, and their values."""
    values: dict[str, str | int | bytes] = {}
    sql: list[str] = []
    for part in parts:
        if isinstance(part, Value):
            name = f"p{len(values)}"
            values[name] = part.value
            sql.append(f":{name}")
        else:
            sql.append(as_text(part))
    return "".join(sql), values


def render_masked(parts: Iterable[Part]) -> str:
    """Return a statement's text for people, with secrets masked."""
    return "".join(part if isinstance(part, str) else _render_value(part.value) for part in parts)


def _render_value(value: str | int | bytes) -> str:
    if isinstance(value, Secret):
        return f"'{MASK}'"
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    return literal(value) if isinstance(value, str) else str(value)


def literal(value: str) -> str:
    """Return a string literal, for places that take no bound parameter."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def bytes_literal(value: bytes | bytearray | memoryview, *, backslashes: bool = True) -> str:
    """A literal of bytes; those that are no ASCII are to be encoded with `surrogateescape`.

    Args:
        value: the bytes.
        backslashes: whether the session takes them for the beginning of an escape.
    """
    quoted = bytes(value).replace(b"'", b"''")
    if backslashes:
        quoted = quoted.replace(b"\\", b"\\\\").replace(b"\0", b"\\0")
    return f"'{quoted.decode('ascii', 'surrogateescape')}'"


def braces(pairs: Iterable[tuple[str, str]]) -> Iterator[Part]:
    """`{'name'=value, …}`, the values bound."""
    yield "{"
    before = ""
    for name, value in pairs:
        yield f"{before}{literal(name)}="
        yield Value(value)
        before = ", "
    yield "}"


def quote_name(name: str) -> str:
    """Return a name in back-quotes."""
    return "`" + name.replace("`", "``") + "`"


def quote_names(names: Iterable[str]) -> str:
    """Names in back-quotes with dots between them: a table in a database, a column of a table."""
    return ".".join(map(quote_name, names))


def read_twice(value: TextT) -> TextT:
    """Escape a value once more, as the server pastes it into its own statement and parses it again.

    Args:
        value: the text to store; a `Secret` stays one.

    Source: server-facts 4.
    """
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0")  # plain text, also of a Secret
    return type(value)(escaped)
