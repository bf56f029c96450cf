"""CREATE TABLE as SHOW tells it: the engine's in a MatrixOne server's form, its own types, no options of storage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from matrixone_local.engine.scratch import PREFIX
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.tokens import ESCAPES, unquote
from matrixone_local.sql.type_names import MARK, matrixone_type

_NAME = r"`(?:[^`]|``)+`"
_COLUMN = re.compile(rf"(\s*{_NAME}) ([a-zA-Z]+(?:\([^)]*\))?(?: unsigned)?)(.*)", re.DOTALL)
_ITEMS = re.compile(rf"(\s*{_NAME} (?:enum|set)\()'(.*?)'(\)(?: .*)?)", re.DOTALL)  # the engine doubles no quotes
_ITEM_DEFAULT = re.compile(r"(?<= DEFAULT )'(.*?)'(?= COMMENT |$)", re.DOTALL)
_COMMENT = re.compile(rf" COMMENT '{MARK}((?:[^'\\]|\\.|'')*?);((?:[^'\\]|\\.|'')*)'")
_QUOTED = re.compile(rf"{_NAME}|'(?:[^'\\]|\\.|'')*'")
_ESCAPES = str.maketrans({"'": "''", "\\": "\\\\", "\0": "\\0", "\n": "\\n", "\r": "\\r"})
_STORAGE = re.compile(r" BLOCK_SIZE \d+( LOCAL)?| COLLATE \w+| CHARACTER SET \w+")
_FOREIGN_KEY = re.compile(
    rf"(?P<own>.* FOREIGN KEY \(.*?\) REFERENCES )(?P<database>{_NAME})\.(?P<table>{_NAME})(?P<columns>\(.*?\))"
    r"(?P<update> ON UPDATE [A-Z ]+?)(?P<delete> ON DELETE [A-Z ]+?) *"
)
_INDEX = re.compile(
    rf"\s*(?P<kind>FULLTEXT|VECTOR) KEY (?P<name>{_NAME}) \((?P<columns>.*?)\)(?: WITH PARSER (?P<parser>\w+))?"
    r"(?: WITH \(.*?TYPE=(?P<type>\w+),.*?\))?(?: PARSER_PROPERTIES=\(.*?\))?"
    r"(?: COMMENT '(?P<comment>(?:[^'\\]|\\.|'')*)')?.*"
)
_KEY = re.compile(rf"(\s*(?:PRIMARY KEY|(?:UNIQUE )?KEY {_NAME}) \()({_NAME}(?:, {_NAME})*)(\).*)")
_DEFAULT = re.compile(
    r"(?P<null>(?<! NOT) NULL)? DEFAULT (?:'(?P<number>-?[0-9.]+(?:e[-+]?[0-9]+)?)'"
    r"|(?P<now>CURRENT_TIMESTAMP)(?P<digits>\([0-9]\))?|\((?P<expression>\(.*\))\))"
    r"(?P<update> ON UPDATE CURRENT_TIMESTAMP(?:\([0-9]\))?)?(?= COMMENT '|$)",
    re.IGNORECASE,
)
_NUMBERS = frozenset({"tinyint", "smallint", "int", "bigint", "decimal", "float", "double", "bool", "bit"})
_FOREIGN = re.compile(rf"\s*CONSTRAINT {_NAME} FOREIGN KEY ")
_MARKED = re.compile(rf"{MARK}(\{{.*?\}});(.*)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class SpecialIndex:
    """An index for full text or vectors.

    Args:
        name: its name.
        algorithm: `fulltext`, `ivfflat` or `hnsw`.
        columns: the names of its columns.
        parameters: their values by their names.
        comment: the user's.
    """

    name: str
    algorithm: str
    columns: tuple[str, ...]
    parameters: Mapping[str, str]
    comment: str

    @property
    def parameters_json(self) -> str:
        """Its parameters, as SHOW INDEX gives them."""
        return json.dumps(self.parameters, separators=(",", ":"), sort_keys=True) if self.parameters else ""

    @property
    def line(self) -> str:
        """Its line of SHOW CREATE TABLE (server-facts 64)."""
        columns = ",".join(map(quoted, self.columns))
        comment = f" COMMENT '{self.comment.translate(_ESCAPES)}'" if self.comment else ""
        if self.algorithm == "fulltext":
            parser = f" WITH PARSER {self.parameters['parser']}" if self.parameters else ""
            return f" FULLTEXT {quoted(self.name)}({columns}){parser}{comment}"
        order = [name for name in ("lists", "m", "ef_construction", "ef_search") if name in self.parameters]
        options = "".join(f"{name} = {self.parameters[name]}  " for name in order)
        return (
            f"  KEY {quoted(self.name)} USING {self.algorithm} ({columns}) {options}"
            f"op_type '{self.parameters['op_type']}' {' async ' if 'async' in self.parameters else ''}{comment}"
        )


def special_indexes(text: str) -> list[SpecialIndex]:
    """The indexes for full text and vectors in the engine's CREATE TABLE."""
    return [index for line in _lines(text) if (index := _special(_plain(line))) is not None]


def _lines(text: str) -> list[str]:
    """The lines of a CREATE TABLE; a line end within a name is none."""
    lines: list[str] = []
    is_open = False
    for line in text.split("\n"):
        if is_open:
            lines[-1] += f"\n{line}"
        else:
            lines.append(line)
        is_open = "`" in _QUOTED.sub("", lines[-1])
    return lines


def _plain(line: str) -> str:
    """A line without what it tells of storage, and without hidden columns."""
    return _STORAGE.sub("", re.sub(rf", `{PREFIX}\w+`", "", line.removesuffix(",")))


def _special(line: str) -> SpecialIndex | None:
    found = _INDEX.fullmatch(line)
    if found is None:
        return None
    names = tuple(name[1:-1].replace("``", "`") for name in re.findall(_NAME, found["columns"]))
    comment = unquote(f"'{found['comment'] or ''}'")
    parameters: Mapping[str, str] = {}
    if marked := _MARKED.fullmatch(comment):
        parameters, comment = json.loads(marked[1]), marked[2]
    elif found["parser"] not in {None, "space"}:
        parameters = {"parser": found["parser"]}
    algorithm = "fulltext" if found["kind"] == "FULLTEXT" else (found["type"] or "").replace("_", "").lower()
    return SpecialIndex(found["name"][1:-1].replace("``", "`"), algorithm, names, parameters, comment)


def as_created(text: str, database: str) -> str:
    """The engine's CREATE TABLE as a MatrixOne server gives it.

    Args:
        text: of a table of this database.
        database: its name.
    """
    head, *lines = _lines(text)
    end = next(at for at, line in enumerate(lines) if line.startswith(")"))
    plain = [_plain(line) for line in lines[:end] if not re.match(rf"\s*`{PREFIX}", line)]
    clauses = [_rewrite_line(line, database) for line in plain if _special(line) is None]
    comment = re.search(r" COMMENT = ('(?:[^'\\]|\\.|'')*')", lines[end])
    partitions = "".join(f" {line.strip()}" for line in lines[end + 1 :])
    shown = [_QUOTED.sub(lambda found: _requoted(found[0]), line) for line in clauses]
    end_line = _QUOTED.sub(
        lambda found: _requoted(found[0]), f"){f' COMMENT={comment[1]}' if comment else ''}{partitions}"
    )
    foreign = [line for line in shown if _FOREIGN.match(line)]
    others = [line for line in shown if line not in foreign]
    special = [index.line for index in special_indexes(text)]
    return "\n".join(
        [_QUOTED.sub(lambda found: _requoted(found[0]), head), ",\n".join([*others, *special, *foreign]), end_line]
    )


def _requoted(text: str) -> str:
    """A text as MySQL tells it, where the engine has a backslash before quotes; a name is read as a text would be."""
    return as_read(text) if text.startswith("`") else f"'{unquote(text).translate(_ESCAPES)}'"


def as_read(name: str) -> str:
    """A name as a MatrixOne server shows it in a definition: without what backslashes escape (server-facts 65)."""
    return re.sub(r"\\([^%_])", lambda found: ESCAPES.get(found[1], found[1]), name, flags=re.DOTALL)


def _rewrite_line(line: str, database: str) -> str:
    if found := _FOREIGN_KEY.fullmatch(line):
        table = found["table"] if found["database"] == quoted(database) else f"{found['database']}.{found['table']}"
        own, columns = (found[part].replace("`, `", "`,`") for part in ("own", "columns"))
        return f"{own}{table} {columns}{found['delete']}{found['update']}"
    if found := _KEY.fullmatch(line):
        return f"{found[1]}{found[2].replace('`, `', '`,`')}{found[3]}"
    return _column(line)


def _column(line: str) -> str:
    if found := _ITEMS.fullmatch(line):
        items = ",".join(f"'{item.translate(_ESCAPES)}'" for item in found[2].split("','"))
        rest = _ITEM_DEFAULT.sub(lambda default: f"'{default[1].translate(_ESCAPES)}'", found[3])
        return f"{found[1]}{items}{rest}"
    found = _COLUMN.fullmatch(line)
    if not found:
        return line
    rest = found[3]
    if comment := _COMMENT.search(rest):
        shown = f" COMMENT '{comment[2]}'" if comment[2] else ""
        type_, rest = comment[1], f"{rest[: comment.start()]}{shown}{rest[comment.end() :]}"
    else:
        type_ = matrixone_type(found[2], "")[0]
    return f"{found[1]} {type_}{_with_default(rest, type_)}"


def _with_default(rest: str, type_: str) -> str:
    """What follows a column's type, with its default as a MatrixOne server writes it."""
    found = _DEFAULT.search(rest)
    if found is None:
        return rest
    update = ""
    if found["number"] is not None:
        if _base_of(type_) not in _NUMBERS:
            return rest
        put = f"{found['null'] or ''} DEFAULT {default_of(found['number'], type_)}"
    elif found["now"]:
        update = f" ON UPDATE {default_of(found['update'].split()[-1], type_)}" if found["update"] else ""
        put = f" DEFAULT {default_of(found['now'] + (found['digits'] or ''), type_)}"
    else:
        put = f"{found['null'] or ''} DEFAULT {found['expression']}"
    return f"{rest[: found.start()]}{put}{update}{rest[found.end() :]}"


def default_of(value: str, type_: str) -> str:
    """A default as a MatrixOne server shows it.

    Args:
        value: as the engine shows it, without quotes.
        type_: the column's type, in a MatrixOne server's words.
    """
    base = _base_of(type_)
    if value.upper().startswith("CURRENT_TIMESTAMP") and base in {"timestamp", "datetime"}:
        return value.lower() if value.endswith(")") else f"{value.lower()}()"
    if base == "bool":
        return {"0": "false", "1": "true"}.get(value, value)
    return f"({value})" if value.startswith("-") and base in _NUMBERS else value


def _base_of(type_: str) -> str:
    """A type in small letters, without its arguments."""
    return re.split(r"[( ]", type_.lower(), maxsplit=1)[0]
