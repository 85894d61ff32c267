"""Bounded rings of percentages at a steady pace; a gap stays a gap."""

from collections import deque

from dmr_tui.measure.stats import Series

LENGTH = 60


class Ring:
    """The newest `LENGTH` values, one for each `interval`."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._values: deque[float | None] = deque(maxlen=LENGTH)
        self._last: float | None = None

    def add(self, at: float, value: float | None) -> None:
        """Append `value`; intervals in which nothing came are filled with gaps."""
        if self._last is not None:
            missed = round((at - self._last) / self._interval) - 1
            self._values.extend([None] * min(max(missed, 0), LENGTH))
        self._last = at
        self._values.append(value)

    def between(self, began: float, ended: float) -> Series:
        """Return the values that were read within these times, oldest first."""
        if self._last is None:
            return ()
        newest = self._last
        times = (newest - self._interval * n for n in range(len(self._values)))
        found = [
            v for at, v in zip(times, reversed(self._values), strict=False) if began <= at <= ended
        ]
        return tuple(reversed(found))

    @property
    def series(self) -> Series:
        """The values, oldest first."""
        return tuple(self._values)
