"""What is read of tables: SHOW CREATE TABLE, set right by what information_schema has.

The server's SHOW CREATE TABLE has all there is to know, also of temporary tables, but is itself read as a text of SQL
once too often: backslashes vanish from it, quotes in defaults are doubled. information_schema has the names, defaults
and comments as they are. DESCRIBE and SHOW INDEX do not work for every name (server-facts 64 and 65).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.mysql.reflection import MySQLTableDefinitionParser, ReflectedState
from sqlalchemy.exc import NoSuchTableError

from matrixone_core.dialect.indexes import FULLTEXT

_NAME = r"`(?:``|[^`])+`"
_KEY = re.compile(
    rf"\s+(?:(?P<type>PRIMARY|UNIQUE|SPATIAL|FULLTEXT)\s+)?(?:KEY\b\s*)?(?P<name>{_NAME})?"
    rf"(?:\s*USING\s+(?P<using>\w+))?\s*\((?P<columns>{_NAME}(?:\(\d+\))?(?:,\s*{_NAME}(?:\(\d+\))?)*)\)(?P<rest>.*?),?$",
    re.IGNORECASE,
)
_COLUMN_OF_KEY = re.compile(rf"({_NAME})(?:\((\d+)\))?")
QUOTED_TEXT = r"'(?:''|[^'])*'"  # as a pattern, with its quotes doubled
_COMMENT = re.compile(rf"COMMENT\s+{QUOTED_TEXT}", re.IGNORECASE)
_COMMENT_OPTION = re.compile(r"\bCOMMENT='((?:''|[^'])*)'")
_PARTITIONED = re.compile(r"\bPARTITION BY (.+)", re.IGNORECASE)
_PARSER = re.compile(r"WITH\s+PARSER\s+(\w+)", re.IGNORECASE)
_OPTION = re.compile(r"(\w+)\s*(?:=\s*(\d+)|'([^']*)')")
_ASYNC = re.compile(r"\bASYNC\b", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
_QUOTED_DEFAULT = re.compile(r"'.*'", re.DOTALL)
_QUOTED = re.compile(rf"{QUOTED_TEXT}|`(?:``|[^`])*`")
_PARENTHESIS = re.compile(rf"{QUOTED_TEXT}|[()]")
_LINE_ENDS = {"\n": "\ue00a", "\r": "\ue00d"}  # within quotes while a definition is read line by line

COLUMNS = text("""
    SELECT column_name, column_type, is_nullable, column_default, extra, column_comment
    FROM information_schema.columns WHERE table_schema = :schema AND table_name = :name ORDER BY ordinal_position
""")
_KEYS = text("""
    SELECT index_name, column_name, non_unique, index_type
    FROM information_schema.statistics WHERE table_schema = :schema AND table_name = :name
    ORDER BY index_name, seq_in_index
""")
_FOREIGN_KEYS = text("""
    SELECT constraint_name, referenced_table_name
    FROM information_schema.referential_constraints WHERE constraint_schema = :schema AND table_name = :name
""")
_TABLE = text("SELECT 1 FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name")
_COMMENT_OF_TABLE = text("""
    SELECT table_comment FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name
""")


@dataclass(frozen=True)
class Place:
    """Where information_schema has a table.

    Args:
        schema: its database, as the server writes it.
        name: its name, as the server writes it.
    """

    schema: str
    name: str

    def ask(self, connection: Connection, question: Any) -> list[Any]:
        """The rows of one of the questions."""
        rows: Any = connection.execute(question, {"schema": self.schema, "name": self.name})
        return list(rows)


class Parser(MySQLTableDefinitionParser):
    """Reads SHOW CREATE TABLE, with the indexes that MySQL writes otherwise or does not have."""

    def parse(self, show_create: str, charset: Any) -> ReflectedState:
        """What a table is made of."""
        lines = split_definition(show_create)
        keys = [_KEY.fullmatch(line) for line in lines]
        rest = "\n".join(line for line, key in zip(lines, keys, strict=True) if not key)
        state = super().parse(rest, charset)
        state.keys.extend(_key(found) for found in keys if found)
        columns: Any = state.columns
        for column in columns:
            column["name"] = bare(column["name"])
            for part in ("default", "comment"):
                column[part] = show_line_ends(column[part])
        for check in state.ck_constraints:
            check.update(name=bare(check["name"]), sqltext=show_line_ends(check["sqltext"]))
        for key in state.fk_constraints:
            key.update(name=bare(key["name"]), local=[*map(bare, key["local"])], foreign=[*map(bare, key["foreign"])])
        return state

    def is_view(self, statement: str) -> bool:
        """Whether a statement of SHOW CREATE TABLE makes a view."""
        return bool(self._check_view(statement))

    def _parse_column(self, line: str, state: ReflectedState) -> None:
        """A column; SQL that is its default ends where its parentheses do."""
        super()._parse_column(line, state)
        column: Any = state.columns[-1] if state.columns else {}
        default = column.get("default")
        if default and default.startswith("("):
            column["default"] = in_parentheses(line[line.index(default) :])

    def _parse_table_options(self, line: str, state: ReflectedState) -> None:
        """The comment, and how the table is partitioned, which MySQL writes on lines of its own."""
        comment = _COMMENT_OPTION.search(line)
        if comment:
            state.table_options["matrixone_comment"] = str(show_line_ends(comment[1].replace("''", "'")))
        partitioned = _PARTITIONED.search(_COMMENT_OPTION.sub("", line))
        if partitioned:
            state.table_options["matrixone_partition_by"] = partitioned[1]

    def column(self, name: str, kind: str, nullable: bool, extra: str) -> Any:
        """A column as information_schema describes it."""
        state = ReflectedState()
        null = "" if nullable else " NOT NULL"
        counted = " AUTO_INCREMENT" if "auto_increment" in extra.lower() else ""
        self._parse_column(f"  `x` {as_in_tables(kind)}{null}{counted},", state)
        return {**state.columns[0], "name": name}


def of_view(parser: Parser, connection: Connection, place: Place) -> ReflectedState:
    """What a view's columns are."""
    state = ReflectedState()
    state.columns = [
        parser.column(name, kind, nullable == "YES", "") for name, kind, nullable, *_ in place.ask(connection, COLUMNS)
    ]
    return state


def is_shown(name: str) -> bool:
    """Whether SHOW CREATE TABLE works for a name: the server pastes it between double quotes."""
    return '"' not in name


def is_listed(connection: Connection, place: Place) -> bool:
    """Whether information_schema has a table or view."""
    return bool(place.ask(connection, _TABLE))


def as_listed(parser: Parser, connection: Connection, place: Place) -> ReflectedState:
    """What information_schema has of a table: all but foreign keys, checks, and parameters of indexes.

    Raises:
        NoSuchTableError: it has no such table.
    """
    if not is_listed(connection, place):
        raise NoSuchTableError(place.name)
    state = ReflectedState()
    set_right(state, parser, connection, place)
    comment = reflect_table_comment(connection, place)
    state.table_options = {"matrixone_comment": comment} if comment else {}
    return state


def set_right(state: ReflectedState, parser: Parser, connection: Connection, place: Place) -> None:
    """Give what SHOW CREATE TABLE has the names, defaults and comments that it lost."""
    columns: Any = state.columns
    shown = {column["name"]: column for column in columns}
    names: dict[str, str] = {}  # as they are shown, and as they are
    found: list[Any] = []
    for name, kind, nullable, default, extra, comment in place.ask(connection, COLUMNS):
        as_shown = next((one for one in _as_shown(name) if one in shown), None)
        if as_shown is None and name.startswith("__mo_"):
            continue  # hidden: the server's own
        if as_shown is None:
            column = parser.column(name, kind, nullable == "YES", extra) | {"default": default}
        else:
            names[as_shown] = name
            column = shown[as_shown]
        found.append(
            column
            | {
                "name": name,
                "type": _with_items(column["type"], kind),
                "default": _default(column, default),
                "comment": comment_of(column["comment"], comment),
            }
        )
    if not found:
        return  # of another account, which information_schema does not list
    state.columns = found
    _set_keys_right(state, names, place.ask(connection, _KEYS))
    if state.fk_constraints:
        _set_foreign_keys_right(state, names, place.ask(connection, _FOREIGN_KEYS))


def reflect_table_comment(connection: Connection, place: Place, shown: str | None = None) -> str | None:
    """A table's comment as it was given; *shown* is what SHOW CREATE TABLE has of it."""
    return next((comment_of(shown, row[0]) for row in place.ask(connection, _COMMENT_OF_TABLE)), shown)


def as_in_tables(kind: str) -> str:
    """A type that information_schema has as `VARCHAR(10)`, `INT(32)`, `TEXT(0)`, as SHOW CREATE TABLE writes it."""
    small = kind if kind.upper().startswith(("ENUM", "SET")) else kind.lower()
    return re.sub(r"\(0\)$|(?<=int)(?:\(\d+\))?( unsigned)?(?:\(\d+\))?$", r"\1", small)


def _with_items(type_: Any, kind: str) -> Any:
    """A type; ENUM and SET with the items of information_schema, which are as they are, with commas between them."""
    if not isinstance(type_, (mysql.ENUM, mysql.SET)):
        return type_
    items = kind[kind.index("(") + 2 : -2].split("','")
    if isinstance(type_, mysql.ENUM):
        return mysql.ENUM(*items)
    return mysql.SET(*items, retrieve_as_bitwise="" in items)


def in_parentheses(text: str) -> str:
    """What begins with a parenthesis, to the end of it."""
    depth = 0
    for found in _PARENTHESIS.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return text[: found.end()]
    return text


def split_definition(show_create: str) -> list[str]:
    """The lines of a definition; the line ends in its names and texts have stand-ins: see `show_line_ends`."""
    return _QUOTED.sub(lambda quoted: _hide_line_ends(quoted[0]), show_create).split("\n")


def _hide_line_ends(text: str) -> str:
    for end, stand_in in _LINE_ENDS.items():
        text = text.replace(end, stand_in)
    return text


def show_line_ends(text: str | None) -> str | None:
    """A name or a text with the line ends that `split_definition` has put stand-ins for."""
    for end, stand_in in _LINE_ENDS.items():
        text = text and text.replace(stand_in, end)
    return text


def _key(found: re.Match[str]) -> dict[str, Any]:
    rest = _COMMENT.sub("", found["rest"])
    parser = _PARSER.search(rest)
    columns = _COLUMN_OF_KEY.findall(found["columns"])
    options: dict[str, Any] = {
        name.lower(): int(number) if number else value for name, number, value in _OPTION.findall(rest)
    }
    if _ASYNC.search(rest):
        options["async"] = True
    return {
        "type": found["type"].upper() if found["type"] else None,
        "name": bare(found["name"][1:-1]) if found["name"] else None,
        "columns": [(bare(name[1:-1]), int(length) if length else None, "") for name, length in columns],
        "parser": parser[1] if parser else None,
        "using": found["using"],
        "options": options,
    }


def _set_keys_right(state: ReflectedState, names: Mapping[str, str], rows: Iterable[Any]) -> None:
    """The names and columns of keys from `statistics`, which has a row for each column of an index, or several."""
    exact: dict[str, dict[str, None]] = {}
    kinds: dict[str, str | None] = {}
    for index, column, non_unique, algorithm in rows:
        exact.setdefault(index, {})[column] = None
        plain = FULLTEXT if algorithm == "fulltext" else None
        kinds[index] = "PRIMARY" if index == "PRIMARY" else plain if non_unique else "UNIQUE"
    alone = not state.keys
    keys: Any = state.keys
    for key in keys:
        primary = key["type"] == "PRIMARY"
        name = "PRIMARY" if primary else _exact(key["name"] or "", exact)
        columns = list(exact.pop(name or "", {}))
        if not _are_shown(columns, key["columns"]):
            columns = [names.get(column, column) for column, _, _ in key["columns"]]
        key["name"] = name or key["name"]
        key["columns"] = [(column, *rest) for column, (_, *rest) in zip(columns, key["columns"], strict=True)]
    keys.extend(
        {
            "type": kinds[name],
            "name": name,
            "columns": [(column, None, "") for column in columns],
            "parser": None,
            "using": None,
            "options": {},
        }
        for name, columns in exact.items()
        if name and (alone or kinds[name] in {"PRIMARY", "UNIQUE"})
    )


def _are_shown(columns: Sequence[str], shown: Sequence[tuple[str, Any, Any]]) -> bool:
    return len(columns) == len(shown) and all(
        found[0] in _as_shown(column) for column, found in zip(columns, shown, strict=True)
    )


def _set_foreign_keys_right(state: ReflectedState, names: Mapping[str, str], rows: Iterable[Any]) -> None:
    tables = dict(map(tuple, rows))
    for key in state.fk_constraints:
        key["local"] = [names.get(column, column) for column in key["local"]]
        key["name"] = _exact(key["name"], tables) or key["name"]
        if key["name"] in tables:
            key["table"] = [*key["table"][:-1], tables[key["name"]]]


def _default(column: Mapping[str, Any], default: str | None) -> Any:
    """A column's default: a text as information_schema has it, others, with ON UPDATE, as they are shown."""
    shown = column["default"]
    is_text = default is not None and _QUOTED_DEFAULT.fullmatch(default)
    return default if shown and is_text and _QUOTED_DEFAULT.fullmatch(shown) else shown


def comment_of(shown: str | None, listed: str | None) -> str | None:
    """A comment as it was given: information_schema has the quotes in it doubled, or as they are."""
    if not listed:
        return shown
    return listed if shown in _as_shown(listed) else listed.replace("''", "'")


def _as_shown(name: str) -> tuple[str, str]:
    """A name as SHOW CREATE TABLE has it where backslashes stay, and where they are taken for escapes."""
    return name, _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), name)


def bare(name: str) -> str:
    """A name that stood between back-quotes, where those within it are doubled."""
    return str(show_line_ends(name.replace("``", "`")))


def _exact(shown: str, names: Iterable[str]) -> str | None:
    """The name that is shown so."""
    return next((name for name in names if shown in _as_shown(name)), None)
