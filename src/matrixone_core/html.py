"""Tables as notebooks show them. Every text is escaped: names and comments come from files and from the server."""

from collections.abc import Iterable, Sequence
from html import escape


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
