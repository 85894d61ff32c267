"""The time that the runner takes to answer, in steps that the eye can tell apart."""

import math
import statistics
from collections import deque

ANSWERS = 5
"""Of which the median is taken."""


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
