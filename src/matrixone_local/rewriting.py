"""A client's statement in the engine's words: its files, its reads of the past, its external tables, its functions."""

from __future__ import annotations

from contextlib import ExitStack

from . import snapshots, stagefiles, statements
from .definitions import Definitions
from .engine import Link
from .errors import internal
from .information import NOTHING, mentions_indexes
from .rewording import reworded
from .services import Services
from .sources import Reads
from .titles import give_titles
from .tokens import Statement
from .users import Account
from .values import literal


class Rewriting:
    """Puts the statements of one connection into the engine's words.

    Args:
        services: what connections share.
        link: the connection's session.
        account: who is logged in.
        client: who may be asked to stop.
        definitions: of its open transaction.
    """

    def __init__(
        self, services: Services, link: Link, account: Account, client: Reads, definitions: Definitions
    ) -> None:
        self._services = services
        self._link = link
        self._account = account
        self._client = client
        self._definitions = definitions

    def rewritten(self, statement: Statement, until: ExitStack) -> str:
        """The statement in the engine's words.

        Args:
            statement: the statement.
            until: drops what was made for it when it is left.

        Raises:
            Refused: something that it names is not there, or cannot be read.
        """
        if stagefiles.mentions(statement.tokens):
            give_titles(statement)  # by the calls as they were written
            statement = statement.changed()
            statement = Statement(self._services.files.written_in(statement.sql, statement.tokens, self, until))
        statement = self._with_past(statement)
        if self._services.external.mentioned(statement.sql):
            statement = self._services.external.read_in(statement, self._link, self._client, until)
        return self.reworded(statement)

    def reworded(self, statement: Statement) -> str:
        """The statement with what needs no looking up put in the engine's words."""
        if not statement.tokens:
            return statement.sql
        if statement.tokens[0].says("SET"):
            return statements.settled(statement)
        catalogue = self._services.indexes.catalogue() if mentions_indexes(statement.sql) else NOTHING
        return reworded(statement, self._definitions.dropped, self._variable, catalogue)

    def _variable(self, name: str) -> str | None:
        """What a variable or a function without arguments comes to on a MatrixOne server, as SQL."""
        if told := statements.of_the_server(name):
            return told
        if name in {"current_user()", "user()", "session_user()"}:
            return literal(f"{self._account.user}@localhost")
        if name == "current_role()":
            return literal(self._account.role)
        if name.startswith("@@") and statements.unscoped(name) == "sql_mode":
            return literal(",".join(sorted((self.value(name) or "").split(","))))
        return f"CAST({name} AS CHAR)" if name.startswith("@@") else None

    def value(self, expression: str) -> str | None:
        """What an SQL expression comes to."""
        return self._link.query(f"SELECT {expression}").rows[0][0]

    def column(self, query: str, until: ExitStack) -> list[str | None]:
        """The first column of a query's rows; arguments as of `rewritten`."""
        return [row[0] for row in self._link.query(self.rewritten(Statement(query), until)).rows]

    def _with_past(self, statement: Statement) -> Statement:
        """The statement with the past read where it says `{snapshot='name'}` or `{timestamp='…'}`."""
        tokens = statement.tokens
        places = [(at, name, True) for at, name in snapshots.reads_past(tokens)]
        places += [(at, moment, False) for at, moment in snapshots.read_then(tokens)]
        for at, told, is_snapshot in places:
            table, first = tokens[at - 1], at - 1
            database = None
            if at > 2 and tokens[at - 2].text == ".":
                database, first = tokens[at - 3].value, at - 3
            if is_snapshot:
                then = self._services.snapshots.database_then(told, database or self._link.database)
                past = f"`{then}`.`{table.value}` AS `{table.value}`"
            else:
                moment = self.value(f"CAST(UNIX_TIMESTAMP({literal(told)}) * 1000000 AS UNSIGNED)")
                if not moment or moment == "0":
                    raise internal(f"invalid timestamp {told}")
                past = f"{statement.sql[tokens[first].start : table.end]} AS OF SNAPSHOT {moment}000"
            statement.put(tokens[first].start, tokens[at + 4].end, past)
        return statement.changed()
