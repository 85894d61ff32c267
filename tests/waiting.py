"""Tests wait for facts, and say which fact did not come."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""Far more than anything takes, so that a busy machine fails no test."""
POLL_S = 0.01
LOOKS = 4
"""A look at a whole screen takes as long as painting it. What is waited for runs in the same
process, and is to have this many times as much of its time."""


def _pause_s(looked: float) -> float:
    return max(POLL_S, LOOKS * (time.thread_time() - looked))


async def until(fact: Callable[[], object], what: str = "") -> None:
    """Wait until `fact` is true, or fail."""
    deadline = time.monotonic() + PATIENCE_S
    looked = time.thread_time()
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what or fact}")
        await asyncio.sleep(_pause_s(looked))
        looked = time.thread_time()


def until_true(fact: Callable[[], object], what: str = "") -> None:
    """As `until`, for tests without an event loop."""
    deadline = time.monotonic() + PATIENCE_S
    looked = time.thread_time()
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what or fact}")
        time.sleep(_pause_s(looked))
        looked = time.thread_time()
