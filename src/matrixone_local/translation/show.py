"""What a server says of its tables and variables, in a MatrixOne server's forms (conformance/session).

The answers are the engine's own, asked for in the client's session; what is the local server's own is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.engine.scratch import PREFIX, SYSTEM
from matrixone_local.engine.seekdb import ADMINISTRATOR, ROOT
from matrixone_local.errors import MANUAL, SqlError
from matrixone_local.sql.ddl import Name
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.time_travel import read_then, reads_past
from matrixone_local.sql.tokens import Statement, Token, tokenize
from matrixone_local.sql.type_names import describe_type, matrixone_type
from matrixone_local.translation import information_schema
from matrixone_local.translation.show_create_table import as_created, as_read, default_of, special_indexes
from matrixone_local.translation.statements import server_constant

Value = str | int | None
_INDEX_TITLES = (
    "Table",
    "Non_unique",
    "Key_name",
    "Seq_in_index",
    "Column_name",
    "Collation",
    "Cardinality",
    "Sub_part",
    "Packed",
    "Null",
    "Index_type",
    "Comment",
    "Index_comment",
    "Index_params",
    "Visible",
    "Expression",
)

_STATUS_TITLES = (
    "Name",
    "Engine",
    "Row_format",
    "Rows",
    "Avg_row_length",
    "Data_length",
    "Max_data_length",
    "Index_length",
    "Data_free",
    "Auto_increment",
    "Create_time",
    "Update_time",
    "Check_time",
    "Collation",
    "Checksum",
    "Create_options",
    "Comment",
    "Role_id",
    "Role_name",
)
# What a MatrixOne server answers with nothing, and with which titles.
_EMPTY: Mapping[tuple[str, ...], Sequence[str]] = {
    **dict.fromkeys((("ENGINES",), ("PLUGINS",), ("EVENTS",), ("PRIVILEGES",), ("LOCKS",), ("CONFIG",)), ("1",)),
    ("NODE", "LIST"): ("1",),
    ("CHARACTER", "SET"): ("Charset", "Description", "Default collation", "Maxlen"),
    ("CHARSET",): ("Charset", "Description", "Default collation", "Maxlen"),
    ("SEQUENCES",): ("Names", "Data Type"),
}
_OWN = (f"`{PREFIX}", "`__recyclebin`", "`__public`", "`oceanbase`")  # databases of this server's and of its engine


@dataclass(frozen=True)
class Answer:
    """Rows with titles."""

    titles: Sequence[str]
    rows: Sequence[Sequence[Value]]


class Past(Protocol):
    """What the databases of a snapshot are now."""

    def database_then(self, name: str, database: str) -> str:
        """The hidden database that holds what *database* held when the snapshot *name* was taken."""
        ...

    def databases_then(self, name: str) -> list[str]:
        """The databases that the snapshot *name* holds."""
        ...


def answer(tokens: Sequence[Token], link: EngineConnection, dropped: Sequence[Name], past: Past) -> Answer | None:
    """The answer to a SHOW or DESCRIBE that the engine would word otherwise; None if it is no such statement.

    Args:
        tokens: the statement's.
        link: the client's session.
        dropped: the tables and databases that are not shown, as the client's transaction has dropped them.
        past: what `SHOW … {snapshot='name'}` reads.

    Raises:
        SqlError: there is no such database or snapshot, or the snapshot does not hold the database.
    """
    try:
        return _answer(tokens, link, dropped, past)
    except EngineError as error:
        if error.message == "Unknown database":  # the engine does not say which
            raise SqlError(1049, f"Unknown database {_database(tokens)}", "42000") from None
        raise


def _database(tokens: Sequence[Token]) -> str:
    """The database that a SHOW or DESCRIBE names."""
    dots = [at for at, token in enumerate(tokens) if token.says(".")]
    at = dots[0] - 1 if dots else max(at for at, token in enumerate(tokens) if token.says("FROM", "IN")) + 1
    return tokens[at].value


def _answer(tokens: Sequence[Token], link: EngineConnection, dropped: Sequence[Name], past: Past) -> Answer | None:
    if tokens and tokens[0].says("SHOW") and (braces := reads_past(tokens)):
        return _shown_then(tokens, *braces[0], link, past)
    if tokens and tokens[0].says("SHOW") and read_then(tokens):
        raise SqlError(20105, "not supported: the local server has no definitions of a time, only those of snapshots")
    words = [token.text.upper() for token in tokens if token.text != ";"]
    if words[:1] in (["DESC"], ["DESCRIBE"]) and len(words) in {2, 3, 4}:  # one column gets all described
        return _columns(tokens[: 4 if words[2:3] == ["."] else 2], 1, link)
    if words[:1] != ["SHOW"]:
        return None
    full = words[1:2] == ["FULL"]
    what = words[1 + full] if len(words) > 1 + full else ""
    if what in {"COLUMNS", "FIELDS"} and len(words) > 3:
        return _chosen(_columns(tokens, 3 + full, link, full=full), tokens, link)
    if what in {"INDEX", "INDEXES", "KEYS"} and len(words) > 3:
        return _chosen(_index(tokens, 3, link), tokens, link)
    if words[1:3] == ["CREATE", "TABLE"] and len(words) > 3:
        return _create_table(tokens, 3, link)
    if words[1:3] in (["CREATE", "DATABASE"], ["CREATE", "SCHEMA"]) and len(words) > 3:
        name = str(_as_asked(tokens, link).rows[0][0])
        return Answer(["Database", "Create Database"], [[name, f"CREATE DATABASE {quoted(name)}"]])
    if tuple(words[1:]) in _EMPTY:
        return Answer(_EMPTY[tuple(words[1:])], [])
    if what == "VARIABLES" or words[2:3] == ["VARIABLES"]:
        return _variables(tokens, link)
    if what in {"DATABASES", "SCHEMAS"}:
        return _databases(tokens, link, dropped)
    if what == "GRANTS":
        return _grants(tokens, link)
    if what == "PROCESSLIST":
        return _processes(link)
    if words[1:3] == ["TABLE", "STATUS"]:
        return _status(tokens, link, dropped)
    if what == "TABLES" and (dropped or "LIKE" in words):
        return _tables(tokens, link, dropped)
    return None


def _shown_then(tokens: Sequence[Token], at: int, snapshot: str, link: EngineConnection, past: Past) -> Answer | None:
    """The answer to SHOW DATABASES, SHOW TABLES or SHOW CREATE TABLE with `{snapshot='name'}` at a position."""
    if tokens[1].says("DATABASES"):
        return Answer(
            ["Database"], [[name] for name in sorted({*past.databases_then(snapshot), *SYSTEM} - {"oceanbase"})]
        )
    rest = " ".join(token.text for token in tokens[at + 5 :])
    if tokens[1].says("CREATE") and tokens[2].says("TABLE"):
        database, table = tokens[at - 3].value if tokens[at - 2].says(".") else link.database, tokens[at - 1]
        hidden = past.database_then(snapshot, database)
        asked = f"SHOW CREATE TABLE {quoted(hidden)}.{table.text}"
    elif tokens[1].says("TABLES", "FULL"):
        database = tokens[at - 1].value if tokens[at - 2].says("FROM", "IN") else link.database
        hidden = past.database_then(snapshot, database)
        asked = f"SHOW{' FULL' if tokens[1].says('FULL') else ''} TABLES FROM {quoted(hidden)} {rest}"
    else:
        return None
    asked_tokens = tokenize(asked)
    reply = answer(asked_tokens, link, (), past) or _as_asked(asked_tokens, link)
    return Answer([title.replace(hidden, database) for title in reply.titles], reply.rows)


def _table(tokens: Sequence[Token], at: int) -> tuple[str, Sequence[Token]]:
    """The table that is named at a position, quoted, and what follows it."""
    names = [tokens[at].value]
    at += 1
    while at + 1 < len(tokens) and tokens[at].says(".", "FROM", "IN"):
        names = [*names, tokens[at + 1].value] if tokens[at].says(".") else [tokens[at + 1].value, *names]
        at += 2
    return ".".join(map(quoted, names)), [token for token in tokens[at:] if not token.says(";")]


def _is_misread(table: str, link: EngineConnection) -> bool:
    """Whether a table has a backslash in its name, with which a MatrixOne server finds nothing (server-facts 65).

    Args:
        table: its name, quoted.
        link: the client's session.

    Raises:
        EngineError: there is no such table.
        SqlError: there is a quote in its name, which the server pastes into a statement.
    """
    if "'" not in table and "\\" not in table:
        return False
    link.query(f"SHOW COLUMNS FROM {table}")
    if "'" in table:
        rest = table.partition("'")[2]
        raise SqlError(
            1105, f"You have an error in your SQL syntax; {MANUAL} for the right syntax to use near {rest!r}"
        )
    return True


def _columns(tokens: Sequence[Token], at: int, link: EngineConnection, *, full: bool = False) -> Answer:
    table, rest = _table(tokens, at)
    titles = ["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"]
    titles = titles if full else [one for one in titles if one not in {"Collation", "Privileges"}]
    if _is_misread(table, link):
        return Answer(titles, [])
    like = f" LIKE {rest[1].text}" if len(rest) == 2 and rest[0].says("LIKE") else ""
    rows: list[list[Value]] = []
    described_columns = link.query(f"SHOW FULL COLUMNS FROM {table}{like}").rows
    hides = any(str(name).startswith(PREFIX) for name, *_ in described_columns)
    unique = _unique_alone(table, link) if hides else frozenset[str]()
    is_view = any(row[5] == "NULL" for row in described_columns) and _is_view(table, link)
    for name, kind, _collation, null, said, default, extra_said, privileges, marked in described_columns:
        if str(name).startswith(PREFIX):
            continue
        key = "UNI" if said == "MUL" and name in unique else said
        type_, comment = matrixone_type(str(kind), marked or "")
        given = None if is_view or default is None else default_of(default, type_)  # that of a view is a text NULL
        extra = "" if str(extra_said).upper().startswith("ON UPDATE") else extra_said
        if full:
            rights = str(privileges).lower()
            rows.append([name, describe_type(type_), None, null, key, given, extra, rights, comment])
        else:
            rows.append([name, describe_type(type_), null, key, given, extra, comment])
    return Answer(titles, rows)


def _is_view(table: str, link: EngineConnection) -> bool:
    return len(link.query(f"SHOW CREATE TABLE {table}").rows[0]) > 2


def _chosen(reply: Answer, tokens: Sequence[Token], link: EngineConnection) -> Answer:
    """The rows that the WHERE of a SHOW chooses, with the titles as names; all where there is none."""
    at = next((at for at, token in enumerate(tokens) if token.says("WHERE")), None)
    if at is None:
        return reply
    shown = [[str(number), *row] for number, row in enumerate(reply.rows)]
    table = information_schema.values_as_table(shown, ["__mo_row", *map(quoted, reply.titles)])
    chosen = link.query(f"SELECT __mo_row FROM {table} shown {_written(tokens[at:])}").rows  # noqa: S608  # a literal, and the client's own condition
    return Answer(reply.titles, [reply.rows[int(str(number))] for (number,) in chosen])


def _unique_alone(table: str, link: EngineConnection) -> frozenset[str]:
    """The columns that a unique key consists of, but for the hidden ones."""
    keys: dict[Value, list[str]] = {}
    for _table, non_unique, key, _at, column, *_ in link.query(f"SHOW INDEX FROM {table}").rows:
        if non_unique == "0" and not str(column).startswith(PREFIX):
            keys.setdefault(key, []).append(str(column))
    return frozenset(columns[0] for columns in keys.values() if len(columns) == 1)


def _index(tokens: Sequence[Token], at: int, link: EngineConnection) -> Answer:
    table, _ = _table(tokens, at)
    if _is_misread(table, link):
        return Answer(_INDEX_TITLES, [])
    indexes = link.query(f"SHOW INDEX FROM {table}").rows
    is_special = any(row[10] in {"FULLTEXT", "VECTOR"} for row in indexes)
    created = str(link.query(f"SHOW CREATE TABLE {table}").rows[0][1]) if is_special else ""
    special = {index.name: index for index in special_indexes(created)}
    rows: list[list[Value]] = []
    for name, unique, key, position, column, collation, *rest in indexes:
        if not str(column).startswith(PREFIX):
            nullable, visible = rest[3] or "", rest[7]
            numbers = int(unique or 0), int(position or 0)
            row: list[Value] = [name, numbers[0], key, numbers[1], column, collation, 0, "NULL", "NULL", nullable]
            index = special.get(str(key))
            kind, comment, parameters = (
                (index.algorithm, index.comment, index.parameters_json) if index else ("", rest[6], "")
            )
            rows.append([*row, kind, "", comment, parameters, visible, column])
    return Answer(_INDEX_TITLES, rows)


def _create_table(tokens: Sequence[Token], at: int, link: EngineConnection) -> Answer:
    table, _ = _table(tokens, at)
    found = link.query(f"SHOW CREATE TABLE {table}").rows[0]
    if len(found) > 2:  # a view
        return Answer(["View", "Create View", "character_set_client", "collation_connection"], [found])
    name, text = found
    database = tokens[at].value if tokens[at + 1 : at + 2] and tokens[at + 1].says(".") else link.database
    return Answer(["Table", "Create Table"], [[as_read(str(name)), as_created(str(text), database)]])


def _variables(tokens: Sequence[Token], link: EngineConnection) -> Answer:
    rows = [[name, _variable(name, value)] for name, value, *_ in link.query(_written(tokens)).rows]
    return Answer(["Variable_name", "Value"], rows)


def _variable(name: str | None, value: str | None) -> Value:
    """ON and OFF are written small."""
    if constant := server_constant(f"@@{name}"):
        return constant.strip("'")
    if name == "sql_mode":
        return ",".join(sorted((value or "").split(",")))
    return value.lower() if value in {"ON", "OFF"} else value


def _tables(tokens: Sequence[Token], link: EngineConnection, dropped: Sequence[Name]) -> Answer:
    """SHOW TABLES or SHOW TABLE STATUS without what is dropped: the first column is the table's name."""
    database = _database_shown(tokens, link)
    reply = _as_asked(tokens, link)
    titles = [title.partition(" (")[0] for title in reply.titles]  # the engine's tell what LIKE says
    return Answer(titles, [row for row in reply.rows if (database.lower(), row[0]) not in dropped])


def _database_shown(tokens: Sequence[Token], link: EngineConnection) -> str:
    return next((after.value for at, after in pairwise(tokens) if at.says("FROM", "IN")), None) or link.database


def _status(tokens: Sequence[Token], link: EngineConnection, dropped: Sequence[Name]) -> Answer:
    """SHOW TABLE STATUS with the rows counted; what the engine knows of its own storage is left out."""
    reply = _tables(tokens, link, dropped)
    database = quoted(_database_shown(tokens, link))
    rows: list[list[Value]] = []
    for row in reply.rows:
        known = dict(zip(reply.titles, row, strict=True))
        count = int(link.query(f"SELECT COUNT(*) FROM {database}.{quoted(str(row[0]))}").rows[0][0] or 0)  # noqa: S608  # names in quotes
        own = {
            "Engine": known["Engine"] and "Tae",
            "Row_format": "Dynamic",
            "Rows": count,
            "Avg_row_length": int(known["Data_length"] or 0) // count if count else 0,
            "Max_data_length": 0,
            "Index_length": 0,
            "Auto_increment": int(known["Auto_increment"] or 0),
            "Collation": "utf8mb4_bin",
            "Create_options": "",
            "Role_id": 0,
            "Role_name": "moadmin",
        }
        own |= dict.fromkeys(("Data_free", "Update_time", "Check_time", "Checksum"), "NULL")
        rows.append([(known | own)[title] for title in _STATUS_TITLES])
    return Answer(_STATUS_TITLES, rows)


def _as_asked(tokens: Sequence[Token], link: EngineConnection) -> Answer:
    """What the engine answers."""
    rows = link.stream(_written(tokens))
    return Answer([column.name for column in next(rows)], list(rows))


def _grants(tokens: Sequence[Token], link: EngineConnection) -> Answer:
    """Rights, by the names that users have here, without those on what is the server's own."""
    asked = [replace(one, text=ADMINISTRATOR) if one.value.lower() == ROOT else one for one in tokens]
    reply = _as_asked(asked, link)
    rows = [str(row[0]).replace(ADMINISTRATOR, ROOT) for row in reply.rows]
    return Answer(
        [title.replace(ADMINISTRATOR, ROOT) for title in reply.titles],
        [[row] for row in rows if not any(own in row for own in _OWN)],
    )


def _written(tokens: Sequence[Token]) -> str:
    """A statement without its remarks and its end."""
    shown = [token for token in tokens if not token.says(";")]
    gaps = ["", *(" " if before.end < token.start else "" for before, token in pairwise(shown))]
    return "".join(gap + token.text for gap, token in zip(gaps, shown, strict=True))


def _databases(tokens: Sequence[Token], link: EngineConnection, dropped: Sequence[Name]) -> Answer:
    like = next((after.text for at, after in pairwise(tokens) if at.says("LIKE")), "'%'")
    shown = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE {like} ORDER BY 1"  # noqa: S608  # the client's own literal
    asked = Statement(shown)
    information_schema.substitute_tables(asked, dropped)
    names = link.query(asked.written()).rows
    return Answer(["Database"], names)


def _processes(link: EngineConnection) -> Answer:
    """A row for each connection that the client may see; `SHOW FULL PROCESSLIST` is the same on a server."""
    rows = link.query(f"{information_schema.PROCESSES} ORDER BY conn_id").rows
    return Answer(information_schema.PROCESS_TITLES, [(node, int(number or 0), *rest) for node, number, *rest in rows])


def tables_within(database: str, link: EngineConnection) -> int:
    """How many tables a database has, which is what DROP DATABASE answers (server-facts 38)."""
    try:
        return len(link.query(f"SHOW TABLES FROM {quoted(database)}").rows)
    except EngineError:  # there is none, or it is not the client's to drop: the DROP will say so
        return 0
