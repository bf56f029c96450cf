"""What tasks of an event loop do differently from threads; `matrixone_sync` has a module of the same names."""

import asyncio
from asyncio import Event
from contextlib import suppress

__all__ = ["Event", "wait_for_event"]


async def wait_for_event(event: Event, seconds: float) -> None:
    """Wait until an event is set, or for this number of seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
