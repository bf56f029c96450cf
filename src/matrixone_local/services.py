"""What the connections of one server share, as a connection sees it."""

from __future__ import annotations

import ssl
from typing import Protocol

from . import external, outfile, pitr, snapshots, stagefiles, stages
from .engine import Link
from .hidden import Hidden
from .indexes import Indexes
from .journal import Journal
from .kept import Kept
from .loads import Loader
from .users import Account, UserStatement


class Services(Protocol):
    """What the connections of one server share."""

    def link(self) -> Link:
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
    def pitrs(self) -> pitr.Pitrs:
        """The PITR."""
        ...

    @property
    def files(self) -> stagefiles.StageFiles:
        """The files of the stages."""
        ...

    @property
    def loader(self) -> Loader:
        """What carries LOAD DATA out."""
        ...

    @property
    def external(self) -> external.ExternalTables:
        """The external tables."""
        ...

    @property
    def exports(self) -> outfile.Exports:
        """What carries INTO OUTFILE out."""
        ...

    @property
    def journal(self) -> Journal:
        """Where what open transactions make is noted."""
        ...

    @property
    def kept(self) -> Kept:
        """The tables that open transactions have changed for good."""
        ...

    @property
    def hidden(self) -> Hidden:
        """Where hidden tables lie."""
        ...

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How to encrypt, where the server can."""
        ...
