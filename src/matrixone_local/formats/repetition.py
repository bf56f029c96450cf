"""Regular expressions that repeat something without going back, right on every release of Python."""

from __future__ import annotations


def repeat_pattern(pattern: str, times: str = "*") -> str:
    """A pattern as often as it matches, or as many times as said, of which none is given back.

    Before 3.11.5 Python goes on where the last, failed try had come to (python/cpython#106052), unless the try ends
    with an alternative: this one never matches.
    """
    return f"(?:(?:{pattern})|(?!)){times}+"
