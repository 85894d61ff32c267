"""The monitor on an event loop in a thread of its own: stamps must not wait for a repaint."""

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from anyio.from_thread import BlockingPortal, start_blocking_portal

from dmr_tui.machine.probe import MachineProbe
from dmr_tui.measure.meter import Turn
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.crashes import Crash, Supervisor
from dmr_tui.monitor.later_parts import Actions, Stoppable
from dmr_tui.monitor.poller import Poller
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.request import Request
from dmr_tui.state.plan import Plan, Progress
from dmr_tui.state.prompt import Prompt
from dmr_tui.state.replies import Bodies, RemoteModel, StoredConfigResult
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Snapshot


class Monitor(Protocol):
    """A monitor, as the screens need it; the callbacks come from its own thread."""

    @property
    def read_only(self) -> bool:
        """Refuse prompts and changes."""
        ...

    def start(self, publish: Callable[[Snapshot], None], crashed: Callable[[Crash], None]) -> None:
        """Begin; `publish` gets a Snapshot at each change and at least once an interval.

        `crashed` hears of each part that failed by an error of dmr-tui and begins again.
        """
        ...

    def stop(self) -> None:
        """End everything, and wait until no socket, thread or task is left.

        Not to be called on the UI thread while there is a UI: the end may wait for a disk.
        """
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

    def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        """Get prompt and answer of a request, from the runner or else from the archive."""
        ...

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Callable[[], None]:
        """Send a recorded request again to `model`; as `ask`."""
        ...

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Callable[[], None]:
        """Load or unload; returns what stops it. The last Progress published has `ended`."""
        ...

    def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
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
        """Forget what the warning `key` is about: the user does not want to hear of it again."""
        ...

    def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
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
        archive: ArchiveOptions | None = None,
        kept: Path | None = None,
        thresholds: Thresholds = DEFAULTS,
    ) -> None:
        """With an `archive` the requests of before are there as well, and those of now are kept.

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
        self._crashed: Callable[[Crash], None] = lambda crash: None
        self._supervisor = Supervisor(lambda crash: self._crashed(crash))

    def start(self, publish: Callable[[Snapshot], None], crashed: Callable[[Crash], None]) -> None:
        """Begin to poll."""
        self._crashed = crashed
        self._portal = self._open.enter_context(start_blocking_portal(name="dmr-tui monitor"))
        self._task = self._portal.start_task_soon(self._run, publish)

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

        async def kick(poller: Poller) -> None:
            poller.kick()

        self._begin(kick)

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Callable[[], None]:
        """Send a prompt to the runner that was found."""
        return self._start(lambda actions: actions.ask(prompt, publish))

    def look(self, view: View) -> None:
        """Say what the open screen needs."""
        self._view = view

        async def look(poller: Poller) -> None:
            poller.look(view)

        self._begin(look)

    def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call a caller by another name."""
        self._do(lambda actions: actions.name_caller(caller, name, limit))

    def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        """Get prompt and answer of a request."""
        self._do(lambda actions: actions.bodies(request, publish))

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Callable[[], None]:
        """Send a recorded request again."""
        return self._start(lambda actions: actions.replay(request, model, publish))

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Callable[[], None]:
        """Load or unload."""
        return self._start(lambda actions: actions.run_plan(plan, publish))

    def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
        """Ask a registry."""
        self._do(lambda actions: actions.look_up(name, publish))

    def pull(self, name: str) -> None:
        """Download a model."""
        if not self.read_only:
            self._do(lambda actions: actions.pull(name))

    def stop_pull(self, name: str) -> None:
        """End a download."""
        self._do(lambda actions: actions.stop_pull(name))

    def forget_pulls(self) -> None:
        """Drop the downloads that are over."""
        self._do(lambda actions: actions.forget_pulls())

    def dismissed(self, key: str) -> None:
        """Forget what that warning is about, if it is to be forgotten."""
        self._do(lambda actions: actions.dismissed(key))

    def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
    ) -> None:
        """Read what is stored."""
        self._do(lambda actions: actions.stored_config(digest, mode, publish))

    def _do(self, action: Callable[[Actions], Awaitable[object]]) -> None:
        async def done(poller: Poller) -> None:
            await action(poller.later.actions)

        self._begin(done)

    def _start(self, make: Callable[[Actions], Stoppable]) -> Callable[[], None]:
        """Begin what can be stopped, and return what stops it."""
        started = _Started(make)
        self._begin(started.run)
        return lambda: self._begin(started.stop)

    def _begin(self, do: Callable[[Poller], Awaitable[object]]) -> None:
        """Do it on the monitor's loop; an error of it is reported like one of the monitor."""

        async def done() -> None:
            # The task that makes the poller was begun before this one.
            if self._poller is not None:
                await do(self._poller)

        if self._portal is not None:
            task = self._portal.start_task_soon(done)
            task.add_done_callback(self._report)

    def _report(self, task: Future[Any]) -> None:
        with suppress(CancelledError):
            if (error := task.exception()) is not None:
                self._supervisor.failed(error, "what was asked for")

    async def _run(self, publish: Callable[[Snapshot], None]) -> None:
        try:
            await self._supervisor.keep("the monitor", partial(self._poll, publish))
        finally:
            self._probe.close()

    async def _poll(self, publish: Callable[[Snapshot], None]) -> None:
        self._poller = Poller(
            self._places,
            self._probe,
            publish,
            interval=self._interval,
            read_only=self.read_only,
            archive=self._archive,
            kept=self._kept,
            thresholds=self._thresholds,
            supervisor=self._supervisor,
        )
        self._poller.look(self._view)
        await self._poller.run()


class _Started:
    """An action that may be stopped before it is made."""

    def __init__(self, make: Callable[[Actions], Stoppable]) -> None:
        self._make = make
        self._action: Stoppable | None = None
        self._stopped = False

    async def run(self, poller: Poller) -> None:
        self._action = self._make(poller.later.actions)
        if self._stopped:
            self._action.stop()
        await self._action.run()

    async def stop(self, poller: Poller) -> None:
        self._stopped = True
        if self._action is not None:
            self._action.stop()
