"""The history of a runner: its log, and the timeline that log, ps, feed and configurations make.

The first paint does without it, so it is imported and begun later.
"""

from collections.abc import Callable
from types import MappingProxyType

from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.monitor.log.log_reader import LogReader
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import telling_line
from dmr_tui.runner.names import Names
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Configured, Running
from dmr_tui.state.engine_facts import LoggedEngines

READABLE = frozenset({"ok", "waiting"})


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
        )
        self._tracker = tracker
        self._names = names

    @property
    def log_readable(self) -> bool:
        """False if the log is known to be unreadable."""
        return self.log.source.state.health in READABLE

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

    def configured_is(self, before: list[Configured], now: list[Configured], at: float) -> None:
        """Take the stored configurations, which changed."""
        self.timeline.take_configured(before, now, at)
        self.log.want()

    def config_changed(self, digest: str) -> None:
        """Forget the engine of a model that is loaded again, often between two answers of `ps`."""
        self.log.engines.gone(digest)

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
