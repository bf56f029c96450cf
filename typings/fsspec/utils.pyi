# what matrixone._filesystem uses; fsspec has no types of its own
from typing import Any

def read_block(f: Any, offset: int, length: int | None, delimiter: bytes | None = None) -> bytes: ...
