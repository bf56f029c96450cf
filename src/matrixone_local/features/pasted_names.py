"""Names that a server pastes into statements of its own, and what becomes of them there (server-facts 101)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matrixone_local.errors import SqlError


def refuse_pasted(quote: str, names: Sequence[str]) -> None:
    """Refuse names with a quote, as a server does that pastes them into statements of its own."""
    for name in names:
        if quote in name:
            near = name[name.index(quote) + (quote == "'") :]
            raise SqlError(
                1105,
                "You have an error in your SQL syntax; check the manual that corresponds to your MatrixOne server"
                f' version for the right syntax to use. syntax error at line 1 column 26 near "{near}";',
            )


def as_recorded(name: str) -> str:
    """A name as a server keeps it, which pastes it into a text: backslashes are lost."""
    return re.sub(r"\\(.)", r"\1", name)
