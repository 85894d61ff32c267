"""Loads and unloads as `GET /engines/ps` shows them, for runners whose log cannot be had."""

from collections import deque
from dataclasses import replace

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.event_text import idle_words, in_mode
from dmr_tui.monitor.history.reloads import Reloads
from dmr_tui.runner.names import digest_in
from dmr_tui.runner.units import FOREVER, keep_alive_seconds
from dmr_tui.runner.wire import Running
from dmr_tui.state.event import Event, EventKind, Severity

DEFAULT_KEEP_S = 300.0
EARLY_S = 2.0
LATE_S = 30.0
BETWEEN = "between two looks"

LOOK_S = 6.0
"""Most by which a look comes after what it shows."""

Key = tuple[str, str]
"""Name and mode."""


class PsLoads:
    """Compares what is loaded with what was loaded a moment ago."""

    def __init__(self, events: EventList, reloads: Reloads) -> None:
        self._events = events
        self._reloads = reloads
        self._since: dict[Key, tuple[float, str]] = {}
        """When each was first seen loading, and the key of its event."""
        self._told: deque[tuple[str, float, str, str]] = deque(maxlen=100)
        """Kind, time, name and key of what was told."""

    def superseded(self, kind: str, at: float, name: str) -> None:
        """The log, which can be read after all, tells of a "load" or "unload" itself."""
        same = [
            told
            for told in self._told
            if told[0] == kind and -EARLY_S <= told[1] - at <= LOOK_S and name in {"", told[2]}
        ]
        if len(same) == 1:
            self._told.remove(same[0])
            self._events.withdraw(same[0][3])

    def take(self, before: list[Running], now: list[Running], at: float) -> None:
        """Two looks, the second one at `at`."""
        old = {(run.model_name, run.mode): run for run in before}
        new = {(run.model_name, run.mode): run for run in now}
        for key in sorted(old.keys() | new.keys()):
            was, run = old.get(key), new.get(key)
            if was is not None and not was.loading and (run is None or run.loading):
                self._gone(key, was, at)
            if run is not None and run.loading and (was is None or not was.loading):
                self._started(key, at)
            elif run is not None and not run.loading and (was is None or was.loading):
                self._loaded(key, at)
            elif run is None and was is not None and was.loading:
                self._failed(key, at)

    def _started(self, key: Key, at: float) -> None:
        name, mode = key
        event_key = f"load:{name}:{mode}:{at:.6f}"
        self._since[key] = at, event_key
        self._told.append(("load", at, name, event_key))
        self._events.put(self._event(event_key, key, at, "load started", "seen loading"))
        self._count(key, at)

    def _loaded(self, key: Key, at: float) -> None:
        start, event_key = self._since.pop(key, (None, f"load:{key[0]}:{key[1]}:{at:.6f}"))
        if start is None:
            self._told.append(("load", at, key[0], event_key))
            self._count(key, at)
        seconds = None if start is None or at < start else at - start
        text = BETWEEN if start is None else "as seen from outside"
        event = self._event(event_key, key, at, "loaded", text, "good")
        self._events.put(replace(event, seconds=seconds))

    def _failed(self, key: Key, at: float) -> None:
        start, event_key = self._since.pop(key, (None, f"load:{key[0]}:{key[1]}:{at:.6f}"))
        seconds = None if start is None or at < start else at - start
        text = "it was loading and is gone; why, only the log of the runner says"
        event = self._event(event_key, key, at, "load failed", text, "error")
        self._events.put(replace(event, seconds=seconds))
        self._reloads.left(_who(key), "failed")

    def _gone(self, key: Key, was: Running, at: float) -> None:
        keep = keep_alive_seconds(was.keep_alive) if was.keep_alive else DEFAULT_KEEP_S
        idle = None
        if not was.in_use and was.last_used is not None and was.last_used.year > 1:
            idle = at - was.last_used.timestamp()
        due = idle is not None and keep is not None and keep != FOREVER
        if due and idle is not None and keep is not None and -EARLY_S <= idle - keep <= LATE_S:
            text = idle_words(keep)
            self._reloads.left(_who(key), "idle")
        else:
            text = "cause unknown"
            self._reloads.left(_who(key), "unknown")
        event_key = f"unload:{key[0]}:{key[1]}:{at:.6f}"
        self._told.append(("unload", at, key[0], event_key))
        self._events.put(self._event(event_key, key, at, "unloaded", text))

    def _count(self, key: Key, at: float) -> None:
        self._reloads.started(_who(key), at, "ps", digest=digest_in(key[0]), model=key[0])

    def _event(
        self,
        event_key: str,
        key: Key,
        at: float,
        kind: EventKind,
        text: str,
        severity: Severity = "info",
    ) -> Event:
        name, mode = key
        said = in_mode(text, mode)
        return Event(event_key, at, kind, said, "ps", severity, name, digest_in(name))


def _who(key: Key) -> str:
    return digest_in(key[0]) or key[0]
