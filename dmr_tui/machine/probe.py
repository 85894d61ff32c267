"""The whole computer, part by part: each is read on its own, so that none holds up another."""

import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from dmr_tui.machine.container import ContainerReport, RunnerContainer
from dmr_tui.machine.gpu.drm import AMD, INTEL, cards
from dmr_tui.machine.gpu.gpu import GpuProvider, GpuReport
from dmr_tui.machine.host import Host, HostProbe
from dmr_tui.machine.processes import EngineProcesses, ProcessReport

_NO_NVML = "no NVIDIA driver on this machine"
LOOK_AGAIN_S = 10.0
"""Seconds between two searches for a driver that was absent."""

_NO_ENGINES, _NO_CONTAINER = ProcessReport(), ContainerReport()

Field = Literal["host", "gpu", "processes", "container"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer at one moment."""

    host: Host
    gpu: GpuReport
    processes: ProcessReport = _NO_ENGINES
    container: ContainerReport = _NO_CONTAINER


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the computer that is read on its own."""

    name: str
    """Its name in the list of sources."""
    field: Field
    """The field of Machine that it fills; several parts fill `gpu`."""
    read: Callable[[], Any]
    """Function that reads it: blocking, never raises, called from one thread at a time."""
    every: float = 1.0
    """Polling intervals between two readings."""


class MachineProbe(Protocol):
    """Reader of a computer, each part off the event loop."""

    @property
    def parts(self) -> Sequence[Part]:
        """The parts that can be read; always the same."""
        ...

    def close(self) -> None:
        """Release the drivers."""
        ...


class LazyProvider:
    """A GPU provider that is imported and started once there is something for it to read."""

    def __init__(
        self,
        source: str,
        absent: str,
        is_present: Callable[[], bool],
        make: Callable[[], GpuProvider],
    ) -> None:
        """`absent` is the reason to report while `is_present` returns False."""
        self._absent = GpuReport(source, (), absent)
        self._is_present = is_present
        self._make = make
        self._provider: GpuProvider | None = None
        self._look_at = 0.0

    def read(self) -> GpuReport:
        """Read every GPU as it is now."""
        if self._provider is None and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_AGAIN_S
            if self._is_present():
                self._provider = self._make()
        return self._absent if self._provider is None else self._provider.read()

    def close(self) -> None:
        """Release the driver."""
        if self._provider is not None:
            self._provider.close()


class LocalMachine:
    """This computer: psutil, the GPU drivers that are here, the engines and their container."""

    def __init__(self, docker: str | None = None, no_docker: str = "") -> None:
        """`docker` is the path of the Docker Engine's socket; None, with a reason, without one."""
        host, engines = HostProbe(), EngineProcesses()
        container = RunnerContainer(lambda: engines.containers, docker, no_docker)
        gpus = [("NVIDIA GPUs", LazyProvider("NVML", _NO_NVML, _has_nvml, _nvidia))]
        if sys.platform == "darwin":
            gpus = [("Apple GPU", LazyProvider("ioreg", "", lambda: True, _apple))]
        elif sys.platform == "linux":
            gpus.append(("AMD GPUs", LazyProvider("sysfs", "", lambda: bool(cards(AMD)), _amd)))
            gpus.append(
                ("Intel GPUs", LazyProvider("sysfs", "", lambda: bool(cards(INTEL)), _intel))
            )
        self._closed = [provider for _, provider in gpus]
        self._parts = (
            Part("machine", "host", host.read),
            *(Part(name, "gpu", provider.read) for name, provider in gpus),
            Part("engine processes", "processes", engines.read),
            Part("container", "container", container.read, every=5.0),
        )

    @property
    def parts(self) -> Sequence[Part]:
        """The host, the GPUs by maker, the engine processes and the container."""
        return self._parts

    def close(self) -> None:
        """Release the drivers."""
        for provider in self._closed:
            provider.close()


def _has_nvml() -> bool:
    """Return whether the driver's library can be loaded."""
    windows = sys.platform == "win32"
    try:
        ctypes.CDLL("nvml.dll" if windows else "libnvidia-ml.so.1")
    except OSError:
        return False
    return True


# Imported late: each is large, and only a machine with the driver needs it.
def _nvidia() -> GpuProvider:
    from dmr_tui.machine.gpu.nvidia import NvidiaProvider

    return NvidiaProvider()


def _amd() -> GpuProvider:
    from dmr_tui.machine.gpu.amd import AmdProvider

    return AmdProvider()


def _intel() -> GpuProvider:
    from dmr_tui.machine.gpu.intel import IntelProvider

    return IntelProvider()


def _apple() -> GpuProvider:
    from dmr_tui.machine.gpu.apple import AppleProvider

    return AppleProvider()
