"""Names and texts as SQL writes them."""

from __future__ import annotations

_ESCAPE = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0", "\x1a": "\\Z"})


def quoted(name: str) -> str:
    """A name in back-quotes."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """An SQL string literal."""
    return f"'{text.translate(_ESCAPE)}'"
