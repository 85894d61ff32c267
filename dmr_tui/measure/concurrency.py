"""What calls reach together: rates may be added only while the engine works on them at once."""

from collections.abc import Iterable

from dmr_tui.measure.rates import decode_rate
from dmr_tui.runner.request import Request

HEARD_LATE_S = 0.05
"""Seconds after its end at which a call's event may come, and more on a busy machine."""


def combined_rate(requests: Iterable[Request]) -> float | None:
    """The highest sum of decode rates of calls that decoded at the same time, tokens per second.

    A call decodes for the last predicted_ms before its end. None unless two of them overlap: what
    one call reaches alone is its own rate. Ends are heard a little late, so that calls which
    follow each other seem to overlap: a part of each is not counted.
    """
    changes: list[tuple[float, float, int]] = []
    for request in requests:
        rate = decode_rate(request.timings)
        if rate is None or request.finished_at is None or request.timings is None:
            continue
        began = request.finished_at - (request.timings.predicted_ms or 0.0) / 1000.0
        changes.append((began, rate.value, 1))
        late = min(HEARD_LATE_S, (request.finished_at - began) / 4.0)
        changes.append((request.finished_at - late, -rate.value, -1))
    # One that ends and one that begins at the same instant did not overlap.
    changes.sort(key=lambda change: (change[0], change[2]))
    highest: float | None = None
    total, count = 0.0, 0
    for _, rate_change, count_change in changes:
        total += rate_change
        count += count_change
        if count > 1 and (highest is None or total > highest):
            highest = total
    return highest
