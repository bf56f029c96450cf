"""What a text comes to in a column that is of another type, as a MatrixOne server has it."""

from __future__ import annotations

import re
from functools import lru_cache

from matrixone_local.engine.table_columns import Target
from matrixone_local.errors import SqlError
from matrixone_local.formats.casts import Type


class Judge:
    """Says what texts come to in a column.

    Args:
        target: the column.
        selects: whether they come from a query.
        ignores: whether INSERT IGNORE was said, which lets the engine adjust what does not fit.

    Attributes:
        name: the column's name.
        type: its type.
        plain: a pattern of the texts that go to the engine as they are; None: all.
    """

    def __init__(self, target: Target, *, selects: bool, ignores: bool = False) -> None:
        self.name = target.name
        self.type: Type = target.type
        self.plain = target.type.plain
        self._ignores = ignores
        self._is_plain = re.compile(self.plain or "", re.DOTALL).fullmatch
        self._cast = target.type.cast(selects=selects)

    def put(self, text: str) -> str | None:
        """A text as the engine is to have it; None for NULL.

        Raises:
            SqlError: a server refuses it.
        """
        if self.plain is None or self._is_plain(text):
            return text
        try:
            return self._cast(text)
        except SqlError:
            if self._ignores and self.type.base == "enum":
                return text
            raise


@lru_cache(maxsize=4096)
def judge_of(target: Target, *, selects: bool, ignores: bool = False) -> Judge:
    """Return the judge of a column, which is made once; the arguments are those of `Judge`."""
    return Judge(target, selects=selects, ignores=ignores)
