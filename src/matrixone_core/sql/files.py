"""Statements on the files of stages (server-facts 30-32)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import ClassVar

from matrixone_core.fragments import Part, Value
from matrixone_core.steps import Command, Reply, Statement


@dataclass(frozen=True)
class ListFiles(Statement[tuple[str, ...]]):
    """The full paths of what is in a folder, in order: `stage://…/*` gives its files, `stage://…/` its folders as well.

    The server does not match patterns as anybody else does (server-facts 58): `patterns.matching` does.
    """

    reads_texts: ClassVar[bool] = True

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
class ListNamed(Statement[int]):
    """How many entries of a folder have a name; the server hides those on a disk that begin with a dot.

    Args:
        url: as of `ListFiles`.
        name: the last part of their paths.
    """

    url: str
    name: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT file FROM stage_list("
        yield Value(self.url)
        yield ") f WHERE substring_index(file, '/', -1)="
        yield Value(self.name)

    def parse(self, reply: Reply, /) -> int:
        # a collation may take capitals for small letters
        return sum(row["file"].rpartition("/")[2] == self.name for row in reply.rows)


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
class MayContain(Statement[bool]):
    """Whether a file may have a text in it: yes, too, if it has more bytes than a function sees (server-facts 31).

    Args:
        url: its `stage://` URL.
        text: the text.
    """

    url: str
    text: str

    def parts(self) -> Iterator[Part]:
        yield "SELECT instr(load_file(CAST("
        yield Value(f"{self.url}?offset=0&size={PIECE}")
        yield " AS datalink)), "
        yield Value(self.text)
        yield ") AS place, length(load_file(CAST("
        yield Value(f"{self.url}?offset=0&size={PIECE + 1}")
        yield " AS datalink))) AS length"

    def parse(self, reply: Reply, /) -> bool:
        row = reply.rows[0]
        return (row["length"] or 0) > PIECE or (row["place"] or 0) > 0


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
class ReadRange(Statement[bytes]):
    """The bytes of a range; fewer at the file's end, none beyond it, where S3 has an error (`stage_files.read_range`).

    As a text the server would send them in the connection's character set, and functions see the first 65,535 of them.

    Args:
        url: the file's `stage://` URL.
        offset: where they begin.
        size: how many, from 1 to 64 MiB.
    """

    url: str
    offset: int
    size: int

    def parts(self) -> Iterator[Part]:
        yield "SELECT CAST(load_file(CAST("
        yield Value(f"{self.url}?offset={self.offset}&size={self.size}")
        yield " AS datalink)) AS BINARY) AS content"

    def parse(self, reply: Reply, /) -> bytes:
        return bytes(reply.rows[0]["content"] or b"")


@dataclass(frozen=True)
class SaveFile(Command):
    """Write a new file at once, in a transaction or not (server-facts 14, 32, 71).

    Args:
        url: its `stage://` URL.
        content: what it has.
    """

    stays: ClassVar[bool] = True

    url: str
    content: bytes = field(repr=False)

    def parts(self) -> Iterator[Part]:
        yield "SELECT save_file(CAST("
        yield Value(self.url)
        yield " AS datalink), "
        yield Value(self.content)
        yield ") AS size"


@dataclass(frozen=True)
class CopyFile(Command):
    """Write a new file that has the content of another one; the server reads it, in pieces if it is large.

    Args:
        source: the other one's `stage://` URL.
        target: the new one's.
        offsets: where the pieces begin; none of an empty file.
    """

    stays: ClassVar[bool] = True

    source: str
    target: str
    offsets: tuple[int, ...] = (0,)

    def parts(self) -> Iterator[Part]:
        yield "SELECT save_file(CAST("
        yield Value(self.target)
        if not self.offsets:  # the server reads no empty file of S3
            yield " AS datalink), '') AS size"
            return
        yield f" AS datalink), {'concat(' if len(self.offsets) > 1 else ''}"  # which takes two or more
        for begin, end in zip_longest(self.offsets, self.offsets[1:]):
            size = "" if end is None else f"&size={end - begin}"
            yield f"{', ' if begin else ''}ifnull(load_file(CAST("
            yield Value(f"{self.source}?offset={begin}{size}")
            yield " AS datalink)), '')"
        yield f"{')' if len(self.offsets) > 1 else ''}) AS size"


@dataclass(frozen=True)
class RemoveFiles(Command):
    """REMOVE FILES of a stage; refused inside a transaction (server-facts 71)."""

    stays: ClassVar[bool] = True

    url: str
    if_exists: bool = True

    def parts(self) -> Iterator[Part]:
        yield f"REMOVE FILES FROM STAGE {'IF EXISTS ' if self.if_exists else ''}"
        yield Value(self.url)


@dataclass(frozen=True)
class CountReached(Statement[int]):
    """How many of some offsets lie within a file; on S3 one past its end is an error.

    Args:
        url: the file's `stage://` URL.
        offsets: the offsets.
    """

    url: str
    offsets: tuple[int, ...]

    def parts(self) -> Iterator[Part]:
        yield "SELECT 0"
        for offset in self.offsets:
            yield from reaches(self.url, offset)
        yield " AS reached"

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["reached"])


def reaches(url: str, offset: int) -> Iterator[Part]:
    """One more, if an offset is within a file."""
    yield " + CASE WHEN load_file(CAST("
    yield Value(f"{url}?offset={offset}&size=1")
    yield " AS datalink)) IS NULL THEN 0 ELSE 1 END"
