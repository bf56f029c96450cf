# what matrixone._filesystem uses; fsspec has no types of its own
from typing import Any, ClassVar

class AbstractFileSystem:
    protocol: ClassVar[str | tuple[str, ...]]
    root_marker: ClassVar[str]
    def __init__(self, *args: Any, **storage_options: Any) -> None: ...
    @classmethod
    def _strip_protocol(cls, path: str) -> str: ...
    def isdir(self, path: str) -> bool: ...
