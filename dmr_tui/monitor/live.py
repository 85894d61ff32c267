"""The monitor on an event loop in a thread of its own: stamps must not wait for a repaint."""

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

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


class Monitor:
    """Watches a runner; what it is given to call is called in a thread of its own."""

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
        self._probe = probe
        self._crashed: Callable[[Crash], None] = lambda crash: None
        self._supervisor = Supervisor(lambda crash: self._crashed(crash))
        self._make_poller = partial(
            Poller,
            places,
            probe,
            interval=interval,
            read_only=read_only,
            archive=archive,
            kept=kept,
            thresholds=thresholds,
            supervisor=self._supervisor,
        )
        self._open = ExitStack()
        self._portal: BlockingPortal | None = None
        self._poller: Poller | None = None
        self._view = View()
        self._task: Future[None] | None = None

    def start(self, publish: Callable[[Snapshot], None], crashed: Callable[[Crash], None]) -> None:
        """Begin; `publish` gets a Snapshot at each change and at least once an interval.

        `crashed` hears of each part that failed by an error of dmr-tui and begins again.
        """
        self._crashed = crashed
        self._portal = self._open.enter_context(start_blocking_portal(name="dmr-tui monitor"))
        self._task = self._portal.start_task_soon(self._run, publish)

    def stop(self) -> None:
        """End every task, close every socket, join the thread.

        Not to be called on the UI thread while there is a UI: the end may wait for a disk.
        """
        if self._portal is None or self._task is None:
            return
        self._task.cancel()
        self._portal.call(self._portal.stop, True)
        self._open.close()
        self._portal = None

    def kick(self) -> None:
        """Ask everything again now."""
        self._begin(lambda poller: poller.kick())

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Callable[[], None]:
        """Send a prompt; returns what stops it. The last Turn published has `ended`."""
        return self._start(lambda actions: actions.ask(prompt, publish))

    def look(self, view: View) -> None:
        """Say what the open screen needs; the next Snapshots hold it."""
        self._view = view
        self._begin(lambda poller: poller.look(view))

    def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call `caller` by that name ("" for its own), and know its time limit in seconds."""
        self._do(lambda actions: actions.name_caller(caller, name, limit))

    def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        """Get prompt and answer of a request, from the runner or else from the archive."""
        self._do(lambda actions: actions.bodies(request, publish))

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Callable[[], None]:
        """Send a recorded request again to `model`; as `ask`."""
        return self._start(lambda actions: actions.replay(request, model, publish))

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Callable[[], None]:
        """Carry out a plan; returns what stops it. The last Progress published has `ended`."""
        return self._start(lambda actions: actions.run_plan(plan, publish))

    def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
        """Ask a registry what it has under `name`; nothing is downloaded."""
        self._do(lambda actions: actions.look_up(name, publish))

    def pull(self, name: str) -> None:
        """Have the runner download a model; Snapshots tell how far it is."""
        if not self.read_only:
            self._do(lambda actions: actions.pull(name))

    def stop_pull(self, name: str) -> None:
        """End a download; what has come stays for the next try."""
        self._do(lambda actions: actions.stop_pull(name))

    def forget_pulls(self) -> None:
        """Drop the downloads that are over."""
        self._do(lambda actions: actions.forget_pulls())

    def dismissed(self, key: str) -> None:
        """Forget what the warning `key` is about: the user does not want to hear of it again."""
        self._do(lambda actions: actions.dismissed(key))

    def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
    ) -> None:
        """Read the whole configuration of a model as it is stored."""
        self._do(lambda actions: actions.stored_config(digest, mode, publish))

    def _do(self, action: Callable[[Actions], Awaitable[object]]) -> None:
        self._begin(lambda poller: action(poller.later.actions))

    def _start(self, make: Callable[[Actions], Stoppable | None]) -> Callable[[], None]:
        """Begin what can be stopped, and return what stops it."""
        made: list[Stoppable] = []

        async def run(poller: Poller) -> None:
            if (action := make(poller.later.actions)) is not None:
                made.append(action)
                await action.run()

        def stop(poller: Poller) -> None:
            # What was begun before this has been made: the loop keeps the order.
            for action in made:
                action.stop()

        self._begin(run)
        return lambda: self._begin(stop)

    def _begin(self, do: Callable[[Poller], Awaitable[object] | None]) -> None:
        """Do it on the monitor's loop; an error of it is reported like one of the monitor."""

        async def done() -> None:
            # The task that makes the poller was begun before this one.
            if self._poller is not None and (doing := do(self._poller)) is not None:
                await doing

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
        self._poller = self._make_poller(publish)
        self._poller.look(self._view)
        await self._poller.run()
