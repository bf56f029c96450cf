"""Statements on the files of stages (server-facts 30-32)."""

from collections.abc import Iterator
from dataclasses import dataclass

from matrixone_core.literals import Part, Value
from matrixone_core.operation import Command, Reply, Statement


@dataclass(frozen=True)
class ListFiles(Statement[tuple[str, ...]]):
    """The full paths of what is in a folder, in order: `stage://…/*` gives its files, `stage://…/` its folders as well.

    The server does not match patterns as anybody else does (server-facts 58): `patterns.matching` does.
    """

    url: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT file FROM stage_list("
        yield Value(self.url)
        yield ") f"

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        return tuple(sorted(row["file"] for row in reply.rows))


@dataclass(frozen=True)
class IsListed(Statement[bool]):
    """Whether a folder has a file or a folder.

    Args:
        folder: the `stage://` URL of the folder, with a `/` behind it.
        path: the full path of what it may have.
    """

    folder: str
    path: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT count(*) AS n FROM stage_list("
        yield Value(self.folder)
        yield ") f WHERE file="
        yield Value(self.path)

    def parse(self, reply: Reply, /) -> bool:
        return bool(reply.rows[0]["n"])


@dataclass(frozen=True)
class FileLength(Statement[int | None]):
    """How many bytes a file has, as long as it has no more than 64 MiB (`stage_files.size_of`)."""

    url: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT length(load_file(CAST("
        yield Value(self.url)
        yield " AS datalink))) AS length"

    def parse(self, reply: Reply, /) -> int | None:
        length: int | None = reply.rows[0]["length"]
        return length


PIECE = 65_535  # bytes of a file that a function sees (server-facts 31)


@dataclass(frozen=True)
class ReadFile(Statement[bytes]):
    """Some bytes of a file; fewer at its end, none beyond it, where S3 may have an error (`stage_files.read`).

    Args:
        url: its `stage://` URL.
        offset: where they begin.
        pieces: how many pieces of it are read at most.
        size: how many bytes a piece has, at most `PIECE`.
    """

    url: str
    offset: int = 0
    pieces: int = 1
    size: int = PIECE

    def parts(self) -> Iterator[Part]:
        yield "SELECT "
        for at in range(self.pieces):
            yield f"{', ' if at else ''}hex(load_file(CAST("
            yield Value(f"{self.url}?offset={self.offset + at * self.size}&size={self.size}")
            yield f" AS datalink))) AS piece{at}"

    def parse(self, reply: Reply, /) -> bytes:
        return b"".join(bytes.fromhex(reply.rows[0][f"piece{at}"] or "") for at in range(self.pieces))


@dataclass(frozen=True)
class DigestFile(Statement[tuple[str, ...]]):
    """Digests of pieces of a file, which functions see no more of than `PIECE` bytes (server-facts 31).

    Args:
        url: its `stage://` URL.
        offsets: where the pieces begin.
    """

    url: str
    offsets: tuple[int, ...]

    def parts(self) -> Iterator[Part]:
        yield "SELECT "
        for at, offset in enumerate(self.offsets):
            yield f"{', ' if at else ''}md5(load_file(CAST("
            yield Value(f"{self.url}?offset={offset}&size={PIECE}")
            yield f" AS datalink))) AS piece{at}"

    def parse(self, reply: Reply, /) -> tuple[str, ...]:
        return tuple(str(reply.rows[0][f"piece{at}"] or "") for at in range(len(self.offsets)))


@dataclass(frozen=True)
class RemoveFiles(Command):
    """REMOVE FILES of a stage; refused inside a transaction (server-facts 71)."""

    url: str

    def parts(self) -> Iterator[Part]:
        yield "REMOVE FILES FROM STAGE IF EXISTS "
        yield Value(self.url)


def reaches(url: str, offset: int) -> Iterator[Part]:
    """One more, if an offset lies within a file."""
    yield " + CASE WHEN load_file(CAST("
    yield Value(f"{url}?offset={offset}&size=1")
    yield " AS datalink)) IS NULL THEN 0 ELSE 1 END"
