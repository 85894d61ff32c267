"""The monitor on an event loop in a thread of its own: stamps must not wait for a repaint."""

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from anyio.from_thread import BlockingPortal, start_blocking_portal

from dmr_tui.machine.probe import MachineProbe
from dmr_tui.measure.meter import Turn
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.actions.chat import Ask, Prompt
from dmr_tui.monitor.poller import Poller
from dmr_tui.monitor.requests.request_log import OpenArchive
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Snapshot

if TYPE_CHECKING:
    from dmr_tui.monitor.actions.plans import Plan
    from dmr_tui.monitor.actions.remote_model import RemoteModel
    from dmr_tui.monitor.actions.replay import Bodies
    from dmr_tui.monitor.actions.run import Progress
    from dmr_tui.monitor.actions.saved_configs import StoredConfigResult


class Monitor(Protocol):
    """What the screens need of a monitor; the callbacks come from its own thread."""

    @property
    def read_only(self) -> bool:
        """Whether prompts are refused."""
        ...

    def start(
        self, publish: Callable[[Snapshot], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Begin; `publish` gets a Snapshot at each change and at least once an interval."""
        ...

    def stop(self) -> None:
        """End everything; no socket, thread or task is left."""
        ...

    def kick(self) -> None:
        """Ask everything again now."""
        ...

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Callable[[], None]:
        """Send a prompt; returns what stops it. The last Turn published has `ended`."""
        ...

    def look(self, view: View) -> None:
        """Say what the open screen needs; the next Snapshots hold it."""
        ...

    def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call `caller` by that name ("" for its own), and know its time limit in seconds."""
        ...

    def bodies(self, request: Request, publish: "Callable[[Bodies], None]") -> None:
        """Get prompt and answer of a call, from the runner or else from the archive."""
        ...

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Callable[[], None]:
        """Send a recorded call again to `model`; as `ask`."""
        ...

    def run_plan(self, plan: "Plan", publish: "Callable[[Progress], None]") -> Callable[[], None]:
        """Load or unload; returns what stops it. The last Progress published has `ended`."""
        ...

    def look_up(self, name: str, publish: "Callable[[RemoteModel], None]") -> None:
        """Ask a registry what it has under `name`; nothing is downloaded."""
        ...

    def pull(self, name: str) -> None:
        """Have the runner download a model; Snapshots tell how far it is."""
        ...

    def stop_pull(self, name: str) -> None:
        """End a download; what has come stays for the next try."""
        ...

    def forget_pulls(self) -> None:
        """Drop the downloads that are over."""
        ...

    def dismissed(self, key: str) -> None:
        """A person does not want to hear of the warning `key`, not even after the next start."""
        ...

    def stored_config(
        self, digest: str, mode: str, publish: "Callable[[StoredConfigResult], None]"
    ) -> None:
        """Read the whole configuration of a model as it is stored."""
        ...


class LiveMonitor:
    """Watches a real runner."""

    def __init__(
        self,
        places: Places | Sequence[Endpoint],
        probe: MachineProbe,
        *,
        interval: float = 1.0,
        read_only: bool = False,
        archive: OpenArchive | None = None,
        kept: Path | None = None,
        thresholds: Thresholds = DEFAULTS,
    ) -> None:
        """With an `archive` the calls of before are there as well, and those of now are kept.

        What loads took and what models were configured to is remembered in the folder `kept`.
        """
        self.read_only = read_only
        self._kept = kept
        self._thresholds = thresholds
        self._archive = archive
        self._places = places
        self._probe = probe
        self._interval = interval
        self._open = ExitStack()
        self._portal: BlockingPortal | None = None
        self._poller: Poller | None = None
        self._view = View()
        self._task: Future[None] | None = None
        self._failed: Callable[[BaseException], None] = lambda error: None

    def start(
        self, publish: Callable[[Snapshot], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Begin to poll."""
        self._failed = failed
        self._portal = self._open.enter_context(start_blocking_portal(name="dmr-tui monitor"))
        self._task = self._portal.start_task_soon(self._run, publish)
        self._task.add_done_callback(lambda task: _report(task, failed))

    def stop(self) -> None:
        """End every task, close every socket, join the thread."""
        if self._portal is None or self._task is None:
            return
        self._task.cancel()
        self._portal.call(self._portal.stop, True)
        self._open.close()
        self._portal = None

    def kick(self) -> None:
        """Ask everything again now."""
        if self._portal is not None and self._poller is not None:
            self._begin(self._kick)

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Callable[[], None]:
        """Send a prompt to the runner that was found."""
        watch = None if self._poller is None else self._poller.watch
        if self._portal is None or watch is None:
            nobody = Explanation("No runner to ask", "", "The prompt was not sent.")
            publish(Turn(prompt.model, ended=True, failure=nobody))
            return lambda: None
        portal = self._portal
        ask = Ask(watch.client, watch.installed, prompt, publish)
        task = self._begin(ask.run)
        # What was asked for is soon to be seen: loading, busy, the finished call.
        self.kick()
        return lambda: None if task.done() else _soon(portal, ask.stop)

    def look(self, view: View) -> None:
        """Say what the open screen needs."""
        self._view = view
        if self._portal is not None:
            self._begin(self._look)

    def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call a caller by another name."""
        if self._portal is not None and self._poller is not None:
            self._begin(self._poller.request_log.name_caller, caller, name, limit)

    def bodies(self, request: Request, publish: "Callable[[Bodies], None]") -> None:
        """Get prompt and answer of a call."""
        from dmr_tui.monitor.actions.replay import tell_bodies

        if self._portal is not None and self._poller is not None:
            self._begin(tell_bodies, self._poller, request, publish)

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Callable[[], None]:
        """Send a recorded call again."""
        from dmr_tui.monitor.actions.replay import Replay

        if self._portal is None or self._poller is None:
            return lambda: None
        portal, again = self._portal, Replay(request, model, publish)
        task = self._begin(again.run, self._poller)
        return lambda: None if task.done() else _soon(portal, again.stop)

    def run_plan(self, plan: "Plan", publish: "Callable[[Progress], None]") -> Callable[[], None]:
        """Load or unload."""
        from dmr_tui.monitor.actions.run import ActionRun

        if self._portal is None or self._poller is None:
            return lambda: None
        portal, doing = self._portal, ActionRun(plan, publish)
        task = self._begin(doing.run, self._poller)
        return lambda: None if task.done() else _soon(portal, doing.stop)

    def look_up(self, name: str, publish: "Callable[[RemoteModel], None]") -> None:
        """Ask a registry."""
        if self._portal is not None and self._poller is not None:
            self._begin(self._poller.look_up, name, publish)

    def pull(self, name: str) -> None:
        """Download a model."""
        if self._portal is not None and self._poller is not None and not self.read_only:
            self._begin(self._poller.pull, name)

    def stop_pull(self, name: str) -> None:
        """End a download."""
        pulls = None if self._poller is None else self._poller.pulls
        if self._portal is not None and pulls is not None:
            _soon(self._portal, partial(pulls.stop, name))

    def forget_pulls(self) -> None:
        """Drop those that are over."""
        pulls = None if self._poller is None else self._poller.pulls
        if self._portal is not None and pulls is not None:
            _soon(self._portal, pulls.forget)

    def dismissed(self, key: str) -> None:
        """Forget what that warning is about, if it is to be forgotten."""
        from dmr_tui.monitor.actions.saved_configs import forget_lost

        if self._portal is not None and self._poller is not None:
            self._begin(forget_lost, self._poller, key)

    def stored_config(
        self, digest: str, mode: str, publish: "Callable[[StoredConfigResult], None]"
    ) -> None:
        """Read what is stored."""
        from dmr_tui.monitor.actions.saved_configs import tell_stored

        if self._portal is not None and self._poller is not None:
            self._begin(tell_stored, self._poller, digest, mode, publish)

    def _begin(self, do: Callable[..., Awaitable[object]], *what: object) -> "Future[object]":
        """Do it on the monitor's loop; a mistake in it is told like one of the monitor."""
        assert self._portal is not None
        task = self._portal.start_task_soon(do, *what)
        task.add_done_callback(lambda task: _report(task, self._failed))
        return task

    async def _look(self) -> None:
        if self._poller is not None:
            self._poller.look(self._view)

    async def _run(self, publish: Callable[[Snapshot], None]) -> None:
        self._poller = Poller(
            self._places,
            self._probe,
            publish,
            interval=self._interval,
            read_only=self.read_only,
            archive=self._archive,
            kept=self._kept,
            thresholds=self._thresholds,
        )
        self._poller.look(self._view)
        try:
            await self._poller.run()
        finally:
            self._probe.close()

    async def _kick(self) -> None:
        if self._poller is not None:
            self._poller.kick()


def _soon(portal: BlockingPortal, call: Callable[[], None]) -> None:
    async def called() -> None:
        call()

    portal.start_task_soon(called)


def _report(task: "Future[Any]", failed: Callable[[BaseException], None]) -> None:
    try:
        error = task.exception()
    except CancelledError:
        return
    if error is not None:
        failed(error)
