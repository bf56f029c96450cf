"""The quoting of values in messages."""

import reprlib

LONGEST_QUOTED = 200  # characters of a value in a message: what is given for another argument may be a whole file
LONGEST_MESSAGE = 1_000  # characters of a message: a server quotes a value whole that it refuses
_AT_ITS_END = 200  # of these, which name the column
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = LONGEST_QUOTED
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxfrozenset = _SHORT.maxdict = _SHORT.maxdeque = 20


def show(value: object) -> str:
    """Return the repr of a value for a message, cut at 200 characters.

    Args:
        value: whatever the caller gave; a secret stays masked.
    """
    if isinstance(value, bytes | bytearray) or type(value) is str:
        value = value[: LONGEST_QUOTED + 1]
    written = _SHORT.repr(value) if isinstance(value, list | tuple | set | frozenset | dict) else repr(value)
    return written if len(written) <= LONGEST_QUOTED else f"{written[: LONGEST_QUOTED - 1]}…"


def shorten(message: str) -> str:
    """Cut the middle of long parts of a message."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[: LONGEST_MESSAGE - _AT_ITS_END - 1]}…{message[-_AT_ITS_END:]}"
