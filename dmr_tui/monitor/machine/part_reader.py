"""One part of the computer, read in a thread of its own so that a hung driver delays no other."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any

import anyio

from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.probe import Part
from dmr_tui.state.source_state import SourceState

PATIENCE_S = 5.0
"""Seconds after which a part that hangs is called stale; the others go on."""
KEPT_S = 60.0
"""Seconds for which GPUs that cannot be read any more are shown as they were last."""


class PartReader:
    """The newest reading of one part, and how reading it goes."""

    def __init__(self, part: Part, changed: Callable[[], None], clock: Callable[[], float]) -> None:
        self.part = part
        self.value: Any = None
        """None until it was read."""
        self.state = SourceState(part.name)
        self.reading = False
        self._thread = _DaemonThread(f"dmr-tui {part.name}")
        self._changed = changed
        self._clock = clock
        self._good_at: float | None = None

    async def read(self) -> bool:
        """Read once, and return whether that brought anything."""
        self.reading = True
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._call_stale_after, PATIENCE_S)
                value = await self._thread.call(self.part.read)
                group.cancel_scope.cancel()
        except* Exception as errors:
            # A fault in one piece of hardware must not hide the others.
            error = errors.exceptions[0]
            self._fail(f"{type(error).__name__}: {error}")
        else:
            return self._take(value)
        finally:
            self.reading = False
        return False

    def close(self) -> None:
        """End the thread; one that hangs in a driver ends with the process."""
        self._thread.end()

    def _take(self, value: Any) -> bool:
        now = self._clock()
        lost = isinstance(value, GpuReport) and not value.gpus and value.reason
        lately = self._good_at is not None and now - self._good_at <= KEPT_S
        if lost and lately and self.value is not None and self.value.gpus:
            self._fail(value.reason)
            return False
        self.value = value
        reason = getattr(value, "reason", "")
        self._good_at = now
        self._set(SourceState(self.part.name, "absent" if lost else "ok", reason))
        return True

    async def _call_stale_after(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        self._fail("it does not answer")

    def _fail(self, reason: str) -> None:
        self._set(SourceState(self.part.name, "stale", reason, self._good_at))

    def _set(self, state: SourceState) -> None:
        if state != self.state:
            self.state = state
            self._changed()


class _DaemonThread:
    """One thread for all readings of a part, which a quit need not wait for if a driver hangs.

    concurrent.futures joins its threads when the interpreter ends, and would hang with it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._running = False

    async def call(self, read: Callable[[], Any]) -> Any:
        """Return the result of `read`, or raise its error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def job() -> None:
            try:
                settle = partial(future.set_result, read())
            except BaseException as error:
                settle = partial(future.set_exception, error)
            # The loop may have been closed while the driver took its time.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: None if future.done() else settle())

        if not self._running:
            self._running = True
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        self._jobs.put(job)
        return await future

    def end(self) -> None:
        """End the thread after the reading under way; a later call starts another one."""
        if self._running:
            self._running = False
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
