"""The report of every GPU provider, the same for all makers."""

from collections.abc import Iterable
from typing import Literal, Never, Protocol

from msgspec import Struct
from msgspec.structs import replace

from dmr_tui.machine.reading import Reading

Maker = Literal["NVIDIA", "AMD", "Apple", "Intel", ""]
MemoryKind = Literal["VRAM", "VRAM+GTT", "unified"]

LARGEST = 2**50
"""Bytes beyond which a size is not believed: the kernel's -1, or a driver's mistake."""
_UNTOLD: Reading[Never] = Reading(None, "this driver does not tell")


class GpuProcess(Struct, frozen=True):
    """A program that holds memory of a GPU."""

    pid: int
    """Its number on this computer, also for a program inside a container."""
    name: str
    """Empty if it may not be read."""
    memory: Reading[int]
    """Bytes."""


class Gpu(Struct, frozen=True):
    """One GPU, or one MIG slice of one, at one moment; each figure stands or fails alone."""

    index: int
    """Running number over all makers."""
    name: str
    memory_used: Reading[int]
    """Bytes."""
    memory_total: Reading[int]
    """Bytes; of unified memory, what the GPU may take of the computer's."""
    use: Reading[float] = _UNTOLD
    """Per cent of the sample period in which a kernel ran."""
    temperature: Reading[float] = _UNTOLD
    """Degrees Celsius."""
    power: Reading[float] = _UNTOLD
    """Watts."""
    power_limit: Reading[float] = _UNTOLD
    """Watts."""
    clock: Reading[float] = _UNTOLD
    """Megahertz of the compute units."""
    maker: Maker = ""
    source: str = ""
    """The source of the figures, as the screens name it: "NVML", "sysfs", "ioreg"."""
    id: str = ""
    """The same at every reading: UUID or PCI address."""
    memory_kind: MemoryKind = "VRAM"
    """"unified": it is the computer's own memory, which must not be counted twice."""
    memory_clock: Reading[float] = _UNTOLD
    """Megahertz."""
    fan: Reading[float] = _UNTOLD
    """Per cent of the highest speed."""
    throttle: Reading[tuple[str, ...]] = _UNTOLD
    """The reasons why it is slowed down, in words; empty if it is not."""
    pcie: Reading[str] = _UNTOLD
    """The link now and at best, such as "gen 4 ×16"."""
    driver: str = ""
    """The driver's version."""
    processes: Reading[tuple[GpuProcess, ...]] = _UNTOLD
    """The programs that hold its memory, the largest first."""
    slice_of: int | None = None
    """The index of the GPU that this MIG slice is a part of."""


class GpuReport(Struct, frozen=True):
    """The GPUs that one provider sees, or all together; or the reason why there is none."""

    source: str
    """The source of the figures, as the screens name it."""
    gpus: tuple[Gpu, ...] = ()
    reason: str = ""
    """The reason why there is none, or, in a merged report, why one provider failed."""


class GpuProvider(Protocol):
    """Reader of the GPUs of one maker; never raises, is called from one thread at a time."""

    def read(self) -> GpuReport:
        """Read every GPU as it is now, numbered from 0."""
        ...

    def close(self) -> None:
        """Release the driver."""
        ...


def merged(reports: Iterable[GpuReport]) -> GpuReport:
    """Join the reports and number all GPUs from 0; without a GPU the first reason stands."""
    reports = list(reports)
    gpus: list[Gpu] = []
    for report in reports:
        first = len(gpus)
        for gpu in report.gpus:
            whole = None if gpu.slice_of is None else gpu.slice_of + first
            gpus.append(replace(gpu, index=gpu.index + first, slice_of=whole) if first else gpu)
    sources = [report.source for report in reports if report.gpus]
    reasons = [report.reason for report in reports if report.reason]
    if gpus:
        return GpuReport(", ".join(sources), tuple(gpus), "; ".join(reasons))
    return GpuReport(reports[0].source if reports else "", (), reasons[0] if reasons else "")
