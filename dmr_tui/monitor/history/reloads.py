"""Reload thrash: one model that is loaded again and again, and the reason."""

from collections import Counter, deque
from typing import Literal

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.state.event import Event, EventSource, ThrashDetail, UnloadReason

WINDOW_S = 600.0
LOADS = 3
REMEMBERED_REQUESTS = 500
BEFORE_S = 5.0
"""Seconds that a request may seem older than the load that it caused."""

EXPLAINING = frozenset[UnloadReason]({"idle", "room", "asked", "configure", "died", "failed"})
"""Reasons that explain why a model is loaded again soon."""


class Reloads:
    """Counts the loads of each model, and reports a model once in ten minutes."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._starts: dict[str, deque[float]] = {}
        self._reported: dict[str, tuple[float, str]] = {}
        """Time and key of the last event of each model."""
        self._reasons: dict[str, deque[UnloadReason]] = {}
        self._requests: deque[tuple[str | None, str, float, str]] = deque(
            maxlen=REMEMBERED_REQUESTS
        )
        """Digest, name, time and caller."""
        self._counts: dict[str, int] = {}

    def restart(self) -> None:
        """Expect the same loads again."""
        self._starts.clear()
        self._reported.clear()
        self._reasons.clear()

    def requested(self, digest: str | None, model: str, at: float, caller: str) -> None:
        """Note a request for a model."""
        self._requests.append((digest, model, at, caller))

    def left(self, model: str, reason: UnloadReason) -> None:
        """Note that `model`, named as in `started`, is not loaded any more."""
        self._reasons.setdefault(model, deque(maxlen=2 * LOADS)).append(reason)

    def started(
        self, model: str, at: float, source: EventSource, *, digest: str | None, name: str
    ) -> None:
        """Count a load of `model`: its digest, or its name where nothing else is known."""
        starts = self._starts.setdefault(model, deque(maxlen=100))
        starts.append(at)
        recent = sorted(start for start in starts if abs(at - start) <= WINDOW_S)
        reported_at, key = self._reported.get(model, (0.0, ""))
        if not key or abs(at - reported_at) > WINDOW_S:
            if len(recent) < LOADS:
                return
            key = f"thrash:{model}:{at:.6f}"
            self._reported[model] = reported_at, key = at, key
        if self._counts.get(key, 0) >= len(recent):
            # The log is read again: what is shown counts more loads already.
            return
        self._counts[key] = len(recent)
        if len(self._counts) > REMEMBERED_REQUESTS:
            del self._counts[next(iter(self._counts))]
        detail = ThrashDetail(
            len(recent),
            recent[-1] - recent[0],
            self._callers(digest, name, recent[0], at),
            self._reason(model),
        )
        self._events.put(
            Event(key, reported_at, "reload thrash", detail, source, "warning", name, digest)
        )

    def _callers(
        self, digest: str | None, name: str, since: float, until: float
    ) -> tuple[str, ...]:
        callers = {
            caller
            for wanted, wanted_name, at, caller in self._requests
            if since - BEFORE_S <= at <= until + BEFORE_S
            and (wanted == digest if wanted and digest else bool(name) and wanted_name == name)
        }
        return tuple(sorted(callers))

    def _reason(self, model: str) -> UnloadReason | Literal["several"]:
        known = Counter(r for r in self._reasons.get(model, ()) if r in EXPLAINING)
        first, *others = known.most_common(2) or [("unknown", 0)]
        return "several" if others and others[0][1] == first[1] else first[0]
