"""Apple's GPUs without root: ioreg, sysctl, vm_stat; power and temperature if macmon is there."""

import plistlib
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from dmr_tui.machine import files
from dmr_tui.machine.gpu.gpu import LARGEST, Gpu, GpuReport
from dmr_tui.machine.gpu.macmon import Macmon
from dmr_tui.machine.pressure import Run, run_command
from dmr_tui.machine.reading import Reading

SOURCE = "ioreg"
EVERY_S = 2.0
"""Seconds between two runs of the commands; each takes some ten milliseconds."""
BUDGET_S = 60.0
"""Seconds between two readings of the GPU's memory limit, which only root changes."""
GIB = 2**30
SHARES = ((36, 2 / 3), (float("inf"), 3 / 4))
"""Shares of RAM that a GPU may take up to macOS 15, each for computers below so many GiB.

By Metal's recommendedMaxWorkingSetSize as llama.cpp prints it on Macs where nothing was set:
10.67 of 16 GiB, 21.33 of 32, 27 of 36, 48 of 64, 96 of 128.
"""
SHARES_26 = ((16, 2 / 3), (32, 0.74), (64, 0.78), (128, 0.81), (float("inf"), 0.84))
"""The same since macOS 26: 11.84 of 16 GiB, 17.76 of 24, 28.08 of 36, 51.84 of 64, 107.52 of 128.

No figure was found for less than 16 GiB: there the older share stands.
"""
_IOREG = ("/usr/sbin/ioreg", "-r", "-d", "1", "-w", "0", "-c", "IOAccelerator", "-a")
_SYSCTL = ("/usr/sbin/sysctl", "-n", "hw.memsize", "kern.osproductversion", "iogpu.wired_limit_mb")
_UNTOLD: Reading[float] = Reading(None, "macOS does not tell it of such a GPU")


class AppleProvider:
    """Reader of the GPU of an Apple Silicon Mac, or of those of an Intel Mac."""

    def __init__(
        self,
        run: Run = run_command,
        clock: Callable[[], float] = time.monotonic,
        macmon: Macmon | None = None,
    ) -> None:
        self._run = run
        self._clock = clock
        self._read_at = float("-inf")
        self._last = GpuReport(SOURCE, (), "not read yet")
        self._macmon = macmon or Macmon()
        self._budget: tuple[float, Reading[int]] | None = None

    def read(self) -> GpuReport:
        """Read every GPU, or return the reading of at most two seconds ago."""
        if self._clock() - self._read_at >= EVERY_S:
            self._read_at = self._clock()
            self._last = self._ask()
        return self._last

    def close(self) -> None:
        """Stop macmon, if it runs."""
        self._macmon.close()

    def _ask(self) -> GpuReport:
        try:
            found = plistlib.loads(self._run(_IOREG).encode())
        except (OSError, subprocess.SubprocessError) as error:
            return GpuReport(SOURCE, (), f"ioreg: {error}")
        except Exception as error:  # plistlib lets every error of its parser through.
            return GpuReport(SOURCE, (), f"ioreg cannot be understood: {error}")
        listed = [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []
        with_figures = [e for e in listed if isinstance(e.get("PerformanceStatistics"), dict)]
        if not with_figures:
            return GpuReport(SOURCE, (), "ioreg shows no GPU")
        if self._budget is None or self._clock() - self._budget[0] >= BUDGET_S:
            self._budget = (self._clock(), self._ask_budget())
        # macmon knows only Apple Silicon, which has one GPU.
        alone = len(with_figures) == 1
        vitals = self._macmon.read() if alone else {}
        gpus = (_gpu(i, e, self._budget[1], vitals) for i, e in enumerate(with_figures))
        return GpuReport(SOURCE, tuple(gpus))

    def _ask_budget(self) -> Reading[int]:
        """Read the GPU's memory limit: as set, else the share of RAM that macOS chooses."""
        try:
            words = self._run(_SYSCTL).split()
        except subprocess.CalledProcessError as error:
            # The last key is missing on older systems; the others were printed.
            words = str(error.stdout or "").split()
        except (OSError, subprocess.SubprocessError) as error:
            return Reading(None, f"sysctl: {error}")
        words += [""] * 3
        ram = files.whole(words[0], LARGEST)
        if not ram:
            return Reading(None, "sysctl does not tell the size of RAM")
        if limit := files.whole(words[2]):
            return Reading(min(ram, limit * 2**20))
        release = files.whole(words[1].partition(".")[0]) or 0
        shares = SHARES_26 if release >= 26 else SHARES
        return Reading(int(ram * next(share for below, share in shares if ram < below * GIB)))


def _gpu(
    index: int, entry: Mapping[str, Any], budget: Reading[int], vitals: Mapping[str, Reading[float]]
) -> Gpu:
    figures = entry["PerformanceStatistics"]
    own_used, own_free = _count(figures, "vramUsedBytes"), _count(figures, "vramFreeBytes")
    shared = own_used is None or own_free is None
    if shared:
        # "In use" is momentary; the allocated memory shows a loaded model while it is idle, too.
        held = _count(figures, "Alloc system memory")
        used = Reading(held, "" if held is not None else "ioreg does not tell Alloc system memory")
        total = budget
    else:
        used, total = Reading(own_used), Reading((own_used or 0) + (own_free or 0))
    if used.value is not None and total.value is not None and used.value > 2 * total.value:
        used = Reading(None, f"ioreg says {used.value} bytes used of {total.value}")
    use = _count(figures, "Device Utilization %")
    if use is None:
        use = _count(figures, "GPU Activity(%)")
    model = entry.get("model")
    if isinstance(model, bytes):
        model = model.decode(errors="replace").strip("\0")
    name = model[:100] if isinstance(model, str) else ""
    cores = _count(entry, "gpu-core-count")
    return Gpu(
        index=index,
        name=f"{name or 'Apple GPU'}{f' ({cores} cores)' if cores else ''}",
        use=Reading(float(use))
        if use is not None and 0 <= use <= 100
        else Reading(None, "ioreg does not tell its use"),
        memory_used=used,
        memory_total=total,
        temperature=vitals.get("temperature", _UNTOLD),
        power=vitals.get("power", _UNTOLD),
        power_limit=Reading(None, "macOS does not tell it"),
        clock=vitals.get("clock", _UNTOLD),
        maker="Apple",
        source=SOURCE,
        id=f"{index}:{name}",
        memory_kind="unified" if shared else "VRAM",
    )


def _count(figures: Mapping[str, Any], name: str) -> int | None:
    value = figures.get(name)
    return value if isinstance(value, int) and 0 <= value < 2**50 else None
