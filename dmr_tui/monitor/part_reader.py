"""Reads one part of the computer in a thread of its own: one that hangs holds up nothing."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
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
        self._changed = changed
        self._clock = clock
        self._good_at: float | None = None

    async def read(self) -> bool:
        """Read once; whether it brought anything."""
        self.reading = True
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._call_stale_after, PATIENCE_S)
                value = await _in_daemon_thread(self.part.read, self.part.name)
                group.cancel_scope.cancel()
        except* Exception as errors:
            # A mistake about one piece of hardware is no reason to show nothing of the others.
            error = errors.exceptions[0]
            self._fail(f"{type(error).__name__}: {error}")
        else:
            return self._take(value)
        finally:
            self.reading = False
        return False

    def _take(self, value: Any) -> bool:
        now = self._clock()
        lost = isinstance(value, GpuReport) and not value.gpus and value.reason
        if lost and self.value is not None and self.value.gpus and not self._given_up(now):
            self._fail(value.reason)
            return False
        self.value = value
        reason = getattr(value, "reason", "")
        self._good_at = now
        self._set(SourceState(self.part.name, "absent" if lost else "ok", reason))
        return True

    def _given_up(self, now: float) -> bool:
        return self._good_at is None or now - self._good_at > KEPT_S

    async def _call_stale_after(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        self._fail("it does not answer")

    def _fail(self, reason: str) -> None:
        self._set(SourceState(self.part.name, "stale", reason, self._good_at))

    def _set(self, state: SourceState) -> None:
        if state != self.state:
            self.state = state
            self._changed()


async def _in_daemon_thread(read: Callable[[], Any], name: str) -> Any:
    """The result of `read` from a thread that a quit need not wait for, should a driver hang."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)

    def target() -> None:
        try:
            outcome: tuple[Any, BaseException | None] = (read(), None)
        except BaseException as error:
            outcome = (None, error)
        # The loop may have been closed while the driver took its time.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=target, name=f"dmr-tui {name}", daemon=True).start()
    return await future
