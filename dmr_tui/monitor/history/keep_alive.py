"""For how long each model was kept when nobody used it, as `ps` and `_configure` told it."""

from dmr_tui.runner.units import keep_alive_seconds
from dmr_tui.runner.wire import Configured, Running

DEFAULT_KEEP_S = 300.0
LOOKED_BEFORE_S = 10.0
"""Most that lies between two looks at what is loaded."""
REMEMBERED = 500


class Keeping:
    """The keep-alive of each model and since when that is known."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}
        """By digest or name."""

    def take_ps(self, before: list[Running], now: list[Running], at: float) -> None:
        """Two looks, the second one at `at`."""
        for looked_at, runs in ((at - LOOKED_BEFORE_S, before), (at, now)):
            for run in runs:
                if not run.loading:
                    self._learn(run.model_name, run.keep_alive, looked_at)

    def take_configured(self, now: list[Configured], at: float) -> None:
        """Every configuration there is."""
        for configured in now:
            self._learn(configured.model_id, configured.config.keep_alive, at)

    def seconds(self, digest: str, model: str, at: float) -> float | None:
        """The keep-alive at that time; None if it was not known then."""
        told = [t for who in (digest, model) if (t := self._known.get(who)) and t[0] <= at]
        return max(told)[1] if told else None

    def _learn(self, who: str, keep_alive: str | None, at: float) -> None:
        seconds = keep_alive_seconds(keep_alive) if keep_alive else DEFAULT_KEEP_S
        known = self._known.get(who)
        if seconds is None or (known is not None and known[1] == seconds and known[0] <= at):
            return
        self._known.pop(who, None)
        self._known[who] = at, seconds
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
