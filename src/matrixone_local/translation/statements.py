"""What kind of statement it is, and the words that change before it reaches the engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matrixone_local.sql.tokens import Kind, Statement, Token
from matrixone_local.translation import allowlist

VERSION = "8.0.30-MatrixOne-v4.2.0"
# What a MatrixOne server says of itself (conformance/session); the engine would name itself.
_OF_THE_SERVER = {
    "version()": f"'{VERSION}'",
    "@@version": f"'{VERSION}'",
    "@@version_comment": "'MatrixOne'",
    "@@transaction_isolation": "'REPEATABLE-READ'",
    "@@tx_isolation": "'REPEATABLE-READ'",
}
_SCOPE = re.compile(r"^@@(?:(?:session|global|local)\.)?")


def server_constant(name: str) -> str | None:
    """What a variable or a function without arguments, in small letters, comes to on every MatrixOne server, as SQL."""
    return _OF_THE_SERVER.get(_SCOPE.sub("@@", name))


def unscoped(variable: str) -> str:
    """A system variable's name in small letters, without `@@` and its scope."""
    return _SCOPE.sub("", variable.lower())


def split_statements(statement: Statement) -> list[Statement]:
    """The statements in a text, separated by `;`."""
    tokens = statement.tokens
    marks = [at for at, token in enumerate(tokens) if token.kind is Kind.SYMBOL and token.text == ";"]
    bounds = [-1, *marks, len(tokens)]
    found = [tokens[start + 1 : end] for start, end in pairwise(bounds)]
    found = [one for one in found if one]
    if not marks:
        return [statement]
    if not found:
        return [Statement("")]
    return [_part(statement.sql, one) for one in found]


def _part(sql: str, tokens: Sequence[Token]) -> Statement:
    first = tokens[0].start
    moved = [Token(one.kind, one.text, one.start - first, one.end - first, one.said) for one in tokens]
    return Statement(sql[first : tokens[-1].end], moved)


def is_set(tokens: Sequence[Token]) -> bool:
    """Whether this is a SET of anything but autocommit, after which the flags lie (server-facts 41)."""
    return bool(tokens) and tokens[0].says("SET") and not any(unscoped(token.text) == "autocommit" for token in tokens)


@dataclass(frozen=True)
class ForwardingRules:
    """How the engine's reply to a statement is forwarded to the client.

    Args:
        is_query: the statement is a query, whose errors have words of their own.
        claims_autocommit: the reply says autocommit whatever is true.
        refuses_bad_casts: a warning about a cast is an error.
        counts_found: it is an UPDATE, which counts the rows that it finds.
    """

    is_query: bool = False
    claims_autocommit: bool = False
    refuses_bad_casts: bool = False
    counts_found: bool = False


PASS_THROUGH = ForwardingRules()
AS_UPDATE = ForwardingRules(counts_found=True)
AS_QUERY = ForwardingRules(is_query=True)


def forwarding_rules(tokens: Sequence[Token]) -> ForwardingRules:
    """How the reply to a statement is forwarded."""
    return ForwardingRules(reads(tokens), is_set(tokens), casts(tokens))


# Where a MatrixOne server takes a text that is no number, as the engine does with a warning.
_TAKES_TEXTS = re.compile(r"\b(?:IF|IN)\s*\(", re.IGNORECASE)


def judges_warnings(rules: ForwardingRules, sql: str) -> bool:
    """Whether a text that is no number, of which the engine warns in the reply to a query, is an error."""
    return rules.is_query and _TAKES_TEXTS.search(sql) is None


def put_share(statement: Statement) -> None:
    """Put FOR SHARE in the words that the engine has for it."""
    for before, token in pairwise(statement.tokens):
        if before.says("FOR") and token.says("SHARE"):
            statement.put(before.start, token.end, "LOCK IN SHARE MODE")


def put_explain(statement: Statement) -> None:
    """Put an EXPLAIN in the engine's words; it tells the plan alone, where ANALYZE would run the statement."""
    tokens, last = statement.tokens, 0
    while last + 1 < len(tokens) and tokens[last + 1].says("VERBOSE", "ANALYZE"):
        last += 1
    statement.put(tokens[0].start, tokens[last].end, "EXPLAIN")


def reads(tokens: Sequence[Token]) -> bool:
    """Whether a statement is a query."""
    return bool(tokens) and tokens[0].says("SELECT", "(", "WITH")


def names_catalogue(tokens: Sequence[Token]) -> bool:
    """Whether a statement reads or changes rows of `mo_catalog`."""
    said = any(
        token.kind in {Kind.WORD, Kind.QUOTED} and allowlist.folded(token.value) == "mo_catalog" for token in tokens
    )
    return said and tokens[0].says("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "(")


def drops_database(tokens: Sequence[Token]) -> str | None:
    """The database that a DROP DATABASE drops."""
    if len(tokens) > 2 and tokens[0].says("DROP") and tokens[1].says("DATABASE", "SCHEMA"):
        return tokens[4 if tokens[2].says("IF") and len(tokens) > 4 else 2].value
    return None


def casts(tokens: Sequence[Token]) -> bool:
    """Whether a query casts, which the engine does with a warning where a MatrixOne server refuses."""
    return reads(tokens) and any(token.says("CAST", "CONVERT") for token in tokens)


def set_variables(tokens: Sequence[Token]) -> set[str]:
    """The user variables that a statement gives values to."""
    is_set = bool(tokens) and tokens[0].says("SET")
    return {token.text.lower() for token in tokens if _is_user_variable(token)} if is_set else set()


def user_variables(tokens: Sequence[Token]) -> set[str]:
    """The user variables that a statement names."""
    return {token.text.lower() for token in tokens if _is_user_variable(token)}


def _is_user_variable(token: Token) -> bool:
    return token.kind is Kind.WORD and token.text.startswith("@") and not token.text.startswith("@@")


# What a MatrixOne server accepts as an option, and the engine uses anyway.
_OF_MATRIXONE = re.compile(
    r"^\s*SET\s+(?:SESSION\s+|GLOBAL\s+|@@(?:SESSION|GLOBAL)\.)?(experimental_\w+|probe_limit|ft_relevancy_algorithm)\b",
    re.IGNORECASE,
)


def _put_zone(statement: Statement) -> None:
    """Put the server's own time zone, which is UTC, in the place of SYSTEM: the engine would ask the machine."""
    for name, equals, value in zip(statement.tokens, statement.tokens[1:], statement.tokens[2:], strict=False):
        if unscoped(name.text.lower()) == "time_zone" and equals.says("=") and value.value.upper() == "SYSTEM":
            statement.put(value.start, value.end, "'+00:00'")


def is_of_matrixone(sql: str) -> bool:
    """Whether a SET sets what only a MatrixOne server accepts."""
    return _OF_MATRIXONE.match(sql) is not None


def translate_set(statement: Statement) -> str:
    """A SET as the engine understands it."""
    tokens = statement.tokens
    _put_zone(statement)
    sql = _OF_MATRIXONE.sub(r"SET @\1", statement.written())
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
