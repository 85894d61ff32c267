"""Memory and processor of this computer, through psutil."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

from dmr_tui.machine.reading import Reading

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Host:
    """This computer at one moment; sizes in bytes."""

    cpu: Reading[float]
    """Per cent of all cores since the last reading."""
    cpu_count: int
    """Logical cores."""
    ram_used: Reading[int]
    """Total less available, so that cache that can be dropped does not count as used."""
    ram_total: Reading[int]
    swap_used: Reading[int]
    swap_total: Reading[int]


class HostProbe:
    """Reads this computer; each figure fails alone."""

    def __init__(self) -> None:
        # psutil's first call only sets the starting point and answers 0.0.
        self._primed = False

    def read(self) -> Host:
        """This computer now."""
        memory = _reading(psutil.virtual_memory)
        swap = _reading(psutil.swap_memory)
        return Host(
            cpu=self._cpu(),
            cpu_count=psutil.cpu_count() or 1,
            ram_used=_part(memory, lambda m: int(m.total - m.available)),
            ram_total=_part(memory, lambda m: int(m.total)),
            swap_used=_part(swap, lambda s: int(s.used)),
            swap_total=_part(swap, lambda s: int(s.total)),
        )

    def _cpu(self) -> Reading[float]:
        percent = _reading(lambda: float(psutil.cpu_percent(interval=None)))
        if not self._primed:
            self._primed = True
            return Reading(None, "measured from the second reading on")
        return percent


def _reading(measure: Callable[[], T]) -> Reading[T]:
    try:
        return Reading(measure())
    except (psutil.Error, OSError, RuntimeError, NotImplementedError) as error:
        return Reading(None, f"psutil: {error or type(error).__name__}")


def _part(whole: Reading[T], part: Callable[[T], int]) -> Reading[int]:
    if whole.value is None:
        return Reading(None, whole.reason)
    return Reading(part(whole.value))
