"""The interface of an engine, simulated or real."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from dmr_tui.simulator.connection import Connection, InferenceRequest
from dmr_tui.simulator.engine.counters import Counters


class EngineDied(Exception):
    """The engine process has ended before the answer was complete."""


class Engine(Protocol):
    """An engine as a runner uses it."""

    async def answer(self, request: InferenceRequest, to: Connection) -> None:
        """Answer `request`. Raises EngineDied; a cancel means that the client left."""
        ...

    def die(self) -> None:
        """End at once, in the middle of any answer."""
        ...

    def count(self) -> Counters | None:
        """Its counters; None if it does not tell them."""
        ...


class AnswersUnderWay:
    """The answers that an engine's death ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Make one answer. Raises EngineDied if `end` is called meanwhile."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._tasks.discard(task)
            task.cancel()
        if task.cancelled():
            raise EngineDied
        task.result()

    def end(self) -> None:
        """End every answer."""
        for task in self._tasks:
            task.cancel()
