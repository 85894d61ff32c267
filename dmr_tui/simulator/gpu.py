"""The simulated GPU: who holds its memory, and for how long it was busy."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dmr_tui.simulator.model import MIB


@dataclass(frozen=True, slots=True)
class Busy:
    """Seconds since the start in which at least one call was in each phase."""

    at: float
    prefill: float
    decode: float


@dataclass(slots=True)
class _Holding:
    bytes: int
    since: float
    filled_in: float

    def held(self, now: float) -> int:
        if self.filled_in <= 0:
            return self.bytes
        return int(self.bytes * min(1.0, (now - self.since) / self.filled_in))


class _Stopwatch:
    """Runs while anyone is in the phase."""

    def __init__(self) -> None:
        self.inside = 0
        self._total = 0.0
        self._since = 0.0

    def enter(self, now: float) -> None:
        if self.inside == 0:
            self._since = now
        self.inside += 1

    def leave(self, now: float) -> None:
        self.inside -= 1
        if self.inside == 0:
            self._total += now - self._since

    def read(self, now: float) -> float:
        return self._total + (now - self._since if self.inside else 0.0)


class SimulatedGpu:
    """Memory that runners take and give back, and the time that calls spend; thread-safe."""

    def __init__(self, total: int = 24_564 * MIB, other: int = 640 * MIB) -> None:
        self.total = total
        self.other = other
        """Bytes that other programs hold."""
        self.unused = False
        """Whether engines compute without it, though it is there."""
        self._lock = threading.Lock()
        self._holdings: dict[object, _Holding] = {}
        self._phases = {"prefill": _Stopwatch(), "decode": _Stopwatch()}
        self._hosts: dict[object, int] = {}

    @property
    def free(self) -> int:
        """Bytes that nobody holds or is about to fill."""
        with self._lock:
            return self.total - self.other - sum(each.bytes for each in self._holdings.values())

    def take(self, holder: object, size: int, filled_in: float = 0.0) -> None:
        """`holder` takes `size` bytes, filling them within `filled_in` seconds."""
        with self._lock:
            self._holdings[holder] = _Holding(size, time.monotonic(), filled_in)

    def give_back(self, holder: object) -> None:
        with self._lock:
            self._holdings.pop(holder, None)

    def clear(self) -> None:
        """The runner's container has ended: its memory is free again."""
        with self._lock:
            self._holdings.clear()

    @property
    def used(self) -> int:
        """Bytes in use now, whoever uses them."""
        with self._lock:
            now = time.monotonic()
            return self.other + sum(each.held(now) for each in self._holdings.values())

    @property
    def holders(self) -> dict[object, int]:
        """Who holds how many bytes now."""
        with self._lock:
            now = time.monotonic()
            return {holder: each.held(now) for holder, each in self._holdings.items()}

    def busy(self) -> Busy:
        """The stopwatches now."""
        with self._lock:
            now = time.monotonic()
            return Busy(now, *(self._phases[name].read(now) for name in ("prefill", "decode")))

    @contextmanager
    def working(self, phase: str, runner: object) -> Iterator[None]:
        """The time inside counts as `phase`, "prefill" or "decode", of `runner`."""
        with self._lock:
            self._phases[phase].enter(time.monotonic())
            self._hosts[runner] = self._hosts.get(runner, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._phases[phase].leave(time.monotonic())
                self._hosts[runner] -= 1
                if not self._hosts[runner]:
                    del self._hosts[runner]

    def slowdown(self, runner: object) -> float:
        """By how much company on the same runner and beside it slows one call down: 1.0 alone."""
        with self._lock:
            mates = self._hosts.get(runner, 1) - 1
            others = len(self._hosts) - (1 if runner in self._hosts else 0)
        return (1 + 0.15 * mates) * (1 + 0.8 * others)
