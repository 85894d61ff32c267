"""What every GPU provider answers, whoever made the GPU."""

from dataclasses import dataclass
from typing import Protocol

from dmr_tui.machine.reading import Reading


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one moment; each figure stands or fails alone."""

    index: int
    name: str
    use: Reading[float]
    """Per cent of the sample period in which a kernel ran."""
    memory_used: Reading[int]
    """Bytes."""
    memory_total: Reading[int]
    """Bytes."""
    temperature: Reading[float]
    """Degrees Celsius."""
    power: Reading[float]
    """Watts."""
    power_limit: Reading[float]
    """Watts."""
    clock: Reading[float]
    """Megahertz of the compute units."""


@dataclass(frozen=True, slots=True)
class GpuReport:
    """The GPUs that one provider sees, or the reason why it sees none."""

    source: str
    """Who measured, as the screen names it: "NVML", "sysfs", "IOKit"."""
    gpus: tuple[Gpu, ...] = ()
    reason: str = ""


class GpuProvider(Protocol):
    """Reads the GPUs of one maker; never raises, is called from one thread at a time."""

    def read(self) -> GpuReport:
        """Every GPU now."""
        ...

    def close(self) -> None:
        """Give the driver back."""
        ...
