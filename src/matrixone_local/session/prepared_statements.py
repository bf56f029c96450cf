"""Statements that are prepared in the engine: by a command of the protocol, or by PREPARE."""

from __future__ import annotations

from matrixone_local.errors import SqlError, bad_input, internal_error
from matrixone_local.features import refused_changes, views
from matrixone_local.protocol.constants import Command
from matrixone_local.protocol.payloads import with_decimals_as_text
from matrixone_local.session.own_statements import is_own
from matrixone_local.session.session_state import SessionState
from matrixone_local.sql.file_calls import calls_file_function
from matrixone_local.sql.quoting import literal, quoted
from matrixone_local.sql.tokens import Kind, Reader, Statement
from matrixone_local.translation import allowlist, set_variables, statements

# What begins statements that a MatrixOne server prepares when a command of the protocol asks for it; its PREPARE takes
# others, too.
_BY_COMMAND = frozenset(
    {"SELECT", "WITH", "(", "INSERT", "REPLACE", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "RENAME", "SHOW"}
)
_OF_TRANSACTIONS = frozenset({"COMMIT", "ROLLBACK", "BEGIN", "START", "PREPARE", "EXECUTE", "DEALLOCATE"})
_NEVER = frozenset({"SAVEPOINT", "RELEASE", "USE", "KILL", "ANALYZE", "GRANT", "REVOKE", "CALL", "RESTORE", "REMOVE"})
_NEVER_IN_TWO = {
    "CREATE": frozenset({"STAGE", "SNAPSHOT", "USER", "ROLE"}),
    "ALTER": frozenset({"STAGE", "USER", "PITR"}),
    "DROP": frozenset({"STAGE", "SNAPSHOT", "USER", "ROLE"}),
    "SHOW": frozenset({"WARNINGS", "ERRORS", "COLLATION", "RECOVERY_WINDOW"}),
    "SET": frozenset({"TRANSACTION", "ROLE", "DEFAULT"}),
}


def _check_kind(statement: Statement, *, by_command: bool) -> None:
    """Refuse what a MatrixOne server does not prepare.

    Args:
        statement: the statement that a client wants prepared.
        by_command: whether a command of the protocol asks for it, and not a PREPARE.

    Raises:
        SqlError: it is such a statement.
    """
    tokens = statement.tokens
    first, second = [*(token.said for token in tokens[:2]), "", ""][:2]
    if by_command and first not in _BY_COMMAND:
        raise Reader(statement.sql, tokens).error()
    to_savepoint = first == "ROLLBACK" and any(token.says("TO") for token in tokens[1:3])
    if not tokens or to_savepoint or first in _NEVER or second in _NEVER_IN_TWO.get(first, ()):
        raise internal_error(f"statement: '{first}' cannot be prepared; send it as text")
    if first in _OF_TRANSACTIONS or (first, second) == ("DROP", "PREPARE"):
        raise bad_input("cannot prepare TCL and DCL statement")


class PreparedStatements:
    """Prepares, executes and closes the statements of one client.

    Args:
        state: the client's session.
    """

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._server = state.server
        self._parameters: dict[int, int] = {}  # how many each has, by its number

    def prepare(self, statement: Statement) -> bool:
        """Prepare a statement in the engine; False if it refused."""
        prepared = self._state.replies.prepare(self._preparable(statement, by_command=True))
        if prepared is None:
            return False
        self._parameters[prepared[0]] = prepared[1]
        return True

    def use(self, command: bytes) -> bool:
        """Execute a prepared statement, fetch from it, or reset it."""
        number = int.from_bytes(command[1:5], "little")
        if number not in self._parameters:
            raise SqlError(1243, f"Unknown prepared statement handler ({number}) given to the server")
        if command[0] == Command.STMT_EXECUTE:
            command = with_decimals_as_text(command, self._parameters[number])
        return self._state.replies.forward(command)

    def close(self, command: bytes) -> None:
        """Close a prepared statement, to which there is no reply."""
        self._parameters.pop(int.from_bytes(command[1:5], "little"), None)
        self._state.link.send(command)

    def rewrite_text(self, statement: Statement) -> Statement:
        """A PREPARE name FROM 'text' | @variable with the text in the engine's words."""
        read = Reader(statement.sql, statement.tokens)
        read.expect("PREPARE")
        name = quoted(read.name())
        read.expect("FROM")
        token = read.next(Kind.STRING, Kind.WORD)
        read.end()
        if token.kind is Kind.WORD and not token.text.startswith("@"):
            raise read.error()
        text = token.value if token.kind is Kind.STRING else self._state.rewriter.value(token.text) or ""
        return Statement(f"PREPARE {name} FROM {literal(self._preparable(Statement.read(text)))}")

    def _preparable(self, statement: Statement, *, by_command: bool = False) -> str:
        """What the engine is to prepare; what only MatrixOne has goes as text."""
        statement, *others = statements.split_statements(statement)
        if others:
            raise bad_input("prepared statement must contain exactly one statement")
        _check_kind(statement, by_command=by_command)
        tokens = statement.tokens
        allowlist.check_names(tokens)
        if is_own(tokens) or calls_file_function(tokens) or self._server.external.may_mention(statement.sql):
            raise SqlError(1295, "the local server does not prepare this statement; send it as text")
        if tokens:
            self._state.check(statement)
        allowlist.check(statement)
        if self._state.temporary.may_mention(statement.sql):
            statement = self._state.temporary.named_in(statement, self._state.link.database)
        views.check_change(statement, self._state.link)
        if tokens and tokens[0].says("SET"):
            statement = set_variables.with_plain_modes(statement, self._state.rewriter.value)
        prepared = self._state.rewriter.translate(statement)
        refused_changes.check(prepared, self._state.link)
        return prepared
