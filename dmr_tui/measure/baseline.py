"""The usual decode rate of a model, and by how much one request was slower."""

from collections import deque

from dmr_tui.measure.stats import percentile
from dmr_tui.measure.thresholds import DEFAULTS
from dmr_tui.runner.request import Slower

REMEMBERED = 50
"""Requests of a model that make its usual rate."""
ENOUGH = 5
"""Fewest requests of similar depth that make a usual rate."""
SIMILAR = 2.0
"""Contexts whose depths differ by no more than this factor are decoded about equally fast."""
SHALLOW = 512
"""Tokens of context below which depth makes no difference."""


class Baseline:
    """The decode rates of one model's last requests, each with its depth in tokens."""

    def __init__(self, slow: float = DEFAULTS.level("slow")) -> None:
        """`slow`: per cent of the usual rate below which a request is slow."""
        self._slow = slow / 100.0
        self._requests: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)

    def judge(self, depth: int, rate: float) -> Slower | None:
        """Compare `rate` with the usual one, of which it is then a part.

        Returns None if it is not slow, or if too few requests of similar depth are known.
        """
        similar = sorted(r for d, r in self._requests if are_similar(d, depth))
        self._requests.append((depth, rate))
        if len(similar) < ENOUGH:
            return None
        baseline = percentile(similar, 50)
        return Slower(baseline, 1.0 - rate / baseline) if rate < self._slow * baseline else None


def are_similar(depth: int, other: int) -> bool:
    """Return whether two contexts are about equally deep."""
    low, high = sorted((max(depth, SHALLOW), max(other, SHALLOW)))
    return high <= SIMILAR * low
