# what matrixone._filesystem uses; fsspec has no types of its own
from collections.abc import Callable
from typing import Any

compr: dict[str, Callable[..., Any]]
