"""Requests that ended badly, as events."""

from dmr_tui.measure.request_numbers import ended, timed_out_after
from dmr_tui.runner.errors.explain import error_text, explain_text
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.event import ClientLeftDetail, Detail, ErrorDetail, Event, EventKind, Severity


def request_event(request: Request) -> Event | None:
    """The event of a request that failed or was left; None for any other."""
    if request.outcome == "client left":
        left = ClientLeftDetail(request.caller, timed_out_after(request))
        return _event(request, "client left", left, "warning")
    if request.outcome not in FAILURES:
        return None
    quote, status = error_text(request), request.status
    error = ErrorDetail(quote, explain_text(status, quote).kind, status)
    lacked = request.outcome == "out of memory"
    return _event(request, "out of memory" if lacked else "request failed", error, "error")


def _event(request: Request, kind: EventKind, detail: Detail, severity: Severity) -> Event:
    return Event(
        f"request:{request.id}",
        ended(request),
        kind,
        detail,
        "feed",
        severity,
        request.model,
        request.digest,
        request.duration,
        request.id,
    )
