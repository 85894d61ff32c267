"""Reload thrash: one model that is loaded again and again, and why."""

from collections import Counter, deque
from typing import Literal

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.event_text import times_words
from dmr_tui.state.event import Event, EventSource

WINDOW_S = 600.0
LOADS = 3
REMEMBERED_CALLS = 500
BEFORE_S = 5.0
"""Seconds that a call may seem older than the load that it caused."""

Reason = Literal[
    "idle", "room", "asked", "configure", "died", "uninstalled", "stopped", "failed", "unknown"
]
"""Why a model is not loaded any more."""

_CAUSES: dict[Reason, str] = {
    "idle": "It is unloaded between calls: a longer keep-alive keeps it, with "
    "docker model configure --keep-alive 1h.",
    "room": "More models, or modes of one, take turns than there are runner slots: one for each "
    "CPU, at most 8. When all are taken, every idle model is unloaded.",
    "asked": "Something unloads it each time: look for the caller that does.",
    "configure": "Callers configure it in turn, each for itself: options of Ollama calls, such as "
    "num_ctx and keep_alive, replace the whole configuration and load it anew.",
    "died": "Its engine ends again and again: the log says why.",
    "failed": "Its load fails, and each call tries again.",
}


class Reloads:
    """Counts the loads of each model; a model is named once in ten minutes."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._starts: dict[str, deque[float]] = {}
        self._named: dict[str, tuple[float, str]] = {}
        self._reasons: dict[str, deque[Reason]] = {}
        self._calls: deque[tuple[str | None, str, float, str]] = deque(maxlen=REMEMBERED_CALLS)
        self._counts: dict[str, int] = {}

    def restart(self) -> None:
        """The same loads are going to be told again."""
        self._starts.clear()
        self._named.clear()
        self._reasons.clear()

    def called(self, digest: str | None, model: str, at: float, caller: str) -> None:
        """Somebody used a model."""
        self._calls.append((digest, model, at, caller))

    def left(self, who: str, reason: Reason) -> None:
        """A model is not loaded any more."""
        self._reasons.setdefault(who, deque(maxlen=2 * LOADS)).append(reason)

    def started(
        self, who: str, at: float, source: EventSource, *, digest: str | None, model: str
    ) -> None:
        """A load of `who` begins; that is its digest, or its name where nothing else is known."""
        starts = self._starts.setdefault(who, deque(maxlen=100))
        starts.append(at)
        recent = sorted(start for start in starts if abs(at - start) <= WINDOW_S)
        named_at, key = self._named.get(who, (0.0, ""))
        if not key or abs(at - named_at) > WINDOW_S:
            if len(recent) < LOADS:
                return
            key = f"thrash:{who}:{at:.6f}"
            self._named[who] = named_at, key = at, key
        if self._counts.get(key, 0) >= len(recent):
            # The log is read again: what is shown counts more loads already.
            return
        self._counts[key] = len(recent)
        if len(self._counts) > REMEMBERED_CALLS:
            del self._counts[next(iter(self._counts))]
        callers = self._callers(digest, model, recent[0], at)
        text = f"load started {times_words(len(recent), recent[-1] - recent[0])}"
        self._events.put(
            Event(
                key,
                named_at,
                "reload thrash",
                f"{text}, called by {', '.join(callers)}" if callers else text,
                source,
                "warning",
                model,
                digest,
                cause=self._cause(who),
            )
        )

    def _callers(self, digest: str | None, model: str, since: float, until: float) -> list[str]:
        names = {
            caller: None
            for called, name, at, caller in self._calls
            if since - BEFORE_S <= at <= until + BEFORE_S
            and (called == digest if called and digest else bool(model) and name == model)
        }
        return sorted(names)

    def _cause(self, who: str) -> str:
        known = Counter(r for r in self._reasons.get(who, ()) if r in _CAUSES)
        first, *others = known.most_common(2) or [("unknown", 0)]
        if others and others[0][1] == first[1]:
            return "It left for more than one reason: the unloads before say which."
        return _CAUSES.get(first[0], "")
