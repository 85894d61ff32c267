"""Errors of the log that no other event reports; repetitions of one are one event."""

from collections import deque
from dataclasses import dataclass, replace

from msgspec import structs

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.runner.errors.explain import explain_quote
from dmr_tui.runner.logs.log_event import ErrorLine
from dmr_tui.state.event import ErrorDetail, Event

AGAIN_S = 60.0
"""The same error within this time of the last one is counted, not reported again."""
SAME_REQUEST_S = 5.0
"""Seconds by which the feed may report an error before or after the log."""
REMEMBERED = 200


@dataclass(slots=True)
class _Series:
    event: Event
    detail: ErrorDetail
    last_at: float
    count: int = 1


class ErrorEvents:
    """Adds one event for each error; none for an error that a request's own event reports."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._series: dict[tuple[str, str], _Series] = {}
        """By the meaning of the error and the model."""
        self._shown: dict[str, int] = {}
        """Count of each, including before the log was read again."""
        self._failed: deque[tuple[str, float]] = deque(maxlen=REMEMBERED)
        """Meaning and time of the errors of requests."""

    def restart(self) -> None:
        """Expect the same lines again."""
        self._series.clear()

    def take(self, line: ErrorLine) -> None:
        """Add or count an error of the log."""
        error = explain_quote(line.text)
        if any(_same_request(line.at, at) for what, at in self._failed if what == error.what):
            return
        series = self._series.get((error.what, line.model))
        if series is not None and abs(line.at - series.last_at) <= AGAIN_S:
            series.count += 1
            series.last_at = line.at
            self._count(series)
            return
        key = f"error:{line.at:.6f}:{line.model}:{error.what}"
        detail = ErrorDetail(line.text, error.kind)
        event = Event(key, line.at, "error", detail, "log", "error", line.model)
        self._series[error.what, line.model] = _Series(event, detail, line.at)
        if len(self._series) > REMEMBERED:
            del self._series[next(iter(self._series))]
        self._events.put_first(event)

    def request_failed(self, error: ErrorDetail, at: float) -> None:
        """Take back the log's event of an error that the feed reports with its request."""
        failed = explain_quote(error.quote, status=error.status).what
        self._failed.append((failed, at))
        for (what, _), series in list(self._series.items()):
            if what == failed and series.count == 1 and _same_request(series.last_at, at):
                self._events.withdraw(series.event.key)

    def _count(self, series: _Series) -> None:
        key = series.event.key
        if self._shown.get(key, 1) >= series.count:
            return
        self._shown[key] = series.count
        if len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]
        span = max(0.0, series.last_at - series.event.at)
        counted = structs.replace(series.detail, times=series.count, span_s=span)
        self._events.put(replace(series.event, detail=counted))


def _same_request(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_REQUEST_S
