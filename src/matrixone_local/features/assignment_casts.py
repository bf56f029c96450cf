"""INSERT, REPLACE and UPDATE with texts for columns of other types: each text is judged as a MatrixOne server does.

Texts within the statement are judged here. Those of an INSERT … SELECT are judged by the engine, which lets pass what
it stores as a server does and stops at any other; then the texts that it would stop at are asked for and judged here,
and the statement runs with the converted values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from matrixone_local.engine.connection import EngineConnection, EngineError
from matrixone_local.engine.table_columns import Target
from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.formats.casts import Type
from matrixone_local.formats.number_casts import BITS
from matrixone_local.formats.repetition import repeat_pattern
from matrixone_local.protocol.constants import VECTOR_LENGTH, ColumnType
from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.tokens import Kind, Token, tokenize, tokens_from
from matrixone_local.translation.column_titles import items

UNUSUAL_TEXTS = 5_000  # of one column, that one statement may have
_STOP = "__mo_text"
_STOPPED = 1411  # the engine's number for what stops it
_QUERY = "__mo_query"
_TEXTS = frozenset(
    {ColumnType.TINY_BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB, ColumnType.BLOB, ColumnType.VARCHAR}
    | {ColumnType.VAR_STRING, ColumnType.STRING}
)
_NAME = r"(?:`(?:[^`]|``)+`|[A-Za-z_$][\w$]*)"
_HEAD = re.compile(
    rf"\s*(?:INSERT|REPLACE)\s+(?P<modes>(?:(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|IGNORE)\s+)*)(?:INTO\s+)?"
    rf"(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)\s*(?:\((?P<names>\s*{_NAME}(?:\s*,\s*{_NAME})*)?\s*\))?\s*"
    rf"(?P<verb>VALUES?\b(?=\s*\()|SET\b|(?=\(?\s*SELECT\b|WITH\b))",
    re.IGNORECASE,
)
_UPDATE = re.compile(rf"\s*UPDATE\s+(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)\s+SET\b", re.IGNORECASE)
_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?"
_OTHERS = r"NULL|DEFAULT|TRUE|FALSE|(?:_binary\s*|x)'[0-9a-f]*'|0x[0-9a-f]+"
_TEXT = r"'(?:[^'\\]++|\\.|'')*+'"
_IN_QUOTES = frozenset({"binary", "varbinary", "datalink"})  # whose patterns tell no end of a text in quotes
_NO_ALIAS = frozenset({"END", "NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})
_OPERATORS = frozenset(
    {"AND", "OR", "XOR", "NOT", "IS", "LIKE", "DIV", "MOD", "IN", "BETWEEN", "REGEXP", "RLIKE", "COLLATE", "BINARY"}
    | {"INTERVAL", "WHEN", "THEN", "ELSE", "CASE"}
)
_SETS = frozenset({"UNION", "EXCEPT", "INTERSECT", "MINUS"})


class Assigning:
    """Judges the texts of one connection's statements.

    Args:
        link: the connection's session.
    """

    def __init__(self, link: EngineConnection) -> None:
        self._link = link

    def assigned(self, sql: str) -> str | Assignment:
        """An INSERT, REPLACE or UPDATE with its texts as the engine is to have them.

        Args:
            sql: any statement.

        Returns:
            What to send to the engine, or an INSERT … SELECT that has to be run.

        Raises:
            SqlError: a server refuses one of the texts.
        """
        found = _HEAD.match(sql)
        if found is None:
            changed = _UPDATE.match(sql)
            return sql if changed is None else self._set(sql, changed)
        if not found["verb"]:
            _check_query(tokenize(sql[found.end() :]))
        if (
            found["verb"]
            and re.search("""['"]|[0-9]\\.|[0-9]e[-+0-9]|\\.[0-9]""", sql[found.end() :], re.IGNORECASE) is None
        ):
            return sql
        targets = self._targets(found)
        if targets is None or not any(target.type.plain for target in targets):
            return sql
        judges = [
            Judge(target, selects=not found["verb"], ignores="ignore" in found["modes"].lower()) for target in targets
        ]
        if not found["verb"]:
            return self._selected(sql, found, judges)
        if found["verb"].upper() == "SET":
            return _with_settings(sql, found.end(), judges)
        return _with_rows(sql, found.end(), judges)

    def _targets(self, found: re.Match[str]) -> Sequence[Target] | None:
        """The columns that get values, in the values' order; None where the engine says what is wrong."""
        columns = self._columns(found["table"])
        if columns is None or found["names"] is None:
            return columns
        known = {column.name: column for column in columns}
        names = [_bare(name).lower() for name in re.findall(_NAME, found["names"])]
        return [known[name] for name in names] if known.keys() >= set(names) else None

    def _columns(self, table: str) -> Sequence[Target] | None:
        names = [_bare(name) for name in re.findall(_NAME, table)]
        database = names[0] if len(names) == 2 else self._link.database
        with suppress(EngineError):
            return self._link.caches.tables.columns(database, names[-1], lambda sql: self._link.query(sql).rows)
        return None

    def _set(self, sql: str, found: re.Match[str]) -> str:
        """An UPDATE of one table."""
        columns = self._columns(found["table"]) if "'" in sql or '"' in sql else None
        if columns is None:
            return sql
        return _with_settings(sql, found.end(), [Judge(column, selects=False) for column in columns])

    def _selected(self, sql: str, found: re.Match[str], judges: Sequence[Judge]) -> str | Assignment:
        """An INSERT … SELECT, if it has texts for columns of other types."""
        tokens = tokenize(sql[found.end() :])
        end = _end_of_query(tokens)
        begin = found.end()
        query = sql[begin : begin + tokens[end - 1].end]
        rest = sql[begin + tokens[end - 1].end :]
        try:
            columns = self._link.columns(query)
        except EngineError:
            return sql
        if len(columns) != len(judges):
            return sql
        judged = {
            at: judge
            for at, (judge, column) in enumerate(zip(judges, columns, strict=True))
            if judge.plain and _is_text(column)
        }
        if not judged:
            return sql
        return Assignment(sql[:begin], query, rest, len(columns), judged)


def _is_text(column: ResultColumn) -> bool:
    """Whether a column of a query has texts; vectors appear as texts of a length of their own."""
    is_vector = column.type is ColumnType.STRING and column.length == VECTOR_LENGTH
    return column.type in _TEXTS and not column.is_binary and not is_vector


class Judge:
    """Says what texts come to in a column.

    Args:
        target: the column.
        selects: whether they come from a query.
        ignores: whether INSERT IGNORE was said, which lets the engine adjust what does not fit.

    Attributes:
        name: the column's name.
        type: its type.
        plain: a pattern of the texts that go to the engine as they are; None: all.
    """

    def __init__(self, target: Target, *, selects: bool, ignores: bool = False) -> None:
        self.name = target.name
        self.type: Type = target.type
        self.plain = target.type.plain
        self._ignores = ignores
        self._is_plain = re.compile(self.plain or "", re.DOTALL).fullmatch
        self._cast = target.type.cast(selects=selects)

    def put(self, text: str) -> str | None:
        """A text as the engine is to have it; None for NULL.

        Raises:
            SqlError: a server refuses it.
        """
        if self.plain is None or self._is_plain(text):
            return text
        try:
            return self._cast(text)
        except SqlError:
            if self._ignores and self.type.base == "enum":
                return text
            raise


# -- texts within the statement ---------------------------------------------------------------------------------------


def _with_rows(sql: str, begin: int, judges: Sequence[Judge]) -> str:
    """A statement whose rows begin there, with their values judged."""
    plain = _plain_rows(judges)
    pieces: list[str] = []
    done, at = 0, begin
    while at < len(sql):
        found = plain.match(sql, at)
        at = found.end() if found else at
        if not sql.startswith("(", at):
            break
        values, at = _row(sql, at)
        for judge, value in zip(judges, values, strict=False):
            put = _judged(sql, judge, value)
            if put is not None:
                pieces += [sql[done : value[0].start], put]
                done = value[-1].end
    return "".join(pieces) + _with_settings(sql[done:], at - done, judges)


def _plain_rows(judges: Sequence[Judge]) -> re.Pattern[str]:
    """Rows whose values go to the engine as they are, and the comma before them."""
    values: list[str] = []
    for judge in judges:
        if judge.plain is None:
            text = f"{_TEXT}|"
        elif judge.type.base in _IN_QUOTES or re.search(r"['\\]", "".join(judge.type.items)):
            text = ""
        else:
            text = f"'(?-i:{judge.plain})'|"
        number = "-?[0-9]+" if judge.type.base in BITS else _NUMBER
        values.append(rf"\s*(?:{text}{number}|{_OTHERS})\s*")
    row = rf"\({','.join(values)}\)\s*,?\s*"
    return re.compile(rf"\s*,?\s*{repeat_pattern(row)}", re.IGNORECASE | re.DOTALL)


def _row(sql: str, at: int) -> tuple[list[list[Token]], int]:
    """The values of the row that begins there, as their tokens, and where it ends."""
    values: list[list[Token]] = [[]]
    depth = 0
    for token in tokens_from(sql, at):
        at = token.end
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
        if depth == 0:
            break
        if depth == 1 and token.says(","):
            values.append([])
        elif depth > 1 or not token.says("("):
            values[-1].append(token)
    return values, at


def _judged(sql: str, judge: Judge, value: Sequence[Token]) -> str | None:
    """What to put in a value's place; None where it may stay."""
    if len(value) == 1 and value[0].kind is Kind.STRING:
        return _as_literal(judge, value[0])
    if value and judge.type.base in BITS:
        number = sql[value[0].start : value[-1].end]
        if re.search("[.e]", number, re.IGNORECASE) and re.fullmatch(_NUMBER, number, re.IGNORECASE):
            return str(int(Decimal(number)))  # a fraction is cut off here, though it is rounded by INSERT … SELECT
    return None


def _as_literal(judge: Judge, token: Token) -> str:
    text = token.value
    put = judge.put(text)
    if put == text:
        return token.text
    return "NULL" if put is None else literal(put)


def _with_settings(sql: str, begin: int, judges: Sequence[Judge]) -> str:
    """A statement with the texts judged that are behind `column =`, from there on to a WHERE."""
    if "'" not in sql[begin:] and '"' not in sql[begin:]:
        return sql
    known = {judge.name: judge for judge in judges}
    tokens = list(tokens_from(sql, begin))
    pieces: list[str] = []
    done = depth = 0
    for at, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
        if token.says("WHERE"):
            break
        if depth or token.kind is not Kind.STRING or at < 2 or not tokens[at - 1].says("="):
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        judge = known.get(tokens[at - 2].value.lower())
        if judge and (following is None or following.says(",", ";", "WHERE", "ON", "ORDER", "LIMIT")):
            pieces += [sql[done : token.start], _as_literal(judge, token)]
            done = token.end
    return "".join(pieces) + sql[done:]


# -- texts of a query ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assignment:
    """An INSERT … SELECT with texts for columns of other types.

    Args:
        head: the statement up to its query.
        query: the query.
        rest: what follows it.
        count: how many columns the query has.
        judged: by position, what judges those with texts.
    """

    head: str
    query: str
    rest: str
    count: int
    judged: Mapping[int, Judge]

    def carry_out(self, link: EngineConnection) -> int:
        """Insert the rows.

        Returns:
            How many the engine says were affected.

        Raises:
            SqlError: a server refuses one of the texts; no row stays.
            EngineError: the engine refuses a row; no row stays.
        """
        try:
            return link.query(self._checked({})).affected
        except EngineError as error:
            if error.code != _STOPPED or _STOP not in error.message:
                raise
        return link.query(self._checked(self._unusual(link))).affected

    def _unusual(self, link: EngineConnection) -> Mapping[int, Mapping[str, str | None]]:
        """By position, the texts that the engine stops at, and what they come to."""
        names = ", ".join(f"c{at}" for at in range(self.count))
        wanted = ", ".join(f"c{at}" for at in self.judged)
        odd = " OR ".join(f"NOT {_matches(f'c{at}', judge)}" for at, judge in self.judged.items())
        found: dict[int, dict[str, str | None]] = {at: {} for at in self.judged}
        sql = f"WITH {_QUERY} ({names}) AS ({self.query}) SELECT DISTINCT {wanted} FROM {_QUERY} WHERE {odd}"  # noqa: S608  # the client's own query
        with closing(link.stream(sql)) as rows:
            next(rows)
            for row in rows:
                for (at, judge), text in zip(self.judged.items(), row, strict=True):
                    if text is None or text in found[at]:
                        continue
                    put = judge.put(text)
                    if put != text or judge.plain is None or not re.fullmatch(judge.plain, text, re.DOTALL):
                        found[at][text] = put
                    if len(found[at]) > UNUSUAL_TEXTS:
                        raise internal_error(
                            f"the local server reads no more than {UNUSUAL_TEXTS} unusual texts for column"
                            f" '{judge.name}' in one statement"
                        )
        return found

    def _checked(self, known: Mapping[int, Mapping[str, str | None]]) -> str:
        """The statement with a check around each text; *known* are texts that have been judged."""

        def put(at: int, item: str) -> str:
            judge = self.judged.get(at)
            return item if judge is None else _checked(f"({item})", at, judge, known.get(at, {}))

        tokens = tokenize(self.query)
        listed = items(tokens)
        spans = [_without_alias(tokens, first, last) for first, last in listed]
        if len(listed) == self.count and not any(tokens[last].text == "*" for _, last in listed):
            query = self.query
            for at, (first, last) in reversed(list(enumerate(spans))):
                start, end = tokens[first].start, tokens[last].end
                query = f"{query[:start]}{put(at, query[start:end])}{query[end:]}"
            return f"{self.head}{query}{self.rest}"
        names = ", ".join(f"c{at}" for at in range(self.count))
        wanted = ", ".join(put(at, f"c{at}") for at in range(self.count))
        return f"{self.head}WITH {_QUERY} ({names}) AS ({self.query}) SELECT {wanted} FROM {_QUERY}{self.rest}"  # noqa: S608  # as above


def _matches(item: str, judge: Judge) -> str:
    pattern = literal(rf"^(?:{judge.plain})\z")
    return f"({item} IS NULL OR {item} REGEXP {pattern})"


def _checked(item: str, at: int, judge: Judge, known: Mapping[str, str | None]) -> str:
    """An expression that is the item where the engine stores it as a server does, and stops the engine elsewhere."""
    cases = [f"WHEN {_matches(item, judge)} THEN {item}"]
    for text, put in known.items():
        cases.append(f"WHEN {item} = {literal(text)} THEN {'NULL' if put is None else literal(put)}")
    return f"CASE {' '.join(cases)} ELSE HEX(UUID_TO_BIN(CONCAT('{_STOP}{at}:', {item}))) END"


def _check_query(tokens: Sequence[Token]) -> None:
    """Refuse a query that a server inserts no rows of.

    Raises:
        SqlError: it is made of several.
    """
    if any(_says_top(tokens, word) for word in _SETS):
        raise bad_input("insert has unknown select statement")


def _end_of_query(tokens: Sequence[Token]) -> int:
    """Where what follows the query begins: ON DUPLICATE KEY, or a semicolon."""
    depth = 0
    for at, (token, after) in enumerate(zip_longest(tokens, tokens[1:])):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
        if depth == 0 and (token.says(";") or (token.says("ON") and after is not None and after.says("DUPLICATE"))):
            return at
    return len(tokens)


def _says_top(tokens: Sequence[Token], word: str) -> bool:
    """Whether a word is there outside of all brackets."""
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
        if depth == 0 and token.says(word):
            return True
    return False


def _without_alias(tokens: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    """The place of an item without the name that is given to it."""
    if last == first:
        return first, last
    name, before = tokens[last], tokens[last - 1]
    if before.says("AS"):
        return first, last - 2
    named = name.kind is Kind.QUOTED or (name.kind is Kind.WORD and name.text.upper() not in _NO_ALIAS)
    follows = before.says(")") or (before.kind is not Kind.SYMBOL and before.text.upper() not in _OPERATORS)
    return (first, last - 1) if named and follows else (first, last)


def _bare(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
