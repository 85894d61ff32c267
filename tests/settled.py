"""Waiting for an app that runs in this process until it has nothing left to do."""

import asyncio
import math
from typing import Any

SOON_S = 1 / 50
"""Longer than Textual lets a change of the screen wait (1/60 s), shorter than any clock ticks."""
TURNS = 3
"""Of the loop with nothing to do: a message from a thread is only seen at the end of one."""
TIMERS = 5
"""Which are waited for at most: those of an answer that streams never end."""


async def settled(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the loop has nothing to do, now and soon, for at most `max_sleep` seconds.

    For Textual's own `wait_for_idle`, which takes a process for idle that uses no processor
    time. Here the simulated runner and the monitor are in it, so that each key took up to a second;
    and on a busy machine a process that waits for its turn was taken for one that was done.
    """
    # Both names are private, and as old as asyncio.
    loop: Any = asyncio.get_running_loop()
    end = loop.time() + max_sleep
    idle = timers = 0
    while idle < TURNS and loop.time() < end:
        due = min((h.when() for h in loop._scheduled if not h.cancelled()), default=math.inf)
        wait = due - loop.time()
        if loop._ready:
            idle = 0
            await asyncio.sleep(0)
        elif wait < SOON_S and timers < TIMERS:
            idle = 0
            timers += 1
            await asyncio.sleep(max(wait, 0.0))
        else:
            idle += 1
            await asyncio.sleep(0)
