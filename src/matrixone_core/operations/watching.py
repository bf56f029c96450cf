"""Watching a folder of a stage: which of its files are loaded next. The sides wait in between, and stop."""

from collections.abc import Mapping
from typing import Any

from matrixone_core import patterns
from matrixone_core.errors import InvalidArgument
from matrixone_core.loading import stage_load
from matrixone_core.loading.inputs import schema_inference
from matrixone_core.loading.request import build_named_request
from matrixone_core.messages import show
from matrixone_core.names import stage_path
from matrixone_core.results import LoadReport
from matrixone_core.setting_checks import time_limit
from matrixone_core.steps import Op
from matrixone_core.targets import Target

FILES_AT_ONCE = 1000  # in one load


class FolderWatch:
    """What a watch knows: the files that it need not load again.

    Args:
        stage: the stage's name.
        pattern: the files.
        table: where they are loaded.
        every: seconds to wait when nothing is new.
        form: what the files are; None for what the pattern's suffix tells.
        options: the load's; `once` is True by default, and then the ledger keeps what was loaded.

    Raises:
        InvalidArgument: an argument cannot be.

    Attributes:
        every: seconds to wait when nothing is new.
    """

    def __init__(
        self,
        stage: str,
        pattern: str,
        table: Target,
        *,
        every: float,
        form: str | None,
        options: Mapping[str, Any],
    ) -> None:
        once = options.get("once", True)
        if not isinstance(once, bool):
            raise InvalidArgument(f"once={show(once)} must be True or False: a watch loads more than one file")
        _ = stage_path(stage, pattern, pattern=True)
        form = schema_inference.format_of(pattern) if form is None else form
        self._request = build_named_request(table, form, {**options, "once": once})
        self._stage = stage
        self._pattern = pattern
        self._seen: set[str] = set()
        self.every: float = time_limit(every, "every")

    def next_report(self) -> Op[LoadReport | None]:
        """Load what has arrived; None if nothing has, or all of it was loaded before."""
        found = yield from patterns.matching(self._stage, self._pattern)
        self._seen.intersection_update(found)  # one that was removed and comes again is new
        arrived = [file for file in found if file not in self._seen]
        while arrived:
            files, arrived = arrived[:FILES_AT_ONCE], arrived[FILES_AT_ONCE:]
            report: LoadReport = yield from stage_load.load_files(self._request, self._stage, files)
            self._seen.update(files)
            if not all(file.already_loaded for file in report.files):
                return report
        return None
