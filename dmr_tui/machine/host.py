"""Memory and processor of this computer, through psutil."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psutil

from dmr_tui.machine.gpu.gpu import LARGEST
from dmr_tui.machine.pressure import (
    COMMAND_S,
    UNREAD,
    Pressure,
    PressureProbe,
    Run,
    read_pages,
    run_command,
)
from dmr_tui.machine.reading import Reading

T = TypeVar("T")
_MAC_USED = ("active", "inactive", "speculative", "wired down", "occupied by compressor")
_MAC_CACHED = ("purgeable", "File-backed pages")


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
    pressure: Pressure = UNREAD


class HostProbe:
    """Reader of this computer's memory and processor; each figure fails alone."""

    def __init__(self, platform: str = sys.platform, run: Run = run_command) -> None:
        self._platform = platform
        self._run = run
        # psutil's first call only sets the starting point and answers 0.0.
        self._primed = False
        self._pressure = PressureProbe(platform=platform, run=run)
        self._vm: tuple[float, Reading[int]] | None = None

    def read(self) -> Host:
        """Read this computer as it is now."""
        memory = _reading(psutil.virtual_memory)
        swap = _reading(psutil.swap_memory)
        return Host(
            cpu=self._cpu(),
            cpu_count=psutil.cpu_count() or 1,
            ram_used=self._ram_used(memory),
            ram_total=_part(memory, lambda m: int(m.total)),
            swap_used=_part(swap, lambda s: int(s.used)),
            swap_total=_part(swap, lambda s: int(s.total)),
            pressure=self._pressure.read(),
        )

    def _ram_used(self, memory: Reading[Any]) -> Reading[int]:
        if self._platform != "darwin":
            return _part(memory, lambda m: int(m.total - m.available))
        # psutil leaves out the memory compressor of macOS.
        if self._vm is None or time.monotonic() - self._vm[0] >= COMMAND_S:
            self._vm = (time.monotonic(), read_vm(self._run))
        return self._vm[1]

    def _cpu(self) -> Reading[float]:
        percent = _reading(lambda: float(psutil.cpu_percent(interval=None)))
        if not self._primed:
            self._primed = True
            return Reading(None, "measured from the second reading on")
        return percent


def read_vm(run: Run = run_command) -> Reading[int]:
    """Bytes of RAM in use as Activity Monitor counts them, by vm_stat.

    Active, inactive, speculative, wired and compressed pages, less purgeable and file-backed ones.
    """
    pages = read_pages(run)
    if pages.value is None:
        return Reading(None, pages.reason)
    if not {*_MAC_USED, *_MAC_CACHED} <= pages.value.keys():
        return Reading(None, "vm_stat does not tell all kinds of pages")
    used = sum(pages.value[name] for name in _MAC_USED)
    used -= sum(pages.value[name] for name in _MAC_CACHED)
    return Reading(used) if 0 <= used <= LARGEST else Reading(None, "vm_stat tells absurd counts")


def _reading(measure: Callable[[], T]) -> Reading[T]:
    try:
        return Reading(measure())
    except (psutil.Error, OSError, RuntimeError, NotImplementedError) as error:
        return Reading(None, f"psutil: {error or type(error).__name__}")


def _part(whole: Reading[T], part: Callable[[T], int]) -> Reading[int]:
    if whole.value is None:
        return Reading(None, whole.reason)
    return Reading(part(whole.value))
