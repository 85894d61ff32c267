"""One reading of the whole computer."""

import ctypes
import sys
import time
from dataclasses import dataclass
from typing import Protocol

from dmr_tui.machine.gpu import GpuProvider, GpuReport
from dmr_tui.machine.host import Host, HostProbe

LOOK_AGAIN_S = 10.0
"""Seconds between two looks for a driver that was not there."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer at one moment."""

    host: Host
    gpu: GpuReport


class MachineProbe(Protocol):
    """Reads a computer; blocking, called off the event loop, never raises."""

    def read(self) -> Machine:
        """The computer now."""
        ...

    def close(self) -> None:
        """Give drivers back."""
        ...


def _has_nvml() -> bool:
    """Whether the driver's library can be loaded."""
    if sys.platform == "darwin":
        return False
    windows = sys.platform == "win32"
    try:
        ctypes.CDLL("nvml.dll" if windows else "libnvidia-ml.so.1")
    except OSError:
        return False
    return True


class LocalMachine:
    """This computer: psutil, and the GPU driver that is here."""

    def __init__(self) -> None:
        self._host = HostProbe()
        self._gpu: GpuProvider | None = None
        self._look_at = 0.0

    def read(self) -> Machine:
        """This computer now."""
        return Machine(self._host.read(), self._read_gpu())

    def _read_gpu(self) -> GpuReport:
        if self._gpu is None and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_AGAIN_S
            if _has_nvml():
                # The binding is one large file, so only a machine with the driver reads it.
                from dmr_tui.machine.nvidia import NvidiaProvider

                self._gpu = NvidiaProvider()
        if self._gpu is None:
            return GpuReport("NVML", (), "no NVIDIA driver on this machine")
        return self._gpu.read()

    def close(self) -> None:
        """Give the GPU driver back."""
        if self._gpu is not None:
            self._gpu.close()
