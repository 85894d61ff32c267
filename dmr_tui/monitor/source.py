"""Sources of data: polled or streamed, and stale rather than blank when they fail."""

import math
import statistics
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

from dmr_tui.runner.errors.failures import BadAnswer, BrokenOff, Rejected, RunnerError
from dmr_tui.state.source_state import SourceHealth, SourceState

T = TypeVar("T")
Crashed = Callable[[Exception, str], None]
"""Hears of an error of dmr-tui itself, and in which part."""
Ready = Callable[[], Awaitable[object]]

FIRST_PAINT_S = 0.5
"""Seconds that whatever is not on the first screen leaves to what is."""
UNEXPECTED = (ValueError, ArithmeticError, RecursionError)
"""Errors that an unforeseen answer may cause: its source goes stale, and no more."""
LONGEST_PAUSE_S = 10.0
STREAM_PAUSE_S = 2.0
ABSENT_PAUSE_S = 60.0
ANSWERS = 5
"""Of which the median is taken."""


class Health:
    """The state of a source; `changed` is called whenever that makes a difference."""

    def __init__(
        self,
        name: str,
        changed: Callable[[], None],
        clock: Callable[[], float],
        crashed: Crashed = lambda error, part: None,
    ) -> None:
        """`crashed` hears of errors that no answer explains: those of dmr-tui itself."""
        self.name = name
        self._crashed = crashed
        self.state = SourceState(name)
        self.failures = 0
        self.changed = changed
        self._clock = clock
        self.good_at: float | None = None
        """Time of the last good answer, by this computer's clock."""
        self._kicked = anyio.Event()

    def good(self, unreadable: int = 0) -> None:
        """Note a good answer; so many of its entries could not be read."""
        self.good_at = self._clock()
        self.failures = 0
        entries = "1 entry" if unreadable == 1 else f"{unreadable:,} entries"
        reason = f"{entries} could not be read, and left out" if unreadable else ""
        self._set(SourceState(self.name, "ok", reason))

    def fail(self, error: RunnerError) -> None:
        """Note a failure: the last good value stays, marked stale."""
        self.failures = min(self.failures + 1, 8)
        absent = isinstance(error, Rejected) and error.status in {404, 501}
        never = self.good_at is None
        health: SourceHealth = "absent" if absent and never else "stale"
        self._set(SourceState(self.name, health, str(error), self.good_at))

    def _fail_unexpectedly(self, error: Exception) -> RunnerError:
        """Go stale by an unforeseen error, and return it as one of the runner."""
        if not isinstance(error, UNEXPECTED):
            self._crashed(error, f"the source {self.name}")
        reason = BadAnswer(f"the answer cannot be understood: {type(error).__name__}")
        self.fail(reason)
        return reason

    def kick(self) -> None:
        """Ask again at once after what is going on now; a pause ends."""
        self._kicked.set()

    def begin(self) -> None:
        """Take the kicks until now as answered by what follows."""
        self._kicked = anyio.Event()

    async def pause(self, seconds: float) -> None:
        """Wait `seconds`, or until kicked."""
        with anyio.move_on_after(seconds):
            await self._kicked.wait()

    def _set(self, state: SourceState) -> None:
        if state != self.state:
            self.state = state
            self.changed()


def without_frames(error: RunnerError) -> RunnerError:
    """Return the error without the frames that it passed, which hold the answer that caused it."""
    chained: BaseException | None = error
    while chained is not None:
        chained.__traceback__ = None
        chained = chained.__cause__ or chained.__context__
    return error


class Polled(Health, Generic[T]):
    """The last good answer to one question."""

    def __init__(
        self,
        name: str,
        interval: float,
        fetch: Callable[[], Awaitable[T]],
        changed: Callable[[], None],
        clock: Callable[[], float],
        crashed: Crashed = lambda error, part: None,
    ) -> None:
        super().__init__(name, changed, clock, crashed)
        self.interval = interval
        self.value: T | None = None
        self._fetch = fetch
        self._asking = False
        self._due_at = 0.0

    @property
    def due(self) -> bool:
        """True if an interval has passed since the last answer, or it was kicked."""
        wanted = self._kicked.is_set() or anyio.current_time() >= self._due_at
        return wanted and not self._asking

    async def poll(self) -> RunnerError | None:
        """Ask once; the error if no good answer came."""
        self.begin()
        self._asking = True
        try:
            value = await self._fetch()
        except RunnerError as error:
            self.fail(error)
            return without_frames(error)
        except Exception as error:
            return self._fail_unexpectedly(error)
        else:
            if value != self.value:
                self.value = value
                self.changed()
            self.good(getattr(value, "unreadable", 0))
            return None
        finally:
            self._asking = False
            longest = max(self.interval, LONGEST_PAUSE_S)
            pause = min(self.interval * 2.0**self.failures, longest)
            self._due_at = anyio.current_time() + pause


class Streamed(Health):
    """A stream that stays open and is opened again when it ends."""

    def __init__(
        self,
        name: str,
        consume: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
        clock: Callable[[], float],
        crashed: Crashed = lambda error, part: None,
    ) -> None:
        """`consume` opens the stream, calls `good`, and returns when it has ended."""
        super().__init__(name, changed, clock, crashed)
        self._consume = consume
        self._open: anyio.CancelScope | None = None

    def reopen(self) -> None:
        """Close it and open it again: it looks open and says nothing any more."""
        if self._open is not None:
            self._open.cancel()

    async def run(self, ready: Ready) -> None:
        """Keep it open for ever."""
        while True:
            await ready()
            self.begin()
            try:
                with anyio.CancelScope() as self._open:
                    await self._consume()
                stalled = self._open.cancelled_caught
                self.fail(BrokenOff("the stream stalled" if stalled else "the stream ended"))
            except RunnerError as error:
                self.fail(error)
            except Exception as error:
                self._fail_unexpectedly(error)
            await self.pause(ABSENT_PAUSE_S if self.state.health == "absent" else STREAM_PAUSE_S)


class Latency:
    """The median of the last answers; one step up or down is noise, and is not shown."""

    def __init__(self) -> None:
        self.shown: float | None = None
        """Milliseconds, in steps of 1 ms, or of two digits; None before the first answer."""
        self._taken: deque[float] = deque(maxlen=ANSWERS)

    def add(self, taken_ms: float) -> None:
        """Take in the time of one answer."""
        self._taken.append(taken_ms)
        median = statistics.median(self._taken)
        step = 1.0 if median <= 10.0 else 10.0 ** (math.floor(math.log10(median)) - 1)
        if self.shown is None or abs(median - self.shown) > 1.5 * step:
            self.shown = math.ceil(median / step) * step
