"""Where a statement calls a function that reads or writes a stage's files."""

from __future__ import annotations

from collections.abc import Sequence

from matrixone_local.sql.tokens import Kind, Token

_FUNCTIONS = ("STAGE_LIST", "LOAD_FILE", "SAVE_FILE")


def calls_file_function(tokens: Sequence[Token]) -> bool:
    """Whether a statement calls one of the functions."""
    return last_file_call(tokens) is not None


def last_file_call(tokens: Sequence[Token]) -> int | None:
    """The position of the last call's name: that call contains no other."""
    for at in range(len(tokens) - 2, -1, -1):
        if tokens[at].kind is Kind.WORD and tokens[at].text.upper() in _FUNCTIONS and tokens[at + 1].text == "(":
            return at
    return None
