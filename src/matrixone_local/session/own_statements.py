"""The statements that only MatrixOne has: of stages, snapshots, PITR, loads and users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from matrixone_local.errors import IN_TRANSACTION, NO_PRIVILEGE, USERS_IN_TRANSACTION, internal_error
from matrixone_local.features import file_functions, point_in_time_statements, snapshots
from matrixone_local.features.accounts import UserStatement, parse_user_statement
from matrixone_local.features.load_data import LoadData, parse_load
from matrixone_local.files import stages
from matrixone_local.session.local_file import LocalFile
from matrixone_local.session.session_state import SessionState
from matrixone_local.sql.tokens import Reader, Token
from matrixone_local.translation import show, statements

_PARSERS: Mapping[tuple[str, str], Callable[[Reader], object]] = {
    ("CREATE", "STAGE"): stages.parse_create,
    ("ALTER", "STAGE"): stages.parse_alter,
    ("DROP", "STAGE"): stages.parse_drop,
    ("SHOW", "STAGES"): stages.parse_show,
    ("CREATE", "SNAPSHOT"): snapshots.parse_create,
    ("DROP", "SNAPSHOT"): snapshots.parse_drop,
    ("SHOW", "SNAPSHOTS"): snapshots.parse_show,
    ("CREATE", "PITR"): point_in_time_statements.parse_create,
    ("ALTER", "PITR"): point_in_time_statements.parse_alter,
    ("DROP", "PITR"): point_in_time_statements.parse_drop,
    ("SHOW", "PITR"): point_in_time_statements.parse_show,
    ("SHOW", "RECOVERY_WINDOW"): point_in_time_statements.parse_windows,
    ("LOAD", "DATA"): parse_load,
    ("REMOVE", "FILES"): file_functions.parse_remove,
    ("CREATE", "USER"): parse_user_statement,
    ("ALTER", "USER"): parse_user_statement,
    ("DROP", "USER"): parse_user_statement,
    ("CREATE", "ROLE"): parse_user_statement,
    ("DROP", "ROLE"): parse_user_statement,
}
_OF_ONE_WORD = frozenset({"KILL", "GRANT", "REVOKE", "RESTORE", "PREPARE"})


def is_own(tokens: list[Token]) -> bool:
    """Whether the engine is not given a statement as it is, so that it cannot prepare it either."""
    kind = tuple(token.text.upper() for token in tokens[:2])
    return kind in _PARSERS or kind == ("CREATE", "EXTERNAL") or (bool(kind) and kind[0] in _OF_ONE_WORD)


def parse(sql: str, tokens: list[Token]) -> object | None:
    """The statement as an object if it is one of MatrixOne's own."""
    kind = tuple(token.text.upper() for token in tokens[:2])
    parse = _PARSERS.get(kind) if len(kind) == 2 else None
    read = Reader(sql, tokens)
    if kind[:1] in {("GRANT",), ("REVOKE",)} or parse is parse_user_statement:
        return parse_user_statement(read)
    read.at = 2
    if parse is not None:
        return parse(read)
    if kind[:1] == ("RESTORE",):
        read.at = 1
        return point_in_time_statements.parse_restore(read) or snapshots.parse_restore(read)
    return None


class OwnStatements:
    """Carries them out for one client.

    Args:
        state: the client's session.
        local_file: the file that a LOAD DATA LOCAL reads.
    """

    def __init__(self, state: SessionState, local_file: LocalFile) -> None:
        self._state = state
        self._server = state.server
        self._local_file = local_file

    def run(self, statement: object) -> None:
        """Carry a statement out and answer the client.

        Args:
            statement: as `parse` gives it.

        Raises:
            SqlError: it is refused.
        """
        if isinstance(statement, LoadData):
            self._load(statement)
            return
        changes = self._changes().get(type(statement))
        if changes is not None and not self._state.account.is_admin:
            raise internal_error(NO_PRIVILEGE)
        if self._state.is_open:  # server-facts 12, 67
            raise internal_error(USERS_IN_TRANSACTION if isinstance(statement, UserStatement) else IN_TRANSACTION)
        if changes is not None:
            changes(statement)
            self._state.replies.ok()
        elif isinstance(statement, file_functions.RemoveFiles):
            self._server.files.remove(statement)
            self._state.replies.ok()
        elif isinstance(statement, stages.ShowStages):
            titles = ("STAGE_NAME", "URL", "STATUS", "COMMENT")
            self._state.replies.rows(show.Answer(titles, self._server.stages.show(statement)))
        elif isinstance(statement, point_in_time_statements.ShowWindows):
            self._state.replies.rows(self._server.pitrs.windows(statement))
        elif isinstance(statement, snapshots.ShowSnapshots | point_in_time_statements.ShowPitr):
            self._state.replies.forward_query(statement.sql, statements.AS_QUERY)

    def _load(self, load: LoadData) -> None:
        statement = replace(load, table=self._state.temporary.hidden(load.table, self._state.link.database))
        self._server.external.check_load(statement.table, self._state.link)
        try:
            count = self._server.loader.load(statement, self._state.client)
        finally:
            self._local_file.close()
        self._state.replies.ok(count)

    def _changes(self) -> Mapping[type, Callable[[Any], None]]:
        """What carries out the statements that only administrators may send."""
        server, link = self._server, self._state.link
        return {
            stages.CreateStage: lambda statement: server.stages.create(statement, link),
            stages.AlterStage: server.stages.alter,
            stages.DropStage: server.stages.drop,
            snapshots.CreateSnapshot: server.snapshots.create,
            snapshots.DropSnapshot: server.snapshots.drop,
            snapshots.Restore: server.snapshots.restore,
            point_in_time_statements.CreatePitr: server.pitrs.create,
            point_in_time_statements.AlterPitr: server.pitrs.alter,
            point_in_time_statements.DropPitr: server.pitrs.drop,
            point_in_time_statements.RestorePitr: server.pitrs.restore,
            UserStatement: server.manage,
        }
