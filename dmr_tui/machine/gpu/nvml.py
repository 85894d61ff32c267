"""The figures of NVML: each raises NVMLError, or ValueError for an impossible value."""

from collections.abc import Callable, Container
from contextlib import suppress
from typing import Any, Literal

import psutil
import pynvml

from dmr_tui.machine.gpu.gpu import LARGEST, GpuProcess
from dmr_tui.machine.reading import Reading

KEPT_NAMES = 256
"""Names of processes that are remembered before those that ended are forgotten."""
_REASONS = (
    (0x4, "power limit"),
    (0x8, "hardware slowdown"),
    (0x20, "heat"),
    (0x40, "heat, by hardware"),
    (0x80, "power brake"),
    (0x200, "board limit"),
    (0x400, "voltage"),
)
"""Bits that slow the GPU down; idling, chosen clocks and the display do not."""
_HARDWARE, _WHICH_HARDWARE = 0x8, 0x40 | 0x80
_IMPOSSIBLE = 1 << 63
_NO_V2 = {
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    pynvml.NVML_ERROR_NOT_SUPPORTED,
}


def error_words(error: Any) -> str:
    """Say what an error of NVML means."""
    return _WORDS.get(error.value, str(error))


_WORDS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver on this machine",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_NO_PERMISSION: "no permission to ask the NVIDIA driver",
    pynvml.NVML_ERROR_NOT_SUPPORTED: "not supported on this GPU",
    pynvml.NVML_ERROR_GPU_IS_LOST: "the GPU fell off the bus",
    pynvml.NVML_ERROR_UNINITIALIZED: "the NVIDIA driver went away",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "driver and NVML differ; restart the machine",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "the NVIDIA driver is too old for this",
    pynvml.NVML_ERROR_RESET_REQUIRED: "the GPU has to be reset",
    pynvml.NVML_ERROR_INVALID_ARGUMENT: "the NVIDIA driver does not tell it of this GPU",
}


def text(call: Callable[..., Any], *arguments: Any) -> str:
    """Return the driver's answer as text; empty if it cannot be decoded."""
    try:
        answer = call(*arguments)
    except UnicodeDecodeError:
        return ""
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)


def memory(handle: Any) -> tuple[Reading[int], Reading[int]]:
    """Return used and total bytes; version 2, as version 1 counts the driver's reserve as used."""
    try:
        info = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    except pynvml.NVMLError as error:
        if error.value not in _NO_V2:
            raise
        info = pynvml.nvmlDeviceGetMemoryInfo(handle)
    used, total = int(info.used), int(info.total)
    if total > LARGEST:
        raise ValueError(f"says there are {total} bytes of memory")
    if used > total > 0:
        return Reading(None, f"NVML: says {used} bytes used of {total}"), Reading(total)
    return Reading(used), Reading(total)


def use(handle: Any) -> float:
    """Return the use in per cent."""
    value = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    return _between(value, 0.0, 100.0, f"{value:.0f} % use")


def temperature(handle: Any) -> float:
    """Return degrees Celsius."""
    value = float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
    return _between(value, -50.0, 200.0, f"{value:.0f} °C")


def power(handle: Any, read: Callable[[Any], int] = pynvml.nvmlDeviceGetPowerUsage) -> float:
    """Return the watts now, or by another function of NVML."""
    milliwatts = read(handle)
    # 2^32 - 1 and its like are "unknown" in some drivers.
    if not 0 <= milliwatts < 10_000_000:
        raise ValueError("says an impossible power")
    return milliwatts / 1000.0


def clock(handle: Any, which: int = pynvml.NVML_CLOCK_SM) -> float:
    """Return the megahertz of the compute units, or of another part."""
    value = float(pynvml.nvmlDeviceGetClockInfo(handle, which))
    return _between(value, 0.0, 20_000.0, f"{value:.0f} MHz")


def fan(handle: Any) -> float:
    """Return per cent of the highest speed; some cards go beyond it."""
    value = float(pynvml.nvmlDeviceGetFanSpeed(handle))
    return _between(value, 0.0, 200.0, f"{value:.0f} % fan")


def throttle(handle: Any) -> tuple[str, ...]:
    """Return the reasons why it is slowed down."""
    try:
        bits = int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    except pynvml.NVMLError_FunctionNotFound:
        bits = int(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
    if bits & _IMPOSSIBLE:
        raise ValueError("says an impossible reason for low clocks")
    if bits & _WHICH_HARDWARE:
        # The driver sets the general bit with each of the two that say more.
        bits &= ~_HARDWARE
    return tuple(word for bit, word in _REASONS if bits & bit)


def link(handle: Any, which: Literal["Curr", "Max"] = "Curr") -> str:
    """Return the PCIe link now, or the best that GPU and slot are capable of.

    Its traffic is left out: reading that blocks for 20 ms.
    """
    generation = getattr(pynvml, f"nvmlDeviceGet{which}PcieLinkGeneration")(handle)
    width = getattr(pynvml, f"nvmlDeviceGet{which}PcieLinkWidth")(handle)
    if not (1 <= generation <= 16 and 1 <= width <= 64):
        raise ValueError(f"says a PCIe link of generation {generation}, width {width}")
    return f"gen {generation} ×{width}"


def processes(handle: Any, names: "Names") -> tuple[GpuProcess, ...]:
    """Return the programs that hold memory to compute or to draw, each once, the largest first."""
    users = list(pynvml.nvmlDeviceGetComputeRunningProcesses(handle))
    # The list is worth showing without those that draw: what they hold is left unexplained.
    with suppress(pynvml.NVMLError):
        users += pynvml.nvmlDeviceGetGraphicsRunningProcesses(handle)
    held: dict[int, int | None] = {}
    for user in users:
        size = user.usedGpuMemory
        known = None if size is None or not 0 <= size <= LARGEST else int(size)
        before = held.get(user.pid)
        # A program that computes and draws is in both lists, with all of its memory.
        held[user.pid] = before if known is None else max(known, before or 0)
    unknown: Reading[int] = Reading(None, "the driver does not tell it of single processes")
    found = [
        GpuProcess(pid, names.of(pid), unknown if size is None else Reading(size))
        for pid, size in held.items()
    ]
    names.forget_others(held)
    return tuple(sorted(found, key=lambda each: (-(each.memory.value or 0), each.pid)))


class Names:
    """The names of processes, each read once; a pid that is used again is noticed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, str]] = {}

    def of(self, pid: int) -> str:
        """Return the name of a process; empty if it may not be read, or has ended."""
        try:
            process = psutil.Process(pid)
            born = process.create_time()
            known = self._known.get(pid)
            if known is None or known[0] != born:
                self._known[pid] = known = (born, str(process.name()))
        except (psutil.Error, OSError):
            return ""
        return known[1]

    def forget_others(self, pids: Container[int]) -> None:
        """Forget the names of other processes, if they are many: most have ended."""
        if len(self._known) > KEPT_NAMES:
            self._known = {pid: known for pid, known in self._known.items() if pid in pids}


def _between(value: float, lowest: float, highest: float, shown: str) -> float:
    if not lowest <= value <= highest:
        raise ValueError(f"says {shown}")
    return value
