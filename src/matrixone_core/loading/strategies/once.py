"""Loading a file once: its entry in the ledger is made in the transaction of its rows."""

from dataclasses import replace

from matrixone_core.errors import DuplicateKey, MatrixOneError
from matrixone_core.loading.inputs.files import InputFile
from matrixone_core.loading.ledger import Ledger
from matrixone_core.loading.strategies.context import LoadContext
from matrixone_core.results import LoadedFile
from matrixone_core.server_errors import aborts
from matrixone_core.sql.ledger import DeleteEntry, Entry, InsertEntry, UpdateLoadedRows
from matrixone_core.steps import Op


def with_ledger(context: LoadContext, file: InputFile, op: Op[tuple[LoadedFile, ...]]) -> Op[tuple[LoadedFile, ...]]:
    """Load a file, unless the ledger says that it was loaded; its entry is in the transaction of its rows.

    Args:
        context: the load.
        file: the file.
        op: loads it.
    """
    ledger, entry = context.ledger, file.entry
    if ledger is None or entry is None:
        return (yield from op)
    # Python 3.11's tracer misses what follows an error that was thrown into a generator
    if not (yield from _enter(ledger, entry)):  # pragma: no cover
        op.close()
        skipped = LoadedFile(file.path, already_loaded=True)
        yield from context.on_file_loaded(skipped)
        return (skipped,)
    try:
        files = yield from op
    except MatrixOneError as error:
        if not context.plan.state.owns_transaction and not aborts(error):
            yield from DeleteEntry(ledger.name, entry.id)
        raise
    yield from UpdateLoadedRows(ledger.name, entry.id, files[0].rows)
    return (replace(files[0], bytes=entry.size if entry.size >= 0 else None),)


def _enter(ledger: Ledger, entry: Entry) -> Op[bool]:
    """Enter a file, once nobody else is at it; whether it has to be loaded."""
    try:
        yield from InsertEntry(ledger.name, entry, ledger.force)
    except DuplicateKey:
        return False
    return True
