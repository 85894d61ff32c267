"""One request in words: its API, how it ended, when it was, and what is not as usual."""

import time

from dmr_tui.measure.request_numbers import context_used, timed_out_after, window
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Outcome, Request, Slower, SlownessHint
from dmr_tui.state.requests import SlowLately
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain

WEEK_S = 6 * 86400.0

APIS = {
    "OpenAI chat": "OpenAI",
    "OpenAI completion": "completion",
    "Anthropic tokens": "tokens",
}
OUTCOMES: dict[Outcome, str] = {
    "ok": "ok",
    "cut": "cut",
    "client left": "client left",
    "context overflow": "overflow",
    "out of memory": "no memory",
    "model missing": "no model",
    "backend missing": "no backend",
    "failed": "failed",
    "end unknown": "end unknown",
    "in flight": "in flight",
}
"""Short forms of `status_words` for narrow columns."""
CHAT_APIS = frozenset({"OpenAI chat", "Ollama", "Anthropic"})
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
_HINTS: dict[SlownessHint, str] = {
    "GPU unused": "the GPU was hardly used, so the processor may have done the work",
    "CPU full": "the processor was full all the time",
}


def caller_word(caller: str) -> str:
    """A caller's name without what is only a remark to it."""
    name = plain(caller)
    return "n8n AI node" if name.endswith("(n8n AI nodes)") else name


def model_word(model: str) -> str:
    """A model's short name."""
    return plain(short(model)) or format.UNKNOWN


def api_word(request: Request) -> str:
    """The API in one word; of a path that has no name, its last part."""
    return plain(APIS.get(request.api) or request.api.rstrip("/").rpartition("/")[2] or "?")


def status_words(request: Request) -> str:
    """The end of a request, in a few words."""
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


def status_text(request: Request) -> str:
    """The outcome, and how often the request was sent."""
    return status_words(request) + _times(request)


def short_status(request: Request) -> str:
    """`status_text` in twelve cells."""
    word = "timed out" if timed_out_after(request) else OUTCOMES[request.outcome]
    if request.tries > 1 and word == OUTCOMES["client left"]:
        # How often is worth more than the whole word.
        word = "left"
    return word + _times(request)


def _times(request: Request) -> str:
    return f" ×{request.tries}" if request.tries > 1 else ""


def moment(at: float, now: float) -> str:
    """A time of today, else the weekday with it, else the date; nine cells."""
    local, today = time.localtime(at), time.localtime(now)
    if local[:3] == today[:3]:
        return time.strftime("%H:%M:%S", local)
    if 0.0 <= now - at < WEEK_S:
        return time.strftime("%a %H:%M", local)
    form = "%d %b" if local.tm_year == today.tm_year else "%b %Y"
    return time.strftime(form, local)


def exact_moment(at: float) -> str:
    """Date and time to the millisecond."""
    thousandth = min(999, int(at % 1 * 1000))
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))}.{thousandth:03}"


def why_ended(request: Request, caller: str) -> str:
    """Say in a sentence how a request ended that is neither ok nor failed."""
    if request.outcome == "cut":
        used, size = context_used(request), window(request)
        if used is not None and size and used >= size:
            return f"the context window of {format.count(size)} tokens was full"
        limit = next((value for name, value in request.parameters if name in LIMITS), "")
        return f"the answer ended at its token limit{f' of {plain(limit)}' if limit else ''}"
    if request.outcome == "client left":
        limit_s = timed_out_after(request)
        if limit_s is not None:
            return f"{plain(caller)} gave up after its time limit of {limit_s:g} s"
        after = "" if request.duration is None else f" after {format.seconds(request.duration)}"
        return f"{plain(caller)} closed the connection{after}"
    return "the runner dropped the record before it told the end"


def not_replayable(request: Request) -> str:
    """The reason why this request cannot be sent again; empty if it can."""
    if request.outcome == "in flight":
        return "It is still in flight: it can be replayed when it has ended"
    if request.message_count or request.api in CHAT_APIS:
        return ""
    return f"Only chats can be replayed: {api_word(request)} calls hold no messages"


def slower_words(slower: Slower) -> str:
    """Say by how much a request was slower than usual, and the likely reason."""
    text = f"{slower.share:.0%} slower than its usual {slower.baseline:.3g} tok/s"
    at_once = f"{slower.concurrent} calls at once" if slower.concurrent > 1 else ""
    reason = at_once or _HINTS.get(slower.hint, "")
    return f"{text}: {reason}" if reason else text


def slow_lately_words(slow: SlowLately) -> str:
    """Say how slow the newest requests of a group were."""
    return f"its last {slow.requests} calls: {slow.decode:.3g} tok/s; {slower_words(slow.newest)}"
