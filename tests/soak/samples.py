"""What a process holds, sample after sample, and how fast it grows."""

from dataclasses import dataclass

import psutil

from dmr_tui.measure.stats import percentile

WARM_S = 600.0
"""Seconds in which caches and lists fill up to their limits."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the dashboard held at one moment."""

    at: float
    """Seconds since the start."""
    pss: float
    """MiB."""
    descriptors: int
    threads: int


def sample(pid: int, at: float) -> Sample:
    """Read what the process holds. Raises psutil.Error if it is gone."""
    process = psutil.Process(pid)
    pss = process.memory_full_info().pss / 2**20
    return Sample(at, pss, process.num_fds(), process.num_threads())


def settled(samples: list[Sample]) -> list[Sample]:
    """Return the samples after the first ten minutes, or the first third of a shorter run."""
    last = samples[-1].at if samples else 0.0
    warm = min(WARM_S, last / 3.0)
    return [each for each in samples if each.at >= warm]


def slope(points: list[tuple[float, float]]) -> float | None:
    """Return the slope a minute, by least squares; points are seconds and values."""
    if len(points) < 2:
        return None
    count = len(points)
    middle = sum(at for at, _ in points) / count
    mean = sum(value for _, value in points) / count
    spread = sum((at - middle) ** 2 for at, _ in points)
    if not spread:
        return None
    return 60.0 * sum((at - middle) * (value - mean) for at, value in points) / spread


def table(samples: list[Sample]) -> str:
    """Return the samples in at most twelve spans of equal length, each with its medians."""
    spans = min(12, len(samples))
    lines = [f"{'minutes':>13}  {'PSS, MiB':>8}  {'descriptors':>11}  {'threads':>7}"]
    for number in range(spans):
        part = samples[number * len(samples) // spans : (number + 1) * len(samples) // spans]
        pss, descriptors, threads = (
            percentile(sorted(values), 50)
            for values in (
                [each.pss for each in part],
                [float(each.descriptors) for each in part],
                [float(each.threads) for each in part],
            )
        )
        when = f"{part[0].at / 60:5.1f} – {part[-1].at / 60:5.1f}"
        lines.append(f"{when:>13}  {pss:8.1f}  {descriptors:11.0f}  {threads:7.0f}")
    return "\n".join(lines)
