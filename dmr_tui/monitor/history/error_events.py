"""Errors of the log that nothing else tells of; the same one again and again is one event."""

from collections import deque
from dataclasses import dataclass, replace

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.event_text import error_words, times_words
from dmr_tui.runner.logs.log_event import ErrorLine
from dmr_tui.state.event import Event

AGAIN_S = 60.0
"""The same error within this time of the last one is counted, not told anew."""
SAME_CALL_S = 5.0
"""Seconds by which the feed may tell of an error before or after the log."""
REMEMBERED = 200


@dataclass(slots=True)
class _Series:
    event: Event
    last_at: float
    count: int = 1


class ErrorEvents:
    """One event for each error; none for an error that a call's own event tells of."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._series: dict[tuple[str, str], _Series] = {}
        self._shown: dict[str, int] = {}
        """How often each was counted, also before the log was read again."""
        self._told: deque[tuple[str, float]] = deque(maxlen=REMEMBERED)

    def restart(self) -> None:
        """The same lines are going to be told again."""
        self._series.clear()

    def take(self, line: ErrorLine) -> None:
        """An error of the log."""
        _, text, cause = error_words(line.text, line.model)
        if any(_same_call(line.at, at) for what, at in self._told if what == text):
            return
        series = self._series.get((text, line.model))
        if series is not None and abs(line.at - series.last_at) <= AGAIN_S:
            series.count += 1
            series.last_at = line.at
            self._count(series)
            return
        event = Event(
            f"error:{line.at:.6f}:{line.model}:{text}",
            line.at,
            "error",
            text,
            "log",
            "error",
            line.model,
            cause=cause,
        )
        self._series[text, line.model] = _Series(event, line.at)
        if len(self._series) > REMEMBERED:
            del self._series[next(iter(self._series))]
        self._events.put_first(event)

    def told(self, failure: Event) -> None:
        """The feed tells of a call that failed: the log's line about it is the same thing."""
        self._told.append((failure.text, failure.at))
        for (text, _), series in list(self._series.items()):
            if (
                text == failure.text
                and series.count == 1
                and _same_call(series.last_at, failure.at)
            ):
                self._events.withdraw(series.event.key)

    def _count(self, series: _Series) -> None:
        key = series.event.key
        if self._shown.get(key, 1) >= series.count:
            return
        self._shown[key] = series.count
        if len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]
        span = series.last_at - series.event.at
        text = f"{series.event.text}, {times_words(series.count, max(0.0, span))}"
        self._events.put(replace(series.event, text=text))


def _same_call(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_CALL_S
