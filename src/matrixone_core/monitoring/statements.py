"""Each statement that is sent: its span, its duration, its log record, and a warning where it was slow."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from matrixone_core.monitoring import telemetry
from matrixone_core.monitoring.query_text import Query, describe

log = logging.getLogger("matrixone.statements")


@dataclass(frozen=True)
class StatementMonitor:
    """Observes the statements of an engine.

    Args:
        clock: the time in seconds, from a clock that never goes back.
        slow: seconds from which on a statement is slow; None for no warnings.
    """

    clock: Callable[[], float]
    slow: float | None = None

    def is_needed(self) -> bool:
        """Return whether a listener observes statements."""
        return self.slow is not None or telemetry.is_installed() or log.isEnabledFor(logging.DEBUG)

    @contextmanager
    def observe(self, sql: str, connection: Any, batch: int = 1) -> Generator[None]:
        """Observe the statement that a block sends.

        Args:
            sql: the statement, with the driver's marks for its parameters.
            connection: the driver's connection.
            batch: how many sets of parameters it is sent with.
        """
        query, server = describe(sql), _server(connection)
        of_batch = {"db.operation.batch.size": batch} if batch > 1 else {}
        kind = "BATCH " if batch > 1 else ""
        texts = {"db.query.summary": f"{kind}{query.summary}", "db.query.text": query.text}
        attributes = {**telemetry.SYSTEM, "db.operation.name": f"{kind}{query.operation}", **server}
        span = telemetry.start_statement(f"{kind}{query.summary}", {**attributes, **texts, **of_batch})
        error: BaseException | None = None
        began = self.clock()
        try:
            yield
        except BaseException as failure:
            error = failure
            raise
        finally:
            seconds = self.clock() - began
            telemetry.end_statement(span, error)
            telemetry.measure(telemetry.STATEMENT_DURATION, seconds, attributes, error)
            self._record(query, seconds, error)
            del error  # its traceback has this frame

    def _record(self, query: Query, seconds: float, error: BaseException | None) -> None:
        became = "" if error is None else f" and failed ({telemetry.error_type(error)})"
        if self.slow is not None and seconds >= self.slow:
            log.warning("slow statement: took %.3f s%s: %s", seconds, became, query.text)
        else:
            log.debug("took %.3f s%s: %s", seconds, became, query.text)


def _server(connection: Any) -> dict[str, str | int]:
    """The server of a driver's connection, and the database that it began in."""
    database = {"db.namespace": connection.db} if connection.db else {}
    return {"server.address": connection.host, "server.port": connection.port, **database}
