"""The history of a runner: the events of its log, `ps`, the feed and the polls, each once.

The first paint does without it, so it is imported and begun later.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from msgspec import structs

from dmr_tui.measure.request_numbers import ended, timed_out_after
from dmr_tui.monitor.history.config_changes import ConfigChanges, Drift
from dmr_tui.monitor.history.error_events import ErrorEvents
from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.loads import Loads
from dmr_tui.monitor.history.ps_loads import PsLoads
from dmr_tui.monitor.history.reloads import Reloads
from dmr_tui.monitor.history.unloads import KeepAlives, Unloads
from dmr_tui.monitor.log.log_reader import LogReader
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.monitor.source import Crashed
from dmr_tui.runner import wire
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import error_text, explain_text, telling_line
from dmr_tui.runner.logs import log_event as log
from dmr_tui.runner.names import Names
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.runner.wire import Configured, Running
from dmr_tui.state.engine_facts import LoggedEngines
from dmr_tui.state.event import (
    ClientLeftDetail,
    Detail,
    ErrorDetail,
    Event,
    EventKind,
    RunnerLostDetail,
    RunnerStartDetail,
    Severity,
)


class Timeline:
    """Collects events; times by the runner's clock.

    A log may be read again from its beginning, as often as need be: keys are made of what happened
    and when, and what is known of an event is never replaced by what one line of it says.
    """

    def __init__(self) -> None:
        self._list = EventList()
        self._refs: dict[str, str] = {}
        """By digest, the name in the last request: `ps` has only that."""
        self._keep_alives = KeepAlives()
        self._reloads = Reloads(self._list)
        self._ps_reloads = Reloads(self._list)
        self._drift = Drift(self._list)
        self._changes = ConfigChanges(self._list)
        self._errors = ErrorEvents(self._list)
        self._loads = Loads(self._list, self._reloads, self._drift)
        self._unloads = Unloads(self._list, self._reloads, self._keep_alives.seconds)
        self._ps = PsLoads(self._list, self._ps_reloads)
        self._now = 0.0
        self._newest: log.LogEvent | None = None
        self._until: log.LogEvent | None = None
        """The last event of the log before it was read again."""
        self._log_began = False
        self._takers: dict[type, Callable[[Any], None]] = {
            log.RunnerStarted: self._runner_started,
            log.RunnerStopping: lambda e: self._unloads.stopping(e.at),
            log.ModelRequested: self._wanted,
            log.LoadStarted: self._load_started,
            log.SlotsReady: self._loads.slots_ready,
            log.Loaded: self._load_ended,
            log.Listening: self._load_ended,
            log.LoadFailed: self._load_failed,
            log.EngineExited: self._engine_exited,
            log.Unloaded: self._unloaded,
            log.EvictingForRoom: self._unloads.making_room,
            log.Evicted: self._evicted,
            log.NothingToUnload: self._nothing_to_unload,
            log.Configuring: self._configuring,
            log.OllamaOptions: lambda e: self._changes.ollama(e.at),
            log.ConfigurationKept: lambda e: self._changes.kept(),
            log.OutOfMemory: self._loads.lacks_memory,
            log.ErrorLine: self._error,
            log.TaskLaunched: self._slot_used,
            log.TaskReleased: self._slot_used,
        }

    @property
    def events(self) -> tuple[Event, ...]:
        """Oldest first; the same object until something changes."""
        return self._list.events

    def take_log(self, event: log.LogEvent) -> None:
        """Take the event of a line of the log, in the log's order."""
        if not event.at:
            # A line without a stamp belongs to the one before.
            event = structs.replace(event, at=self._now)
        self._now = event.at
        self._newest = event
        if event == self._until:
            self._until, self._list.again = None, False
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)
        self._log_began = True

    def restart_log(self) -> None:
        """Expect a log from its beginning, the same one or another."""
        if self._newest is not None:
            self._until, self._list.again = self._newest, True
        self._log_began = False
        self._now = 0.0
        for part in (
            self._reloads,
            self._drift,
            self._changes,
            self._errors,
            self._loads,
            self._unloads,
        ):
            part.restart()

    def take_ps(
        self,
        before: list[wire.Running],
        now: list[wire.Running],
        at: float,
        *,
        log_readable: bool = True,
    ) -> None:
        """Take two answers of `ps`, the second one of a request at `at`.

        Loads and unloads are taken from them only if the log cannot be read.
        """
        self._keep_alives.take_ps(before, now, at)
        if not log_readable:
            self._ps.take(before, now, at)
            return
        loading = {(run.model_name, run.mode) for run in before if run.loading}
        for run in now:
            if not run.loading and (run.model_name, run.mode) in loading:
                self._loads.ready(run.backend_name, at)
        self._take_errors(at)

    def take_configured(
        self, before: list[wire.Configured], now: list[wire.Configured], at: float
    ) -> None:
        """Take what is configured, and what was before."""
        self._keep_alives.take_configured(now, at)
        self._changes.seen(before, now, at)

    def take_request(self, request: Request) -> None:
        """Take a request that ended, well or not."""
        if request.digest is not None:
            self._refs[request.digest] = request.model
        for reloads in (self._reloads, self._ps_reloads):
            reloads.requested(request.digest, request.model, request.started_at, request.caller)
        event = request_event(request)
        if event is not None:
            self._list.put(event)
            if isinstance(event.detail, ErrorDetail):
                self._errors.request_failed(event.detail, event.at)

    def runner_lost(self, at: float, reason: str) -> None:
        """Note that the runner does not answer any more."""
        detail = RunnerLostDetail(reason)
        self._list.put(Event(f"lost:{at:.3f}", at, "runner lost", detail, "poll", "error"))

    def runner_back(self, at: float, seconds: float) -> None:
        """Note that the runner answers again, after that many seconds."""
        event = Event(f"back:{at:.3f}", at, "runner back", None, "poll", "good", seconds=seconds)
        self._list.put(event)

    def _runner_started(self, event: log.RunnerStarted) -> None:
        loaded = self._loads.runner_started(event.at)
        self._unloads.runner_started()
        self._drift.touch(None, "restart")
        detail = RunnerStartDetail(loaded, log_begins=not self._log_began)
        key = f"start:{event.at:.6f}"
        self._list.put(Event(key, event.at, "runner started", detail, "log"))

    def _wanted(self, event: log.ModelRequested) -> None:
        self._unloads.wanted((event.digest or "", event.mode), event.at)

    def _load_started(self, event: log.LoadStarted) -> None:
        digest, key = event.digest, (event.digest or "", event.mode)
        if digest is not None:
            self._changes.loaded(digest, self._loads.asked(key), event.context_size)
        self._loads.started(event)
        self._ps.superseded("load", event.at, self._refs.get(digest or "", ""))

    def _load_ended(self, event: log.Loaded | log.Listening) -> None:
        ended = self._loads.ended(event)
        if ended is None:
            return
        self._unloads.used(ended, event.at, ended=True)
        self._take_errors(event.at)

    def _load_failed(self, event: log.LoadFailed) -> None:
        model = self._loads.failed(event)
        if model:
            self._unloads.load_ended(model)

    def _engine_exited(self, event: log.EngineExited) -> None:
        self._loads.exited(event)
        self._unloads.engine_died(event.model)

    def _unloaded(self, event: log.Unloaded) -> None:
        if event.digest is not None and event.model:
            self._refs[event.digest] = event.model
        self._loads.unloaded((event.digest or "", event.mode))
        self._unloads.unloaded(event)
        self._ps.superseded("unload", event.at, event.model)

    def _evicted(self, event: log.Evicted) -> None:
        if self._unloads.evicted(event.at):
            self._drift.touch(None, "unload")

    def _nothing_to_unload(self, event: log.NothingToUnload) -> None:
        if self._unloads.nothing_to_unload(event.digest):
            self._drift.touch(event.digest, "unload")

    def _configuring(self, event: log.Configuring) -> None:
        ollama = self._changes.logged(event)
        self._unloads.configuring(event.digest)
        if event.digest is not None:
            self._drift.touch(event.digest, "ollama" if ollama else "user")

    def _error(self, event: log.ErrorLine) -> None:
        if event.engine:
            self._loads.engine_error(event)
            self._take_errors(event.at)
        else:
            self._errors.take(event)

    def _take_errors(self, at: float) -> None:
        for error in self._loads.errors(at):
            self._errors.take(error)

    def _slot_used(self, event: log.TaskLaunched | log.TaskReleased) -> None:
        key = self._loads.engine_of(event.born)
        if key is not None:
            self._unloads.used(key, event.at, ended=isinstance(event, log.TaskReleased))


def request_event(request: Request) -> Event | None:
    """The event of a request that failed or was left; None for any other."""
    if request.outcome == "client left":
        left = ClientLeftDetail(request.caller, timed_out_after(request))
        return _event(request, "client left", left, "warning")
    if request.outcome not in FAILURES:
        return None
    quote, status = error_text(request), request.status
    error = ErrorDetail(quote, explain_text(status, quote).kind, status)
    lacked = request.outcome == "out of memory"
    return _event(request, "out of memory" if lacked else "request failed", error, "error")


def _event(request: Request, kind: EventKind, detail: Detail, severity: Severity) -> Event:
    return Event(
        f"request:{request.id}",
        ended(request),
        kind,
        detail,
        "feed",
        severity,
        request.model,
        request.digest,
        request.duration,
        request.id,
    )


class History:
    """Adds what other sources notice to the timeline, and has the log read for more."""

    def __init__(
        self,
        client: RunnerClient,
        interval: float,
        changed: Callable[[], None],
        clock: Callable[[], float],
        tracker: RequestTracker,
        names: Callable[[], Names],
        timeline: Timeline | None = None,
        crashed: Crashed = lambda error, part: None,
    ) -> None:
        """Tell `tracker` what the log says of requests; `timeline` of the same runner goes on.

        `names` returns those of the models that are installed now.
        """
        self.timeline = timeline or Timeline()
        self.log = LogReader(
            client,
            interval,
            changed,
            clock,
            restart=self.timeline.restart_log,
            take=self.timeline.take_log,
            read=self._log_was_read,
            crashed=crashed,
        )
        self._tracker = tracker
        self._names = names

    @property
    def log_readable(self) -> bool:
        """False if the log is known to be unreadable."""
        return self.log.source.state.health in {"ok", "waiting"}

    def engines(self) -> LoggedEngines:
        """Return what the log says of the engines."""
        return LoggedEngines(MappingProxyType(dict(self.log.engines.facts)), self.log_readable)

    def running_is(
        self, before: list[Running] | None, now: list[Running], names: Names, asked_at: float
    ) -> None:
        """Take an answer of `GET /engines/ps`, and the one before."""
        self.log.check(now, names, asked_at)
        if before is not None and _loads(before) != _loads(now):
            self.timeline.take_ps(before, now, asked_at, log_readable=self.log_readable)
            self.log.want()

    def configured_is(
        self, before: list[Configured], now: list[Configured], changed: set[str], at: float
    ) -> None:
        """Take the stored configurations; the models that `changed` are loaded again.

        That often happens between two answers of `ps`.
        """
        for digest in changed:
            self.log.engines.gone(digest)
        self.timeline.take_configured(before, now, at)
        self.log.want()

    def request_ended(self, request: Request) -> None:
        """Add a request that ended badly to the timeline; the log may say more of it."""
        self.timeline.take_request(request)
        if request.outcome not in {"ok", "cut"}:
            self.log.want()

    def runner_lost(self, at: float, reason: str) -> None:
        """Note that the runner does not answer any more."""
        self.timeline.runner_lost(at, reason)

    def runner_back(self, at: float, seconds: float) -> None:
        """Note that the runner answers again, after so many seconds."""
        self.timeline.runner_back(at, seconds)
        self.log.want()

    def _log_was_read(self) -> None:
        for digest, facts in self.log.engines.facts.items():
            if facts.ready_at is not None:
                self._tracker.tell_load(digest, facts.started_at, facts.ready_at, facts.context)
        self._tracker.tell_tasks(self.log.tasks)
        for exit in self.log.take_exits():
            if (died := self._names().digest(exit.model)) is not None:
                self._tracker.tell_exit(died, exit.at, telling_line(exit.error))


def _loads(running: list[Running]) -> list[tuple[str, str, bool]]:
    return [(run.model_name, run.mode, run.loading) for run in running]
