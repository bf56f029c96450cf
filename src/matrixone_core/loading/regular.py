r"""Lines of CSV that are plainly as they should be, told by one regular expression: here, and on the server.

The server's LOAD DATA cuts the fraction off a number for a whole one, and stores text that is not UTF-8 and cannot be
read then (server-facts 18, 25); INSERT from an external table drops surplus fields (21). None of that can be so in a
line that matches; of a line that does not, nothing is said. The expression is written in what Python's and RE2's syntax
have in common, as servers use the latter.
"""

import re
from collections.abc import Sequence
from enum import Enum

from matrixone_core.sql.load import Csv

NO_TEXT = "\ufffd"  # what RE2 and Python put in the place of bytes that are not UTF-8
_SURROGATES = "\ud800-\udfff"  # what they are here, decoded with `surrogateescape`
_NO_LETTER = re.compile(r"([!-/:-@\[-`{-~])")  # RE2 has no escapes but of punctuation


class Kind(Enum):
    """What a field is to be."""

    WHOLE = "a whole number"
    TEXT = "text in UTF-8"
    BYTES = "any bytes"


def on_the_server(form: Csv, kinds: Sequence[Kind], nulls: Sequence[str]) -> str:
    """A pattern of a whole regular line.

    Args:
        form: how lines are written.
        kinds: what the fields are to be, in the file's order.
        nulls: the texts that mean NULL.
    """
    return f"^{_line(form, kinds, nulls, NO_TEXT)}\r?$"


def here(form: Csv, kinds: Sequence[Kind], nulls: Sequence[str]) -> re.Pattern[str]:
    """What matches as many regular lines as follow each other, down to none; arguments as above."""
    return re.compile(f"(?:{_line(form, kinds, nulls, NO_TEXT + _SURROGATES)}\r?\n)*+")


def _line(form: Csv, kinds: Sequence[Kind], nulls: Sequence[str], not_text: str) -> str:
    escape = "\\" if form.escape is None else form.escape
    quote, delimiter = _escaped(form.quote), _escaped(form.delimiter)
    marks = _escaped(form.quote + escape)
    absent = "".join(f"|{_escaped(null)}" for null in (f"{escape}N", *nulls) if null)

    def field(kind: Kind) -> str:
        if kind is Kind.WHOLE:
            return f"(?:-?[0-9]*|{quote}-?[0-9]*{quote}{absent})"
        unwanted = f"{marks}\r\n{not_text if kind is Kind.TEXT else ''}"
        return f"(?:[^{delimiter}{unwanted}]*|{quote}[^{unwanted}]*{quote}{absent})"

    return delimiter.join(map(field, kinds))


def _escaped(text: str) -> str:
    return _NO_LETTER.sub(r"\\\1", text)
