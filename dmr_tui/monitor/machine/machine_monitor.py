"""The computer, read at a steady pace, with the last minute of each percentage."""

from collections import defaultdict, deque
from collections.abc import Callable

import anyio

from dmr_tui.machine.container import ContainerReport
from dmr_tui.machine.gpu.gpu import Gpu, GpuReport, merged
from dmr_tui.machine.host import Host
from dmr_tui.machine.probe import Machine, MachineProbe
from dmr_tui.machine.processes import ProcessReport
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.stats import Series
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.machine.part_reader import PATIENCE_S, PartReader
from dmr_tui.runner.request import SlownessHint
from dmr_tui.state.snapshot import MachineState
from dmr_tui.state.source_state import SourceState

ENOUGH_READINGS = 3
SELDOM = 10
"""Intervals between two looks for hardware that is not there."""

GpuName = tuple[str, str]
"""Part, and id or number within it."""
LENGTH = 60


class Ring:
    """The newest `LENGTH` values, one for each `interval`."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._values: deque[float | None] = deque(maxlen=LENGTH)
        self._last: float | None = None

    def add(self, at: float, value: float | None) -> None:
        """Append `value`; intervals in which nothing came are filled with gaps."""
        if self._last is not None:
            missed = round((at - self._last) / self._interval) - 1
            self._values.extend([None] * min(max(missed, 0), LENGTH))
        self._last = at
        self._values.append(value)

    def between(self, began: float, ended: float) -> Series:
        """Return the values that were read within these times, oldest first."""
        if self._last is None:
            return ()
        newest = self._last
        times = (newest - self._interval * n for n in range(len(self._values)))
        found = [
            v for at, v in zip(times, reversed(self._values), strict=False) if began <= at <= ended
        ]
        return tuple(reversed(found))

    @property
    def series(self) -> Series:
        """The values, oldest first."""
        return tuple(self._values)


class MachineMonitor:
    """The newest readings of the computer and their history."""

    def __init__(
        self,
        probe: MachineProbe,
        interval: float,
        changed: Callable[[], None],
        clock: Callable[[], float],
        thresholds: Thresholds = DEFAULTS,
    ) -> None:
        self._thresholds = thresholds
        self._interval = interval
        self._changed = changed
        self._clock = clock
        self._parts = tuple(PartReader(part, changed, clock) for part in probe.parts)
        self._beats = 0
        self._cpu = Ring(interval)
        self._ram = Ring(interval)
        self._gpu_use: dict[GpuName, Ring] = defaultdict(lambda: Ring(interval))
        self._gpu_memory: dict[GpuName, Ring] = defaultdict(lambda: Ring(interval))

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """Health of each part, without absent parts that give no reason."""
        return tuple(
            reader.state
            for reader in self._parts
            if reader.state.health != "ok" or _worth_listing(reader)
        )

    async def run(self) -> None:
        """Read for ever; the next readings begin an interval after the last ones began."""
        try:
            async with anyio.create_task_group() as group:
                while True:
                    began = anyio.current_time()
                    for reader in self._parts:
                        if not reader.reading and self._beats % _pace(reader) == 0:
                            reader.reading = True
                            group.start_soon(self._read, reader)
                    self._beats += 1
                    await anyio.sleep(max(0.05, self._interval - (anyio.current_time() - began)))
        finally:
            for reader in self._parts:
                reader.close()

    async def read(self) -> None:
        """Read every part once, with patience."""
        with anyio.move_on_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                for reader in self._parts:
                    group.start_soon(self._read, reader)

    async def _read(self, reader: PartReader) -> None:
        if not await reader.read():
            return
        now = self._clock()
        match reader.value:
            case Host() as host:
                self._cpu.add(now, host.cpu.value)
                self._ram.add(now, _percent(host.ram_used, host.ram_total))
            case GpuReport(gpus=gpus):
                for gpu in gpus:
                    name, percent = _name(reader, gpu), _percent(gpu.memory_used, gpu.memory_total)
                    self._gpu_use[name].add(now, gpu.use.value)
                    self._gpu_memory[name].add(now, percent)
        self._changed()

    def _newest(self, field: str) -> list[PartReader]:
        return [reader for reader in self._parts if reader.part.field == field]

    @property
    def machine(self) -> Machine | None:
        """The computer as it was read last; None until its memory was read."""
        host = next((w.value for w in self._newest("host") if w.value is not None), None)
        if host is None:
            return None
        reports = [w.value for w in self._newest("gpu") if w.value is not None]
        processes = next((w.value for w in self._newest("processes")), None)
        container = next((w.value for w in self._newest("container")), None)
        return Machine(
            host,
            merged(reports) if reports else _READING,
            ProcessReport(reason="not read yet") if processes is None else processes,
            ContainerReport(reason="not read yet") if container is None else container,
        )

    def hint(self, began: float, ended: float) -> SlownessHint:
        """Return what about this computer explains a request that was slow between these times.

        Empty if nothing is seen, or if too few readings lie between them to say anything.
        """
        uses = [ring.between(began, ended) for ring in self._gpu_use.values()]
        known = [[value for value in values if value is not None] for values in uses]
        unused, (_, full) = self._thresholds.level("gpu_unused"), self._thresholds.levels("cpu")
        if known and all(len(v) >= ENOUGH_READINGS and max(v) < unused for v in known):
            return "GPU unused"
        cpu = [value for value in self._cpu.between(began, ended) if value is not None]
        if len(cpu) >= ENOUGH_READINGS and min(cpu) >= full:
            return "CPU full"
        return ""

    def snapshot(self) -> MachineState:
        """Return the newest readings with their history."""
        machine = self.machine
        # In the order in which the GPUs of all makers are numbered.
        names = [
            _name(reader, gpu)
            for reader in self._newest("gpu")
            if machine is not None and reader.value is not None
            for gpu in reader.value.gpus
        ]
        return MachineState(
            machine=machine,
            span_s=LENGTH * self._interval,
            cpu=self._cpu.series,
            ram=self._ram.series,
            gpu_use=tuple(self._gpu_use[name].series for name in names),
            gpu_memory=tuple(self._gpu_memory[name].series for name in names),
            sources=self.sources,
        )


_READING = GpuReport("", (), "reading the drivers …")


def _pace(reader: PartReader) -> int:
    """Intervals between two readings; what is not there need not be looked for each second."""
    every = round(reader.part.every)
    return max(every, SELDOM) if reader.state.health == "absent" else every


def _name(reader: PartReader, gpu: Gpu) -> GpuName:
    return (reader.part.name, gpu.id or str(gpu.index))


def _worth_listing(reader: PartReader) -> bool:
    """Return whether a part that is fine deserves a line among the sources."""
    value = reader.value
    return not isinstance(value, GpuReport) or bool(value.gpus or value.reason)


def _percent(used: Reading[int], total: Reading[int]) -> float | None:
    if used.value is None or not total.value:
        return None
    return 100.0 * used.value / total.value
