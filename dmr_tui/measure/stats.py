"""Percentiles and rolling windows."""

from collections.abc import Iterable, Sequence

from msgspec import Struct


class Summary(Struct, frozen=True):
    """A sample in five numbers."""

    count: int
    p50: float
    p95: float
    lowest: float
    highest: float


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which `percent` of the sample lies, linear between neighbours.

    `values` in rising order, not empty. The same as numpy's default and as
    `statistics.quantiles(…, method="inclusive")`.
    """
    place = (len(values) - 1) * percent / 100.0
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def summary(values: Iterable[float]) -> Summary | None:
    """Return the sample in five numbers; None if it is empty."""
    rising = sorted(values)
    if not rising:
        return None
    return Summary(
        len(rising), percentile(rising, 50), percentile(rising, 95), rising[0], rising[-1]
    )


def binned(
    points: Iterable[tuple[float, float]], now: float, *, bins: int, width: float
) -> tuple[float | None, ...]:
    """Return the medians of `points` (time, value) in spans of equal width.

    There are `bins` spans of `width` seconds, the last one with `now` in it. They begin at
    multiples of `width`, so that a point never changes its span; a span without points is None,
    not zero.
    """
    last = int(now // width)
    spans: list[list[float]] = [[] for _ in range(bins)]
    for at, value in points:
        index = int(at // width) - last + bins - 1
        if 0 <= index < bins:
            spans[index].append(value)
    return tuple(percentile(sorted(span), 50) if span else None for span in spans)


Series = tuple[float | None, ...]
"""Equally spaced values, the newest last; None is a gap."""
