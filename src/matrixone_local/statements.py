"""Ordinary statements that need a word changed on their way to the engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .snapshots import HIDDEN
from .tokens import Kind, Token, tokenize
from .values import literal, quoted

VERSION = "8.0.30-MatrixOne-v4.2.0"
# What a MatrixOne server says of itself (conformance/session); the engine would name itself.
_OF_THE_SERVER = {
    ("version", "(", ")"): VERSION,
    ("@@version",): VERSION,
    ("@@version_comment",): "MatrixOne",
    ("@@transaction_isolation",): "REPEATABLE-READ",
    ("@@tx_isolation",): "REPEATABLE-READ",
}


_PLAIN = re.compile(r"\s*(INSERT|REPLACE|UPDATE|DELETE)\b", re.IGNORECASE)
_OURS = re.compile(r"mo_catalog|snapshot|stage_list|load_file|save_file", re.IGNORECASE)
_DEFINITIONS = frozenset({"CREATE", "DROP", "ALTER", "TRUNCATE", "RENAME"})


@dataclass(frozen=True)
class Undoable:
    """A definition that a rollback takes back.

    Args:
        table: the new table's name, one or two parts.
        tolerant: IF NOT EXISTS was said.
    """

    table: tuple[str, ...]
    tolerant: bool = False

    def within(self, database: str | None) -> Undoable:
        """The same with the database named."""
        return self if len(self.table) == 2 or database is None else replace(self, table=(database, *self.table))

    @property
    def undo(self) -> str:
        """What takes it back."""
        return f"DROP TABLE IF EXISTS {'.'.join(map(quoted, self.table))}"

    @property
    def question(self) -> str:
        """What has a row if there is such a table."""
        schema = literal(self.table[0]) if len(self.table) == 2 else "DATABASE()"
        name = literal(self.table[-1])
        tables = "information_schema.tables"
        return f"SELECT 1 FROM {tables} WHERE table_schema = {schema} AND table_name = {name}"  # noqa: S608  # literals


def undoable(tokens: list[Token]) -> Undoable | None:
    """The table that a CREATE TABLE makes."""
    if len(tokens) < 3 or not (tokens[0].says("CREATE") and tokens[1].says("TABLE")):
        return None
    tolerant = [token.text.upper() for token in tokens[2:5]] == ["IF", "NOT", "EXISTS"]
    name = tokens[5:8] if tolerant else tokens[2:5]
    parts = [token.value for token in name[:1]]
    if len(name) == 3 and name[1].says("."):
        parts.append(name[2].value)
    return Undoable(tuple(parts), tolerant)


def defines(tokens: list[Token]) -> bool:
    """Whether the engine would commit the transaction to carry this out."""
    return len(tokens) > 1 and tokens[0].text.upper() in _DEFINITIONS


def is_plain(sql: str) -> bool:
    """Whether a statement can go to the engine unread: it changes rows, and none of the catalogue's."""
    return _PLAIN.match(sql) is not None and _OURS.search(sql) is None


def is_set(tokens: list[Token]) -> bool:
    """Whether this is a SET of anything but autocommit, after which the flags lie (server-facts 41)."""
    return bool(tokens) and tokens[0].says("SET") and not any(token.text.lower() == "autocommit" for token in tokens)


def kills(tokens: list[Token]) -> tuple[int, bool] | None:
    """The connection that a KILL [QUERY | CONNECTION] names, and whether it ends the connection as well."""
    if tokens and tokens[0].says("KILL") and tokens[-1].kind is Kind.NUMBER:
        return int(tokens[-1].text), not tokens[1].says("QUERY")
    return None


def hides_databases(tokens: list[Token]) -> str | None:
    """SHOW DATABASES without the engine's own and the snapshots' hidden ones."""
    if len(tokens) < 2 or not (tokens[0].says("SHOW") and tokens[1].says("DATABASES", "SCHEMAS")):
        return None
    like = f" AND schema_name LIKE {tokens[3].text}" if len(tokens) > 3 and tokens[2].says("LIKE") else ""
    return (
        "SELECT schema_name AS `Database` FROM information_schema.schemata"  # noqa: S608  # the client's own literal
        f" WHERE schema_name <> 'oceanbase' AND LEFT(schema_name, {len(HIDDEN)}) <> '{HIDDEN}'{like} ORDER BY 1"
    )


def rewritten(sql: str) -> str:
    """The statement with the words changed that the engine would understand otherwise."""
    tokens = tokenize(sql)
    if not tokens:
        return sql
    if tokens[0].says("SET"):
        return _rewritten_set(sql, tokens)
    if tokens[0].says("SELECT"):
        return _rewritten_select(sql, tokens)
    return sql


def _rewritten_set(sql: str, tokens: list[Token]) -> str:
    if len(tokens) > 2 and tokens[1].says("NAMES"):  # text compares byte for byte whatever is named
        return "SET NAMES utf8mb4 COLLATE utf8mb4_bin"
    extra = [
        f", ob_trx_lock_timeout = {int(tokens[at + 2].text) * 1_000_000}"
        for at in range(len(tokens) - 2)
        if tokens[at].text.lower().rpartition(".")[2] == "lock_wait_timeout"
        and tokens[at + 1].says("=")
        and tokens[at + 2].text.isdigit()
    ]
    return sql.rstrip("; \n") + "".join(extra)


def _rewritten_select(sql: str, tokens: list[Token]) -> str:
    for at in range(len(tokens) - 1, 0, -1):
        for words, value in _OF_THE_SERVER.items():
            found = tokens[at : at + len(words)]
            if tuple(token.text.lower() for token in found) != words:
                continue
            start, end = found[0].start, found[-1].end
            following = tokens[at + len(words)] if at + len(words) < len(tokens) else None
            title = f" AS `{sql[start:end]}`" if following is None or following.says(",", "FROM", ";") else ""
            sql = f"{sql[:start]}'{value}'{title}{sql[end:]}"
            break
    return sql
