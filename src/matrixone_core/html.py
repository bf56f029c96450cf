"""Tables as notebooks show them. Every text is escaped: names and comments come from files and from the server."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from html import escape
from typing import Any, TypeVar

T = TypeVar("T")


def render_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as HTML.

    Args:
        caption: what the table shows.
        columns: the names of the columns.
        rows: their values; None is an empty cell.
    """
    head = _row("th", columns)
    body = "".join(_row("td", row) for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(tag: str, values: Sequence[object]) -> str:
    cells = "".join(f"<{tag}>{'' if value is None else escape(str(value))}</{tag}>" for value in values)
    return f"<tr>{cells}</tr>"


class Listing(tuple[T, ...]):
    """A tuple of stages, snapshots or the like, which a notebook shows as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """Return the tuple as HTML for notebooks, a row for each item, with secrets masked."""
        if not self:
            return render_table("nothing", (), ())
        first: Any = self[0]
        names = [field.name for field in fields(first)]
        rows = [[getattr(each, name) for name in names] for each in self]
        return render_table(f"{type(first).__name__}: {len(self)}", names, rows)
