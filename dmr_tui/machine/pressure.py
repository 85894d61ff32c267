"""The signs of memory pressure: Linux PSI, swap, OOM kills, macOS, Windows."""

import errno
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from dmr_tui.machine import files
from dmr_tui.machine.reading import Reading

_ELSEWHERE: Reading[Never] = Reading(None, "not on this system")


@dataclass(frozen=True, slots=True)
class Pressure:
    """The signs of memory pressure at one moment; each stands or fails alone."""

    some: Reading[float] = _ELSEWHERE
    """Linux PSI: per cent of the last 10 s in which some task waited for memory (some avg10)."""
    full: Reading[float] = _ELSEWHERE
    """Linux PSI: per cent of the last 10 s in which every task waited for memory (full avg10)."""
    swap_in: Reading[float] = _ELSEWHERE
    """Bytes a second that come back from swap, since the last reading."""
    swap_out: Reading[float] = _ELSEWHERE
    """Bytes a second that go to swap, since the last reading."""
    oom_kills: Reading[int] = _ELSEWHERE
    """Processes that the kernel killed for memory since the first reading."""
    level: Reading[int] = _ELSEWHERE
    """macOS kern.memorystatus_vm_pressure_level: 1 normal, 2 warning, 4 critical."""
    compressed: Reading[int] = _ELSEWHERE
    """Bytes that macOS's compressor occupies."""
    committed: Reading[int] = _ELSEWHERE
    """Windows: bytes that programs were promised."""
    commit_limit: Reading[int] = _ELSEWHERE
    """Windows: bytes that can be promised in all."""


UNREAD = Pressure()
"""The pressure before it is read."""

Run = Callable[[Sequence[str]], str]
"""Function that runs a command without a shell and returns its output.

It raises OSError or SubprocessError.
"""
COMMAND_S = 2.0
"""Seconds after which a command is given up, and between two runs of it."""
_AVERAGE = re.compile(r"^(some|full) avg10=(\d{1,9}(?:\.\d{1,9})?)", re.MULTILINE)
_PAGE_SIZE = re.compile(r"page size of (\d{1,9}) bytes")
_PAGES = re.compile(r"^([^:\n]{1,80}):[ \t]{1,80}(\d{1,20})\.?[ \t]{0,9}$", re.MULTILINE)


def run_command(command: Sequence[str]) -> str:
    """Return the output of `command`.

    Raises OSError, or SubprocessError if it failed or took too long.
    """
    done = subprocess.run(list(command), capture_output=True, timeout=COMMAND_S, check=True)
    return done.stdout.decode("utf-8", "replace")


def read_pages(run: Run = run_command) -> Reading[dict[str, int]]:
    """Read the bytes of each kind of page of macOS, by vm_stat."""
    try:
        output = run(("/usr/bin/vm_stat",))
    except (OSError, subprocess.SubprocessError) as error:
        return Reading(None, f"vm_stat: {error}")
    size = _PAGE_SIZE.search(output)
    pages = _PAGES.findall(output) if size else ()
    each = int(size[1]) if size else 0
    return Reading(
        {name.strip('" ').removeprefix("Pages "): int(count) * each for name, count in pages}
    )


class PressureProbe:
    """Reader of the signs of this system; rates are differences between two readings."""

    def __init__(
        self,
        *,
        proc: Path = Path("/proc"),
        platform: str = sys.platform,
        clock: Callable[[], float] = time.monotonic,
        run: Run = run_command,
    ) -> None:
        self._proc = proc
        self._platform = platform
        self._clock = clock
        self._run = run
        self._before: tuple[float, dict[str, int]] | None = None
        self._first_kills: int | None = None
        self._mac: tuple[float, Pressure] | None = None

    def read(self) -> Pressure:
        """Read the signs as they are now."""
        if self._platform == "darwin":
            return self._read_mac()
        if self._platform == "win32":
            return _read_windows()
        return self._read_linux()

    def _read_linux(self) -> Pressure:
        averages = self._averages()
        now, counts = self._clock(), self._counts()
        before, self._before = self._before, (now, counts)
        kills = counts.get("oom_kill")
        if self._first_kills is None:
            self._first_kills = kills
        return Pressure(
            some=averages["some"],
            full=averages["full"],
            swap_in=_rate("pswpin", before, now, counts),
            swap_out=_rate("pswpout", before, now, counts),
            oom_kills=Reading(None, "this kernel does not count them")
            if kills is None or self._first_kills is None
            else Reading(max(0, kills - self._first_kills)),
        )

    def _averages(self) -> dict[str, Reading[float]]:
        try:
            text = files.read(self._proc / "pressure" / "memory")
        except OSError as error:
            reason = f"PSI: {error.strerror}"
            if error.errno in {errno.ENOENT, errno.EOPNOTSUPP}:
                reason = "this kernel has no PSI (older than 4.20, or started with psi=0)"
            return dict.fromkeys(("some", "full"), Reading(None, reason))
        found = {name: float(value) for name, value in _AVERAGE.findall(text)}
        return {
            name: Reading(found[name])
            if 0.0 <= found.get(name, -1.0) <= 100.0
            else Reading(None, "PSI: no such line")
            for name in ("some", "full")
        }

    def _counts(self) -> dict[str, int]:
        try:
            lines = files.read(self._proc / "vmstat").splitlines()
        except OSError:
            return {}
        counters = ("pswpin ", "pswpout ", "oom_kill ")
        pairs = (line.split() for line in lines if line.startswith(counters))
        found = {pair[0]: files.whole(pair[1]) for pair in pairs if len(pair) == 2}
        return {name: count for name, count in found.items() if count is not None}

    def _read_mac(self) -> Pressure:
        now = self._clock()
        if self._mac is None or now - self._mac[0] >= COMMAND_S:
            self._mac = (now, self._ask_mac())
        return self._mac[1]

    def _ask_mac(self) -> Pressure:
        level, pages = self._mac_level(), read_pages(self._run)
        if pages.value is None:
            compressed: Reading[int] = Reading(None, pages.reason)
        elif "occupied by compressor" in pages.value:
            compressed = Reading(pages.value["occupied by compressor"])
        else:
            compressed = Reading(None, "vm_stat does not tell the compressor")
        return Pressure(level=level, compressed=compressed)

    def _mac_level(self) -> Reading[int]:
        try:
            level = self._run(["/usr/sbin/sysctl", "-n", "kern.memorystatus_vm_pressure_level"])
        except (OSError, subprocess.SubprocessError) as error:
            return Reading(None, f"sysctl: {error}")
        known = level.strip() in {"1", "2", "4"}
        return Reading(int(level)) if known else Reading(None, f"sysctl says {level[:20]!r}")


def _rate(
    name: str, before: tuple[float, dict[str, int]] | None, now: float, counts: dict[str, int]
) -> Reading[float]:
    """Turn the growth of a counter of pages into bytes a second."""
    if name not in counts:
        return Reading(None, "this kernel does not count swapped pages")
    if before is None or name not in before[1] or now <= before[0]:
        return Reading(None, "measured from the second reading on")
    pages = max(0, counts[name] - before[1][name])
    return Reading(pages * os.sysconf("SC_PAGE_SIZE") / (now - before[0]))


def _read_windows() -> Pressure:
    # ctypes has `windll` on Windows only.
    import ctypes

    class Performance(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("commit_total", ctypes.c_size_t),
            ("commit_limit", ctypes.c_size_t),
            ("commit_peak", ctypes.c_size_t),
            *((f"other{number}", ctypes.c_size_t) for number in range(6)),
            ("page_size", ctypes.c_size_t),
            *((f"count{number}", ctypes.c_uint32) for number in range(3)),
        )

    info = Performance()
    info.size = ctypes.sizeof(info)
    library = getattr(ctypes, "windll", None)
    if library is None or not library.psapi.GetPerformanceInfo(ctypes.byref(info), info.size):
        unknown: Reading[int] = Reading(None, "Windows does not tell the commit charge")
        return Pressure(committed=unknown, commit_limit=unknown)
    return Pressure(
        committed=Reading(info.commit_total * info.page_size),
        commit_limit=Reading(info.commit_limit * info.page_size),
    )
