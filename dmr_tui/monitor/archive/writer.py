"""Writes requests into the archive from a thread; a failure leaves the dashboard at work."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from dmr_tui.monitor.archive.file import ArchiveDamaged, ArchiveFailed
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Record
from dmr_tui.state.request_filter import SHOWN_REQUESTS, CallerNames, RequestFilter
from dmr_tui.state.source_state import SourceState

R = TypeVar("R")

ARCHIVE = "archive"
"""The name of the archive among the sources."""
GATHER_S = 0.5
"""Seconds that a request waits for others, so that they are written together."""
AGAIN_S = 30.0
"""Seconds after which a failed archive is tried again."""
PRUNE_S = 600.0
PRUNED_MORE = 20_000
"""Deleted requests from which on there may be more to delete at once."""
MESSAGE_S = 60.0
"""Seconds for which a message about the archive is shown."""
MOST_WAITING = 20_000
"""Most requests that wait to be written, while the disk is full."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    runner: str
    request: Request
    record: Record | None


class ArchiveWriter:
    """The archive's own task; everything but its work on the file is on one event loop."""

    def __init__(self, archive: Archive, changed: Callable[[], None]) -> None:
        self.state = SourceState(ARCHIVE)
        self.opened = anyio.Event()
        self._archive = archive
        self._changed = changed
        self._one = CapacityLimiter(1)
        self._lock = Lock()
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._superseded: list[tuple[str, str]] = []
        self._wanted = anyio.Event()
        self._pruned_at = float("-inf")
        self._message_at = float("-inf")

    def put(self, runner: str, request: Request, record: Record | None) -> None:
        """Keep a request, or what is now known of it."""
        key = (runner, request.id)
        before = self._waiting.pop(key, None)
        if len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        record = record or (before.record if before else None)
        self._waiting[key] = _Waiting(runner, request, record)
        self._wanted.set()

    def supersede(self, runner: str, id: str) -> None:
        """Mark a try that a later one stands for."""
        self._superseded.append((runner, id))
        self._wanted.set()

    async def name(self, caller: str, name: str, limit: float | None) -> None:
        """Remember the name that the user gave a caller, and its time limit."""

        def named() -> None:
            self._archive.name_caller(caller, name)
            self._archive.limit_caller(caller, limit)

        await self._do(named)

    async def callers(self) -> tuple[dict[str, str], dict[str, float]] | None:
        """Return the names and the time limits that the user gave; None if that failed."""
        return await self._do(lambda: (self._archive.caller_names(), self._archive.caller_limits()))

    async def find(
        self,
        runner: str,
        wanted: RequestFilter,
        names: CallerNames = MappingProxyType({}),
        limit: int = SHOWN_REQUESTS,
    ) -> tuple[list[Request], int] | None:
        """Return the newest wanted requests, and how many there are; None if that failed."""

        damaged = 0

        def found() -> tuple[list[Request], int]:
            nonlocal damaged
            rows = self._archive.find(wanted, names, runner, limit)
            damaged = self._archive.damaged_rows
            whole = len(rows) < limit
            return rows, len(rows) if whole else self._archive.count(wanted, names, runner)

        await self._write()
        answer = await self._do(found)
        if damaged:
            self._say(f"{damaged:,} damaged rows were left out")
        return answer

    async def archived_bodies(self, runner: str, id: str) -> tuple[str, str] | None:
        """Return request and response as they were archived; None if they were not."""
        return await self._do(lambda: self._archive.bodies(id, runner))

    async def run(self) -> None:
        """Open the archive and keep it, for ever."""
        try:
            if (message := await self._do(self._archive.open)) is not None:
                self._say(message)
            self.opened.set()
            while True:
                with anyio.move_on_after(MESSAGE_S if self.state.reason else None):
                    await self._wanted.wait()
                self._forget_message()
                self._wanted = anyio.Event()
                await anyio.sleep(GATHER_S)
                if not await self._write():
                    await anyio.sleep(AGAIN_S)
                    self._wanted.set()
                if anyio.current_time() - self._pruned_at > PRUNE_S:
                    deleted = await self._do(self._archive.prune)
                    if (deleted or 0) >= PRUNED_MORE:
                        self._wanted.set()
                    else:
                        self._pruned_at = anyio.current_time()
        finally:
            with anyio.CancelScope(shield=True):
                await self._write()
                await self._do(self._archive.close)

    def _say(self, message: str) -> None:
        self._set_state(SourceState(ARCHIVE, "ok", message))
        if message:
            self._message_at = anyio.current_time()

    def _forget_message(self) -> None:
        if self.state.health == "ok" and anyio.current_time() - self._message_at > MESSAGE_S:
            self._set_state(SourceState(ARCHIVE, "ok"))

    async def _write(self) -> bool:
        """Write what waits; what could not be written waits on."""
        if not (self._waiting or self._superseded):
            return True
        waiting, self._waiting = self._waiting, {}
        superseded, self._superseded = self._superseded, []

        def write() -> bool:
            for runner in {w.runner for w in waiting.values()}:
                here = [w for w in waiting.values() if w.runner == runner]
                self._archive.add([w.request for w in here], runner)
                for w in here:
                    if w.record is not None:
                        self._archive.put_bodies(
                            w.request.id, runner, w.record.request, w.record.response
                        )
            for runner in {runner for runner, _ in superseded}:
                self._archive.supersede([id for r, id in superseded if r == runner], runner)
            return True

        written = False
        try:
            written = bool(await self._do(write))
        finally:
            if not written:
                # Also when the dashboard ends while it waits for its turn: the last write has it.
                self._waiting = waiting | self._waiting
                self._superseded = superseded + self._superseded
        return written

    async def _do(self, work: Callable[[], R]) -> R | None:
        """Return the result of `work`; None if it failed, which `state` says."""
        try:
            done = await self._in_thread(work)
        except ArchiveDamaged as damage:
            await self._open_again(str(damage))
            return None
        except ArchiveFailed as failure:
            self._set_state(SourceState(ARCHIVE, "stale", str(failure)))
            return None
        if self.state.health == "stale":
            self._set_state(SourceState(ARCHIVE, "ok"))
        return done

    async def _in_thread(self, work: Callable[[], R]) -> R:
        def alone() -> R:
            # A task that asyncio cancels leaves its thread at work, and the limiter free.
            with self._lock:
                return work()

        return await to_thread.run_sync(alone, limiter=self._one)

    async def _open_again(self, damage: str) -> None:
        try:
            message = await self._in_thread(self._archive.open)
        except ArchiveFailed as failure:
            self._set_state(SourceState(ARCHIVE, "stale", f"{damage}; {failure}"))
        else:
            self._say(message)

    def _set_state(self, state: SourceState) -> None:
        if state != self.state:
            self.state = state
            self._changed()
