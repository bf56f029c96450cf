"""A client's statement in the engine's words: its files, its reads of the past, its external tables, its functions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import SqlError, internal_error
from matrixone_local.features.accounts import Account
from matrixone_local.files.sources import Reads
from matrixone_local.protocol.payloads import ResultColumn
from matrixone_local.session.context import ServerContext
from matrixone_local.sql.file_calls import calls_file_function
from matrixone_local.sql.quoting import literal
from matrixone_local.sql.references import has_alias
from matrixone_local.sql.time_travel import read_then, reads_past
from matrixone_local.sql.tokens import Statement
from matrixone_local.transactions.ddl_transaction import TransactionalDdl
from matrixone_local.translation import statements
from matrixone_local.translation.column_titles import give_titles
from matrixone_local.translation.information_schema import DEFINITIONS, NOTHING, mentions_indexes, values_as_table
from matrixone_local.translation.number_types import put_types
from matrixone_local.translation.translate import translate


class Rewriter:
    """Puts the statements of one connection into the engine's words.

    Args:
        services: what connections share.
        link: the connection's session.
        account: who is logged in.
        client: who may be asked to stop.
        definitions: of its open transaction.
    """

    def __init__(
        self,
        services: ServerContext,
        link: EngineConnection,
        account: Account,
        client: Reads,
        definitions: TransactionalDdl,
    ) -> None:
        self._services = services
        self._link = link
        self._account = account
        self._client = client
        self._definitions = definitions

    def rewritten(self, statement: Statement, cleanup: ExitStack) -> str:
        """The statement in the engine's words.

        Args:
            statement: the statement.
            cleanup: drops what was made for it when it is left.

        Raises:
            SqlError: something that it names is not there, or cannot be read.
        """
        if calls_file_function(statement.tokens):
            give_titles(statement)  # by the calls as they were written
            statement = statement.changed()
            statement = Statement(self._services.files.written_in(statement.sql, statement.tokens, self, cleanup))
        statement = self._with_past(statement)
        if self._services.external.may_mention(statement.sql):
            statement = self._services.external.substitute_tables(statement, self._link, self._client, cleanup)
        return self.translate(statement)

    def translate(self, statement: Statement) -> str:
        """The statement with what needs no looking up put in the engine's words."""
        if not statement.tokens:
            return statement.sql
        if statement.tokens[0].says("SET"):
            return statements.translate_set(statement)
        return self._in_engine_words(put_types(statement, self._described))

    def _in_engine_words(self, statement: Statement) -> str:
        catalogue = self._services.indexes.catalogue() if mentions_indexes(statement.sql) else NOTHING
        return translate(statement, self._definitions.dropped, self.variable, catalogue)

    def _described(self, query: str) -> Sequence[ResultColumn] | None:
        """The columns of a query that is not in the engine's words yet; None if it is refused."""
        return self._link.described(self._in_engine_words(Statement(query)))

    def variable(self, name: str) -> str | None:
        """What a variable or a function without arguments comes to on a MatrixOne server, as SQL."""
        if constant := statements.server_constant(name):
            return constant
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

    def column(self, query: str, cleanup: ExitStack) -> list[str | None]:
        """The first column of a query's rows; arguments as of `rewritten`."""
        return [row[0] for row in self._link.query(self.rewritten(Statement(query), cleanup)).rows]

    def _with_past(self, statement: Statement) -> Statement:
        """The statement with the past read where it says `{snapshot='name'}` or `{timestamp='…'}`."""
        tokens = statement.tokens
        places = [(at, name, True) for at, name in reads_past(tokens)]
        places += [(at, moment, False) for at, moment in read_then(tokens)]
        for at, name_or_time, is_snapshot in places:
            table, first = tokens[at - 1], at - 1
            database = None
            if at > 2 and tokens[at - 2].text == ".":
                database, first = tokens[at - 3].value, at - 3
            if database is not None and database.lower() == "information_schema":
                past = statement.sql[tokens[first].start : table.end]  # the engine keeps no definitions of a time
                if is_snapshot:
                    past = self._definitions_then(table.value.lower(), name_or_time)
                    past += "" if has_alias(tokens, at + 4) else f" AS {table.value.lower()}"
            elif is_snapshot:
                then = self._services.snapshots.database_then(name_or_time, database or self._link.database)
                past = f"`{then}`.`{table.value}`"
                if not has_alias(tokens, at + 4):
                    past += f" AS `{table.value}`"
            else:  # in UTC, whatever the session's time zone is
                moment = self.value(f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {literal(name_or_time)})")
                if not moment or int(moment) <= 0:
                    raise internal_error(f"invalid timestamp {name_or_time}")
                past = f"{statement.sql[tokens[first].start : table.end]} AS OF SNAPSHOT {moment}000"
            statement.put(tokens[first].start, tokens[at + 4].end, past)
        return statement.changed()

    def _definitions_then(self, table: str, snapshot: str) -> str:
        """The rows that a table of information_schema had when a snapshot was taken, as a table of values."""
        if table not in DEFINITIONS:
            raise SqlError(20105, f"not supported: the local server has no past of information_schema.{table}")
        rows: list[Sequence[str | None]] = []
        for database in self._services.snapshots.databases_then(snapshot):
            then = literal(self._services.snapshots.database_then(snapshot, database))
            asked = f"SELECT {', '.join(DEFINITIONS[table].values())} FROM information_schema.{table}"  # noqa: S608  # constants
            rows += [(database, *row) for row in self._link.query(f"{asked} WHERE table_schema = {then}").rows]
        return values_as_table(rows, ["table_schema", *DEFINITIONS[table]])
