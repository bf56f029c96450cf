"""Repeat a whole session after a retryable error."""

import random
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import DBAPIError

from matrixone_core.errors import MatrixOneError
from matrixone_core.server_errors import from_driver
from matrixone_core.setting_checks import whole_number
from matrixone_core.steps import Call, Op, sleep

FIRST_PAUSE = 0.1  # seconds between the first attempt and the second; each pause is twice as long as the one before it


def retry(work: Callable[[], Any], attempts: int) -> Op[Any]:
    """Call a function that runs a whole session, and repeat it after a retryable error.

    Args:
        work: the function.
        attempts: the largest number of calls.

    Returns:
        What the function returned.

    Raises:
        InvalidArgument: `attempts` is less than 1.
    """
    whole_number(attempts, "attempts", least=1)
    for attempt in range(attempts - 1):
        try:
            answer: Any = yield from Call[Any](work)
        except (MatrixOneError, DBAPIError) as error:
            if not _is_retryable(error):
                raise
        else:
            return answer
        # of two sessions that block each other, one must be first the next time
        yield from sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))  # noqa: S311  # no secret
    last: Any = yield from Call[Any](work)
    return last


def _is_retryable(error: MatrixOneError | DBAPIError) -> bool:
    return (from_driver(error) if isinstance(error, DBAPIError) else error).retryable
