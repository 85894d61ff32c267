"""Every part that the first paint does without; the one module that is imported late.

The poller imports it when the first screen stands, or when something of it is asked for earlier.
"""

from dataclasses import asdict, replace
from types import MappingProxyType

import anyio
import anyio.to_thread

from dmr_tui.monitor.actions.runner_actions import RunnerActions
from dmr_tui.monitor.alerts import find
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.monitor.doctor_monitor import DoctorMonitor
from dmr_tui.monitor.history.timeline import History
from dmr_tui.monitor.later_parts import LOG_WAITING, LaterParts, Surroundings
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.memory_monitor import Known, MemoryMonitor
from dmr_tui.monitor.requests.request_log import RequestLog
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.runner.discovery.docker_engine import DockerEngine
from dmr_tui.state.memory import LoadConditions, MemoryState
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import LateFacts, MachineState, RunnerFacts, Snapshot
from dmr_tui.state.source_state import SourceState


class AfterFirstPaint(LaterParts):
    """The parts that begin after the first paint."""

    def __init__(self, around: Surroundings, view: View) -> None:
        self._around = around
        self._view = view
        self._history: History | None = None
        self._footprints = Footprints(around.kept)
        self._memory: MemoryMonitor | None = None
        self._footprint_taken = anyio.Event()
        self._doctor = DoctorMonitor(around.places, around.changed)
        archive = None if around.archive is None else Archive(**asdict(around.archive))
        self._request_log = RequestLog(archive, around.changed)
        self.actions = actions = RunnerActions(around, self._request_log, lambda: self.loading)
        self._pulls = actions.pulls
        self.look(view)

    @property
    def loading(self) -> LoadConditions | None:
        return None if self._memory is None else self._memory.loading

    @property
    def sources(self) -> tuple[SourceState, ...]:
        history, memory = self._history, self._memory
        return (
            LOG_WAITING if history is None else history.log.source.state,
            *self._request_log.sources,
            *(() if memory is None or memory.state is None else (memory.state,)),
        )

    async def run(self) -> None:
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
        await self._begin_history(runner).log.run()

    async def once(self, runner: RunnerMonitor | None) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._begin_memory)
            if self._view.doctor:
                group.start_soon(self._doctor.read)
            if runner is not None:
                group.start_soon(self._begin_history(runner).log.source.poll)

    def look(self, view: View) -> None:
        self._view = view
        self._request_log.look(view)
        self._doctor.show(view.doctor)
        if self._history is not None:
            self._history.log.show(view.log)

    def kick(self) -> None:
        if self._history is not None:
            self._history.log.source.kick()

    def docker_answered(self, engines: tuple[DockerEngine, ...]) -> None:
        self._doctor.docker_answered(engines)

    def take_in(self, facts: RunnerFacts, machine: MachineState) -> LateFacts:
        runner, history, log = self._around.runner(), self._history, self._request_log
        doctor = None
        if self._view.doctor:
            clock_known = runner is not None and runner.client.clock.known
            doctor = self._doctor.facts(clock_known=clock_known)
        known = LateFacts(pulls=self._pulls.state, doctor=doctor)
        if runner is not None:
            known["events"] = () if history is None else history.timeline.events
            known["log"] = () if history is None else history.log.lines
            known["requests"] = log.requests()
            known["caller_names"] = MappingProxyType(dict(log.names))
            known["memory"] = self._memory_state(runner, facts, machine)
        return known

    def judged(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, alerts=find(snapshot, self._around.thresholds))

    def _memory_state(
        self, runner: RunnerMonitor, facts: RunnerFacts, machine: MachineState
    ) -> MemoryState | None:
        if self._memory is None:
            return None
        configured, engines = runner.configured.value or (), runner.engines().facts
        known = Known(facts["runner"], facts.get("models", ()), configured, engines, runner.now)
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
            crashed=around.supervisor.failed,
        )
        history.log.show(self._view.log)
        runner.engines = history.engines
        runner.history.deliver_to(history)
        self._request_log.watch(runner.client.endpoint.label, runner.tracker)
        runner.finished.deliver_to(self._request_log)
        return history
