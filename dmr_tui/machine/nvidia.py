"""NVIDIA GPUs through NVML, the driver's own library."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import pynvml

from dmr_tui.machine.gpu import Gpu, GpuReport
from dmr_tui.machine.reading import Reading

T = TypeVar("T")

SOURCE = "NVML"
RETRY_S = 10.0
"""Seconds between attempts to reach a driver that was not there or went away."""

_WORDS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver on this machine",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_NO_PERMISSION: "no permission to ask the NVIDIA driver",
    pynvml.NVML_ERROR_NOT_SUPPORTED: "not supported on this GPU",
    pynvml.NVML_ERROR_GPU_IS_LOST: "the GPU fell off the bus",
    pynvml.NVML_ERROR_UNINITIALIZED: "the NVIDIA driver went away",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "driver and NVML differ; restart the machine",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "the NVIDIA driver is too old for this",
}
_GONE = {
    pynvml.NVML_ERROR_GPU_IS_LOST,
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
}
_FOR_EVER = {pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND}


class NvidiaProvider:
    """Reads every GPU that NVML shows; NVML is started once and handles are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._handles: list[Any] | None = None
        self._names: list[str] = []
        self._reason = ""
        self._retry_at = 0.0
        self._unsupported: dict[tuple[int, str], str] = {}
        self._gone: str | None = None

    def read(self) -> GpuReport:
        """Every GPU now, or the reason why there is none."""
        if self._handles is None and self._clock() >= self._retry_at:
            self._start()
        if self._handles is None:
            return GpuReport(SOURCE, (), self._reason)
        gpus = tuple(self._gpu(index) for index in range(len(self._handles)))
        if self._gone is not None:
            self._stop(self._gone)
        return GpuReport(SOURCE, gpus, "" if gpus else "the NVIDIA driver shows no GPU")

    def close(self) -> None:
        """Give NVML back."""
        if self._handles is not None:
            self._stop("closed")

    def _start(self) -> None:
        self._gone = None
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._wait(_words(error))
            return
        try:
            count = pynvml.nvmlDeviceGetCount()
            handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
            self._names = [_text(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
            self._handles = handles
            self._unsupported.clear()
        except pynvml.NVMLError as error:
            self._stop(_words(error))

    def _stop(self, reason: str) -> None:
        self._handles = None
        self._wait(reason)
        try:
            pynvml.nvmlShutdown()
        except pynvml.NVMLError:
            # A driver that is gone cannot be given back.
            return

    def _wait(self, reason: str) -> None:
        self._reason = reason
        self._retry_at = self._clock() + RETRY_S

    def _gpu(self, index: int) -> Gpu:
        memory = self._ask(index, "memory", _memory)
        return Gpu(
            index=index,
            name=self._names[index],
            use=self._ask(
                index, "use", lambda h: _percent(pynvml.nvmlDeviceGetUtilizationRates(h))
            ),
            memory_used=_part(memory, 0),
            memory_total=_part(memory, 1),
            temperature=self._ask(index, "temperature", _temperature),
            power=self._ask(index, "power", lambda h: _watts(pynvml.nvmlDeviceGetPowerUsage(h))),
            power_limit=self._ask(
                index, "limit", lambda h: _watts(pynvml.nvmlDeviceGetEnforcedPowerLimit(h))
            ),
            clock=self._ask(
                index,
                "clock",
                lambda h: float(pynvml.nvmlDeviceGetClockInfo(h, pynvml.NVML_CLOCK_SM)),
            ),
        )

    def _ask(self, index: int, figure: str, call: Callable[[Any], T]) -> Reading[T]:
        key = (index, figure)
        if key in self._unsupported:
            return Reading(None, self._unsupported[key])
        assert self._handles is not None
        try:
            return Reading(call(self._handles[index]))
        except pynvml.NVMLError as error:
            reason = f"NVML: {_words(error)}"
            if error.value in _FOR_EVER:
                self._unsupported[key] = reason
            if error.value in _GONE:
                self._gone = _words(error)
            return Reading(None, reason)
        except ValueError as error:
            return Reading(None, f"NVML: {error}")


def _memory(handle: Any) -> tuple[int, int]:
    """Bytes used and in all; version 2, because version 1 counts the driver's reserve as used."""
    try:
        info = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    except pynvml.NVMLError_FunctionNotFound:
        info = pynvml.nvmlDeviceGetMemoryInfo(handle)
    used, total = int(info.used), int(info.total)
    if total == 0:
        raise ValueError("no memory of its own: this GPU shares the computer's memory")
    if used > total:
        raise ValueError(f"says {used} bytes used of {total}")
    return used, total


def _percent(rates: Any) -> float:
    value = float(rates.gpu)
    if not 0.0 <= value <= 100.0:
        raise ValueError(f"says {value:.0f} % use")
    return value


def _temperature(handle: Any) -> float:
    return float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))


def _watts(milliwatts: int) -> float:
    # 2^32 - 1 and its like are "unknown" in some drivers.
    if not 0 <= milliwatts < 10_000_000:
        raise ValueError("says an impossible power")
    return milliwatts / 1000.0


def _part(pair: Reading[tuple[int, int]], index: int) -> Reading[int]:
    return Reading(None, pair.reason) if pair.value is None else Reading(pair.value[index])


def _words(error: Any) -> str:
    return _WORDS.get(error.value, str(error))


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name
