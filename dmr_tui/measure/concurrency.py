"""The combined rate of requests: rates add up only while the engine works on them at once."""

from collections.abc import Iterable

from dmr_tui.measure.rates import decode_rate
from dmr_tui.runner.request import Request

LATE_S = 0.05
"""Seconds by which the event of a request may come after its end; more on a busy machine."""


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
