"""The numbers of one finished call, each by its formula; None where a part of it is unknown."""

from collections.abc import Iterable

from dmr_tui.runner import tokens
from dmr_tui.runner.request import Request

GENERATING = frozenset({"ok", "cut", "client left"})
SAME_LIMIT = 0.03
"""Share by which a caller's clock and ours may differ at the end of its time limit."""


def processing_s(request: Request) -> float | None:
    """Seconds that the engine worked on it: prompt_ms + predicted_ms of its timings."""
    timings = request.timings
    if timings is None or timings.prompt_ms is None:
        return None
    return (timings.prompt_ms + (timings.predicted_ms or 0.0)) / 1000.0


def waited_s(request: Request) -> float | None:
    """Seconds before the engine began: by its log, else duration - processing.

    No timing of the engine holds it. The difference also has what network and HTTP take, which
    is milliseconds.
    """
    if request.processing_at is not None:
        return max(0.0, request.processing_at - request.started_at)
    duration, processing = request.duration, processing_s(request)
    if duration is None or processing is None:
        return None
    return max(0.0, duration - processing)


def ttft_s(request: Request) -> float | None:
    """Seconds until the caller got its first token: waited + prompt_ms.

    None if the answer was not streamed, as its first token comes with its last; the load of a
    cold model comes before the record and is not in it.
    """
    waited = waited_s(request)
    timings = request.timings
    if not request.streamed or waited is None or timings is None or timings.prompt_ms is None:
        return None
    return waited + timings.prompt_ms / 1000.0


def new_tokens(request: Request) -> int | None:
    """Prompt tokens that the engine had to process: all but the cached ones."""
    return tokens.new_tokens(request.prompt_tokens, request.cached_tokens, request.timings)


def context_used(request: Request) -> int | None:
    """Tokens of the context window at its end: prompt, cached or not, and generated ones."""
    if request.prompt_tokens is None:
        return None
    return request.prompt_tokens + (request.completion_tokens or 0)


def window(request: Request) -> int | None:
    """The context window of its slot: what the engine gave, else what was configured."""
    if request.window is not None:
        return request.window
    configured = request.context_size
    return configured if configured is not None and configured > 0 else None


def depth(request: Request) -> int | None:
    """Tokens before the first generated one: decoding slows as they grow."""
    return request.prompt_tokens


def timed_out_after(request: Request) -> float | None:
    """The time limit, in seconds, that made the caller leave; None if that was not the reason."""
    duration = request.duration
    if request.outcome != "client left" or duration is None or request.limit is None:
        return None
    return request.limit if abs(duration - request.limit) <= SAME_LIMIT * request.limit else None


def cache_share(requests: Iterable[Request]) -> float | None:
    """Cached of all prompt tokens, 0 to 1, of the calls that tell both; None if none does."""
    cached = total = 0
    for request in requests:
        if request.cached_tokens is not None and request.prompt_tokens:
            cached += request.cached_tokens
            total += request.prompt_tokens
    return cached / total if total else None


def ended(request: Request) -> float:
    """When a call ended; for one that ended before we listened, its start and its own timings."""
    if request.finished_at is not None:
        return request.finished_at
    timings = request.timings
    spent = 0.0 if timings is None else (timings.prompt_ms or 0.0) + (timings.predicted_ms or 0.0)
    return request.started_at + spent / 1000.0
