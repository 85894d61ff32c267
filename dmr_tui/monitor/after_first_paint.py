"""Every part that the first paint does without; the one module that is imported late.

The poller imports it when the first screen stands, or when something of it is asked for earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import anyio
import anyio.to_thread

from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.actions.runner_actions import RunnerActions
from dmr_tui.monitor.alerts import find
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.monitor.crashes import Supervisor
from dmr_tui.monitor.doctor.doctor_monitor import DoctorMonitor
from dmr_tui.monitor.history.history import History
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.memory_monitor import Known, MemoryMonitor
from dmr_tui.monitor.requests.request_log import RequestLog
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.monitor.snapshot_builder import LOG_WAITING, LaterReading, RunnerReading
from dmr_tui.runner.discovery.docker_engine import DockerEngine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.state.engine_facts import NOTHING_LOGGED, LoggedEngines
from dmr_tui.state.memory import LoadConditions, MemoryState
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import MachineState, Snapshot


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The things that the poller gives to the parts."""

    runner: Callable[[], RunnerMonitor | None]
    """Return the runner that is watched now."""
    places: Places
    interval: float
    changed: Callable[[], None]
    kick: Callable[[], None]
    clock: Callable[[], float]
    archive: ArchiveOptions | None = None
    kept: Path | None = None
    """Folder in which it is remembered what loads took."""
    thresholds: Thresholds = DEFAULTS
    supervisor: Supervisor = field(default_factory=lambda: Supervisor(lambda crash: None))


class AfterFirstPaint:
    """The parts that begin after the first paint, as `later_parts.LaterParts` describes them."""

    def __init__(self, around: Surroundings, view: View) -> None:
        self._around = around
        self._view = view
        self._history: History | None = None
        self._footprints = Footprints(around.kept)
        self._memory: MemoryMonitor | None = None
        self._footprint_taken = anyio.Event()
        self._doctor = DoctorMonitor(around.places, around.changed)
        options = around.archive
        self._request_log = RequestLog(
            None if options is None else partial(_archive, options), around.changed
        )
        self.actions = RunnerActions(
            around.runner, self._request_log, lambda: self.loading, around.changed, around.kick
        )
        self.look(view)

    @property
    def engines(self) -> LoggedEngines:
        """The engines, by the log."""
        if self._history is None:
            return NOTHING_LOGGED
        facts = MappingProxyType(dict(self._history.log.engines.facts))
        return LoggedEngines(facts, self._history.log_readable)

    @property
    def loading(self) -> LoadConditions | None:
        """The conditions of a load; None until the machine was read."""
        return None if self._memory is None else self._memory.loading

    async def run(self) -> None:
        """Run all parts that outlive a runner, for ever."""
        async with anyio.create_task_group() as group:
            keep = self._around.supervisor.keep
            group.start_soon(keep, "the archive of requests", self._request_log.run)
            group.start_soon(keep, "the doctor", self._doctor.run)
            await keep("the memory of what loads took", self._run_memory)

    async def _run_memory(self) -> None:
        await self._begin_memory()
        self._around.changed()
        while True:
            await self._footprint_taken.wait()
            self._footprint_taken = anyio.Event()
            await anyio.to_thread.run_sync(self._footprints.write)

    async def watch(self, runner: RunnerMonitor) -> None:
        """Follow what happens to a runner, until cancelled."""
        await self._begin_history(runner).log.run()

    async def once(self, runner: RunnerMonitor | None) -> None:
        """Read once everything that can be read."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._begin_memory)
            if self._view.doctor:
                group.start_soon(self._doctor.read)
            if runner is not None:
                group.start_soon(self._begin_history(runner).log.source.poll)

    def look(self, view: View) -> None:
        """Prepare what the open screen needs."""
        self._view = view
        self._request_log.look(view)
        self._doctor.show(view.doctor)
        if self._history is not None:
            self._history.log.show(view.log)

    def kick(self) -> None:
        """Read the log again now."""
        if self._history is not None:
            self._history.log.source.kick()

    def docker_answered(self, engines: tuple[DockerEngine, ...]) -> None:
        """Take over what the search for the runner heard of Docker."""
        self._doctor.docker_answered(engines)

    def take_in(self, reading: RunnerReading | None, machine: MachineState) -> LaterReading:
        """Learn what loads took, and return what all parts know."""
        pulls = self.actions.pulls.state
        if reading is None:
            return LaterReading(pulls=pulls)
        history, memory, log = self._history, self._memory, self._request_log
        states = (
            LOG_WAITING if history is None else history.log.source.state,
            *log.sources,
            *(() if memory is None or memory.state is None else (memory.state,)),
        )
        return LaterReading(
            events=() if history is None else history.timeline.events,
            log=() if history is None else history.log.lines,
            requests=log.requests(),
            caller_names=MappingProxyType(dict(log.names)),
            memory=self._join_memory(reading, machine),
            pulls=pulls,
            sources=states,
        )

    def judged(self, snapshot: Snapshot, *, clock_known: bool) -> Snapshot:
        """Return `snapshot` with alerts and, while it is shown, what the doctor looks at."""
        doctor = self._doctor.facts(clock_known=clock_known) if self._view.doctor else None
        return replace(snapshot, alerts=find(snapshot, self._around.thresholds), doctor=doctor)

    def _join_memory(self, reading: RunnerReading, machine: MachineState) -> MemoryState | None:
        if self._memory is None:
            return None
        facts = reading.engines.facts
        known = Known(reading.runner, reading.models, reading.configured, facts, reading.now)
        return self._memory.look(machine.machine, known)

    async def _begin_memory(self) -> None:
        await anyio.to_thread.run_sync(self._footprints.read)
        self._memory = MemoryMonitor(
            self._footprints, lambda: self._footprint_taken.set(), self._around.thresholds
        )

    def _begin_history(self, runner: RunnerMonitor) -> History:
        around, before = self._around, self._history if runner.continues else None
        self._history = history = History(
            runner.client,
            around.interval,
            around.changed,
            around.clock,
            tracker=runner.tracker,
            names=lambda: runner.names,
            timeline=None if before is None else before.timeline,
        )
        history.log.show(self._view.log)
        runner.history.deliver_to(history)
        self._request_log.watch(runner.client.endpoint.label, runner.tracker)
        runner.finished.deliver_to(self._request_log)
        return history


def _archive(options: ArchiveOptions) -> Archive:
    return Archive(
        options.path,
        keep_days=options.keep_days,
        keep_mb=options.keep_mb,
        bodies=options.bodies,
    )
