"""The words about a request: how it ended, and how slow it was."""

from dmr_tui.measure.request_numbers import timed_out_after
from dmr_tui.runner.request import Request, Slower, SlownessHint
from dmr_tui.state.requests import SlowLately
from dmr_tui.text import format

_HINTS: dict[SlownessHint, str] = {
    "GPU unused": "the GPU was hardly used, so the processor may have done the work",
    "CPU full": "the processor was full all the time",
}


def status_words(request: Request) -> str:
    """Say how a request ended."""
    if request.outcome == "cut":
        return "cut at max tokens"
    if request.outcome == "failed" and request.status >= 400:
        return f"failed (HTTP {request.status})"
    if request.outcome == "client left":
        if (limit := timed_out_after(request)) is not None:
            return f"timed out after {limit:g} s"
        if request.duration is not None:
            return f"client left after {format.seconds(request.duration)}"
    return request.outcome


def slower_words(slower: Slower) -> str:
    """Say by how much a request was slower than usual, and the likely reason."""
    text = f"{slower.share:.0%} slower than its usual {slower.baseline:.3g} tok/s"
    at_once = f"{slower.concurrent} calls at once" if slower.concurrent > 1 else ""
    reason = at_once or _HINTS.get(slower.hint, "")
    return f"{text}: {reason}" if reason else text


def slow_lately_words(slow: SlowLately) -> str:
    """Say how slow the newest requests of a group were."""
    return f"its last {slow.requests} calls: {slow.decode:.3g} tok/s; {slower_words(slow.newest)}"
