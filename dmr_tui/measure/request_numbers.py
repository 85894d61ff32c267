"""The numbers of a finished request, each by its formula; None where a part is unknown."""

from collections.abc import Iterable

from dmr_tui.measure.rates import decode_rate
from dmr_tui.runner import tokens
from dmr_tui.runner.request import Request

SAME_LIMIT = 0.03
"""Share by which a caller's clock and ours may differ at the end of its time limit."""
LATE_S = 0.25
"""Seconds by which the event of a request may come after its end, on a busy machine too."""


def processing_s(request: Request) -> float | None:
    """Return the seconds that the engine worked on it: prompt_ms + predicted_ms."""
    timings = request.timings
    if timings is None or timings.prompt_ms is None:
        return None
    return (timings.prompt_ms + (timings.predicted_ms or 0.0)) / 1000.0


def waited_s(request: Request) -> float | None:
    """Return the seconds before the engine began: by its log, else duration - processing.

    No timing of the engine holds them. The difference also has the milliseconds of network and
    HTTP.
    """
    if request.processing_at is not None:
        return max(0.0, request.processing_at - request.started_at)
    duration, processing = request.duration, processing_s(request)
    if duration is None or processing is None:
        return None
    return max(0.0, duration - processing)


def ttft_s(request: Request) -> float | None:
    """Return the seconds until the caller got its first token: waited + prompt_ms.

    None if the answer was not streamed, as its first token comes with its last; the load of a
    cold model comes before the record and is not in it.
    """
    waited = waited_s(request)
    timings = request.timings
    if not request.streamed or waited is None or timings is None or timings.prompt_ms is None:
        return None
    return waited + timings.prompt_ms / 1000.0


def new_tokens(request: Request) -> int | None:
    """Return the prompt tokens that the engine had to process: all but the cached ones."""
    return tokens.new_tokens(request.prompt_tokens, request.cached_tokens, request.timings)


def context_used(request: Request) -> int | None:
    """Return the tokens in the context window at its end: all of the prompt, and the answer."""
    if request.prompt_tokens is None:
        return None
    return request.prompt_tokens + (request.completion_tokens or 0)


def window(request: Request) -> int | None:
    """Return the context window of its slot: the one that the engine gave, else as configured."""
    sizes = (request.window, request.context_size)
    # None of it has no tokens, whatever a log says.
    return next((size for size in sizes if size is not None and size > 0), None)


def depth(request: Request) -> int | None:
    """Return the tokens before the first generated one: decoding slows as they grow."""
    return request.prompt_tokens


def timed_out_after(request: Request) -> float | None:
    """Return the time limit, in seconds, that made the caller leave; None if none did."""
    duration = request.duration
    if request.outcome != "client left" or duration is None or request.limit is None:
        return None
    return request.limit if abs(duration - request.limit) <= SAME_LIMIT * request.limit else None


def cache_share(requests: Iterable[Request]) -> float | None:
    """Return cached of all prompt tokens, 0 to 1, of the requests that tell both, else None."""
    cached = total = 0
    for request in requests:
        if request.cached_tokens is not None and request.prompt_tokens:
            cached += request.cached_tokens
            total += request.prompt_tokens
    return cached / total if total else None


def ended(request: Request) -> float:
    """Return the time of its end, by its start and timings if it was not observed."""
    if request.finished_at is not None:
        return request.finished_at
    timings = request.timings
    spent = 0.0 if timings is None else (timings.prompt_ms or 0.0) + (timings.predicted_ms or 0.0)
    return request.started_at + spent / 1000.0


def combined_rate(requests: Iterable[Request]) -> float | None:
    """Return the highest sum of the decode rates of requests at one time, in tokens per second.

    A request decodes for the last predicted_ms before its end. None unless two of them overlap:
    the rate of one alone is its own. Ends are noticed a little late, so that requests which
    follow each other seem to overlap: a part of each is not counted.
    """
    changes: list[tuple[float, float, int]] = []
    for request in requests:
        rate = decode_rate(request.timings)
        if rate is None or request.finished_at is None or request.timings is None:
            continue
        began = request.finished_at - (request.timings.predicted_ms or 0.0) / 1000.0
        changes.append((began, rate.value, 1))
        late = min(LATE_S, (request.finished_at - began) / 4.0)
        changes.append((request.finished_at - late, -rate.value, -1))
    # Requests of which one ends at the instant the other begins do not overlap.
    changes.sort(key=lambda change: (change[0], change[2]))
    highest: float | None = None
    total, count = 0.0, 0
    for _, rate_change, count_change in changes:
        total += rate_change
        count += count_change
        if count > 1 and (highest is None or total > highest):
            highest = total
    return highest
