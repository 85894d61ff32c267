"""Parts of the computer that hang, fail or vanish hold up nothing and leave their last reading."""

import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.probe import Part
from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.machine import part_reader
from dmr_tui.monitor.machine.machine_monitor import SELDOM, MachineMonitor
from dmr_tui.monitor.machine.part_reader import PartReader
from tests.ui.still import HOST, gpu
from tests.waiting import until


class Parts:
    """A probe of parts that were made up."""

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    def close(self) -> None:
        return None


def watch_of(read: Callable[[], Any], clock: Callable[[], float] = lambda: 0.0) -> PartReader:
    return PartReader(Part("NVIDIA GPUs", "gpu", read), lambda: None, clock)


async def test_a_part_that_fails_goes_stale_with_its_reason_and_keeps_its_value() -> None:
    answers: list[Any] = [GpuReport("NVML", (gpu(),)), ZeroDivisionError("odd driver")]

    def read() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watch = watch_of(read, lambda: 7.0)
    assert await watch.read()
    assert watch.state.health == "ok"
    assert not await watch.read()
    assert (watch.state.health, watch.state.good_at) == ("stale", 7.0)
    assert "odd driver" in watch.state.reason
    assert watch.value == GpuReport("NVML", (gpu(),))


async def test_gpus_that_are_lost_stay_for_a_minute_and_are_marked_stale() -> None:
    now = [0.0]
    answers = [GpuReport("NVML", (gpu(),)), *[GpuReport("NVML", (), "it fell off the bus")] * 2]
    watch = watch_of(lambda: answers.pop(0), lambda: now[0])
    await watch.read()
    now[0] = 30.0
    assert not await watch.read()
    assert watch.state.health == "stale"
    assert watch.value.gpus
    now[0] = 31.0 + part_reader.KEPT_S
    assert await watch.read()
    assert (watch.state.health, watch.state.reason) == ("absent", "it fell off the bus")
    assert watch.value.gpus == ()


async def test_no_driver_is_no_fault() -> None:
    watch = watch_of(lambda: GpuReport("NVML", (), "no NVIDIA driver on this machine"))
    assert await watch.read()
    assert (watch.state.health, watch.state.reason) == (
        "absent",
        "no NVIDIA driver on this machine",
    )


async def test_a_part_that_hangs_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_reader, "PATIENCE_S", 0.2)
    released, readings = threading.Event(), []

    def hang() -> GpuReport:
        released.wait(20)
        return GpuReport("NVML", (gpu(),))

    def host() -> Any:
        readings.append(1)
        return HOST

    watch = MachineMonitor(
        Parts(Part("machine", "host", host), Part("NVIDIA GPUs", "gpu", hang)),
        0.05,
        lambda: None,
        lambda: 0.0,
    )
    async with anyio.create_task_group() as group:
        group.start_soon(watch.run)
        await until(lambda: any(s.health == "stale" for s in watch.sources))
        before = len(readings)
        await until(lambda: len(readings) > before + 3)
        (stale,) = [source for source in watch.sources if source.health == "stale"]
        assert (stale.name, stale.reason) == ("NVIDIA GPUs", "it does not answer")
        assert watch.machine is not None
        assert watch.machine.gpu.reason == "reading the drivers …"
        released.set()
        await until(lambda: watch.machine is not None and watch.machine.gpu.gpus)
        assert all(source.health == "ok" for source in watch.sources)
        group.cancel_scope.cancel()


async def test_every_reading_of_a_part_is_made_by_one_thread_which_ends_with_the_monitor() -> None:
    threads: list[threading.Thread] = []

    def host() -> Any:
        threads.append(threading.current_thread())
        return HOST

    monitor = MachineMonitor(Parts(Part("machine", "host", host)), 0.05, lambda: None, lambda: 0.0)
    async with anyio.create_task_group() as group:
        group.start_soon(monitor.run)
        await until(lambda: len(threads) > 3)
        group.cancel_scope.cancel()
    assert len(set(threads)) == 1
    await until(lambda: not threads[0].is_alive())


async def test_gpus_of_two_makers_are_numbered_through_and_keep_their_own_history() -> None:
    first, second = gpu(use=Reading(10.0)), gpu(use=Reading(90.0))
    watch = MachineMonitor(
        Parts(
            Part("machine", "host", lambda: HOST),
            Part("NVIDIA GPUs", "gpu", lambda: GpuReport("NVML", (first,))),
            Part("AMD GPUs", "gpu", lambda: GpuReport("sysfs", (second,))),
        ),
        1.0,
        lambda: None,
        lambda: 0.0,
    )
    await watch.read()
    state = watch.snapshot()
    assert state.machine is not None
    assert [each.index for each in state.machine.gpu.gpus] == [0, 1]
    assert state.machine.gpu.source == "NVML, sysfs"
    assert state.gpu_use == ((10.0,), (90.0,))


async def test_hardware_that_is_not_there_is_looked_for_seldom() -> None:
    looked: list[int] = []
    readings: list[int] = []

    def nothing() -> GpuReport:
        looked.append(1)
        return GpuReport("NVML", (), "no NVIDIA driver on this machine")

    def host() -> Any:
        readings.append(1)
        return HOST

    parts = Parts(Part("machine", "host", host), Part("NVIDIA GPUs", "gpu", nothing))
    watch = MachineMonitor(parts, 0.05, lambda: None, lambda: 0.0)
    async with anyio.create_task_group() as group:
        group.start_soon(watch.run)
        await until(lambda: len(readings) > 2 * SELDOM)
        group.cancel_scope.cancel()
    assert 2 <= len(looked) <= 4
    assert watch.machine is not None
    assert watch.machine.gpu.reason == "no NVIDIA driver on this machine"
