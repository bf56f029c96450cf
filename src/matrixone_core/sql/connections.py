"""Statements about the server's connections (server-facts 16)."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.fragments import Part
from matrixone_core.steps import Command, Reply, Statement


@dataclass(frozen=True)
class SelectConnectionId(Statement[int]):
    """The server's number for the connection that asks."""

    def parts(self) -> Iterator[Part]:
        yield "SELECT CONNECTION_ID() AS id"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["id"])


@dataclass(frozen=True)
class KillConnection(Command):
    """End a connection. The server refuses it for a number that no connection has, or no connection has any more.

    Args:
        connection_id: its number.
    """

    connection_id: int

    def parts(self) -> Iterator[Part]:
        yield f"KILL {int(self.connection_id)}"
