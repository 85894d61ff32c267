"""Finds the runner, watches it and the machine, and publishes one Snapshot after another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from dmr_tui.machine.probe import MachineProbe
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.machine_monitor import MachineMonitor
from dmr_tui.monitor.requests.request_log import OpenArchive, RequestLog
from dmr_tui.monitor.requests.rolling_window import BINS, WINDOW_S
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.monitor.search import Search
from dmr_tui.monitor.source import FIRST_PAINT_S
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.discovery.docker_engine import DockerEngine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.state.request_filter import View
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Attempt, MachineState, Runner, Snapshot

if TYPE_CHECKING:
    from dmr_tui.monitor.actions.pulls import Pulls
    from dmr_tui.monitor.actions.remote_model import RemoteModel
    from dmr_tui.monitor.doctor.doctor_monitor import DoctorMonitor
    from dmr_tui.monitor.memory.fits import Loading
    from dmr_tui.monitor.memory.footprints import Footprints
    from dmr_tui.monitor.memory.memory_monitor import MemoryMonitor

SHOWN_FINISHED = 200
"""Finished calls in a Snapshot; more of them are kept for the statistics."""
COALESCE_S = 0.05
"""Seconds that a change waits for others to come along."""
LONGEST_SEARCH_PAUSE_S = 3.0
ELSEWHERE_AFTER_S = 5.0
"""Seconds without a runner after which the other candidates are tried again."""
RUNNER_SLOTS = 8
"""DMR loads min(CPUs, 8) models at a time."""


class Poller:
    """Everything that is polled; runs on one event loop, tells through `publish`."""

    def __init__(
        self,
        places: Places | Sequence[Endpoint],
        probe: MachineProbe,
        publish: Callable[[Snapshot], None],
        *,
        interval: float = 1.0,
        read_only: bool = False,
        archive: OpenArchive | None = None,
        kept: Path | None = None,
        thresholds: Thresholds = DEFAULTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`places` are where to look for the runner, or addresses to try one after the other.

        What loads took and what models were configured to is remembered in the folder `kept`.
        """
        self.watch: RunnerMonitor | None = None
        self.request_log = RequestLog(archive, self._changed)
        self._view = View()
        self._places = places if isinstance(places, Places) else Places(tuple(places))
        self._publish = publish
        self._interval = interval
        self._read_only = read_only
        self._clock = clock
        self._dirty = anyio.Event()
        self._wanted = anyio.Event()
        self._attempts: tuple[Attempt, ...] = ()
        self._engines: tuple[DockerEngine, ...] | None = None
        self._searched = False
        self._thresholds = thresholds
        self._machine = MachineMonitor(probe, interval, self._changed, clock, thresholds)
        self._throughput: tuple[object, Throughput] | None = None
        self._kept = kept
        self._memory: MemoryMonitor | None = None
        self._took = anyio.Event()
        self.pulls: Pulls | None = None
        self._doctor: DoctorMonitor | None = None
        self._doctor_wanted = anyio.Event()

    @property
    def client(self) -> RunnerClient | None:
        """The client of the runner that was found, if one was."""
        return None if self.watch is None else self.watch.client

    @property
    def loading(self) -> "Loading | None":
        """What the verdicts depend on; None until the machine was read."""
        return None if self._memory is None else self._memory.loading

    async def pull(self, name: str) -> None:
        """Have the runner download a model; the Snapshots tell how far it is."""
        from dmr_tui.monitor.actions.pulls import Pulls

        self.pulls = self.pulls or Pulls(self._changed)
        if self.client is None:
            self.pulls.refuse(name, Explanation("No runner answers"))
        else:
            await self.pulls.run(self.client, name, self.kick)

    async def look_up(self, name: str, publish: "Callable[[RemoteModel], None]") -> None:
        """Tell what a registry has under a name."""
        from dmr_tui.monitor.actions.remote_model import NOBODY, RemoteModel, look_up

        if self.watch is None:
            publish(RemoteModel(name, failure=NOBODY))
            return
        watch = self.watch
        publish(await look_up(watch.client, name, watch.installed, self.loading))

    async def run(self) -> None:
        """Poll and publish for ever."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._machine.run)
            group.start_soon(self._run_runner)
            group.start_soon(self.request_log.run)
            group.start_soon(self._run_memory)
            group.start_soon(self._run_doctor)
            await self._run_publish()

    async def once(self) -> Snapshot:
        """One round of everything, for a program that wants one Snapshot."""
        client = await self._try_all()
        self._searched = True
        try:
            await self._begin_memory()
            async with anyio.create_task_group() as group:
                group.start_soon(self._read_machine_twice)
                if self._view.doctor:
                    group.start_soon(self._begin_doctor().read)
                if client is not None:
                    self.watch = RunnerMonitor(client, self._interval, self._changed, self._clock)
                    await self.watch.once()
            return self._build()
        finally:
            if client is not None:
                await client.aclose()

    async def run_paced(self) -> None:
        """Poll for ever, and publish once an interval and not in between."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._machine.run)
            group.start_soon(self._run_runner)
            group.start_soon(self._run_memory)
            while True:
                await anyio.sleep(self._interval)
                self._publish(self._build())

    def kick(self) -> None:
        """Ask everything again now."""
        self._wanted.set()
        if self.watch is not None:
            self.watch.kick()

    def look(self, view: View) -> None:
        """What the open screen needs beside what every Snapshot holds."""
        self._view = view
        self.request_log.look(view)
        if view.doctor:
            self._doctor_wanted.set()
        if self._doctor is not None:
            self._doctor.show(view.doctor)
        if self.watch is not None:
            self.watch.show_log(view.log)

    def _hint(self, began: float, ended: float) -> str:
        """What about the runner's computer explains a call that was slow, by its clock."""
        client = self.client
        if client is None or not client.endpoint.is_this_machine:
            return ""
        offset = client.clock.seconds
        return self._machine.hint(began - offset, ended - offset)

    def _changed(self) -> None:
        self._dirty.set()

    async def _run_memory(self) -> None:
        """Join who holds memory, and keep what loads took as it becomes known."""
        await anyio.sleep(FIRST_PAINT_S)
        loads = await self._begin_memory()
        self._changed()
        while True:
            await self._took.wait()
            self._took = anyio.Event()
            await anyio.to_thread.run_sync(loads.write)

    async def _begin_memory(self) -> "Footprints":
        from dmr_tui.monitor.memory.footprints import Footprints
        from dmr_tui.monitor.memory.memory_monitor import MemoryMonitor

        loads = Footprints(self._kept)
        await anyio.to_thread.run_sync(loads.read)
        self._memory = MemoryMonitor(loads, lambda: self._took.set(), self._thresholds)
        return loads

    async def _run_doctor(self) -> None:
        await self._doctor_wanted.wait()
        doctor = self._begin_doctor()
        doctor.show(self._view.doctor)
        await doctor.run()

    def _begin_doctor(self) -> "DoctorMonitor":
        from dmr_tui.monitor.doctor.doctor_monitor import DoctorMonitor

        self._doctor = DoctorMonitor(self._places, self._changed)
        self._doctor.engines = self._engines
        return self._doctor

    async def _read_machine_twice(self) -> None:
        # The use of the processor is a difference between two readings.
        await self._machine.read()
        await anyio.sleep(0.2)
        await self._machine.read()

    async def _run_publish(self) -> None:
        while True:
            with anyio.move_on_after(self._interval):
                await self._dirty.wait()
            # What the polls of one round bring becomes one Snapshot and one repaint.
            await anyio.sleep(COALESCE_S)
            self._dirty = anyio.Event()
            self._publish(self._build())

    async def _run_runner(self) -> None:
        while True:
            client = await self._search()
            try:
                async with anyio.create_task_group() as group:
                    ends = (self._changed, self._clock)
                    self.watch = RunnerMonitor(
                        client,
                        self._interval,
                        *ends,
                        before=self.watch,
                        folder=self._kept,
                        thresholds=self._thresholds,
                    )
                    self.watch.tracker.hint = self._hint
                    self.request_log.watch(client.endpoint.label, self.watch.tracker)
                    self.watch.show_log(self._view.log)
                    group.start_soon(self.watch.run)
                    await self._until_lost(self.watch)
                    group.cancel_scope.cancel()
            finally:
                with anyio.CancelScope(shield=True):
                    await client.aclose()

    async def _until_lost(self, watch: RunnerMonitor) -> None:
        """Until another place may be the better one; with a single one, never."""
        while True:
            await anyio.sleep(ELSEWHERE_AFTER_S)
            down = watch.down_since
            if (
                self._places.several
                and down is not None
                and self._clock() - down > ELSEWHERE_AFTER_S
            ):
                return

    async def _search(self) -> RunnerClient:
        pause = self._interval
        while True:
            client = await self._try_all()
            self._searched = True
            self._changed()
            if client is not None:
                return client
            with anyio.move_on_after(pause):
                await self._wanted.wait()
            self._wanted = anyio.Event()
            pause = min(pause * 1.5, LONGEST_SEARCH_PAUSE_S)

    async def _try_all(self) -> RunnerClient | None:
        found = await Search(self._places, read_only=self._read_only).run()
        self._attempts = found.attempts
        if found.engines is not None:
            self._engines = found.engines
            if self._doctor is not None:
                self._doctor.engines = found.engines
        return found.client

    def _build(self) -> Snapshot:
        from dmr_tui.monitor.alerts import find

        snapshot = self._picture()
        snapshot = replace(snapshot, alerts=find(snapshot, self._thresholds))
        if self.pulls is not None:
            snapshot = replace(snapshot, pulls=self.pulls.state)
        doctor = self._doctor
        if doctor is None or not self._view.doctor:
            return snapshot
        known = self.watch is not None and self.watch.client.clock.known
        return replace(snapshot, doctor=doctor.facts(clock_known=known))

    def _picture(self) -> Snapshot:
        watch = self.watch
        machine = self._machine.snapshot()
        if watch is None:
            up = False if self._searched else None
            return Snapshot(
                taken_at=self._clock(),
                interval_s=self._interval,
                runner=Runner(up=up, endpoint=self._places.known[0]),
                attempts=self._attempts,
                machine=machine,
                sources=machine.sources,
                read_only=self._read_only,
            )
        cpu_count = machine.machine.host.cpu_count if machine.machine else None
        snapshot = Snapshot(
            taken_at=self._clock(),
            interval_s=self._interval,
            runner=_runner(watch, cpu_count),
            attempts=self._attempts,
            models=watch.rows(),
            in_flight=watch.tracker.in_flight,
            finished=watch.tracker.finished[-SHOWN_FINISHED:],
            throughput=self._throughput_of(watch),
            machine=machine,
            sources=(*watch.sources, *self.request_log.sources, *machine.sources),
            calls=self.request_log.calls(),
            events=() if watch.history is None else watch.history.timeline.events,
            log=() if watch.history is None else watch.history.log.lines,
            caller_names=dict(self.request_log.names),
            clock_offset=watch.client.clock.seconds,
            lost=watch.configurations.lost,
            read_only=self._read_only,
        )
        return self._with_memory(snapshot, watch, machine)

    def _with_memory(
        self, snapshot: Snapshot, watch: RunnerMonitor, machine: MachineState
    ) -> Snapshot:
        if self._memory is None:
            return snapshot
        from dmr_tui.monitor.memory.memory_monitor import Known

        known = Known(
            snapshot.runner,
            snapshot.models,
            watch.configured.value or (),
            {} if watch.history is None else watch.history.log.engines.facts,
            watch.now,
        )
        memory = self._memory.look(machine.machine, known)
        remembered = self._memory.state
        sources = snapshot.sources if remembered is None else (*snapshot.sources, remembered)
        return replace(snapshot, memory=memory, sources=sources)

    def _throughput_of(self, watch: RunnerMonitor) -> Throughput:
        # The windows move in steps of one bin, so nothing else needs to be counted anew.
        key = (watch.tracker.finished, int(watch.now // (WINDOW_S / BINS)))
        if self._throughput is None or self._throughput[0] != key:
            self._throughput = (key, watch.tracker.throughput(watch.now))
        return self._throughput[1]


def _runner(watch: RunnerMonitor, cpu_count: int | None) -> Runner:
    endpoint = watch.client.endpoint
    local = endpoint.is_this_machine and cpu_count is not None
    used = None if watch.ps.value is None else len(watch.ps.value)
    total = min(cpu_count, RUNNER_SLOTS) if local and cpu_count is not None else None
    return Runner(
        up=watch.down_since is None,
        endpoint=endpoint,
        version=watch.version,
        banner=watch.banner,
        backends=watch.status.value or (),
        latency_ms=watch.latency_ms,
        down_since=watch.down_since,
        down_reason=watch.down_reason,
        models_bytes=watch.disk.value.models_disk_usage if watch.disk.value else None,
        slots_used=used,
        # More than there can be: it does not run on these processors.
        slots_total=None if total is None or (used or 0) > total else total,
    )
