"""What the computer says about a slow call: only what its readings show."""

from dataclasses import replace

from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.probe import Part
from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.machine.machine_monitor import MachineMonitor
from tests.ui.still import HOST, gpu


class Readings:
    """A probe whose next readings are made up."""

    def __init__(self) -> None:
        self.host = HOST
        self.gpu = GpuReport("NVML")

    @property
    def parts(self) -> tuple[Part, ...]:
        return (
            Part("machine", "host", lambda: self.host),
            Part("NVIDIA GPUs", "gpu", lambda: self.gpu),
        )

    def close(self) -> None:
        return None


async def hint(gpu_use: list[float | None], cpu: list[float], began: float, ended: float) -> str:
    """What is said of a call between these times, with a reading each second from 0 on."""
    clock = [0.0]
    probe = Readings()
    watch = MachineMonitor(probe, 1.0, lambda: None, lambda: clock[0])
    for at, (use, percent) in enumerate(zip(gpu_use, cpu, strict=True)):
        clock[0] = float(at)
        gpus = (gpu(use=Reading(use)),) if use is not None else ()
        probe.host = replace(HOST, cpu=Reading(percent))
        probe.gpu = GpuReport("NVML", gpus)
        await watch.read()
    return watch.hint(began, ended)


async def test_a_gpu_that_was_not_used() -> None:
    assert await hint([0.0, 2.0, 3.0, 1.0, 0.0], [50.0] * 5, 0.5, 4.0) == "GPU unused"
    assert await hint([0.0, 2.0, 80.0, 1.0, 0.0], [50.0] * 5, 0.5, 4.0) == ""


async def test_a_short_call_says_nothing_about_the_gpu() -> None:
    assert await hint([0.0] * 5, [50.0] * 5, 2.5, 4.0) == ""


async def test_what_was_before_the_call_does_not_count() -> None:
    assert await hint([0.0, 0.0, 0.0, 90.0, 95.0, 90.0], [50.0] * 6, 2.5, 5.0) == ""


async def test_a_processor_that_was_full() -> None:
    full = [99.0, 97.0, 100.0, 98.0, 99.0]
    assert await hint([None] * 5, full, 0.5, 4.0) == "CPU full"
    assert await hint([None] * 5, [99.0, 97.0, 30.0, 98.0, 99.0], 0.5, 4.0) == ""
