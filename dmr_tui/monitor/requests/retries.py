"""The tries of one request: an SDK sends it again by itself, and the user sees one request."""

from dataclasses import replace

from dmr_tui.measure.request_numbers import ended
from dmr_tui.runner.request import Request

AGAIN_WITHIN_S = 10.0
"""Seconds between a failed try and the next; SDKs wait up to eight."""
EARLY_S = 0.25
"""Seconds by which the next try may begin before the end of the last one is heard."""
REMEMBERED = 500
_RETRIED_STATUS = frozenset({408, 409, 429})


class Retries:
    """Recognises a try that follows a failed one: the same caller, the same body, at once."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], Request] = {}

    def numbered(self, request: Request) -> Request:
        """Return the same request with the number of its try."""
        before = self._before(request)
        if before is None:
            return request
        first = before.first_started_at or before.started_at
        return replace(request, tries=before.tries + 1, first_started_at=first)

    def replaced(self, request: Request) -> str | None:
        """Return the id of the try that `request` follows; None if it is a first one."""
        before = self._before(request)
        return None if before is None else before.id

    def ended(self, request: Request) -> None:
        """Remember a try that ended, in case that another one follows."""
        if request.fingerprint is None:
            return
        key = (request.caller, request.fingerprint)
        self._last.pop(key, None)
        if len(self._last) >= REMEMBERED:
            del self._last[next(iter(self._last))]
        self._last[key] = request

    def _before(self, request: Request) -> Request | None:
        if request.fingerprint is None:
            return None
        before = self._last.get((request.caller, request.fingerprint))
        if before is None or before.id == request.id or not _is_retried(before):
            return None
        pause = request.started_at - ended(before)
        follows = before.started_at < request.started_at
        return before if follows and -EARLY_S <= pause <= AGAIN_WITHIN_S else None


def _is_retried(request: Request) -> bool:
    """Return whether SDKs retry it: time limits, lost connections, errors of the server."""
    if request.outcome == "client left":
        return True
    return request.outcome == "failed" and (
        request.status >= 500 or request.status in _RETRIED_STATUS
    )
