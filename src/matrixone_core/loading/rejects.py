"""Bad rows of a load: counted, bounded, stored for the report and the table of rejects."""

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.options import Options
from matrixone_core.results import BadRow

MAX_REPORTED = 1000  # bad rows that a report keeps


class Rejects:
    """The bad rows of one file.

    Args:
        path: what the file is called.
        options: how many bad rows there may be, and whether a table wants all of them.

    Attributes:
        count: how many there are.
        rows: the first of them, or all where a table wants them.
    """

    def __init__(self, path: str, options: Options) -> None:
        self._path = path
        self._limit = options.max_errors
        self._keeps_all = options.rejects is not None or options.validate
        self.count = 0
        self.rows: list[BadRow] = []

    @property
    def in_order(self) -> list[BadRow]:
        """The rows in the order of their lines, as far as these are known."""
        return sorted(self.rows, key=lambda row: row.line or 0)

    def add(self, row: BadRow) -> None:
        """Note a bad row.

        Raises:
            LoadFailed: there are more than may be.
        """
        self.count += 1
        if self._keeps_all or self.count <= MAX_REPORTED:
            self.rows.append(row)
        if self.is_exceeded():
            self._fail(f"more than {self._limit:,} rows were refused")

    def is_exceeded(self, more: int = 0) -> bool:
        """Whether there are more bad rows than may be, counting some that are not noted yet."""
        return isinstance(self._limit, int) and self.count + more > self._limit

    def check_share(self, read: int) -> None:
        """See that the share of bad rows is not too large.

        Raises:
            LoadFailed: it is.
        """
        if isinstance(self._limit, float) and self.count > self._limit * read:
            self._fail(f"{self.count:,} of {read:,} rows were refused, and max_errors is {self._limit:g}")

    def _fail(self, problem: str) -> None:
        error = LoadFailed(f"{self._path}: {problem}; no row was loaded; the first: {self.rows[0]}")
        error.row = self.rows[0]
        raise error
