"""Tests wait for facts, and say which fact did not come."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""Far more than anything takes, so that a busy machine fails no test."""


async def until(fact: Callable[[], object], what: str = "") -> None:
    """Wait until `fact` is true, or fail."""
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what or fact}")
        await asyncio.sleep(0.01)


def until_true(fact: Callable[[], object], what: str = "") -> None:
    """As `until`, for tests without an event loop."""
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what or fact}")
        time.sleep(0.01)
