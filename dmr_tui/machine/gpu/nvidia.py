"""NVIDIA GPUs through NVML, the driver's own library."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import psutil
import pynvml
from msgspec import Struct
from msgspec.structs import replace

from dmr_tui.machine.gpu import nvml
from dmr_tui.machine.gpu.gpu import Gpu, GpuProcess, GpuReport
from dmr_tui.machine.reading import Reading

T = TypeVar("T")

SOURCE = "NVML"
RETRY_S = 10.0
"""Seconds between attempts to reach a driver that was absent or went away."""
SELDOM_S = 60.0
"""Seconds between two readings of what hardly ever changes: MIG slices, limits, links."""

_DRIVER_GONE = {pynvml.NVML_ERROR_UNINITIALIZED, pynvml.NVML_ERROR_DRIVER_NOT_LOADED}
_GPU_LOST = {pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED}
_BAD_HANDLE = {pynvml.NVML_ERROR_INVALID_ARGUMENT, pynvml.NVML_ERROR_NOT_FOUND}
_FOR_EVER = {pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND}
_NOT_OF_A_SLICE = "not available for a MIG slice"


class _Device(Struct, frozen=True):
    handle: Any
    name: str
    id: str
    slice_of: int | None = None


class NvidiaProvider:
    """Reader of every GPU that NVML shows; NVML is started once and handles are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._devices: list[_Device] | None = None
        self._driver = ""
        self._reason = ""
        self._retry_at = 0.0
        self._list_at = 0.0
        self._unsupported: dict[tuple[str, str], str] = {}
        self._seldom: dict[tuple[str, str], tuple[float, Reading[Any]]] = {}
        self._names = nvml.Names()
        self._gone: str | None = None
        self._lost = False

    def read(self) -> GpuReport:
        """Read every GPU; the reason tells why there is none, or why some are left out."""
        if self._devices is None or self._lost:
            if self._clock() >= self._retry_at:
                self._start()
        elif self._clock() >= self._list_at:
            self._list()
        if self._devices is None:
            return GpuReport(SOURCE, (), self._reason)
        gpus = tuple(self._gpu(index, device) for index, device in enumerate(self._devices))
        reason = self._reason or ("" if gpus else "the NVIDIA driver shows no GPU")
        if self._gone is not None:
            self._stop(self._gone)
        return GpuReport(SOURCE, gpus, reason)

    def close(self) -> None:
        """Shut NVML down."""
        if self._devices is not None:
            self._stop("closed")

    def _start(self) -> None:
        if self._devices is not None:
            # The handles of a lost GPU are useless until NVML is started again.
            self._stop("")
        self._gone, self._lost = None, False
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._wait(nvml.error_words(error))
            return
        self._wait("")
        self._driver = ""
        with suppress(pynvml.NVMLError):
            self._driver = nvml.text(pynvml.nvmlSystemGetDriverVersion)
        self._list()

    def _list(self) -> None:
        self._list_at = self._clock() + SELDOM_S
        known = self._devices
        devices: list[_Device] = []
        missing: list[str] = []
        try:
            for number in range(pynvml.nvmlDeviceGetCount()):
                try:
                    whole = _whole(number)
                except pynvml.NVMLError as error:
                    if error.value in _DRIVER_GONE:
                        raise
                    self._lost |= error.value in _GPU_LOST
                    missing.append(f"GPU {number}: {nvml.error_words(error)}")
                    continue
                devices.append(whole)
                devices += _slices(whole, len(devices) - 1)
        except pynvml.NVMLError as error:
            self._stop(nvml.error_words(error))
            return
        if known is None or [each.id for each in known] != [each.id for each in devices]:
            # Other figures are supported once a GPU is cut into slices, or put together again.
            self._unsupported.clear()
            self._seldom.clear()
        self._devices = devices
        self._reason = "; ".join(missing)

    def _stop(self, reason: str) -> None:
        self._devices = None
        self._wait(reason)
        try:
            pynvml.nvmlShutdown()
        except pynvml.NVMLError:
            # A driver that is gone cannot be shut down.
            return

    def _wait(self, reason: str) -> None:
        self._reason = reason
        self._retry_at = self._clock() + RETRY_S

    def _gpu(self, index: int, device: _Device) -> Gpu:
        memory = self._ask(device, "memory", nvml.memory)
        used, total = memory.value or (Reading(None, memory.reason), Reading(None, memory.reason))
        processes = self._ask(device, "processes", lambda h: nvml.processes(h, self._names))
        gpu = Gpu(
            index=index,
            name=device.name,
            use=self._ask(device, "use", nvml.use),
            memory_used=used,
            memory_total=total,
            temperature=self._ask(device, "temperature", nvml.temperature),
            power=self._ask(device, "power", nvml.power),
            power_limit=self._ask_seldom(
                device, "limit", lambda h: nvml.power(h, pynvml.nvmlDeviceGetEnforcedPowerLimit)
            ),
            clock=self._ask(device, "clock", nvml.clock),
            maker="NVIDIA",
            source=SOURCE,
            id=device.id,
            memory_clock=self._ask(
                device, "memory clock", lambda h: nvml.clock(h, pynvml.NVML_CLOCK_MEM)
            ),
            fan=self._ask(device, "fan", nvml.fan),
            throttle=self._ask(device, "throttle", nvml.throttle),
            pcie=self._pcie(device),
            driver=self._driver,
            processes=processes,
            slice_of=device.slice_of,
        )
        unsupported = (device.id, "memory") in self._unsupported
        if device.slice_of is None and (unsupported or total.value == 0):
            return _unified(gpu, processes)
        return gpu

    def _pcie(self, device: _Device) -> Reading[str]:
        now = self._ask(device, "link", nvml.link)
        best = self._ask_seldom(device, "best link", lambda h: nvml.link(h, "Max")).value
        if now.value is None or best in {None, now.value}:
            return now
        return Reading(f"{now.value} of {best}")

    def _ask_seldom(self, device: _Device, figure: str, read: Callable[[Any], T]) -> Reading[T]:
        key = (device.id, figure)
        at, reading = self._seldom.get(key, (float("-inf"), None))
        if reading is None or self._clock() - at >= SELDOM_S:
            reading = self._ask(device, figure, read)
            self._seldom[key] = (self._clock(), reading)
        return reading

    def _ask(self, device: _Device, figure: str, read: Callable[[Any], T]) -> Reading[T]:
        key = (device.id, figure)
        if key in self._unsupported:
            return Reading(None, self._unsupported[key])
        try:
            return Reading(read(device.handle))
        except pynvml.NVMLError as error:
            return Reading(None, self._refused(device, figure, error))
        except ValueError as error:
            return Reading(None, f"NVML: {error}")

    def _refused(self, device: _Device, figure: str, error: Any) -> str:
        """Return the reason in words, and note what the error means for later readings."""
        reason = nvml.error_words(error)
        if error.value in _DRIVER_GONE:
            self._gone = reason
        elif error.value in _GPU_LOST or (figure == "memory" and error.value in _BAD_HANDLE):
            self._lost = True
        elif error.value in _FOR_EVER | _BAD_HANDLE:
            if device.slice_of is not None:
                reason = _NOT_OF_A_SLICE
            self._unsupported[device.id, figure] = f"NVML: {reason}"
        return f"NVML: {reason}"


def _whole(number: int) -> _Device:
    """Find a GPU by its number. Raises NVMLError if it cannot be reached."""
    handle = pynvml.nvmlDeviceGetHandleByIndex(number)
    return _Device(handle, _name(handle), _id(handle, f"number {number}"))


def _slices(whole: _Device, index: int) -> list[_Device]:
    """Return the MIG slices that a GPU is cut into; none if it is not, or cannot be."""
    try:
        if not pynvml.nvmlDeviceGetMigMode(whole.handle)[0]:
            return []
        most = pynvml.nvmlDeviceGetMaxMigDeviceCount(whole.handle)
    except pynvml.NVMLError:
        return []
    found = []
    for number in range(most):
        try:
            handle = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(whole.handle, number)
            name = _name(handle)
        except pynvml.NVMLError:
            # Not every place holds a slice.
            continue
        found.append(_Device(handle, name, _id(handle, f"slice {number} of {whole.id}"), index))
    return found


def _unified(gpu: Gpu, processes: Reading[tuple[GpuProcess, ...]]) -> Gpu:
    """Complete a GPU such as GB10, which has no memory of its own: it uses the computer's."""
    total: Reading[int] = Reading(int(psutil.virtual_memory().total))
    if processes.value is None:
        used: Reading[int] = Reading(None, processes.reason)
    else:
        sizes = [process.memory.value for process in processes.value]
        known = [size for size in sizes if size is not None]
        used = Reading(sum(known))
        if len(known) < len(sizes):
            used = Reading(None, "the driver does not tell it of single processes")
        elif sum(known) > (total.value or 0):
            used = Reading(None, "NVML: its processes hold more than the computer has")
    return replace(gpu, memory_used=used, memory_total=total, memory_kind="unified")


def _name(handle: Any) -> str:
    """Return the name that NVML has for a GPU. Raises NVMLError if the GPU is lost."""
    try:
        return nvml.text(pynvml.nvmlDeviceGetName, handle) or "NVIDIA GPU"
    except pynvml.NVMLError as error:
        if error.value in _FOR_EVER:
            return "NVIDIA GPU"
        raise


def _id(handle: Any, fallback: str) -> str:
    try:
        return nvml.text(pynvml.nvmlDeviceGetUUID, handle) or fallback
    except pynvml.NVMLError:
        return fallback
