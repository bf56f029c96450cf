r"""A regular expression that proves of JSON lines that the server reads them as Python would.

Every line has the same keys in the same order as the first one, and values that are plain. Nothing is said of a line
that does not match. The expression is written in what the syntaxes of RE2 and ICU have in common, as servers use those.
"""

import json
import re
from dataclasses import dataclass

from matrixone_core.loading.formats.csv import BOM
from matrixone_core.loading.table import Column, Kind, Table

_STRING = r'"([^"\\]|\\["/bfnrt]|\\u[0-9a-cA-CefEF][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F])*"'
_NUMBER = r"-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?"
_GAP = "[ \t]*"
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # RE2 has no escapes but of punctuation
_BOOLEANS = {Kind.BOOLEAN, Kind.TEXT}
_STRINGS_ARE_NOT_PLAIN = {Kind.JSON, Kind.VECTOR}


@dataclass(frozen=True)
class ObjectPattern:
    """What each line of a file has.

    Args:
        pattern: the regular expression.
        keys: the keys that are columns, in the lines' order.
    """

    pattern: str
    keys: tuple[str, ...]


def object_pattern(data: bytes, table: Table, wanted: tuple[str | None, ...]) -> ObjectPattern | None:
    """What the first line suggests of all lines; None if the server cannot be trusted with such lines.

    Args:
        data: the beginning of the file.
        table: the target.
        wanted: the columns that the lines must have, and no others are loaded.
    """
    try:
        pairs = json.loads(data.removeprefix(BOM).partition(b"\n")[0], object_pairs_hook=list)
    except ValueError:
        return None
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):  # pyright: ignore[reportUnknownVariableType]  # whatever JSON has
        return None
    keys: list[str] = [pair[0] for pair in pairs]  # pyright: ignore[reportUnknownVariableType]  # whatever JSON has
    names = {name.lower() for name in wanted if name is not None}
    loaded = tuple(key for key in keys if key in names)
    # a key in capitals is not found by the server, and one that a line lacks is an error there (server-facts 23, 68)
    if len(set(keys)) < len(keys) or set(loaded) != names or {key.lower() for key in keys} != set(keys):
        return None
    members = [
        f"{_GAP}{escape_pattern(json.dumps(key, ensure_ascii=False))}{_GAP}:{_GAP}({_value(table.column(key))}){_GAP}"
        for key in keys
    ]
    return ObjectPattern(f"^{_GAP}[{{]{','.join(members)}[}}]{_GAP}\r?$", loaded)


def _value(column: Column | None) -> str:
    kind = Kind.TEXT if column is None else column.kind
    values = [_NUMBER, "null"]
    if kind not in _STRINGS_ARE_NOT_PLAIN:
        values.append(_STRING)
    if kind in _BOOLEANS:
        values += ["true", "false"]
    return "|".join(values)


def escape_pattern(text: str) -> str:
    """A text, escaped for a regular expression of the server's."""
    return _PUNCTUATION.sub(r"\\\1", text)
