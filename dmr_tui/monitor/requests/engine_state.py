"""The engine of a model, as far as it explains requests: its window, who waited for its load."""

from dataclasses import dataclass

from dmr_tui.measure.baseline import Baseline
from dmr_tui.measure.request_numbers import ended
from dmr_tui.runner.request import Request

READY_BEFORE_S = 0.2
READY_AFTER_S = 1.5
"""Around the end of a load the first request of the model begins; DMR looks every 0.5 s."""
TOGETHER_S = 0.05
"""Requests that waited for one load begin together; those that come later did not wait."""


@dataclass(slots=True)
class EngineState:
    """The newest engine of one model, as far as it explains requests."""

    baseline: Baseline
    """Outlives the engine."""
    configured_context: int | None = None
    window: int | None = None
    """Tokens of one slot, by its log."""
    load: tuple[float, float] | None = None
    """Start and end of its load."""
    first: Request | None = None
    """The first request after its load."""

    def end(self) -> None:
        """Forget what need not be true of the next engine."""
        self.window = self.configured_context = None

    def serves(self, request: Request) -> bool:
        """Return whether `request` began after its load, and not with an engine before."""
        return self.load is not None and request.started_at >= self.load[1] - READY_BEFORE_S

    def begins_with(self, request: Request) -> bool:
        """Return whether `request` is the first known one after its load."""
        if self.load is None or not self.serves(request):
            return False
        soon = request.started_at - self.load[1] <= READY_AFTER_S
        return soon and (self.first is None or request.started_at <= self.first.started_at)

    def load_s(self, request: Request) -> float | None:
        """Return the seconds that `request` waited for its load; None if it did not."""
        if self.load is None or self.first is None:
            return None
        after_s = request.started_at - self.first.started_at
        at_once = request.id == self.first.id or request.started_at < ended(self.first)
        waited = 0.0 <= after_s <= TOGETHER_S and at_once
        return request.started_at - self.load[0] if waited else None
