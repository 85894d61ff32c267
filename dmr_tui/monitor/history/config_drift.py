"""Config drift: a model that comes back with another context window without a configure."""

from dataclasses import dataclass

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.state.event import ConfigTouch, DriftDetail, Event


@dataclass(frozen=True, slots=True)
class _Before:
    context: int
    asked: int | None


class Drift:
    """Compares each load of a model with the one before it."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._before: dict[tuple[str, str], _Before] = {}
        self._touched: dict[tuple[str, str], ConfigTouch] = {}
        """The last change to the configuration of each since it was loaded."""

    def restart(self) -> None:
        """Expect the same loads again."""
        self._before.clear()
        self._touched.clear()

    def touch(self, digest: str | None, how: ConfigTouch) -> None:
        """Note that the configuration of one model changed, or without a name that of each."""
        for each in self._before:
            if digest is None or each[0] == digest:
                self._touched[each] = how

    def loaded(self, at: float, digest: str, mode: str, context: int, asked: int | None) -> None:
        """Compare a load that ended: `context` tokens in each slot, for `asked` by the runner."""
        before = self._before.get((digest, mode))
        touched = self._touched.pop((digest, mode), None)
        self._before[digest, mode] = _Before(context, asked)
        if before is None or before.context == context or touched == "user":
            return
        fitted = asked is None and before.asked is None
        detail = DriftDetail(before.context, context, touched, fitted)
        key = f"drift:{digest}:{mode}:{at:.6f}"
        self._events.put(Event(key, at, "config drift", detail, "log", "warning", digest=digest))
