"""The simulated GPU: who holds its memory, and for how long it was busy."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dmr_tui.simulator.models.model import MIB


@dataclass(frozen=True, slots=True)
class BusyTime:
    """Seconds since the start in which at least one request was in each phase."""

    at: float
    """The moment of the reading, on the monotonic clock."""
    prefill: float
    decode: float


@dataclass(slots=True)
class _Allocation:
    bytes: int
    since: float
    filled_in: float

    def filled(self, now: float) -> int:
        if self.filled_in <= 0:
            return self.bytes
        return int(self.bytes * min(1.0, (now - self.since) / self.filled_in))


@dataclass(slots=True)
class _Phase:
    inside: int = 0
    """Requests in the phase now."""
    seconds: float = 0.0
    """Time with at least one of them, until `at`."""
    at: float = 0.0

    def move(self, now: float, by: int = 0) -> float:
        """Let the time pass until `now`, then add `by` requests; returns the seconds."""
        self.seconds += now - self.at if self.inside else 0.0
        self.at = now
        self.inside += by
        return self.seconds


class SimulatedGpu:
    """Memory that runners allocate, and the time that requests spend; thread-safe."""

    def __init__(self, total: int = 24_564 * MIB, other: int = 640 * MIB) -> None:
        self.total = total
        self.other = other
        """Bytes that other programs hold."""
        self.unused = False
        """Engines compute without it, though it is there."""
        self._lock = threading.Lock()
        self._allocations: dict[object, _Allocation] = {}
        self._phases = {"prefill": _Phase(), "decode": _Phase()}
        self._working: dict[object, int] = {}
        """By runner, its requests that are in a phase."""

    @property
    def free(self) -> int:
        """Bytes that are neither held nor about to be filled."""
        with self._lock:
            held = sum(each.bytes for each in self._allocations.values())
            return self.total - self.other - held

    def allocate(self, holder: object, size: int, filled_in: float = 0.0) -> None:
        """Give `size` bytes to `holder`, which fills them within `filled_in` seconds."""
        with self._lock:
            self._allocations[holder] = _Allocation(size, time.monotonic(), filled_in)

    def release(self, holder: object) -> None:
        """Take back all that `holder` has."""
        with self._lock:
            self._allocations.pop(holder, None)

    @property
    def used(self) -> int:
        """Bytes in use now, by runners and other programs."""
        return self.other + sum(self.holders.values())

    @property
    def holders(self) -> dict[object, int]:
        """Bytes that each holder has filled now."""
        with self._lock:
            now = time.monotonic()
            return {holder: each.filled(now) for holder, each in self._allocations.items()}

    def busy(self) -> BusyTime:
        """The busy time until now."""
        with self._lock:
            now = time.monotonic()
            return BusyTime(now, *(phase.move(now) for phase in self._phases.values()))

    @contextmanager
    def working(self, phase: str, runner: object) -> Iterator[None]:
        """Count the time inside as `phase`, "prefill" or "decode", of `runner`."""
        with self._lock:
            self._phases[phase].move(time.monotonic(), 1)
            self._working[runner] = self._working.get(runner, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._phases[phase].move(time.monotonic(), -1)
                self._working[runner] -= 1
                if not self._working[runner]:
                    del self._working[runner]

    def slowdown(self, runner: object) -> float:
        """The factor by which other requests on `runner` and beside it slow one down; 1.0 alone."""
        with self._lock:
            beside = self._working.get(runner, 1) - 1
            others = len(self._working) - (1 if runner in self._working else 0)
        return (1 + 0.15 * beside) * (1 + 0.8 * others)
