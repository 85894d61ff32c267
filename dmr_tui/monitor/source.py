"""Sources of data: polled or streamed, and stale rather than blank when they fail."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

from dmr_tui.monitor.snapshot import SourceHealth, SourceState
from dmr_tui.runner.errors import BrokenOff, Rejected, RunnerError

T = TypeVar("T")
Ready = Callable[[], Awaitable[object]]

LONGEST_PAUSE_S = 10.0
STREAM_PAUSE_S = 2.0
ABSENT_PAUSE_S = 60.0


class Health:
    """How a source is doing; `changed` is called whenever that makes a difference."""

    def __init__(self, name: str, changed: Callable[[], None], clock: Callable[[], float]) -> None:
        self.name = name
        self.state = SourceState(name)
        self.failures = 0
        self.changed = changed
        self._clock = clock
        self._good_at: float | None = None
        self._kicked = anyio.Event()

    def good(self) -> None:
        """It answered."""
        self._good_at = self._clock()
        self.failures = 0
        self._set(SourceState(self.name, "ok"))

    def fail(self, error: RunnerError) -> None:
        """It failed: the last good value stays, marked stale."""
        self.failures = min(self.failures + 1, 8)
        absent = isinstance(error, Rejected) and error.status in {404, 501}
        never = self._good_at is None
        health: SourceHealth = "absent" if absent and never else "stale"
        self._set(SourceState(self.name, health, str(error), self._good_at))

    def kick(self) -> None:
        """End the pause."""
        self._kicked.set()

    async def pause(self, seconds: float) -> None:
        """Wait `seconds`, or until kicked."""
        with anyio.move_on_after(seconds):
            await self._kicked.wait()
        self._kicked = anyio.Event()

    def _set(self, state: SourceState) -> None:
        if state != self.state:
            self.state = state
            self.changed()


class Polled(Health, Generic[T]):
    """The last good answer of one call."""

    def __init__(
        self,
        name: str,
        interval: float,
        fetch: Callable[[], Awaitable[T]],
        changed: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(name, changed, clock)
        self.interval = interval
        self.value: T | None = None
        self._fetch = fetch

    async def run(self, ready: Ready) -> None:
        """Poll for ever; the next poll begins a pause after the last one ended."""
        while True:
            await ready()
            await self.poll()
            longest = max(self.interval, LONGEST_PAUSE_S)
            await self.pause(min(self.interval * 2.0**self.failures, longest))

    async def poll(self) -> RunnerError | None:
        """Ask once; the error if no good answer came."""
        try:
            value = await self._fetch()
        except RunnerError as error:
            self.fail(error)
            return error
        if value != self.value:
            self.value = value
            self.changed()
        self.good()
        return None


class Streamed(Health):
    """A call that stays open and is opened again when it ends."""

    def __init__(
        self,
        name: str,
        consume: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`consume` opens the stream, calls `good`, and returns when it has ended."""
        super().__init__(name, changed, clock)
        self._consume = consume

    async def run(self, ready: Ready) -> None:
        """Keep it open for ever."""
        while True:
            await ready()
            try:
                await self._consume()
                self.fail(BrokenOff("the stream ended"))
            except RunnerError as error:
                self.fail(error)
            await self.pause(ABSENT_PAUSE_S if self.state.health == "absent" else STREAM_PAUSE_S)
