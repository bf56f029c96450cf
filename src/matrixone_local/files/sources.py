"""Where loads and external tables read: stages, folders, S3, data in the statement, the client's own files."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

from matrixone_local.errors import SqlError, bad_configuration, internal_error
from matrixone_local.files.bulk_insert import Cancellable
from matrixone_local.files.listing import WILD, matching
from matrixone_local.files.stages import Place, Stages, braces
from matrixone_local.files.stores import FileMissing, Storage, Store
from matrixone_local.formats.batches import Format
from matrixone_local.formats.csv import CsvLines
from matrixone_local.formats.decompression import unpacked
from matrixone_local.formats.json_lines import JsonLines
from matrixone_local.formats.parquet import Parquet
from matrixone_local.sql.tokens import Kind, Reader

POLL_SECONDS = 0.05  # between looks at whether the client has been stopped
_FIELD_CLAUSES: Mapping[tuple[str, ...], str] = {
    ("TERMINATED", "BY"): "delimiter",
    ("OPTIONALLY", "ENCLOSED", "BY"): "quote",
    ("ENCLOSED", "BY"): "quote",
    ("ESCAPED", "BY"): "escape",
}
_LINE_CLAUSES: Mapping[tuple[str, ...], str] = {("STARTING", "BY"): "starting", ("TERMINATED", "BY"): "line_end"}
_OF_FILES = frozenset({"filepath", "compression", "format", "jsondata"})
_OF_BUCKETS = frozenset(
    {"endpoint", "region", "access_key_id", "secret_access_key", "bucket", "provider", "role_arn", "external_id"}
)


@dataclass(frozen=True)
class Source:
    """What is read.

    Args:
        path: `stage://…`, a path of this machine, a key within the bucket, or the client's name for its file.
        inline: the data itself.
        s3: the options of `URL s3option`.
        local: whether the file is the client's.
        compression: as of `unpacked`; None if the statement has no such keyword.
        format: `csv`, `jsonline` or `parquet`.
        json: what a JSON line is, `object` or `array`.
    """

    path: str = ""
    inline: str | None = None
    s3: Mapping[str, str] | None = field(default=None, repr=False)
    local: bool = False
    compression: str | None = None
    format: str = "csv"
    json: str = ""


def parse_source(read: Reader) -> Source:
    """`[LOCAL] INFILE …`, `URL s3option {…}` or `INLINE …`."""
    if read.take("INLINE"):
        options = dict(_pairs(read))
        return Source(
            inline=options.get("DATA", ""), format=options.get("FORMAT", "csv"), json=options.get("JSONTYPE", "")
        )
    if read.take("URL"):
        read.expect("S3OPTION")
        return _parse_options(braces(read), remote=True)
    local = read.take("LOCAL")
    read.expect("INFILE")
    if read.looks("{"):
        return _parse_options(braces(read), local=local)
    return Source(read.string(), local=local)


def parse_format(read: Reader, source: Source) -> Format:
    """The FIELDS, LINES and IGNORE clauses, and how the source is read by them."""
    options: dict[str, str] = {} if source.inline is None else {"escape": ""}  # server-facts 88
    if read.take("FIELDS") or read.take("COLUMNS"):
        while clause := _clause(read, _FIELD_CLAUSES):
            options[clause] = _text(read)
    if read.take("LINES"):
        while clause := _clause(read, _LINE_CLAUSES):
            options[clause] = _text(read)
    ignore = 0
    if read.take("IGNORE"):
        ignore = int(read.next(Kind.NUMBER).text)
        if not read.take("LINES"):
            read.expect("ROWS")
    match source.format.lower():
        case "csv":
            return CsvLines(**options, ignore=ignore)
        case "jsonline":
            return JsonLines(source.json.lower())
        case "parquet":
            return Parquet()
        case other:
            raise bad_configuration(f"the format '{other}' is not supported")


def _parse_options(options: Mapping[str, str], *, remote: bool = False, local: bool = False) -> Source:
    options = {name.lower(): value for name, value in options.items()}
    for name in options.keys() - _OF_FILES - (_OF_BUCKETS if remote else frozenset()):
        raise _unknown_keyword(name)
    return Source(
        options.get("filepath", ""),
        s3=options if remote else None,
        local=local,
        compression=options.get("compression"),
        format=_format(options),
        json=options.get("jsondata", ""),
    )


def _format(options: Mapping[str, str]) -> str:
    """The format that options name: `jsondata` names that of JSON lines, and the last one counts."""
    found = "csv"
    for name, value in options.items():
        if name == "jsondata":
            found = "jsonline"
        elif name == "format":
            found = value
    return found


def _unknown_keyword(name: str) -> SqlError:
    return bad_configuration(f"the keyword '{name}' is not support")


def _pairs(read: Reader) -> Iterator[tuple[str, str]]:
    while True:
        name = read.next(Kind.WORD).text.upper()
        read.expect("=")
        yield name, read.string()
        if not read.take(","):
            return


def _clause(read: Reader, known: Mapping[tuple[str, ...], str]) -> str | None:
    """What the clause that comes next tells, stepped over."""
    return next((what for words, what in known.items() if read.take(*words)), None)


def _text(read: Reader) -> str:
    token = read.next(Kind.STRING, Kind.NUMBER)
    if token.kind is Kind.NUMBER:
        return bytes.fromhex(token.text[2:]).decode()
    return token.value


class Reads(Cancellable, Protocol):
    """The client that something is read for."""

    def fetch(self, path: str) -> Iterator[bytes]:
        """Ask it for a file of its own."""
        ...


def _stoppable(pieces: Iterator[bytes], client: Cancellable) -> Iterator[bytes]:
    """A file's bytes, which a KILL QUERY stops even where they do not come.

    It does not stop the wait for the first ones, nor does it on a server (server-facts 16).
    """
    first = next(pieces, None)
    if first is None:
        return
    yield first
    found: queue.Queue[bytes | BaseException | None] = queue.Queue(1)
    stopped = threading.Event()
    reader = threading.Thread(target=_read_ahead, args=(pieces, found, stopped), daemon=True, name="reads a file")
    reader.start()
    try:
        while True:
            if client.is_cancelled():
                raise internal_error("context canceled")
            try:
                piece = found.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(piece, BaseException):
                raise piece
            if piece is None:
                return
            yield piece
    finally:
        stopped.set()


def _read_ahead(
    pieces: Iterator[bytes], found: queue.Queue[bytes | BaseException | None], stopped: threading.Event
) -> None:
    def put(one: bytes | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                found.put(one, timeout=POLL_SECONDS)
                return

    try:
        for piece in pieces:
            put(piece)
            if stopped.is_set():
                return
    except BaseException as error:  # noqa: BLE001  # whoever reads raises it
        put(error)
    else:
        put(None)


class Sources:
    """Opens them.

    Args:
        stages: where `stage://` leads.
        storage: what opens files.
    """

    def __init__(self, stages: Stages, storage: Storage) -> None:
        self._stages = stages
        self._storage = storage

    def open(self, source: Source, client: Reads) -> Iterator[bytes]:
        """A source's bytes, unpacked, piece by piece.

        Args:
            source: what to open.
            client: who it is read for, and whose file it may be.

        Raises:
            SqlError: there is no such file, it may not be read, or it is not compressed as it was said to be.
        """
        if source.inline is not None:
            return iter([source.inline.encode("utf-8", "surrogateescape")])
        if source.local:
            return unpacked(client.fetch(source.path), source.compression, source.path)
        store, path = self.at(source)
        return unpacked(_stoppable(store.pieces(path), client), source.compression, path)

    def files(self, source: Source, client: Reads) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The files that a source names, by wildcards too: the path of each, and its bytes as `open` gives them.

        One that is missing is left out: an external table has no rows of it.
        """
        store, path = self.at(source)
        for one in matching(store, path) if WILD.search(path) else [path]:
            pieces = store.pieces(one)
            try:
                first = list(islice(pieces, 1))
            except FileMissing:
                continue
            yield one, unpacked(_stoppable(chain(first, pieces), client), source.compression, one)

    def at(self, source: Source) -> tuple[Store, str]:
        """The store of a source, and its path there.

        Raises:
            SqlError: there is no such stage, or it is one of a bucket, whose files' suffixes alone tell whether they
                are compressed (server-facts 22).
        """
        place = self._place(source)
        if source.compression is not None and source.s3 is None and place.url.startswith("s3://"):
            raise _unknown_keyword("compression")
        return self._storage.at(place.url, place.credentials)

    def _place(self, source: Source) -> Place:
        if source.path.startswith("stage://"):
            return self._stages.resolve(source.path)
        if source.s3 is None:
            return Place(f"file://{source.path}", {})
        options = source.s3
        credentials = {
            "AWS_KEY_ID": options.get("access_key_id", ""),
            "AWS_SECRET_KEY": options.get("secret_access_key", ""),
            "AWS_REGION": options.get("region", ""),
            "ENDPOINT": options.get("endpoint", ""),
            "PROVIDER": options.get("provider", "minio"),
        }
        return Place(f"s3://{options.get('bucket', '')}/{source.path}", credentials)
