"""What the connections of one server share, as a connection sees it."""

from __future__ import annotations

import ssl
from typing import Protocol

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.scratch import ScratchTables
from matrixone_local.features import export, external_tables, file_functions, point_in_time, snapshots
from matrixone_local.features.accounts import Account, UserStatement
from matrixone_local.features.load_data import Loader
from matrixone_local.files import stages
from matrixone_local.transactions.table_versions import TableVersions
from matrixone_local.transactions.undo_log import UndoLog
from matrixone_local.translation.index_catalog import Indexes


class ServerContext(Protocol):
    """What the connections of one server share."""

    def link(self) -> EngineConnection:
        """A connection to the engine, not logged in yet."""
        ...

    def account(self, login: str) -> Account | None:
        """Who logs in under this name, or None."""
        ...

    def administer(self, sql: str) -> None:
        """Carry out a statement of the engine with the relay's own rights; EngineError if it is refused."""
        ...

    def manage(self, statement: UserStatement) -> None:
        """Carry out a statement about users and rights."""
        ...

    def is_of(self, connection_id: int, user: str) -> bool:
        """Whether a connection is a user's; also where there is none, of which the engine tells."""
        ...

    def cancel(self, connection_id: int, *, end: bool) -> None:
        """Stop what the relay itself is doing for that connection; end it as well."""
        ...

    @property
    def stages(self) -> stages.Stages:
        """The stages."""
        ...

    @property
    def snapshots(self) -> snapshots.Snapshots:
        """The snapshots."""
        ...

    @property
    def indexes(self) -> Indexes:
        """The indexes for full text and vectors."""
        ...

    @property
    def pitrs(self) -> point_in_time.Pitrs:
        """The PITR."""
        ...

    @property
    def files(self) -> file_functions.StageFiles:
        """The files of the stages."""
        ...

    @property
    def loader(self) -> Loader:
        """What carries LOAD DATA out."""
        ...

    @property
    def external(self) -> external_tables.ExternalTables:
        """The external tables."""
        ...

    @property
    def exports(self) -> export.Exports:
        """What carries INTO OUTFILE out."""
        ...

    @property
    def undo_log(self) -> UndoLog:
        """Where what open transactions make is noted."""
        ...

    @property
    def table_versions(self) -> TableVersions:
        """The tables that open transactions have changed for good."""
        ...

    @property
    def hidden(self) -> ScratchTables:
        """Where hidden tables lie."""
        ...

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How to encrypt, where the server can."""
        ...
