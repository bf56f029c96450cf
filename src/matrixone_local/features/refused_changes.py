"""Changes of rows that a MatrixOne server refuses and the engine would make (server-facts 85, 86)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import SqlError, syntax
from matrixone_local.sql.quoting import TABLE
from matrixone_local.sql.references import TableReference, table_references
from matrixone_local.sql.tokens import Kind, Token, bracketed, depths, tokenize

MAX_CLAUSE_CHARS = 65_536  # from the end of a statement, in which ON DUPLICATE KEY UPDATE is looked for
_INSERT = re.compile(
    rf"\s*INSERT\s+(?P<modes>(?:(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|IGNORE)\s+)*)(?:INTO\s+)?"
    rf"(?P<table>{TABLE})",
    re.IGNORECASE,
)
_ON_DUPLICATE = re.compile(r"\bON\s+DUPLICATE\s+KEY\s+UPDATE\b", re.IGNORECASE)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|(?P<open>['"`])""", re.DOTALL)
_NEW_ROW = re.compile(r"\)\s*AS\s+[\w`]+\s*(?:\([\w`,\s]*\)\s*)?\Z", re.IGNORECASE)
_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)
_SUBQUERY = re.compile(r"\s*(?:UPDATE|DELETE)\b.*?\(\s*(?:SELECT|WITH)\b", re.IGNORECASE | re.DOTALL)


def check(sql: str, link: EngineConnection) -> None:
    """Refuse a change of rows that a MatrixOne server refuses.

    Args:
        sql: any statement.
        link: the session that it is of.

    Raises:
        SqlError: a server refuses it.
    """
    inserts = _INSERT.match(sql)
    if inserts is not None:
        clause = duplicate_clause(sql)
        if clause is not None:
            _check_clause(sql, inserts, clause, link)
    elif _SUBQUERY.match(sql) is not None:
        _check_subqueries(tokenize(sql), link)


def duplicate_clause(sql: str) -> re.Match[str] | None:
    """The words ON DUPLICATE KEY UPDATE of an INSERT, if it has them outside of its texts."""
    found = list(_ON_DUPLICATE.finditer(sql, max(0, len(sql) - MAX_CLAUSE_CHARS)))
    if not found or any(quoted["open"] for quoted in _QUOTED.finditer(sql, found[-1].end())):
        return None
    return found[-1]


def _check_clause(sql: str, inserts: re.Match[str], clause: re.Match[str], link: EngineConnection) -> None:
    before = sql[: clause.start()]
    names_row = _NEW_ROW.search(before, max(0, len(before) - MAX_CLAUSE_CHARS)) and not _SELECT.search(before)
    if "ignore" in inserts["modes"].lower() or names_row:
        raise syntax(f'syntax error near "{clause[0]}"')
    keys = link.fetch_definition(link.caches.keys, inserts["table"])
    if keys is None:
        return
    assigned = _assigned(tokenize(sql[clause.end() :]))
    if assigned & keys.primary:
        raise SqlError(20313, "unsupported DML: update primary key on duplicate")
    if assigned & keys.unique:
        raise SqlError(20313, "unsupported DML: update unique key on duplicate")


def _assigned(tokens: Sequence[Token]) -> frozenset[str]:
    """The columns that assignments give values to, in small letters."""
    found: set[str] = set()
    begins = True
    for at, (token, depth) in enumerate(zip(tokens, depths(tokens), strict=True)):
        if begins and token.kind in {Kind.WORD, Kind.QUOTED}:
            last = at
            while last + 2 < len(tokens) and tokens[last + 1].says("."):
                last += 2
            found.add(tokens[last].value.lower())
        begins = depth == 0 and token.says(",")
    return frozenset(found)


@dataclass(frozen=True)
class _Bracket:
    """A bracket that is open.

    Args:
        first: its position.
        is_expression: whether it is within a subquery whose rows an expression is made of.
        is_derived: whether it is within a subquery in the place of a table.
    """

    first: int
    is_expression: bool = False
    is_derived: bool = False


def _check_subqueries(tokens: Sequence[Token], link: EngineConnection) -> None:
    """Refuse to read the table that is changed, but from within a subquery in the place of a table."""
    references = table_references(tokens)
    if not references:
        return
    target, updates = references[0], tokens[0].says("UPDATE")
    follows = tokens[target.last + 1] if target.last + 1 < len(tokens) else None
    if not updates and not tokens[1].says("FROM"):
        return  # of several tables
    if follows is not None and follows.says(",", "JOIN", "LEFT", "INNER", "USING"):
        return
    for reference in references[1:]:
        bracket = _subquery_around(tokens, reference)
        if (
            bracket is not None
            and reference.name.lower() == target.name.lower()
            and reference.within(link.database) == target.within(link.database)
            and not (updates and _is_correlated(tokens, bracket, target))
        ):
            raise SqlError(1093, f"You can't specify target table '{target.name}' for update in FROM clause")


def _subquery_around(tokens: Sequence[Token], reference: TableReference) -> int | None:
    """Where the outermost subquery of an expression begins that reads a table; None if it reads it otherwise."""
    opened = [_Bracket(0)]
    names_tables = [False]
    for at in range(reference.first):
        token = tokens[at]
        if token.says("("):
            before, around = tokens[at - 1], opened[-1]
            replaces_table = before.says("FROM", "JOIN", "AS", "LATERAL") or (before.says(",") and names_tables[-1])
            is_query = tokens[at + 1].says("SELECT", "WITH")
            derived = around.is_derived or (is_query and replaces_table)
            expression = around.is_expression or (is_query and not derived)
            first = at if expression and not around.is_expression else around.first
            opened.append(_Bracket(first, expression, derived))
            names_tables.append(replaces_table)
        elif token.says(")"):
            opened, names_tables = opened[:-1] or [_Bracket(0)], names_tables[:-1] or [False]
        elif token.says("FROM", "JOIN"):
            names_tables[-1] = True
        elif token.says("SELECT", "WHERE", "SET", "GROUP", "ORDER", "HAVING", "LIMIT"):
            names_tables[-1] = False
    return opened[-1].first if opened[-1].is_expression and not opened[-1].is_derived else None


def _is_correlated(tokens: Sequence[Token], opens: int, target: TableReference) -> bool:
    """Whether a subquery names a column of the table that an UPDATE changes, so that a server makes a join of it."""
    within, name = tokens[opens : bracketed(tokens, opens)[0]], _name_of(tokens, target)
    aliases = {_name_of(within, one).lower() for one in table_references(within)}
    if name.lower() in aliases:
        return False
    return any(
        token.kind in {Kind.WORD, Kind.QUOTED} and token.value.lower() == name.lower() and after.says(".")
        for token, after in pairwise(within)
    )


def _name_of(tokens: Sequence[Token], reference: TableReference) -> str:
    """The name that a table has in a statement."""
    if not reference.has_alias:
        return reference.name
    return tokens[reference.last + (2 if tokens[reference.last + 1].says("AS") else 1)].value
