"""Statements on the files of stages (server-facts 30-32)."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.literals import Part, Value
from matrixone_core.operation import Reply, Statement


@dataclass(frozen=True)
class ListFiles(Statement[tuple[str, ...]]):
    """The full paths of the files that a `stage://` URL names, in order; one level, wildcards as the shell has them."""

    url: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT file FROM stage_list("
        yield Value(self.url)
        yield ") f"

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        return tuple(sorted(row["file"] for row in reply.rows))


@dataclass(frozen=True)
class FileLength(Statement[int | None]):
    """How many bytes a file has, as long as it has no more than 64 MiB."""

    url: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT length(load_file(CAST("
        yield Value(self.url)
        yield " AS datalink))) AS length"

    def parse(self, reply: Reply, /) -> int | None:
        length: int | None = reply.rows[0]["length"]
        return length
