"""Reads the computer at a steady pace and remembers the last minute of each percentage."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import anyio

from dmr_tui.machine.gpu import Gpu
from dmr_tui.machine.probe import Machine, MachineProbe
from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.history import LENGTH, Ring
from dmr_tui.monitor.snapshot import MachineState, SourceState

ENOUGH_READINGS = 3
UNUSED_GPU = 10.0
"""Per cent below which the highest reading says that nothing was computed there."""
FULL_CPU = 95.0
PATIENCE_S = 5.0
"""Seconds after which a probe that hangs is called stale; the others go on."""


class MachineWatch:
    """The newest reading of the computer and its history."""

    def __init__(
        self,
        probe: MachineProbe,
        interval: float,
        changed: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self.state = SourceState("machine")
        self._probe = probe
        self._interval = interval
        self._changed = changed
        self._clock = clock
        self._machine: Machine | None = None
        self._good_at: float | None = None
        self._cpu = Ring(interval)
        self._ram = Ring(interval)
        self._gpu_use: list[Ring] = []
        self._gpu_memory: list[Ring] = []

    async def run(self) -> None:
        """Read for ever; the next reading begins an interval after the last one began."""
        while True:
            began = anyio.current_time()
            await self.read()
            await anyio.sleep(max(0.05, self._interval - (anyio.current_time() - began)))

    async def read(self) -> None:
        """Read once, in a thread: drivers block."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._call_stale_after, PATIENCE_S)
            machine = await _in_daemon_thread(self._probe.read)
            group.cancel_scope.cancel()
        self._take(machine)

    async def _call_stale_after(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        self.state = SourceState("machine", "stale", "the driver does not answer", self._good_at)
        self._changed()

    def _take(self, machine: Machine) -> None:
        now = self._clock()
        self._good_at = now
        self._cpu.add(now, machine.host.cpu.value)
        self._ram.add(now, _percent(machine.host.ram_used, machine.host.ram_total))
        gpus = machine.gpu.gpus
        while len(self._gpu_use) < len(gpus):
            self._gpu_use.append(Ring(self._interval))
            self._gpu_memory.append(Ring(self._interval))
        for index, (use, memory) in enumerate(zip(self._gpu_use, self._gpu_memory, strict=True)):
            gpu: Gpu | None = gpus[index] if index < len(gpus) else None
            use.add(now, gpu.use.value if gpu else None)
            memory.add(now, _percent(gpu.memory_used, gpu.memory_total) if gpu else None)
        self._machine = machine
        self.state = SourceState("machine", "ok")
        self._changed()

    def hint(self, began: float, ended: float) -> str:
        """What about this computer would explain a call that was slow between these times.

        Empty if nothing is seen, or if too few readings lie between them to say anything.
        """
        uses = [ring.between(began, ended) for ring in self._gpu_use]
        known = [[value for value in values if value is not None] for values in uses]
        if known and all(len(v) >= ENOUGH_READINGS and max(v) < UNUSED_GPU for v in known):
            return "the GPU was hardly used, so the processor may have done the work"
        cpu = [value for value in self._cpu.between(began, ended) if value is not None]
        if len(cpu) >= ENOUGH_READINGS and min(cpu) >= FULL_CPU:
            return "the processor was full all the time"
        return ""

    def snapshot(self) -> MachineState:
        """The newest reading with its history."""
        return MachineState(
            machine=self._machine,
            span_s=LENGTH * self._interval,
            cpu=self._cpu.series,
            ram=self._ram.series,
            gpu_use=tuple(ring.series for ring in self._gpu_use),
            gpu_memory=tuple(ring.series for ring in self._gpu_memory),
        )


async def _in_daemon_thread(read: Callable[[], Machine]) -> Machine:
    """The result of `read` from a thread that a quit need not wait for, should a driver hang."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Machine] = loop.create_future()

    def settle(machine: Machine | None, error: BaseException | None) -> None:
        if future.done():
            return
        if machine is None:
            future.set_exception(error or RuntimeError("no reading"))
        else:
            future.set_result(machine)

    def target() -> None:
        try:
            outcome: tuple[Machine | None, BaseException | None] = (read(), None)
        except BaseException as error:
            outcome = (None, error)
        # The loop may have been closed while the driver took its time.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=target, name="dmr-tui machine", daemon=True).start()
    return await future


def _percent(used: Reading[int], total: Reading[int]) -> float | None:
    if used.value is None or not total.value:
        return None
    return 100.0 * used.value / total.value
