"""Loads and unloads as `GET /engines/ps` shows them, for runners whose log cannot be read."""

from collections import deque
from dataclasses import replace

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.reloads import Reloads
from dmr_tui.monitor.history.unloads import LATE_S
from dmr_tui.runner.names import digest_in
from dmr_tui.runner.units import DEFAULT_KEEP_ALIVE_S, FOREVER, keep_alive_seconds
from dmr_tui.runner.wire import Running
from dmr_tui.state.event import Detail, Event, EventKind, LoadSeen, Severity, UnloadDetail

EARLY_S = 2.0
"""Seconds by which an answer may seem to come too early: the runner's clock is estimated."""
LOOK_S = 6.0
"""Most by which an answer comes after what it shows."""

Key = tuple[str, str]
"""Name and mode."""


class PsLoads:
    """Compares what is loaded with what was loaded before."""

    def __init__(self, events: EventList, reloads: Reloads) -> None:
        self._events = events
        self._reloads = reloads
        self._since: dict[Key, tuple[float, str]] = {}
        """The time at which each was first seen loading, and the key of its event."""
        self._reported: deque[tuple[str, float, str, str]] = deque(maxlen=100)
        """Kind, time, name and key of each event."""

    def superseded(self, kind: str, at: float, name: str) -> None:
        """Take back a "load" or "unload" that the log, which can be read after all, reports."""
        same = [
            event
            for event in self._reported
            if event[0] == kind and -EARLY_S <= event[1] - at <= LOOK_S and name in {"", event[2]}
        ]
        if len(same) == 1:
            self._reported.remove(same[0])
            self._events.withdraw(same[0][3])

    def take(self, before: list[Running], now: list[Running], at: float) -> None:
        """Compare two answers, the second one of a request at `at`."""
        old = {(run.model_name, run.mode): run for run in before}
        new = {(run.model_name, run.mode): run for run in now}
        for key in sorted(old.keys() | new.keys()):
            was, run = old.get(key), new.get(key)
            if was is not None and not was.loading and (run is None or run.loading):
                self._gone(key, was, at)
            if run is not None and run.loading and (was is None or not was.loading):
                self._started(key, at)
            elif run is not None and not run.loading and (was is None or was.loading):
                self._ended(key, at, loaded=True)
            elif run is None and was is not None and was.loading:
                self._ended(key, at, loaded=False)

    def _started(self, key: Key, at: float) -> None:
        name, mode = key
        event_key = f"load:{name}:{mode}:{at:.6f}"
        self._since[key] = at, event_key
        self._reported.append(("load", at, name, event_key))
        self._events.put(self._event(event_key, key, at, "load started", None))
        self._count(key, at)

    def _ended(self, key: Key, at: float, *, loaded: bool) -> None:
        start, event_key = self._since.pop(key, (None, f"load:{key[0]}:{key[1]}:{at:.6f}"))
        seconds = None if start is None or at < start else at - start
        if not loaded:
            event = self._event(event_key, key, at, "load failed", None, "error")
            self._reloads.left(_model(key), "failed")
        else:
            event = self._event(event_key, key, at, "loaded", LoadSeen(start is not None), "good")
            if start is None:
                self._reported.append(("load", at, key[0], event_key))
                self._count(key, at)
        self._events.put(replace(event, seconds=seconds))

    def _gone(self, key: Key, was: Running, at: float) -> None:
        keep = keep_alive_seconds(was.keep_alive) if was.keep_alive else DEFAULT_KEEP_ALIVE_S
        idle = None
        if not was.in_use and was.last_used is not None and was.last_used.year > 1:
            idle = at - was.last_used.timestamp()
        due = idle is not None and keep is not None and keep != FOREVER
        if due and idle is not None and keep is not None and -EARLY_S <= idle - keep <= LATE_S:
            detail = UnloadDetail("idle", keep)
        else:
            detail = UnloadDetail()
        self._reloads.left(_model(key), detail.reason)
        event_key = f"unload:{key[0]}:{key[1]}:{at:.6f}"
        self._reported.append(("unload", at, key[0], event_key))
        self._events.put(self._event(event_key, key, at, "unloaded", detail))

    def _count(self, key: Key, at: float) -> None:
        self._reloads.started(_model(key), at, "ps", digest=digest_in(key[0]), name=key[0])

    def _event(
        self,
        event_key: str,
        key: Key,
        at: float,
        kind: EventKind,
        detail: Detail,
        severity: Severity = "info",
    ) -> Event:
        name, mode = key
        return Event(event_key, at, kind, detail, "ps", severity, name, digest_in(name), mode=mode)


def _model(key: Key) -> str:
    return digest_in(key[0]) or key[0]
