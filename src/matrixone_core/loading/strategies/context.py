"""The shared state of a running load."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from matrixone_core.loading.formats.csv import LineIndex
from matrixone_core.loading.inputs.files import ClientFile, InputFile
from matrixone_core.loading.ledger import Ledger
from matrixone_core.loading.plan import LoadPlan, LoadStrategy
from matrixone_core.loading.rejects import Rejects
from matrixone_core.results import LoadedFile
from matrixone_core.steps import Op, read_clock


@dataclass(frozen=True)
class LoadContext:
    """A running load.

    Args:
        plan: the plan of the load.
        ledger: the ledger that records its files; None without `once`.
        on_file_loaded: operation that receives each file when the server has read it.
        rejects: the bad rows of each file, by its path.
        strategies: strategies that were used instead of the plan's.
        lines: the line in which each row of a file begins, if the load counted lines; by the file's path.
    """

    plan: LoadPlan
    ledger: Ledger | None
    on_file_loaded: Callable[[LoadedFile], Op[None]]
    rejects: dict[str, Rejects] = field(default_factory=dict[str, Rejects])
    strategies: list[LoadStrategy] = field(default_factory=list[LoadStrategy])
    lines: dict[str, LineIndex] = field(default_factory=dict[str, LineIndex])

    def rejects_of(self, file: InputFile) -> Rejects | None:
        """Return the collection of a file's bad rows; None if the first one fails the load."""
        options = self.plan.request.options
        if not options.collects_rejects:
            return None
        known = file.rejects if isinstance(file, ClientFile) else None
        return self.rejects.setdefault(file.path, known or Rejects(file.path, options))

    def finish_file(self, file: LoadedFile, began: float) -> Op[LoadedFile]:
        """Record the duration of a file, and report the file to listeners."""
        timed = replace(file, seconds=(yield from read_clock()) - began)
        yield from self.on_file_loaded(timed)
        return timed
