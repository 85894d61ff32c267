"""A call in words: its API, its state, when it was, and what a person should know about it."""

import time
from collections.abc import Iterator

from dmr_tui.measure.request_numbers import context_used, timed_out_after, window
from dmr_tui.runner.errors.explain import explain_request
from dmr_tui.runner.names import short
from dmr_tui.runner.request import FAILURES, Outcome, Request
from dmr_tui.state.event import ErrorDetail, Event
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.requests import slower_words, status_words
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part

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
"""Where there is no room for `status_words`."""
LATELY_S = 600.0
CHAT_APIS = frozenset({"OpenAI chat", "Ollama", "Anthropic"})
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")


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


def status_style(request: Request) -> str:
    """Quiet if all is well, else the colour of what happened."""
    if request.outcome in FAILURES:
        return "bold $error"
    if request.outcome in {"cut", "client left"}:
        return "$warning"
    return "$label" if request.outcome == "ok" else "$faint"


def status(request: Request) -> Part:
    """How it ended, and how often it was sent."""
    return status_words(request) + _times(request), status_style(request)


def short_status(request: Request) -> Part:
    """The same in twelve cells."""
    word = "timed out" if timed_out_after(request) else OUTCOMES[request.outcome]
    if request.tries > 1 and word == OUTCOMES["client left"]:
        # How often is worth more than the whole word.
        word = "left"
    return word + _times(request), status_style(request)


def unrecorded(snapshot: Snapshot) -> int:
    """Calls of the last minutes that failed before the runner made a record of them.

    A load that fails ends the call that wanted it, and so does a model that is not installed.
    """
    since = now() + snapshot.clock_offset - LATELY_S
    return sum(
        event.at >= since
        and event.request is None
        and (event.kind in {"load failed", "out of memory"} or _lacks_model(event))
        for event in snapshot.events
    )


def _lacks_model(event: Event) -> bool:
    return isinstance(event.detail, ErrorDetail) and event.detail.kind == "model missing"


def _times(request: Request) -> str:
    return f" ×{request.tries}" if request.tries > 1 else ""


def moment(at: float) -> str:
    """A time of today, else the weekday with it, else the date; nine cells."""
    local, today = time.localtime(at), time.localtime(now())
    if local[:3] == today[:3]:
        return time.strftime("%H:%M:%S", local)
    if 0.0 <= now() - at < WEEK_S:
        return time.strftime("%a %H:%M", local)
    form = "%d %b" if local.tm_year == today.tm_year else "%b %Y"
    return time.strftime(form, local)


def exact_moment(at: float) -> str:
    """Date and time to the millisecond."""
    thousandth = min(999, int(at % 1 * 1000))
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))}.{thousandth:03}"


def context(request: Request, nearly_full: float) -> Part:
    """Tokens used of the window, coloured from `nearly_full` per cent of it on."""
    used, size = context_used(request), window(request)
    if used is None:
        return format.UNKNOWN, "$faint"
    if not size:
        return format.window(used), "$value"
    style = "bold $load-heavy" if 100.0 * used >= nearly_full * size else "$value"
    return f"{format.window(used)}/{format.window(size)}", style


def remarks(request: Request, caller: str) -> Line:
    """One line about what is not as usual; empty for a call like any other."""
    parts: list[Part] = []
    for text, style in _remarks(request, caller):
        if parts:
            parts.append((f" {GLYPHS.dot} ", "$faint"))
        parts.append((text, style))
    return tuple(parts)


def _remarks(request: Request, caller: str) -> Iterator[Part]:
    if request.outcome in FAILURES:
        said = explain_request(request)
        yield plain(said.what), "$error"
        for text in (said.cause, said.step):
            if text:
                yield plain(text), "$label"
    elif request.outcome in {"cut", "client left", "end unknown"}:
        yield why_ended(request, caller), "$label"
    if request.slow:
        yield f"{GLYPHS.warning} {slower_words(request.slow)}", "$warning"
    if request.load_s is not None:
        load = format.seconds(request.load_s)
        yield f"model loaded first: {load}, before the record begins", "$label"
    if request.tries > 1:
        first = request.first_started_at
        since = "" if first is None else f", first at {moment(first)}"
        yield f"sent {request.tries} times{since}", "$label"


def why_ended(request: Request, caller: str) -> str:
    """In a sentence, how a call ended that is neither ok nor failed."""
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
    """Why this call cannot be sent again; empty if it can."""
    if request.outcome == "in flight":
        return "It is still in flight: it can be replayed when it has ended"
    if request.message_count or request.api in CHAT_APIS:
        return ""
    return f"Only chats can be replayed: {api_word(request)} calls hold no messages"
