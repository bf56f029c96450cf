"""Where a statement names tables: found by the clauses their names stand in, without reading the whole grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.tokens import Kind, Statement, Token

_OPENS = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE"})  # names of tables follow
_CLOSES = frozenset(
    {"SELECT", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "SET", "VALUES", "VALUE", "WINDOW", "UNION", "FOR", "SHOW"}
    | {"DUPLICATE", "DESC", "DESCRIBE", "EXPLAIN"}
)
_BETWEEN = frozenset(
    {"IF", "NOT", "EXISTS", "ONLY", "LATERAL", "IGNORE", "TABLE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"}
)
_NO_ALIAS = (
    _OPENS
    | _CLOSES
    | frozenset({"ON", "USING"})
    | frozenset(
        {"LEFT", "RIGHT", "INNER", "CROSS", "OUTER", "NATURAL", "STRAIGHT_JOIN", "CLONE", "EXCEPT", "INTERSECT"}
    )
    | frozenset({"MINUS", "PARTITION", "USE", "FORCE", "IGNORE", "WITH", "LOCK", "OFFSET"})
)
_NAMES = frozenset({Kind.WORD, Kind.QUOTED})


@dataclass(frozen=True)
class TableReference:
    """A table's name in a statement.

    Args:
        first: the position of its first token.
        last: the position of its last one, without an alias.
        database: the name before the dot, or None.
        name: the table's name.
        reads: whether rows are read from it; otherwise it is written, defined or described.
        has_alias: whether it has another name in the statement.
    """

    first: int
    last: int
    database: str | None
    name: str
    reads: bool
    has_alias: bool

    def within(self, database: str) -> tuple[str, str]:
        """Its database, this one if it names none, and its name, in small letters."""
        return (self.database or database).lower(), self.name.lower()


def table_references(tokens: Sequence[Token]) -> list[TableReference]:
    """The tables that a statement names, from left to right."""
    found: list[TableReference] = []
    clause: list[str | None] = [None]  # what opened the list of names, for each bracket that is open
    expected = False
    deletes = bool(tokens) and tokens[0].says("DELETE")
    of_an_index = any(token.says("INDEX") for token in tokens[1:3]) and tokens[0].says("CREATE", "DROP")
    at = 0
    while at < len(tokens):
        token = tokens[at]
        word = token.text.upper() if token.kind is Kind.WORD else ""
        if token.text == "(" and token.kind is Kind.SYMBOL:
            clause.append(clause[-1] if expected else None)
        elif token.text == ")" and token.kind is Kind.SYMBOL:
            clause = clause[:-1] or [None]
            expected = False
        elif at == 0 and word in {"INSERT", "REPLACE"}:
            clause[-1], expected = "INTO", True
        elif word in _OPENS and not (word == "UPDATE" and at and tokens[at - 1].says("KEY", "FOR")):
            clause[-1], expected = word, True
        elif (word == "ON" and of_an_index) or (at == 0 and word in {"DESC", "DESCRIBE"}):
            clause[-1], expected = "FROM" if at == 0 else "TABLE", True
        elif word in _CLOSES:
            clause[-1], expected = None, False
        elif token.says(",") and clause[-1] in {"FROM", "JOIN", "UPDATE"}:
            expected = True
        elif expected and word in _BETWEEN:
            pass
        elif expected and token.kind in _NAMES:
            reads = clause[-1] in {"FROM", "JOIN"} and not (deletes and len(clause) == 1)
            reference = _reference(tokens, at, reads=reads)
            found.append(reference)
            at, expected = reference.last, False
        at += 1
    return found


def _reference(tokens: Sequence[Token], at: int, *, reads: bool) -> TableReference:
    first, database = at, None
    if at + 2 < len(tokens) and tokens[at + 1].says(".") and tokens[at + 2].kind in _NAMES:
        database, at = tokens[at].value, at + 2
    return TableReference(first, at, database, tokens[at].value, reads, has_alias(tokens, at))


def has_alias(tokens: Sequence[Token], last: int) -> bool:
    """Whether another name follows what ends there."""
    following = tokens[last + 1] if last + 1 < len(tokens) else None
    return following is not None and (
        following.kind is Kind.QUOTED or (following.kind is Kind.WORD and following.text.upper() not in _NO_ALIAS)
    )


def put_table(statement: Statement, reference: TableReference, table: str) -> None:
    """Put another table in the place of one that a statement names, under the name that it had.

    Args:
        statement: the statement.
        reference: where the one is named.
        table: the other, as SQL has it.
    """
    tokens = statement.tokens
    describes = tokens[0].says("SHOW", "DESC", "DESCRIBE")
    takes_alias = tokens[0].says("UPDATE") or (reference.reads and not describes)
    alias = f" AS {quoted(reference.name)}" if takes_alias and not reference.has_alias else ""
    statement.put(tokens[reference.first].start, tokens[reference.last].end, f"{table}{alias}")
