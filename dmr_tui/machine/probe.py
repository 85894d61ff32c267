"""One reading of the whole computer."""

from dataclasses import dataclass
from typing import Protocol

from dmr_tui.machine.gpu import GpuProvider, GpuReport
from dmr_tui.machine.host import Host, HostProbe


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


class LocalMachine:
    """This computer: psutil, and the GPU driver that is here."""

    def __init__(self) -> None:
        self._host = HostProbe()
        self._gpu: GpuProvider | None = None

    def read(self) -> Machine:
        """This computer now."""
        if self._gpu is None:
            # The binding is one large file; it is read off the UI's thread, at first use.
            from dmr_tui.machine.nvidia import NvidiaProvider

            self._gpu = NvidiaProvider()
        return Machine(self._host.read(), self._gpu.read())

    def close(self) -> None:
        """Give the GPU driver back."""
        if self._gpu is not None:
            self._gpu.close()
