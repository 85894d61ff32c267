"""The engine of one model, as far as it explains requests."""

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


def waited_for_load_of(first: Request, request: Request) -> bool:
    """Return whether `request` waited for the load that `first` waited for."""
    after_s = request.started_at - first.started_at
    at_once = request.id == first.id or request.started_at < ended(first)
    return 0.0 <= after_s <= TOGETHER_S and at_once
