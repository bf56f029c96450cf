# What this project uses of the C module behind signal, which has no types of its own.
from typing import Any

SIGINT: int

def getsignal(signalnum: int, /) -> Any: ...
def signal(signalnum: int, handler: Any, /) -> Any: ...
