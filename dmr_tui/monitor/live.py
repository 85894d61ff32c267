"""The monitor on an event loop in a thread of its own: stamps must not wait for a repaint."""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from typing import Protocol

from anyio.from_thread import BlockingPortal, start_blocking_portal

from dmr_tui.machine.probe import MachineProbe
from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.chat import Ask, Prompt
from dmr_tui.monitor.poller import Poller
from dmr_tui.monitor.snapshot import Snapshot
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.explain import Explanation


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


class LiveMonitor:
    """Watches a real runner."""

    def __init__(
        self,
        candidates: Sequence[Endpoint],
        probe: MachineProbe,
        *,
        interval: float = 1.0,
        read_only: bool = False,
    ) -> None:
        self.read_only = read_only
        self._candidates = candidates
        self._probe = probe
        self._interval = interval
        self._open = ExitStack()
        self._portal: BlockingPortal | None = None
        self._poller: Poller | None = None
        self._task: Future[None] | None = None

    def start(
        self, publish: Callable[[Snapshot], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Begin to poll."""
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
            self._portal.start_task_soon(self._kick)

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Callable[[], None]:
        """Send a prompt to the runner that was found."""
        watch = None if self._poller is None else self._poller.watch
        if self._portal is None or watch is None:
            nobody = Explanation("No runner to ask", "", "The prompt was not sent.")
            publish(Turn(prompt.model, ended=True, failure=nobody))
            return lambda: None
        portal = self._portal
        ask = Ask(watch.client, watch.installed, prompt, publish)
        task = portal.start_task_soon(ask.run)
        # What was asked for is soon to be seen: loading, busy, the finished call.
        self.kick()
        return lambda: None if task.done() else _soon(portal, ask.stop)

    async def _run(self, publish: Callable[[Snapshot], None]) -> None:
        self._poller = Poller(
            self._candidates,
            self._probe,
            publish,
            interval=self._interval,
            read_only=self.read_only,
        )
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


def _report(task: "Future[None]", failed: Callable[[BaseException], None]) -> None:
    try:
        error = task.exception()
    except CancelledError:
        return
    if error is not None:
        failed(error)
