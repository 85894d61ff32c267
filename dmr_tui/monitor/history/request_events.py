"""Calls that ended badly, as events."""

from dmr_tui.measure.request_numbers import ended, timed_out_after
from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.runner.errors.explain import error_text, explain_request, explain_text
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.event import Event
from dmr_tui.text import format


class RequestEvents:
    """One event for each call that failed or was left."""

    def __init__(self, events: EventList) -> None:
        self._events = events

    def take(self, request: Request) -> Event | None:
        """Tell of `request` if there is something to tell; gives the event of one that failed."""
        if request.outcome == "client left":
            self._events.put(_left(request))
        elif request.outcome in FAILURES:
            event = _failed(request)
            self._events.put(event)
            return event
        return None


def _left(request: Request) -> Event:
    limit = timed_out_after(request)
    if limit is not None:
        text = f"{request.caller} hung up after {limit:.0f} s, its time limit"
    elif request.duration is not None:
        text = f"{request.caller} hung up after {format.seconds(request.duration)}"
    else:
        text = f"{request.caller} hung up"
    return Event(
        f"request:{request.id}",
        ended(request),
        "client left",
        text,
        "feed",
        "warning",
        request.model,
        request.digest,
        request.duration,
        request.id,
    )


def _failed(request: Request) -> Event:
    # The model has a column of its own; a command needs its name.
    what = explain_text(request.status, error_text(request)).what
    named = explain_request(request)
    return Event(
        f"request:{request.id}",
        ended(request),
        "out of memory" if request.outcome == "out of memory" else "request failed",
        what,
        "feed",
        "error",
        request.model,
        request.digest,
        request.duration,
        request.id,
        f"{named.cause} {named.step}".strip(),
    )
