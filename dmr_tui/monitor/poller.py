"""Finds the runner, watches it and the machine, and publishes one Snapshot after another."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import anyio

from dmr_tui.machine.probe import MachineProbe
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.crashes import Supervisor
from dmr_tui.monitor.later_parts import LOG_WAITING, LaterParts, Surroundings
from dmr_tui.monitor.machine.machine_monitor import MachineMonitor
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.monitor.search import Search
from dmr_tui.monitor.source import FIRST_PAINT_S
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.discovery.docker_engine import DockerEngine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.request import SlownessHint
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Attempt, LateFacts, Runner, RunnerFacts, Snapshot

COALESCE_S = 0.05
"""Seconds that a change waits for others to come along."""
LONGEST_SEARCH_PAUSE_S = 3.0
ELSEWHERE_AFTER_S = 5.0
"""Seconds without a runner after which the other candidates are tried again."""


class Poller:
    """Polls everything on one event loop, and hands each Snapshot to `publish`."""

    def __init__(
        self,
        places: Places | Sequence[Endpoint],
        probe: MachineProbe,
        publish: Callable[[Snapshot], None],
        *,
        interval: float = 1.0,
        read_only: bool = False,
        archive: ArchiveOptions | None = None,
        kept: Path | None = None,
        thresholds: Thresholds = DEFAULTS,
        clock: Callable[[], float] = time.time,
        supervisor: Supervisor | None = None,
    ) -> None:
        """`places` are where to look for the runner, or addresses to try one after the other.

        What loads took and what models were configured to is remembered in the folder `kept`.
        `supervisor` starts each part again that failed by an error of its own.
        """
        self.runner_monitor: RunnerMonitor | None = None
        self._view = View()
        self._around = Surroundings(
            places if isinstance(places, Places) else Places(tuple(places)),
            interval,
            clock,
            self._changed,
            self.kick,
            lambda: self.runner_monitor,
            archive,
            kept,
            thresholds,
            supervisor or Supervisor(lambda crash: None),
        )
        self._publish = publish
        self._read_only = read_only
        self._dirty = anyio.Event()
        self._wanted = anyio.Event()
        self._attempts: tuple[Attempt, ...] = ()
        self._engines: tuple[DockerEngine, ...] | None = None
        self._searched = False
        self._machine = MachineMonitor(probe, interval, self._changed, clock, thresholds)
        self._later: LaterParts | None = None
        self._later_begun = anyio.Event()

    @property
    def later(self) -> LaterParts:
        """The parts that begin after the first paint; they are there from now on."""
        if self._later is None:
            from dmr_tui.monitor.after_first_paint import AfterFirstPaint

            self._later = AfterFirstPaint(self._around, self._view)
            if self._engines is not None:
                self._later.docker_answered(self._engines)
            self._later_begun.set()
        return self._later

    async def run(self) -> None:
        """Poll for ever, and publish whenever something changed."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._run_sources)
            while True:
                with anyio.move_on_after(self._around.interval):
                    await self._dirty.wait()
                # What the polls of one round bring becomes one Snapshot and one repaint.
                await anyio.sleep(COALESCE_S)
                self._dirty = anyio.Event()
                self._publish_next()

    async def run_paced(self) -> None:
        """Poll for ever, and publish once an interval and not in between."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._run_sources)
            while True:
                await anyio.sleep(self._around.interval)
                self._publish_next()

    async def once(self) -> Snapshot:
        """Return the Snapshot of one round of everything."""
        client = await self._try_all()
        self._searched = True
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._read_machine_twice)
                if client is not None:
                    self.runner_monitor = self._monitor_of(client)
                    # Alone, for the latency that the header shows.
                    await self.runner_monitor.ps.poll()
                    group.start_soon(self.runner_monitor.once)
                group.start_soon(self.later.once, self.runner_monitor)
            return self._next()
        finally:
            if client is not None:
                await client.aclose()

    def kick(self) -> None:
        """Ask everything again now."""
        self._wanted.set()
        if self.runner_monitor is not None:
            self.runner_monitor.kick()
        if self._later is not None:
            self._later.kick()

    def look(self, view: View) -> None:
        """Prepare what the open screen needs beside what every Snapshot holds."""
        self._view = view
        if self._later is not None or view != View():
            self.later.look(view)

    def _monitor_of(self, client: RunnerClient) -> RunnerMonitor:
        around = self._around
        return RunnerMonitor(
            client,
            around.interval,
            self._changed,
            around.clock,
            before=self.runner_monitor,
            folder=around.kept,
            hint=self._hint,
            thresholds=around.thresholds,
            crashed=around.supervisor.failed,
        )

    def _hint(self, began: float, ended: float) -> SlownessHint:
        """Return what about this computer explains a slow request; times by the runner's clock."""
        runner = self.runner_monitor
        if runner is None or not runner.client.endpoint.is_this_machine:
            return ""
        offset = runner.client.clock.seconds
        return self._machine.hint(began - offset, ended - offset)

    def _changed(self) -> None:
        self._dirty.set()

    async def _run_sources(self) -> None:
        async with anyio.create_task_group() as group:
            keep = self._around.supervisor.keep
            group.start_soon(keep, "the reading of the computer", self._machine.run)
            group.start_soon(keep, "the watching of the runner", self._run_runner)
            with anyio.move_on_after(FIRST_PAINT_S):
                await self._later_begun.wait()
            await keep("what begins after the first screen", self.later.run)

    async def _read_machine_twice(self) -> None:
        # The use of the processor is a difference between two readings.
        await self._machine.read()
        await anyio.sleep(0.2)
        await self._machine.read()

    async def _run_runner(self) -> None:
        while True:
            client = await self._search()
            try:
                async with anyio.create_task_group() as group:
                    self.runner_monitor = runner = self._monitor_of(client)
                    group.start_soon(runner.run)
                    watch = partial(self._watch_later, runner)
                    group.start_soon(self._around.supervisor.keep, "the timeline", watch)
                    await self._until_lost(runner)
                    group.cancel_scope.cancel()
            finally:
                with anyio.CancelScope(shield=True):
                    await client.aclose()

    async def _watch_later(self, runner: RunnerMonitor) -> None:
        await self._later_begun.wait()
        await self.later.watch(runner)

    async def _until_lost(self, runner: RunnerMonitor) -> None:
        """Wait until another place may be the better one; with a single one, for ever."""
        while True:
            await anyio.sleep(ELSEWHERE_AFTER_S)
            down = runner.down_since
            if (
                self._around.places.several
                and down is not None
                and self._around.clock() - down > ELSEWHERE_AFTER_S
            ):
                return

    async def _search(self) -> RunnerClient:
        pause = self._around.interval
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
        found = await Search(self._around.places, read_only=self._read_only).run()
        self._attempts = found.attempts
        if found.engines is not None:
            self._engines = found.engines
            if self._later is not None:
                self._later.docker_answered(found.engines)
        return found.client

    def _publish_next(self) -> None:
        try:
            snapshot = self._next()
        except Exception as error:
            # The age of the last one goes on, and is shown.
            self._around.supervisor.failed(error, "the joining of what was read")
        else:
            self._publish(snapshot)

    def _next(self) -> Snapshot:
        """Read what is known, learn from it, and make the Snapshot of now."""
        machine, runner, later = self._machine.snapshot(), self.runner_monitor, self._later
        sources = machine.sources
        if runner is not None:
            late = (LOG_WAITING,) if later is None else later.sources
            sources = (*runner.sources, *late, *sources)
        facts = RunnerFacts(
            runner=Runner(False if self._searched else None, self._around.places.known[0])
        )
        if runner is not None:
            facts = runner.facts(machine.machine.host.cpu_count if machine.machine else None)
        known = LateFacts(pulls=(), doctor=None)
        if later is not None:
            known = later.take_in(facts, machine)
        snapshot = Snapshot(
            taken_at=self._around.clock(),
            interval_s=self._around.interval,
            attempts=self._attempts,
            machine=machine,
            sources=sources,
            read_only=self._read_only,
            **facts,
            **known,
        )
        return snapshot if later is None else later.judged(snapshot)
