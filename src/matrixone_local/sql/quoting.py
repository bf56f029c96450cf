"""Names and texts as SQL writes them."""

from __future__ import annotations

import re

NAME = r"(?:`(?:[^`]|``)+`|[A-Za-z_$][\w$]*)"  # as a pattern
TABLE = rf"{NAME}(?:\s*\.\s*{NAME})?"  # of a database, or of the session's
_NAMES = re.compile(NAME)
_ESCAPE = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0", "\x1a": "\\Z"})


def quoted(name: str) -> str:
    """A name in back-quotes."""
    return "`" + name.replace("`", "``") + "`"


def read_names(text: str) -> list[str]:
    """The names in a text that has nothing else, such as a list of columns or a table with its database."""
    return [name[1:-1].replace("``", "`") if name.startswith("`") else name for name in _NAMES.findall(text)]


def literal(text: str) -> str:
    """An SQL string literal."""
    return f"'{text.translate(_ESCAPE)}'"
