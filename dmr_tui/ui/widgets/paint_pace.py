"""The pace at which a growing text is painted."""

from time import perf_counter, thread_time

PAINT_S = 1 / 12
"""Seconds between two pictures of a streaming answer at the least."""
PAINT_SHARE = 8.0
"""Seconds between two pictures for each second of work that a picture takes.

Laying out and painting Markdown takes 20 to 50 ms: painting more often than this would take from
the machine what the model needs, and delay keys.
"""


class PaintPace:
    """The time of the next picture, by the work that the last one took."""

    def __init__(self) -> None:
        self._next_at = 0.0

    @property
    def is_due(self) -> bool:
        """True if the next picture may be painted now."""
        return perf_counter() >= self._next_at

    def painted(self, began: float) -> None:
        """Put the next picture off; `began` is the `thread_time` at which the last one began."""
        cost = thread_time() - began
        self._next_at = perf_counter() + max(PAINT_S, PAINT_SHARE * cost)
