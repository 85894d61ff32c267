"""Watches one runner: each source at its own pace, no more than the runner can bear unnoticed."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import anyio
from anyio.abc import TaskGroup

from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.model_rows import Installed, Loaded, configs_by_model
from dmr_tui.monitor.outbox import HistoryListener, Outbox
from dmr_tui.monitor.requests.rolling_window import BINS, WINDOW_S
from dmr_tui.monitor.requests.tracker import Listener, RequestTracker
from dmr_tui.monitor.saved_configs import SavedConfigs, saved_config_file
from dmr_tui.monitor.source import Crashed, Health, Latency, Polled, Streamed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.failures import RunnerError, Unreachable
from dmr_tui.runner.names import Names
from dmr_tui.runner.request import Request, SlownessHint
from dmr_tui.runner.wire import Configured, DiskUsage, Model, Record, Running
from dmr_tui.state.engine_facts import LoggedEngines
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Runner, RunnerFacts
from dmr_tui.state.source_state import SourceState

STATUS_S = 5.0
DISK_S = 60.0
LONGEST_SILENCE_S = 5.0
MODELS_S = 120.0
"""Each `GET /models` adds two lines to the runner's log, so it is asked when something changed."""
SHARE = 20.0
"""Between two answers that may be large passes this many times the time that one takes."""
SKEW_S = 0.5
"""Seconds by which the runner's clock may be estimated wrongly."""
MOST_OFTEN_S = 0.5
"""Seconds between two looks at what is busy, however often requests end."""
PATIENT_FAILURES = 2
"""A busy runner may miss one poll; one that refuses the connection is down at once."""
SHOWN_FINISHED = 200
"""Finished requests in a Snapshot; more of them are kept for the statistics."""
RUNNER_SLOTS = 8
"""DMR loads min(CPUs, 8) models at a time."""


class RunnerMonitor:
    """Keeps what one runner says up to date; times by the runner's clock."""

    def __init__(
        self,
        client: RunnerClient,
        interval: float,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.time,
        *,
        before: Self | None = None,
        folder: Path | None = None,
        hint: Callable[[float, float], SlownessHint] = lambda began, ended: "",
        thresholds: Thresholds = DEFAULTS,
        crashed: Crashed = lambda error, part: None,
    ) -> None:
        """`before` watched until now; if at the same address, its finished requests stay.

        In `folder` configurations are remembered while nothing here runs. `hint` tells what about
        the computer explains that a request was slow.
        """
        self.client = client
        # One address may be found by one rule today and by another tomorrow.
        same = before is not None and before.client.endpoint.place == client.endpoint.place
        kept = before if same else None
        self.continues = kept is not None
        """The runner is the one that was watched before."""
        self.history: Outbox[HistoryListener] = Outbox()
        self.finished: Outbox[Listener] = Outbox()
        self.tracker: RequestTracker = kept.tracker if kept else RequestTracker(hint, thresholds)
        self.tracker.listen(self)
        self.engines: Callable[[], LoggedEngines] = LoggedEngines
        """Return what the log says of the engines: nothing, before it is read."""
        self.version: str | None = None
        self.banner: str | None = None
        self._latency = Latency()
        self.down_since: float | None = None
        """Time of the last good answer of a runner that does not answer any more."""
        self.down_reason = ""
        self._changed = changed
        self._clock = clock
        self._up = anyio.Event()
        self._busy = anyio.Event()
        self._since: dict[tuple[str, str], tuple[str, float]] = {}
        self._unmatched: set[str] = set()
        self._was_busy = False
        self._asked_at = 0.0
        self.installed = Installed(())
        self.configurations: SavedConfigs = (
            kept.configurations
            if kept is not None
            else SavedConfigs(saved_config_file(folder, client.endpoint))
        )
        self._rows: tuple[Loaded, Installed, tuple[ModelRow, ...]] | None = None
        self._throughput: tuple[object, Throughput] | None = None
        ends = (changed, clock, crashed)
        self.ps = Polled("runners", interval, self._fetch_ps, *ends)
        self.status = Polled("backends", STATUS_S, client.status, *ends)
        self.configured = Polled("configuration", STATUS_S, self._fetch_configured, *ends)
        self.models = Polled("models", MODELS_S, self._fetch_models, *ends)
        self.disk = Polled("disk", DISK_S, self._fetch_disk, *ends)
        self.requests = Polled("requests in flight", interval, self._fetch_requests, *ends)
        self.feed = Streamed("requests feed", self._read_feed, *ends)

    @property
    def now(self) -> float:
        """The runner's time."""
        return self._clock() + self.client.clock.seconds

    @property
    def names(self) -> Names:
        """Names of the installed models, each with its digest."""
        return self.installed.names

    def _all(self) -> tuple[Health, ...]:
        return (
            self.ps,
            self.status,
            self.models,
            self.configured,
            self.disk,
            self.requests,
            self.feed,
        )

    async def run(self) -> None:
        """Watch for ever."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._run_ps, group)
            group.start_soon(self._run_requests)
            group.start_soon(self.feed.run, self._until_up)

    async def once(self) -> None:
        """Ask once for everything but `ps`, all at the same time."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._introduce)
            for polled in (self.status, self.configured, self.models, self.disk, self.requests):
                group.start_soon(polled.poll)

    def kick(self) -> None:
        """Ask again now: something was done, or the user wants to see."""
        for source in self._all():
            source.kick()

    async def _until_up(self) -> None:
        await self._up.wait()

    async def _run_ps(self, group: TaskGroup) -> None:
        while True:
            began = anyio.current_time()
            error = await self.ps.poll()
            if error is None:
                self._heard(group)
            else:
                self._missed(error)
            longest = max(self.ps.interval, LONGEST_SILENCE_S)
            pause = min(self.ps.interval * 2.0**self.ps.failures, longest)
            # From beginning to beginning, to stay in step with the readings of the machine.
            await self.ps.pause(max(began + pause - anyio.current_time(), pause / 10.0))

    def _heard(self, group: TaskGroup) -> None:
        if not self._up.is_set():
            group.start_soon(self._introduce)
            if self.down_since is not None:
                now, away = self.now, self._clock() - self.down_since
                self.history.tell(lambda history: history.runner_back(now, away))
            self.down_since, self.down_reason = None, ""
            self._up.set()
            # Whatever else is known may be of before a restart.
            for source in self._all():
                if source is not self.ps:
                    source.kick()
            self._changed()
        # Together with this poll: one waking costs less than five, here and in the runner.
        for polled in (self.status, self.configured, self.models, self.disk):
            if polled.due:
                group.start_soon(polled.poll)
        if self._was_busy or self._is_busy():
            self._busy.set()
        if self.tracker.feed_is_late(self.now):
            self.feed.reopen()

    def _missed(self, error: RunnerError) -> None:
        gone = isinstance(error, Unreachable) or self.ps.failures >= PATIENT_FAILURES
        if gone and self.down_since is None:
            # A runner that hangs is noticed only when a request has timed out.
            good = (each.good_at for each in self._all() if each.good_at is not None)
            self.down_since, self.down_reason = max(good, default=self._clock()), str(error)
            self.tracker.forget_engines()
            at, reason = self.down_since + self.client.clock.seconds, str(error)
            self.history.tell(lambda history: history.runner_lost(at, reason))
            if self._up.is_set():
                # Those that wait already wait for this one.
                self._up = anyio.Event()
            self._changed()

    async def _introduce(self) -> None:
        # Not knowing the version is no reason to show nothing else.
        with suppress(RunnerError):
            self.version = await self.client.version()
            self.banner = await self.client.banner()
        self._changed()

    def _is_busy(self) -> bool:
        return any(running.in_use for running in self.ps.value or ())

    async def _fetch_ps(self) -> list[Running]:
        began, asked_at = time.perf_counter(), self.now
        running = await self.client.ps()
        self._latency.add((time.perf_counter() - began) * 1000.0)
        self._asked_at = asked_at
        self._note_changes(running)
        running.sort(key=lambda r: (r.model_name, r.mode, r.backend_name))
        before, names = self.ps.value, self.names
        self.history.tell(lambda history: history.running_is(before, running, names, asked_at))
        return running

    def _note_changes(self, running: list[Running]) -> None:
        since = {}
        for run in running:
            state = "loading" if run.loading else "busy" if run.in_use else ""
            key = (run.model_name, run.mode)
            before = self._since.get(key)
            if state:
                since[key] = before if before and before[0] == state else (state, self.now)
        self._since = since
        unmatched = {r.model_name for r in running if not self.names.digest(r.model_name)}
        if unmatched - self._unmatched:
            self.models.kick()
        self._unmatched = unmatched

    async def _fetch_configured(self) -> list[Configured]:
        configured = await self.client.configured()
        known, at = self.configured.value, self.now
        before, after = configs_by_model(known or ()), configs_by_model(configured)
        changed = {d for d in before.keys() | after.keys() if before.get(d) != after.get(d)}
        for digest in changed:
            self.tracker.forget_engine(digest)
        if known is not None and known != configured:
            self.history.tell(lambda history: history.configured_is(known, configured, changed, at))
        if known != configured:
            # Whole, with keys that nothing here understands: to be set again if they get lost.
            await self.configurations.take_in(await self.client.stored())
        return configured

    async def _fetch_models(self) -> list[Model]:
        models = await self.client.models()
        if models != self.models.value:
            self.installed = Installed(models)
            self.configurations.removed(model.id for model in models)
        return models

    async def _fetch_disk(self) -> DiskUsage:
        usage = await self.client.disk_usage()
        if self.disk.value is not None and usage != self.disk.value:
            self.models.kick()
        return usage

    async def _run_requests(self) -> None:
        while True:
            await self._busy.wait()
            self._busy = anyio.Event()
            began = time.perf_counter()
            self._was_busy = self._is_busy()
            busy, asked_at = self._busy_digests(), self._asked_at
            if await self.requests.poll() is None:
                # A request of before that look at what is busy, and still without an end.
                self._hear(self.tracker.idle(busy, asked_at - SKEW_S))
            spent = time.perf_counter() - began
            await anyio.sleep(min(spent * SHARE, LONGEST_SILENCE_S))

    async def _fetch_requests(self) -> None:
        groups, _ = await self.client.requests()
        self._hear(self.tracker.take_list(groups, self.now))

    async def _read_feed(self) -> None:
        async with self.client.feed() as events:
            async for name, groups in events:
                self.feed.good(groups.unreadable)
                self._hear(self.tracker.take_event(name, groups, self.now))
                self._look_whether_idle()

    def _look_whether_idle(self) -> None:
        # Until the next look a model would be called busy beside no request at all.
        long_ago = self.now - self._asked_at > min(MOST_OFTEN_S, self.ps.interval)
        if self._is_busy() and not self.tracker.in_flight and long_ago:
            self.ps.kick()

    def _hear(self, news: bool) -> None:
        if news:
            self._changed()

    def request_ended(self, request: Request, record: Record | None) -> None:
        """Pass a request on to the request log, and to the history unless nothing in it is new."""
        self.finished.tell(lambda log: log.request_ended(request, record))
        # What is known later makes the same entry better: when it ended, and why.
        if record is not None or request.outcome not in {"ok", "cut"}:
            self.history.tell(lambda history: history.request_ended(request))

    def request_superseded(self, id: str) -> None:
        """Pass it on to the request log; the history keeps every try."""
        self.finished.tell(lambda log: log.request_superseded(id))

    def _busy_digests(self) -> set[str | None]:
        return {self.names.digest(r.model_name) for r in self.ps.value or () if r.in_use}

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """The health of all that is asked of the runner, and of the configurations' file."""
        return (*(source.state for source in self._all()), *self.configurations.states)

    def facts(self, cpu_count: int | None) -> RunnerFacts:
        """Return what is known of the runner now; `cpu_count` is that of this computer."""
        return RunnerFacts(
            runner=self._runner(cpu_count),
            models=self._model_rows(self.engines()),
            in_flight=self.tracker.in_flight,
            finished=self.tracker.finished[-SHOWN_FINISHED:],
            throughput=self._throughput_now(),
            lost=self.configurations.lost,
            clock_offset=self.client.clock.seconds,
        )

    def _runner(self, cpu_count: int | None) -> Runner:
        endpoint = self.client.endpoint
        used = None if self.ps.value is None else len(self.ps.value)
        total = None
        if endpoint.is_this_machine and cpu_count is not None:
            total = min(cpu_count, RUNNER_SLOTS)
        return Runner(
            up=self.down_since is None,
            endpoint=endpoint,
            version=self.version,
            banner=self.banner,
            backends=self.status.value or (),
            latency_ms=self._latency.shown,
            down_since=self.down_since,
            down_reason=self.down_reason,
            models_bytes=self.disk.value.models_disk_usage if self.disk.value else None,
            slots_used=used,
            # More than there can be: it does not run on these processors.
            slots_total=None if total is None or (used or 0) > total else total,
        )

    def _throughput_now(self) -> Throughput:
        # The windows move in steps of one bin, so nothing else needs to be counted again.
        key = (self.tracker.finished, int(self.now // (WINDOW_S / BINS)))
        if self._throughput is None or self._throughput[0] != key:
            self._throughput = (key, self.tracker.throughput(self.now))
        return self._throughput[1]

    def _model_rows(self, engines: LoggedEngines) -> tuple[ModelRow, ...]:
        """Return one row for each model, joined again only if something changed."""
        if self.models.state.health == "waiting":
            # Until the list has come, everything that is loaded would look unmatched.
            return ()
        loaded = Loaded(
            ps=self.ps.value or (),
            since=self._busy_since(),
            facts=engines.facts,
            # The next best source where the log cannot be read.
            request_contexts={} if engines.readable else dict(self.tracker.configured_contexts),
            configured=self.configured.value or (),
            clock_offset=self.client.clock.seconds,
        )
        if self._rows is None or self._rows[:2] != (loaded, self.installed):
            self._rows = (loaded, self.installed, self.installed.rows(loaded))
        return self._rows[2]

    def _busy_since(self) -> dict[tuple[str, str], float]:
        """Return when each busy or loading runner began: its oldest request, or its first sight."""
        started: dict[str, float] = {}
        for request in self.tracker.in_flight:
            if request.digest is not None:
                started.setdefault(request.digest, request.started_at)
        since = {}
        for (name, mode), (state, seen) in self._since.items():
            digest = self.names.digest(name) or ""
            since[name, mode] = started.get(digest, seen) if state == "busy" else seen
        return since
