"""The state of a watch: which files of a stage to load next. The clients wait between loads, and stop it."""

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
    """The files of a stage that match a pattern, and which of them are already loaded.

    Args:
        stage: name of the stage.
        pattern: pattern of the files' paths.
        table: the table to load into.
        every: seconds to wait if there is no new file.
        form: format of the files. None infers it from the pattern's suffix.
        options: options of the load; `once` is True by default, and then the ledger records the loaded files.

    Raises:
        InvalidArgument: an argument is not valid.

    Attributes:
        every: seconds to wait if there is no new file.
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
        """Load the new files and return the report; None if there are none, or all were loaded before."""
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
