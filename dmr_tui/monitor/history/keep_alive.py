"""The keep-alive of each model, as `ps` and `_configure` showed it."""

from dmr_tui.runner.units import DEFAULT_KEEP_ALIVE_S, keep_alive_seconds
from dmr_tui.runner.wire import Configured, Running

LATE_S = 30.0
"""Seconds by which a machine that is busy may unload an idle model after its time."""
LOOKED_BEFORE_S = 10.0
"""Most that lies between two answers of `ps`."""
REMEMBERED = 500


class KeepAlives:
    """The keep-alive of each model, and the time since when it is known."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}
        """By digest or name."""

    def take_ps(self, before: list[Running], now: list[Running], at: float) -> None:
        """Learn from two answers of `ps`, the second one at `at`."""
        for looked_at, runs in ((at - LOOKED_BEFORE_S, before), (at, now)):
            for run in runs:
                if not run.loading:
                    self._learn(run.model_name, run.keep_alive, looked_at)

    def take_configured(self, now: list[Configured], at: float) -> None:
        """Learn from all configurations."""
        for configured in now:
            self._learn(configured.model_id, configured.config.keep_alive, at)

    def seconds(self, digest: str, model: str, at: float) -> float | None:
        """The keep-alive at that time; None if it was not known then."""
        known = [k for name in (digest, model) if (k := self._known.get(name)) and k[0] <= at]
        return max(known)[1] if known else None

    def _learn(self, name: str, keep_alive: str | None, at: float) -> None:
        seconds = keep_alive_seconds(keep_alive) if keep_alive else DEFAULT_KEEP_ALIVE_S
        known = self._known.get(name)
        if seconds is None or (known is not None and known[1] == seconds and known[0] <= at):
            return
        self._known.pop(name, None)
        self._known[name] = at, seconds
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
