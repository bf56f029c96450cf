"""What one client's session consists of, for what runs its statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.errors import NO_PRIVILEGE, internal_error
from matrixone_local.features.accounts import Account
from matrixone_local.features.load_data import Client
from matrixone_local.features.temporary_tables import TemporaryTables
from matrixone_local.session.context import ServerContext
from matrixone_local.session.responses import ResponseWriter
from matrixone_local.session.rewriter import Rewriter
from matrixone_local.sql.ddl import defines, ends_transaction
from matrixone_local.sql.tokens import Statement, Token
from matrixone_local.transactions.ddl_transaction import TransactionalDdl
from matrixone_local.translation import engine_only, statements


@dataclass
class SessionState:
    """A session of a client that has logged in.

    Args:
        server: what the server's connections share.
        account: who is logged in.
        client: whom files are asked for, and who may cancel.
        link: the engine's side of the connection.
        replies: writes to the client.
        definitions: of the open transaction.
        temporary: the client's temporary tables.
        rewriter: puts statements into the engine's words.
        variables: the user variables that have a value.
        has_begun: whether a statement was sent since the last transaction ended.
        has_locks: whether LOCK TABLES was sent, and no UNLOCK TABLES since.
    """

    server: ServerContext
    account: Account
    client: Client
    link: EngineConnection
    replies: ResponseWriter
    definitions: TransactionalDdl
    temporary: TemporaryTables
    rewriter: Rewriter
    variables: set[str] = field(default_factory=set[str])
    has_begun: bool = False
    has_locks: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open, in which some statements are refused."""
        return self.definitions.are_open(self.link) or (self.has_begun and not self.link.autocommit)

    def begin_or_end(self, tokens: Sequence[Token]) -> None:
        """Note whether a statement begins or ends a transaction: each but SET begins one (server-facts 12, 67)."""
        if not tokens or ends_transaction(tokens) is not None:
            self.has_begun = False
        elif not tokens[0].says("SET"):
            self.has_begun = True

    def check(self, statement: Statement) -> None:
        """Refuse what a MatrixOne server refuses and the engine would not.

        Raises:
            SqlError: it does.
        """
        tokens = statement.tokens
        if tokens[0].says("SET") and tokens[1:2] and tokens[1].says("PASSWORD"):
            raise internal_error("the local server changes passwords by ALTER USER … IDENTIFIED BY alone")
        if tokens[0].says("ROLLBACK") and any(token.says("TO") for token in tokens[1:3]):
            raise internal_error("savepoint has not been implemented yet. please rollback the transaction.")
        if not self.account.is_admin and statements.names_catalogue(tokens):
            raise internal_error(NO_PRIVILEGE)  # server-facts 11
        engine_only.check(statement)
        if "@" in statement.sql and statements.reads(tokens):
            for name in sorted(statements.user_variables(tokens) - self.variables):
                raise internal_error(f"the user variable {name[1:]} does not exist")
        if not defines(tokens):
            self.definitions.check(tokens, lambda: self.link.database)
