"""Loading once: how a file is known again, and its entry in the ledger."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from matrixone_core import catalog
from matrixone_core.errors import PermissionDenied, TableNotFound
from matrixone_core.loading.inputs.stage_reader import AT_ONCE
from matrixone_core.loading.options import Options
from matrixone_core.sql.files import PIECE, DigestFile
from matrixone_core.sql.ledger import LEDGER, CreateLedger, Entry, SelectEntryIds
from matrixone_core.sql.stage import Stage
from matrixone_core.sql.staging import Names
from matrixone_core.stage_files import size_of
from matrixone_core.steps import Op, OutsideTransaction

SAMPLE = 1024 * 1024  # bytes at each end that a file is known by


@dataclass(frozen=True)
class Ledger:
    """Where loads are entered.

    Args:
        name: the ledger's table.
        force: whether files are loaded though they are entered.
    """

    name: Names
    force: bool


def ledger_for(names: Names, options: Options) -> Ledger | None:
    """The ledger of a load; None if its files need not be known again."""
    if not options.once:
        return None
    database = names[:-1] if options.ledger_database is None else (options.ledger_database,)
    return Ledger((*database, LEDGER), options.force)


def fetch_loaded_ids(ledger: Ledger, ids: Sequence[str]) -> Op[frozenset[str]]:
    """The files that were loaded before, and need not even be read; the ledger is created if there is none."""
    try:
        found = yield from SelectEntryIds(ledger.name, tuple(ids))
    except TableNotFound:
        yield from OutsideTransaction(_create(ledger.name))
        return frozenset()
    return frozenset() if ledger.force else found


def _create(name: Names) -> Op[None]:
    with suppress(PermissionDenied):  # somebody else may have created it
        yield from CreateLedger(name)


def entry_of(table: str, source: str, size: int, mark: str) -> Entry:
    """The entry of a file that goes into a table, `database.table`."""
    digest = hashlib.sha256("\0".join((table, source, str(size), mark)).encode()).hexdigest()
    return Entry(digest, table, source, size, mark)


def entry_for_key(table: str, key: str) -> Entry:
    """The entry of what the caller calls *key*."""
    return entry_of(table, key, -1, "")


def entry_for_stage_file(table: str, stage: Stage, url: str, *, whole: bool) -> Op[Entry]:
    """The entry of a stage's file: by its place, its length, and what is in it.

    Args:
        table: the table that it goes into, `database.table`.
        stage: the stage.
        url: the file's `stage://` URL.
        whole: whether all of it counts, or only a MiB at each end.
    """
    source = yield from catalog.resolve_url(stage, url)
    size = yield from size_of(url)
    return entry_of(table, source, size, (yield from _digest_content(url, size, whole=whole)))


def entry_for_bytes(table: str, path: str, size: int, sample: bytes) -> Entry:
    """The entry of a file of the client's, known by a digest of a sample of it."""
    return entry_of(table, path, size, hashlib.sha256(sample).hexdigest())


def _digest_content(url: str, size: int, *, whole: bool) -> Op[str]:
    """A digest of digests."""
    digest = hashlib.sha256()
    ends = [(0, size)] if whole or size <= 2 * SAMPLE else [(0, SAMPLE), (size - SAMPLE, size)]
    offsets = [offset for begin, end in ends for offset in range(begin, end, PIECE)]
    for at in range(0, len(offsets), AT_ONCE):
        found = yield from DigestFile(url, tuple(offsets[at : at + AT_ONCE]))
        digest.update("".join(found).encode())
    return digest.hexdigest()
