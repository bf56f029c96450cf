"""The SELECTs within a query: where each begins and ends, and its clauses and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matrixone_local.sql.select_items import SETS, items
from matrixone_local.sql.tokens import Token, depths

_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "FOR", "LOCK", "INTO"})

Span = tuple[int, int]  # the positions of the first and the last token


@dataclass(frozen=True)
class Select:
    """A SELECT within a query.

    Args:
        first: the position of its SELECT.
        last: that of its last token.
        depth: how many brackets are around it.
        clauses: where each of its clauses begins, by the first word.
        joined: whether it is a part of a UNION.
        items: where the items of its list are.
    """

    first: int
    last: int
    depth: int
    clauses: dict[str, int]
    joined: bool
    items: tuple[Span, ...]

    def clause(self, name: str, words: int = 1) -> Span | None:
        """What follows a clause's words, to its end; None if there is no such clause."""
        first = self.clauses.get(name)
        if first is None:
            return None
        return first + words, min([at for at in self.clauses.values() if at > first], default=self.last + 1) - 1


class Selects:
    """Finds the SELECTs of a query.

    Args:
        tokens: the query's.

    Attributes:
        depths: how many brackets are around each token.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.depths = depths(tokens)

    def all(self) -> list[Select]:
        """All SELECTs, in order."""
        return [self.at(at) for at, token in enumerate(self._tokens) if token.says("SELECT")]

    def at(self, first: int) -> Select:
        """The SELECT that begins at a token."""
        tokens, depth = self._tokens, self.depths[first]
        last, clauses = first, dict[str, int]()
        for at in range(first + 1, len(tokens)):
            here = self.depths[at] == depth
            if self.depths[at] < depth or (here and (tokens[at].said in SETS or tokens[at].says(";"))):
                break
            last = at
            if here and tokens[at].said in _CLAUSES:
                clauses.setdefault(tokens[at].said, at)
        listed = tuple((first + begin, first + end) for begin, end in items(tokens[first : last + 1]))
        return Select(first, last, depth, clauses, self._is_joined(first, last), listed)

    def _is_joined(self, first: int, last: int) -> bool:
        before = self._tokens[first - 1].said if first else ""
        after = self._tokens[last + 1].said if last + 1 < len(self._tokens) else ""
        return before in SETS | {"ALL", "DISTINCT"} or after in SETS

    def innermost(self, at: int) -> int:
        """The position of the SELECT that a token belongs to."""
        return next(
            here
            for here in range(at, -1, -1)
            if self._tokens[here].says("SELECT")
            and self.depths[here] <= self.depths[at]
            and all(self.depths[between] >= self.depths[here] for between in range(here, at))
        )

    def split(self, span: Span, depth: int) -> list[Span]:
        """The parts of a list, separated by commas."""
        first, parts = span[0], list[Span]()
        for at in range(span[0], span[1] + 2):
            if at == span[1] + 1 or (self.depths[at] == depth and self._tokens[at].says(",")):
                if at > first:
                    parts.append((first, at - 1))
                first = at + 1
        return parts
